/* The address of every family: in all lengths into calls that fail, and out of calls that succeed. */
#include "trace.h"
#include <arpa/inet.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <stddef.h>
#include <sys/un.h>

/* Lengths around the sizes of the families' addresses. */
static const int lengths[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 24, 26, 27,
	28, 29, 32, 36, 40, 44, 48, 58, 60, 61, 64, 72, 88, 96, 109, 110, 111, 112, 127, 128, 129, 200 };

static void every_family_in_every_length(void)
{
	for (int family = 0; family < 50; family++)
		for (int pattern = ZEROS; pattern < PATTERNS; pattern++)
			for (unsigned i = 0; i < COUNT(lengths); i++) {
				int size = lengths[i];
				char *name = fill(edge(0, size), size, pattern);
				if (size >= 2)
					*(sa_family_t *)name = family;
				DO(SYS_CONNECT, -1, name, size);
			}
	fill(page(0), 2 * 128, COUNTING);
	*(sa_family_t *)page(0) = AF_UNIX;
	DO(SYS_CONNECT, -1, page(0), -1);
	DO(SYS_CONNECT, -1, page(0), INT32_MIN);
	DO(SYS_CONNECT, -1, page(0), 0x7fffffff);
	/* A length that goes beyond what can be read. */
	for (int family = 0; family < 50; family++) {
		char *name = fill(edge(0, 16), 16, COUNTING);
		*(sa_family_t *)name = family;
		DO(SYS_CONNECT, -1, name, 128);
	}
}

static void unix_name(const char *path, size_t size, int name_length)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	memcpy(name.sun_path, path, size);
	DO(SYS_BIND, -1, at(0, &name, name_length), name_length);
}

static void unix_names(void)
{
	char path[108];
	memset(path, 'p', sizeof path);
	enum { HEAD = offsetof(struct sockaddr_un, sun_path) };
	unix_name("/run/a", 7, HEAD + 7);
	unix_name("/run/a", 7, HEAD + 6);
	unix_name("/run/a", 7, HEAD + 3);
	unix_name("/run/a\0after", 13, HEAD + 12);
	unix_name("/run/a", 7, sizeof(struct sockaddr_un));
	unix_name("\"quoted\"\\\n\t\1\377", 14, HEAD + 13);
	unix_name("", 1, HEAD);
	unix_name("", 1, HEAD + 1);
	unix_name("\0abstract", 9, HEAD + 9);
	unix_name("\0abstract", 9, HEAD + 5);
	unix_name("\0abstract", 9, sizeof(struct sockaddr_un));
	unix_name("\0abs\0tract\0", 12, HEAD + 12);
	unix_name("\0\0", 2, HEAD + 2);
	unix_name("\0\1\2\0033\"\\\377", 8, HEAD + 8);
	unix_name(path, 108, HEAD + 108);
	unix_name(path, 107, HEAD + 107);
	path[0] = 0;
	unix_name(path, 108, HEAD + 108);
}

/* Interfaces by number, of which 1 is the loopback. */
static void inet(void)
{
	static const char *const addresses[] = { "::", "::1", "::ffff:1.2.3.4", "::1.2.3.4", "fe80::1", "ff02::1",
		"2001:db8::8:800:200c:417a", "2001:db8:0:0:1:0:0:1", "1:2:3:4:5:6:7:8" };
	for (unsigned i = 0; i < COUNT(addresses); i++)
		for (int scope = 0; scope < 3; scope++) {
			struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_scope_id = scope,
						     .sin6_flowinfo = htonl(i * 0x101) };
			inet_pton(AF_INET6, addresses[i], &name.sin6_addr);
			DO(SYS_CONNECT, -1, AT(0, name), sizeof name);
		}
	for (uint32_t i = 0; i < 32; i += 3) {
		struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(1 << (i / 2)),
					    .sin_addr.s_addr = htonl(0xc0a80001u << i) };
		DO(SYS_BIND, -1, AT(0, name), sizeof name);
	}
}

