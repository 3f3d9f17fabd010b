/* Messages of netlink, which strace takes apart where it can ask what the descriptor is. */
#include "trace.h"
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

static long ask(int fd, int type, int flags, const void *body, size_t size)
{
	struct { struct nlmsghdr header; char body[128]; } message = {
		.header = { .nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = 7 } };
	memcpy(message.body, body, size);
	return DO(SYS_SEND, fd, at(1, &message, NLMSG_LENGTH(size)), NLMSG_LENGTH(size), 0);
}

static void answer(int fd)
{
	struct iovec *part = NEW(2, struct iovec, page(3), PAGE);
	struct sockaddr_nl *from = NEW(4, struct sockaddr_nl, 0);
	for (int i = 0; i < 3; i++)
		if (i)
			DO(SYS_RECV, fd, page(3), PAGE, MSG_DONTWAIT);
		else
			DO(SYS_RECVMSG, fd, NEW(5, struct msghdr, .msg_name = from, .msg_namelen = sizeof *from, .msg_iov = part,
						.msg_iovlen = 1), 0);
}

int main(int count, char **arguments)
{
	begin(count, arguments);
	own_network();
	int fd = NEED(SYS_SOCKET, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	NEED(SYS_BIND, fd, NEW(0, struct sockaddr_nl, .nl_family = AF_NETLINK, .nl_pid = 99), sizeof(struct sockaddr_nl));
	struct rtgenmsg any = { AF_UNSPEC };
	static const int dumps[] = { RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH, RTM_GETRULE };
	for (unsigned i = 0; i < COUNT(dumps); i++) {
		struct rtmsg route = { .rtm_family = AF_INET };
		if (dumps[i] == RTM_GETROUTE)
			ask(fd, dumps[i], NLM_F_DUMP, &route, sizeof route);
		else
			ask(fd, dumps[i], NLM_F_DUMP, &any, sizeof any);
		answer(fd);
	}
	ask(fd, 0x7777, NLM_F_ACK, &any, sizeof any);
	answer(fd);
	ask(fd, NLMSG_NOOP, NLM_F_ACK, &any, 0);
	answer(fd);
	for (int type = 0; type < 130; type++)
		DO(SYS_SENDTO, fd, NEW(1, struct nlmsghdr, .nlmsg_len = 16 + type % 3, .nlmsg_type = type, .nlmsg_flags = type * 3), 16,
		   MSG_DONTWAIT, NULL, 0);
	for (int size = 0; size < 20; size++)
		DO(SYS_SENDTO, fd, fill(edge(1, size), size, COUNTING), size, MSG_DONTWAIT, NULL, 0);
	close(fd);
	fd = NEED(SYS_SOCKET, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	NEED(SYS_BIND, fd, NEW(0, struct sockaddr_nl, .nl_family = AF_NETLINK, .nl_pid = 98), sizeof(struct sockaddr_nl));
	struct unix_diag_req request = { .sdiag_family = AF_UNIX, .udiag_states = -1, .udiag_show = UDIAG_SHOW_NAME };
	NEED(SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, edge(0, 8));
	ask(fd, SOCK_DIAG_BY_FAMILY, 0, &request, sizeof request);
	answer(fd);
	close(fd);
}
