/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inside: gives the sandbox's namespace its one interface, addressed point to point. Runs in netd.
 *
 * Nothing here enforces anything: a sandbox that could undo all of it would only cut itself off, since
 * the gate and the worker judge every frame. So settings that a kernel lacks are passed over; what the
 * program needs to reach the gateway is an error when it fails.
 */
#include "netd/inside.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "netd/netns.h"
#include "netd/rtnl.h"
#include "netd/tap.h"

static const uint8_t gw_mac[6] = LINK_GW_MAC, sb_mac[6] = LINK_SB_MAC;

static struct addr address(const char *text)
{
	struct addr a;

	if (addr_parse(text, &a))
		abort();
	return a;
}

static void sysctls(bool attach)
{
	/* Before addresses: a container's template may have IPv6 switched off. */
	netns_sysctl_set("net/ipv6/conf/" INSIDE_NAME "/disable_ipv6", "0");
	netns_sysctl_set("net/ipv6/conf/" INSIDE_NAME "/accept_ra", "0");
	netns_sysctl_set("net/ipv6/conf/" INSIDE_NAME "/autoconf", "0");
	netns_sysctl_set("net/ipv6/conf/" INSIDE_NAME "/accept_dad", "0");
	netns_sysctl_set("net/ipv6/conf/" INSIDE_NAME "/router_solicitations", "0");
	netns_sysctl_set("net/ipv6/conf/" INSIDE_NAME "/accept_redirects", "0");
	netns_sysctl_set("net/ipv4/conf/" INSIDE_NAME "/accept_redirects", "0");
	if (attach)
		return;
	netns_sysctl_set("net/ipv4/ip_forward", "0");
	netns_sysctl_set("net/ipv6/conf/all/forwarding", "0");
	netns_sysctl_set("net/ipv4/ip_unprivileged_port_start", "0");
	/* ping without privilege; where only one group id exists (an ordinary user's namespace), for it. */
	if (netns_sysctl_set("net/ipv4/ping_group_range", "0 2147483647"))
		netns_sysctl_set("net/ipv4/ping_group_range", "0 0");
}

/* Address, neighbour entry of the gateway, default route of one family. */
static int family(struct mnl_socket *nl, int ifindex, const char *sb, const char *gw, const char **what)
{
	const struct addr own = address(sb), gateway = address(gw);
	int err;

	*what = "adding the address";
	err = rtnl_addr_add(nl, ifindex, &own);
	if (err)
		return err;
	*what = "adding the gateway's neighbour entry";
	err = rtnl_neigh_add(nl, ifindex, &gateway, gw_mac);
	if (err)
		return err;
	*what = "adding the default route";
	return rtnl_route_add(nl, ifindex, &gateway);
}

static int configure(struct mnl_socket *nl, struct link *l, bool attach, const char **what)
{
	const bool v6 = netns_has_ipv6();
	const struct rtnl_link lo = { .ifindex = (int)if_nametoindex("lo"), .up = true };
	struct rtnl_link down = { .mtu = l->mtu, .mac = sb_mac, .no_v6_auto = v6 };
	struct rtnl_link up = { .up = true };
	int err;

	*what = "finding the interface";
	l->sb_ifindex = (int)if_nametoindex(INSIDE_NAME);
	if (l->sb_ifindex == 0)
		return -errno;
	down.ifindex = up.ifindex = l->sb_ifindex;
	*what = "setting the interface's offloads";
	err = netns_offloads_off(INSIDE_NAME, l->kind != PROTO_PORT_XDP || l->xdp_multibuf);
	if (err)
		return err;
	*what = "setting the interface's MTU and MAC";
	err = rtnl_link_set(nl, &down);
	if (err)
		return err;
	sysctls(attach);
	*what = "bringing the interfaces up";
	err = rtnl_link_set(nl, &lo);
	if (!err)
		err = rtnl_link_set(nl, &up);
	if (!err)
		err = family(nl, l->sb_ifindex, LINK_SB4, LINK_GW4, what);
	if (err || !v6)
		return err;
	err = family(nl, l->sb_ifindex, LINK_SB6, LINK_GW6, what);
	/* IPv6 is off by default on this host and /proc/sys is read-only: then IPv4 has to do. */
	return err == -EACCES ? 0 : err;
}

/* ---- each of these goes in and comes back ---------------------------------------------------------- */

int inside_foreign(int netns, char *ret_name)
{
	struct mnl_socket *nl;
	int home, err = netns_enter(netns, &home);

	if (err)
		return err;
	err = rtnl_open(&nl);
	if (!err) {
		err = rtnl_link_foreign(nl, ret_name);
		rtnl_close(nl);
	}
	netns_leave(home);
	return err;
}

int inside_tap(struct link *l, const char **what)
{
	int home, fd, err;

	*what = "entering the sandbox's namespace";
	err = netns_enter(l->netns, &home);
	if (err)
		return err;
	*what = "opening /dev/net/tun";
	fd = tap_open(INSIDE_NAME);
	netns_leave(home);
	if (fd < 0)
		return fd;
	l->port_fd = fd;
	return 0;
}

int inside_configure(struct link *l, bool attach, const char **what)
{
	struct mnl_socket *nl;
	int home, err;

	*what = "entering the sandbox's namespace";
	err = netns_enter(l->netns, &home);
	if (err)
		return err;
	*what = "opening a netlink socket";
	err = rtnl_open(&nl);
	if (!err) {
		err = configure(nl, l, attach, what);
		rtnl_close(nl);
	}
	netns_leave(home);
	return err;
}

void inside_delete(struct link *l)
{
	struct mnl_socket *nl;
	int home;

	if (l->sb_ifindex == 0 || netns_enter(l->netns, &home))
		return;
	if (rtnl_open(&nl) == 0) {
		rtnl_link_del(nl, l->sb_ifindex);
		rtnl_close(nl);
	}
	netns_leave(home);
}
