/* Sets and gets socket options, and writes down, for each call, where the value was and what memory held.
 *
 * Everything that a call is given lies in an arena at a fixed address, so that what was written down is what a tracer
 * sees. "forged" calls name no socket: strace lets them succeed unmade (-e inject), so a value can be anything. "real"
 * calls are made; what differs from run to run is left out of them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARENA ((unsigned char *)0x10000000)
#define LENGTH ((int *)(ARENA + 0x800))
#define NOWHERE ((void *)0xdead0000)
enum { SIZE = 0x1000 };

static FILE *out;
static long set_number, get_number;

static void dump(const unsigned char *from, const unsigned char *to)
{
	for (const unsigned char *at = from; at < to; at += 16) {
		const unsigned char *end = at;
		while (end < to && memcmp(end, (char[16]){ 0 }, 16)) end += 16;
		if (end == at) continue;
		fprintf(out, "at %lx ", (long)at);
		for (; at < end; at++) fprintf(out, "%02x", *at);
		fputc('\n', out);
	}
}

static void set(int fd, int level, int name, const void *value, int length)
{
	fprintf(out, "set %u %u %lx %d\n", (unsigned)level, (unsigned)name, (long)value, length);
	dump(ARENA, ARENA + SIZE);
	syscall(set_number, fd, level, name, value, length);
}

static void get(int fd, int level, int name, void *value, int room)
{
	*LENGTH = room;
	int failed = syscall(get_number, fd, level, name, value, LENGTH) < 0;
	fprintf(out, "get %u %u %lx %d %d%s\n", (unsigned)level, (unsigned)name, (long)value, room, *LENGTH,
		failed ? " failed" : "");
	*LENGTH = 0;
	dump(ARENA, ARENA + SIZE);
}

static void both(int level, int name, const void *value, int size, int length)
{
	memset(ARENA, 0, SIZE);
	memcpy(ARENA, value, size);
	set(-1, level, name, ARENA, length);
	get(-1, level, name, ARENA, length);
}
static void number(int level, int name, unsigned value) { both(level, name, &value, 4, 4); }

/* A value of every length that could matter. */
static void lengths(int level, int name)
{
	static const int each[] = { -1, 0, 1, 3, 4, 5, 7, 8, 12, 16, 17, 20, 132, 136, 300 };
	unsigned char bytes[304];
	for (unsigned at = 0; at < sizeof bytes; at++) bytes[at] = at < 16 ? at + 1 : 0;
	for (unsigned at = 0; at < sizeof each / sizeof *each; at++) both(level, name, bytes, 32, each[at]);
}

static void program(unsigned count, struct sock_filter *filter)
{
	struct sock_fprog whole = { count, filter };
	memcpy(ARENA, &whole, sizeof whole);
	set(-1, SOL_SOCKET, SO_ATTACH_FILTER, ARENA, sizeof whole);
}
static void instruction(int code, int yes, int no, unsigned k)
{
	memset(ARENA, 0, SIZE);
	struct sock_filter *filter = (void *)(ARENA + 0x100);
	*filter = (struct sock_filter){ code, yes, no, k };
	program(1, filter);
}

static void filters(void)
{
	static const unsigned loads[] = { 0, 0xfffff000, 0xfffff008, 0xfffff03c, 0xfffff041, 0xfff00005, 0xffe00001,
					  0xffdfffff };
	static const int others[] = { 0x115, 0x104, 0x120, 0x1ff, 0xfff6, 0xff07, 0x1003, 0xffff };
	for (unsigned at = 0; at < sizeof loads / sizeof *loads; at++) {
		instruction(BPF_LD | BPF_W | BPF_ABS, 0, 0, loads[at]);
		instruction(BPF_LD | BPF_B | BPF_ABS, 0, 1, loads[at]);
		instruction(BPF_LD | BPF_H | BPF_IND, 0, 0, loads[at]);
	}
	for (int code = 0; code < 256; code++) instruction(code, code & 1, 0, code);
	for (unsigned at = 0; at < sizeof others / sizeof *others; at++) instruction(others[at], 0, 0, 7);
	memset(ARENA, 0, SIZE);
	program(0, 0);
	program(0, (void *)ARENA);
	program(3, 0);
	program(3, NOWHERE);
	program(3, (void *)(ARENA + SIZE - 16));
	set(-1, SOL_SOCKET, SO_ATTACH_FILTER, NOWHERE, sizeof(struct sock_fprog));
	set(-1, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, ARENA, sizeof(struct sock_fprog));
	get(-1, SOL_SOCKET, SO_ATTACH_FILTER, ARENA, 2);
	get(-1, SOL_SOCKET, SO_ATTACH_FILTER, ARENA, 70000);
	get(-1, SOL_SOCKET, SO_ATTACH_FILTER, NOWHERE, 2);
}

