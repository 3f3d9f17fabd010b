/* Ways around rules that need no race. Each is tried in a process of its own, and told: "through", or the error.
 *	ways ALLOWED FORBIDDEN ALLOWED_TCP FORBIDDEN_TCP DIRECTORY	(the receiver's)
 *	ways exec PORT		sends to that port, after exec
 *	ways forged FORBIDDEN ALLOWED	covers the place for copies with the forbidden port, and sends to the allowed one; or where
 *				there is no such place, to the forbidden one
 *	ways each PORT		one message by sendmmsg
 *	ways upper PORT		64-bit code calls by int $0x80, with something in the upper halves of all words
 *	ways source		to any address from 127.0.0.2: prints who gets it
 * What lacks a word in brackets gets through natively. */
#include "policy.h"
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>

static int allowed, forbidden, allowed_stream, forbidden_stream;
static const char *directory, *self;

static int fd_of(int family, int type) { return must("socket", socket(family, type, 0)); }
static long raw(long result) { return result == -1 ? -errno : result; }

static struct sockaddr_in6 mapped(int port)
{
	struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	memcpy(name.sin6_addr.s6_addr, (uint8_t[16]){ [10] = 255, [11] = 255, [12] = 127, [15] = 1 }, 16);
	return name;
}

static long to(int fd, int flags, const void *name, socklen_t length) { return raw(sendto(fd, "x", 1, flags, name, length)); }

