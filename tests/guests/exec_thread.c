/* exec from a thread that is not the leader, while others are in calls: it takes the leader's place, the
 * others end, and the new program's calls work. */
#include "guest.h"
#include <dirent.h>
#include <fcntl.h>
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

/* How many threads of this process are in recv, as socketcall natively, as recvfrom (371) under supervision. */
static int in_recv(void)
{
	int count = 0, number;
	DIR *tasks = opendir("/proc/self/task");
	for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
		char name[300], line[512] = "";
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "/proc/self/task/%s/syscall", entry->d_name);
		int file = open(name, O_RDONLY);
		(void)!read(file, line, sizeof line - 1);
		close(file);
		count += sscanf(line, "%d", &number) == 1 && (number == SOCKETCALL || number == 371);
	}
	closedir(tasks);
	return count;
}

static void *exec(void *unused)
{
	(void)unused;
	while (in_recv() < 4)
		usleep(500);
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
