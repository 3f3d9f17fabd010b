/* Socket options: every name of every level in many lengths, into calls that fail; and out of sockets of every
 * kind that this kernel has. */
#include "trace.h"
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>

/* Each level, and how many names it is tried with. */
static const struct { int level, names; } levels[] = {
	{ 0, 60 }, { SOL_SOCKET, 90 }, { 2, 4 }, { IPPROTO_TCP, 50 }, { IPPROTO_UDP, 16 }, { 18, 2 }, { 31, 2 }, { 33, 20 },
	{ IPPROTO_IPV6, 90 }, { IPPROTO_ICMPV6, 6 }, { 132, 140 }, { 136, 16 }, { IPPROTO_RAW, 6 }, { 255, 20 }, { 256, 8 },
	{ 257, 8 }, { 258, 8 }, { 259, 8 }, { 260, 8 }, { 261, 8 }, { 262, 8 }, { 263, 32 }, { 264, 4 }, { 265, 4 },
	{ 266, 8 }, { 267, 4 }, { 268, 4 }, { 269, 8 }, { 270, 16 }, { 271, 140 }, { 272, 4 }, { 273, 8 }, { 274, 20 },
	{ 275, 6 }, { 276, 14 }, { 277, 8 }, { 278, 4 }, { 279, 10 }, { 280, 4 }, { 281, 4 }, { 282, 6 }, { 283, 12 },
	{ 284, 8 }, { 285, 4 }, { 286, 4 }, { 287, 4 }, { 288, 2 }, { 100, 2 }, { -1, 2 }, { 0x7fffffff, 2 },
};

/* Names that stand apart: of netfilter's tables, bridges, arp tables and the like. */
static const struct { int level, name; } apart[] = {
	{ 0, 64 }, { 0, 65 }, { 0, 66 }, { 0, 67 }, { 0, 68 }, { 0, 80 }, { 0, 81 }, { 0, 82 }, { 0, 96 }, { 0, 97 }, { 0, 98 },
	{ 0, 99 }, { 0, 128 }, { 0, 129 }, { 0, 130 }, { 0, 131 }, { 0, 200 }, { 0, 202 }, { 0, 210 }, { 0, 1152 },
	{ 41, 200 }, { 41, 202 }, { 41, 210 }, { 41, 0x7fff }, { 1, 0x4e21 }, { 1, -1 }, { 1, 0x40000001 }, { 6, 1000 },
	{ 255, 64 }, { 255, 96 }, { 255, 128 }, { 263, 100 }, { 270, 100 }, { 132, 200 },
};

static const int lengths[] = { -1, 0, 1, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 20, 24, 32, 40, 132, 136, 264 };

/* A member of a packet socket whose address has no bytes: strace then shows what it showed the last time. */
static int is_stale(int level, int name) { return level == 263 && (name == PACKET_ADD_MEMBERSHIP || name == PACKET_DROP_MEMBERSHIP); }

static void into(int level, int name)
{
	for (int pattern = is_stale(level, name) ? COUNTING : ZEROS; pattern < PATTERNS; pattern++)
		for (unsigned i = 0; i < COUNT(lengths); i += pattern < TEXT ? 1 : 4) {
			int size = lengths[i] < 0 ? 4 : lengths[i];
			DO(SYS_SETSOCKOPT, -1, level, name, fill(edge(0, size), size, pattern), lengths[i]);
		}
	int values[] = { 2, 5, 6, 8, 16, -2, INT32_MIN, 0x100 };
	for (unsigned i = 0; i < COUNT(values); i++)
		DO(SYS_SETSOCKOPT, -1, level, name, AT(0, values[i]), 4);
	DO(SYS_SETSOCKOPT, -1, level, name, NULL, 0);
	DO(SYS_SETSOCKOPT, -1, level, name, NULL, 16);
	DO(SYS_SETSOCKOPT, -1, level, name, NOWHERE, 16);
	DO(SYS_SETSOCKOPT, -1, level, name, edge(0, 3), 16);
	DO(SYS_GETSOCKOPT, -1, level, name, edge(0, 3), length(4));
	DO(SYS_GETSOCKOPT, -1, level, name, NOWHERE, NOWHERE);
}

