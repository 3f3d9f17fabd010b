/* Calls that are disturbed: CALL x { EINTR, SA_RESTART, O_NONBLOCK, dup2, close, exec, kill }.
 *	cells CALL WAY
 * connect and what sends wait, since there is no room at the other end; bind and listen never wait, and are made again and
 * again. Prints what came of each. */
#include "policy.h"
#include <sys/time.h>

static enum way way;
static enum call call;
static char *self, **words;
static int target = -1, caller = -1, spare = -1;
static volatile int signals, finished, drained;
static pid_t main_thread;

/* What calls point at. */
static struct memory {
	struct sockaddr_un name;
	char text[4];
	struct iovec parts[2][3];
	char headers[2][64] __attribute__((aligned(8)));
} *memory;
static socklen_t length;

static void count_signal(int signal) { signals += signal != 0; }

static void set_name(const char *what)
{
	memory->name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	int size = snprintf(memory->name.sun_path + 1, 100, "cells-%d-%s", getpid(), what);
	length = offsetof(struct sockaddr_un, sun_path) + 1 + size;
}

static int waits(void) { return call != BIND && call != LISTEN; }

/* A socket to call with; and, for calls that wait, one without room. */
static void prepare(const char *cell)
{
	close(target);
	close(caller);
	close(spare);
	set_name(cell);
	int type = call == CONNECT || call == LISTEN || call == BIND ? SOCK_STREAM : SOCK_DGRAM;
	target = must("socket", socket(AF_UNIX, type, 0));
	caller = must("socket", socket(AF_UNIX, type, 0));
	spare = must("socket", socket(AF_UNIX, type, 0));
	memory->parts[0][0] = memory->parts[1][0] = (struct iovec){ memory->text, 1 };
	if (call == LISTEN)
		must("bind", bind(caller, (void *)&memory->name, length));
	if (!waits())
		return;
	must("bind", bind(target, (void *)&memory->name, length));
	if (call == CONNECT) {
		must("listen", listen(target, 0));
		int first = must("socket", socket(AF_UNIX, type, 0));
		must("connect", connect(first, (void *)&memory->name, length));
	} else {
		while (sendto(spare, "x", 1, MSG_DONTWAIT, (void *)&memory->name, length) == 1)
			;
		/* sendmmsg's first message has room. */
		char byte;
		if (call == SENDMMSG)
			must("recv", recv(target, &byte, 1, 0));
	}
}

static long make(void)
{
	size_t size = put_header(way, memory->headers[0], &memory->name, length, memory->parts[0], NULL, 0);
	put_header(way, memory->headers[0] + size, &memory->name, length, memory->parts[1], NULL, 0);
	switch (call) {
	case SENDTO:
		return CALL6(way, SENDTO, caller, memory->text, 1, 0, &memory->name, length);
	case SENDMSG:
		return CALL6(way, SENDMSG, caller, memory->headers, 0, 0, 0, 0);
	case SENDMMSG:
		return CALL6(way, SENDMMSG, caller, memory->headers, 2, 0, 0, 0);
	case LISTEN:
		return CALL6(way, LISTEN, caller, 3, 0, 0, 0, 0);
	case CONNECT:
		return CALL6(way, CONNECT, caller, &memory->name, length, 0, 0, 0);
	default:
		break;
	}
	/* A socket can be bound once. */
	int fd = must("socket", socket(AF_UNIX, SOCK_STREAM, 0));
	long result = CALL6(way, BIND, fd, &memory->name, length, 0, 0, 0);
	close(fd);
	return result;
}

/* What never waits is made many times; all must answer the same. */
static long play(void)
{
	long result = make();
	for (int turn = 0; !waits() && turn < 400; turn++) {
		long again = make();
		if (again != result)
			return -EXFULL;
	}
	return result;
}

