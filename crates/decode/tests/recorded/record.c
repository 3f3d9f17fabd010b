/* Makes calls with messages and writes down, for each, the registers, the memory before and after, and the result.
 *
 * Everything that a call is given lies in an arena at a fixed address, so that what was written down is what a
 * tracer sees. Built with -m32 it makes i386 calls, with -m64 x86-64 ones, and x32 ones if told so: a kernel without
 * x32 answers ENOSYS, which is as good for whatever is decoded at the entry.
 *
 * record.py runs it under strace and joins both records.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { ARENA = 0x10000000, SIZE = 0x8000 };
enum { SENDTO, RECVFROM, SENDMSG, RECVMSG, SENDMMSG, RECVMMSG, RECVMMSG64 };

static const char *abi = "i386";
static unsigned word = 4, now = ARENA;
static FILE *out;
static const unsigned numbers[3][7] = {
	{ 369, 371, 370, 372, 345, 337, 417 },
	{ 44, 45, 46, 47, 307, 299, 0 },
	{ 0x40000000 | 44, 0x40000000 | 517, 0x40000000 | 518, 0x40000000 | 519, 0x40000000 | 538,
	  0x40000000 | 537, 0 },
};
static int mode;

static void put(unsigned at, unsigned bytes, uint64_t value) { memcpy((void *)(uintptr_t)at, &value, bytes); }
static unsigned take(unsigned bytes) { unsigned at = now; now += (bytes + 15) & ~15u; return at; }
static unsigned data(const void *bytes, unsigned length)
{
	unsigned at = take(length);
	memcpy((void *)(uintptr_t)at, bytes, length);
	return at;
}
#define TEXT(text) data(text, sizeof(text) - 1)
static void clear(void) { memset((void *)(uintptr_t)ARENA, 0, SIZE); now = ARENA; }

/* What memory holds, as runs of 16 bytes in which it differs from what was written down last. */
static unsigned char known[SIZE];
static void dump(const char *what)
{
	const unsigned char *m = (void *)(uintptr_t)ARENA;
	for (unsigned at = 0; at < SIZE; at += 16) {
		unsigned end = at;
		while (end < SIZE && memcmp(m + end, known + end, 16)) end += 16;
		if (end == at) continue;
		fprintf(out, "%s %x ", what, ARENA + at);
		for (unsigned i = at; i < end; i++) fprintf(out, "%02x", m[i]);
		fputc('\n', out);
		at = end;
	}
	memcpy(known, m, SIZE);
}

static long call(int which, long a, long b, long c, long d, long e, long f)
{
	unsigned number = numbers[mode][which];
	if (!number) return 0;
	fprintf(out, "call %s %u %lx %lx %lx %lx %lx %lx\n", abi, number, a, b, c, d, e, f);
	dump("before");
	long result = syscall(number, a, b, c, d, e, f);
	if (result < 0) result = -errno;
	dump("after");
	fprintf(out, "result %ld\n\n", result);
	return result;
}

/* Takes all that has arrived, by a call that is not recorded. */
static void drain(int fd)
{
	char drop[4096];
	int flags = fcntl(fd, F_GETFL);
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (read(fd, drop, sizeof drop) >= 0);
	fcntl(fd, F_SETFL, flags);
}

/* struct msghdr, 28 or 56 bytes; a struct mmsghdr is one with a length behind it. */
static void header(unsigned at, uint64_t name, unsigned namelen, uint64_t iov, uint64_t iovlen, uint64_t control,
		   uint64_t controllen, unsigned flags)
{
	uint64_t fields[7] = { name, namelen, iov, iovlen, control, controllen, flags };
	for (int i = 0; i < 7; i++) {
		unsigned bytes = i == 1 || i == 6 ? 4 : word;
		put(at, bytes, fields[i]);
		at += word;
	}
}
static unsigned header_size(void) { return 7 * word; }
static unsigned vector_size(void) { return word == 8 ? 64 : 32; }
static unsigned message(uint64_t name, unsigned namelen, uint64_t iov, uint64_t iovlen, uint64_t control,
			uint64_t controllen, unsigned flags)
{
	unsigned at = take(header_size());
	header(at, name, namelen, iov, iovlen, control, controllen, flags);
	return at;
}
static void piece(unsigned iov, unsigned index, uint64_t base, uint64_t length)
{
	put(iov + 2 * word * index, word, base);
	put(iov + 2 * word * index + word, word, length);
}
static unsigned one(uint64_t base, uint64_t length)
{
	unsigned iov = take(2 * word);
	piece(iov, 0, base, length);
	return iov;
}

