/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtnl: interfaces, addresses, neighbours and routes by netlink, through libmnl. Runs in netd. Each
 * function is one request that waits for its acknowledgement; the peer is the kernel.
 */
#include "netd/rtnl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX = 32768 };

union request {
	char buf[1024];
	struct nlmsghdr head;
};

int rtnl_open(struct mnl_socket **ret_nl)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int err;

	if (!nl)
		return -errno;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		mnl_socket_close(nl);
		return err;
	}
	*ret_nl = nl;
	return 0;
}

void rtnl_close(struct mnl_socket *nl)
{
	if (nl)
		mnl_socket_close(nl);
}

static struct nlmsghdr *request(union request *req, uint16_t type, uint16_t flags)
{
	static uint32_t seq;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(req->buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++seq;
	return nlh;
}

static int run(struct mnl_socket *nl, struct nlmsghdr *nlh, mnl_cb_t cb, void *arg)
{
	static char answer[ANSWER_MAX] __attribute__((aligned(8)));
	int r = 1;

	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (r > 0) {
		ssize_t n = mnl_socket_recvfrom(nl, answer, sizeof(answer));

		if (n < 0)
			return -errno;
		r = mnl_cb_run(answer, (size_t)n, nlh->nlmsg_seq, mnl_socket_get_portid(nl), cb, arg);
		if (r < 0)
			return -errno;
	}
	return 0;
}

static int talk(struct mnl_socket *nl, struct nlmsghdr *nlh)
{
	nlh->nlmsg_flags |= NLM_F_ACK;
	return run(nl, nlh, NULL, NULL);
}

/* AF_INET or AF_INET6, and where the address's bytes are in that form. */
static uint8_t family_of(const struct addr *a, const uint8_t **ret_bytes, size_t *ret_len)
{
	bool v4 = addr_is_v4(a);

	*ret_bytes = v4 ? a->b + 12 : a->b;
	*ret_len = v4 ? 4 : 16;
	return v4 ? AF_INET : AF_INET6;
}

/* ---- interfaces --------------------------------------------------------------------------------- */

int rtnl_veth_new(struct mnl_socket *nl, const char *name, const char *peer, const uint8_t *peer_mac,
		  int peer_netns)
{
	union request req;
	struct nlmsghdr *nlh = request(&req, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info, *data, *p;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	/* One queue: the gate's socket sits at queue 0, and frames keep their order. */
	mnl_attr_put_u32(nlh, IFLA_NUM_TX_QUEUES, 1);
	mnl_attr_put_u32(nlh, IFLA_NUM_RX_QUEUES, 1);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	p = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, peer);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, peer_mac);
	mnl_attr_put_u32(nlh, IFLA_NUM_TX_QUEUES, 1);
	mnl_attr_put_u32(nlh, IFLA_NUM_RX_QUEUES, 1);
	mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, (uint32_t)peer_netns);
	mnl_attr_nest_end(nlh, p);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return talk(nl, nlh);
}

static struct ifinfomsg *put_ifinfo(struct nlmsghdr *nlh, int ifindex)
{
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_index = ifindex;
	return ifi;
}

int rtnl_link_del(struct mnl_socket *nl, int ifindex)
{
	union request req;
	struct nlmsghdr *nlh = request(&req, RTM_DELLINK, 0);

	put_ifinfo(nlh, ifindex);
	return talk(nl, nlh);
}

static void put_af_spec(struct nlmsghdr *nlh, const struct rtnl_link *set)
{
	struct nlattr *spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);

	if (set->no_v4_forward) {
		struct nlattr *v4 = mnl_attr_nest_start(nlh, AF_INET);
		struct nlattr *conf = mnl_attr_nest_start(nlh, IFLA_INET_CONF);

		mnl_attr_put_u32(nlh, IPV4_DEVCONF_FORWARDING, 0);
		mnl_attr_nest_end(nlh, conf);
		mnl_attr_nest_end(nlh, v4);
	}
	if (set->no_v6_auto) {
		struct nlattr *v6 = mnl_attr_nest_start(nlh, AF_INET6);

		mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
		mnl_attr_nest_end(nlh, v6);
	}
	mnl_attr_nest_end(nlh, spec);
}

