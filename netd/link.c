/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: makes and deletes a sandbox's one link. Runs in netd, which is in the port namespace.
 *
 * Theory of operation. A veth's host end must be where nothing else is: its kernel has no address, no
 * route and no forwarding, and no second sandbox's host end, because a worker that was taken over can
 * send through its AF_PACKET socket to every interface of the socket's namespace. So the first link
 * uses the namespace that netd is in, and each further one a new namespace that only its sockets and
 * l->port_netns keep alive. Enforcement is in place before the first frame can come: the sandbox's
 * end comes up last. For --port auto the kinds are really made, one after the other, until one stands;
 * no version numbers are compared.
 */
#include "netd/link.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "netd/gate.h"
#include "netd/inside.h"
#include "netd/netns.h"
#include "netd/psock.h"
#include "netd/rtnl.h"
#include "netd/xsk.h"

enum {
	LINK_MTU_MIN = 1280,		/* RFC 8200 s. 5 */
	LINK_MTU_MAX = 65535,
	LINK_MTU_TAP_MAX = LINK_MTU_MAX - 14,	/* drivers/net/tun.c */
	LINK_MTU_DEFAULT = 1500,
	ETH_LEN = 14,
	XDP_HEADROOM = 256,		/* XDP_PACKET_HEADROOM */
	/* 8 MiB: 113 super-frames of 18 frames each. Pinning it costs 5 ms at start-up. */
	UMEM_FRAMES = 2048,
	UMEM_FRAME_SIZE = 4096,
};

/* What failed, in words; NULL: explained already. */
struct trouble {
	const char *what;
	char *why;			/* PROTO_TEXT_CAP bytes */
};

static const char *kind_text(enum proto_port kind)
{
	switch (kind) {
	case PROTO_PORT_XDP:
		return "xdp";
	case PROTO_PORT_PACKET:
		return "packet";
	case PROTO_PORT_TAP:
		return "tap";
	case PROTO_PORT_AUTO:
	case PROTO_PORT_MEM:
		break;
	}
	return "?";
}

static void __attribute__((format(printf, 2, 3))) explain(char *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, PROTO_TEXT_CAP, fmt, args);
	va_end(args);
}

static void clear(struct link *l)
{
	*l = (struct link){ .port_fd = -1, .tx_fd = -1, .umem_fd = -1, .netns = -1, .port_netns = -1 };
}

/* Of link_warm(), until the first link takes them. */
static struct gate *warm_gate;
static struct xsk *warm_x;

/* ---- host end ------------------------------------------------------------------------------------- */

/* Finds or makes a namespace without any link, and stays in it; *ret_home is the way back. */
static int port_netns_enter(struct link *l, int *ret_home)
{
	char foreign[IF_NAMESIZE];
	struct mnl_socket *nl;
	int home, err = rtnl_open(&nl);

	if (err)
		return err;
	err = rtnl_link_foreign(nl, foreign);
	rtnl_close(nl);
	if (err)
		return err;
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return -errno;
	if (foreign[0] && unshare(CLONE_NEWNET) < 0) {
		err = -errno;
		close(home);
		return err;
	}
	*ret_home = home;
	l->port_netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (l->port_netns < 0) {
		err = -errno;
		netns_leave(home);
		return err;
	}
	return 0;
}

/* The kernel of the port namespace shall neither speak on this interface nor pass anything on. */
static int silence(struct mnl_socket *nl, const char *name, int ifindex, uint32_t mtu)
{
	const bool v6 = netns_has_ipv6();
	const struct rtnl_link set = { .ifindex = ifindex, .mtu = mtu, .no_arp = true, .no_v4_forward = true,
				       .no_v6_auto = v6 };
	char path[96];
	long forwarding;
	int err = rtnl_link_set(nl, &set);

	if (err || !v6)
		return err;
	snprintf(path, sizeof(path), "net/ipv6/conf/%s/disable_ipv6", name);
	err = netns_sysctl_set(path, "1");
	/* Where /proc/sys is read-only, the default has to do: no address, no forwarding. */
	if (err && (netns_sysctl_get("net/ipv6/conf/all/forwarding", &forwarding) || forwarding))
		return err;
	return 0;
}

