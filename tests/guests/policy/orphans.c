/* Children whose parents are killed while they make them: nobody announces such a child to its supervisor. Each sends a
 * datagram that is permitted.
 *	orphans PORT ROUNDS
 * Prints how many were sent, and how many not. */
#include "policy.h"
#include <sys/prctl.h>

static struct told { volatile int sent, failed, error; } *told;

/* Makes children until it is killed. */
static void parent(int port)
{
	struct sockaddr_in name = v4(port);
	for (int made = 0; made < 50; made++)
		if (!fork()) {
			int fd = socket(AF_INET, SOCK_DGRAM, 0);
			if (sendto(fd, "x", 1, 0, (void *)&name, sizeof name) == 1) {
				__atomic_add_fetch(&told->sent, 1, __ATOMIC_SEQ_CST);
			} else {
				told->error = errno;
				__atomic_add_fetch(&told->failed, 1, __ATOMIC_SEQ_CST);
			}
			_exit(0);
		}
	_exit(0);
}

int main(int count, char **arguments)
{
	if (count != 3)
		return 97;
	told = low(4096);
	must("PR_SET_CHILD_SUBREAPER", prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	unsigned random = 1;
	for (int round = atoi(arguments[2]); round; round--) {
		pid_t child = must("fork", fork());
		if (!child)
			parent(atoi(arguments[1]));
		random = random * 1103515245 + 12345;
		usleep(500 + (random >> 16) % 3000);
		kill(child, SIGKILL);
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
	say("sent %d, failed %d%s%s\n", told->sent, told->failed, told->failed ? ", " : "", told->failed ? strerror(told->error) : "");
	return !!told->failed;
}
