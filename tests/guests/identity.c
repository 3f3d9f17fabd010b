/* What a program sees of itself and of its family, of its signals and descriptors: nothing of a supervisor.
 * (Only waitpid with __WALL, which no shell or init uses, would show that there is one.) */
#include "guest.h"
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

extern char **environ;

static void family(void)
{
	int status;
	show("wait at the start", raw(wait(&status)));
	if (getppid() == getpgrp())
		say("parent: the group's leader");
	else
		say("parent %d, group %s", getppid(), getpgrp() == getpid() ? "its own" : "another's");
	say(", session %d\n", getsid(0));
	pid_t child = fork();
	if (!child)
		_exit(5);
	say("wait finds the child: %s\n", wait(&status) == child && WEXITSTATUS(status) == 5 ? "yes" : "no");
	show("wait again", raw(wait(&status)));
	say("threads in /proc/self/task:");
	DIR *tasks = opendir("/proc/self/task");
	for (struct dirent *entry; (entry = readdir(tasks));)
		if (entry->d_name[0] != '.')
			say(" %s", atoi(entry->d_name) == getpid() ? "itself" : "another");
	say("\n");
	closedir(tasks);
}

static void signals(void)
{
	sigset_t blocked;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (int signal = 1; signal < 65; signal++) {
		struct sigaction action;
		/* Of SIGSYS the guest sigsys tells. */
		if (signal == SIGSYS || sigaction(signal, NULL, &action))
			continue;
		if (action.sa_handler != SIG_DFL || sigismember(&blocked, signal) == 1)
			say("signal %d: %s%s\n", signal, action.sa_handler == SIG_IGN ? "ignored" : "as usual",
			    sigismember(&blocked, signal) == 1 ? ", blocked" : "");
	}
	int death = -1;
	prctl(PR_GET_PDEATHSIG, &death);
	say("signal at the parent's death: %d\n", death);
}

static void descriptors(void)
{
	for (int fd = 0; fd < 64; fd++) {
		struct stat status;
		if (fstat(fd, &status))
			continue;
		say("descriptor %d: type %o, access %d, descriptor's flags %d\n", fd, status.st_mode & S_IFMT,
		    fcntl(fd, F_GETFL) & O_ACCMODE, fcntl(fd, F_GETFD));
	}
}

static void limits(void)
{
	static const int all[] = { RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_NPROC, RLIMIT_STACK, RLIMIT_SIGPENDING };
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
		struct rlimit limit;
		getrlimit(all[i], &limit);
		say("limit %d: %llx %llx\n", all[i], (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
	}
	cpu_set_t processors;
	sched_getaffinity(0, sizeof processors, &processors);
	mode_t mask = umask(0);
	say("%d processors, umask %03o, nice %d, dumpable %d\n", CPU_COUNT(&processors), mask,
	    getpriority(PRIO_PROCESS, 0), prctl(PR_GET_DUMPABLE));
}

int main(int count, char **arguments)
{
	char name[32] = "", directory[4096];
	descriptors();
	signals();
	family();
	limits();
	prctl(PR_GET_NAME, name);
	say("name %s, directory %s\n", name, getcwd(directory, sizeof directory));
	for (int i = 0; i < count; i++)
		say("argument %d: %s\n", i, arguments[i]);
	for (char **variable = environ; *variable; variable++)
		say("environment: %s\n", *variable);
	say("executed as %s\n", (const char *)getauxval(AT_EXECFN));
	show("socket", raw(socket(AF_INET, SOCK_STREAM, 0)));
	counted->stub++;
	say_counts();
}