/* A control message behind those that are there; its data; its length if not the true one. */
static unsigned control_at, control_end;
static void control_begin(void) { control_at = control_end = take(0x800); }
static void control(int level, int type, const void *bytes, unsigned length, int64_t claimed)
{
	unsigned at = control_end;
	put(at, word, claimed >= 0 ? (uint64_t)claimed : word + 8 + length);
	put(at + word, 4, (unsigned)level);
	put(at + word + 4, 4, (unsigned)type);
	memcpy((void *)(uintptr_t)(at + word + 8), bytes, length);
	control_end = at + ((word + 8 + length + word - 1) & ~(word - 1));
}
static void send_control(int fd)
{
	unsigned iov = one(TEXT("x"), 1);
	call(SENDMSG, fd, message(0, 0, iov, 1, control_at, control_end - control_at, 0), 0, 0, 0, 0);
	clear();
	control_begin();
}

static void messages(int s[2])
{
	struct sockaddr_un un = { AF_UNIX, "/nowhere" };
	clear();
	unsigned iov = one(TEXT("hello"), 5);
	call(SENDMSG, s[0], message(0, 0, iov, 1, 0, 0, 0), 0, 0, 0, 0);
	call(SENDMSG, s[0], message(data(&un, sizeof un), 11, iov, 1, 0, 0, 0), MSG_NOSIGNAL, 0, 0, 0);
	call(SENDMSG, -1, message(0, 0, iov, 1, 0, 0, 0x4040), MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0, 0);
	call(SENDMSG, s[0], 0, 0, 0, 0, 0);
	call(SENDMSG, s[0], 0x9000, 0x12345678, 0, 0, 0);
	call(SENDMSG, s[0], ARENA + SIZE - 12, 0, 0, 0, 0);
	call(SENDMSG, s[0], message(0, -1, 0, 0, 0, 0, 0), 0, 0, 0, 0);
	call(SENDMSG, s[0], message(0x9000, 1, 0, 5, 0, 7, -1), 0, 0, 0, 0);
	call(SENDMSG, s[0], message(0x9000, 16, 0x9000, 2, 0x9000, 64, 0), 0, 0, 0, 0);
	call(SENDMSG, s[0], message(0, 0, iov, 0, ARENA, 3, 0), 0, 0, 0, 0);
	call(SENDMSG, s[0], message(0, 0, iov, (uint64_t)-1, 0, 0, 0), 0, 0, 0, 0);
	call(SENDMSG, s[0], message(0, 0, iov, 0x20000000, 0, 0, 0), 0, 0, 0, 0);
	clear();
	/* Pieces: empty, at no address, unreadable, long, cut by the end of memory. */
	unsigned many = take(8 * 2 * word), text = TEXT("0123456789012345678901234567890123456789\n");
	piece(many, 0, text, 32);
	piece(many, 1, text, 33);
	piece(many, 2, text, 0);
	piece(many, 3, 0, 0);
	piece(many, 4, 0, 5);
	piece(many, 5, 0x9000, 5);
	piece(many, 6, ARENA + SIZE - 32, 33);
	piece(many, 7, ARENA + SIZE - 33, 1000);
	call(SENDMSG, s[0], message(0, 0, many, 8, 0, 0, 0), 0, 0, 0, 0);
	clear();
	/* More than are shown; and an array that memory ends. */
	unsigned array = take(40 * 2 * word);
	text = TEXT("z");
	for (int i = 0; i < 40; i++) piece(array, i, text, i & 1);
	call(SENDMSG, s[0], message(0, 0, array, 40, 0, 0, 0), 0, 0, 0, 0);
	call(SENDMSG, s[0], message(0, 0, array, 32, 0, 0, 0), 0, 0, 0, 0);
	call(SENDMSG, s[0], message(0, 0, ARENA + SIZE - 6 * word, 40, 0, 0, 0), 0, 0, 0, 0);
	call(SENDMSG, s[0], message(0, 0, ARENA + SIZE - 64 * word, 40, 0, 0, 0), 0, 0, 0, 0);
	clear();

	/* What was received. */
	drain(s[1]);
	unsigned room = take(64), other = take(64), two = take(4 * word), name = take(128);
	piece(two, 0, room, 4);
	piece(two, 1, other, 60);
	write(s[0], "message", 7);
	call(RECVMSG, s[1], message(name, 110, two, 2, 0, 0, -1), 0, 0, 0, 0);
	write(s[0], "abc", 3);
	call(RECVMSG, s[1], message(0, 0, two, 2, 0, 0, 0), 0, 0, 0, 0);
	write(s[0], "truncated", 9);
	call(RECVMSG, s[1], message(0, 0, two, 1, 0, 0, 0), MSG_TRUNC, 0, 0, 0);
	call(RECVMSG, s[1], message(name, 110, two, 2, 0, 0, 0), MSG_DONTWAIT, 0, 0, 0);
	call(RECVMSG, s[1], message(name, -5, two, 2, 0, 0, 0), MSG_DONTWAIT, 0, 0, 0);
	call(RECVMSG, s[1], 0, 0, 0, 0, 0);
	call(RECVMSG, s[1], 0x9000, MSG_PEEK, 0, 0, 0);
	call(RECVMSG, s[1], ARENA + SIZE - 16, 0, 0, 0, 0);
	clear();

	/* From a named socket, and with descriptors. */
	int in = socket(AF_INET, SOCK_DGRAM, 0), from = socket(AF_INET, SOCK_DGRAM, 0), yes = 1;
	struct sockaddr_in a = { AF_INET, htons(40123), { htonl(0x7f000001) }, { 0 } };
	struct sockaddr_in b = { AF_INET, htons(40124), { htonl(0x7f000001) }, { 0 } };
	if (bind(in, (void *)&a, sizeof a) || bind(from, (void *)&b, sizeof b)
	    || connect(from, (void *)&a, sizeof a)) perror("bind");
	setsockopt(in, SOL_IP, IP_PKTINFO, &yes, 4);
	setsockopt(in, SOL_IP, IP_RECVTTL, &yes, 4);
	setsockopt(in, SOL_IP, IP_RECVTOS, &yes, 4);
	setsockopt(in, SOL_IP, IP_RECVORIGDSTADDR, &yes, 4);
	setsockopt(in, SOL_SOCKET, SO_TIMESTAMPNS, &yes, 4);
	room = take(64), name = take(128);
	unsigned cmsgs = take(512);
	write(from, "datagram", 8);
	call(RECVMSG, in, message(name, 128, one(room, 64), 1, cmsgs, 512, 0), 0, 0, 0, 0);
	write(from, "datagram", 8);
	call(RECVMSG, in, message(name, 16, one(room, 64), 1, cmsgs, 64, 0), 0, 0, 0, 0);
	write(from, "datagram", 8);
	call(RECVMSG, in, message(name, 5, one(room, 64), 1, 0, 0, 0), 0, 0, 0, 0);
	close(in);
	close(from);
}