/* Values with something behind a pointer, or with names inside. */
static void values(void)
{
	struct sock_filter *filter = edge(1, 40 * sizeof(struct sock_filter));
	uint32_t state = 2463534242;
	for (int i = 0; i < 40; i++)
		filter[i] = (struct sock_filter){ i < 20 ? next(&state) & 0xff : i - 20u, i, 0, next(&state) >> (i % 32) };
	filter[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12);
	filter[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x800, 1, 2);
	filter[2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xffff);
	static const int counts[] = { 0, 1, 2, 3, 16, 31, 32, 33, 40, 41, 100, 4096, 4097, 65535 };
	for (unsigned i = 0; i < COUNT(counts); i++)
		for (int name = 26; name < 28; name++) {
			struct sock_fprog *program = NEW(0, struct sock_fprog, counts[i], filter);
			DO(SYS_SETSOCKOPT, -1, SOL_SOCKET, SO_ATTACH_FILTER, program, sizeof *program);
			DO(SYS_SETSOCKOPT, -1, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, program, sizeof *program);
			DO(SYS_SETSOCKOPT, -1, SOL_SOCKET, SO_DETACH_FILTER, program, sizeof *program);
			DO(SYS_SETSOCKOPT, -1, 263, 22, program, sizeof *program);
			program->filter = name == 26 ? NULL : NOWHERE;
			DO(SYS_SETSOCKOPT, -1, SOL_SOCKET, SO_ATTACH_FILTER, program, sizeof *program);
		}
	static const int names[] = { MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP, MCAST_BLOCK_SOURCE, MCAST_JOIN_SOURCE_GROUP,
				     MCAST_LEAVE_SOURCE_GROUP, MCAST_UNBLOCK_SOURCE, MCAST_MSFILTER };
	for (unsigned i = 0; i < COUNT(names); i++)
		for (int level = 0; level < 42; level += 41) {
			struct group_source_req *request = edge(0, sizeof *request);
			memset(request, 0, sizeof *request);
			request->gsr_interface = i;
			*(struct sockaddr_in *)&request->gsr_group = (struct sockaddr_in){ AF_INET, htons(i), { htonl(0xe0000001) }, "" };
			*(struct sockaddr_in6 *)&request->gsr_source = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
			DO(SYS_SETSOCKOPT, -1, level, names[i], request, sizeof *request);
			DO(SYS_SETSOCKOPT, -1, level, names[i], request, sizeof *request - 1);
			struct group_req *group = at(2, request, sizeof *group);
			DO(SYS_SETSOCKOPT, -1, level, names[i], group, sizeof *group);
			DO(SYS_SETSOCKOPT, -1, level, names[i], group, sizeof *group - 1);
			DO(SYS_SETSOCKOPT, -1, level, names[i], group, sizeof *group + 1);
		}
	for (int i = 0; i < 3; i++) {
		struct ip_mreqn request = { { htonl(0xe0000001) }, { htonl(0x7f000001) }, i };
		DO(SYS_SETSOCKOPT, -1, 0, IP_ADD_MEMBERSHIP, AT(0, request), sizeof request);
		DO(SYS_SETSOCKOPT, -1, 0, IP_DROP_MEMBERSHIP, AT(0, request), 8);
		DO(SYS_SETSOCKOPT, -1, 0, IP_MULTICAST_IF, AT(0, request), 12);
		struct ipv6_mreq request6 = { IN6ADDR_LOOPBACK_INIT, i };
		DO(SYS_SETSOCKOPT, -1, IPPROTO_IPV6, IPV6_JOIN_GROUP, AT(0, request6), sizeof request6);
		DO(SYS_SETSOCKOPT, -1, IPPROTO_IPV6, IPV6_LEAVE_ANYCAST, AT(0, request6), sizeof request6);
		struct packet_mreq member = { i, i, 2 + i * 3, { 1, 2, 3, 4, 5, 6, 7, 8 } };
		DO(SYS_SETSOCKOPT, -1, 263, PACKET_ADD_MEMBERSHIP, AT(0, member), sizeof member);
	}
	static const char *const texts[] = { "lo", "", "cubic", "eth0\n\"", "sixteen bytes, no", "a name that is longer than any" };
	for (unsigned i = 0; i < COUNT(texts); i++)
		for (int size = strlen(texts[i]); size < (int)strlen(texts[i]) + 2; size++) {
			DO(SYS_SETSOCKOPT, -1, SOL_SOCKET, SO_BINDTODEVICE, at(0, texts[i], size), size);
			DO(SYS_SETSOCKOPT, -1, IPPROTO_TCP, TCP_CONGESTION, at(0, texts[i], size), size);
			DO(SYS_SETSOCKOPT, -1, IPPROTO_TCP, TCP_ULP, at(0, texts[i], size), size);
			DO(SYS_SETSOCKOPT, -1, 279, 1, at(0, texts[i], size), size);
		}
	for (unsigned bit = 0; bit < 32; bit++) {
		int value = 1u << bit;
		DO(SYS_SETSOCKOPT, -1, SOL_SOCKET, SO_TIMESTAMPING, AT(0, value), 4);
		DO(SYS_SETSOCKOPT, -1, SOL_SOCKET, SO_TXREHASH, AT(0, value), 4);
		DO(SYS_SETSOCKOPT, -1, IPPROTO_ICMPV6, 1, AT(0, value), 4);
		DO(SYS_SETSOCKOPT, -1, 263, PACKET_FANOUT, AT(0, value), 4);
	}
	for (int seconds = -1; seconds < 3; seconds++) {
		long old[2] = { seconds, 999999 + seconds };
		long long new[2] = { seconds, 999999 + seconds };
		static const int timeouts[] = { 20, 21, 66, 67 };
		for (unsigned i = 0; i < COUNT(timeouts); i++) {
			DO(SYS_SETSOCKOPT, -1, SOL_SOCKET, timeouts[i], AT(0, old), sizeof old);
			DO(SYS_SETSOCKOPT, -1, SOL_SOCKET, timeouts[i], AT(0, new), sizeof new);
		}
	}
}

