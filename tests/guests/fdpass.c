/* What travels beside the data: descriptors (SCM_RIGHTS), credentials (SCM_CREDENTIALS), and the flag that
 * says that there was no room. */
#include "guest.h"
#include <sys/uio.h>

static enum entry entry;

union control { struct cmsghdr header; char space[128]; };

static long call_message(int call, int fd, struct msghdr *message, int flags)
{
	if (entry != LIBC)
		return CALL(entry, call, fd, (long)message, flags);
	counted->stub++;
	return raw(call == SYS_SENDMSG ? sendmsg(fd, message, flags) : recvmsg(fd, message, flags));
}

static void send_with(int fd, int type, const void *data, unsigned size)
{
	union control control = { 0 };
	struct iovec part = { "x", 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(size) };
	control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = type };
	memcpy(CMSG_DATA(&control.header), data, size);
	show("sendmsg", call_message(SYS_SENDMSG, fd, &message, 0));
}

static void receive(int fd, unsigned room, int flags)
{
	union control control = { 0 };
	char byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = room };
	show("recvmsg", call_message(SYS_RECVMSG, fd, &message, flags));
	say("  flags %#x, %zu bytes of control\n", message.msg_flags, (size_t)message.msg_controllen);
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
		unsigned size = header->cmsg_len - CMSG_LEN(0);
		if (header->cmsg_type == SCM_RIGHTS)
			for (unsigned i = 0; i < size / sizeof(int); i++) {
				int got = ((int *)CMSG_DATA(header))[i];
				say("  descriptor %d, written to: %zd\n", got, write(got, "through it", 10));
			}
		if (header->cmsg_type == SCM_CREDENTIALS) {
			struct ucred *from = (struct ucred *)CMSG_DATA(header);
			say("  from %s, user %s, group %s\n", from->pid == getpid() ? "this process" : "another",
			    from->uid == getuid() ? "mine" : "another", from->gid == getgid() ? "mine" : "another");
		}
	}
}

int main(int count, char **arguments)
{
	int pair[2], tube[2], one = 1;
	char text[32] = "";
	entry = entry_of(count > 1 ? arguments[1] : NULL);
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	must("pipe", pipe(tube));

	send_with(pair[0], SCM_RIGHTS, &tube[1], sizeof tube[1]);
	receive(pair[1], sizeof(union control), 0);
	must("read", read(tube[0], text, sizeof text));
	say("through the pipe came \"%s\"\n", text);

	int three[] = { tube[1], tube[1], tube[1] };
	send_with(pair[0], SCM_RIGHTS, three, sizeof three);
	receive(pair[1], CMSG_LEN(2 * sizeof(int)), MSG_CMSG_CLOEXEC);
	send_with(pair[0], SCM_RIGHTS, three, sizeof three);
	receive(pair[1], 0, 0);

	int closed = 99;
	send_with(pair[0], SCM_RIGHTS, &closed, sizeof closed);

	must("setsockopt", setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
	struct ucred me = { getpid(), getuid(), getgid() };
	send_with(pair[0], SCM_CREDENTIALS, &me, sizeof me);
	receive(pair[1], sizeof(union control), 0);
	counted->stub += 2;
	say_counts();
}
