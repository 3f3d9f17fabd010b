/* recvmmsg and sendmmsg: in every number, with timeouts of both sizes, and with a part of them done. */
#include "trace.h"

enum { MANY = 40 };

static struct mmsghdr *messages(int number, struct iovec *parts, int count)
{
	struct mmsghdr *array = edge(number, count * sizeof *array);
	memset(array, 0, count * sizeof *array);
	for (int i = 0; i < count; i++)
		array[i].msg_hdr = (struct msghdr){ .msg_iov = parts + i % 4, .msg_iovlen = 1 };
	return array;
}

/* Of four, with so many bytes in each. */
static struct iovec *parts(int number, int data, int size)
{
	struct iovec *array = edge(number, 4 * sizeof *array);
	for (int i = 0; i < 4; i++)
		array[i] = (struct iovec){ page(data) + i * 10, size + i };
	return array;
}

static void numbers(void)
{
	static const int counts[] = { 0, 1, 2, 3, 31, 32, 33, MANY, MANY + 1, 1024, 1025, -1, 0x7fffffff };
	fill(page(0), 100, TEXT);
	struct mmsghdr *array = messages(1, parts(2, 0, 3), MANY);
	for (unsigned i = 0; i < COUNT(counts); i++) {
		DO(SYS_SENDMMSG, -1, array, counts[i], 0);
		DO(SYS_SENDMMSG, -1, NULL, counts[i], MSG_NOSIGNAL);
		DO(SYS_SENDMMSG, -1, NOWHERE, counts[i], 0);
		DO(SYS_RECVMMSG, -1, array, counts[i], MSG_DONTWAIT, NULL);
	}
	array[MANY - 1].msg_hdr.msg_iov = NOWHERE;
	array[MANY - 2].msg_hdr.msg_iovlen = -1;
	DO(SYS_SENDMMSG, -1, array + MANY - 3, 3, 0);
	DO(SYS_SENDMMSG, -1, array + MANY - 3, 5, 0);
}

/* Seconds and nanoseconds as this entry's recvmmsg takes them. */
static void *timeout(long long seconds, long long nanoseconds, int wide)
{
	if (!wide) {
		long narrow[] = { seconds, nanoseconds };
		return AT(6, narrow);
	}
	long long both[] = { seconds, nanoseconds };
	return AT(6, both);
}

static long receive(int fd, struct mmsghdr *array, int count, int flags, void *time, int wide)
{
#ifdef __i386__
	enum { RECVMMSG_TIME64 = 417 };
	if (wide)
		return number(RECVMMSG_TIME64, fd, (long)array, count, flags, (long)time, 0);
#endif
	(void)wide;
	return DO(SYS_RECVMMSG, fd, array, count, flags, time);
}

static void timeouts(int wide)
{
	static const long long times[][2] = { { 0, 0 }, { 0, 1 }, { 0, 999999999 }, { 0, 1000000000 }, { 1, -1 }, { -1, 0 }, { 5, 500 },
		{ 0x7fffffff, 0 }, { 0x123456789, 5 }, { 0, 0x100000001 } };
	struct mmsghdr *array = messages(1, parts(2, 0, 3), 2);
	for (unsigned i = 0; i < COUNT(times); i++)
		receive(-1, array, 2, 0, timeout(times[i][0], times[i][1], wide), wide);
	receive(-1, array, 2, 0, NOWHERE, wide);
	receive(-1, array, 2, 0, page(6) + PAGE - 4, wide);
	receive(-1, array, 2, 0, (char *)timeout(1, 1, wide) + 4, wide);
}

/* Datagrams that arrive, fewer and more than are waited for. */
static void arrivals(int wide)
{
	int *pair = edge(5, 8);
	NEED(SYS_SOCKETPAIR, AF_UNIX, SOCK_DGRAM, 0, pair);
	for (int sent = 0; sent < 5; sent++)
		for (int wanted = 1; wanted < 5; wanted++) {
			fill(page(0), 100, TEXT);
			DO(SYS_SENDMMSG, pair[0], messages(1, parts(2, 0, 5), sent), sent, 0);
			fill(page(3), 100, ZEROS);
			struct mmsghdr *array = messages(1, parts(2, 3, 6), wanted);
			for (int i = 0; i < wanted; i++)
				array[i].msg_hdr.msg_name = page(4), array[i].msg_hdr.msg_namelen = 16 + i;
			/* What is left of the time is not the same in any two runs; of none, nothing is left. */
			receive(pair[1], array, wanted, MSG_DONTWAIT, sent % 2 ? NULL : timeout(0, 0, wide), wide);
			while (DO(SYS_RECV, pair[1], page(3), 16, MSG_DONTWAIT) > 0)
				;
		}
	/* One of them can't be sent: those before it are. */
	struct mmsghdr *array = messages(1, parts(2, 0, 5), 4);
	array[2].msg_hdr.msg_iov = NOWHERE;
	DO(SYS_SENDMMSG, pair[0], array, 4, 0);
	/* One of them can't be received. */
	array = messages(1, parts(2, 3, 6), 4);
	array[1].msg_hdr.msg_iov = NOWHERE;
	receive(pair[1], array, 4, MSG_DONTWAIT, NULL, wide);
	receive(pair[1], messages(1, parts(2, 3, 6), 4), 4, MSG_WAITFORONE, NULL, wide);
	receive(pair[1], messages(1, parts(2, 3, 6), 4), 4, MSG_DONTWAIT, timeout(1, 0, wide), wide);
	close(pair[0]), close(pair[1]);
}

/* With control messages, of which a descriptor comes. */
static void rights(void)
{
	int *pair = edge(5, 8);
	NEED(SYS_SOCKETPAIR, AF_UNIX, SOCK_DGRAM, 0, pair);
	struct mmsghdr *array = messages(1, parts(2, 0, 5), 2);
	for (int i = 0; i < 2; i++) {
		struct cmsghdr *control = (void *)(page(4) + 64 * i);
		*control = (struct cmsghdr){ .cmsg_len = CMSG_LEN(4), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		*(int *)CMSG_DATA(control) = 0;
		array[i].msg_hdr.msg_control = control;
		array[i].msg_hdr.msg_controllen = CMSG_SPACE(4);
	}
	DO(SYS_SENDMMSG, pair[0], array, 2, 0);
	DO(SYS_RECVMMSG, pair[1], array, 2, MSG_CMSG_CLOEXEC, NULL);
	close_range(pair[0], ~0u, 0);
}

int main(int count, char **arguments)
{
	begin(count, arguments);
	own_network();
	numbers();
	timeouts(0);
	arrivals(0);
	rights();
	if (sizeof(long) == 4) {
		timeouts(1);
		arrivals(1);
	}
}
