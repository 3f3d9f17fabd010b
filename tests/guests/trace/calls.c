/* Every call of the twenty, with every flag, type, protocol and many an errno. */
#include "trace.h"
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <sys/un.h>

static void sockets(void)
{
	static const int kinds[] = { 0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 15, SOCK_STREAM | SOCK_CLOEXEC,
		SOCK_DGRAM | SOCK_NONBLOCK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0x80 | SOCK_STREAM, 0x7fffffff, -1,
		SOCK_CLOEXEC, SOCK_NONBLOCK };
	static const int protocols[] = { 0, 1, 2, 6, 17, 33, 58, 132, 136, 143, 255, 256, 262, 300, -1 };
	for (int family = -1; family < 50; family++)
		close(DO(SYS_SOCKET, family, SOCK_STREAM, 0));
	for (unsigned i = 0; i < COUNT(kinds); i++)
		for (int family = AF_UNIX; family <= AF_INET; family++)
			close(DO(SYS_SOCKET, family, kinds[i], 0));
	for (unsigned i = 0; i < COUNT(protocols); i++) {
		close(DO(SYS_SOCKET, AF_UNIX, SOCK_STREAM, protocols[i]));
		close(DO(SYS_SOCKET, AF_INET, SOCK_RAW, protocols[i]));
		close(DO(SYS_SOCKET, AF_INET6, SOCK_STREAM, protocols[i]));
		close(DO(SYS_SOCKET, AF_INET6, SOCK_DGRAM, protocols[i]));
		close(DO(SYS_SOCKET, AF_VSOCK, SOCK_STREAM, protocols[i]));
	}
	for (int protocol = -1; protocol < 26; protocol++)
		close(DO(SYS_SOCKET, AF_NETLINK, SOCK_RAW, protocol));
	static const int ethernet[] = { 0, 3, 0x300, 0x800, 0x8, 0xdd86, 0x608, 0xffff, 0x10000 };
	for (unsigned i = 0; i < COUNT(ethernet); i++)
		close(DO(SYS_SOCKET, AF_PACKET, SOCK_RAW, ethernet[i]));
	for (int protocol = 0; protocol < 10; protocol++) {
		close(DO(SYS_SOCKET, AF_BLUETOOTH, SOCK_RAW, protocol));
		close(DO(SYS_SOCKET, AF_CAN, SOCK_RAW, protocol));
		close(DO(SYS_SOCKET, AF_NFC, SOCK_RAW, protocol));
		close(DO(SYS_SOCKET, AF_CAIF, SOCK_SEQPACKET, protocol));
		close(DO(SYS_SOCKET, AF_ISDN, SOCK_RAW, protocol));
		close(DO(SYS_SOCKET, AF_PHONET, SOCK_DGRAM, protocol));
		close(DO(SYS_SOCKET, AF_ALG, SOCK_SEQPACKET, protocol));
		close(DO(SYS_SOCKET, AF_KCM, SOCK_DGRAM, protocol));
		close(DO(SYS_SOCKET, AF_SMC, SOCK_STREAM, protocol));
		close(DO(SYS_SOCKET, AF_XDP, SOCK_RAW, protocol));
	}
}

static void pairs(void)
{
	static const int kinds[] = { SOCK_STREAM, SOCK_DGRAM | SOCK_CLOEXEC, SOCK_SEQPACKET | SOCK_NONBLOCK, SOCK_RAW };
	int *pair = edge(0, 2 * sizeof(int));
	for (unsigned i = 0; i < COUNT(kinds); i++)
		if (!DO(SYS_SOCKETPAIR, AF_UNIX, kinds[i], 0, pair))
			close(pair[0]), close(pair[1]);
	DO(SYS_SOCKETPAIR, AF_INET, SOCK_STREAM, 0, pair);
	DO(SYS_SOCKETPAIR, AF_INET, SOCK_STREAM, IPPROTO_TCP, pair);
	DO(SYS_SOCKETPAIR, 77, 77, 77, pair);
	DO(SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 1, NULL);
	DO(SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, NULL);
	DO(SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, NOWHERE);
	DO(SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, page(0) + PAGE - 4);
}

