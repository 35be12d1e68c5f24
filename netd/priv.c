/* SPDX-License-Identifier: Apache-2.0 */
/*
 * priv: the closed list of privileged operations. Runs in netd, the only privileged process.
 *
 * Nothing here takes a byte that a sandbox wrote. The other sides are the cli (the caller: it may do
 * all of this by itself, or it is in a user namespace of its own) and, through their messages, egress
 * and the workers (which may be in an enemy's hand). Above each operation stands why it is safe when
 * the other side lies. What is not on this list, netd does not do.
 */
#include "netd/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* Which namespaces a sandbox can never be: the host's and the port namespace. */
static struct stat host_net, port_net;

/*
 * Kept: links and their sysctls (NET_ADMIN), AF_PACKET and AF_XDP (NET_RAW), the gate (BPF, PERFMON),
 * entering a sandbox's namespace and a worker's own mount namespace (SYS_ADMIN), locked UMEM (IPC_LOCK),
 * a worker's own ids (SETUID, SETGID, SETPCAP), ending it (KILL). SETFCAP: without root, egress and the
 * workers map the caller's uid 0 into user namespaces of their own, and the kernel asks for it since 5.12.
 */
static const cap_value_t kept[] = {
	CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN, CAP_BPF, CAP_PERFMON, CAP_IPC_LOCK,
	CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_SETFCAP, CAP_KILL,
};

static bool is_kept(cap_value_t c)
{
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (kept[i] == c)
			return true;
	}
	return false;
}

static int limit_caps(void)
{
	cap_t now = cap_get_proc();
	int r = 0;

	if (!now)
		return -errno;
	for (cap_value_t c = 0; r == 0 && CAP_IS_SUPPORTED(c); c++) {
		if (is_kept(c))
			continue;
		/* The bounding set is what exec gives back to uid 0. */
		if (cap_drop_bound(c) < 0 ||
		    cap_set_flag(now, CAP_PERMITTED, 1, &c, CAP_CLEAR) < 0 ||
		    cap_set_flag(now, CAP_EFFECTIVE, 1, &c, CAP_CLEAR) < 0)
			r = -errno;
	}
	if (r == 0 && (cap_clear_flag(now, CAP_INHERITABLE) < 0 || cap_set_proc(now) < 0))
		r = -errno;
	cap_free(now);
	return r;
}

static int stat_own_netns(struct stat *ret_st)
{
	return stat("/proc/self/ns/net", ret_st) < 0 ? -errno : 0;
}

/* Safe: it takes no input, and only ever gives power away. */
int priv_init(void)
{
	int r = stat_own_netns(&host_net);

	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return limit_caps();
}

/*
 * Safe: the program is the one installed beside us, found through /proc/self/exe, never through the
 * environment; it gets one socket, and confines itself before it hears of a sandbox.
 */
int priv_start_egress(const char *path, int command_fd, struct child *ret_child)
{
	const struct spawn_fd fds[] = { { command_fd, PROTO_FD_UP } };
	const struct spawn_plan plan = { .path = path, .fds = fds, .n_fds = 1, .slots_end = PROTO_FD_UP + 1 };

	return spawn_child(&plan, ret_child);
}

/*
 * Safe: it takes no input. A new namespace has no address, no route, and "lo" down; nothing we do later
 * gives it any, so a frame that gets past the gate reaches nothing.
 */
int priv_leave_host_network(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	return stat_own_netns(&port_net);
}

/* Safe: it takes no input; a program and a socket of our own, in the port namespace, not attached to any link. */
void priv_warm(void)
{
	link_warm();
}

/* Safe: it takes no input and closes what priv_warm() opened. */
void priv_cool(void)
{
	link_cool();
}

static bool same_ns(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * Safe: the descriptor may be anything; the kernel says what it is. Host and port namespace are refused
 * by identity, so no spelling of a path gets round it.
 */
int priv_check_netns(int fd, char *why)
{
	struct stat st;

	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		snprintf(why, PROTO_TEXT_CAP, "not a network namespace; "
			 "give a path such as /run/netns/NAME or /proc/PID/ns/net");
		return -EINVAL;
	}
	if (fstat(fd, &st) < 0)
		return -errno;
	if (same_ns(&st, &host_net) || same_ns(&st, &port_net)) {
		snprintf(why, PROTO_TEXT_CAP, "this is the host's own network namespace; "
			 "the gateway serves only namespaces apart from it");
		return -EINVAL;
	}
	return 0;
}

/*
 * Safe: the kernel says who owns the user namespace that owns this one. Whoever made that has every right over
 * this network namespace already; root has over each.
 */
int priv_check_owner(int netns, uid_t client, char *why)
{
	cleanup_close int userns = client ? ioctl(netns, NS_GET_USERNS) : -1;
	uid_t owner;

	if (client == 0)
		return 0;
	if (userns >= 0 && ioctl(userns, NS_GET_OWNER_UID, &owner) == 0 && owner == client)
		return 0;
	snprintf(why, PROTO_TEXT_CAP, "the network namespace is not yours (uid %u); give one that you made, or "
		 "run as root", client);
	return -EPERM;
}

/*
 * Safe: the namespace was checked just above; names, addresses and sizes are ours or range-checked
 * (control.c). Only the port namespace and the given one are touched.
 */
int priv_open_link(const struct link_spec *spec, struct link *ret_link, char *why)
{
	int r = priv_check_netns(spec->netns, why);

	return r < 0 ? r : link_open(spec, ret_link, why);
}

/* Safe: it removes what priv_open_link() made and recorded; nobody names an interface to us. */
void priv_close_link(struct link *l)
{
	link_close(l);
}

/* Safe: reads counters of our own map. */
void priv_gate_drops(const struct link *l, uint64_t ret_counts[DROP_REASON_MAX])
{
	link_gate_drops(l, ret_counts);
}

/*
 * Safe: as for egress; the worker gets its own end of one socket pair, and /dev/null in every other low
 * slot, so that no descriptor it is handed later can take a low number. What belongs to a sandbox it gets when
 * it is given one, once; nothing of another sandbox.
 */
int priv_start_worker(const char *path, int supervise_fd, struct child *ret_child)
{
	const struct spawn_fd fds[] = { { supervise_fd, PROTO_FD_SUPERVISE } };
	const struct spawn_plan plan = {
		.path = path, .fds = fds, .n_fds = 1, .slots_end = PROTO_FD_FIRST_FREE,
	};

	return spawn_child(&plan, ret_child);
}

/* Safe: the pid is our own child's and has not been reaped, so it cannot be another process by now. */
void priv_kill(struct child *c)
{
	spawn_kill(c);
}
