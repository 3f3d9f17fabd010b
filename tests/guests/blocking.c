/* Calls that block, and a signal that comes: EINTR, or the call goes on if the handler has SA_RESTART. The
 * signal is sent by a child that sees the caller asleep, so that nothing depends on time. A handler that
 * lets the call go on makes what the call waits for happen. */
#include "guest.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/un.h>

static enum entry entry;
static int handled;

/* What the handler does so that the interrupted call can end. */
static void (*wake)(void);

/* A pair, whose second end does not block; a socket that listens; one whose backlog is full. */
static int pair[2], listener, crowded;
static struct sockaddr_in listening;
static struct sockaddr_un crowd;

static void write_to_it(void) { (void)!write(pair[1], "woken", 5); }

static void read_all(void)
{
	char buffer[4096];
	while (read(pair[1], buffer, sizeof buffer) > 0)
		;
}

static void connect_to_it(void)
{
	int client = socket(AF_INET, SOCK_STREAM, 0);
	connect(client, (void *)&listening, sizeof listening);
	counted->stub += 2;
}

static void accept_one(void)
{
	close(accept(crowded, NULL, NULL));
	counted->stub++;
}

static void on_signal(int signal)
{
	(void)signal;
	int saved = errno;
	handled++;
	if (wake)
		wake();
	errno = saved;
}

static void handle(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };
	must("sigaction", sigaction(SIGUSR1, &action, NULL));
	handled = 0;
}

/* A child that signals this process as soon as it sleeps. */
static pid_t signal_when_asleep(void)
{
	pid_t parent = getpid(), child = must("fork", fork());
	if (child)
		return child;
	char name[64], line[512];
	snprintf(name, sizeof name, "/proc/%d/stat", parent);
	for (;;) {
		int file = open(name, O_RDONLY);
		ssize_t length = read(file, line, sizeof line - 1);
		close(file);
		line[length > 0 ? length : 0] = 0;
		char *state = strrchr(line, ')');
		if (state && state[2] == 'S')
			break;
		usleep(500);
	}
	kill(parent, SIGUSR1);
	_exit(0);
}

/* By the C library, recvmmsg and sendmmsg are direct calls. */
static long block(int call, long a, long b, long c, long d)
{
	if (entry != LIBC)
		return CALL(entry, call, a, b, c, d, 0, 0);
	if (call == SYS_RECVMMSG || call == SYS_SENDMMSG)
		counted->direct++;
	else
		counted->stub++;
	switch (call) {
	case SYS_CONNECT: return raw(connect(a, (void *)b, c));
	case SYS_ACCEPT: return raw(accept(a, (void *)b, (void *)c));
	case SYS_ACCEPT4: return raw(accept4(a, (void *)b, (void *)c, d));
	case SYS_SEND: return raw(send(a, (void *)b, c, d));
	case SYS_RECV: return raw(recv(a, (void *)b, c, d));
	case SYS_SENDTO: return raw(sendto(a, (void *)b, c, d, NULL, 0));
	case SYS_RECVFROM: return raw(recvfrom(a, (void *)b, c, d, NULL, NULL));
	case SYS_SENDMSG: return raw(sendmsg(a, (void *)b, c));
	case SYS_RECVMSG: return raw(recvmsg(a, (void *)b, c));
	case SYS_RECVMMSG: return raw(recvmmsg(a, (void *)b, c, d, NULL));
	case SYS_SENDMMSG: return raw(sendmmsg(a, (void *)b, c, d));
	default: return -ENOSYS;
	}
}

static void try(const char *what, int flags, void (*wake_by)(void), int call, int fd, long b, long c, long d)
{
	handle(flags);
	wake = flags & SA_RESTART ? wake_by : NULL;
	pid_t child = signal_when_asleep();
	say("%s, %s: ", what, flags & SA_RESTART ? "SA_RESTART" : "no flag");
	long result = block(call, fd, b, c, d);
	/* Descriptors of accepted connections are the next free one, here and natively. */
	show(calls[call].name, result);
	/* The child may be seen to end later than the call returns, and its signal only once. */
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	say("  handled %d\n", handled);
}

