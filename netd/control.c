/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control: the cli's requests, checked field by field, and what it is told. Runs in netd.
 *
 * A request that is not a message of ours drops the client, and with it its sandboxes. A request that is
 * one, but asks for what cannot be, is answered with one line: what, why, what to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "netd/netd.h"
#include "netd/priv.h"

enum {
	MTU_MIN = 1280,		/* RFC 8200 s. 5 */
	MTU_MAX = 65535,
};

void control_drop(struct netd *n)
{
	if (n->control_fd >= 0)
		netd_unwatch(n, n->control_fd);
	fd_close(&n->control_fd);
	n->stopping = true;
	for (size_t i = 0; i < NETD_SANDBOXES_MAX; i++) {
		if (n->sandboxes[i].state != SANDBOX_FREE)
			sandbox_end(n, &n->sandboxes[i]);
	}
}

/* ---- answers ----------------------------------------------------------------------------------------- */

static void answer(struct netd *n, const void *m, size_t len)
{
	if (n->control_fd < 0)
		return;
	/* A client that does not read is no client; its EOF or its end follows. */
	if (msg_send(n->control_fd, m, len, NULL, 0) < 0)
		log_debug("the client does not read its answers");
}

void control_error(struct netd *n, uint32_t number, const char *text)
{
	struct proto_error m;

	PROTO_INIT(&m, PROTO_ERROR);
	m.sandbox = number;
	snprintf(m.text, sizeof(m.text), "%s", text);
	answer(n, &m, sizeof(m));
}

void control_created(struct netd *n, const struct sandbox *sb)
{
	struct proto_created m;

	PROTO_INIT(&m, PROTO_CREATED);
	m.sandbox = sb->number;
	m.port = (uint8_t)sb->link.kind;
	m.mtu = sb->link.mtu;
	/* These are constants; they parse. */
	if (addr_parse(LINK_GW4, &m.gw4) < 0 || addr_parse(LINK_SB4, &m.sb4) < 0 ||
	    addr_parse(LINK_GW6, &m.gw6) < 0 || addr_parse(LINK_SB6, &m.sb6) < 0)
		return;
	memcpy(m.text, sb->link_text, sizeof(m.text));
	m.text[sizeof(m.text) - 1] = '\0';
	answer(n, &m, sizeof(m));
}

void control_over(struct netd *n, struct sandbox *sb, bool was_created)
{
	struct proto_ended m;

	if (sb->told)
		return;
	sb->told = true;
	if (!was_created) {
		control_error(n, 0, sb->why);
		return;
	}
	PROTO_INIT(&m, PROTO_ENDED);
	m.sandbox = sb->number;
	memcpy(m.text, sb->why, sizeof(m.text));
	answer(n, &m, sizeof(m));
}

/* ---- PROTO_CREATE -------------------------------------------------------------------------------------- */

static bool all_zero(const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (b[i])
			return false;
	}
	return true;
}

static bool label_ok(const char *label)
{
	size_t n = strnlen(label, PROTO_LABEL_CAP);

	return n > 0 && n < PROTO_LABEL_CAP &&
	       strspn(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

/* Address and port together or neither, and no gap. */
static bool resolvers_ok(const struct proto_resolver *r)
{
	bool last = false;

	for (int i = 0; i < PROTO_RESOLVERS_MAX; i++) {
		bool none = all_zero(r[i].addr.b, sizeof(r[i].addr.b));

		if (none != (r[i].port == 0) || (last && !none) || !all_zero(r[i].zero, sizeof(r[i].zero)))
			return false;
		last = none;
	}
	return true;
}

/* NULL when every field makes sense. */
static const char *wrong_field(const struct proto_create *m)
{
	const uint32_t known = PROTO_HAS_EVENTS | PROTO_HAS_PCAP | PROTO_QUIET | PROTO_ATTACH;

	if (m->version != PROTO_VERSION)
		return "sluice and sluice-netd are of different versions; install them together";
	if ((m->flags & ~known) || !all_zero(m->zero, sizeof(m->zero)))
		return "the request has unknown flags; install sluice and sluice-netd together";
	if (m->mtu && (m->mtu < MTU_MIN || m->mtu > MTU_MAX))
		return "the MTU is out of range; give 1280 to 65535";
	if (m->flows_max > NETD_FLOWS_MAX)
		return "too many flows; give at most 65536";
	if (!label_ok(m->label))
		return "the name is not one; use 1 to 63 letters, digits, '.', '_' or '-'";
	if (!resolvers_ok(m->resolvers))
		return "a resolver needs an address and a port";
	return NULL;
}

/* What egress reads may neither block nor change under its hands: memory that is sealed. */
static bool is_policy_file(int fd)
{
	const int want = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & want) == want;
}

static bool is_message_socket(int fd)
{
	int type = 0, domain = 0;
	socklen_t len = sizeof(type), dlen = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET &&
	       getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &dlen) == 0 && domain == AF_UNIX;
}

static bool is_writable_log(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_RDONLY &&
	       fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode) && !S_ISBLK(st.st_mode);
}

static const char not_sealed[] = "the policy descriptor is not a sealed memfd; install sluice and sluice-netd "
				 "together";

