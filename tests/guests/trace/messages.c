/* Messages: headers, names, parts in every number and state, and what comes back in them. */
#include "trace.h"
#include <sys/un.h>

static struct msghdr *header(void *parts, size_t count)
{
	return NEW(0, struct msghdr, .msg_iov = parts, .msg_iovlen = count);
}

static void headers(void)
{
	char *data = fill(edge(1, 40), 40, TEXT);
	struct iovec *part = NEW(2, struct iovec, data, 40);
	static const int sizes[] = { 0, 1, 2, 3, 15, 16, 17, 110, 128, 129, 200, -1, 0x7fffffff };
	for (unsigned i = 0; i < COUNT(sizes); i++) {
		struct msghdr *message = header(part, 1);
		message->msg_name = fill(edge(3, 16), 16, COUNTING);
		*(sa_family_t *)message->msg_name = AF_INET;
		message->msg_namelen = sizes[i];
		DO(SYS_SENDMSG, -1, message, 0);
		DO(SYS_RECVMSG, -1, message, 0);
		message->msg_name = i & 1 ? NOWHERE : NULL;
		DO(SYS_SENDMSG, -1, message, 0);
		message->msg_name = NULL;
		message->msg_control = i & 1 ? NOWHERE : NULL;
		message->msg_controllen = sizes[i];
		DO(SYS_SENDMSG, -1, message, 0);
		DO(SYS_RECVMSG, -1, message, 0);
	}
	/* A header of which the end can't be read. */
	for (size_t size = 0; size < sizeof(struct msghdr); size += 4) {
		memcpy(edge(4, size), header(part, 1), size);
		DO(SYS_SENDMSG, -1, edge(4, size), 0);
		DO(SYS_RECVMSG, -1, edge(4, size), 0);
	}
}

/* Arrays of parts: their number, their lengths, what can be read of them. */
static void parts(void)
{
	static const long counts[] = { 0, 1, 2, 3, 30, 31, 32, 33, 34, 64, 65, 100, 1023, 1024, 1025, 0x7fffffff, -1, 0x10000000 };
	char *data = fill(edge(1, 100), 100, TEXT);
	enum { MANY = 70 };
	struct iovec *array = edge(2, MANY * sizeof *array);
	for (int i = 0; i < MANY; i++)
		array[i] = (struct iovec){ data + i, i % 40 };
	for (unsigned i = 0; i < COUNT(counts); i++) {
		DO(SYS_SENDMSG, -1, header(array, counts[i]), 0);
		DO(SYS_RECVMSG, -1, header(array, counts[i]), 0);
		DO(SYS_SENDMSG, -1, header(NULL, counts[i]), 0);
		DO(SYS_SENDMSG, -1, header(NOWHERE, counts[i]), 0);
		DO(SYS_SENDMSG, -1, header(edge(2, 12), counts[i]), 0);
	}
	const struct iovec odd[] = { { NULL, 0 }, { NULL, 10 }, { NOWHERE, 0 }, { NOWHERE, 10 }, { data, 0 }, { data, -1 },
		{ data, 0x7fffffff }, { data + 90, 20 }, { data + 99, 4096 }, { (void *)-1, 1 } };
	for (unsigned i = 0; i < COUNT(odd); i++) {
		DO(SYS_SENDMSG, -1, header(AT(3, odd[i]), 1), 0);
		DO(SYS_RECVMSG, -1, header(AT(3, odd[i]), 1), 0);
		struct iovec two[] = { odd[i], odd[(i + 1) % COUNT(odd)] };
		DO(SYS_SENDMSG, -1, header(AT(3, two), 2), 0);
	}
}

