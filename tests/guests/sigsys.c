/* SIGSYS as the program's own signal: handled, ignored, blocked, raised and sent. Calls by int $0x80 come in
 * between and change nothing of it.
 *	sigsys			all of these
 *	sigsys handled		a handler that is set, and never called
 *	sigsys blocked		a call while the signal is blocked, and no handler
 *	sigsys ignored		a call while the signal is ignored
 *	sigsys sent		the signal, sent by another process into recv
 *	sigsys executed		what is left after exec */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

static volatile int handled;

static void on_sigsys(int signal) { handled += signal == SIGSYS; }

static void call(void)
{
	long fd = CALL(INT80, SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	say("  socket = %s\n", fd >= 0 ? "a descriptor" : strerror(-fd));
	close(fd);
}

static void state(const char *when)
{
	sigset_t blocked, pending;
	struct sigaction action;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	sigpending(&pending);
	sigaction(SIGSYS, NULL, &action);
	void (*handler)(int) = action.sa_handler;
	say("%s: %s, %s, %s, handled %d\n", when,
	    handler == SIG_DFL ? "default" : handler == SIG_IGN ? "ignored" : handler == on_sigsys ? "ours" : "another's",
	    sigismember(&blocked, SIGSYS) ? "blocked" : "not blocked",
	    sigismember(&pending, SIGSYS) ? "pending" : "not pending", handled);
	if (handler == on_sigsys)
		say("  flags %#x, SIGUSR1 %s while it is handled\n", action.sa_flags & ~0x04000000,
		    sigismember(&action.sa_mask, SIGUSR1) ? "blocked" : "not blocked");
}

static void handle(void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	sigaddset(&action.sa_mask, SIGUSR1);
	must("sigaction", sigaction(SIGSYS, &action, NULL));
}

static void mask(int how)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	sigprocmask(how, &set, NULL);
}

static void *in_a_thread(void *unused)
{
	(void)unused;
	state("in a thread");
	call();
	mask(SIG_BLOCK);
	call();
	state("in a thread that blocks it");
	return NULL;
}

static void handled_by_us(void)
{
	handle(on_sigsys, SA_RESTART);
	call();
	state("handled");
	raise(SIGSYS);
	state("raised");
	call();
	mask(SIG_BLOCK);
	call();
	state("blocked");
	raise(SIGSYS);
	state("raised");
	call();
	state("raised, and a call");
	mask(SIG_UNBLOCK);
	state("unblocked");
	pthread_t thread;
	must("pthread_create", -pthread_create(&thread, NULL, in_a_thread, NULL));
	pthread_join(thread, NULL);
	call();
	state("after the thread");
	handle(on_sigsys, SA_RESETHAND | SA_NODEFER);
	call();
	state("to be reset");
	raise(SIGSYS);
	state("reset");
	call();
}

static void ignored(void)
{
	handle(SIG_IGN, 0);
	call();
	state("ignored");
	raise(SIGSYS);
	call();
	state("raised");
}

static void sent(void)
{
	int pair[2];
	char byte;
	handle(on_sigsys, 0);
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	counted->stub++;
	for (enum entry entry = VDSO; entry <= INT80; entry++) {
		pid_t parent = getpid(), child = must("fork", fork());
		if (!child) {
			char name[64], line[512];
			snprintf(name, sizeof name, "/proc/%d/stat", parent);
			for (char *state = NULL; !state || state[2] != 'S';) {
				int file = open(name, O_RDONLY);
				ssize_t length = read(file, line, sizeof line - 1);
				close(file);
				line[length > 0 ? length : 0] = 0;
				state = strrchr(line, ')');
			}
			kill(parent, SIGSYS);
			_exit(0);
		}
		show("recv", CALL(entry, SYS_RECV, pair[0], (long)&byte, 1, 0));
		waitpid(child, NULL, 0);
		state("sent");
	}
}

static void executed(char *self)
{
	static const struct { const char *what; void (*handler)(int); int how; } ways[] = {
		{ "after a handler", on_sigsys, SIG_UNBLOCK },
		{ "after being ignored", SIG_IGN, SIG_UNBLOCK },
		{ "after being handled and blocked", on_sigsys, SIG_BLOCK },
	};
	for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
		pid_t child = must("fork", fork());
		if (!child) {
			handle(ways[i].handler, 0);
			mask(ways[i].how);
			call();
			execl(self, self, ways[i].what, NULL);
			_exit(127);
		}
		int status;
		must("waitpid", waitpid(child, &status, 0));
		say("  ended with status %#x\n", status);
	}
}

int main(int count, char **arguments)
{
	const char *what = count > 1 ? arguments[1] : NULL;
	if (what && !strncmp(what, "after", 5)) {
		state(what);
		if (!strstr(what, "blocked"))
			call();
		return 0;
	}
	if (what && !strcmp(what, "handled")) {
		handle(on_sigsys, SA_RESTART);
		call();
		say("handled %d\n", handled);
	}
	if (!what)
		handled_by_us();
	if (!what || !strcmp(what, "ignored"))
		ignored();
	if (!what || !strcmp(what, "sent"))
		sent();
	if (!what || !strcmp(what, "executed"))
		executed(arguments[0]);
	if (what && !strcmp(what, "blocked")) {
		mask(SIG_BLOCK);
		call();
	}
	say_counts();
}
