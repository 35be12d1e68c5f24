/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: one sandbox from PROTO_CREATE to its end. Runs in netd.
 *
 * Theory of operation. Making: egress is told, the link is made while it reads the policy, then a worker
 * gets both, in this order, so that the worker finds a decider that knows the policy, and the cli hears
 * CREATED only when the worker has confined itself. The worker was started before (spare.c). Orderly end:
 * worker, egress, link, so that egress hears the end of every flow before it writes the report; the cli is told
 * before the link, which takes the kernel longest, and by then leads nowhere. Failure:
 * worker and link at once, so that nothing leaves, and then egress's report of what had happened.
 * Every wait has a deadline; what misses it is killed or left behind, and the end goes on.
 *
 *	FREE -> ADDING -> STARTING -> LIVE -> STOPPING -> REPORTING -> FREE
 *	           \________\__________\_______/^             (failure: worker killed, link closed first)
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "netd/netd.h"
#include "netd/priv.h"

static const char *const state_text[] = {
	[SANDBOX_FREE] = "FREE",	 [SANDBOX_ADDING] = "ADDING",
	[SANDBOX_STARTING] = "STARTING", [SANDBOX_LIVE] = "LIVE",
	[SANDBOX_STOPPING] = "STOPPING", [SANDBOX_REPORTING] = "REPORTING",
};

/* next[from] holds a bit for every state that may follow. */
static const uint8_t next[] = {
	[SANDBOX_FREE] = 1 << SANDBOX_ADDING,
	[SANDBOX_ADDING] = 1 << SANDBOX_STARTING | 1 << SANDBOX_STOPPING,
	[SANDBOX_STARTING] = 1 << SANDBOX_LIVE | 1 << SANDBOX_STOPPING,
	[SANDBOX_LIVE] = 1 << SANDBOX_STOPPING,
	[SANDBOX_STOPPING] = 1 << SANDBOX_REPORTING,
	[SANDBOX_REPORTING] = 1 << SANDBOX_FREE,
};

static void set_state(struct netd *n, struct sandbox *sb, enum sandbox_state state, uint64_t ms)
{
	assert(next[sb->state] & (1 << state));
	log_debug("sandbox %u %s -> %s", sb->number, state_text[sb->state], state_text[state]);
	sb->state = state;
	sb->deadline = ms ? n->now + ms * NS_PER_MS : 0;
}

struct sandbox *sandbox_find(struct netd *n, uint32_t number)
{
	for (size_t i = 0; number && i < NETD_SANDBOXES_MAX; i++) {
		if (n->sandboxes[i].number == number)
			return &n->sandboxes[i];
	}
	return NULL;
}

bool sandbox_any(const struct netd *n)
{
	for (size_t i = 0; i < NETD_SANDBOXES_MAX; i++) {
		if (n->sandboxes[i].state != SANDBOX_FREE)
			return true;
	}
	return false;
}

/* ---- the end ----------------------------------------------------------------------------------------- */

static void cut_link(struct sandbox *sb)
{
	if (sb->linked)
		priv_close_link(&sb->link);
	sb->linked = false;
}

static void forget_worker(struct netd *n, struct sandbox *sb)
{
	if (sb->supervise_fd >= 0)
		netd_unwatch(n, sb->supervise_fd);
	fd_close(&sb->supervise_fd);
	fd_close(&sb->ask_fd);
	fd_close(&sb->pcap_fd);
	if (sb->worker.pidfd >= 0)
		netd_unwatch(n, sb->worker.pidfd);
	if (sb->worker.log_fd >= 0)
		netd_unwatch(n, sb->worker.log_fd);
	relay_drain(&sb->relay, sb->worker.log_fd);
	spawn_forget(&sb->worker);
}

static void finish(struct netd *n, struct sandbox *sb)
{
	/* A namespace that stays is without the link when the cli hears of it. */
	if (sb->want.flags & PROTO_ATTACH)
		cut_link(sb);
	control_over(n, sb, true);
	netd_let_go(n);
	cut_link(sb);
	set_state(n, sb, SANDBOX_FREE, 0);
	sb->number = 0;
}

