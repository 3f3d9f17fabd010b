/* Signals, threads and processes between and inside of calls, each step waiting for the one before, so that
 * every run gives the same lines in the same order. Its second argument is what it does. */
#include "trace.h"
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/time.h>

static int pair[2];

static void make_pair(void)
{
	NEED(SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, edge(0, 8));
	memcpy(pair, edge(0, 8), 8);
}

static void nothing(int number) { (void)number; }

static void handle(int number, int flags)
{
	struct sigaction action = { .sa_handler = nothing, .sa_flags = flags };
	must("sigaction", sigaction(number, &action, NULL));
}

static void alarm_in(int milliseconds)
{
	struct itimerval once = { .it_value.tv_usec = 1000 * milliseconds };
	must("setitimer", setitimer(ITIMER_REAL, &once, NULL));
}

/* Until a task sleeps in a call: its state in /proc is then S. */
static void until_asleep(int task)
{
	char name[64], text[256];
	for (;;) {
		snprintf(name, sizeof name, "/proc/%d/stat", task);
		int fd = open(name, O_RDONLY), size = read(fd, text, sizeof text - 1);
		close(fd);
		text[size > 0 ? size : 0] = 0;
		char *state = strrchr(text, ')');
		if (state && state[2] == 'S')
			return;
		usleep(1000);
	}
}

/* Until nothing is left of it: whoever traces it has seen its end then. */
static void until_gone(int task)
{
	char name[64];
	snprintf(name, sizeof name, "/proc/self/task/%d", task);
	while (!access(name, F_OK))
		usleep(1000);
}

