/* Everything at once, for a while: processes of many threads that send and receive by every entry, interrupted
 * a thousand times a second, while others fork and execute. What was sent has been received, byte by byte.
 *	stress SECONDS SEED [PROCESSES THREADS] */
#include "guest.h"
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#define U(field) (unsigned long long)totals->field

enum { MOST = 4096 };

static struct totals { uint64_t sent, received, sums_sent, sums_received, calls, children, interrupted; } *totals;

static const char *self;
static uint32_t seed;
static long seconds;
static struct timespec begin;
static __thread struct totals own;
static __thread uint32_t state;

static uint32_t chance(uint32_t below)
{
	state ^= state << 13, state ^= state >> 17, state ^= state << 5;
	return state % below;
}

static void fail(const char *what, long result)
{
	show(what, result);
	_exit(1);
}

static int time_is_over(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - begin.tv_sec >= seconds + (now.tv_nsec < begin.tv_nsec);
}

static long once(enum entry entry, int call, int fd, void *buffer, size_t size)
{
	own.calls++;
	if (entry == LIBC)
		return raw(call == SYS_SEND ? send(fd, buffer, size, MSG_NOSIGNAL) : recv(fd, buffer, size, 0));
	return CALL(entry, call, fd, (long)buffer, size, call == SYS_SEND ? MSG_NOSIGNAL : 0);
}

/* All of it, by whichever entries, however often it is interrupted. */
static void all(int call, int fd, unsigned char *buffer, size_t size)
{
	for (size_t done = 0; done < size;) {
		long result = once(chance(3), call, fd, buffer + done, size - done);
		if (result == -EINTR)
			own.interrupted++;
		else if (result <= 0)
			fail(calls[call].name, result);
		else
			done += result;
	}
}

static void check(uint64_t *sum, const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		*sum += bytes[i];
}

/* Two threads and where they meet. */
struct couple {
	uint32_t number;
	int listener, over;
	struct sockaddr_in name;
};

static int interruptible(enum entry entry, int call, long a, long b, long c)
{
	for (;;) {
		own.calls++;
		long result;
		if (entry != LIBC)
			result = CALL(entry, call, a, b, c, 0);
		else
			result = raw(call == SYS_SOCKET ? socket(a, b, c) : accept(a, (void *)b, (void *)c));
		if (result >= 0)
			return result;
		if (result != -EINTR)
			fail(calls[call].name, result);
		own.interrupted++;
	}
}

