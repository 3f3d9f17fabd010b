/* From one kind of program to another by exec: 32-bit, 64-bit, a script, 32-bit again. Every link makes a
 * socket in the way of its kind, says so, and executes the rest of its arguments:
 *	chain LABEL [PROGRAM ARG...]
 * As a script's interpreter its label is "script", and the script's own name comes before the rest.
 * Compiled twice, for 32 and for 64 bits. */
#define _GNU_SOURCE
#include <stdio.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

int main(int count, char **arguments)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (count < 2)
		return 96;
	int rest = strcmp(arguments[1], "script") ? 2 : 3;
	printf("%s, %zu bits: socket = %d%s%s\n", arguments[1], sizeof(void *) * 8, fd, fd < 0 ? " " : "",
	       fd < 0 ? strerror(errno) : "");
	fflush(stdout);
	if (fd < 0)
		return 1;
	if (count <= rest)
		return 0;
	execv(arguments[rest], arguments + rest);
	perror(arguments[rest]);
	return 126;
}