/* Not by a socket call, so that nothing is counted. */
static void fill(void)
{
	int flags = fcntl(pair[0], F_GETFL);
	must("fcntl", fcntl(pair[0], F_SETFL, flags | O_NONBLOCK));
	while (write(pair[0], "x", 1) == 1)
		;
	must("fcntl", fcntl(pair[0], F_SETFL, flags));
}

static void time_out(int option, int seconds)
{
	struct timeval timeout = { .tv_sec = seconds };
	must("setsockopt", setsockopt(pair[0], SOL_SOCKET, option, &timeout, sizeof timeout));
	counted->stub++;
}

int main(int count, char **arguments)
{
	char buffer[64] = "";
	socklen_t length = sizeof listening;
	entry = entry_of(count > 1 ? arguments[1] : NULL);
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	must("fcntl", fcntl(pair[1], F_SETFL, O_NONBLOCK));
	listener = must("socket", socket(AF_INET, SOCK_STREAM, 0));
	must("listen", listen(listener, 5));
	must("getsockname", getsockname(listener, (void *)&listening, &length));
	listening.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* An abstract name that nobody else has: unix(7), autobind. One connection fits into a backlog of 0. */
	crowded = must("socket", socket(AF_UNIX, SOCK_STREAM, 0));
	crowd.sun_family = AF_UNIX;
	must("bind", bind(crowded, (void *)&crowd, sizeof crowd.sun_family));
	must("listen", listen(crowded, 0));
	length = sizeof crowd;
	must("getsockname", getsockname(crowded, (void *)&crowd, &length));
	counted->stub += 8;

	struct iovec part = { buffer, sizeof buffer }, byte = { "y", 1 };
	struct msghdr in = { .msg_iov = &part, .msg_iovlen = 1 }, out = { .msg_iov = &byte, .msg_iovlen = 1 };
	struct mmsghdr several[2] = { { .msg_hdr = out }, { .msg_hdr = out } }, one = { .msg_hdr = in };
	for (int turn = 0; turn < 2; turn++) {
		int flags = turn ? SA_RESTART : 0;
		try("accept", flags, connect_to_it, SYS_ACCEPT, listener, 0, 0, 0);
		try("accept4", flags, connect_to_it, SYS_ACCEPT4, listener, 0, 0, SOCK_NONBLOCK);

		int first = must("socket", socket(AF_UNIX, SOCK_STREAM, 0)), second = must("socket", socket(AF_UNIX, SOCK_STREAM, 0));
		must("connect", connect(first, (void *)&crowd, length));
		counted->stub += 3;
		try("connect", flags, accept_one, SYS_CONNECT, second, (long)&crowd, length, 0);
		/* The listening end is left with nothing to accept. */
		wake = NULL;
		accept_one();
		close(first);
		close(second);

		try("recv", flags, write_to_it, SYS_RECV, pair[0], (long)buffer, sizeof buffer, 0);
		try("recvfrom", flags, write_to_it, SYS_RECVFROM, pair[0], (long)buffer, sizeof buffer, 0);
		try("recvmsg", flags, write_to_it, SYS_RECVMSG, pair[0], (long)&in, 0, 0);
		try("recvmmsg", flags, write_to_it, SYS_RECVMMSG, pair[0], (long)&one, 1, 0);
		/* Linux answers EINTR in spite of SA_RESTART where there is a timeout (signal(7)). */
		time_out(SO_RCVTIMEO, 100);
		try("recv with a timeout", flags, NULL, SYS_RECV, pair[0], (long)buffer, sizeof buffer, 0);
		time_out(SO_RCVTIMEO, 0);

		fill();
		try("send", flags, read_all, SYS_SEND, pair[0], (long)"z", 1, 0);
		fill();
		try("sendto", flags, read_all, SYS_SENDTO, pair[0], (long)"z", 1, 0);
		fill();
		try("sendmsg", flags, read_all, SYS_SENDMSG, pair[0], (long)&out, 0, 0);
		fill();
		try("sendmmsg", flags, read_all, SYS_SENDMMSG, pair[0], (long)several, 2, 0);
		fill();
		time_out(SO_SNDTIMEO, 100);
		try("send with a timeout", flags, NULL, SYS_SEND, pair[0], (long)"z", 1, 0);
		time_out(SO_SNDTIMEO, 0);
		read_all();
	}
	say("received \"%s\"\n", buffer);
	say_counts();
}