/* Fields with names of their own. */
static void fields(void)
{
	for (int i = 0; i < 8; i++)
		for (int protocol = 0; protocol < 3; protocol++) {
			static const int ethernet[] = { 0x800, 0x3, 0xfffe };
			struct sockaddr_ll name = { .sll_family = AF_PACKET, .sll_protocol = htons(ethernet[protocol]),
				.sll_ifindex = i - 1, .sll_hatype = i < 6 ? i : 772, .sll_pkttype = i, .sll_halen = i + protocol,
				.sll_addr = { 1, 2, 3, 4, 5, 6, 7, 8 } };
			DO(SYS_BIND, -1, AT(0, name), sizeof name);
		}
	for (int cid = -1; cid < 4; cid++) {
		struct sockaddr_vm name = { .svm_family = AF_VSOCK, .svm_port = 1000 * cid, .svm_cid = cid };
		DO(SYS_CONNECT, -1, AT(0, name), sizeof name);
	}
	for (int i = -1; i < 3; i++) {
		struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_pid = i, .nl_groups = i * 3 };
		DO(SYS_CONNECT, -1, AT(0, name), sizeof name);
	}
	for (int flags = 0; flags < 32; flags += 3) {
		struct sockaddr_xdp name = { .sxdp_family = AF_XDP, .sxdp_flags = flags, .sxdp_ifindex = flags / 8,
					     .sxdp_queue_id = flags, .sxdp_shared_umem_fd = flags - 2 };
		DO(SYS_BIND, -1, AT(0, name), sizeof name);
	}
	struct sockaddr_alg alg = { .salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha256" };
	DO(SYS_BIND, -1, AT(0, alg), sizeof alg);
	alg.salg_feat = 0x10, alg.salg_mask = 0x200f;
	DO(SYS_BIND, -1, AT(0, alg), sizeof alg);
	memset(alg.salg_type, 't', sizeof alg.salg_type);
	memset(alg.salg_name, 'n', sizeof alg.salg_name);
	DO(SYS_BIND, -1, AT(0, alg), sizeof alg);
	DO(SYS_BIND, -1, AT(0, alg), sizeof alg - 10);
	/* AF_BLUETOOTH (include/net/bluetooth): hci, sco, rc and l2 are told apart by their lengths. */
	for (int psm = 0; psm < 0x1005; psm += psm < 0x20 ? 1 : 0x555)
		for (int kind = 0; kind < 3; kind++) {
			struct { uint16_t family, psm; uint8_t address[6]; uint16_t cid; uint8_t type, pad; } l2 = {
				AF_BLUETOOTH, psm, { 1, 2, 3, 4, 5, 6 }, psm * 3, kind, 0 };
			DO(SYS_CONNECT, -1, AT(0, l2), sizeof l2);
		}
	for (int i = -1; i < 6; i++) {
		uint16_t hci[3] = { AF_BLUETOOTH, i, i };
		DO(SYS_BIND, -1, AT(0, hci), sizeof hci);
		uint8_t rc[10] = { AF_BLUETOOTH, 0, 1, 2, 3, 4, 5, 6, i };
		DO(SYS_BIND, -1, AT(0, rc), 8);
		DO(SYS_BIND, -1, AT(0, rc), 10);
	}
}

/* The calls that write an address, with room for a part of it. */
static void out(int fd, int size)
{
	static const int rooms[] = { 0, 1, 2, 3, 8, 16, 27, 28, 110, 128, 200 };
	for (unsigned i = 0; i < COUNT(rooms); i++)
		DO(SYS_GETSOCKNAME, fd, fill(edge(0, 200), 200, TEXT), length(rooms[i]));
	DO(SYS_GETSOCKNAME, fd, fill(edge(0, size), size, TEXT), length(size));
	DO(SYS_GETSOCKNAME, fd, edge(0, size), length(-1));
	DO(SYS_GETSOCKNAME, fd, NULL, length(0));
	DO(SYS_GETPEERNAME, fd, fill(edge(0, 128), 128, TEXT), length(128));
}

static int bound(int family, int kind, int protocol, const void *name, int size)
{
	int fd = DO(SYS_SOCKET, family, kind, protocol);
	if (fd < 0)
		return -1;
	out(fd, 16);
	DO(SYS_BIND, fd, at(0, name, size), size);
	out(fd, size);
	return fd;
}
#define BOUND(family, kind, protocol, name) close(bound(family, kind, protocol, &(name), sizeof(name)))