/* Sockets that no rule permits. */
static long netlink(void) { return raw(socket(AF_NETLINK, SOCK_RAW, 0)); }
static long netlink_flags(void) { return raw(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }
static long packet(void) { return raw(socket(AF_INET, SOCK_PACKET, 0x300)); }
static long raw_socket(void) { return raw(socket(AF_INET, SOCK_RAW, 1)); }
static long udplite(void) { return raw(socket(AF_INET, SOCK_DGRAM, 136)); }
static long alg(void) { return raw(socket(AF_VSOCK, SOCK_STREAM, 0)); }
static long netlink_int80(void) { return CALL6(INT80, SOCKET, AF_NETLINK, SOCK_RAW, 0, 0, 0, 0); }
static long netlink_socketcall(void) { return CALL6(SOCKETCALL, SOCKET, AF_NETLINK, SOCK_RAW, 0, 0, 0, 0); }
#ifdef __x86_64__
static long netlink_upper(void) { return raw(syscall(SYS_socket, 1l << 32 | AF_NETLINK, SOCK_RAW, 0)); }
static long type_upper(void) { return raw(syscall(SYS_socket, AF_INET, 7l << 32 | SOCK_RAW, 1)); }
static long netlink_x32(void) { return raw(syscall(0x40000000 | SYS_socket, AF_NETLINK, SOCK_RAW, 0)); }
/* Its low half is null. */
static long pointer_upper(void)
{
	struct sockaddr_in *name = mmap((void *)(5l << 32), 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	*name = v4(forbidden);
	return to(fd_of(AF_INET, SOCK_DGRAM), 0, name, sizeof *name);
}
static long length_upper(void)
{
	struct sockaddr_in name = v4(forbidden);
	return raw(syscall(SYS_sendto, fd_of(AF_INET, SOCK_DGRAM), "x", 1, 0, &name, 9l << 32 | sizeof name));
}
#endif

/* The same address in other words. */
static long plain(void)
{
	struct sockaddr_in name = v4(forbidden);
	return to(fd_of(AF_INET, SOCK_DGRAM), 0, &name, sizeof name);
}
static long plain_connect(void)
{
	struct sockaddr_in name = v4(forbidden_stream);
	return raw(connect(fd_of(AF_INET, SOCK_STREAM), (void *)&name, sizeof name));
}
static long by_way(enum way way)
{
	struct { struct sockaddr_in name; char text[8]; } *memory = low(4096);
	memory->name = v4(forbidden);
	return CALL6(way, SENDTO, fd_of(AF_INET, SOCK_DGRAM), memory->text, 1, 0, &memory->name, sizeof memory->name);
}
static long by_int80(void) { return by_way(INT80); }
static long by_socketcall(void) { return by_way(SOCKETCALL); }
static long v4_mapped(void)
{
	struct sockaddr_in6 name = mapped(forbidden);
	return to(fd_of(AF_INET6, SOCK_DGRAM), 0, &name, sizeof name);
}
static long v4_mapped_stream(void)
{
	struct sockaddr_in6 name = mapped(forbidden_stream);
	return raw(connect(fd_of(AF_INET6, SOCK_STREAM), (void *)&name, sizeof name));
}
static long inet_on_inet6(void)
{
	struct sockaddr_in name = v4(forbidden);
	return to(fd_of(AF_INET6, SOCK_DGRAM), 0, &name, sizeof name);
}
static long unspec_on_inet(void)
{
	struct sockaddr_in name = v4(forbidden);
	name.sin_family = AF_UNSPEC;
	return to(fd_of(AF_INET, SOCK_DGRAM), 0, &name, sizeof name);
}
static long any_address(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(forbidden) };
	return to(fd_of(AF_INET, SOCK_DGRAM), 0, &name, sizeof name);
}
static long any_mapped(void)
{
	struct sockaddr_in6 name = mapped(forbidden);
	memset(name.sin6_addr.s6_addr + 12, 0, 4);
	return to(fd_of(AF_INET6, SOCK_DGRAM), 0, &name, sizeof name);
}
static long connect_disconnect(void)
{
	/* A connection that was permitted, ended, and another. */
	struct sockaddr_in good = v4(allowed), name = v4(forbidden);
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int fd = fd_of(AF_INET, SOCK_DGRAM);
	if (connect(fd, (void *)&good, sizeof good) || connect(fd, &none, sizeof none))
		return 0;
	long result = raw(connect(fd, (void *)&name, sizeof name));
	return result ? result : raw(send(fd, "x", 1, 0));
}
static long listen_unbound(void) { return raw(listen(fd_of(AF_INET, SOCK_STREAM), 1)); }
static long listen_unbound6(void) { return raw(listen(fd_of(AF_INET6, SOCK_STREAM), 1)); }
static long bind_any(void)
{
	struct sockaddr_in name = { .sin_family = AF_UNSPEC };
	return raw(bind(fd_of(AF_INET, SOCK_STREAM), (void *)&name, sizeof name));
}
static long fastopen(void)
{
	struct sockaddr_in name = v4(forbidden_stream);
	return to(fd_of(AF_INET, SOCK_STREAM), MSG_FASTOPEN, &name, sizeof name);
}
static long fastopen_message(void)
{
	struct sockaddr_in name = v4(forbidden_stream);
	struct iovec part = { "x", 1 };
	struct msghdr message = { &name, sizeof name, &part, 1, NULL, 0, 0 };
	return raw(sendmsg(fd_of(AF_INET, SOCK_STREAM), &message, MSG_FASTOPEN));
}

/* Elsewhere than the address says. */
static long ip_options(void)
{
	static const uint8_t route[8] = { 131, 7, 4, 127, 0, 0, 2, 0 };
	return raw(setsockopt(fd_of(AF_INET, SOCK_DGRAM), IPPROTO_IP, IP_OPTIONS, route, sizeof route));
}
static long routing_header(void)
{
	static const uint8_t route[24] = { 0, 2, 4, [23] = 1 };
	return raw(setsockopt(fd_of(AF_INET6, SOCK_DGRAM), IPPROTO_IPV6, IPV6_RTHDR, route, sizeof route));
}
static long source_route(void)
{
	struct sockaddr_in name = v4(allowed);
	struct iovec part = { "x", 1 };
	struct { struct cmsghdr head; uint8_t route[8]; } control = { { sizeof control, IPPROTO_IP, IP_RETOPTS }, { 131, 7, 4, 127, 0, 0, 2 } };
	struct msghdr message = { &name, sizeof name, &part, 1, &control, sizeof control, 0 };
	return raw(sendmsg(fd_of(AF_INET, SOCK_DGRAM), &message, 0));
}

/* Paths. */
static long path(const char *format)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	snprintf(name.sun_path, sizeof name.sun_path, format, directory);
	return to(fd_of(AF_UNIX, SOCK_DGRAM), 0, &name, sizeof name);
}
static long path_plain(void) { return path("%s/forbidden/socket"); }
static long path_dots(void) { return path("%s/allowed/../forbidden/socket"); }
static long path_relative(void) { return chdir(directory) ? 0 : path("forbidden/socket"); }
static long path_working(void) { return chdir(directory) ? 0 : path("/proc/self/cwd/forbidden/socket"); }
static long path_root(void) { return path("/proc/self/root%s/forbidden/socket"); }
static long path_link(void)
{
	char target[108], name[108];
	snprintf(target, sizeof target, "%s/forbidden/socket", directory);
	snprintf(name, sizeof name, "%s/allowed/link", directory);
	unlink(name);
	must("symlink", symlink(target, name));
	return path("%s/allowed/link");
}
static long abstract(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0forbidden" };
	return raw(bind(fd_of(AF_UNIX, SOCK_STREAM), (void *)&name, sizeof name.sun_family + 10));
}
static long namespaces(void) { return raw(unshare(CLONE_NEWNS)); }
static long namespaces_by_clone(void)
{
	long child = syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
	if (!child)
		_exit(0);
	return raw(child);
}
/* A flag that our own filter has in mind for another reason. */
static long namespaces_untraced(void)
{
	long child = syscall(SYS_clone, CLONE_NEWNS | CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);
	if (!child)
		_exit(0);
	return raw(child);
}
static long namespaces_by_clone3(void)
{
	struct clone_args arguments = { .flags = CLONE_NEWNS, .exit_signal = SIGCHLD };
	long child = syscall(SYS_clone3, &arguments, sizeof arguments);
	if (!child)
		_exit(0);
	return raw(child);
}
static long mounts(void) { return raw(mount("none", "/nowhere", "none", 0, NULL)) == -EPERM ? -EPERM : 0; }
static long roots(void) { return raw(chroot("/")); }