static int connected(struct couple *couple)
{
	int fd = interruptible(chance(3), SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	/* An interrupted connect goes on by itself, and is asked of again. */
	while (connect(fd, (void *)&couple->name, sizeof couple->name) && errno != EISCONN)
		if (errno != EINTR && errno != EALREADY)
			fail("connect", -errno);
	own.calls++;
	return fd;
}

/* A child that makes a call, by fork or by exec. */
static void child(void)
{
	int status = -1, by_exec = chance(2);
	char number[16];
	snprintf(number, sizeof number, "%u", chance(1u << 31));
	pid_t pid = fork();
	if (pid < 0)
		fail("fork", -errno);
	if (!pid) {
		if (by_exec)
			execl(self, self, "child", number, NULL);
		_exit(CALL(chance(2) ? VDSO : INT80, SYS_SOCKET, AF_INET, SOCK_STREAM, 0) < 0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status)
		fail("a child's status", status);
	own.children++;
}

static void add_up(void)
{
	uint64_t *to = (void *)totals, *from = (void *)&own;
	for (unsigned i = 0; i < sizeof own / sizeof *to; i++)
		__atomic_add_fetch(&to[i], from[i], __ATOMIC_RELAXED);
}

/* Sends messages, and wants each back as it was. */
static void *client(void *argument)
{
	struct couple *couple = argument;
	unsigned char *out = malloc(MOST), *in = malloc(MOST);
	state = (seed + couple->number * 40503u) * 2654435761u | 1;
	while (!time_is_over()) {
		int fd = connected(couple);
		for (unsigned rounds = chance(50); rounds > 0 && !time_is_over(); rounds--) {
			uint32_t size = chance(MOST - sizeof size) + 1;
			memcpy(out, &size, sizeof size);
			for (size_t i = sizeof size; i < sizeof size + size; i++)
				out[i] = chance(256);
			all(SYS_SEND, fd, out, sizeof size + size);
			all(SYS_RECV, fd, in, sizeof size + size);
			if (memcmp(in, out, sizeof size + size))
				fail("another message came", size);
			own.sent += sizeof size + size;
			check(&own.sums_sent, out, sizeof size + size);
		}
		close(fd);
		if (chance(20) == 0)
			child();
	}
	__atomic_store_n(&couple->over, 1, __ATOMIC_SEQ_CST);
	close(connected(couple));
	free(out);
	free(in);
	add_up();
	return NULL;
}

/* Sends back what comes. */
static void *server(void *argument)
{
	struct couple *couple = argument;
	unsigned char *bytes = malloc(MOST);
	state = (seed + couple->number * 69069u) * 2654435761u | 1;
	while (!__atomic_load_n(&couple->over, __ATOMIC_SEQ_CST)) {
		int fd = interruptible(chance(3), SYS_ACCEPT, couple->listener, 0, 0);
		for (;;) {
			long result = once(chance(3), SYS_RECV, fd, bytes, MOST);
			if (result == -EINTR) {
				own.interrupted++;
				continue;
			}
			if (result < 0)
				fail("recv", result);
			if (!result)
				break;
			own.received += result;
			check(&own.sums_received, bytes, result);
			all(SYS_SEND, fd, bytes, result);
		}
		close(fd);
	}
	free(bytes);
	add_up();
	return NULL;
}

static void on_alarm(int signal) { (void)signal; }

static int descriptors(void)
{
	int count = 0;
	DIR *directory = opendir("/proc/self/fd");
	while (directory && readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static int process(unsigned number, unsigned threads)
{
	pthread_t all_threads[threads];
	pthread_attr_t small;
	int before = descriptors();
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = number % 2 ? SA_RESTART : 0 };
	must("sigaction", sigaction(SIGALRM, &action, NULL));
	struct itimerval timer = { { 0, 1000 }, { 0, 1000 } };
	must("setitimer", setitimer(ITIMER_REAL, &timer, NULL));
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 128 << 10);
	struct couple couples[threads / 2];
	for (unsigned i = 0; i < threads / 2; i++) {
		struct couple *couple = &couples[i];
		socklen_t length = sizeof couple->name;
		*couple = (struct couple){ .number = number * threads + i, .listener = socket(AF_INET, SOCK_STREAM, 0) };
		must("listen", listen(couple->listener, 5));
		must("getsockname", getsockname(couple->listener, (void *)&couple->name, &length));
		couple->name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		must("pthread_create", -pthread_create(&all_threads[2 * i], &small, server, couple));
		must("pthread_create", -pthread_create(&all_threads[2 * i + 1], &small, client, couple));
	}
	/* The kernel would give all signals to the first thread, which waits. */
	sigset_t alarm;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	for (unsigned i = 0; i < threads / 2; i++) {
		pthread_join(all_threads[2 * i], NULL);
		pthread_join(all_threads[2 * i + 1], NULL);
		close(couples[i].listener);
	}
	timer = (struct itimerval){ 0 };
	setitimer(ITIMER_REAL, &timer, NULL);
	return before != descriptors();
}

int main(int count, char **arguments)
{
	if (count > 2 && !strcmp(arguments[1], "child")) {
		state = strtoul(arguments[2], NULL, 0) | 1;
		return CALL(chance(2) ? VDSO : INT80, SYS_SOCKET, AF_INET, SOCK_STREAM, 0) < 0;
	}
	self = arguments[0];
	seconds = count > 1 ? atol(arguments[1]) : 5;
	seed = count > 2 ? strtoul(arguments[2], NULL, 0) : 1;
	unsigned processes = count > 4 ? atoi(arguments[3]) : 8, threads = count > 4 ? atoi(arguments[4]) : 32;
	totals = mmap(NULL, sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (unsigned i = 0; i < processes; i++)
		if (!must("fork", fork()))
			_exit(process(i, threads));
	int status, bad = 0;
	while (wait(&status) > 0)
		bad += status != 0;
	say("%llu bytes, %llu calls, %llu children, %llu calls interrupted\n", U(sent), U(calls), U(children),
	    U(interrupted));
	say("%d of %u processes failed; the bytes %s\n", bad, processes,
	    totals->sent == totals->received && totals->sums_sent == totals->sums_received && totals->sent ? "are the same" : "differ");
	return bad || totals->sums_sent != totals->sums_received || !totals->sent;
}