/* The worker is gone (or past waiting for). */
static void report(struct netd *n, struct sandbox *sb)
{
	forget_worker(n, sb);
	set_state(n, sb, SANDBOX_REPORTING, NETD_REPORT_MS);
	if (!sb->in_egress || decider_end(n, sb->number) < 0)
		finish(n, sb);
}

static void stop(struct netd *n, struct sandbox *sb, bool kill_now)
{
	struct proto_stack_stop m;

	PROTO_INIT(&m, PROTO_STACK_STOP);
	set_state(n, sb, SANDBOX_STOPPING, kill_now ? NETD_KILL_MS : NETD_STOP_MS);
	sb->killed = kill_now;
	if (!sb->worker.pid) {
		report(n, sb);
		return;
	}
	if (kill_now || msg_send(sb->supervise_fd, &m, sizeof(m), NULL, 0) < 0)
		priv_kill(&sb->worker);
}

void sandbox_end(struct netd *n, struct sandbox *sb)
{
	if (sb->state == SANDBOX_STOPPING || sb->state == SANDBOX_REPORTING)
		return;
	stop(n, sb, sb->state != SANDBOX_LIVE);
}

void sandbox_fail(struct netd *n, struct sandbox *sb, const char *fmt, ...)
{
	bool was_created = sb->state == SANDBOX_LIVE;
	va_list ap;

	if (sb->state == SANDBOX_STOPPING || sb->state == SANDBOX_REPORTING)
		return;
	va_start(ap, fmt);
	vsnprintf(sb->why, sizeof(sb->why), fmt, ap);
	va_end(ap);
	priv_kill(&sb->worker);
	cut_link(sb);
	control_over(n, sb, was_created);
	stop(n, sb, true);
}

void sandbox_egress_gone(struct netd *n, struct sandbox *sb)
{
	sb->in_egress = false;
	if (sb->state == SANDBOX_REPORTING)
		finish(n, sb);
	else
		sandbox_fail(n, sb, "%s", n->decider.why);
}

/* ---- making ------------------------------------------------------------------------------------------ */

static struct sandbox *free_slot(struct netd *n)
{
	for (size_t i = 0; i < NETD_SANDBOXES_MAX; i++) {
		struct sandbox *sb = &n->sandboxes[i];

		if (sb->state != SANDBOX_FREE)
			continue;
		memset(sb, 0, sizeof(*sb));
		sb->worker = CHILD_NONE;
		sb->supervise_fd = sb->ask_fd = sb->pcap_fd = -1;
		return sb;
	}
	return NULL;
}

static int make_link(const struct netd *n, struct sandbox *sb, int netns, char *why)
{
	const struct link_spec spec = {
		.sandbox = sb->number,
		.netns = netns,
		.want = (enum proto_port)sb->want.port,
		.xdp_mode = sb->want.xdp_mode,
		.mtu = sb->want.mtu,
		.attach = (sb->want.flags & PROTO_ATTACH) != 0,
		.alone = n->pooled || (sb->want.flags & PROTO_ATTACH) != 0,
	};
	char text[PROTO_TEXT_CAP] = "";
	int r = priv_open_link(&spec, &sb->link, text);

	if (r < 0) {
		memcpy(why, text, sizeof(text));
		if (!*why)
			snprintf(why, PROTO_TEXT_CAP, "cannot make the link: %s", strerror(-r));
		return r;
	}
	sb->linked = true;
	memcpy(sb->link_text, text, sizeof(text));
	return 0;
}

/* Gives egress its end of the ask socket, the policy, the report socket and the events. */
static int tell_egress(struct netd *n, struct sandbox *sb, const struct sandbox_fds *fds, char *why)
{
	int pair[2];
	int r = msg_pair(pair);

	if (r == 0) {
		const int pass[] = { pair[0], fds->policy, fds->report, fds->events };

		r = decider_add(n, sb, pass, sb->want.flags & PROTO_HAS_EVENTS ? 4 : 3);
		close(pair[0]);
		sb->ask_fd = pair[1];
	}
	if (r < 0) {
		if (r == -EPIPE || r == -ECONNRESET)
			decider_settle(n);
		snprintf(why, PROTO_TEXT_CAP, "%s", n->decider.fd < 0 ? n->decider.why :
			 "cannot hand the policy to egress");
	}
	return r;
}