/* What arrives, in parts that are larger and smaller than it, and with names of many lengths. */
static void arrivals(void)
{
	int *pair = edge(4, 8);
	NEED(SYS_SOCKETPAIR, AF_UNIX, SOCK_DGRAM, 0, pair);
	char *data = fill(edge(1, 100), 100, TEXT);
	for (int sent = 0; sent < 100; sent += 9)
		for (int room = 0; room < 60; room += 11) {
			DO(SYS_SEND, pair[0], data, sent, 0);
			char *first = fill(page(3), 200, COUNTING), *second = first + 100;
			struct iovec places[] = { { first, room }, { NULL, 0 }, { second, 20 } };
			struct msghdr *message = header(AT(2, places), 3);
			message->msg_flags = room ? -1 : 0;
			DO(SYS_RECVMSG, pair[1], message, sent % 2 ? MSG_TRUNC : 0);
		}
	close(pair[0]), close(pair[1]);

	struct sockaddr_un *here = NEW(5, struct sockaddr_un, AF_UNIX, "\0here"), *there = NEW(6, struct sockaddr_un, AF_UNIX, "\0there");
	int receiver = NEED(SYS_SOCKET, AF_UNIX, SOCK_DGRAM, 0), sender = NEED(SYS_SOCKET, AF_UNIX, SOCK_DGRAM, 0);
	NEED(SYS_BIND, receiver, here, 7);
	NEED(SYS_BIND, sender, there, 8);
	for (int size = 0; size < 130; size += size < 12 ? 1 : 29) {
		struct iovec *part = NEW(2, struct iovec, data, 5);
		struct msghdr *message = header(part, 1);
		message->msg_name = here;
		message->msg_namelen = 7;
		DO(SYS_SENDMSG, sender, message, MSG_NOSIGNAL);
		message->msg_name = fill(edge(3, 128), 128, COUNTING);
		message->msg_namelen = size;
		part->iov_base = page(7);
		DO(SYS_RECVMSG, receiver, message, 0);
	}
	close(sender);
	sender = NEED(SYS_SOCKET, AF_UNIX, SOCK_DGRAM, 0);
	struct msghdr *message = header(NEW(2, struct iovec, data, 5), 1);
	message->msg_name = here;
	message->msg_namelen = 7;
	DO(SYS_SENDMSG, sender, message, MSG_NOSIGNAL);
	message->msg_name = edge(3, 128);
	message->msg_namelen = 128;
	DO(SYS_RECVMSG, receiver, message, 0);
	DO(SYS_RECVMSG, receiver, message, MSG_DONTWAIT);
	DO(SYS_RECVMSG, receiver, NOWHERE, 0);
	close(sender), close(receiver);
}

/* Buffers of every byte, and of lengths around the one that is shown. */
static void buffers(void)
{
	int *pair = edge(4, 8);
	NEED(SYS_SOCKETPAIR, AF_UNIX, SOCK_DGRAM, 0, pair);
	unsigned char *bytes = (void *)page(1);
	for (int i = 0; i < 256; i++) {
		bytes[0] = i, bytes[1] = '7', bytes[2] = 0, bytes[3] = i, bytes[4] = 'x', bytes[5] = i;
		DO(SYS_SEND, pair[0], bytes, 6, 0);
		DO(SYS_RECV, pair[1], page(2), 6, 0);
	}
	for (int size = 0; size < 80; size++) {
		DO(SYS_SEND, pair[0], fill(edge(1, size), size, TEXT), size, 0);
		DO(SYS_RECV, pair[1], fill(edge(2, size), size, ZEROS), size + 10, 0);
		DO(SYS_SEND, -1, fill(edge(1, size), size, COUNTING), size, 0);
		DO(SYS_SENDTO, -1, fill(edge(1, size), size, ONES), size, 0, NULL, 0);
		DO(SYS_SENDTO, -1, fill(edge(1, size), size, ZEROS), size, 0, NULL, 0);
		/* The end can't be read. */
		DO(SYS_SEND, -1, fill(edge(1, size), size, TEXT), size + 1, 0);
		DO(SYS_SEND, -1, edge(1, size), 4096 + size, 0);
	}
	DO(SYS_SEND, -1, page(1), -1, 0);
	DO(SYS_SEND, -1, page(1), 0x7fffffff, 0);
	DO(SYS_RECV, pair[1], page(1), -1, MSG_DONTWAIT);
	static const char *const escapes[] = { "\a\b\t\n\v\f\r\\\"'", "\1772", "\0019", "\18", "a\0b", "\0", "\0\0", "%s %d", "/* */", "\xc3\xa4",
		"abcdefghijklmnopqrstuvwxyz012345\"" };
	for (unsigned i = 0; i < COUNT(escapes); i++)
		for (int more = 0; more < 2; more++)
			DO(SYS_SEND, -1, escapes[i], strlen(escapes[i]) + more, 0);
	close(pair[0]), close(pair[1]);
}

int main(int count, char **arguments)
{
	begin(count, arguments);
	own_network();
	headers();
	parts();
	arrivals();
	buffers();
}
