/* Every way to make a process, each followed at once: fork, vfork and exec, posix_spawn, clone with shared
 * memory, and children of children. Each process says what its calls gave, in an order that waiting makes.
 *	forks		(all of these)
 *	forks untraced	a child that its parent wants no tracer to follow */
#include "guest.h"
#include <sched.h>
#include <spawn.h>
#include <signal.h>

extern char **environ;

static int one_socket(const char *who)
{
	static const char *const by[] = { "libc", "vdso", "int80" };
	for (enum entry entry = LIBC; entry <= INT80; entry++) {
		long fd = entry == LIBC ? raw(socket(AF_INET, SOCK_STREAM, 0))
					: CALL(entry, SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
		if (entry == LIBC)
			counted->stub++;
		say("%s, %s: ", who, by[entry]);
		if (show("socket", fd) < 0)
			return 1;
		close(fd);
	}
	return 0;
}

static void await(pid_t child)
{
	int status = -1;
	must("waitpid", waitpid(child, &status, __WALL));
	say("  it ended with status %#x\n", status);
	if (status)
		exit(1);
}

static char stack[65536] __attribute__((aligned(16)));

static int cloned(void *who) { return one_socket(who); }

int main(int count, char **arguments)
{
	if (count > 1 && !strcmp(arguments[1], "untraced")) {
		await(must("clone", clone(cloned, stack + sizeof stack, CLONE_UNTRACED | SIGCHLD, "untraced")));
		return 0;
	}
	if (count > 1)
		return one_socket(arguments[1]);
	char *self = arguments[0], *const by_vfork[] = { self, "vfork and exec", NULL };
	char *const by_spawn[] = { self, "posix_spawn", NULL };
	char *top = stack + sizeof stack;

	if (one_socket("the first"))
		return 1;

	pid_t child = fork();
	if (!child) {
		pid_t grandchild = fork();
		if (!grandchild)
			_exit(one_socket("a grandchild"));
		await(grandchild);
		_exit(one_socket("fork"));
	}
	await(child);

	child = vfork();
	if (!child) {
		execv(self, by_vfork);
		_exit(127);
	}
	await(child);

	must("posix_spawn", -posix_spawn(&child, self, NULL, NULL, by_spawn, environ));
	await(child);

	await(must("clone", clone(cloned, top, SIGCHLD, "clone")));
	await(must("clone", clone(cloned, top, CLONE_VM | CLONE_VFORK | SIGCHLD, "clone with one memory")));
	await(must("clone", clone(cloned, top, CLONE_FILES | CLONE_FS, "clone without a signal")));
	one_socket("the first again");
}