/* Other processes, and the kernel by other doors. */
static long uring(void)
{
	char parameters[120] = { 0 };
	return raw(syscall(425, 2, parameters));
}
static long traced(void) { return raw(ptrace(PTRACE_TRACEME, 0, 0, 0)); }
static long written(void)
{
	char from = 1, into = 0;
	struct iovec here = { &from, 1 }, there = { &into, 1 };
	return raw(process_vm_writev(getpid(), &here, 1, &there, 1, 0));
}
static long taken(void)
{
	int process = must("pidfd_open", syscall(434, getppid(), 0));
	return raw(syscall(438, process, 1, 0));
}
static long typed(void) { return raw(ioctl(0, TIOCSTI, "x")) == -EPERM ? -EPERM : 0; }
static long filter(uint32_t answer, int flags, int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return raw(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}
static long listener(void) { return filter(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER, -1); }
/* Answers in our name. Natively that is a call that is not there. */
static long in_our_name(void)
{
	static const int numbers[] = { sizeof(long) == 8 ? SYS_sendto : 369, sizeof(long) == 8 ? SYS_connect : 362 };
	struct { struct sockaddr_in name; char text[8]; } *memory = low(4096);
	memory->name = v4(forbidden);
	int fd = fd_of(AF_INET, SOCK_DGRAM);
	long best = -ENOSYS;
	for (int data = 0x5c60; data < 0x5c78; data++) {
		pid_t child = must("fork", fork());
		if (!child) {
			filter(SECCOMP_RET_TRACE | data, 0, numbers[0]);
			long result = CALL6(sizeof(long) == 8 ? SYSCALL : INT80, SENDTO, fd, memory->text, 1, 0, &memory->name, sizeof memory->name);
			_exit(result >= 0);
		}
		int status;
		waitpid(child, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status))
			best = 0;
	}
	return best;
}
static pid_t supervisor(void)
{
	char name[64], list[64] = "";
	snprintf(name, sizeof name, "/proc/%d/task/%d/children", getppid(), getppid());
	int file = open(name, O_RDONLY);
	(void)!read(file, list, sizeof list - 1);
	close(file);
	/* The first child of who started us is older than we are. */
	pid_t found = atoi(list);
	return found == getpid() ? 0 : found;
}
static long its_memory(void)
{
	char name[64];
	pid_t pid = supervisor();
	if (!pid)
		return 0;
	snprintf(name, sizeof name, "/proc/%d/mem", pid);
	return raw(open(name, O_RDWR));
}
static long its_descriptors(void)
{
	char name[64];
	pid_t pid = supervisor();
	if (!pid)
		return 0;
	snprintf(name, sizeof name, "/proc/%d/fd/2", pid);
	return raw(open(name, O_WRONLY));
}

/* After exec there is a new place for copies; or none, and then nothing is sent. */
static long executed(int port)
{
	char text[16];
	snprintf(text, sizeof text, "%d", port);
	execl(self, self, "exec", text, NULL);
	return -errno;
}
static long exec_plain(void) { return executed(forbidden); }
static long exec_closed(void)
{
	syscall(436, 0, ~0u, 0);
	return executed(forbidden);
}
static long exec_full(void)
{
	struct rlimit none = { 0, 0 };
	syscall(436, 0, ~0u, 0);
	setrlimit(RLIMIT_NOFILE, &none);
	return executed(forbidden);
}
static long exec_no_memory(void)
{
	/* As little as the program itself needs. */
	long result = -ENOMEM;
	for (rlim_t size = 1 << 20; size < 4 << 20 && result; size += 128 << 10) {
		pid_t child = must("fork", fork());
		if (!child) {
			struct rlimit little = { size, size };
			setrlimit(RLIMIT_AS, &little);
			executed(forbidden);
			_exit(1);
		}
		int status;
		waitpid(child, &status, 0);
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			result = 0;
	}
	return result;
}
static long vfork_exec(void)
{
	int status;
	pid_t child = vfork();
	if (!child) {
		executed(forbidden);
		_exit(1);
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status) ? -EACCES : 0;
}

