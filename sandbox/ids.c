/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ids: which user the program is, outside and inside.
 *
 * Root chooses: the user that called sudo, or nobody. The id has the same number inside. An
 * ordinary user is alone in a user namespace where it is root ("0 1000 1"): there the program runs
 * as that one id, and sees its own number again.
 */
#include "sandbox/jail_internal.h"

#include <errno.h>
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

/* One id of the plan against the caller's map. */
static int place(const struct id_map *m, const char *what, uint32_t want, struct jail_id *ret_id,
		 char *why)
{
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
	if (plan->uid != (uid_t)-1)
		uid = plan->uid;
	if (plan->gid != (gid_t)-1)
		gid = plan->gid;
	s->single = is_single(&u);
	s->initial = u.extents == 1 && u.outside == 0 && u.count == UINT32_MAX;
	r = place(&u, "uid", uid, &s->uid, why);
	if (r == 0)
		r = place(&g, "gid", gid, &s->gid, why);
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
