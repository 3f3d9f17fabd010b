/* Descriptors of every kind, for a tracer that is asked to say what they are (-y, -yy); and sendfile, which is a
 * network call to strace. */
#include "trace.h"
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#ifdef __i386__
enum { SENDFILE = 187, SENDFILE64 = 239 };
#else
enum { SENDFILE = 40, SENDFILE64 = 40 };
#endif

static void files(void)
{
	int fds[24], count = 0, ends[2];
	fds[count++] = must("open", open("/dev/null", O_RDWR));
	fds[count++] = must("open", open("/dev/zero", O_RDWR));
	fds[count++] = must("open", open("/", O_PATH));
	fds[count++] = must("open", open("/etc/passwd", O_RDONLY));
	fds[count++] = must("open", open("/dev", O_RDONLY | O_DIRECTORY));
	fds[count++] = must("memfd_create", memfd_create("memory\n\"of\"", 0));
	fds[count++] = must("eventfd", eventfd(7, 0));
	fds[count++] = must("epoll_create", epoll_create1(0));
	fds[count++] = must("timerfd_create", timerfd_create(CLOCK_MONOTONIC, 0));
	sigset_t none;
	sigemptyset(&none);
	fds[count++] = must("signalfd", signalfd(-1, &none, 0));
	must("pipe", pipe(ends));
	fds[count++] = ends[0], fds[count++] = ends[1];
	fds[count++] = must("pidfd_open", syscall(SYS_pidfd_open, getpid(), 0));
	/* A file that is gone, and one with a name of odd bytes. */
	char name[] = "/dev/shm/trace-\n<>\"\\\377guest";
	fds[count++] = must("open", open(name, O_RDWR | O_CREAT, 0600));
	DO(SYS_LISTEN, fds[count - 1], 1);
	unlink(name);
	for (int i = 0; i < count; i++)
		DO(SYS_LISTEN, fds[i], i);
	struct { struct cmsghdr header; int fds[24]; } rights;
	memset(&rights, 0, sizeof rights);
	memcpy(rights.fds, fds, sizeof fds);
	rights.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_RIGHTS };
	DO(SYS_SENDMSG, fds[0], NEW(0, struct msghdr, .msg_control = AT(1, rights),
				    .msg_controllen = CMSG_SPACE(count * sizeof(int))), 0);
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