static void sockets(void)
{
	struct sockaddr_in inet = { .sin_family = AF_INET, .sin_port = htons(5353), .sin_addr.s_addr = htonl(0x7f000001) };
	struct sockaddr_in6 inet6 = { .sin6_family = AF_INET6, .sin6_port = htons(5354), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_nl netlink = { .nl_family = AF_NETLINK, .nl_pid = 4242, .nl_groups = 1 };
	struct sockaddr_ll packet = { .sll_family = AF_PACKET, .sll_protocol = htons(3), .sll_ifindex = 1 };
	struct sockaddr_vm vsock = { .svm_family = AF_VSOCK, .svm_port = 4242, .svm_cid = VMADDR_CID_ANY };
	struct sockaddr_xdp xdp = { .sxdp_family = AF_XDP, .sxdp_ifindex = 1 };
	BOUND(AF_INET, SOCK_DGRAM, 0, inet);
	BOUND(AF_INET, SOCK_STREAM, 0, inet);
	BOUND(AF_INET6, SOCK_DGRAM, 0, inet6);
	BOUND(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, netlink);
	BOUND(AF_PACKET, SOCK_RAW, 0, packet);
	BOUND(AF_PACKET, SOCK_DGRAM, 0, packet);
	BOUND(AF_VSOCK, SOCK_STREAM, 0, vsock);
	BOUND(AF_XDP, SOCK_RAW, 0, xdp);
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0trace-guest" };
	close(bound(AF_UNIX, SOCK_STREAM, 0, &name, 14));
	close(bound(AF_UNIX, SOCK_DGRAM, 0, &name, sizeof name));
	int *pair = edge(1, 8);
	NEED(SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, pair);
	out(pair[0], 110);
	close(pair[0]), close(pair[1]);
}

/* Both ends of datagrams and of connections, of every family that has them. */
static void ends(int family, const void *here, const void *there, int size)
{
	int receiver = DO(SYS_SOCKET, family, SOCK_DGRAM, 0), sender = DO(SYS_SOCKET, family, SOCK_DGRAM, 0);
	NEED(SYS_BIND, receiver, at(0, here, size), size);
	char *data = fill(edge(1, 32), 32, TEXT), *room = fill(edge(2, 128), 128, TEXT);
	DO(SYS_SENDTO, sender, data, 3, 0, edge(0, size), size);
	DO(SYS_SENDTO, sender, data, 32, MSG_DONTWAIT, edge(0, size), size);
	if (family == AF_UNIX)
		DO(SYS_RECVFROM, receiver, edge(3, 32), 32, 0, room, length(128));
	else
		/* Its port is any. */
		DO(SYS_RECVFROM, receiver, edge(3, 32), 32, 0, room, length(2));
	DO(SYS_RECVFROM, receiver, edge(3, 32), 8, MSG_TRUNC, room, length(0));
	close(sender);
	sender = DO(SYS_SOCKET, family, SOCK_DGRAM, 0);
	NEED(SYS_BIND, sender, at(4, there, size), size);
	NEED(SYS_CONNECT, sender, edge(0, size), size);
	for (unsigned i = 0; i < COUNT(lengths); i += 3) {
		DO(SYS_SEND, sender, data, i % 32, 0);
		DO(SYS_RECVFROM, receiver, edge(3, 32), 32, 0, fill(room, 128, TEXT), length(lengths[i]));
	}
	DO(SYS_SEND, sender, data, 9, 0);
	DO(SYS_RECVFROM, receiver, edge(3, 32), 32, MSG_PEEK, NULL, NULL);
	DO(SYS_RECVFROM, receiver, edge(3, 32), 32, MSG_PEEK, NULL, length(16));
	DO(SYS_RECVFROM, receiver, edge(3, 32), 32, MSG_PEEK, room, NULL);
	DO(SYS_RECVFROM, receiver, edge(3, 32), 32, MSG_PEEK, room, length(-1));
	DO(SYS_RECVFROM, receiver, NOWHERE, 32, 0, room, length(16));
	DO(SYS_GETPEERNAME, sender, room, length(128));
	close(receiver), close(sender);

	int listener = DO(SYS_SOCKET, family, SOCK_STREAM, 0);
	NEED(SYS_BIND, listener, edge(0, size), size);
	NEED(SYS_LISTEN, listener, 5);
	for (int room_for = 0; room_for < 4; room_for++) {
		static const int rooms[] = { 0, 5, 16, 128 };
		int client = DO(SYS_SOCKET, family, SOCK_STREAM, 0);
		NEED(SYS_BIND, client, edge(4, size), size);
		DO(SYS_CONNECT, client, edge(0, size), size);
		int served = DO(room_for & 1 ? SYS_ACCEPT4 : SYS_ACCEPT, listener, fill(room, 128, TEXT),
				length(rooms[room_for]), SOCK_CLOEXEC);
		DO(SYS_SETSOCKOPT, client, SOL_SOCKET, SO_LINGER, NEW(3, struct linger, 1, 0), sizeof(struct linger));
		close(client), close(served);
	}
	close(listener);
}

int main(int count, char **arguments)
{
	begin(count, arguments);
	own_network();
	every_family_in_every_length();
	unix_names();
	inet();
	fields();
	sockets();
	struct sockaddr_in in[2] = { { .sin_family = AF_INET, .sin_port = htons(1111), .sin_addr.s_addr = htonl(0x7f000001) } };
	in[1] = in[0], in[1].sin_port = htons(2222);
	ends(AF_INET, &in[0], &in[1], sizeof *in);
	struct sockaddr_in6 in6[2] = { { .sin6_family = AF_INET6, .sin6_port = htons(1111), .sin6_addr = IN6ADDR_LOOPBACK_INIT } };
	in6[1] = in6[0], in6[1].sin6_port = htons(2222);
	ends(AF_INET6, &in6[0], &in6[1], sizeof *in6);
	struct sockaddr_un un[2] = { { AF_UNIX, "\0here" }, { AF_UNIX, "\0there" } };
	ends(AF_UNIX, &un[0], &un[1], sizeof *un);
}