/* Sorts the descriptors into their roles. NULL, or what is wrong. */
static const char *wrong_fds(uint32_t flags, const int *fds, size_t n, struct sandbox_fds *ret)
{
	size_t want = 3u + !!(flags & PROTO_HAS_EVENTS) + !!(flags & PROTO_HAS_PCAP);
	size_t i = 3;

	if (n != want)
		return "the request has the wrong number of descriptors";
	*ret = (struct sandbox_fds){ fds[0], fds[1], fds[2], -1, -1 };
	if (flags & PROTO_HAS_EVENTS)
		ret->events = fds[i++];
	if (flags & PROTO_HAS_PCAP)
		ret->pcap = fds[i];
	if (!is_policy_file(ret->policy))
		return not_sealed;
	if (!is_message_socket(ret->report))
		return "the report descriptor is not a message socket";
	if (ret->events >= 0 && !is_writable_log(ret->events))
		return "the event log cannot be written; give a file, not a directory";
	if (ret->pcap >= 0 && !is_writable_log(ret->pcap))
		return "the packet log cannot be written; give a file, not a directory";
	return NULL;
}

static void create(struct netd *n, const struct proto_create *m, const int *fds, size_t n_fds)
{
	struct sandbox_fds roles;
	char why[PROTO_TEXT_CAP] = "";
	const char *wrong = wrong_field(m);

	if (!wrong)
		wrong = wrong_fds(m->flags, fds, n_fds, &roles);
	if (wrong) {
		control_error(n, 0, wrong);
		return;
	}
	if (n->decider.fd < 0) {
		control_error(n, 0, n->decider.why);
		return;
	}
	/* Limits are counted by client. */
	if (n->pooled && sandbox_any(n)) {
		control_error(n, 0, "one connection serves one sandbox; open another");
		return;
	}
	if (priv_check_netns(roles.netns, why) < 0 ||
	    (n->pooled && priv_check_owner(roles.netns, n->client, why) < 0) ||
	    sandbox_create(n, m, &roles, why) < 0)
		control_error(n, 0, why);
}

/* ---- PROTO_POLICY_SET ---------------------------------------------------------------------------------- */

void control_policy_state(struct netd *n, const struct proto_policy_state *m)
{
	answer(n, m, sizeof(*m));
}

static void set_policy(struct netd *n, const struct proto_policy_set *m, const int *fds, size_t n_fds)
{
	struct sandbox *sb = sandbox_find(n, m->sandbox);
	const char *wrong = NULL;

	if (m->zero || n_fds != 1)
		wrong = "the request has unknown fields; install sluice and sluice-netd together";
	else if (!is_policy_file(fds[0]))
		wrong = not_sealed;
	else if (!sb)
		wrong = "there is no such sandbox";
	else
		wrong = sandbox_set_policy(n, sb, fds[0]);
	if (wrong)
		control_error(n, m->sandbox, wrong);
}

/* ---- PROTO_STATS_GET ----------------------------------------------------------------------------------- */

void control_stats(struct netd *n, const struct proto_stats *m)
{
	answer(n, m, sizeof(*m));
}

static void get_stats(struct netd *n, const struct proto_stats_get *m)
{
	struct sandbox *sb = sandbox_find(n, m->sandbox);

	/* No answer is one too: PROTO_ERROR is that of a policy, and a worker may say nothing at all. */
	if (sb)
		sandbox_get_stats(sb);
}

/* ---- input --------------------------------------------------------------------------------------------- */

/* False: not a request of ours. */
static bool dispatch(struct netd *n, const void *buf, size_t len, const int *fds, size_t n_fds)
{
	struct sandbox *sb;

	if (proto_check(buf, len) < 0)
		return false;
	if (proto_type(buf) == PROTO_CREATE) {
		create(n, buf, fds, n_fds);
		return true;
	}
	if (proto_type(buf) == PROTO_POLICY_SET) {
		set_policy(n, buf, fds, n_fds);
		return true;
	}
	if (proto_type(buf) == PROTO_STATS_GET && !n_fds) {
		get_stats(n, buf);
		return true;
	}
	if (proto_type(buf) != PROTO_END || n_fds)
		return false;

	const struct proto_end *m = buf;

	if (m->sandbox == 0 || m->sandbox > n->next_number)
		return false;
	/* None: it ended by itself, and the cli's request crossed our message. */
	sb = sandbox_find(n, m->sandbox);
	if (sb)
		sandbox_end(n, sb);
	return true;
}

void control_input(struct netd *n)
{
	static _Alignas(8) char buf[PROTO_MSG_MAX];
	int fds[MSG_MAX_FDS];
	size_t n_fds = MSG_MAX_FDS;
	ssize_t len;
	bool ok;

	if (n->control_fd < 0)
		return;
	len = msg_recv(n->control_fd, buf, sizeof(buf), fds, &n_fds);
	if (len == -EAGAIN)
		return;
	if (len <= 0) {
		control_drop(n);
		return;
	}
	ok = dispatch(n, buf, (size_t)len, fds, n_fds);
	while (n_fds)
		close(fds[--n_fds]);
	if (!ok) {
		log_warn("malformed request, ending this client's sandboxes");
		control_drop(n);
	}
}
