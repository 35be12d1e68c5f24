/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ids: which user the program is, outside and inside.
 *
 * Root chooses: the user that called sudo, or nobody. The id has the same number inside. An
 * ordinary user is alone in a user namespace where it is root ("0 1000 1"): there the program runs
 * as that one id, and sees its own number again. With ranges the program's namespace has those, and the
 * id is one of them.
 */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOBODY = 65534 };

struct id_map {
	unsigned long inside, outside, count;	/* of the first extent */
	unsigned int extents;
};

static int read_map(const char *path, struct id_map *ret_map)
{
	struct id_map m = { 0, 0, 0, 0 };
	unsigned long a, b, c;
	FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	while (fscanf(f, "%lu %lu %lu", &a, &b, &c) == 3) {
		if (m.extents++ == 0) {
			m.inside = a;
			m.outside = b;
			m.count = c;
		}
	}
	fclose(f);
	*ret_map = m;
	return 0;
}

/* True in a namespace that holds its maker alone. */
static bool is_single(const struct id_map *m)
{
	return m->extents == 1 && m->count == 1;
}

/* A decimal id from the environment; sudo writes nothing else. */
static bool env_id(const char *name, uint32_t *ret_id)
{
	const char *v = getenv(name);
	unsigned long long n;
	char *end;

	if (!v || v[0] < '0' || v[0] > '9' || strlen(v) > 10)
		return false;
	n = strtoull(v, &end, 10);
	if (*end || n >= UINT32_MAX)
		return false;
	*ret_id = (uint32_t)n;
	return true;
}

void jail_default_ids(uid_t *ret_uid, gid_t *ret_gid)
{
	struct id_map u, g;
	uint32_t uid, gid;

	if (read_map("/proc/self/uid_map", &u) == 0 && is_single(&u) &&
	    read_map("/proc/self/gid_map", &g) == 0 && is_single(&g)) {
		*ret_uid = (uid_t)u.outside;
		*ret_gid = (gid_t)g.outside;
		return;
	}
	*ret_uid = getuid();
	*ret_gid = getgid();
	if (geteuid() != 0)
		return;
	*ret_uid = NOBODY;
	*ret_gid = NOBODY;
	if (env_id("SUDO_UID", &uid) && env_id("SUDO_GID", &gid) && uid != 0) {
		*ret_uid = uid;
		*ret_gid = gid;
	}
}

uid_t jail_uid_outside(uid_t uid, const struct jail_ranges *uids)
{
	gid_t gid;

	if (uid == (uid_t)-1 && uids->n)
		uid = uids->list[0].inside;
	else if (uid == (uid_t)-1)
		jail_default_ids(&uid, &gid);
	if (!uids->n)
		return uid;
	for (size_t i = 0; i < uids->n; i++) {
		const struct jail_range *r = &uids->list[i];

		if (uid >= r->inside && uid - r->inside < r->count)
			return r->outside + (uid - r->inside);
	}
	return (uid_t)-1;
}

int ids_write(int fd, struct jail_id id, const struct jail_ranges *ranges)
{
	char text[JAIL_RANGES_MAX * 36];
	int len = 0;

	if (!ranges->n)
		len = snprintf(text, sizeof(text), "%" PRIu32 " %" PRIu32 " 1\n", id.inside, id.outside);
	for (size_t i = 0; i < ranges->n; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n",
				ranges->list[i].inside, ranges->list[i].outside, ranges->list[i].count);
	return write(fd, text, (size_t)len) == len ? 0 : -errno;
}

/* One id of the plan against the ranges, or against the caller's map. */
static int place(const struct id_map *m, const char *what, uint32_t want, const struct jail_ranges *ranges,
		 struct jail_id *ret_id, char *why)
{
	if (ranges->n) {
		*ret_id = (struct jail_id){ want, jail_uid_outside(want, ranges) };
		if (want != UINT32_MAX && ret_id->outside != UINT32_MAX)
			return 0;
		snprintf(why, JAIL_WHY_CAP, "the %s %" PRIu32 " is in none of the ranges; choose one that is with --uid",
			 what, want);
		return -EINVAL;
	}
	if (!is_single(m)) {
		*ret_id = (struct jail_id){ want, want };
		return 0;
	}
	if (want != m->outside) {
		snprintf(why, JAIL_WHY_CAP,
			 "an ordinary user can only run a program under its own %s (%lu, not %" PRIu32
			 "); run as root to choose another", what, m->outside, want);
		return -EPERM;
	}
	*ret_id = (struct jail_id){ (uint32_t)m->outside, (uint32_t)m->inside };
	return 0;
}

static bool setgroups_denied(void)
{
	char word[8] = "";
	int fd = open("/proc/self/setgroups", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, word, sizeof(word) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 && strncmp(word, "deny", 4) == 0;
}

int jail_ids(const struct jail_plan *plan, struct jail_setup *s, char *why)
{
	struct id_map u, g;
	uid_t uid;
	gid_t gid;
	int r;

	r = read_map("/proc/self/uid_map", &u);
	if (r == 0)
		r = read_map("/proc/self/gid_map", &g);
	if (r == 0 && (u.extents == 0 || g.extents == 0))
		r = -EINVAL;
	if (r < 0) {
		snprintf(why, JAIL_WHY_CAP, "cannot read /proc/self/uid_map: %s (is /proc mounted?)",
			 strerror(-r));
		return r;
	}
	jail_default_ids(&uid, &gid);
	uid = s->view->uids.n ? s->view->uids.list[0].inside : uid;
	gid = s->view->gids.n ? s->view->gids.list[0].inside : gid;
	if (plan->uid != (uid_t)-1)
		uid = plan->uid;
	if (plan->gid != (gid_t)-1)
		gid = plan->gid;
	s->keeps_groups = setgroups_denied();
	s->initial = u.extents == 1 && u.outside == 0 && u.count == UINT32_MAX;
	r = place(&u, "uid", uid, &s->view->uids, &s->uid, why);
	if (r == 0)
		r = place(&g, "gid", gid, &s->view->gids, &s->gid, why);
	if (r < 0)
		return r;

	if (s->uid.inside == 0) {
		s->user = "root";
		s->home = "/root";
	} else if (s->uid.inside == NOBODY) {
		s->user = "nobody";
		s->home = "/home/nobody";
	} else {
		s->user = "user";
		s->home = "/home/user";
	}
	return 0;
}
