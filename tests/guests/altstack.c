/* Signals on another stack, while a call blocks and while calls are made there; and a handler that does not
 * return but jumps.
 *	altstack libc|vdso|int80 */
#include "guest.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>

static enum entry entry;
static int pair[2], inner[2];
static char *stack;
static sigjmp_buf back;
static int on_it, jump;
enum { SIZE = 65536 };

static long call(int number, int fd, void *buffer, size_t size)
{
	if (entry != LIBC)
		return CALL(entry, number, fd, (long)buffer, size, 0);
	__atomic_add_fetch(&counted->stub, 1, __ATOMIC_RELAXED);
	return raw(number == SYS_SEND ? send(fd, buffer, size, 0) : recv(fd, buffer, size, 0));
}

static void on_signal(int signal)
{
	char here, text[8] = "";
	(void)signal;
	on_it = &here >= stack && &here < stack + SIZE;
	/* Both ways work here too, whose array is on this stack. */
	if (call(SYS_SEND, inner[0], "inside", 6) != 6 || call(SYS_RECV, inner[1], text, sizeof text) != 6
	    || strcmp(text, "inside"))
		say("calls on the other stack failed\n");
	if (jump)
		siglongjmp(back, 1);
	(void)!write(pair[1], "woken", 5);
}

static void signal_when_asleep(void)
{
	pid_t parent = getpid();
	if (must("fork", fork()))
		return;
	char name[64], line[512], *state = NULL;
	snprintf(name, sizeof name, "/proc/%d/stat", parent);
	while (!state || state[2] != 'S') {
		int file = open(name, O_RDONLY);
		ssize_t length = read(file, line, sizeof line - 1);
		close(file);
		line[length > 0 ? length : 0] = 0;
		state = strrchr(line, ')');
	}
	kill(parent, SIGUSR1);
	_exit(0);
}

int main(int count, char **arguments)
{
	entry = entry_of(count > 1 ? arguments[1] : NULL);
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, inner));
	counted->stub += 2;
	stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t other = { .ss_sp = stack, .ss_size = SIZE };
	must("sigaltstack", sigaltstack(&other, NULL));
	for (int turn = 0; turn < 6; turn++) {
		struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK | (turn % 2 ? SA_RESTART : 0) };
		must("sigaction", sigaction(SIGUSR1, &action, NULL));
		char text[16] = "";
		jump = turn >= 4;
		on_it = 0;
		signal_when_asleep();
		if (!sigsetjmp(back, 1)) {
			long result = call(SYS_RECV, pair[0], text, sizeof text);
			show("recv", result);
			say("  received \"%s\"\n", text);
		} else {
			say("jumped out of recv\n");
		}
		while (waitpid(-1, NULL, 0) < 0 && errno == EINTR)
			;
		say("  the handler ran %s\n", on_it ? "on the other stack" : "elsewhere");
		/* What woke no recv. */
		char rest[16];
		(void)!recv(pair[0], rest, sizeof rest, MSG_DONTWAIT);
		counted->stub++;
		stack_t now;
		sigaltstack(NULL, &now);
		say("  it is %s\n", now.ss_flags ? "in use or gone" : "there");
	}
	say_counts();
}