int sandbox_create(struct netd *n, const struct proto_create *want, const struct sandbox_fds *fds,
		   char *why)
{
	struct sandbox *sb = free_slot(n);
	int r;

	if (!sb) {
		snprintf(why, PROTO_TEXT_CAP, "%d sandboxes run already; end one first",
			 NETD_SANDBOXES_MAX);
		return -EBUSY;
	}
	sb->want = *want;
	sb->number = ++n->next_number;
	if (fds->pcap >= 0) {
		sb->pcap_fd = fcntl(fds->pcap, F_DUPFD_CLOEXEC, 0);
		if (sb->pcap_fd < 0) {
			r = -errno;
			snprintf(why, PROTO_TEXT_CAP, "cannot keep the packet log: %s", strerror(-r));
			goto err_slot;
		}
	}
	r = tell_egress(n, sb, fds, why);
	if (r < 0)
		goto err_slot;
	sb->in_egress = true;
	set_state(n, sb, SANDBOX_ADDING, NETD_START_MS);
	if (make_link(n, sb, fds->netns, why) < 0)
		sandbox_fail(n, sb, "%s", why);
	return 0;

err_slot:
	fd_close(&sb->ask_fd);
	fd_close(&sb->pcap_fd);
	sb->number = 0;
	return r;
}

/* A flow is a descriptor in the worker; more flows than descriptors would be failures of another kind. */
static uint32_t flows_that_fit(uint32_t want)
{
	enum { OTHER_FDS = 64 };
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_max == RLIM_INFINITY ||
	    l.rlim_max >= want + OTHER_FDS)
		return want;
	log_warn("the limit on open files (ulimit -Hn: %lu) has room for fewer than %u flows, "
		 "taking what it has", (unsigned long)l.rlim_max, want);
	return l.rlim_max > 2 * OTHER_FDS ? (uint32_t)l.rlim_max - OTHER_FDS : OTHER_FDS;
}

static int fill_config(const struct sandbox *sb, struct proto_stack_config *m)
{
	static const uint8_t gw_mac[6] = LINK_GW_MAC, sb_mac[6] = LINK_SB_MAC;
	const struct link *l = &sb->link;

	PROTO_INIT(m, PROTO_STACK_CONFIG);
	m->sandbox = sb->number;
	m->flags = sb->want.flags;
	m->port = (uint8_t)l->kind;
	m->xdp_native = l->xdp_native;
	m->xdp_multibuf = l->xdp_multibuf;
	m->mtu = l->mtu;
	m->umem_frames = l->umem_frames;
	m->umem_frame_size = l->umem_frame_size;
	m->ring_size = l->ring_size;
	m->flows_max = flows_that_fit(sb->want.flows_max ? sb->want.flows_max : NETD_FLOWS_DEFAULT);
	m->flows_per_s = sb->want.flows_per_s;
	m->port_ifindex = (uint32_t)l->ifindex;
	memcpy(m->gw_mac, gw_mac, sizeof(gw_mac));
	memcpy(m->sb_mac, sb_mac, sizeof(sb_mac));
	memcpy(m->label, sb->want.label, sizeof(m->label));
	if (addr_parse(LINK_GW4, &m->gw4) < 0 || addr_parse(LINK_SB4, &m->sb4) < 0 ||
	    addr_parse(LINK_GW6, &m->gw6) < 0 || addr_parse(LINK_SB6, &m->sb6) < 0)
		return -EINVAL;
	return 0;
}

/* Gives the worker its configuration and descriptors: see struct proto_stack_config. */
static int send_config(const struct sandbox *sb, int supervise_fd)
{
	struct proto_stack_config config;
	int fds[MSG_MAX_FDS] = { sb->ask_fd, sb->link.port_fd };
	size_t n_fds = 2;
	int r = fill_config(sb, &config);

	if (r < 0)
		return r;
	if (sb->link.kind == PROTO_PORT_XDP) {
		fds[n_fds++] = sb->link.tx_fd;
		fds[n_fds++] = sb->link.umem_fd;
	}
	if (sb->pcap_fd >= 0)
		fds[n_fds++] = sb->pcap_fd;
	return msg_send(supervise_fd, &config, sizeof(config), fds, n_fds);
}

