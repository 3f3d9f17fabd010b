/* Processes of a tree, and their threads, are killed at any moment, while they fork, execute, and make calls.
 * What is left at the end is this process, and it is all right.
 *	kill_storm SEED MILLISECONDS */
#include "guest.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

/* So many processes of the tree live at a time. */
enum { SLOTS = 32, UNREAPED = 4 };
static pid_t *slots;
/* Nobody makes anybody any more: else whoever kills them all, and is one among many, may not be done for long. */
static volatile int *over;

static uint32_t state;

static uint32_t chance(uint32_t below)
{
	state ^= state << 13, state ^= state >> 17, state ^= state << 5;
	return state % below;
}

/* A number may have been given to a stranger meanwhile. */
static int slay(pid_t pid) { return pid > 0 && pid != getpid() && getpgid(pid) == getpgrp() && !kill(pid, SIGKILL); }

/* Takes the slot of a process that is gone. */
static int take_slot(void)
{
	for (int i = 0; i < SLOTS && !*over; i++) {
		pid_t pid = __atomic_load_n(&slots[i], __ATOMIC_RELAXED);
		if ((pid == 0 || getpgid(pid) != getpgrp())
		    && __atomic_compare_exchange_n(&slots[i], &pid, getpid(), 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return 1;
	}
	return 0;
}

static void *calls_for_ever(void *argument)
{
	enum entry entry = (uintptr_t)argument;
	for (;;) {
		int pair[2];
		char byte = 'x';
		if (CALL(entry, SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, (long)pair) < 0)
			continue;
		CALL(entry, SYS_SEND, pair[0], (long)&byte, 1, 0);
		CALL(entry, SYS_RECV, pair[1], (long)&byte, 1, 0);
		close(pair[0]);
		close(pair[1]);
		usleep(100);
	}
	return NULL;
}

__attribute__((noinline, noreturn)) static void short_life(void)
{
	_exit(CALL(INT80, SYS_SOCKET, AF_INET, SOCK_STREAM, 0) < 0);
}

/* What shares its parent's memory does no more than this. */
__attribute__((noinline)) static void by_vfork(void)
{
	if (!vfork())
		short_life();
}

/* A process of the tree: it does one of the things that a supervisor has to follow, for ever. */
static void grow(const char *self, unsigned depth)
{
	pthread_t thread;
	int unreaped = 0;
	if (!take_slot())
		short_life();
	state ^= getpid() * 2654435761u;
	switch (chance(5)) {
	case 0:
		calls_for_ever((void *)VDSO);
		break;
	case 1:
		calls_for_ever((void *)INT80);
		break;
	case 2:
		for (uintptr_t i = 0; i < 4; i++)
			pthread_create(&thread, NULL, calls_for_ever, (void *)(i % 2 ? VDSO : INT80));
		usleep(chance(2000));
		if (chance(2)) {
			char seed[16];
			snprintf(seed, sizeof seed, "%u", chance(1 << 30));
			execl(self, self, "leaf", seed, NULL);
		}
		pause();
		break;
	default:
		for (;;) {
			while (*over)
				pause();
			if (!chance(4)) {
				by_vfork();
				unreaped++;
			} else {
				pid_t child = fork();
				if (!child) {
					if (depth < 3 && chance(2))
						grow(self, depth + 1);
					short_life();
				}
				unreaped += child > 0;
			}
			if (chance(2))
				while (unreaped > 0 && waitpid(-1, NULL, unreaped > UNREAPED ? 0 : WNOHANG) > 0)
					unreaped--;
			if (chance(8) == 0)
				usleep(chance(500));
		}
	}
}

/* Kills every child, until there is none; orphans come to us. */
static void kill_all(void)
{
	for (int quiet = 0; quiet < 2; usleep(1000)) {
		char name[64];
		for (unsigned i = 0; i < SLOTS; i++)
			slay(slots[i]);
		snprintf(name, sizeof name, "/proc/self/task/%d/children", getpid());
		FILE *file = fopen(name, "r");
		quiet++;
		for (int pid; file && fscanf(file, "%d", &pid) == 1;)
			/* The supervisor is there too, and is no child that one can wait for. */
			if (waitpid(pid, NULL, WNOHANG) == 0) {
				kill(pid, SIGKILL);
				quiet = 0;
			}
		fclose(file);
	}
}

int main(int count, char **arguments)
{
	if (count > 2 && !strcmp(arguments[1], "leaf")) {
		state = strtoul(arguments[2], NULL, 0) * 2 + 1;
		calls_for_ever((void *)(chance(2) ? VDSO : INT80));
	}
	state = count > 1 ? strtoul(arguments[1], NULL, 0) * 2 + 1 : 1;
	long milliseconds = count > 2 ? atol(arguments[2]) : 500;
	slots = mmap(NULL, (SLOTS + 1) * sizeof *slots, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	over = slots + SLOTS;
	must("prctl", prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	struct timespec begin, now;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	unsigned kills = 0;
	for (unsigned turn = 1;; turn++) {
		/* There always is somebody to be killed. */
		if (!must("fork", fork())) {
			state += turn * 40503u;
			grow(arguments[0], 0);
		}
		usleep(chance(1500));
		kills += slay(slots[chance(SLOTS)]);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		clock_gettime(CLOCK_MONOTONIC, &now);
		long passed = (now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000;
		if (passed > milliseconds && kills >= 20)
			break;
	}
	*over = 1;
	kill_all();
	say("nobody is left\n");
	long by_stub = CALL(VDSO, SYS_SOCKET, AF_INET, SOCK_STREAM, 0), by_trap = CALL(INT80, SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	say("and calls %s\n", by_stub >= 0 && by_trap >= 0 ? "work" : "fail");
}
