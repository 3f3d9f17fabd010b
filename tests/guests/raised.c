/* A program that raises its privileges, by its file's set-user-ID bit.
 *	raised		says who it is, and makes a call by each entry
 *	raised become	becomes somebody else first, and executes itself: root again */
#include "guest.h"
#include <grp.h>

int main(int count, char **arguments)
{
	enum { NOBODY = 65534 };
	if (count > 1) {
		must("setgroups", setgroups(0, NULL));
		must("setresgid", setresgid(NOBODY, NOBODY, NOBODY));
		must("setresuid", setresuid(NOBODY, NOBODY, NOBODY));
		char *const again[] = { arguments[0], NULL };
		execv(arguments[0], again);
		return 127;
	}
	say("user %d, effective user %d\n", getuid(), geteuid());
	show("libc: socket", raw(socket(AF_INET, SOCK_STREAM, 0)));
	show("int80: socket", CALL(INT80, SYS_SOCKET, AF_INET, SOCK_STREAM, 0));
	show("a raw one", raw(socket(AF_INET, SOCK_RAW, 1)));
}