/* Packet memory, AF_XDP socket, gate; the interface is still down. */
static int xdp_sockets(struct link *l, const char *name, struct trouble *t)
{
	const struct xsk_shape shape = { l->umem_frames, l->umem_frame_size, l->ring_size, l->xdp_multibuf };
	struct xsk *x;
	int err;

	t->what = "opening an AF_XDP socket";
	x = warm_x;
	warm_x = NULL;
	err = x ? 0 : xsk_new(&shape, &x);
	if (err)
		return err;
	l->umem = x;
	err = xsk_bind(x, name, &shape);
	if (err)
		return err;
	t->what = "attaching the XDP program";
	err = gate_attach(l->gate, l->ifindex, l->xdp_native, xsk_fd(x));
	if (err)
		return err;
	t->what = "duplicating a descriptor";
	l->port_fd = fcntl(xsk_fd(x), F_DUPFD_CLOEXEC, 3);
	l->umem_fd = fcntl(xsk_umem_fd(x), F_DUPFD_CLOEXEC, 3);
	return l->port_fd < 0 || l->umem_fd < 0 ? -errno : 0;
}

static int host_end(struct link *l, const struct link_spec *spec, struct mnl_socket *nl, struct trouble *t)
{
	static const uint8_t sb_mac[6] = LINK_SB_MAC;
	char name[IF_NAMESIZE];
	struct rtnl_link up = { .up = true };
	int err, fd;

	snprintf(name, sizeof(name), "sl%u", spec->sandbox);
	t->what = "making a veth pair";
	err = rtnl_veth_new(nl, name, INSIDE_NAME, sb_mac, l->netns);
	if (err)
		return err;
	l->ifindex = up.ifindex = (int)if_nametoindex(name);
	if (l->ifindex == 0)
		return -errno;
	t->what = "silencing the host end";
	err = silence(nl, name, l->ifindex, l->mtu);
	if (!err && l->kind == PROTO_PORT_XDP)
		err = xdp_sockets(l, name, t);
	if (err)
		return err;
	t->what = "bringing the host end up";
	err = rtnl_link_set(nl, &up);
	if (err)
		return err;
	t->what = "opening an AF_PACKET socket";
	fd = psock_open(l->ifindex, l->kind == PROTO_PORT_PACKET);
	if (fd < 0)
		return fd;
	*(l->kind == PROTO_PORT_PACKET ? &l->port_fd : &l->tx_fd) = fd;
	return 0;
}

static int veth_open(struct link *l, const struct link_spec *spec, struct trouble *t)
{
	struct mnl_socket *nl;
	int home = -1, err;

	t->what = "making a namespace for the host end";
	err = port_netns_enter(l, &home);
	if (err)
		return err;
	t->what = "opening a netlink socket";
	err = rtnl_open(&nl);
	if (!err) {
		err = host_end(l, spec, nl, t);
		rtnl_close(nl);
	}
	netns_leave(home);
	return err;
}

/* ---- kinds ------------------------------------------------------------------------------------------ */

static int open_once(struct link *l, const struct link_spec *spec, struct trouble *t)
{
	int err;

	t->what = "duplicating a descriptor";
	l->netns = fcntl(spec->netns, F_DUPFD_CLOEXEC, 3);
	if (l->netns < 0)
		return -errno;
	err = l->kind == PROTO_PORT_TAP ? inside_tap(l, &t->what) : veth_open(l, spec, t);
	return err ? err : inside_configure(l, spec->attach, &t->what);
}

void link_warm(void)
{
	const struct xsk_shape shape = { UMEM_FRAMES, UMEM_FRAME_SIZE, UMEM_FRAMES, true };

	if (gate_load(true, &warm_gate) == 0 && gate_warm(warm_gate) == 0)
		(void)xsk_new(&shape, &warm_x);
}