/* Every kind of value, of every length, and where it cannot be read. */
static void forged(void)
{
	static const int cut[][2] = { { 1, 2 }, { 1, 4 }, { 1, 13 }, { 1, 17 }, { 1, 20 }, { 1, 26 }, { 1, 74 }, { 1, 77 },
				      { 0, 1 }, { 0, 35 }, { 0, 42 }, { 0, 51 }, { 0, 52 }, { 41, 20 }, { 41, 28 }, { 41, 45 },
				      { 6, 1 }, { 263, 1 }, { 263, 5 }, { 263, 6 }, { 255, 1 }, { 270, 1 }, { 270, 9 },
				      { 271, 127 }, { 271, 135 }, { 271, 130 }, { 40, 0 }, { 999, 1 }, { 284, 1 } };
	for (unsigned at = 0; at < sizeof cut / sizeof *cut; at++) {
		int level = cut[at][0], name = cut[at][1];
		lengths(level, name);
		set(-1, level, name, 0, 8);
		get(-1, level, name, 0, 8);
		set(-1, level, name, NOWHERE, 136);
		get(-1, level, name, NOWHERE, 8);
		set(-1, level, name, ARENA + SIZE - 4, 136);
	}
}

/* Values that are what they should be, more or less. */
static void values(void)
{
	instruction(BPF_RET | BPF_K, 0, 0, 7);
	for (unsigned name = 64; name < 70; name++) { number(0, name, 1); number(41, name, 1); }
	number(0, 1152, 1); number(1, 25, 1); number(1, 80, 1); number(1, 500, 1); number(-1, -1, -1);
	static const int errors[] = { 0, 1, 111, 133, 134, 512, 520, 530, 5000, -3 };
	for (unsigned at = 0; at < sizeof errors / sizeof *errors; at++) number(1, 4, errors[at]);
	number(1, 74, -1); number(1, 74, 0); number(1, 74, 1); number(1, 74, 255); number(1, 74, 7);
	number(0, 51, 0); number(0, 51, 5); number(0, 51, 0x50000); number(0, 51, 0x60005); number(0, 51, 0x50006);
	number(0, 52, 6); number(0, 52, 256); number(0, 52, 262); number(0, 52, 300);
	for (int at = 0; at < 5; at++) number(271, 127, at);
	for (int at = 0; at < 5; at++) both(271, 135, (int[]){ at, at, at, at }, 16, 16);
	for (int at = 0; at < 5; at++) number(255, 1, 1u << (9 * at % 32));
	number(255, 1, 0); number(255, 1, -1); number(255, 1, 0xffff); number(255, 1, 0x1ffff);
	struct group_req group = { .gr_interface = 1 };
	*(struct sockaddr_in *)&group.gr_group = (struct sockaddr_in){ AF_INET, htons(7), { htonl(0xe0000001) } };
	both(0, 42, &group, sizeof group, sizeof group);
	both(41, 45, &group, sizeof group, sizeof group);
	struct ipv6_mreq join = { IN6ADDR_LOOPBACK_INIT, 1 };
	both(41, 21, &join, sizeof join, sizeof join);
	for (int at = 1; at < 10; at++) {
		struct packet_mreq mreq = { 1, at - 1, at, { 1, 2, 3, 4, 5, 6, 7, 8 } };
		both(263, 1, &mreq, sizeof mreq, sizeof mreq);
	}
	/* struct tcp_ao_add, which these headers need not have. */
	unsigned char key[300] = { AF_INET, 0, 0, 80, 10, 0, 0, 1 };
	static const int parts[] = { -5, 0, 1, 8, 128, 130, 192, 196, 200, 203, 207, 208, 210, 288, 300 };
	strcpy((char *)key + 128, "hmac(sha256)");
	memcpy(key + 192, (int[]){ 1, 3 }, 8);
	memcpy(key + 202, "\x18\5\6\x0c\1\4keyx", 10);
	for (unsigned at = 0; at < sizeof parts / sizeof *parts; at++) both(6, 38, key, sizeof key, parts[at]);
	memset(key + 128, 'a', 64);
	memset(key + 192, 0xff, 16);
	both(6, 38, key, sizeof key, 288);
	key[0] = AF_INET6;
	both(6, 38, key, sizeof key, 288);
	memset(ARENA, 1, SIZE);
	get(-1, 270, 9, ARENA, 400);
}

