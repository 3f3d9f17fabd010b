/* Processes made in ways that C libraries do not use: clone and clone3 with odd flags, every child making a call
 * by both entries at once. Children that share memory use a stack of their own; all are waited for.
 *	clones clone
 *	clones clone3		(as clone, and with the arguments in memory that can only be read)
 *	clones parent		CLONE_PARENT: a sibling, which a process between waits for */
#include "guest.h"
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { STACK = 65536 };
static char *stack;
static int checked[2];

/* In the child, whose C library does not know that it is one: system calls alone. */
static int child(void *unused)
{
	(void)unused;
	struct registers after;
	const long words[] = { AF_INET, SOCK_STREAM, 0 };
	const struct registers before = { .eax = SOCKETCALL, .ebx = SYS_SOCKET, .ecx = (uintptr_t)words, .eflags = 0x202 };
	__atomic_add_fetch(&counted->stub, 1, __ATOMIC_RELAXED);
	enter_vdso(&before, &after, getauxval(AT_SYSINFO));
	int by_stub = after.eax;
	__atomic_add_fetch(&counted->trap, 1, __ATOMIC_RELAXED);
	enter_int80(&before, &after);
	int by_trap = after.eax;
	/* Where descriptors are shared, they must not be left. */
	if (by_stub >= 0)
		syscall(SYS_close, by_stub);
	if (by_trap >= 0)
		syscall(SYS_close, by_trap);
	char result = by_stub >= 0 && by_trap >= 0;
	syscall(SYS_write, checked[1], &result, 1);
	return result ? 7 : 1;
}

static void await(const char *what, long pid)
{
	int status = -1;
	char result = -1;
	if (pid < 0) {
		show(what, raw(pid));
		return;
	}
	must("waitpid", waitpid(pid, &status, __WALL));
	(void)!read(checked[0], &result, 1);
	say("%s: its calls %s, ended with status %#x\n", what, result == 1 ? "worked" : "failed", status);
}

static const struct { const char *name; unsigned flags; } ways[] = {
	{ "SIGCHLD", SIGCHLD },
	{ "no signal", 0 },
	{ "SIGUSR2", SIGUSR2 },
	{ "UNTRACED", SIGCHLD | CLONE_UNTRACED },
	{ "VM", SIGCHLD | CLONE_VM },
	{ "VM FILES FS", SIGCHLD | CLONE_VM | CLONE_FILES | CLONE_FS },
	{ "VM SIGHAND", SIGCHLD | CLONE_VM | CLONE_SIGHAND },
	{ "VM SIGHAND UNTRACED", SIGCHLD | CLONE_VM | CLONE_SIGHAND | CLONE_UNTRACED },
	{ "VFORK", SIGCHLD | CLONE_VFORK },
	{ "VM VFORK", SIGCHLD | CLONE_VM | CLONE_VFORK },
	{ "VM VFORK UNTRACED", SIGCHLD | CLONE_VM | CLONE_VFORK | CLONE_UNTRACED },
	{ "PTRACE", SIGCHLD | CLONE_PTRACE },
	{ "IO SYSVSEM", SIGCHLD | CLONE_IO | CLONE_SYSVSEM },
	/* What the kernel refuses. */
	{ "SIGHAND without VM", SIGCHLD | CLONE_SIGHAND },
	{ "THREAD without SIGHAND", SIGCHLD | CLONE_THREAD | CLONE_VM },
	{ "FS NEWNS", SIGCHLD | CLONE_FS | CLONE_NEWNS },
};

static void by_clone(void)
{
	for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++)
		await(ways[i].name, clone(child, stack + STACK, ways[i].flags, NULL));
}

/* clone3 whose child runs child() on its own stack. */
static long clone3_with(struct clone_args *arguments)
{
	long result;
	/* ebx, ecx: the structure and its size. The child's stack is empty. */
	asm volatile("int $0x80\n\t"
		     "test %%eax, %%eax\n\t"
		     "jnz 1f\n\t"
		     "push $0\n\t"
		     "call *%%esi\n\t"
		     "mov %%eax, %%ebx\n\t"
		     "mov $1, %%eax\n\t"
		     "int $0x80\n\t"
		     "1:"
		     : "=a"(result)
		     : "0"(SYS_clone3), "b"(arguments), "c"(sizeof *arguments), "S"(child)
		     : "memory", "cc");
	return result < 0 ? (errno = -result, -1) : result;
}

static void by_clone3(void)
{
	struct clone_args *arguments = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++)
		for (int writable = 1; writable >= 0; writable--) {
			mprotect(arguments, 4096, PROT_READ | PROT_WRITE);
			*arguments = (struct clone_args){
				.flags = ways[i].flags & ~CSIGNAL, .exit_signal = ways[i].flags & CSIGNAL,
				.stack = (uintptr_t)stack, .stack_size = STACK,
			};
			mprotect(arguments, 4096, writable ? PROT_READ | PROT_WRITE : PROT_READ);
			char name[64];
			snprintf(name, sizeof name, "%s%s", ways[i].name, writable ? "" : ", read-only");
			const uint64_t flags = arguments->flags;
			await(name, clone3_with(arguments));
			if (arguments->flags != flags)
				say("  its flags were changed\n");
		}
	*(volatile char *)arguments;
	show("nowhere", raw(clone3_with((void *)16)));
	mprotect(arguments, 4096, PROT_NONE);
	show("unreadable", raw(clone3_with(arguments)));
}

int main(int count, char **arguments)
{
	const char *what = count > 1 ? arguments[1] : "";
	stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must("pipe", pipe2(checked, O_NONBLOCK));
	signal(SIGUSR2, SIG_IGN);
	if (!strcmp(what, "clone"))
		by_clone();
	if (!strcmp(what, "clone3"))
		by_clone3();
	if (!strcmp(what, "parent")) {
		/* The child of the process between becomes ours. */
		int told[2];
		must("pipe", pipe(told));
		pid_t between = must("fork", fork());
		if (!between) {
			pid_t sibling = clone(child, stack + STACK, CLONE_PARENT | SIGCHLD, NULL);
			(void)!write(told[1], &sibling, sizeof sibling);
			int status;
			_exit(waitpid(sibling, &status, 0) == -1 && errno == ECHILD ? 0 : 1);
		}
		pid_t sibling = -1;
		(void)!read(told[0], &sibling, sizeof sibling);
		await("PARENT", sibling);
		int status = -1;
		waitpid(between, &status, 0);
		say("the one between ended with status %#x\n", status);
	}
	say_counts();
}
