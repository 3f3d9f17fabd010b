/* A daemon: it leaves its parent, its session and its standard descriptors behind, and works on when the first
 * program has long ended.
 *	daemon libc|vdso|int80 */
#include "guest.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

static enum entry entry;

static long call(int number, long a, long b, long c)
{
	if (entry != LIBC)
		return CALL(entry, number, a, b, c, 0);
	counted->stub++;
	switch (number) {
	case SYS_SOCKET: return raw(socket(a, b, c));
	case SYS_LISTEN: return raw(listen(a, b));
	case SYS_CONNECT: return raw(connect(a, (void *)b, c));
	case SYS_ACCEPT: return raw(accept(a, NULL, NULL));
	default: return raw(getsockname(a, (void *)b, (void *)c));
	}
}

int main(int count, char **arguments)
{
	entry = entry_of(count > 1 ? arguments[1] : NULL);
	int first = syscall(SYS_pidfd_open, getpid(), 0);
	must("pidfd_open", first);
	pid_t child = must("fork", fork());
	if (child) {
		/* The child's parent is gone when it goes on; and this process is when the daemon does. */
		waitpid(child, NULL, 0);
		say("the first program ends\n");
		return 3;
	}
	must("setsid", setsid());
	if (must("fork", fork()))
		_exit(0);
	struct pollfd end = { .fd = first, .events = POLLIN };
	must("poll", poll(&end, 1, -1));
	must("chdir", chdir("/"));
	int null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 2);
	say("the daemon is %sits session's leader, its group is %sits session\n", getsid(0) == getpid() ? "" : "not ",
	    getpgrp() == getsid(0) ? "" : "not ");

	struct sockaddr_in name;
	socklen_t length = sizeof name;
	char text[8] = "";
	long listener = call(SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	show("listen", call(SYS_LISTEN, listener, 5, 0));
	show("getsockname", call(SYS_GETSOCKNAME, listener, (long)&name, (long)&length));
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	pid_t served = must("fork", fork());
	if (!served) {
		long client = call(SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
		call(SYS_CONNECT, client, (long)&name, sizeof name);
		_exit(write(client, "hello", 5) != 5);
	}
	long connection = call(SYS_ACCEPT, listener, 0, 0);
	show("read", read(connection, text, sizeof text));
	int status = -1;
	waitpid(served, &status, 0);
	say("  received \"%s\" from a child with status %#x\n", text, status);
	say_counts();
}
