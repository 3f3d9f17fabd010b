/* Many short-lived processes at once: all are started, then all make a call by each entry and end.
 *	many N		N children
 *	many N sleep	N children that do nothing; the parent says so and waits for its standard input to end
 *	many limit	as many as RLIMIT_NPROC lets an unprivileged user have; needs root, to become one */
#include "guest.h"
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>

static int one(int gate)
{
	char byte;
	/* All begin when the parent closes its end. */
	if (read(gate, &byte, 1) != 0)
		return 1;
	long by_stub = CALL(VDSO, SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	long by_trap = CALL(INT80, SYS_SOCKET, AF_INET, SOCK_DGRAM, 0);
	return by_stub < 0 || by_trap < 0 ? 1 : 7;
}

int main(int count, char **arguments)
{
	int gate[2], wanted = count > 1 ? atoi(arguments[1]) : 1, limited = 0, started = 0, good = 0, status;
	if (count > 1 && !strcmp(arguments[1], "limit")) {
		enum { SOMEBODY = 64737, LIMIT = 40 };
		must("setrlimit", setrlimit(RLIMIT_NPROC, &(struct rlimit){ LIMIT, LIMIT }));
		must("setgroups", setgroups(0, NULL));
		must("setresgid", setresgid(SOMEBODY, SOMEBODY, SOMEBODY));
		must("setresuid", setresuid(SOMEBODY, SOMEBODY, SOMEBODY));
		wanted = 10 * LIMIT;
		limited = 1;
	}
	must("pipe", pipe(gate));
	while (started < wanted) {
		pid_t child = fork();
		if (child < 0 && limited && errno == EAGAIN)
			break;
		if (!must("fork", child)) {
			close(gate[1]);
			_exit(count > 2 ? pause() : one(gate[0]));
		}
		started++;
	}
	say("%d processes\n", started);
	if (count > 2) {
		char byte;
		(void)!read(STDIN_FILENO, &byte, 1);
		/* What the children would answer to a SIGTERM: nothing else is left to do. */
		signal(15, SIG_IGN);
		kill(0, 15);
	}
	close(gate[1]);
	while (wait(&status) > 0)
		good += WIFEXITED(status) && WEXITSTATUS(status) == 7;
	say("%d of %d were served\n", good, started);
	say_counts();
}