void link_cool(void)
{
	gate_free(warm_gate);
	warm_gate = NULL;
	xsk_close(warm_x);
	warm_x = NULL;
}

/* Without multi-buffer a frame is one UMEM frame: no super-frames, and the MTU must fit. */
static int open_xdp(struct link *l, const struct link_spec *spec, bool multibuf, struct trouble *t)
{
	const uint32_t room = UMEM_FRAME_SIZE - XDP_HEADROOM - XSK_HEADROOM - ETH_LEN;
	const uint32_t mtu = spec->mtu ? spec->mtu : LINK_MTU_DEFAULT;
	struct gate *gate;
	int err;

	if (!multibuf && mtu > room) {
		explain(t->why, "an MTU of %u needs multi-buffer AF_XDP (Linux 6.6); without it %u is the most",
			mtu, room);
		t->what = NULL;
		return -EMSGSIZE;
	}
	/* First, because this is what an ordinary user is refused, and a veth takes long to delete. */
	t->what = "loading the XDP program";
	gate = multibuf ? warm_gate : NULL;
	if (gate)
		warm_gate = NULL;
	err = gate ? 0 : gate_load(multibuf, &gate);
	if (err)
		return err;
	clear(l);
	l->kind = PROTO_PORT_XDP;
	l->gate = gate;
	l->mtu = mtu;
	l->xdp_native = spec->xdp_mode == 2;
	l->xdp_multibuf = multibuf;
	l->umem_frames = UMEM_FRAMES;
	l->umem_frame_size = UMEM_FRAME_SIZE;
	l->ring_size = UMEM_FRAMES;
	err = open_once(l, spec, t);
	if (err)
		link_close(l);
	return err;
}

static int open_kind(struct link *l, const struct link_spec *spec, enum proto_port kind, char *why)
{
	struct trouble t = { .why = why };
	int err;

	if (kind == PROTO_PORT_XDP) {
		err = open_xdp(l, spec, true, &t);
		/* EPERM: trying without will not help, and would cost every ordinary user a second try. */
		if (err && err != -EPERM && err != -EACCES)
			err = open_xdp(l, spec, false, &t);
	} else {
		if (kind == PROTO_PORT_TAP && spec->mtu > LINK_MTU_TAP_MAX) {
			explain(why, "an MTU of %u is more than a TAP device takes, %d", spec->mtu, LINK_MTU_TAP_MAX);
			return -EINVAL;
		}
		clear(l);
		l->kind = kind;
		l->mtu = spec->mtu ? spec->mtu : LINK_MTU_DEFAULT;
		err = open_once(l, spec, &t);
		if (err)
			link_close(l);
	}
	if (err && t.what)
		explain(why, "%s failed: %s", t.what, strerror(-err));
	return err;
}

static const char *advice(enum proto_port kind)
{
	switch (kind) {
	case PROTO_PORT_XDP:
		return "run as root on Linux 5.9 or later, or use --port auto";
	case PROTO_PORT_PACKET:
		return "needs CAP_NET_ADMIN and CAP_NET_RAW, as root or in a user namespace, and the veth module";
	case PROTO_PORT_TAP:
		return "needs the tun module and a /dev/net/tun that may be opened";
	case PROTO_PORT_AUTO:
	case PROTO_PORT_MEM:
		break;
	}
	return "run as root, or where ordinary users may make user namespaces";
}

/* One line for the person who asked for --port auto: which kind, and why none that was tried before. */
static void praise(const struct link *l, const char *before, char *why)
{
	const char *how = "";

	if (l->kind == PROTO_PORT_XDP && l->xdp_multibuf)
		how = l->xdp_native ? " (native, multi-buffer)" : " (generic, multi-buffer)";
	else if (l->kind == PROTO_PORT_XDP)
		how = l->xdp_native ? " (native, no super-frames)" : " (generic, no super-frames)";
	explain(why, "port %s%s, MTU %u%s%s", kind_text(l->kind), how, l->mtu, before[0] ? "; not " : "", before);
}