static void real(void)
{
	int stream = socket(AF_INET, SOCK_STREAM, 0), local[2];
	/* What doesn't fit is told by the length that would have been needed, beside the error. */
	setgroups(2, (gid_t[]){ 7, 8 });
	socketpair(AF_UNIX, SOCK_STREAM, 0, local);
	for (int room = 0; room < 12; room += 3) {
		get(stream, SOL_SOCKET, SO_LINGER, ARENA, room);
		get(stream, SOL_SOCKET, SO_REUSEADDR, ARENA, room);
		get(stream, IPPROTO_TCP, TCP_CONGESTION, ARENA, room);
	}
	get(stream, SOL_SOCKET, SO_ERROR, ARENA, 4);
	get(stream, SOL_SOCKET, SO_ERROR, NOWHERE, 4);
	get(stream, SOL_SOCKET, SO_TYPE, ARENA, 64);
	get(stream, SOL_SOCKET, SO_DOMAIN, ARENA, 4);
	get(stream, SOL_SOCKET, SO_PROTOCOL, ARENA, 4);
	get(stream, SOL_SOCKET, SO_RCVTIMEO, ARENA, 64);
	get(stream, SOL_SOCKET, SO_BINDTODEVICE, ARENA, 64);
	get(stream, SOL_SOCKET, -1, ARENA, 4);
	get(stream, 999, 1, ARENA, 4);
	get(-1, SOL_SOCKET, SO_TYPE, ARENA, 4);
	struct linger linger = { 1, 5 };
	memset(ARENA, 0, SIZE);
	memcpy(ARENA, &linger, sizeof linger);
	set(stream, SOL_SOCKET, SO_LINGER, ARENA, sizeof linger);
	set(stream, SOL_SOCKET, SO_LINGER, ARENA, 4);
	get(local[0], SOL_SOCKET, SO_PEERGROUPS, ARENA, 4);
	get(local[0], SOL_SOCKET, SO_PEERGROUPS, ARENA, 64);
	int route = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	memset(ARENA, 0, SIZE);
	*ARENA = 1;
	set(route, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, ARENA, 4);
	get(route, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, ARENA, 64);
	get(route, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, ARENA, 0);
	get(route, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, ARENA, 2);
	get(route, SOL_NETLINK, NETLINK_NO_ENOBUFS, ARENA, 64);
}

/* Every option that is named on the command line as LEVEL.NAME, for a comparison that no recording could hold. */
static void swept(char **names)
{
	int level, name;
	for (; *names; names++)
		if (sscanf(*names, "%d.%d", &level, &name) == 2) lengths(level, name);
}

int main(int count, char **arguments)
{
	const char *abi = arguments[1], *what = arguments[3];
	mmap(ARENA, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	out = fopen(arguments[2], "w");
	if (count < 4 || !out) return 2;
	int ia32 = !strcmp(abi, "i386"), x32 = !strcmp(abi, "x32");
	set_number = ia32 ? 366 : x32 ? 0x40000000 | 541 : 54;
	get_number = ia32 ? 365 : x32 ? 0x40000000 | 542 : 55;
	if (!strcmp(what, "forged")) forged(), values();
	else if (!strcmp(what, "values")) values();
	else if (!strcmp(what, "filters")) filters();
	else if (!strcmp(what, "real")) real();
	else swept(arguments + 4);
	return fclose(out);
}