/* Calls that a signal ends, and that go on after it. */
static void interrupted(void)
{
	make_pair();
	char *room = edge(1, 8);
	handle(SIGALRM, 0);
	alarm_in(20);
	DO(SYS_RECV, pair[0], room, 8, 0);
	alarm_in(20);
	DO(SYS_RECVMSG, pair[0], NEW(2, struct msghdr, .msg_iov = NEW(3, struct iovec, room, 8), .msg_iovlen = 1), 0);
	alarm_in(20);
	DO(SYS_RECVMMSG, pair[0], NEW(2, struct mmsghdr, .msg_hdr = { .msg_iov = edge(3, sizeof(struct iovec)), .msg_iovlen = 1 }), 1, 0, NULL);
	/* With a timeout of the socket's, the call is not restarted. */
	DO(SYS_SETSOCKOPT, pair[0], SOL_SOCKET, SO_RCVTIMEO, NEW(2, struct timeval, 10, 0), sizeof(struct timeval));
	alarm_in(20);
	DO(SYS_RECV, pair[0], room, 8, 0);
	DO(SYS_SETSOCKOPT, pair[0], SOL_SOCKET, SO_RCVTIMEO, NEW(2, struct timeval, 0, 20000), sizeof(struct timeval));
	DO(SYS_RECV, pair[0], room, 8, 0);
	DO(SYS_SETSOCKOPT, pair[0], SOL_SOCKET, SO_RCVTIMEO, NEW(2, struct timeval, 0, 0), sizeof(struct timeval));
	int listener = NEED(SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	NEED(SYS_LISTEN, listener, 1);
	alarm_in(20);
	DO(SYS_ACCEPT, listener, NULL, NULL);
	alarm_in(20);
	DO(SYS_ACCEPT4, listener, edge(2, 16), length(16), SOCK_CLOEXEC);
	/* Restarted: what the alarm finds is the same call, and then there is something to read. */
	handle(SIGALRM, SA_RESTART);
	int reader = must("fork", fork());
	if (!reader) {
		usleep(60000);
		must("write", write(pair[1], "late", 4));
		/* The call returns first, whoever is quick. */
		usleep(60000);
		_exit(0);
	}
	alarm_in(20);
	DO(SYS_RECV, pair[0], room, 8, 0);
	must("waitpid", waitpid(reader, NULL, 0));
	close(pair[1]);
	DO(SYS_RECV, pair[0], room, 8, 0);
	alarm_in(20);
	pause();
	DO(SYS_SHUTDOWN, -1, SHUT_RD);
}

/* Every signal, by every sender that there is. */
static void signals(void)
{
	for (int number = 1; number < 65; number++) {
		if (number == SIGKILL || number == SIGSTOP || number == 32 || number == 33)
			continue;
		handle(number, 0);
		kill(getpid(), number);
		raise(number);
		sigqueue(getpid(), number, (union sigval){ .sival_int = number * 1000 });
		signal(number, SIG_IGN);
		raise(number);
	}
	handle(SIGSEGV, SA_RESETHAND);
	DO(SYS_SHUTDOWN, -1, SHUT_WR);
	timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77 };
	handle(SIGUSR1, 0);
	sigset_t only, before;
	sigemptyset(&only);
	sigaddset(&only, SIGUSR1);
	sigprocmask(SIG_BLOCK, &only, &before);
	must("timer_create", timer_create(CLOCK_MONOTONIC, &event, &timer));
	must("timer_settime", timer_settime(timer, 0, &(struct itimerspec){ .it_value.tv_nsec = 1000000 }, NULL));
	sigsuspend(&before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	/* A fault, caught. */
	struct sigaction action = { .sa_handler = _exit, .sa_flags = SA_RESETHAND };
	sigaction(SIGSEGV, &action, NULL);
	*(volatile int *)NOWHERE = 1;
}

static volatile int waiter;

static void *waits(void *unused)
{
	(void)unused;
	waiter = syscall(SYS_gettid);
	DO(SYS_RECV, pair[0], edge(1, 8), 8, 0);
	return NULL;
}

static void *stays(void *unused)
{
	waiter = syscall(SYS_gettid);
	usleep(50000);
	DO(SYS_LISTEN, -1, 9);
	return unused;
}

static pthread_t start(void *(*routine)(void *))
{
	pthread_t thread;
	waiter = 0;
	must("pthread_create", -pthread_create(&thread, NULL, routine, NULL));
	while (!waiter)
		usleep(1000);
	until_asleep(waiter);
	return thread;
}

/* Calls that are under way in one thread while others make theirs. */
static void threads(void)
{
	make_pair();
	for (int i = 0; i < 3; i++) {
		pthread_t thread = start(waits);
		DO(SYS_SHUTDOWN, -1, SHUT_RD);
		DO(SYS_LISTEN, -1, i);
		must("write", write(pair[1], "wake up", 7));
		pthread_join(thread, NULL);
		until_gone(waiter);
		DO(SYS_LISTEN, -1, 100 + i);
	}
	/* Two wait, and one after the other goes on. */
	int first[2] = { pair[0], pair[1] };
	pthread_t one = start(waits);
	int task = waiter;
	make_pair();
	pthread_t two = start(waits);
	must("write", write(first[1], "first", 5));
	pthread_join(one, NULL);
	until_gone(task);
	DO(SYS_LISTEN, -1, 7);
	must("write", write(pair[1], "second", 6));
	pthread_join(two, NULL);
	until_gone(waiter);
	/* The process ends while a thread waits in a call. */
	start(waits);
	DO(SYS_LISTEN, -1, 8);
	exit(9);
}

/* The first thread ends before the others. */
static void leader(void)
{
	make_pair();
	start(stays);
	DO(SYS_LISTEN, -1, 8);
	syscall(SYS_exit, 3);
}

static char *arguments[4];

static void children(void)
{
	static const int statuses[] = { 0, 1, 42, 255, 256 };
	static const int deaths[] = { SIGTERM, SIGKILL, SIGABRT, SIGUSR1, 40 };
	for (unsigned i = 0; i < COUNT(statuses); i++) {
		int child = must("fork", fork());
		if (!child) {
			DO(SYS_LISTEN, -1, i);
			_exit(statuses[i]);
		}
		must("waitpid", waitpid(child, NULL, 0));
		DO(SYS_LISTEN, -2, i);
	}
	for (unsigned i = 0; i < COUNT(deaths); i++) {
		int child = must("fork", fork());
		if (!child) {
			DO(SYS_LISTEN, -1, i);
			kill(getpid(), deaths[i]);
		}
		must("waitpid", waitpid(child, NULL, 0));
	}
	int child = must("vfork", vfork());
	if (!child) {
		DO(SYS_LISTEN, -1, 55);
		_exit(5);
	}
	must("waitpid", waitpid(child, NULL, 0));
	/* A child that dies in a call. */
	make_pair();
	child = must("fork", fork());
	if (!child) {
		DO(SYS_RECV, pair[0], edge(1, 8), 8, 0);
		_exit(0);
	}
	until_asleep(child);
	DO(SYS_LISTEN, -1, 66);
	kill(child, SIGKILL);
	must("waitpid", waitpid(child, NULL, 0));
	/* It stops and goes on. (Who hears first that it goes on, it or its parent, is open.) */
	sigaction(SIGCHLD, &(struct sigaction){ .sa_flags = SA_NOCLDSTOP }, NULL);
	child = must("fork", fork());
	if (!child) {
		raise(SIGSTOP);
		DO(SYS_LISTEN, -1, 77);
		_exit(0);
	}
	must("waitpid", waitpid(child, NULL, WUNTRACED));
	kill(child, SIGCONT);
	must("waitpid", waitpid(child, NULL, 0));
}

static void *executes(void *unused)
{
	waiter = syscall(SYS_gettid);
	DO(SYS_LISTEN, -1, 2);
	arguments[2] = "after";
	execv("/proc/self/exe", arguments);
	return unused;
}

/* exec by the first thread, then by another while the first waits in a call. */
static void execs(const char *how)
{
	if (!strcmp(how, "after")) {
		DO(SYS_LISTEN, -1, 3);
		_exit(0);
	}
	DO(SYS_LISTEN, -1, 1);
	if (!strcmp(how, "exec")) {
		execv("/nonexistent", arguments);
		arguments[2] = "again";
		execv("/proc/self/exe", arguments);
	}
	make_pair();
	pthread_t thread;
	must("pthread_create", -pthread_create(&thread, NULL, executes, NULL));
	pthread_join(thread, NULL);
}

int main(int count, char **values)
{
	begin(count, values);
	const char *what = count > 2 ? values[2] : "";
	memcpy(arguments, values, 3 * sizeof *values);
	if (!strcmp(what, "interrupted"))
		interrupted();
	else if (!strcmp(what, "signals"))
		signals();
	else if (!strcmp(what, "threads"))
		threads();
	else if (!strcmp(what, "leader"))
		leader();
	else if (!strcmp(what, "children"))
		children();
	else if (!strcmp(what, "abort"))
		abort();
	else if (!strcmp(what, "fault"))
		*(volatile int *)NOWHERE = 1;
	else if (!strcmp(what, "killed"))
		kill(getpid(), SIGKILL);
	else
		execs(what);
}
