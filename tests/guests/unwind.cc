// Unwinding through a call, whichever way it was made: a thread that is cancelled in it cleans up, a signal's
// handler sees the whole stack and can throw an exception past it.
//	unwind cancel		pthread_cancel in the C library's calls
//	unwind asynchronous	pthread_cancel with asynchronous cancellation, in calls by hand
//	unwind throw		exceptions out of a handler
//	unwind storm		backtraces from wherever a timer happens to interrupt the calls
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdexcept>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum entry { LIBC, VDSO, INT80 };
static const char *const names[] = { "libc", "vdso", "int80" };
enum { SYS_SOCKETCALL = 102, CALL_RECV = 10, CALL_GETSOCKOPT = 15 };

static int pair[2];
static unsigned by_stub, by_trap;

// The entries by hand. What follows the instruction is part of the region that the exception tables cover.
__attribute__((noinline)) static long enter(entry entry, int call, const long *words)
{
	long result;
	if (entry == INT80) {
		__atomic_add_fetch(&by_trap, 1, __ATOMIC_RELAXED);
		asm volatile("int $0x80; nop" : "=a"(result) : "0"(SYS_SOCKETCALL), "b"(call), "c"(words) : "memory");
	} else {
		static const unsigned long sysinfo = getauxval(AT_SYSINFO);
		__atomic_add_fetch(&by_stub, 1, __ATOMIC_RELAXED);
		asm volatile("call *%4; nop" : "=a"(result)
			     : "0"(SYS_SOCKETCALL), "b"(call), "c"(words), "m"(sysinfo) : "memory");
	}
	return result;
}

__attribute__((noinline)) static long receive(entry entry)
{
	char byte;
	if (entry == LIBC) {
		__atomic_add_fetch(&by_stub, 1, __ATOMIC_RELAXED);
		long result = recv(pair[0], &byte, 1, 0);
		return result < 0 ? -errno : result;
	}
	const long words[] = { pair[0], (long)&byte, 1, 0 };
	return enter(entry, CALL_RECV, words);
}

static bool asleep(pid_t thread)
{
	char name[64], line[512] = "";
	snprintf(name, sizeof name, "/proc/self/task/%d/stat", thread);
	int file = open(name, O_RDONLY);
	bool read_it = read(file, line, sizeof line - 1) > 0;
	close(file);
	const char *state = strrchr(line, ')');
	return read_it && state && state[2] == 'S';
}

static void say(const char *what)
{
	printf("%s\n", what);
	fflush(stdout);
}

// What a thread leaves behind.
struct Leaving {
	const char *what;
	~Leaving() { say(what); }
};

static pid_t thread_id;

static void cleaned(void *) { say("  the cleanup handler ran"); }

static void *blocked(void *argument)
{
	auto entry = static_cast<enum entry>(reinterpret_cast<intptr_t>(argument));
	Leaving leaving { "  the destructor ran" };
	pthread_cleanup_push(cleaned, nullptr);
	if (entry != LIBC)
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
	__atomic_store_n(&thread_id, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	printf("  returned %ld\n", receive(entry));
	fflush(stdout);
	_exit(1);
	pthread_cleanup_pop(0);
}

static void cancel(entry entry)
{
	printf("cancelled in recv by %s:\n", names[entry]);
	fflush(stdout);
	pthread_t thread;
	void *result;
	thread_id = 0;
	pthread_create(&thread, nullptr, blocked, reinterpret_cast<void *>(static_cast<intptr_t>(entry)));
	while (!__atomic_load_n(&thread_id, __ATOMIC_SEQ_CST) || !asleep(thread_id))
		usleep(500);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	say(result == PTHREAD_CANCELED ? "  it was cancelled" : "  it was not cancelled");
}

// Whether the stack can be seen down to here.
static void *in_main;
static int whole, broken;

static void look()
{
	void *frames[64];
	int depth = backtrace(frames, 64);
	for (int i = 0; i < depth; i++)
		if (frames[i] == in_main) {
			whole++;
			return;
		}
	broken++;
}

static void handler_that_throws(int)
{
	look();
	throw std::runtime_error("thrown by the handler");
}

static void handler_that_looks(int) { look(); }

__attribute__((noinline)) static void catch_one(entry entry)
{
	// A child that signals us as soon as we sleep.
	pid_t parent = getpid(), child = fork();
	if (!child) {
		char name[64], line[512];
		snprintf(name, sizeof name, "/proc/%d/stat", parent);
		for (;;) {
			int file = open(name, O_RDONLY);
			ssize_t length = read(file, line, sizeof line - 1);
			close(file);
			line[length > 0 ? length : 0] = 0;
			const char *state = strrchr(line, ')');
			if (state && state[2] == 'S')
				break;
			usleep(500);
		}
		kill(parent, SIGUSR1);
		_exit(0);
	}
	printf("interrupted in recv by %s:\n", names[entry]);
	fflush(stdout);
	whole = broken = 0;
	try {
		Leaving leaving { "  the destructor ran" };
		printf("  returned %ld\n", receive(entry));
	} catch (const std::exception &exception) {
		printf("  caught what was %s; the stack was %s\n", exception.what(), whole ? "whole" : "broken");
	}
	fflush(stdout);
	// The exception left the handler without sigreturn.
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &set, nullptr);
	waitpid(child, nullptr, 0);
}

__attribute__((noinline)) static void storm(entry entry)
{
	struct sigaction action = {};
	action.sa_handler = handler_that_looks;
	action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, nullptr);
	whole = broken = 0;
	itimerval timer = { { 0, 200 }, { 0, 200 } };
	setitimer(ITIMER_REAL, &timer, nullptr);
	long wrong = 0;
	while (whole + broken < 500) {
		int value;
		socklen_t length = sizeof value;
		const long words[] = { pair[0], SOL_SOCKET, SO_TYPE, (long)&value, (long)&length };
		wrong += enter(entry, CALL_GETSOCKOPT, words) != 0 || value != SOCK_STREAM;
	}
	timer = {};
	setitimer(ITIMER_REAL, &timer, nullptr);
	printf("interrupted at random by %s: %d stacks were broken, %ld calls wrong\n", names[entry], broken, wrong);
	fflush(stdout);
}

int main(int count, char **arguments)
{
	const char *what = count > 1 ? arguments[1] : "";
	// The first use loads what unwinds, which a handler should not.
	void *first[4];
	backtrace(first, 4);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	by_stub++;
	struct sigaction action = {};
	action.sa_handler = handler_that_throws;
	sigaction(SIGUSR1, &action, nullptr);
	auto at_entry = [&](auto act, int from, int to) __attribute__((noinline)) {
		in_main = __builtin_extract_return_addr(__builtin_return_address(0));
		for (int entry = from; entry <= to; entry++)
			act(static_cast<enum entry>(entry));
	};
	if (!strcmp(what, "cancel"))
		at_entry(cancel, LIBC, LIBC);
	else if (!strcmp(what, "asynchronous"))
		at_entry(cancel, VDSO, INT80);
	else if (!strcmp(what, "throw"))
		at_entry(catch_one, LIBC, INT80);
	else if (!strcmp(what, "storm"))
		at_entry(storm, VDSO, INT80);
	else
		return 96;
	if (strcmp(what, "storm"))
		printf("calls: stub %u, trap %u, direct 0\n", by_stub, by_trap);
	return 0;
}
