/* More threads than one would think wait in sendmsg at the same time; then all of them are done.
 *	crowd THREADS */
#include "policy.h"

static int pair[2];
static volatile int done, failed, waiting;

static void *sender(void *unused)
{
	(void)unused;
	char text[64] = "";
	struct iovec part = { text, sizeof text };
	struct msghdr message = { NULL, 0, &part, 1, NULL, 0, 0 };
	__atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	if (sendmsg(pair[0], &message, 0) != sizeof text)
		failed = errno;
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

int main(int count, char **arguments)
{
	int threads = count > 1 ? atoi(arguments[1]) : 200;
	pthread_t all[1024];
	char byte[64];
	must("socketpair", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	while (send(pair[0], byte, sizeof byte, MSG_DONTWAIT) > 0)
		;
	for (int i = 0; i < threads; i++)
		must("pthread_create", -pthread_create(&all[i], NULL, sender, NULL));
	while (waiting < threads)
		usleep(1000);
	usleep(200000);
	while (done < threads)
		if (recv(pair[1], byte, sizeof byte, MSG_DONTWAIT) < 0)
			usleep(100);
	for (int i = 0; i < threads; i++)
		pthread_join(all[i], NULL);
	say("%d threads: %s\n", threads, failed ? strerror(failed) : "all sent");
	return !!failed;
}
