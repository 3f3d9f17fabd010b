/* exec, again and again, while other threads make calls as fast as they can: whoever executes becomes the only
 * thread, and the new program's calls work.
 *	exec_storm ROUNDS */
#include "guest.h"
#include <pthread.h>

enum { THREADS = 6 };
static char *self;
static int rounds;

static void *busy(void *argument)
{
	enum entry entry = (uintptr_t)argument % 2 ? VDSO : INT80;
	for (;;) {
		int pair[2];
		char byte = 'x';
		if (CALL(entry, SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, (long)pair) < 0)
			_exit(90);
		CALL(entry, SYS_SEND, pair[0], (long)&byte, 1, 0);
		CALL(entry, SYS_RECV, pair[1], (long)&byte, 1, 0);
		close(pair[0]);
		close(pair[1]);
	}
}

static void *exec(void *unused)
{
	char left[16];
	(void)unused;
	/* Not always at the same moment. */
	usleep(rounds * 777 % 3000);
	snprintf(left, sizeof left, "%d", rounds - 1);
	char *const arguments[] = { self, left, NULL };
	execv(self, arguments);
	_exit(127);
}

int main(int count, char **arguments)
{
	pthread_t thread;
	self = arguments[0];
	rounds = count > 1 ? atoi(arguments[1]) : 0;
	/* What the round before left open is no business of this one. */
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	long by_stub = CALL(VDSO, SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	long by_trap = CALL(INT80, SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	if (by_stub != 3 || by_trap != 4) {
		say("round %d: %ld and %ld\n", rounds, by_stub, by_trap);
		return 1;
	}
	if (!rounds) {
		say("all rounds are over\n");
		return 0;
	}
	for (uintptr_t i = 0; i < THREADS; i++)
		must("pthread_create", -pthread_create(&thread, NULL, busy, (void *)i));
	/* Now the leader executes, now another. */
	if (rounds % 2)
		exec(NULL);
	must("pthread_create", -pthread_create(&thread, NULL, exec, NULL));
	busy(NULL);
}