enum { OURS = 9 };

/* A filter of the program's own that answers for the calls by which the place is made. */
static long faked(int number)
{
	char texts[2][16];
	snprintf(texts[0], 16, "%d", forbidden);
	snprintf(texts[1], 16, "%d", allowed);
	filter(SECCOMP_RET_ERRNO, 0, number);
	execl(self, self, "forged", texts[0], texts[1], NULL);
	return -errno;
}
static long faked_seal(void) { return faked(462); }
static long faked_descriptor(void)
{
	/* The answer, 0, is a descriptor of ours. It will be closed. */
	int own = must("memfd_create", memfd_create("ours", 0));
	must("ftruncate", ftruncate(own, 4 << 20));
	must("dup2", dup2(own, STDIN_FILENO));
	must("dup2", dup2(own, OURS));
	return faked(438);
}
/* What is mapped for reading and shared with somebody, or NULL. */
static char *shared_place(size_t *size)
{
	char line[512], *found = NULL;
	FILE *maps = fopen("/proc/self/maps", "r");
	while (maps && !found && fgets(line, sizeof line, maps)) {
		unsigned long from, until;
		if (strstr(line, " r--s ") && strstr(line, "memfd:") && sscanf(line, "%lx-%lx", &from, &until) == 2) {
			found = (char *)from;
			*size = until - from;
		}
	}
	if (maps)
		fclose(maps);
	return found;
}
static long forged(int forbidden, int allowed)
{
	size_t size, all = 4 << 20;
	struct sockaddr_in name = v4(forbidden);
	char *place = shared_place(&size);
	if (place) {
		char *own = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_SHARED, OURS, 0);
		if (own == MAP_FAILED) {
			own = mmap(place, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			all = size;
		}
		for (size_t at = 0; own != MAP_FAILED && at < all; at += 128)
			memcpy(own + at, &name, sizeof name);
		name = v4(allowed);
	}
	return to(fd_of(AF_INET, SOCK_DGRAM), 0, &name, sizeof name);
}

static long each(int port)
{
	struct sockaddr_in name = v4(port);
	struct iovec part = { "x", 1 };
	struct mmsghdr message = { .msg_hdr = { &name, sizeof name, &part, 1 } };
	return raw(sendmmsg(fd_of(AF_INET, SOCK_DGRAM), &message, 1, 0));
}

/* Who sends to any address sends to its own, if it has one. */
static long source(void)
{
	struct sockaddr_in name = v4(0), any = { .sin_family = AF_INET };
	socklen_t length = sizeof name;
	int loopback = fd_of(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK), own = fd_of(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK);
	must("bind", bind(loopback, (void *)&name, sizeof name));
	must("getsockname", getsockname(loopback, (void *)&name, &length));
	any.sin_port = name.sin_port;
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	must("bind", bind(own, (void *)&name, sizeof name));
	struct iovec part = { "x", 1 };
	struct { struct cmsghdr head; struct in_pktinfo from; } control = { { CMSG_LEN(sizeof(struct in_pktinfo)), IPPROTO_IP, IP_PKTINFO }, { .ipi_spec_dst = name.sin_addr } };
	struct msghdr message = { &any, sizeof any, &part, 1, &control, sizeof control, 0 };
	long result = raw(sendmsg(fd_of(AF_INET, SOCK_DGRAM), &message, 0));
	char byte;
	if (result == 1)
		say("%s%s\n", recv(loopback, &byte, 1, 0) == 1 ? "127.0.0.1" : "", recv(own, &byte, 1, 0) == 1 ? "127.0.0.2" : "");
	return result;
}

#ifdef __x86_64__
/* The kernel doesn't look at upper halves there, and keeps them. */
static long upper(int port)
{
	const uint64_t high = 0x1234567800000000, marks[2] = { high | 0x9abcdef0, high | 0x55aa55aa };
	struct { struct sockaddr_in name; } *memory = low(4096);
	memory->name = v4(port);
	uint64_t result = 362, fd = high | fd_of(AF_INET, SOCK_DGRAM), name = high | (uintptr_t)&memory->name, length = high | sizeof memory->name;
	uint64_t before[3] = { fd, name, length }, rest[2] = { marks[0], marks[1] };
	asm volatile("int $0x80" : "+a"(result), "+b"(fd), "+c"(name), "+d"(length), "+S"(rest[0]), "+D"(rest[1]) : : "r8", "r9", "r10", "r11", "memory");
	int kept = fd == before[0] && name == before[1] && length == before[2] && !memcmp(rest, marks, sizeof marks);
	say("%ld, %s\n", (long)(int)result, kept ? "kept" : "changed");
	return 0;
}
#endif

