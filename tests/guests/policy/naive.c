/* A supervisor as they are often made: it stops the program at a call, looks at what the call points at, and lets it go on if
 * that is allowed. What races do to it shows that they are races.
 *	naive ALLOWED[/TYPE] DIRECTORY PROGRAM [ARGUMENT]...
 * Allows addresses with this port, without a source route, paths below DIRECTORY/allowed, and whatever is no address. With a
 * type, a number, only sockets of that type are looked at. */
#include "policy.h"
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/uio.h>

static int port, looked_at;
static char prefix[PATH_MAX];

static int install(void)
{
	enum { LOOK = SECCOMP_RET_USER_NOTIF };
	static const uint32_t narrow[] = { 361, 362, 363, 369, 370, 345 }, wide[] = { SYS_bind, SYS_connect, SYS_listen, SYS_sendto, SYS_sendmsg, SYS_sendmmsg };
	struct sock_filter code[40];
	int at = 0;
	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 1 + 2 * 6 + 1);
	for (int round = 0; round < 2; round++) {
		code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
		for (int i = 0; i < 6; i++) {
			code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, round ? wide[i] : narrow[i], 0, 1);
			code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, LOOK);
		}
		code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	struct sock_fprog program = { at, code };
	must("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	return must("seccomp", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

static int copy(pid_t tid, uint64_t from, void *to, size_t length)
{
	struct iovec here = { to, length }, there = { (void *)from, length };
	return process_vm_readv(tid, &here, 1, &there, 1, 0) == (ssize_t)length;
}

static int good_address(pid_t tid, int family, uint64_t at, uint32_t length)
{
	union {
		struct sockaddr any;
		struct sockaddr_in inet;
		struct sockaddr_in6 inet6;
		struct sockaddr_un local;
		char bytes[128];
	} name = { 0 };
	char resolved[PATH_MAX] = "";
	if (!at || !length || length > sizeof name)
		return 1;
	if (!copy(tid, at, &name, length))
		return 1;
	/* Sockets of other families have no such addresses; and IPv6 takes none of no family. */
	if (family == AF_NETLINK || (family == AF_INET6 && name.any.sa_family == AF_UNSPEC))
		return 1;
	if (family == AF_UNIX)
		return !name.local.sun_path[0] || (realpath(name.local.sun_path, resolved) && !strncmp(resolved, prefix, strlen(prefix)));
	return ntohs(name.inet.sin_port) == port;
}

static int good_message(pid_t tid, int family, int is_narrow, uint64_t at)
{
	struct msghdr wide;
	struct narrow_header narrow;
	if (is_narrow) {
		if (!copy(tid, at, &narrow, sizeof narrow))
			return 1;
		wide = (struct msghdr){ (void *)(uintptr_t)narrow.name, narrow.name_length, 0, 0, (void *)(uintptr_t)narrow.control, narrow.control_length, 0 };
	} else if (!copy(tid, at, &wide, sizeof wide)) {
		return 1;
	}
	int kind[2] = { -1 };
	if (wide.msg_control && wide.msg_controllen >= 16)
		copy(tid, (uintptr_t)wide.msg_control + (is_narrow ? 4 : 8), kind, sizeof kind);
	return good_address(tid, family, (uintptr_t)wide.msg_name, wide.msg_namelen) && !(kind[0] == IPPROTO_IP && kind[1] == IP_RETOPTS);
}

static int good(const struct seccomp_notif *ask)
{
	const struct seccomp_data *data = &ask->data;
	int is_narrow = data->arch == AUDIT_ARCH_I386, number = data->nr, family = 0, type = 0;
	socklen_t length = sizeof family;
	int process = syscall(SYS_pidfd_open, ask->pid, O_EXCL), fd = syscall(SYS_pidfd_getfd, process, (int)data->args[0], 0);
	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length);
	close(fd);
	close(process);
	if (looked_at && type != looked_at)
		return 1;
	if (number == (is_narrow ? 363 : SYS_listen))
		return family != AF_INET;
	if (number == (is_narrow ? 369 : SYS_sendto))
		return good_address(ask->pid, family, data->args[4], data->args[5]);
	if (number == (is_narrow ? 370 : SYS_sendmsg))
		return good_message(ask->pid, family, is_narrow, data->args[1]);
	if (number == (is_narrow ? 345 : SYS_sendmmsg)) {
		for (unsigned i = 0; i < data->args[2] && i < 16; i++)
			if (!good_message(ask->pid, family, is_narrow, data->args[1] + i * (is_narrow ? 32 : 64)))
				return 0;
		return 1;
	}
	return good_address(ask->pid, family, data->args[1], data->args[2]);
}

int main(int count, char **arguments)
{
	if (count < 4)
		return 97;
	char *type = arguments[1];
	port = strtol(type, &type, 10);
	looked_at = *type == '/' ? atoi(type + 1) : 0;
	snprintf(prefix, sizeof prefix, "%s/allowed/", arguments[2]);
	int told[2], answered;
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, told));
	pid_t child = must("fork", fork());
	if (!child) {
		char byte;
		int listener = install();
		must("write", write(told[1], &listener, sizeof listener));
		must("read", read(told[1], &byte, 1));
		execvp(arguments[3], arguments + 3);
		_exit(127);
	}
	int theirs = -1;
	must("read", read(told[0], &theirs, sizeof theirs));
	int process = must("pidfd_open", syscall(SYS_pidfd_open, child, 0));
	int listener = must("pidfd_getfd", syscall(SYS_pidfd_getfd, process, theirs, 0));
	must("write", write(told[0], "x", 1));
	for (;;) {
		struct seccomp_notif ask = { 0 };
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &ask)) {
			/* Nobody has the filter any more, or the thread is gone. */
			if (waitpid(child, &answered, WNOHANG) == child)
				return WIFEXITED(answered) ? WEXITSTATUS(answered) : 128;
			continue;
		}
		struct seccomp_notif_resp answer = { .id = ask.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
		if (!good(&ask)) {
			answer.flags = 0;
			answer.error = -EACCES;
		}
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}
