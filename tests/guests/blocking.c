/* Calls that block, and a signal that comes: EINTR, or the call goes on if the handler has SA_RESTART. The
 * signal is sent by a child that sees the caller asleep, so that nothing depends on time. A handler that
 * lets the call go on sends what the call waits for. */
#include "guest.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>

static enum entry entry;
static int handled, wake = -1;
static struct sockaddr_in listening;

/* Makes whatever the interrupted call waits for happen. */
static void on_signal(int signal)
{
	(void)signal;
	int saved = errno;
	handled++;
	if (wake >= 0)
		(void)!write(wake, "woken", 5);
	if (wake == -2) {
		int client = socket(AF_INET, SOCK_STREAM, 0);
		counted->stub += 2;
		connect(client, (void *)&listening, sizeof listening);
	}
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

static long block(int call, long a, long b, long c, long d)
{
	if (entry != LIBC)
		return CALL(entry, call, a, b, c, d, 0, 0);
	counted->stub++;
	switch (call) {
	case SYS_ACCEPT: return raw(accept(a, (void *)b, (void *)c));
	case SYS_RECV: return raw(recv(a, (void *)b, c, d));
	case SYS_RECVFROM: return raw(recvfrom(a, (void *)b, c, d, NULL, NULL));
	case SYS_RECVMSG: return raw(recvmsg(a, (void *)b, c));
	default: return -ENOSYS;
	}
}

static void try(const char *what, int flags, int call, int fd, int wake_by, long b, long c, long d)
{
	handle(flags);
	wake = flags & SA_RESTART ? wake_by : -1;
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

int main(int count, char **arguments)
{
	int pair[2];
	char buffer[64] = "";
	socklen_t length = sizeof listening;
	entry = entry_of(count > 1 ? arguments[1] : NULL);
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	int listener = must("socket", socket(AF_INET, SOCK_STREAM, 0));
	must("listen", listen(listener, 5));
	must("getsockname", getsockname(listener, (void *)&listening, &length));
	listening.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	counted->stub += 4;

	struct iovec part = { buffer, sizeof buffer };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	for (int turn = 0; turn < 2; turn++) {
		int flags = turn ? SA_RESTART : 0;
		try("accept", flags, SYS_ACCEPT, listener, -2, 0, 0, 0);
		try("recv", flags, SYS_RECV, pair[0], pair[1], (long)buffer, sizeof buffer, 0);
		try("recvfrom", flags, SYS_RECVFROM, pair[0], pair[1], (long)buffer, sizeof buffer, 0);
		try("recvmsg", flags, SYS_RECVMSG, pair[0], pair[1], (long)&message, 0, 0);
		/* Linux answers EINTR in spite of SA_RESTART where SO_RCVTIMEO is set (signal(7)). */
		struct timeval timeout = { .tv_sec = 100 };
		must("setsockopt", setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout));
		try("recv with a timeout", flags, SYS_RECV, pair[0], -1, (long)buffer, sizeof buffer, 0);
		timeout.tv_sec = 0;
		must("setsockopt", setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout));
		counted->stub += 2;
	}
	say("received \"%s\"\n", buffer);
	say_counts();
}
