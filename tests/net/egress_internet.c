/* SPDX-License-Identifier: Apache-2.0 */
/*
 * egress_internet: echo servers and witness for test_egress. One process, one poll loop. The name server is in
 * egress_dns.c.
 */
#include "tests/net/egress_internet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/net/egress_world.h"

enum { CLIENTS_MAX = 4096, PORTS = 3 };

static const uint16_t ports[PORTS] = { 7001, 7002, 443 };

static int clients[CLIENTS_MAX];

static void run(const char *cmd)
{
	if (system(cmd) != 0)
		_exit(1);
}

static void addresses(void)
{
	static const char *const v4[] = { "198.51.100.10", "198.51.100.11", "198.51.100.12", "198.51.100.13",
		"198.51.100.14", "198.51.100.20", "198.51.100.130", "169.254.169.254", "10.9.9.9", "203.0.113.77",
		"100.96.0.1", "198.18.0.1", "198.19.0.1", "198.51.100.200" };
	static const char *const v6[] = { "2001:db8:100::10", "2001:db8:100::11", "2001:db8:100::20", "fd00:9::9" };
	char cmd[256];

	for (int i = 0; i < 500 && system("ip link show down0 >/dev/null 2>&1") != 0; i++)
		poll(NULL, 0, 10);
	run("ip link set lo up && ip addr add 203.0.113.1/24 dev down0 &&"
	    "ip addr add 203.0.113.53/24 dev down0 && ip addr add 203.0.113.55/24 dev down0 && ip addr add 2001:db8:113::1/64 dev down0 nodad &&"
	    "ip link set down0 up && sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0 &&"
	    "ip route add unreachable 198.51.100.99/32 && ip route add blackhole 198.51.100.66/32 &&"
	    "sysctl -qw net.ipv6.conf.all.forwarding=1 && ip route add blackhole 2001:db8:100::66/128");
	for (size_t i = 0; i < sizeof(v4) / sizeof(v4[0]); i++) {
		snprintf(cmd, sizeof(cmd), "ip addr add %s/32 dev lo", v4[i]);
		run(cmd);
	}
	for (size_t i = 0; i < sizeof(v6) / sizeof(v6[0]); i++) {
		snprintf(cmd, sizeof(cmd), "ip addr add %s/128 dev lo nodad", v6[i]);
		run(cmd);
	}
}

static int listen_on(int type, uint16_t port, bool pktinfo)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int on = 1, off = 0;
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK, 0);

	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (pktinfo)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 4096) < 0))
		_exit(1);
	return fd;
}

/* ---- witness ---- */

static bool is_dns(const uint8_t *l4, uint8_t proto)
{
	return (proto == IPPROTO_UDP || proto == IPPROTO_TCP) && l4[2] == 0 && l4[3] == 53;
}

static void see(int fd)
{
	uint8_t f[256];
	struct sockaddr_ll from;
	socklen_t len = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(fd, f, sizeof(f), 0, (struct sockaddr *)&from, &len)) > 0) {
		bool v4 = n > 34 && f[12] == 8 && f[13] == 0;
		bool v6 = n > 58 && f[12] == 0x86 && f[13] == 0xdd;

		if (from.sll_pkttype == PACKET_OUTGOING || (!v4 && !v6))
			continue;
		if (v4 && is_dns(f + 34, f[23]))
			continue;
		/* Neighbour discovery and multicast listener reports. */
		if (v6 && (f[20] == 0 || (f[20] == IPPROTO_ICMPV6 && f[54] >= 130)))
			continue;
		witness->frames++;
	}
}

void reply_from_same(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_type == IPV6_PKTINFO)
			((struct in6_pktinfo *)(void *)CMSG_DATA(c))->ipi6_ifindex = 0;
	}
}

/* ---- echo ---- */

static void echo_udp(int fd)
{
	char buf[512], ctl[256];
	struct sockaddr_in6 from;
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { &from, sizeof(from), &iov, 1, ctl, sizeof(ctl), 0 };
	ssize_t n = recvmsg(fd, &m, 0);

	if (n < 0)
		return;
	iov.iov_len = (size_t)n;
	reply_from_same(&m);
	sendmsg(fd, &m, 0);
}

static void echo_tcp(int slot)
{
	char buf[512];
	ssize_t n = recv(clients[slot], buf, sizeof(buf), MSG_DONTWAIT);

	if (n > 0) {
		send(clients[slot], buf, (size_t)n, MSG_NOSIGNAL);
	} else if (n == 0 || errno != EAGAIN) {
		close(clients[slot]);
		clients[slot] = -1;
	}
}

static void take_client(int lfd)
{
	int fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK);

	for (int i = 0; fd >= 0 && i < CLIENTS_MAX; i++) {
		if (clients[i] < 0) {
			clients[i] = fd;
			return;
		}
	}
	if (fd >= 0)
		close(fd);
}

void internet_run(void)
{
	static struct pollfd p[3 + 2 * PORTS + CLIENTS_MAX];
	int base = 3 + 2 * PORTS;

	addresses();
	memset(clients, 0xff, sizeof(clients));
	p[0].fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
	p[1].fd = listen_on(SOCK_DGRAM, 53, true);
	p[2].fd = listen_on(SOCK_STREAM, 53, false);
	for (int i = 0; i < PORTS; i++) {
		p[3 + i].fd = listen_on(SOCK_STREAM, ports[i], false);
		p[3 + PORTS + i].fd = listen_on(SOCK_DGRAM, ports[i], true);
	}
	witness->ready = true;
	for (;;) {
		for (int i = 0; i < CLIENTS_MAX; i++)
			p[base + i].fd = clients[i];
		for (int i = 0; i < base + CLIENTS_MAX; i++)
			p[i].events = POLLIN;
		if (poll(p, (nfds_t)(base + CLIENTS_MAX), dns_tick()) < 0)
			_exit(1);
		if (p[0].revents)
			see(p[0].fd);
		if (p[1].revents)
			serve_dns_udp(p[1].fd);
		if (p[2].revents)
			serve_dns_tcp(p[2].fd);
		for (int i = 0; i < PORTS; i++) {
			if (p[3 + i].revents)
				take_client(p[3 + i].fd);
			if (p[3 + PORTS + i].revents)
				echo_udp(p[3 + PORTS + i].fd);
		}
		for (int i = 0; i < CLIENTS_MAX; i++) {
			if (clients[i] >= 0 && p[base + i].revents)
				echo_tcp(i);
		}
	}
}