/* Adds "KIND: REASON" to the kinds that were not taken. */
static void add_before(char *before, enum proto_port kind, const char *reason)
{
	size_t at = strlen(before);

	snprintf(before + at, PROTO_TEXT_CAP - at, "%s%s: %.120s", at ? "; not " : "", kind_text(kind), reason);
}

static int open_auto(struct link *l, const struct link_spec *spec, char *why)
{
	static const enum proto_port usual[] = { PROTO_PORT_XDP, PROTO_PORT_PACKET, PROTO_PORT_TAP };
	/* A TAP has room for 500 frames of any size, whoever made it; AF_PACKET may be kept short. */
	static const enum proto_port cramped[] = { PROTO_PORT_XDP, PROTO_PORT_TAP, PROTO_PORT_PACKET };
	const bool is_cramped = psock_room() < PSOCK_ROOM_ENOUGH;
	char before[PROTO_TEXT_CAP] = "", reason[PROTO_TEXT_CAP];
	int err = 0;

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		const enum proto_port kind = is_cramped ? cramped[i] : usual[i];

		err = open_kind(l, spec, kind, reason);
		if (!err) {
			if (is_cramped && kind == PROTO_PORT_TAP)
				add_before(before, PROTO_PORT_PACKET, "net.core.rmem_max keeps its queue short");
			praise(l, before, why);
			return 0;
		}
		add_before(before, kind, reason);
	}
	explain(why, "no link to the sandbox could be made: not %s; %s", before, advice(PROTO_PORT_AUTO));
	return err;
}

/* A namespace that others made must have no other way out. */
static int check_alone(const struct link_spec *spec, char *why)
{
	char name[IF_NAMESIZE];
	int err = inside_foreign(spec->netns, name);

	if (err) {
		explain(why, "cannot look into the network namespace: %s", strerror(-err));
		return err;
	}
	if (name[0]) {
		explain(why,
			"the network namespace already has an interface, %s, which would be another way out; "
			"delete it or attach to a namespace with only lo", name);
		return -EEXIST;
	}
	return 0;
}

int link_open(const struct link_spec *spec, struct link *ret_link, char *why)
{
	char reason[PROTO_TEXT_CAP] = "";
	struct link l;
	int err;

	if (spec->mtu && (spec->mtu < LINK_MTU_MIN || spec->mtu > LINK_MTU_MAX)) {
		explain(why, "MTU %u is not possible; %d to %d are", spec->mtu, LINK_MTU_MIN, LINK_MTU_MAX);
		return -EINVAL;
	}
	err = spec->alone ? check_alone(spec, why) : 0;
	if (err)
		return err;
	if (spec->want == PROTO_PORT_AUTO) {
		err = open_auto(&l, spec, why);
	} else {
		err = open_kind(&l, spec, spec->want, reason);
		if (err)
			explain(why, "port %s is not possible here: %.300s; %s", kind_text(spec->want), reason,
				advice(spec->want));
		else
			praise(&l, "", why);
	}
	if (!err)
		*ret_link = l;
	return err;
}

void link_close(struct link *l)
{
	struct mnl_socket *nl;
	int home;

	if (l->ifindex && netns_enter(l->port_netns, &home) == 0) {
		if (rtnl_open(&nl) == 0) {
			rtnl_link_del(nl, l->ifindex);
			rtnl_close(nl);
		}
		netns_leave(home);
	} else if (l->kind == PROTO_PORT_TAP && l->port_fd >= 0) {
		/* Closing is not enough: the worker may still hold a copy of the descriptor. */
		inside_delete(l);
	}
	gate_free(l->gate);
	xsk_close(l->umem);
	fd_close(&l->port_fd);
	fd_close(&l->tx_fd);
	fd_close(&l->umem_fd);
	fd_close(&l->netns);
	fd_close(&l->port_netns);
	clear(l);
}

void link_gate_drops(const struct link *l, uint64_t ret_counts[DROP_REASON_MAX])
{
	if (l->gate)
		gate_drops(l->gate, ret_counts);
	else
		memset(ret_counts, 0, DROP_REASON_MAX * sizeof(ret_counts[0]));
}
