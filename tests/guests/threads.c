/* Threads that make calls at the same time, by both entries by hand and by the C library: no call's words
 * reach another's, and every one is counted. */
#include "guest.h"
#include <pthread.h>

enum { THREADS = 12, ROUNDS = 50 };

static uint64_t sums[THREADS];

static void fail(const char *what, long result)
{
	show(what, result);
	_exit(1);
}

static void *work(void *argument)
{
	unsigned thread = (uintptr_t)argument;
	enum entry entry = thread % 3;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t sent = (uint64_t)thread << 32 | round * 2654435761u, got = 0;
		int pair[2];
		long made, out, in;
		if (entry == LIBC) {
			__atomic_add_fetch(&counted->stub, 3, __ATOMIC_RELAXED);
			made = raw(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
			out = raw(send(pair[0], &sent, sizeof sent, 0));
			in = raw(recv(pair[1], &got, sizeof got, 0));
		} else {
			made = CALL(entry, SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, (long)pair);
			out = CALL(entry, SYS_SEND, pair[0], (long)&sent, sizeof sent, 0);
			in = CALL(entry, SYS_RECV, pair[1], (long)&got, sizeof got, 0);
		}
		if (made)
			fail("socketpair", made);
		if (out != sizeof sent)
			fail("send", out);
		if (in != sizeof got || got != sent)
			fail("recv", in);
		close(pair[0]);
		close(pair[1]);
		sums[thread] += got;
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	for (uintptr_t i = 0; i < THREADS; i++)
		must("pthread_create", -pthread_create(&threads[i], NULL, work, (void *)i));
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		say("thread %d: %llx\n", i, (unsigned long long)sums[i]);
	}
	say_counts();
}
