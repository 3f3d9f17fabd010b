/* Calls with arguments that nobody would write down: a sequence of numbers that is the same in every run. The
 * second argument is how many calls, the third where the sequence begins. None of them reaches a socket. */
#include "trace.h"

static uint32_t state;

static int below(uint32_t limit) { return next(&state) % limit; }

/* Small numbers, powers of two, edges, and anything. */
static long any(void)
{
	switch (below(6)) {
	case 0: return below(8);
	case 1: return (long)1 << below(sizeof(long) * 8);
	case 2: return -(long)below(3);
	case 3: return below(300);
	case 4: return (int)next(&state);
	default: return below(65);
	}
}

/* Bytes at a page's end, of a length that is mostly the one that is told. */
static void *bytes(int number, size_t size)
{
	unsigned char *where = edge(number, size);
	for (size_t i = 0; i < size; i++)
		where[i] = below(3) ? below(256) : below(3);
	return where;
}

/* A pointer of this program, or none. */
static void *pointer(void *good) { return below(12) ? good : below(2) ? NULL : below(2) ? NOWHERE : (char *)good + below(16); }

/* A length, or something else. */
static int told(int size) { return below(8) ? size : (int)any(); }

static void *address(int number, int *size)
{
	*size = below(4) ? 2 + below(128) : below(200);
	unsigned char *where = bytes(number, *size);
	if (*size >= 2 && below(10))
		where[0] = below(48), where[1] = 0;
	return where;
}

static size_t control(int number, void **where)
{
	enum { ROOM = 200 };
	size_t used = 0;
	char *start = bytes(number, ROOM);
	while (used + sizeof(struct cmsghdr) + 64 < ROOM && below(4)) {
		struct cmsghdr *one = (void *)(start + used);
		static const int levels[] = { SOL_SOCKET, 0, 41, 6, 17 };
		size_t size = below(48);
		*one = (struct cmsghdr){ .cmsg_len = sizeof *one + size, .cmsg_type = below(80) };
		one->cmsg_level = below(8) ? levels[below(COUNT(levels))] : any();
		if (one->cmsg_level == SOL_SOCKET && below(2))
			one->cmsg_type = 1 + below(4);
		if (!below(10))
			/* strace does not get over a length that is rounded up to 0. */
			one->cmsg_len = any() & (PAGE - 1);
		used += CMSG_ALIGN(sizeof *one + size);
	}
	*where = memmove(edge(number, used), start, used);
	return used;
}

static void message(int number, struct msghdr *into)
{
	int size;
	void *name = address(number, &size), *data;
	size_t controls = control(number + 1, &data);
	int count = below(5);
	char *texts = bytes(number + 2, 64);
	struct iovec *parts = edge(number + 3, count * sizeof *parts);
	for (int i = 0; i < count; i++)
		parts[i] = (struct iovec){ pointer(texts + below(32)), (size_t)(below(8) ? below(32) : any()) };
	*into = (struct msghdr){ .msg_name = pointer(name), .msg_namelen = told(size), .msg_iov = pointer(parts),
		.msg_iovlen = below(10) ? count : any(), .msg_control = pointer(data),
		.msg_controllen = below(10) ? controls : (size_t)(any() & 0xfff), .msg_flags = any() };
}

static void one(void)
{
	int call = 1 + below(CALLS), size;
	void *name = address(1, &size), *text = bytes(2, below(64));
	long length_of_text = below(10) ? (char *)page(2) + PAGE - (char *)text : any();
	long level = below(6) ? (const int[]){ 0, 1, 6, 17, 41, 58, 255, 263, 270 }[below(9)] : any();
	long option = below(6) ? (long)below(90) : any();
	int lengths[] = { 0, 1, 2, 4, 8, 12, 16, 20, 24, 40, 136 }, room = below(5) ? lengths[below(COUNT(lengths))] : below(300);
	struct mmsghdr *several = edge(7, 2 * sizeof *several);
	switch (call) {
	case SYS_SOCKET: close(DO(call, below(5) ? below(48) : any(), any(), any())); break;
	case SYS_BIND:
	case SYS_CONNECT: DO(call, -1, pointer(name), told(size)); break;
	case SYS_LISTEN:
	case SYS_SHUTDOWN: DO(call, -1, any()); break;
	case SYS_ACCEPT:
	case SYS_GETSOCKNAME:
	case SYS_GETPEERNAME:
	case SYS_ACCEPT4: DO(call, -1, pointer(name), pointer(length(size)), any()); break;
	case SYS_SOCKETPAIR: DO(call, below(48), any(), any(), NOWHERE); break;
	case SYS_SEND:
	case SYS_RECV: DO(call, -1, pointer(text), length_of_text, any()); break;
	case SYS_SENDTO: DO(call, -1, pointer(text), length_of_text, any(), pointer(name), told(size)); break;
	case SYS_RECVFROM: DO(call, -1, pointer(text), length_of_text, any(), pointer(name), pointer(length(size))); break;
	case SYS_SETSOCKOPT: DO(call, -1, level, option, pointer(bytes(3, room)), told(room)); break;
	case SYS_GETSOCKOPT: DO(call, -1, level, option, pointer(bytes(3, room)), pointer(length(room))); break;
	default:
		message(1, &several[0].msg_hdr);
		several[1] = several[0];
		several[0].msg_len = several[1].msg_len = any();
		DO(call, -1, pointer(several), call == SYS_SENDMMSG || call == SYS_RECVMMSG ? (long)below(3) : any(), any(), NULL);
	}
}

int main(int count, char **arguments)
{
	begin(count, arguments);
	state = count > 3 ? strtoul(arguments[3], NULL, 0) : 1;
	for (long i = count > 2 ? strtol(arguments[2], NULL, 0) : 1000; i > 0; i--)
		one();
}
