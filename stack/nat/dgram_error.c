/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dgram_error: what became of datagrams that a host socket had taken.
 *
 * Comes in: the error queue of a UDP or ping socket, and errors of calls on it. Goes out: ICMP errors
 * towards the sandbox, about the newest datagram that it sent on this flow. Runs in the worker.
 */
#include "stack/nat/dgram.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/*
 * The error of the host socket, told to the sandbox about the newest datagram it sent. mtu: of the
 * host's path, 0 when unknown. IPv6 knows none below 1,280, Linux heeds none below 552 over IPv4.
 */
static void tell_error(struct stack *s, struct flow *f, int err, uint32_t mtu)
{
	const struct quote *q = &f->udp->last;
	enum icmp_error kind = icmp_error_of_errno(err);
	uint32_t least = addr_is_v4(&f->key.dst) && mtu ? 552 : 1280;

	if (q->len)
		icmp_error_output_raw(s, q->b, q->len, kind, mtu < least ? least : mtu, DROP_NONE);
}

int dgram_drain_errors(struct stack *s, struct flow *f)
{
	int n = 0;

	while (n < DGRAM_BURST) {
		union {
			struct cmsghdr align;
			uint8_t b[256];
		} ctl;
		uint8_t byte;
		struct iovec iov = { &byte, 1 };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ctl,
				    .msg_controllen = sizeof(ctl) };

		if (recvmsg(f->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
		n++;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			struct sock_extended_err e;

			if (!((c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) ||
			      (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR)) ||
			    c->cmsg_len < CMSG_LEN(sizeof(e)))
				continue;
			memcpy(&e, CMSG_DATA(c), sizeof(e));
			tell_error(s, f, (int)e.ee_errno, e.ee_info);
		}
	}
	return n;
}

void dgram_host_error(struct stack *s, struct flow *f, int r)
{
	if (dgram_drain_errors(s, f) == 0)
		tell_error(s, f, -r, 0);
}