/* Descriptors that are none, or no sockets, for every call. */
static void descriptors(void)
{
	int file = must("open", open("/dev/null", O_RDWR)), path = must("open", open("/", O_PATH));
	const long bad[] = { -1, 1000, 0x7fffffff, -100, INT32_MIN, file, path };
	char *buffer = fill(edge(0, 16), 16, TEXT);
	struct iovec *part = NEW(1, struct iovec, buffer, 16);
	for (unsigned i = 0; i < COUNT(bad); i++) {
		long fd = bad[i];
		struct mmsghdr *several = NEW(2, struct mmsghdr, .msg_hdr = { .msg_iov = part, .msg_iovlen = 1 });
		DO(SYS_BIND, fd, buffer, 16);
		DO(SYS_CONNECT, fd, buffer, 16);
		DO(SYS_LISTEN, fd, 5);
		DO(SYS_ACCEPT, fd, buffer, length(16));
		DO(SYS_GETSOCKNAME, fd, buffer, length(16));
		DO(SYS_GETPEERNAME, fd, buffer, length(16));
		DO(SYS_SEND, fd, buffer, 16, 0);
		DO(SYS_RECV, fd, buffer, 16, 0);
		DO(SYS_SENDTO, fd, buffer, 16, 0, buffer, 16);
		DO(SYS_RECVFROM, fd, buffer, 16, 0, buffer, length(16));
		DO(SYS_SHUTDOWN, fd, SHUT_RDWR);
		DO(SYS_SETSOCKOPT, fd, SOL_SOCKET, SO_DEBUG, buffer, 4);
		DO(SYS_GETSOCKOPT, fd, SOL_SOCKET, SO_DEBUG, buffer, length(4));
		DO(SYS_SENDMSG, fd, several, 0);
		DO(SYS_RECVMSG, fd, several, 0);
		DO(SYS_ACCEPT4, fd, buffer, length(16), SOCK_CLOEXEC);
		DO(SYS_RECVMMSG, fd, several, 1, 0, NULL);
		DO(SYS_SENDMMSG, fd, several, 1, 0);
	}
	close(file);
	close(path);
}

/* Pointers that point nowhere, for every call on a socket. */
static void pointers(void)
{
	int fd = NEED(SYS_SOCKET, AF_INET, SOCK_DGRAM, 0);
	void *const bad[] = { NULL, NOWHERE, (void *)-1, (void *)-4096, (void *)4, page(0) + PAGE - 1 };
	for (unsigned i = 0; i < COUNT(bad); i++) {
		void *p = bad[i];
		char *room = edge(1, 64);
		DO(SYS_BIND, fd, p, 16);
		DO(SYS_CONNECT, fd, p, 16);
		DO(SYS_ACCEPT, fd, p, length(16));
		DO(SYS_ACCEPT, fd, room, p);
		DO(SYS_GETSOCKNAME, fd, p, length(16));
		DO(SYS_GETSOCKNAME, fd, room, p);
		DO(SYS_GETPEERNAME, fd, p, p);
		DO(SYS_SEND, fd, p, 10, 0);
		DO(SYS_RECV, fd, p, 10, MSG_DONTWAIT);
		DO(SYS_SENDTO, fd, room, 0, 0, p, 16);
		DO(SYS_SENDTO, fd, p, 10, 0, p, 16);
		DO(SYS_RECVFROM, fd, room, 10, MSG_DONTWAIT, p, p);
		DO(SYS_SETSOCKOPT, fd, SOL_SOCKET, SO_DEBUG, p, 4);
		DO(SYS_GETSOCKOPT, fd, SOL_SOCKET, SO_DEBUG, p, length(4));
		DO(SYS_GETSOCKOPT, fd, SOL_SOCKET, SO_DEBUG, room, p);
		DO(SYS_SENDMSG, fd, p, 0);
		DO(SYS_RECVMSG, fd, p, MSG_DONTWAIT);
		DO(SYS_ACCEPT4, fd, p, p, 0);
		DO(SYS_RECVMMSG, fd, p, 1, MSG_DONTWAIT, NULL);
		DO(SYS_RECVMMSG, fd, room, 1, MSG_DONTWAIT, p);
		DO(SYS_SENDMMSG, fd, p, 1, 0);
	}
	close(fd);
}

