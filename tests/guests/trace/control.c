/* Control messages: every type of every level in many lengths, whole, broken and cut off; and those that the
 * kernel sends. */
#include "trace.h"
#include <linux/errqueue.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

enum { HEADER = sizeof(struct cmsghdr) };

/* A message with nothing but this control data. */
static struct msghdr *with(void *control, size_t size)
{
	return NEW(0, struct msghdr, .msg_control = control, .msg_controllen = size);
}

static struct cmsghdr *put(void *where, int level, int type, size_t length)
{
	struct cmsghdr *control = where;
	*control = (struct cmsghdr){ .cmsg_len = length, .cmsg_level = level, .cmsg_type = type };
	return control;
}

static void every_type(void)
{
	static const struct { int level, types; } levels[] = { { SOL_SOCKET, 90 }, { 0, 40 }, { 41, 90 }, { 6, 40 }, { 17, 110 },
		{ 2, 2 }, { 58, 2 }, { 132, 10 }, { 255, 2 }, { 263, 12 }, { 269, 2 }, { 270, 10 }, { 276, 2 }, { 278, 2 },
		{ 279, 8 }, { 281, 2 }, { 282, 4 }, { 1000, 2 }, { -1, 2 } };
	static const int sizes[] = { 0, 1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 15, 16, 17, 20, 24, 31, 32, 44, 48, 64, 100 };
	for (unsigned i = 0; i < COUNT(levels); i++)
		for (int type = -1; type < levels[i].types; type++)
			for (unsigned j = 0; j < COUNT(sizes); j++) {
				int size = HEADER + sizes[j];
				struct cmsghdr *control = edge(1, CMSG_ALIGN(size));
				fill(control, CMSG_ALIGN(size), j % 2 ? COUNTING : ZEROS);
				put(control, levels[i].level, type, size);
				DO(SYS_SENDMSG, -1, with(control, CMSG_ALIGN(size)), 0);
			}
}

/* Lengths that lie, several in a row, and rests that are no header. */
static void broken(void)
{
	static const long lengths[] = { 0, 1, HEADER - 1, HEADER, HEADER + 1, HEADER + 3, HEADER + 4, HEADER + 5, HEADER + 7, HEADER + 8,
		HEADER + 9, 100, 4096, 0x7fffffff,
		/* A length that is 0 when it is rounded up is left out: strace never gets over it. */
		0xfffffff0, 0x7ffffff0, 1 - PAGE };
	for (unsigned i = 0; i < COUNT(lengths); i++)
		for (int room = 0; room < 4 * HEADER; room += 3) {
			char *control = fill(edge(1, room), room, COUNTING);
			if (room >= HEADER)
				put(control, SOL_SOCKET, SCM_RIGHTS, lengths[i]);
			DO(SYS_SENDMSG, -1, with(control, room), 0);
		}
	for (int count = 0; count < 5; count++)
		for (int rest = 0; rest < HEADER + 6; rest++) {
			enum { STEP = CMSG_SPACE(sizeof(int)) };
			char *control = fill(edge(1, count * STEP + rest), count * STEP + rest, ZEROS);
			for (int i = 0; i < count; i++)
				*(int *)CMSG_DATA(put(control + i * STEP, i % 2 ? 0 : SOL_SOCKET, 1, CMSG_LEN(sizeof(int)))) = i;
			DO(SYS_SENDMSG, -1, with(control, count * STEP + rest), 0);
			/* More than can be read. */
			DO(SYS_SENDMSG, -1, with(control, count * STEP + rest + 1), 0);
			DO(SYS_SENDMSG, -1, with(control, 0x7fffffff), 0);
		}
	for (int count = 0; count < 70; count += count < 3 ? 1 : 16) {
		struct cmsghdr *control = edge(1, CMSG_SPACE(count * sizeof(int)));
		fill(control, CMSG_SPACE(count * sizeof(int)), ONES);
		put(control, SOL_SOCKET, SCM_RIGHTS, CMSG_LEN(count * sizeof(int)));
		DO(SYS_SENDMSG, -1, with(control, CMSG_SPACE(count * sizeof(int))), 0);
	}
	DO(SYS_SENDMSG, -1, with(NULL, 100), 0);
	DO(SYS_SENDMSG, -1, with(NOWHERE, 100), 0);
	DO(SYS_SENDMSG, -1, with(NOWHERE, 0), 0);
}

static int set(int fd, int level, int name, int value)
{
	return DO(SYS_SETSOCKOPT, fd, level, name, AT(7, value), sizeof value);
}

/* Receives one message of `size` bytes at most into room for so much control data. */
static long receive(int fd, int room, int flags)
{
	struct iovec *part = NEW(2, struct iovec, page(3), 8);
	struct msghdr *message = NEW(0, struct msghdr, .msg_iov = part, .msg_iovlen = 1, .msg_controllen = room,
				     .msg_control = fill(edge(1, room), room, ONES));
	return DO(SYS_RECVMSG, fd, message, flags);
}