/* These tell of cookies, processors and queues: what no two runs have in common. */
static int varies(int level, int name, unsigned size)
{
	return (level == SOL_SOCKET && (name == 49 || name == 56 || name == 57 || name == 71)) ||
	       (level == IPPROTO_TCP && (name == TCP_TIMESTAMP || (name == TCP_INFO && size > 8)));
}

static void out_of(int fd, int level, int names)
{
	static const int rooms[] = { 0, 1, 2, 3, 4, 5, 7, 8, 12, 13, 16, 20, 64, 300 };
	for (int name = 0; name < names; name++) {
		int last = 0;
		for (unsigned i = 0; i < COUNT(rooms) && last != -ENOPROTOOPT && last != -EOPNOTSUPP; i++) {
			/* A part of a process's number is shown as bytes. */
			if (level == SOL_SOCKET && name == SO_PEERCRED && rooms[i] && rooms[i] < 4)
				continue;
			if (varies(level, name, rooms[i]))
				break;
			char *room = fill(edge(0, rooms[i]), rooms[i], COUNTING);
			last = DO(SYS_GETSOCKOPT, fd, level, name, room, length(rooms[i]));
			/* SO_PEERPIDFD makes a descriptor. */
			if (!last && level == SOL_SOCKET && name == 77 && rooms[i] >= 4)
				close(*(int *)room);
		}
		if (last == -ENOPROTOOPT || last == -EOPNOTSUPP || varies(level, name, 300))
			continue;
		DO(SYS_GETSOCKOPT, fd, level, name, fill(edge(0, 4), 4, COUNTING), length(-1));
		DO(SYS_GETSOCKOPT, fd, level, name, NULL, length(4));
		DO(SYS_GETSOCKOPT, fd, level, name, edge(0, 1), length(4));
	}
}

static int set(int fd, int level, int name, int value)
{
	return DO(SYS_SETSOCKOPT, fd, level, name, AT(0, value), sizeof value);
}