static void controls(int s[2])
{
	int fds[40];
	for (int i = 0; i < 40; i++) fds[i] = i % 3;
	clear();
	control_begin();
	control(SOL_SOCKET, SCM_RIGHTS, fds, 8, -1);
	send_control(s[0]);
	control(SOL_SOCKET, SCM_RIGHTS, fds, 160, -1);
	send_control(s[0]);
	unsigned ucred[3] = { getpid(), 0, -1 };
	ucred[0] = 1;
	control(SOL_SOCKET, SCM_CREDENTIALS, ucred, 12, -1);
	control(SOL_SOCKET, SCM_CREDENTIALS, ucred, 8, -1);
	control(SOL_SOCKET, SCM_RIGHTS, fds, 3, -1);
	control(SOL_SOCKET, SCM_RIGHTS, fds, 7, -1);
	control(SOL_SOCKET, 3, "unconfined\0", 11, -1);
	control(SOL_SOCKET, 3, "", 0, -1);
	control(SOL_SOCKET, 3, "0123456789012345678901234567890123456789", 40, -1);
	control(SOL_SOCKET, 4, fds, 4, -1);
	control(SOL_SOCKET, 4, fds, 2, -1);
	send_control(s[0]);
	/* Every type, with data of every plausible length. */
	unsigned char bytes[64];
	for (int i = 0; i < 64; i++) bytes[i] = i + 1;
	static const int types[] = { 0, 5, 29, 35, 37, 41, 54, 58, 61, 63, 64, 65, 78, 79, 80, 81, 84, 99, -1 };
	for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
		static const int lengths[] = { 7, 8, 15, 16, 24, 47, 48, 0 };
		int stamp = types[i] >= 29 && types[i] <= 65;
		for (unsigned j = stamp ? 0 : 5; j < sizeof lengths / sizeof *lengths; j++)
			control(SOL_SOCKET, types[i], bytes, lengths[j], -1);
		if (i & 1) send_control(s[0]);
	}
	send_control(s[0]);
	for (int type = 0; type < 55; type++) {
		if (type > 24 && type < 52) continue;
		static const int lengths[] = { 0, 1, 3, 4, 9, 11, 12, 16, 31, 32, 36, 40 };
		struct { unsigned no; unsigned char origin, type, code, pad; unsigned info, data; struct sockaddr_in at; } e =
			{ 111, 2, 3, 3, 0, 7, 8, { AF_INET, htons(80), { htonl(0x7f000001) }, { 0 } } };
		for (unsigned j = 0; j < sizeof lengths / sizeof *lengths; j++) {
			if (type == 11) control(SOL_IP, type, &e, lengths[j], -1);
			else if (type == 20) control(SOL_IP, type, &e.at, lengths[j] > 16 ? 16 : lengths[j], -1);
			else if (type < 9 || type > 22 || j < 3) control(SOL_IP, type, bytes, lengths[j], -1);
		}
		if (control_end - control_at > 0x300) send_control(s[0]);
	}
	send_control(s[0]);
	unsigned pktinfo[3] = { 1, htonl(0x7f000001), htonl(0x7f000002) };
	control(SOL_IP, IP_PKTINFO, pktinfo, 12, -1);
	pktinfo[0] = 12345;
	control(SOL_IP, IP_PKTINFO, pktinfo, 12, -1);
	unsigned protocol = IPPROTO_ICMP;
	control(SOL_IP, 52, &protocol, 4, -1);
	control(SOL_IP, -1, &protocol, 4, -1);
	send_control(s[0]);
	static const int levels[] = { 2, 6, 17, 41, 58, 255, 263, 282, 284, 0x1234, -1, INT32_MIN };
	for (unsigned i = 0; i < sizeof levels / sizeof *levels; i++) {
		control(levels[i], 0, bytes, 4, -1);
		control(levels[i], 50, bytes, 20, -1);
		control(levels[i], -1, bytes, 20, -1);
	}
	send_control(s[0]);
	/* Broken lengths. */
	static const int64_t broken[] = { 0, 1, 11, 12, 13, 15, 16, 17, 20, 24, 25, 40, 41, 100, 0x7fffffff, 0xffffffff,
					  0xfffffff0 };
	for (unsigned i = 0; i < sizeof broken / sizeof *broken; i++) {
		control(SOL_SOCKET, SCM_RIGHTS, fds, 4, broken[i]);
		control(SOL_IP, IP_TTL, bytes, 4, -1);
		send_control(s[0]);
	}
	for (unsigned cut = 0; cut < 44; cut += 5) {
		control(SOL_SOCKET, SCM_RIGHTS, fds, 4, -1);
		control(SOL_SOCKET, SCM_RIGHTS, fds, 4, -1);
		unsigned iov = one(TEXT("x"), 1);
		call(SENDMSG, s[0], message(0, 0, iov, 1, control_at, cut, 0), 0, 0, 0, 0);
		clear();
		control_begin();
	}
	/* Many, and more than the kernel takes. */
	for (int i = 0; i < 40; i++) control(SOL_SOCKET, SCM_RIGHTS, fds, 4, -1);
	send_control(s[0]);
	unsigned iov = one(TEXT("x"), 1);
	call(SENDMSG, s[0], message(0, 0, iov, 1, control_at, 0x7fffffff, 0), 0, 0, 0, 0);
	call(SENDMSG, s[0], message(0, 0, iov, 1, control_at, word == 8 ? (uint64_t)-1 : 0xffffffff, 0), 0, 0, 0, 0);
	call(SENDMSG, s[0], message(0, 0, iov, 1, ARENA + SIZE - 40, 60, 0), 0, 0, 0, 0);
}