/* Every flag alone, those that have meaning together, all, and none. */
static void flags(void)
{
	static const unsigned several[] = { 0, MSG_DONTWAIT | MSG_NOSIGNAL, MSG_PEEK | MSG_TRUNC | MSG_WAITALL,
		MSG_CMSG_CLOEXEC | MSG_ERRQUEUE, MSG_OOB | 0x80, 0x80000080, 0xffffffff, 0x7fffffff, 0xfffff };
	char *buffer = fill(edge(0, 4), 4, TEXT);
	struct iovec *part = NEW(1, struct iovec, buffer, 4);
	struct mmsghdr *one = NEW(2, struct mmsghdr, .msg_hdr = { .msg_iov = part, .msg_iovlen = 1 });
	for (unsigned i = 0; i < 32 + COUNT(several); i++) {
		long bits = i < 32 ? (int)(1u << i) : (int)several[i - 32];
		DO(SYS_SEND, -1, buffer, 4, bits);
		DO(SYS_RECV, -1, buffer, 4, bits);
		DO(SYS_SENDTO, -1, buffer, 4, bits, NULL, 0);
		DO(SYS_RECVFROM, -1, buffer, 4, bits, NULL, NULL);
		DO(SYS_SENDMSG, -1, one, bits);
		DO(SYS_RECVMSG, -1, one, bits);
		DO(SYS_SENDMMSG, -1, one, 1, bits);
		DO(SYS_RECVMMSG, -1, one, 1, bits, NULL);
		DO(SYS_ACCEPT4, -1, NULL, NULL, bits);
		one->msg_hdr.msg_flags = bits;
		DO(SYS_SENDMSG, -1, one, 0);
		one->msg_hdr.msg_flags = 0;
	}
	for (int how = -1; how < 5; how++)
		DO(SYS_SHUTDOWN, -1, how);
	for (int backlog = -1; backlog < 2; backlog++)
		DO(SYS_LISTEN, -1, backlog);
	DO(SYS_LISTEN, -1, 0x7fffffff);
}

