/* Who the attacks would reach: two sockets of each kind, one that may be reached and one that may not.
 *	receiver DIRECTORY	makes DIRECTORY/allowed/socket and DIRECTORY/forbidden/socket too
 * Prints "ports UDP UDP TCP TCP UDP6 UDP6", the allowed one first; then for each line of standard input what has come since
 * the line before. What the kernel had no room for has come too. */
#include "policy.h"
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/sock_diag.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/stat.h>

enum kind { UDP, TCP, UNIX, UDP6, ROUTED, KINDS };
static const char *const names[KINDS] = { "udp", "tcp", "unix", "udp6", "routed" };
static int sockets[KINDS][2];
static long long seen[KINDS][2];

static int port_of(int fd)
{
	struct sockaddr_in6 name;
	socklen_t length = sizeof name;
	must("getsockname", getsockname(fd, (void *)&name, &length));
	return ntohs(name.sin6_port);
}

static int inet(int family, int type)
{
	int fd = must("socket", socket(family, type | SOCK_NONBLOCK, 0)), most = 64 << 20;
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in name = v4(0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &most, sizeof most);
	must("bind", family == AF_INET ? bind(fd, (void *)&name, sizeof name) : bind(fd, (void *)&any, sizeof any));
	if (type == SOCK_STREAM)
		must("listen", listen(fd, 4096));
	return fd;
}

static int local(const char *directory, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", directory, name);
	mkdir(address.sun_path, 0755);
	strncat(address.sun_path, "/socket", sizeof address.sun_path - strlen(address.sun_path) - 1);
	int fd = must("socket", socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	must(address.sun_path, bind(fd, (void *)&address, sizeof address));
	return fd;
}

static int routed(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x45, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, 1),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sockaddr_ll lo = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = 1 };
	if (fd >= 0) {
		must("SO_ATTACH_FILTER", setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
		must("bind", bind(fd, (void *)&lo, sizeof lo));
	}
	return fd;
}

/* One socket must not keep us from the others. */
enum { AT_ONCE = 4096 };

static int drain(void)
{
	int came = 0;
	for (enum kind kind = 0; kind < KINDS; kind++)
		for (int which = 0; which < 2; which++)
			for (int left = AT_ONCE; left; left--) {
				char byte;
				int fd = sockets[kind][which];
				if (fd < 0)
					break;
				long result = kind == TCP ? accept4(fd, NULL, NULL, SOCK_NONBLOCK) : recv(fd, &byte, 1, 0);
				if (result < 0 && errno == ECONNABORTED)
					continue;
				if (result < 0)
					break;
				if (kind == TCP)
					close(result);
				seen[kind][which]++;
				came++;
			}
	return came;
}

static long long lost(int fd)
{
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	socklen_t length = sizeof memory;
	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &length) ? 0 : memory[SK_MEMINFO_DROPS];
}

int main(int count, char **arguments)
{
	const char *directory = count > 1 ? arguments[1] : ".";
	struct pollfd all[2 * KINDS + 1];
	for (int which = 0; which < 2; which++) {
		sockets[UDP][which] = inet(AF_INET, SOCK_DGRAM);
		sockets[TCP][which] = inet(AF_INET, SOCK_STREAM);
		sockets[UDP6][which] = inet(AF_INET6, SOCK_DGRAM);
		sockets[UNIX][which] = local(directory, which ? "forbidden" : "allowed");
	}
	/* Every packet with IP options. Without root nobody sees them. */
	sockets[ROUTED][0] = -1;
	sockets[ROUTED][1] = routed();
	say("ports %d %d %d %d %d %d\n", port_of(sockets[UDP][0]), port_of(sockets[UDP][1]), port_of(sockets[TCP][0]),
	    port_of(sockets[TCP][1]), port_of(sockets[UDP6][0]), port_of(sockets[UDP6][1]));
	for (int i = 0; i < 2 * KINDS; i++)
		all[i] = (struct pollfd){ sockets[i / 2][i % 2], POLLIN, 0 };
	all[2 * KINDS] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
	static long long before[KINDS][2];
	for (;;) {
		poll(all, 2 * KINDS + 1, 1000);
		drain();
		if (!all[2 * KINDS].revents)
			continue;
		char line[16];
		if (read(STDIN_FILENO, line, sizeof line) <= 0)
			return 0;
		/* Until nothing comes any more. Somebody may be sending all the time: what came before the line has been read
		 * by then, since the sockets hold less than is read meanwhile. */
		long long end = now() + 3000000000ll;
		while ((drain() || (usleep(2000), drain())) && now() < end)
			;
		for (enum kind kind = 0; kind < KINDS; kind++) {
			long long since[2];
			for (int which = 0; which < 2; which++) {
				long long all = seen[kind][which] + (kind == UNIX || kind == TCP || kind == ROUTED ? 0 : lost(sockets[kind][which]));
				since[which] = all - before[kind][which];
				before[kind][which] = all;
			}
			say("%s %lld %lld%s", names[kind], since[0], since[1], kind + 1 < KINDS ? ", " : "\n");
		}
	}
}