/* Takes a worker; the descriptors that are the worker's alone are closed here, whether it worked or not. */
static int start_worker(struct netd *n, struct sandbox *sb)
{
	struct spare s;
	int r;

	/* Twice: the first may have died while nobody needed it. */
	for (int i = 0; i < 2; i++) {
		r = spare_take(n, &s);
		if (r < 0)
			break;
		r = send_config(sb, s.supervise_fd);
		if (r == 0)
			break;
		spare_drop(&s);
		if (r != -EPIPE && r != -ECONNRESET)
			break;
	}
	fd_close(&sb->ask_fd);
	fd_close(&sb->pcap_fd);
	if (r < 0)
		return r;
	sb->worker = s.child;
	sb->supervise_fd = s.supervise_fd;
	relay_init(&sb->relay, "sluice-stack");
	r = netd_watch(n, sb->supervise_fd, SOURCE_WORKER, sb->number);
	if (r == 0)
		r = netd_watch(n, sb->worker.pidfd, SOURCE_WORKER_END, sb->number);
	if (r == 0)
		r = netd_watch(n, sb->worker.log_fd, SOURCE_WORKER_LOG, sb->number);
	return r;
}

/* ---- a new policy ------------------------------------------------------------------------------------ */

const char *sandbox_set_policy(struct netd *n, struct sandbox *sb, int policy)
{
	if (sb->state != SANDBOX_LIVE)
		return "the sandbox is not running; set its policy when it is";
	if (sb->setting)
		return "another policy is being set; try again when that is done";
	if (decider_set(n, sb->number, policy) < 0)
		return "cannot hand the policy to egress; try again";
	sb->setting = true;
	sb->deadline = n->now + NETD_POLICY_MS * NS_PER_MS;
	return NULL;
}

void sandbox_policy_state(struct netd *n, struct sandbox *sb, const struct proto_policy_state *m)
{
	/* Of an ending one nobody waits for it any more. */
	if (!sb->setting || sb->state != SANDBOX_LIVE)
		return;
	sb->setting = false;
	sb->deadline = 0;
	control_policy_state(n, m);
}

/* ---- egress ------------------------------------------------------------------------------------------ */

void sandbox_egress_state(struct netd *n, struct sandbox *sb, const struct proto_sandbox_state *m)
{
	int r;

	switch ((enum proto_state)m->state) {
	case PROTO_READY:
		if (sb->state != SANDBOX_ADDING)
			return;
		set_state(n, sb, SANDBOX_STARTING, NETD_START_MS);
		r = start_worker(n, sb);
		if (r < 0)
			sandbox_fail(n, sb, "cannot start %.300s: %s", n->stack_path, strerror(-r));
		return;
	case PROTO_GONE:
		sb->in_egress = false;
		if (sb->state == SANDBOX_REPORTING)
			finish(n, sb);
		else
			sandbox_fail(n, sb, "egress ended the sandbox: %.400s", m->text);
		return;
	case PROTO_FAILED:
		/* Refused, it is not there. Cut off later, it still owes its report, and then PROTO_GONE. */
		if (sb->state == SANDBOX_ADDING)
			sb->in_egress = false;
		sandbox_fail(n, sb, "%s", m->text);
		return;
	}
}

/* ---- the worker -------------------------------------------------------------------------------------- */

void sandbox_get_stats(struct sandbox *sb)
{
	struct proto_stats_get m;

	if (sb->state != SANDBOX_LIVE || sb->asking_stats)
		return;
	PROTO_INIT(&m, PROTO_STATS_GET);
	sb->asking_stats = msg_send(sb->supervise_fd, &m, sizeof(m), NULL, 0) == 0;
}

/* Numbers are all it can say; whose they are we say, and what never came to it. */
static void take_stats(struct netd *n, struct sandbox *sb, struct proto_stats *m)
{
	static uint64_t gate[DROP_REASON_MAX];	/* beside a message, the stack would be large */

	sb->asking_stats = false;
	m->sandbox = sb->number;
	priv_gate_drops(&sb->link, gate);
	for (uint16_t reason = DROP_REASON_MAX - 1; reason > 0; reason--) {
		if (gate[reason])
			proto_stats_drop(m, reason, gate[reason]);
	}
	if (sb->state == SANDBOX_LIVE)
		control_stats(n, m);
}