/* The errnos that connections give. */
static void errnos(void)
{
	struct sockaddr_in *loopback = NEW(0, struct sockaddr_in, .sin_family = AF_INET, .sin_port = htons(4242),
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK));
	struct sockaddr_un *nobody = NEW(1, struct sockaddr_un, .sun_family = AF_UNIX, .sun_path = "/nonexistent/socket");
	int tcp = NEED(SYS_SOCKET, AF_INET, SOCK_STREAM, 0), udp = NEED(SYS_SOCKET, AF_INET, SOCK_DGRAM, 0);
	int local = NEED(SYS_SOCKET, AF_UNIX, SOCK_STREAM, 0), pair[2];
	DO(SYS_CONNECT, tcp, loopback, sizeof *loopback);
	DO(SYS_CONNECT, tcp, loopback, 4);
	DO(SYS_CONNECT, local, nobody, sizeof *nobody);
	DO(SYS_CONNECT, local, loopback, sizeof *loopback);
	DO(SYS_BIND, local, nobody, sizeof *nobody);
	DO(SYS_BIND, tcp, NEW(2, struct sockaddr_in, .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x01020304)), 16);
	DO(SYS_CONNECT, udp, NEW(2, struct sockaddr_in, .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x01020304),
				 .sin_port = htons(1)), 16);
	DO(SYS_CONNECT, udp, NEW(2, struct sockaddr_in, .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xffffffff),
				 .sin_port = htons(1)), 16);
	DO(SYS_SEND, tcp, "x", 1, MSG_NOSIGNAL);
	DO(SYS_SEND, udp, "x", 1, 0);
	DO(SYS_SENDTO, udp, page(3), 70000, 0, loopback, sizeof *loopback);
	DO(SYS_LISTEN, udp, 1);
	DO(SYS_ACCEPT, tcp, NULL, NULL);
	DO(SYS_ACCEPT4, tcp, NULL, NULL, -1);
	DO(SYS_GETPEERNAME, tcp, edge(2, 16), length(16));
	DO(SYS_SHUTDOWN, tcp, SHUT_WR);
	DO(SYS_SHUTDOWN, tcp, 7);
	DO(SYS_RECV, udp, edge(2, 16), 16, MSG_DONTWAIT);
	DO(SYS_RECV, udp, edge(2, 16), 16, MSG_ERRQUEUE);
	DO(SYS_RECV, udp, edge(2, 16), 16, MSG_OOB | MSG_DONTWAIT);
	DO(SYS_SETSOCKOPT, udp, SOL_SOCKET, 999, edge(2, 4), 4);
	DO(SYS_SETSOCKOPT, udp, 999, 1, edge(2, 4), 4);
	DO(SYS_SETSOCKOPT, udp, SOL_SOCKET, SO_LINGER, edge(2, 4), 4);

	int listener = NEED(SYS_SOCKET, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	NEED(SYS_BIND, listener, loopback, sizeof *loopback);
	DO(SYS_BIND, listener, loopback, sizeof *loopback);
	DO(SYS_BIND, tcp, loopback, sizeof *loopback);
	NEED(SYS_LISTEN, listener, 1);
	DO(SYS_ACCEPT, listener, NULL, NULL);
	int client = NEED(SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	NEED(SYS_BIND, client, NEW(2, struct sockaddr_in, .sin_family = AF_INET, .sin_port = htons(4343)), 16);
	NEED(SYS_CONNECT, client, loopback, sizeof *loopback);
	DO(SYS_CONNECT, client, loopback, sizeof *loopback);
	int served = NEED(SYS_ACCEPT, listener, edge(3, 16), length(16));
	DO(SYS_GETSOCKNAME, served, edge(3, 16), length(16));
	DO(SYS_GETPEERNAME, served, edge(3, 16), length(16));
	DO(SYS_SEND, served, "out of band", 11, MSG_OOB);
	DO(SYS_RECV, client, edge(3, 16), 16, MSG_OOB);
	DO(SYS_RECV, client, edge(3, 16), 16, 0);
	DO(SYS_SETSOCKOPT, served, SOL_SOCKET, SO_LINGER, NEW(3, struct linger, 1, 0), sizeof(struct linger));
	close(served);
	DO(SYS_RECV, client, edge(3, 16), 16, 0);
	DO(SYS_SEND, client, "x", 1, MSG_NOSIGNAL);
	DO(SYS_RECV, client, edge(3, 16), 16, 0);

	need("socketpair", DO(SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, edge(3, 8)));
	memcpy(pair, edge(3, 8), 8);
	close(pair[1]);
	DO(SYS_SEND, pair[0], "x", 1, MSG_NOSIGNAL);
	signal(SIGPIPE, SIG_IGN);
	DO(SYS_SEND, pair[0], "x", 1, 0);
	DO(SYS_RECV, pair[0], edge(3, 8), 8, 0);
	int few[] = { tcp, udp, local, listener, client, pair[0] };
	for (unsigned i = 0; i < COUNT(few); i++)
		close(few[i]);
}

#ifdef __i386__
/* What is no call, and arrays of arguments that can't be read. */
static void no_calls(void)
{
	static const int none[] = { 0, -1, 21, 22, 100, 0x7fffffff, INT32_MIN };
	if (way == BY_DIRECT)
		return;
	enum entry entry = way == BY_VDSO ? VDSO : INT80;
	for (unsigned i = 0; i < COUNT(none); i++) {
		enter(entry, none[i], page(0));
		enter(entry, none[i], NULL);
		enter(entry, none[i], NOWHERE);
	}
	for (int call = 1; call <= CALLS; call++) {
		enter(entry, call, NULL);
		enter(entry, call, NOWHERE);
		enter(entry, call, page(0) + PAGE - 4);
	}
}
#else
/* The upper halves of registers that the kernel takes as int. */
static void no_calls(void)
{
	long high = 0x7654321000000000;
	DO(SYS_SOCKET, high | AF_UNIX, high | SOCK_STREAM, high);
	DO(SYS_BIND, high | 3, page(0), high | 16);
	DO(SYS_LISTEN, high | 3, high | 5);
	DO(SYS_SENDTO, high | 3, page(0), 16, high | MSG_NOSIGNAL, page(0), high | 16);
	DO(SYS_SENDTO, high | 3, page(0), high | 16, 0, NULL, 0);
	DO(SYS_SETSOCKOPT, high | 3, high | SOL_SOCKET, high | SO_DEBUG, page(0), high | 4);
	DO(SYS_SENDMMSG, high | 3, page(0), high | 1, high);
	DO(SYS_RECVMMSG, high | 3, page(0), high | 1, high, NULL);
	DO(SYS_SHUTDOWN, high | 3, high | SHUT_WR);
}
#endif

int main(int count, char **arguments)
{
	begin(count, arguments);
	own_network();
	sockets();
	pairs();
	descriptors();
	pointers();
	flags();
	errnos();
	no_calls();
}
