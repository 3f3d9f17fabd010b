/* A program with a seccomp filter of its own that sends it SIGSYS: its handler gets its own traps, and those
 * only, whatever else is trapped around it.
 *	own_filter		getppid is trapped; the handler answers in its place
 *	own_filter socketcall	socketcall itself is trapped, which int $0x80 meets before all else */
#include "guest.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

static volatile int traps, others;

static void on_sigsys(int signal, siginfo_t *info, void *context)
{
	ucontext_t *thread = context;
	if (signal == SIGSYS && info->si_code == 1 && info->si_errno == 4711) {
		traps++;
		thread->uc_mcontext.gregs[REG_EAX] = 1000 + info->si_syscall;
	} else {
		others++;
	}
}

static void trap(int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP | 4711),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };
	must("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must("seccomp", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

int main(int count, char **arguments)
{
	int whole = count > 1 && !strcmp(arguments[1], "socketcall");
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
	must("sigaction", sigaction(SIGSYS, &action, NULL));
	trap(whole ? SOCKETCALL : SYS_getppid);
	for (int turn = 0; turn < 3; turn++) {
		if (!whole)
			show("getppid", syscall(SYS_getppid));
		/* By the stub the call never is a socketcall, and so not for this filter. */
		for (enum entry entry = whole ? INT80 : VDSO; entry <= INT80; entry++) {
			long fd = CALL(entry, SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
			show("socket", fd);
			close(fd);
		}
	}
	say("%d traps, %d others\n", traps, others);
	if (!whole)
		say_counts();
}
