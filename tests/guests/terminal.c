/* A program on a terminal: what is typed goes through a socket, in which it waits.
 *	terminal libc|vdso|int80
 * Its child reads the terminal; "end" ends it. */
#include "guest.h"
#include <signal.h>
#include <sys/ioctl.h>

static enum entry entry;

static int resized;

/* It says so at once: nobody knows whether it interrupts the call or comes before it. */
static void on_resize(int signal)
{
	struct winsize size = { 0 };
	(void)signal;
	ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	say("resized %d times, %d lines\n", ++resized, size.ws_row);
}

int main(int count, char **arguments)
{
	int pair[2];
	entry = entry_of(count > 1 ? arguments[1] : NULL);
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid_t child = must("fork", fork());
	struct sigaction action = { .sa_handler = on_resize };
	if (child)
		sigaction(SIGWINCH, &action, NULL);
	if (!child) {
		char line[128];
		close(pair[0]);
		while (fgets(line, sizeof line, stdin))
			(void)!write(pair[1], line, strlen(line));
		_exit(0);
	}
	say("waiting by %s\n", arguments[1]);
	for (;;) {
		char line[128] = "";
		long length = entry == LIBC ? raw(recv(pair[0], line, sizeof line - 1, 0))
					    : CALL(entry, SYS_RECV, pair[0], (long)line, sizeof line - 1, 0);
		if (length == -EINTR)
			continue;
		if (length <= 0)
			return show("recv", length) != 0;
		line[strcspn(line, "\n")] = 0;
		say("received \"%s\"\n", line);
		if (!strcmp(line, "end")) {
			kill(child, SIGKILL);
			return 7;
		}
	}
}