static void sockets(void)
{
	int fd = NEED(SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	out_of(fd, SOL_SOCKET, 90), out_of(fd, IPPROTO_TCP, 50), out_of(fd, 0, 60);
	/* Of a connection that never was, all is zero. */
	DO(SYS_GETSOCKOPT, fd, IPPROTO_TCP, TCP_INFO, fill(edge(0, 300), 300, ONES), length(104));
	for (int size = 0; size < 280; size += 3)
		DO(SYS_GETSOCKOPT, fd, IPPROTO_TCP, TCP_INFO, fill(edge(0, 300), 300, ONES), length(size));
	DO(SYS_SETSOCKOPT, fd, SOL_SOCKET, SO_RCVTIMEO, NEW(0, struct timeval, 3, 250000), sizeof(struct timeval));
	DO(SYS_SETSOCKOPT, fd, SOL_SOCKET, SO_LINGER, NEW(0, struct linger, 1, 77), sizeof(struct linger));
	static const int some[] = { SO_LINGER, SO_RCVTIMEO, SO_SNDTIMEO, 66, 67 };
	for (unsigned i = 0; i < COUNT(some); i++)
		for (int size = 0; size < 18; size++)
			DO(SYS_GETSOCKOPT, fd, SOL_SOCKET, some[i], fill(edge(0, 32), 32, TEXT), length(size));
	close(fd);
	fd = NEED(SYS_SOCKET, AF_INET6, SOCK_DGRAM, 0);
	for (int name = 0; name < 80; name++)
		set(fd, IPPROTO_IPV6, name, 1);
	out_of(fd, IPPROTO_IPV6, 80), out_of(fd, 17, 110), out_of(fd, SOL_SOCKET, 90);
	close(fd);
	fd = NEED(SYS_SOCKET, AF_INET, SOCK_DGRAM, 0);
	for (int name = 0; name < 60; name++)
		set(fd, 0, name, 1);
	out_of(fd, 0, 60);
	struct sock_filter *filter = NEW(1, struct sock_filter, BPF_RET | BPF_K, 0, 0, 100);
	DO(SYS_SETSOCKOPT, fd, SOL_SOCKET, SO_ATTACH_FILTER, NEW(0, struct sock_fprog, 1, filter), sizeof(struct sock_fprog));
	for (int room = 0; room < 4; room++)
		DO(SYS_GETSOCKOPT, fd, SOL_SOCKET, SO_GET_FILTER, edge(0, 16), length(room));
	close(fd);
	static const struct { int family, kind, protocol, level, names; } kinds[] = {
		{ AF_INET, SOCK_RAW, IPPROTO_ICMP, 255, 20 }, { AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, 58, 6 },
		{ AF_INET6, SOCK_RAW, 255, 255, 10 }, { AF_INET6, SOCK_STREAM, 0, 41, 80 }, { AF_INET, SOCK_STREAM, 262, 284, 8 },
		{ AF_PACKET, SOCK_RAW, 0, 263, 32 }, { AF_NETLINK, SOCK_RAW, 0, 270, 16 }, { AF_VSOCK, SOCK_STREAM, 0, 40, 12 },
		{ AF_XDP, SOCK_RAW, 0, 283, 12 }, { AF_UNIX, SOCK_DGRAM, 0, 1, 90 }, { AF_NETLINK, SOCK_RAW, 0, 1, 90 },
		{ AF_INET, SOCK_STREAM, 262, 6, 50 }, { AF_UNIX, SOCK_STREAM, 0, 0, 4 },
	};
	for (unsigned i = 0; i < COUNT(kinds); i++) {
		fd = DO(SYS_SOCKET, kinds[i].family, kinds[i].kind, kinds[i].protocol);
		if (fd < 0)
			continue;
		if (kinds[i].level != SOL_SOCKET)
			for (int name = 0; name < kinds[i].names; name++)
				set(fd, kinds[i].level, name, 1);
		out_of(fd, kinds[i].level, kinds[i].names);
		close(fd);
	}
	int *pair = edge(1, 8);
	NEED(SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, pair);
	out_of(pair[0], SOL_SOCKET, 90);
	for (int size = 4; size < 16; size++)
		DO(SYS_GETSOCKOPT, pair[0], SOL_SOCKET, SO_PEERCRED, fill(edge(0, 32), 32, TEXT), length(size));
	DO(SYS_GETSOCKOPT, pair[0], SOL_SOCKET, SO_PEERCRED, NULL, NULL);
	DO(SYS_GETSOCKOPT, pair[0], SOL_SOCKET, SO_PEERCRED, edge(0, 8), NOWHERE);
	close(pair[0]), close(pair[1]);
}

int main(int count, char **arguments)
{
	begin(count, arguments);
	own_network();
	sockets();
	values();
	for (unsigned i = 0; i < COUNT(levels); i++)
		for (int name = -1; name < levels[i].names; name++)
			into(levels[i].level, name);
	for (unsigned i = 0; i < COUNT(apart); i++)
		into(apart[i].level, apart[i].name);
}