static void vectors(int s[2])
{
	struct sockaddr_un un = { AF_UNIX, "/nowhere" };
	clear();
	unsigned text = TEXT("abcdef"), v = take(40 * vector_size()), size = vector_size();
	for (int i = 0; i < 3; i++) header(v + i * size, 0, 0, one(text, i + 1), 1, 0, 0, 0);
	call(SENDMMSG, s[0], v, 3, 0, 0, 0);
	header(v + 2 * size, data(&un, sizeof un), 11, one(text, 6), 1, 0, 0, 0);
	call(SENDMMSG, s[0], v, 3, MSG_NOSIGNAL, 0, 0);
	call(SENDMMSG, -1, v, 2, MSG_NOSIGNAL, 0, 0);
	call(SENDMMSG, s[0], v, 0, 0, 0, 0);
	call(SENDMMSG, s[0], 0, 0, 0, 0, 0);
	call(SENDMMSG, s[0], 0, 2, 0, 0, 0);
	call(SENDMMSG, s[0], 0x9000, 2, 0, 0, 0);
	call(SENDMMSG, -1, ARENA + SIZE - size, 2, 0, 0, 0);
	call(SENDMMSG, -1, ARENA + SIZE - size, 0xffffffff, 0, 0, 0);
	call(SENDMMSG, -1, v, 0xffffffff, 0, 0, 0);
	call(SENDMMSG, -1, v, 40, 0, 0, 0);
	clear();

	drain(s[1]);
	v = take(4 * size);
	unsigned name = take(64), when = take(16), half = mode == 0 ? 4 : 8;
	for (int i = 0; i < 4; i++) header(v + i * size, i == 1 ? name : 0, 50 * i, one(take(16), 16), 1, 0, 0, 0);
	put(when, half, 10);
	put(when + half, half, 500);
	write(s[0], "first", 5);
	write(s[0], "second", 6);
	call(RECVMMSG, s[1], v, 4, MSG_DONTWAIT, when, 0);
	write(s[0], "third", 5);
	call(RECVMMSG, s[1], v, 4, MSG_DONTWAIT, 0, 0);
	call(RECVMMSG, s[1], v, 4, MSG_DONTWAIT, when, 0);
	call(RECVMMSG, s[1], v, 0, MSG_DONTWAIT, when, 0);
	call(RECVMMSG, s[1], v, 0, 0, 0, 0);
	call(RECVMMSG, s[1], 0, 0, 0, 0, 0);
	call(RECVMMSG, s[1], 0, 3, MSG_DONTWAIT, 0x9000, 0);
	call(RECVMMSG, s[1], 0x9000, 3, MSG_DONTWAIT, ARENA + SIZE - 4, 0);
	put(when, half, -1);
	put(when + half, half, -1);
	call(RECVMMSG, s[1], v, 3, MSG_DONTWAIT, when, 0);
	clear();
	v = take(2 * size), when = take(16);
	for (int i = 0; i < 2; i++) header(v + i * size, 0, 0, one(take(16), 16), 1, 0, 0, 0);
	put(when, 8, 10);
	put(when + 8, 8, 0);
	write(s[0], "fourth", 6);
	call(RECVMMSG64, s[1], v, 2, MSG_WAITFORONE, when, 0);
	call(RECVMMSG64, s[1], v, 2, MSG_DONTWAIT, when, 0);
}

