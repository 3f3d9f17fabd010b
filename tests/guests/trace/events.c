/* Eight threads that make the number of calls that the second argument says, all together. What was issued, by call,
 * is the last line. */
#include "trace.h"
#include <pthread.h>

enum { THREADS = 8 };

static long share;
static unsigned long issued[CALLS + 1];

static void *makes_calls(void *what)
{
	/* Each has half a page of its own. */
	char *mine = page((long)what / 2) + (long)what % 2 * (PAGE / 2);
	int *pair = (int *)mine, *value = pair + 2, *size = pair + 3;
	unsigned long made[CALLS + 1] = { 0 };
	if (DO(SYS_SOCKETPAIR, AF_UNIX, SOCK_DGRAM, 0, pair))
		_exit(98);
	made[SYS_SOCKETPAIR]++;
	for (long i = 1; i < share; i++) {
		int call = i % 4 == 0 ? SYS_SEND : i % 4 == 1 ? SYS_RECV : i % 4 == 2 ? SYS_GETSOCKOPT : SYS_SHUTDOWN;
		*size = sizeof *value;
		if (call == SYS_SEND)
			DO(call, pair[0], "event", 5, MSG_DONTWAIT);
		else if (call == SYS_RECV)
			DO(call, pair[1], mine + 64, 64, MSG_DONTWAIT);
		else if (call == SYS_GETSOCKOPT)
			DO(call, pair[0], SOL_SOCKET, SO_TYPE, value, size);
		else
			DO(call, -1, SHUT_RD);
		made[call]++;
	}
	for (int call = 1; call <= CALLS; call++)
		__atomic_add_fetch(&issued[call], made[call], __ATOMIC_RELAXED);
	return NULL;
}

int main(int count, char **arguments)
{
	pthread_t threads[THREADS];
	begin(count, arguments);
	share = (count > 2 ? strtol(arguments[2], NULL, 0) : 80000) / THREADS;
	for (long i = 0; i < THREADS; i++)
		must("pthread_create", -pthread_create(&threads[i], NULL, makes_calls, (void *)i));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	unsigned long all = 0;
	for (int call = 1; call <= CALLS; call++)
		all += issued[call];
	say("issued: %lu\n", all);
}
