/* Every call of the twenty, carried out with success, by the C library's wrappers or by one of the entries
 * by hand. What went through the sockets is printed, and so are the calls' results.
 *
 * By the C library: socketcall is what i386 glibc makes of every wrapper but two. recvmmsg is recvmmsg_time64
 * (417) there, so socketcall's is made by syscall(2) here; sendmmsg is a direct call. */
#include "guest.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/uio.h>

static enum entry entry;

static long mux(int call, long a, long b, long c, long d, long e, long f)
{
	if (entry != LIBC)
		return CALL(entry, call, a, b, c, d, e, f);
	long words[] = { a, b, c, d, e, f };
	if (call == SYS_SENDMMSG)
		counted->direct++;
	else
		counted->stub++;
	switch (call) {
	case SYS_SOCKET: return raw(socket(a, b, c));
	case SYS_BIND: return raw(bind(a, (void *)b, c));
	case SYS_CONNECT: return raw(connect(a, (void *)b, c));
	case SYS_LISTEN: return raw(listen(a, b));
	case SYS_ACCEPT: return raw(accept(a, (void *)b, (void *)c));
	case SYS_GETSOCKNAME: return raw(getsockname(a, (void *)b, (void *)c));
	case SYS_GETPEERNAME: return raw(getpeername(a, (void *)b, (void *)c));
	case SYS_SOCKETPAIR: return raw(socketpair(a, b, c, (int *)d));
	case SYS_SEND: return raw(send(a, (void *)b, c, d));
	case SYS_RECV: return raw(recv(a, (void *)b, c, d));
	case SYS_SENDTO: return raw(sendto(a, (void *)b, c, d, (void *)e, f));
	case SYS_RECVFROM: return raw(recvfrom(a, (void *)b, c, d, (void *)e, (void *)f));
	case SYS_SHUTDOWN: return raw(shutdown(a, b));
	case SYS_SETSOCKOPT: return raw(setsockopt(a, b, c, (void *)d, e));
	case SYS_GETSOCKOPT: return raw(getsockopt(a, b, c, (void *)d, (void *)e));
	case SYS_SENDMSG: return raw(sendmsg(a, (void *)b, c));
	case SYS_RECVMSG: return raw(recvmsg(a, (void *)b, c));
	case SYS_ACCEPT4: return raw(accept4(a, (void *)b, (void *)c, d));
	case SYS_SENDMMSG: return raw(sendmmsg(a, (void *)b, c, d));
	default: return raw(syscall(SOCKETCALL, call, words));
	}
}

#define SIX(a, b, c, d, e, f, ...) (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)
#define DO(call, ...) show(calls[call].name, mux(call, SIX(__VA_ARGS__, 0, 0, 0, 0, 0, 0)))

static void say_name(const char *what, const struct sockaddr_in *name, socklen_t length)
{
	say("  %s: %s, %s port, %u bytes\n", what, inet_ntoa(name->sin_addr), name->sin_port ? "a" : "no", length);
}

