/* A child that is stopped and continued while it is in recv, and children that end in every way: what
 * waitpid says of them. With an argument, the program itself ends so: "signal N", "status N". */
#include "guest.h"
#include <fcntl.h>
#include <signal.h>

static enum entry entry;
static int pair[2];

static long receive(void *buffer, size_t size)
{
	if (entry == LIBC) {
		counted->stub++;
		return raw(recv(pair[0], buffer, size, 0));
	}
	return CALL(entry, SYS_RECV, pair[0], (long)buffer, size, 0);
}

static char state_of(pid_t process)
{
	char name[64], line[512] = "";
	snprintf(name, sizeof name, "/proc/%d/stat", process);
	int file = open(name, O_RDONLY);
	(void)!read(file, line, sizeof line - 1);
	close(file);
	char *state = strrchr(line, ')');
	return state ? state[2] : '?';
}

static void wait_until_asleep(pid_t process)
{
	while (state_of(process) != 'S')
		usleep(500);
}

static void say_status(pid_t child, int flags)
{
	int status = -1;
	must("waitpid", waitpid(child, &status, flags));
	if (WIFSTOPPED(status))
		say("  stopped by signal %d\n", WSTOPSIG(status));
	else if (WIFCONTINUED(status))
		say("  continued\n");
	else if (WIFSIGNALED(status))
		say("  ended by signal %d\n", WTERMSIG(status));
	else
		say("  ended with status %d\n", WEXITSTATUS(status));
}

static pid_t receiver(void)
{
	pid_t child = must("fork", fork());
	if (child) {
		wait_until_asleep(child);
		return child;
	}
	char text[16] = "";
	show("  the child's recv", receive(text, sizeof text));
	_exit(strcmp(text, "go on") ? 1 : 7);
}

int main(int count, char **arguments)
{
	entry = entry_of(count > 1 ? arguments[1] : NULL);
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	counted->stub++;
	if (count > 3) {
		int number = atoi(arguments[3]);
		show("a byte sent", send(pair[1], "x", 1, 0));
		if (strcmp(arguments[2], "signal"))
			return number;
		kill(getpid(), number);
		for (;;)
			pause();
	}

	say("stopped and continued:\n");
	pid_t child = receiver();
	for (int turn = 0; turn < 3; turn++) {
		kill(child, SIGSTOP);
		say_status(child, WUNTRACED);
		kill(child, SIGCONT);
		say_status(child, WCONTINUED);
		wait_until_asleep(child);
	}
	long sent = raw(send(pair[1], "go on", 5, 0));
	say_status(child, 0);
	show("  send", sent);

	static const int deadly[] = { SIGTERM, SIGKILL, SIGHUP, SIGINT, SIGPIPE, SIGUSR1 };
	for (unsigned i = 0; i < sizeof deadly / sizeof *deadly; i++) {
		say("in recv, signal %d:\n", deadly[i]);
		child = receiver();
		kill(child, deadly[i]);
		say_status(child, 0);
	}
	say("stopped by itself, then killed:\n");
	child = must("fork", fork());
	if (!child) {
		raise(SIGTSTP);
		raise(SIGSTOP);
		_exit(0);
	}
	say_status(child, WUNTRACED);
	kill(child, SIGCONT);
	say_status(child, WUNTRACED);
	kill(child, SIGKILL);
	say_status(child, 0);
	counted->stub++;
	say_counts();
}
