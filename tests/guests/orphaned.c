/* Does what it is told, line by line, and says what came of it: call, fork (and call), exec (of itself). */
#include "guest.h"

static void call(void)
{
	long by_stub = CALL(VDSO, SYS_SOCKET, AF_INET, SOCK_STREAM, 0), by_trap = CALL(INT80, SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	say("%s, %s\n", by_stub < 0 ? strerror(-by_stub) : "made", by_trap < 0 ? strerror(-by_trap) : "made");
	close(by_stub);
	close(by_trap);
}

int main(int count, char **arguments)
{
	char line[64];
	if (count > 1)
		return 7;
	while (fgets(line, sizeof line, stdin)) {
		if (!strcmp(line, "call\n")) {
			call();
			continue;
		}
		int by_exec = !strcmp(line, "exec\n"), status;
		pid_t child = must("fork", fork());
		if (!child) {
			if (by_exec) {
				execl(arguments[0], arguments[0], "child", NULL);
				say("%s\n", strerror(errno));
				_exit(0);
			}
			call();
			_exit(0);
		}
		must("waitpid", waitpid(child, &status, 0));
		if (status)
			say("status %#x\n", status);
	}
	return 0;
}