int rtnl_link_set(struct mnl_socket *nl, const struct rtnl_link *set)
{
	union request req;
	struct nlmsghdr *nlh = request(&req, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = put_ifinfo(nlh, set->ifindex);

	if (set->up) {
		ifi->ifi_flags |= IFF_UP;
		ifi->ifi_change |= IFF_UP;
	}
	if (set->no_arp) {
		ifi->ifi_flags |= IFF_NOARP;
		ifi->ifi_change |= IFF_NOARP;
	}
	if (set->mtu)
		mnl_attr_put_u32(nlh, IFLA_MTU, set->mtu);
	if (set->mac)
		mnl_attr_put(nlh, IFLA_ADDRESS, 6, set->mac);
	if (set->no_v6_auto || set->no_v4_forward)
		put_af_spec(nlh, set);
	return talk(nl, nlh);
}

/* Made in every new namespace where net.core.fb_tunnels_only_for_init_net is 0. They lead nowhere but
 * through the link that we make. */
static bool is_fallback_tunnel(const char *kind)
{
	static const char *const kinds[] = { "ipip", "sit", "gre", "gretap", "erspan", "vti", "vti6",
					     "ip6tnl", "ip6gre", "ip6gretap", "ip6erspan" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kind, kinds[i]) == 0)
			return true;
	return false;
}

struct seen_link {
	const char *name, *kind;
};

static int see_kind(const struct nlattr *attr, void *arg)
{
	struct seen_link *seen = arg;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		seen->kind = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

static int see_attr(const struct nlattr *attr, void *arg)
{
	struct seen_link *seen = arg;

	if (mnl_attr_get_type(attr) == IFLA_IFNAME)
		seen->name = mnl_attr_get_str(attr);
	if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
		return mnl_attr_parse_nested(attr, see_kind, arg);
	return MNL_CB_OK;
}

static int see_link(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct seen_link seen = { "?", "" };
	char *ret_name = arg;

	if (ifi->ifi_flags & IFF_LOOPBACK)
		return MNL_CB_OK;
	if (mnl_attr_parse(nlh, sizeof(*ifi), see_attr, &seen) < 0)
		return MNL_CB_ERROR;
	if (ifi->ifi_flags & IFF_UP || !is_fallback_tunnel(seen.kind))
		snprintf(ret_name, IFNAMSIZ, "%s", seen.name);
	return MNL_CB_OK;
}

int rtnl_link_foreign(struct mnl_socket *nl, char *ret_name)
{
	union request req;
	struct nlmsghdr *nlh = request(&req, RTM_GETLINK, NLM_F_DUMP);

	ret_name[0] = '\0';
	put_ifinfo(nlh, 0);
	return run(nl, nlh, see_link, ret_name);
}

/* ---- addresses ---------------------------------------------------------------------------------- */

int rtnl_addr_add(struct mnl_socket *nl, int ifindex, const struct addr *a)
{
	union request req;
	struct nlmsghdr *nlh = request(&req, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	const uint8_t *bytes;
	size_t len;

	ifa->ifa_family = family_of(a, &bytes, &len);
	ifa->ifa_prefixlen = (uint8_t)(len * 8);
	ifa->ifa_flags = IFA_F_PERMANENT | IFA_F_NODAD;
	ifa->ifa_index = (uint32_t)ifindex;
	mnl_attr_put(nlh, IFA_LOCAL, len, bytes);
	mnl_attr_put(nlh, IFA_ADDRESS, len, bytes);
	return talk(nl, nlh);
}

int rtnl_neigh_add(struct mnl_socket *nl, int ifindex, const struct addr *a, const uint8_t *mac)
{
	union request req;
	struct nlmsghdr *nlh = request(&req, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(nlh, sizeof(*nd));
	const uint8_t *bytes;
	size_t len;

	nd->ndm_family = family_of(a, &bytes, &len);
	nd->ndm_ifindex = ifindex;
	nd->ndm_state = NUD_PERMANENT;
	mnl_attr_put(nlh, NDA_DST, len, bytes);
	mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	return talk(nl, nlh);
}

int rtnl_route_add(struct mnl_socket *nl, int ifindex, const struct addr *gw)
{
	union request req;
	struct nlmsghdr *nlh = request(&req, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(nlh, sizeof(*rt));
	const uint8_t *bytes;
	size_t len;

	rt->rtm_family = family_of(gw, &bytes, &len);
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_scope = RT_SCOPE_UNIVERSE;
	rt->rtm_type = RTN_UNICAST;
	/* The gateway lies in no prefix of ours: point to point. */
	rt->rtm_flags = RTNH_F_ONLINK;
	mnl_attr_put(nlh, RTA_GATEWAY, len, bytes);
	mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)ifindex);
	return talk(nl, nlh);
}
