/* SPDX-License-Identifier: Apache-2.0 */
/* rtnl: the few requests to the kernel's routing netlink that a sandbox's link needs. */
#ifndef NETD_RTNL_H
#define NETD_RTNL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"

struct mnl_socket;

/* A socket that acts on the namespace we are in now, wherever we go later. 0 or -errno. */
int rtnl_open(struct mnl_socket **ret_nl);
void rtnl_close(struct mnl_socket *nl);

/* A veth pair with one queue each: `name` here, `peer` with the MAC in the other namespace, both down. */
int rtnl_veth_new(struct mnl_socket *nl, const char *name, const char *peer, const uint8_t *peer_mac,
		  int peer_netns);
int rtnl_link_del(struct mnl_socket *nl, int ifindex);

/* What to change of an interface; fields that are 0 or NULL stay as they are. */
struct rtnl_link {
	int ifindex;
	bool up, no_arp;
	bool no_v4_forward;		/* nothing that comes in here is passed on */
	bool no_v6_auto;		/* the kernel makes no IPv6 address of its own */
	uint32_t mtu;
	const uint8_t *mac;
};
int rtnl_link_set(struct mnl_socket *nl, const struct rtnl_link *set);

/* The name (IF_NAMESIZE bytes, "" when none) of an interface that is a way somewhere: not loopback and not
 * one of the dormant tunnel devices that some kernels put into every namespace. 0 or -errno. */
int rtnl_link_foreign(struct mnl_socket *nl, char *ret_name);

/* Host address, without duplicate detection. */
int rtnl_addr_add(struct mnl_socket *nl, int ifindex, const struct addr *a);
/* Permanent entry. */
int rtnl_neigh_add(struct mnl_socket *nl, int ifindex, const struct addr *a, const uint8_t *mac);
/* Default route of gw's family. */
int rtnl_route_add(struct mnl_socket *nl, int ifindex, const struct addr *gw);

#endif