void sandbox_worker_input(struct netd *n, struct sandbox *sb)
{
	_Alignas(8) char buf[PROTO_MSG_MAX];
	const struct proto_stack_state *m = (const struct proto_stack_state *)buf;
	ssize_t len;

	if (sb->supervise_fd < 0)
		return;
	len = msg_recv(sb->supervise_fd, buf, sizeof(buf), NULL, NULL);
	if (len == -EAGAIN)
		return;
	if (len == 0) {
		/* It is ending, or else must; its pidfd tells how in a moment. */
		netd_unwatch(n, sb->supervise_fd);
		priv_kill(&sb->worker);
		return;
	}
	if (len > 0 && proto_check(buf, (size_t)len) == 0 && proto_type(buf) == PROTO_STATS && sb->asking_stats) {
		take_stats(n, sb, (struct proto_stats *)buf);
		return;
	}
	if (len < 0 || proto_check(buf, (size_t)len) < 0 || proto_type(buf) != PROTO_STACK_STATE) {
		sandbox_fail(n, sb, "the worker (sluice-stack) sent a malformed message and was killed");
		return;
	}
	if (m->state == PROTO_FAILED) {
		sandbox_fail(n, sb, "%s", m->text);
	} else if (m->state == PROTO_READY && sb->state == SANDBOX_STARTING) {
		set_state(n, sb, SANDBOX_LIVE, 0);
		control_created(n, sb);
		priv_cool();
	}
}

void sandbox_worker_ended(struct netd *n, struct sandbox *sb)
{
	char how[PROTO_TEXT_CAP];

	if (!spawn_reap(&sb->worker, how))
		return;
	/* Its last message may say why, better than its exit status does. */
	for (int i = 0; i < 4 && sb->state != SANDBOX_STOPPING; i++)
		sandbox_worker_input(n, sb);
	if (sb->state != SANDBOX_STOPPING && sb->state != SANDBOX_REPORTING)
		sandbox_fail(n, sb, "the worker (sluice-stack) died%s%.300s", *how ? ": " : "", how);
	else if (sb->state == SANDBOX_STOPPING)
		report(n, sb);
}

void sandbox_worker_log(struct netd *n, struct sandbox *sb)
{
	if (sb->worker.log_fd < 0 || relay_input(&sb->relay, sb->worker.log_fd))
		return;
	netd_unwatch(n, sb->worker.log_fd);
	fd_close(&sb->worker.log_fd);
}

/* ---- time -------------------------------------------------------------------------------------------- */

static void late(struct netd *n, struct sandbox *sb)
{
	sb->deadline = 0;
	switch (sb->state) {
	case SANDBOX_ADDING:
		sandbox_fail(n, sb, "egress did not take the policy within %d s", NETD_START_MS / 1000);
		break;
	case SANDBOX_STARTING:
		sandbox_fail(n, sb, "the worker (sluice-stack) was not ready within %d s",
			     NETD_START_MS / 1000);
		break;
	case SANDBOX_STOPPING:
		if (!sb->killed) {
			log_warn("sandbox %u: the worker does not stop, killing it", sb->number);
			sb->killed = true;
			sb->deadline = n->now + NETD_KILL_MS * NS_PER_MS;
			priv_kill(&sb->worker);
		} else {
			log_warn("sandbox %u: the worker cannot be killed, going on", sb->number);
			report(n, sb);
		}
		break;
	case SANDBOX_REPORTING:
		log_warn("sandbox %u: egress writes no report, going on without", sb->number);
		finish(n, sb);
		break;
	case SANDBOX_LIVE:
		/* Which policy is in force nobody knows then. */
		sandbox_fail(n, sb, "egress did not take the new policy within %d s", NETD_POLICY_MS / 1000);
		break;
	case SANDBOX_FREE:
		break;
	}
}

uint64_t sandbox_tick(struct netd *n)
{
	uint64_t first = 0;

	for (size_t i = 0; i < NETD_SANDBOXES_MAX; i++) {
		struct sandbox *sb = &n->sandboxes[i];

		if (sb->deadline && sb->deadline <= n->now)
			late(n, sb);
		if (sb->deadline && (!first || sb->deadline < first))
			first = sb->deadline;
	}
	return first;
}
