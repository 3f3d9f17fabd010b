/* What a program can do to whoever supervises it, and to what it was given.
 *	hostile flip		another thread changes the array all the time: no call is another than was judged
 *	hostile faults		another thread unmaps the array all the time: an error or a descriptor
 *	hostile descriptors	every descriptor is closed
 *	hostile tracing		it traces its children and is traced, as far as it may
 *	hostile supervisor	it looks for its supervisor, and attacks it */
#include "guest.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>

/* A while by either entry, and longer until all has happened that must. */
static int more(struct timespec *begin, int all)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	long passed = (now.tv_sec - begin->tv_sec) * 1000 + (now.tv_nsec - begin->tv_nsec) / 1000000;
	return passed < 60 || (!all && passed < 4000);
}

static volatile long words[4096 / sizeof(long)] __attribute__((aligned(4096)));
static volatile int done;

static void *flip(void *unused)
{
	(void)unused;
	while (!done) {
		words[0] = words[0] == AF_INET ? AF_NETLINK : AF_INET;
		for (volatile int wait = 0; wait < 100; wait++)
			;
	}
	return NULL;
}

/* socket(AF_NETLINK) is refused: what a filter can do about direct calls, and not about socketcall. */
static void refuse_netlink(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 359, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };
	must("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must("seccomp", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static int flipped(void)
{
	unsigned inet = 0, netlink = 0, refused = 0, other = 0;
	refuse_netlink();
	words[0] = AF_INET;
	words[1] = SOCK_DGRAM;
	pthread_t thread;
	must("pthread_create", -pthread_create(&thread, NULL, flip, NULL));
	for (enum entry entry = VDSO; entry <= INT80; entry++) {
		struct timespec begin;
		clock_gettime(CLOCK_MONOTONIC, &begin);
		while (more(&begin, inet && (netlink || refused))) {
			long fd = enter(entry, SYS_SOCKET, (void *)words);
			int family = -1;
			socklen_t length = sizeof family;
			if (fd == -EPERM) {
				refused++;
			} else if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length)) {
				other++;
			} else {
				inet += family == AF_INET;
				netlink += family == AF_NETLINK;
			}
			close(fd);
		}
	}
	done = 1;
	pthread_join(thread, NULL);
	say("AF_INET %s, AF_NETLINK %s, refused %s, other errors %u\n", inet ? "sometimes" : "never",
	    netlink ? "sometimes" : "never", refused ? "sometimes" : "never", other);
	return 0;
}

static void *hide(void *unused)
{
	(void)unused;
	while (!done) {
		mprotect((void *)words, 4096, PROT_NONE);
		for (volatile int wait = 0; wait < 1000; wait++)
			;
		mprotect((void *)words, 4096, PROT_READ | PROT_WRITE);
		for (volatile int wait = 0; wait < 1000; wait++)
			;
	}
	return NULL;
}

static void faults(void)
{
	unsigned good = 0, fault = 0, other = 0;
	words[0] = AF_INET;
	words[1] = SOCK_DGRAM;
	pthread_t thread;
	must("pthread_create", -pthread_create(&thread, NULL, hide, NULL));
	for (enum entry entry = VDSO; entry <= INT80; entry++) {
		struct timespec begin;
		clock_gettime(CLOCK_MONOTONIC, &begin);
		while (more(&begin, good && fault)) {
			long fd = enter(entry, SYS_SOCKET, (void *)words);
			good += fd >= 0;
			fault += fd == -EFAULT;
			other += fd < 0 && fd != -EFAULT;
			close(fd);
		}
	}
	done = 1;
	pthread_join(thread, NULL);
	say("descriptors %s, EFAULT %s, other errors %u\n", good ? "sometimes" : "never", fault ? "sometimes" : "never", other);
}

static int descriptors(void)
{
	syscall(SYS_close_range, 0, ~0u, 0);
	/* Nobody can be told any more, but by the status. */
	for (enum entry entry = VDSO; entry <= INT80; entry++)
		if (enter(entry, SYS_SOCKET, (const long[]){ AF_INET, SOCK_STREAM, 0 }) != (long)(entry - VDSO))
			return 1;
	return fork() ? (wait(NULL), 7) : 0;
}