/* The calling thread sleeps, as the kernel says, and goes on doing so. */
static void until_it_sleeps(void)
{
	char name[64], line[256], state;
	snprintf(name, sizeof name, "/proc/self/task/%d/stat", main_thread);
	for (int seen = 0; seen < 5 && !finished;) {
		FILE *file = fopen(name, "r");
		state = 0;
		if (file && fgets(line, sizeof line, file) && strrchr(line, ')'))
			state = strrchr(line, ')')[2];
		if (file)
			fclose(file);
		seen = state == 'S' ? seen + 1 : 0;
		usleep(2000);
	}
}

static void drain(void)
{
	char byte;
	drained = 1;
	if (call == CONNECT) {
		close(accept(target, NULL, NULL));
		return;
	}
	/* All that is there, and what comes. */
	while (!finished) {
		recv(target, &byte, 1, MSG_DONTWAIT);
		usleep(100);
	}
}

static void *disturb(void *cell)
{
	if (waits())
		until_it_sleeps();
	if (!strcmp(cell, "dup2"))
		dup2(waits() ? spare : dup(caller), caller);
	if (!strcmp(cell, "close")) {
		int other = waits() ? caller : dup(caller);
		close(other);
	}
	if (!strcmp(cell, "exec")) {
		execl(self, self, words[1], words[2], "executed", NULL);
		_exit(1);
	}
	if (!strcmp(cell, "SA_RESTART"))
		while (signals < 3 && !finished)
			usleep(1000);
	if (waits())
		drain();
	return NULL;
}

static void timer(int flags, int on)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = flags };
	struct itimerval often = { { 0, on ? 20000 : 0 }, { 0, on ? 20000 : 0 } };
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void told(const char *cell, long result)
{
	say("%s, %s: %ld%s%s\n", calls[call].name, cell, result, result < 0 ? " " : "", result < 0 ? strerror(-result) : "");
}

/* With somebody who disturbs. Signals go to the caller alone. */
static void disturbed(const char *cell)
{
	pthread_t thread;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	finished = 0;
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	must("pthread_create", -pthread_create(&thread, NULL, disturb, (void *)cell));
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	long result = play();
	finished = 1;
	pthread_join(thread, NULL);
	told(cell, result);
}

int main(int count, char **arguments)
{
	if (count < 3)
		return 97;
	self = arguments[0];
	words = arguments;
	for (call = 0; call < CALLS && strcmp(calls[call].name, arguments[1]); call++)
		;
	way = way_of(arguments[2]);
	memory = low(8192);
	main_thread = getpid();
	if (count > 3) {
		/* The new program can do it too. */
		signals = 0;
		prepare("O_NONBLOCK");
		fcntl(caller, F_SETFL, O_NONBLOCK);
		told("executed", play());
		return 0;
	}
	prepare("EINTR");
	timer(0, 1);
	long result = play();
	timer(0, 0);
	/* One of two was sent. */
	told("EINTR", result);

	prepare("SA_RESTART");
	signals = 0;
	timer(SA_RESTART, 1);
	disturbed("SA_RESTART");
	timer(SA_RESTART, 0);

	prepare("O_NONBLOCK");
	fcntl(caller, F_SETFL, O_NONBLOCK);
	told("O_NONBLOCK", play());

	prepare("dup2");
	disturbed("dup2");
	prepare("close");
	disturbed("close");

	prepare("kill");
	pid_t child = must("fork", fork());
	if (!child) {
		for (;;)
			play();
	}
	usleep(100000);
	kill(child, SIGKILL);
	int status;
	waitpid(child, &status, 0);
	say("%s, kill: %#x\n", calls[call].name, status);
	finished = 0;
	prepare("afterwards");
	fcntl(caller, F_SETFL, O_NONBLOCK);
	told("afterwards", play());

	prepare("exec");
	child = must("fork", fork());
	if (!child) {
		main_thread = getpid();
		disturbed("exec");
		for (;;)
			pause();
	}
	waitpid(child, &status, 0);
	say("%s, exec: %#x\n", calls[call].name, status);
}