static void stream(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, peer;
	socklen_t length = sizeof name;
	char buffer[64] = "";
	int one = 1, value = -1;

	int listener = DO(SYS_SOCKET, AF_INET, SOCK_STREAM, IPPROTO_TCP);
	DO(SYS_SETSOCKOPT, listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	length = sizeof value;
	DO(SYS_GETSOCKOPT, listener, SOL_SOCKET, SO_REUSEADDR, &value, &length);
	say("  SO_REUSEADDR is %d, %u bytes\n", value, length);
	DO(SYS_BIND, listener, &name, sizeof name);
	length = sizeof name;
	DO(SYS_GETSOCKNAME, listener, &name, &length);
	say_name("bound to", &name, length);
	DO(SYS_LISTEN, listener, 5);

	int client = DO(SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	DO(SYS_CONNECT, client, &name, sizeof name);
	length = sizeof peer;
	int served = DO(SYS_ACCEPT, listener, &peer, &length);
	say_name("accepted", &peer, length);
	length = sizeof peer;
	DO(SYS_GETPEERNAME, client, &peer, &length);
	say("  the peer is %s\n", memcmp(&peer, &name, sizeof peer) ? "another" : "the listener");
	DO(SYS_SEND, client, "over the wire", 13, MSG_NOSIGNAL);
	DO(SYS_RECV, served, buffer, sizeof buffer, 0);
	say("  received \"%s\"\n", buffer);
	DO(SYS_SHUTDOWN, client, SHUT_WR);
	DO(SYS_RECV, served, buffer, sizeof buffer, 0);

	int second = DO(SYS_SOCKET, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	DO(SYS_CONNECT, second, &name, sizeof name);
	DO(SYS_ACCEPT4, listener, NULL, NULL, SOCK_NONBLOCK);
}

static void datagrams(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, from;
	socklen_t length = sizeof name;
	char one[16] = "", two[16] = "";

	int receiver = DO(SYS_SOCKET, AF_INET, SOCK_DGRAM, 0);
	DO(SYS_BIND, receiver, &name, sizeof name);
	DO(SYS_GETSOCKNAME, receiver, &name, &length);
	int sender = DO(SYS_SOCKET, AF_INET, SOCK_DGRAM, 0);
	DO(SYS_SENDTO, sender, "a datagram", 10, 0, &name, sizeof name);
	length = sizeof from;
	DO(SYS_RECVFROM, receiver, one, sizeof one, 0, &from, &length);
	say_name("received from", &from, length);
	say("  received \"%s\"\n", one);

	struct iovec parts[] = { { "in two ", 7 }, { "parts", 5 } };
	struct msghdr message = { .msg_name = &name, .msg_namelen = sizeof name, .msg_iov = parts, .msg_iovlen = 2 };
	DO(SYS_SENDMSG, sender, &message, 0);
	memset(one, 0, sizeof one);
	struct iovec places[] = { { one, 3 }, { two, sizeof two } };
	struct msghdr space = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = places, .msg_iovlen = 2 };
	DO(SYS_RECVMSG, receiver, &space, 0);
	say("  received \"%s\" and \"%s\", flags %#x, name of %u bytes\n", one, two, space.msg_flags, space.msg_namelen);

	struct mmsghdr several[2] = { { .msg_hdr = message }, { .msg_hdr = message } };
	several[0].msg_hdr.msg_iovlen = several[1].msg_hdr.msg_iovlen = 1;
	several[1].msg_hdr.msg_iov++;
	DO(SYS_SENDMMSG, sender, several, 2, 0);
	say("  sent %u and %u bytes\n", several[0].msg_len, several[1].msg_len);
	memset(one, 0, sizeof one);
	memset(two, 0, sizeof two);
	struct iovec room[] = { { one, sizeof one }, { two, sizeof two } };
	struct mmsghdr arrived[2] = { { .msg_hdr = { .msg_iov = &room[0], .msg_iovlen = 1 } },
				      { .msg_hdr = { .msg_iov = &room[1], .msg_iovlen = 1 } } };
	/* struct timespec of 32-bit time, whatever the C library's own is. */
	int32_t timeout[2] = { 5, 0 };
	DO(SYS_RECVMMSG, receiver, arrived, 2, 0, timeout);
	say("  received \"%s\" of %u and \"%s\" of %u bytes\n", one, arrived[0].msg_len, two, arrived[1].msg_len);
	say("  %s of the timeout is left\n", timeout[0] == 4 ? "a part" : "not the expected part");
}

int main(int count, char **arguments)
{
	int pair[2] = { -1, -1 };
	entry = entry_of(count > 1 ? arguments[1] : NULL);
	stream();
	datagrams();
	DO(SYS_SOCKETPAIR, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
	say("  the pair is %d and %d\n", pair[0], pair[1]);
	say_counts();
}
