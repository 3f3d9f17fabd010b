/* exec from a thread that is not the leader, while others are in calls: it takes the leader's place, the
 * others end, and the new program's calls work. */
#include "guest.h"
#include <pthread.h>
#include <sys/syscall.h>

static int pair[2];
static char *self;

static void *blocked(void *unused)
{
	char byte;
	(void)unused;
	recv(pair[0], &byte, 1, 0);
	return NULL;
}

static void *exec(void *unused)
{
	(void)unused;
	char *const arguments[] = { self, "after", NULL };
	say("a thread executes\n");
	execv(self, arguments);
	_exit(127);
}

int main(int count, char **arguments)
{
	pthread_t thread;
	self = arguments[0];
	if (count > 1) {
		long by_stub = raw(socket(AF_INET, SOCK_STREAM, 0));
		long by_trap = CALL(INT80, SYS_SOCKET, AF_INET, SOCK_DGRAM, 0);
		show("afterwards, libc: socket", by_stub);
		show("afterwards, int80: socket", by_trap);
		say("it is the leader: %s\n", syscall(SYS_gettid) == getpid() ? "yes" : "no");
		return by_stub < 0 || by_trap < 0;
	}
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	for (int i = 0; i < 3; i++)
		must("pthread_create", -pthread_create(&thread, NULL, blocked, NULL));
	must("pthread_create", -pthread_create(&thread, NULL, exec, NULL));
	blocked(NULL);
	return 1;
}
