/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: the sandbox's one link, made and configured from outside.
 *
 * netd lives in the port namespace: a network namespace of its own with no addresses, no routes and no
 * forwarding. The host end of a veth stays there (of a second one: in a further namespace of that sort,
 * so that no worker's socket reaches a neighbour's link); the other end, named "eth0", goes into the
 * sandbox's namespace. A TAP has no host end: the device is in the sandbox, its descriptor is ours.
 */
#ifndef NETD_LINK_H
#define NETD_LINK_H

#include "bpf/drop.h"
#include "lib/proto.h"

struct link_spec {
	uint32_t sandbox;		/* number, for interface names */
	int netns;			/* the sandbox's namespace; borrowed */
	enum proto_port want;		/* AUTO: xdp, else packet, else tap */
	uint8_t xdp_mode;		/* 0 best, 1 generic, 2 native */
	uint32_t mtu;			/* 0 = default (1500 on veth; what the port does best on tap) */
	bool attach;			/* an existing namespace: its own settings are left alone */
	bool alone;			/* refuse if it already has a link besides lo */
};

struct link {
	enum proto_port kind;
	bool xdp_native, xdp_multibuf;
	int ifindex;			/* of the host end in the port namespace, 0 for TAP */
	int sb_ifindex;			/* inside the sandbox */
	int port_fd, tx_fd, umem_fd;	/* -1 where the kind has none; owned by the link */
	uint32_t mtu;
	uint32_t umem_frames, umem_frame_size, ring_size;
	void *gate;			/* BPF skeleton, xdp only */
	void *umem;			/* netd's side of the AF_XDP socket, xdp only */
	int netns;			/* own duplicate */
	int port_netns;			/* where the host end is; own, -1 for TAP */
};

/*
 * Makes the link: veth or TAP, gate program, sockets, addresses, routes, neighbour entries, sysctls
 * (forwarding off, no autoconfiguration, no DAD, ping groups), offloads. Deletes everything again on
 * failure. The calling process must be in the port namespace. why (PROTO_TEXT_CAP bytes): on success
 * which kind was taken and why; on failure what, why, what to do. 0 or -errno.
 */
int link_open(const struct link_spec *spec, struct link *ret_link, char *why);
/*
 * Makes beforehand what takes longest of the first AF_XDP link here: its program and its 8 MiB of pinned memory. Must be
 * called in the port namespace. A failure is met again, and told, by link_open().
 */
void link_warm(void);
/* Gives back what of that no link has taken; takes some 10 ms when there is any. */
void link_cool(void);
/* Deletes the link if it still exists. The peer end disappears with it. */
void link_close(struct link *l);
/* Drop counters of the gate program, by enum drop_reason; zero without one. */
void link_gate_drops(const struct link *l, uint64_t ret_counts[DROP_REASON_MAX]);

#endif