static void call(const char *who)
{
	say("%s:\n", who);
	for (enum entry entry = VDSO; entry <= INT80; entry++) {
		long fd = CALL(entry, SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
		say("  socket %s\n", fd >= 0 ? "made" : strerror(-fd));
		close(fd);
	}
}

/* Natively all of it works; where a tracer is there, EPERM, and the program goes on. */
static void tracing(void)
{
	int status, told[2];
	must("pipe", pipe(told));
	pid_t child = must("fork", fork());
	if (!child) {
		char byte;
		long result = raw(ptrace(PTRACE_TRACEME, 0, 0, 0));
		say("PTRACE_TRACEME: %s\n", result ? strerror(-result) : "traced");
		if (!result)
			raise(SIGSTOP);
		call("the child");
		(void)!read(told[0], &byte, 1);
		_exit(0);
	}
	(void)!write(told[1], "x", 1);
	/* As a debugger does: what comes is passed on, but the stop that was for us. */
	must("waitpid", waitpid(child, &status, WUNTRACED));
	while (WIFSTOPPED(status)) {
		int signal = WSTOPSIG(status);
		ptrace(PTRACE_CONT, child, 0, signal == SIGSTOP ? 0 : signal);
		must("waitpid", waitpid(child, &status, WUNTRACED));
	}
	say("it ended with status %#x\n", status);
	child = must("fork", fork());
	if (!child)
		for (;;)
			pause();
	static const enum __ptrace_request ways[] = { PTRACE_ATTACH, PTRACE_SEIZE };
	for (int i = 0; i < 2; i++) {
		long result = raw(ptrace(ways[i], child, 0, 0));
		say("%s: %s\n", i ? "PTRACE_SEIZE" : "PTRACE_ATTACH", result ? strerror(-result) : "attached");
		if (result)
			continue;
		if (i)
			ptrace(PTRACE_INTERRUPT, child, 0, 0);
		waitpid(child, &status, __WALL);
		ptrace(PTRACE_DETACH, child, 0, 0);
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	call("the parent");
}

/* A child that no wait without __WALL sees. */
static pid_t supervisor(void)
{
	char name[64], list[64] = "";
	snprintf(name, sizeof name, "/proc/self/task/%d/children", getpid());
	int file = open(name, O_RDONLY);
	(void)!read(file, list, sizeof list - 1);
	close(file);
	return atoi(list);
}

static void attack(void)
{
	pid_t found = supervisor();
	if (found) {
		char name[64];
		static const char *const files[] = { "mem", "environ", "maps", "fd/2", "exe" };
		static const char *const results[] = { "refused", "opened" };
		for (int i = 0; i < 5; i++) {
			snprintf(name, sizeof name, "/proc/%d/%s", found, files[i]);
			int file = open(name, O_RDWR);
			if (file < 0)
				file = open(name, O_RDONLY);
			char byte;
			say("its %s: %s\n", files[i], results[file >= 0 && read(file, &byte, 1) == 1]);
			close(file);
		}
		long result = raw(ptrace(PTRACE_SEIZE, found, 0, 0));
		say("PTRACE_SEIZE: %s\n", result ? strerror(-result) : "attached");
		/* But SIGKILL, which ends this program too, and SIGSTOP, which stops it. */
		static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGSEGV, SIGCHLD, SIGALRM, SIGTSTP };
		for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
			kill(found, signals[i]);
	}
	call("afterwards");
}

int main(int count, char **arguments)
{
	const char *what = count > 1 ? arguments[1] : "";
	if (!strcmp(what, "flip"))
		return flipped();
	if (!strcmp(what, "descriptors"))
		return descriptors();
	if (!strcmp(what, "faults"))
		faults();
	if (!strcmp(what, "tracing"))
		tracing();
	if (!strcmp(what, "supervisor"))
		attack();
}
