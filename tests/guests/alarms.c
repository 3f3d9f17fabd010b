/* A timer at 1 kHz over calls that block: a child answers every byte, a little late; each byte arrives, once.
 *	alarms libc|vdso|int80 restart|again	handlers with SA_RESTART; without, and the caller tries again */
#include "guest.h"
#include <signal.h>
#include <sys/time.h>

enum { ROUNDS = 300 };
static enum entry entry;
static volatile int ticks;

static void on_alarm(int signal) { ticks += signal == SIGALRM; }

static long once(int number, int fd, void *buffer)
{
	if (entry != LIBC)
		return enter(entry, number, (const long[]){ fd, (long)buffer, 1, 0 });
	return raw(number == SYS_SEND ? send(fd, buffer, 1, 0) : recv(fd, buffer, 1, 0));
}

static unsigned interrupted;

static long again(int number, int fd, void *buffer)
{
	long result;
	while ((result = once(number, fd, buffer)) == -EINTR)
		interrupted++;
	return result;
}

static int echo(int fd)
{
	char byte;
	/* A signal that is late: every answer takes about a tick. */
	while (again(SYS_RECV, fd, &byte) == 1) {
		usleep(800);
		byte ^= 0x55;
		if (again(SYS_SEND, fd, &byte) != 1)
			return 1;
	}
	return 0;
}

int main(int count, char **arguments)
{
	int pair[2], status;
	entry = entry_of(count > 1 ? arguments[1] : NULL);
	int restart = count > 2 && !strcmp(arguments[2], "restart");
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = restart ? SA_RESTART : 0 };
	must("sigaction", sigaction(SIGALRM, &action, NULL));
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid_t child = must("fork", fork());
	struct itimerval timer = { { 0, 1000 }, { 0, 1000 } };
	must("setitimer", setitimer(ITIMER_REAL, &timer, NULL));
	if (!child) {
		close(pair[0]);
		_exit(echo(pair[1]));
	}
	close(pair[1]);
	unsigned sum = 0, expected = 0;
	for (int round = 0; round < ROUNDS; round++) {
		unsigned char byte = round * 7;
		expected += byte ^ 0x55;
		if (again(SYS_SEND, pair[0], &byte) != 1)
			return 1;
		if (again(SYS_RECV, pair[0], &byte) != 1)
			return 2;
		sum += byte;
	}
	close(pair[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	timer = (struct itimerval){ 0 };
	setitimer(ITIMER_REAL, &timer, NULL);
	say("the child ended with status %#x; %u of %u; %s, %s\n", status, sum, expected,
	    ticks > 10 ? "many signals" : "few signals", (interrupted == 0) == restart ? "as set" : "not as set");
	return sum != expected;
}