#define WAY(name) { #name, name }
static const struct { const char *name; long (*attempt)(void); } attempts[] = {
	WAY(netlink), WAY(netlink_flags), WAY(packet), WAY(raw_socket), WAY(udplite), WAY(netlink_int80), WAY(netlink_socketcall),
	{ "vsock", alg },
#ifdef __x86_64__
	WAY(netlink_upper), WAY(type_upper), { "netlink_x32 (where there is x32)", netlink_x32 }, WAY(pointer_upper), WAY(length_upper),
#endif
	WAY(plain), WAY(plain_connect), WAY(by_int80), WAY(by_socketcall), WAY(v4_mapped), WAY(v4_mapped_stream), WAY(inet_on_inet6),
	WAY(unspec_on_inet), WAY(any_address), WAY(any_mapped), WAY(connect_disconnect), WAY(listen_unbound), WAY(listen_unbound6),
	WAY(bind_any), WAY(fastopen), WAY(fastopen_message), WAY(ip_options), WAY(routing_header), WAY(source_route), WAY(path_plain),
	WAY(path_dots), WAY(path_relative), WAY(path_working), WAY(path_root), WAY(path_link), WAY(abstract), WAY(namespaces),
	WAY(namespaces_by_clone), WAY(namespaces_untraced), WAY(namespaces_by_clone3), WAY(mounts), WAY(roots), WAY(uring), WAY(traced),
	WAY(written), WAY(taken), WAY(typed), WAY(listener), { "in_our_name (under a tracer)", in_our_name }, WAY(its_memory),
	WAY(its_descriptors), WAY(exec_plain), WAY(exec_closed), { "exec_full (with descriptors)", exec_full }, WAY(exec_no_memory),
	WAY(vfork_exec), WAY(faked_seal), WAY(faked_descriptor),
};

int main(int count, char **arguments)
{
	if (count == 3 && !strcmp(arguments[1], "exec")) {
		struct sockaddr_in name = v4(atoi(arguments[2]));
		long result = raw(socket(AF_INET, SOCK_DGRAM, 0));
		if (result >= 0)
			result = to(result, 0, &name, sizeof name);
		return result < 0 ? -result : 0;
	}
	long result = 0;
	if (count == 4 && !strcmp(arguments[1], "forged"))
		result = forged(atoi(arguments[2]), atoi(arguments[3]));
	else if (count == 3 && !strcmp(arguments[1], "each"))
		result = each(atoi(arguments[2]));
#ifdef __x86_64__
	else if (count == 3 && !strcmp(arguments[1], "upper"))
		result = upper(atoi(arguments[2]));
#endif
	else if (count == 2 && !strcmp(arguments[1], "source"))
		result = source();
	else if (count != 6)
		return 97;
	if (count != 6)
		return result < 0 ? -result : 0;
	self = arguments[0];
	allowed = atoi(arguments[1]);
	forbidden = atoi(arguments[2]);
	allowed_stream = atoi(arguments[3]);
	forbidden_stream = atoi(arguments[4]);
	directory = arguments[5];
	for (unsigned i = 0; i < sizeof attempts / sizeof *attempts; i++) {
		int status;
		pid_t child = must("fork", fork());
		if (!child) {
			long result = attempts[i].attempt();
			_exit(result < 0 ? -result : 0);
		}
		waitpid(child, &status, 0);
		const char *what = !WIFEXITED(status) ? "killed" : WEXITSTATUS(status) ? strerror(WEXITSTATUS(status)) : "through";
		say("%s: %s\n", attempts[i].name, what);
	}
	/* And what is permitted is. */
	struct sockaddr_in name = v4(allowed);
	struct sockaddr_in stream = v4(allowed_stream);
	struct sockaddr_in6 also = mapped(allowed);
	say("permitted: %ld %ld %ld %ld\n", to(fd_of(AF_INET, SOCK_DGRAM), 0, &name, sizeof name),
	    to(fd_of(AF_INET6, SOCK_DGRAM), 0, &also, sizeof also), raw(connect(fd_of(AF_INET, SOCK_STREAM), (void *)&stream, sizeof stream)),
	    path("%s/allowed/socket"));
}