/* Messages that a file gives, one a line: a protocol, and bytes in hexadecimal. They go to nobody. */
static void netlink(const char *file)
{
	FILE *in = fopen(file, "r");
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = 4000000 };
	static char line[0x10000];
	int sockets[32];
	memset(sockets, -1, sizeof sockets);
	while (in && fgets(line, sizeof line, in)) {
		unsigned protocol, length = 0, byte;
		int used;
		if (sscanf(line, "%u %n", &protocol, &used) != 1 || protocol >= 32) continue;
		if (sockets[protocol] < 0) {
			struct sockaddr_nl any = { .nl_family = AF_NETLINK };
			sockets[protocol] = socket(AF_NETLINK, SOCK_RAW, protocol);
			if (bind(sockets[protocol], (void *)&any, sizeof any)) perror("bind");
			fprintf(out, "netlink %d %u\n", sockets[protocol], protocol);
		}
		clear();
		unsigned name = data(&to, sizeof to), at = now;
		for (char *hex = line + used; sscanf(hex, "%2x", &byte) == 1; hex += 2) put(at + length++, 1, byte);
		call(SENDTO, sockets[protocol], at, length, 0, name, sizeof to);
	}
	if (!in || fclose(in)) exit(6);
}

/* What a socket of NETLINK_ROUTE tells of everything. */
static void dumps(void)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	static const int types[] = { RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH, RTM_GETRULE };
	bind(s, (void *)&any, sizeof any);
	fprintf(out, "netlink %d %u\n", s, NETLINK_ROUTE);
	for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
		clear();
		unsigned name = data(&any, sizeof any), at = take(32), room = take(0x4000), got;
		struct { struct nlmsghdr header; struct rtgenmsg body; } ask = {
			{ sizeof ask, types[i], NLM_F_REQUEST | NLM_F_DUMP, i, 0 }, { AF_UNSPEC } };
		memcpy((void *)(uintptr_t)at, &ask, sizeof ask);
		call(SENDTO, s, at, sizeof ask, 0, name, sizeof any);
		/* It ends with NLMSG_DONE, or an error. */
		do {
			memset((void *)(uintptr_t)room, 0, 0x4000);
			long length = i & 1 ? call(RECVMSG, s, message(take(16), 12, one(room, 0x4000), 1, 0, 0, 0), 0, 0, 0, 0)
					    : call(RECVFROM, s, room, 0x4000, 0, 0, 0);
			if (length <= 0) break;
			got = ((struct nlmsghdr *)(uintptr_t)room)->nlmsg_type;
			for (struct nlmsghdr *h = (void *)(uintptr_t)room; NLMSG_OK(h, length); h = NLMSG_NEXT(h, length))
				got = h->nlmsg_type;
		} while (got != NLMSG_DONE && got != NLMSG_ERROR);
	}
	close(s);
}

int main(int argc, char **argv)
{
	out = fopen(argv[2], "w");
	if (argc < 3 || !out) return 2;
	if (sizeof(long) == 8) {
		mode = strcmp(argv[1], "x32") ? 1 : 2;
		abi = mode == 1 ? "x86-64" : "x32";
		word = mode == 1 ? 8 : 4;
	}
	if (mmap((void *)(uintptr_t)ARENA, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
	    == MAP_FAILED) return 3;
	fprintf(out, "map %x %x\n", ARENA, SIZE);
	char interface[IF_NAMESIZE];
	for (unsigned i = 1; i < 16; i++)
		if (if_indextoname(i, interface)) fprintf(out, "interface %u %s\n", i, interface);
	fputc('\n', out);
	int s[2];
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, s)) return 4;
	const char *what = argc > 3 ? argv[3] : "all";
	if (!strcmp(what, "messages")) messages(s);
	if (!strcmp(what, "controls")) controls(s);
	if (!strcmp(what, "vectors")) vectors(s);
	if (!strcmp(what, "dumps")) dumps();
	if (!strcmp(what, "netlink")) netlink(argv[4]);
	return fclose(out) ? 5 : 0;
}