/* Of unix sockets: descriptors, credentials, both, and too little room for them. */
static void of_unix(void)
{
	int *pair = edge(4, 8);
	NEED(SYS_SOCKETPAIR, AF_UNIX, SOCK_DGRAM, 0, pair);
	struct { struct cmsghdr header; int fds[2]; } rights = { .fds = { 0, 1 } };
	put(&rights, SOL_SOCKET, SCM_RIGHTS, CMSG_LEN(8));
	struct { struct cmsghdr header; struct ucred who; } credentials = { .who = { getpid(), getuid(), getgid() } };
	put(&credentials, SOL_SOCKET, SCM_CREDENTIALS, CMSG_LEN(12));
	for (int round = 0; round < 3; round++) {
		if (round)
			set(pair[1], SOL_SOCKET, SO_PASSCRED, 1);
		if (round == 2)
			set(pair[1], SOL_SOCKET, 76, 1);
		for (int room = 0; room < 80; room += room < 40 ? 3 : 13) {
			if (room > HEADER && room < HEADER + (int)sizeof(struct ucred))
				/* A part of the credentials is shown as bytes, and a process has another number in each run. */
				continue;
			DO(SYS_SENDMSG, pair[0], with(AT(1, rights), sizeof rights), 0);
			if (receive(pair[1], room, room % 2 ? MSG_CMSG_CLOEXEC : 0) >= 0)
				close_range(pair[1] + 1, ~0u, 0);
		}
	}
	DO(SYS_SENDMSG, pair[0], with(AT(1, credentials), sizeof credentials), 0);
	receive(pair[1], 64, 0);
	credentials.who.pid = 1, credentials.who.uid = -1;
	DO(SYS_SENDMSG, pair[0], with(AT(1, credentials), sizeof credentials), 0);
	receive(pair[1], 64, MSG_DONTWAIT);
	close_range(pair[0], ~0u, 0);
}

/* What IP, IPv6 and UDP tell, and what time it was. */
static void of_inet(int family)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(777), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(777), .sin_addr.s_addr = htonl(0x7f000001) };
	void *name = family == AF_INET ? AT(5, four) : AT(5, six);
	int size = family == AF_INET ? sizeof four : sizeof six, level = family == AF_INET ? 0 : 41;
	int fd = NEED(SYS_SOCKET, family, SOCK_DGRAM, 0), sender = NEED(SYS_SOCKET, family, SOCK_DGRAM, 0);
	NEED(SYS_BIND, fd, name, size);
	NEED(SYS_CONNECT, sender, name, size);
	static const int of_ip[] = { IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_RECVOPTS, IP_RETOPTS, 18, 19, 20, 23, 25 };
	static const int of_ipv6[] = { IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_2292PKTINFO, 8, 74, 76, 77 };
	const int *options = family == AF_INET ? of_ip : of_ipv6;
	unsigned count = family == AF_INET ? COUNT(of_ip) : COUNT(of_ipv6);
	for (unsigned i = 0; i <= count; i++) {
		if (i < count)
			set(fd, level, options[i], 1);
		else
			for (unsigned j = 0; j < count; j++)
				set(fd, level, options[j], 1);
		for (int room = 0; room < 160; room += room < 48 ? 5 : 37) {
			DO(SYS_SEND, sender, "x", 1, 0);
			receive(fd, room, 0);
		}
		if (i < count)
			set(fd, level, options[i], 0);
	}
	static const int stamps[] = { 29, 35, 63, 64 };
	for (unsigned i = 0; i < COUNT(stamps); i++) {
		set(fd, SOL_SOCKET, stamps[i], 1);
		for (int room = 0; room < 48; room += 6) {
			DO(SYS_SEND, sender, "x", 1, 0);
			receive(fd, room, 0);
		}
		receive(fd, 300, MSG_DONTWAIT);
		set(fd, SOL_SOCKET, stamps[i], 0);
	}
	for (int name_of = 37; name_of < 66; name_of += 28) {
		set(fd, SOL_SOCKET, name_of, 0x18);
		/* The kernel begins to stamp what arrives a while after somebody has asked for it (net_enable_timestamp). */
		usleep(50000);
		for (int room = 0; room < 80; room += 16) {
			DO(SYS_SEND, sender, "x", 1, 0);
			receive(fd, room, 0);
		}
		set(fd, SOL_SOCKET, name_of, 0);
	}
	close(fd);
	/* The error queue: nobody listens any more. */
	set(sender, level, family == AF_INET ? IP_RECVERR : IPV6_RECVERR, 1);
	for (int room = 0; room < 100; room += 11) {
		DO(SYS_SEND, sender, "x", 1, 0);
		receive(sender, room, MSG_ERRQUEUE | MSG_DONTWAIT);
	}
	close(sender);
}

/* A length of which the next one begins where this one does. */
static void endless(void)
{
	for (long length = -7; length < 0; length++) {
		struct cmsghdr *control = put(edge(1, 64), SOL_SOCKET, SCM_RIGHTS, length);
		DO(SYS_SENDMSG, -1, with(control, 64), 0);
	}
}

int main(int count, char **arguments)
{
	begin(count, arguments);
	if (count > 2 && !strcmp(arguments[2], "endless")) {
		endless();
		return 0;
	}
	own_network();
	every_type();
	broken();
	of_unix();
	of_inet(AF_INET);
	of_inet(AF_INET6);
}