static void sockets(void)
{
	struct sockaddr_in *four = NEW(0, struct sockaddr_in, .sin_family = AF_INET, .sin_port = htons(4000),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK));
	struct sockaddr_in *from = NEW(1, struct sockaddr_in, .sin_family = AF_INET, .sin_port = htons(4001),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK));
	struct sockaddr_in6 *six = NEW(2, struct sockaddr_in6, .sin6_family = AF_INET6, .sin6_port = htons(4002),
				       .sin6_addr = IN6ADDR_LOOPBACK_INIT);
	for (int kind = SOCK_STREAM; kind <= SOCK_DGRAM; kind++) {
		int listener = NEED(SYS_SOCKET, AF_INET, kind, 0), client = NEED(SYS_SOCKET, AF_INET, kind, 0), served = -1;
		DO(SYS_BIND, listener, four, sizeof *four);
		DO(SYS_BIND, client, from, sizeof *from);
		DO(SYS_LISTEN, listener, 3);
		DO(SYS_CONNECT, client, four, sizeof *four);
		if (kind == SOCK_STREAM)
			served = DO(SYS_ACCEPT, listener, page(3), length(16));
		DO(SYS_SEND, client, "x", 1, 0);
		DO(SYS_RECV, served < 0 ? listener : served, page(3), 1, 0);
		DO(SYS_SHUTDOWN, client, SHUT_RDWR);
		if (served >= 0)
			DO(SYS_SETSOCKOPT, served, SOL_SOCKET, SO_LINGER, NEW(3, struct linger, 1, 0), sizeof(struct linger));
		close(served), close(client), close(listener);
		int other = NEED(SYS_SOCKET, AF_INET6, kind, 0);
		DO(SYS_BIND, other, six, sizeof *six);
		DO(SYS_LISTEN, other, 2);
		DO(SYS_CONNECT, other, six, sizeof *six);
		DO(SYS_GETPEERNAME, other, page(3), length(28));
		close(other);
	}
	struct sockaddr_un *name = NEW(4, struct sockaddr_un, AF_UNIX, "\0trace \"guest\"");
	struct sockaddr_un *path = NEW(5, struct sockaddr_un, AF_UNIX, "/dev/shm/trace-guest.sock");
	unlink(path->sun_path);
	for (int i = 0; i < 2; i++) {
		int listener = NEED(SYS_SOCKET, AF_UNIX, SOCK_STREAM, 0), client = NEED(SYS_SOCKET, AF_UNIX, SOCK_STREAM, 0);
		DO(SYS_LISTEN, listener, 1);
		DO(SYS_BIND, listener, i ? path : name, i ? (int)sizeof *path : 16);
		DO(SYS_LISTEN, listener, 1);
		DO(SYS_CONNECT, client, i ? path : name, i ? (int)sizeof *path : 16);
		int served = DO(SYS_ACCEPT4, listener, page(3), length(110), SOCK_CLOEXEC);
		DO(SYS_SEND, served, "x", 1, 0);
		DO(SYS_RECV, client, page(3), 1, 0);
		close(listener), close(client);
		DO(SYS_SEND, served, "x", 1, MSG_NOSIGNAL);
		close(served);
	}
	unlink(path->sun_path);
	int *pair = edge(6, 8);
	for (int kind = SOCK_STREAM; kind <= SOCK_SEQPACKET; kind++)
		if (!DO(SYS_SOCKETPAIR, AF_UNIX, kind, 0, pair)) {
			DO(SYS_SEND, pair[0], "x", 1, 0);
			DO(SYS_RECV, pair[1], page(3), 1, 0);
			close(pair[0]), close(pair[1]);
		}
	static const struct { int family, kind, protocol; } kinds[] = {
		{ AF_NETLINK, SOCK_RAW, NETLINK_ROUTE }, { AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT }, { AF_PACKET, SOCK_RAW, 0 },
		{ AF_INET, SOCK_RAW, IPPROTO_ICMP }, { AF_INET6, SOCK_RAW, IPPROTO_ICMPV6 }, { AF_VSOCK, SOCK_STREAM, 0 },
		{ AF_INET, SOCK_DGRAM, 136 }, { AF_INET, SOCK_STREAM, 262 }, { AF_XDP, SOCK_RAW, 0 }, { AF_INET, SOCK_DGRAM, 1 },
	};
	for (unsigned i = 0; i < COUNT(kinds); i++) {
		int fd = DO(SYS_SOCKET, kinds[i].family, kinds[i].kind, kinds[i].protocol);
		DO(SYS_SHUTDOWN, fd, 7);
		close(fd);
	}
}

static void sendfiles(void)
{
	int file = must("memfd_create", memfd_create("source", 0)), *pair = edge(6, 8);
	must("write", write(file, "what is in the file", 19));
	NEED(SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, pair);
	for (int wide = 0; wide < 2; wide++) {
		int call = wide ? SENDFILE64 : SENDFILE;
		long long *offset = edge(7, 16);
		offset[0] = 5, offset[1] = 0;
		number(call, pair[0], file, (long)offset, 4, 0, 0);
		number(call, pair[0], file, 0, 4, 0, 0);
		number(call, pair[0], file, (long)offset, -1, 0, 0);
		number(call, pair[0], -1, (long)offset, 4, 0, 0);
		number(call, -1, file, (long)NOWHERE, 4, 0, 0);
		offset[0] = -1;
		number(call, pair[0], file, (long)offset, 4, 0, 0);
	}
	close(file), close(pair[0]), close(pair[1]);
}

int main(int count, char **arguments)
{
	begin(count, arguments);
	own_network();
	files();
	sockets();
	sendfiles();
}
