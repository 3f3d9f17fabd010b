/* A program that becomes somebody else, as gosu, setpriv, nginx and redis do: before exec, so that the new
 * program never was root, and after it, in a running program. Needs root.
 *	setuid	(without arguments: both ways) */
#include "guest.h"
#include <grp.h>

enum { NOBODY = 65534 };

static int sockets(const char *who)
{
	long by_stub = raw(socket(AF_INET, SOCK_STREAM, 0)), by_trap = CALL(INT80, SYS_SOCKET, AF_INET, SOCK_DGRAM, 0);
	long privileged = raw(socket(AF_INET, SOCK_RAW, 1));
	say("%s, user %d:\n", who, getuid());
	show("  libc: socket", by_stub);
	show("  int80: socket", by_trap);
	show("  a raw one", privileged);
	return by_stub < 0 || by_trap < 0;
}

static void become_nobody(void)
{
	must("setgroups", setgroups(0, NULL));
	must("setresgid", setresgid(NOBODY, NOBODY, NOBODY));
	must("setresuid", setresuid(NOBODY, NOBODY, NOBODY));
}

int main(int count, char **arguments)
{
	if (count > 1)
		return sockets("executed as somebody else");
	if (sockets("root"))
		return 1;
	pid_t child = fork();
	if (!child) {
		become_nobody();
		if (sockets("became somebody else"))
			_exit(1);
		pid_t grandchild = fork();
		if (!grandchild)
			_exit(sockets("a child of somebody else"));
		int status = -1;
		waitpid(grandchild, &status, 0);
		_exit(status != 0);
	}
	int status = -1;
	waitpid(child, &status, 0);
	if (status)
		return 2;
	become_nobody();
	char *const again[] = { arguments[0], "again", NULL };
	execv(arguments[0], again);
	return 127;
}
