/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view: "WORD=VALUE,..." of --time-offset and --proc, ranges of ids and names of capabilities to numbers and
 * words. Runs as the caller.
 */
#include "cli/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>

#include "cli/limits.h"
#include "lib/cleanup.h"
#include "lib/clock.h"

#define OFFSET_MAX_S 4000000000ull	/* 126 years; what the kernel takes ends at 146 */

static const char *const hidepids[] = { "off", "noaccess", "invisible", "ptraceable" };

static int bad(char *why, const char *text)
{
	snprintf(why, VIEW_WHY_CAP, "%s", text);
	return -EINVAL;
}

/* [-+]SECONDS with a fraction, in nanoseconds. */
static bool offset(const char *text, int64_t *ret_ns)
{
	bool minus = *text == '-';
	uint64_t n;

	if (!limits_fraction(text + (minus || *text == '+'), NS_PER_S, OFFSET_MAX_S, &n))
		return false;
	*ret_ns = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

static int set_time(struct jail_view *v, const char *word, const char *value, char *why)
{
	int64_t *at = strcmp(word, "monotonic") == 0 ? &v->monotonic_ns :
		strcmp(word, "boottime") == 0 ? &v->boottime_ns : NULL;

	if (!at || !value || !offset(value, at))
		return bad(why, "not clocks and seconds; give monotonic=SECONDS,boottime=SECONDS, like boottime=-3600.5");
	return 0;
}

static int set_proc(struct jail_view *v, const char *word, const char *value, char *why)
{
	for (size_t i = 0; value && strcmp(word, "hidepid") == 0 && i < sizeof(hidepids) / sizeof(hidepids[0]); i++) {
		if (strcmp(value, hidepids[i]) == 0) {
			v->hidepid = hidepids[i];
			return 0;
		}
	}
	if (!value || strcmp(word, "subset") != 0 || strcmp(value, "pid") != 0)
		return bad(why, "not known; give hidepid=off, noaccess, invisible or ptraceable, and subset=pid");
	v->proc_subset = true;
	return 0;
}

/* INSIDE:OUTSIDE:COUNT */
static int set_range(struct jail_ranges *ranges, const char *text, char *why)
{
	cleanup_free char *copy = strdup(text);
	uint64_t n[3];
	char *save = NULL, *at = copy;

	if (ranges->n == JAIL_RANGES_MAX)
		return bad(why, "more than 16 ranges; give fewer");
	for (size_t i = 0; i < 3; i++) {
		const char *word = at ? strtok_r(at, ":", &save) : NULL;

		if (!word || !limits_count(word, &n[i]) || n[i] >= UINT32_MAX)
			return bad(why, "not a range; give INSIDE:OUTSIDE:COUNT, like 0:100000:65536");
		at = save;
	}
	if ((at && *at) || !n[2] || n[0] + n[2] >= UINT32_MAX || n[1] + n[2] >= UINT32_MAX)
		return bad(why, "not a range; give INSIDE:OUTSIDE:COUNT, like 0:100000:65536");
	ranges->list[ranges->n++] = (struct jail_range){ (uint32_t)n[0], (uint32_t)n[1], (uint32_t)n[2] };
	return 0;
}

static int set_cap(struct jail_view *v, const char *text, char *why)
{
	char name[48];
	cap_value_t c;

	snprintf(name, sizeof(name), "%s%.32s", strncmp(text, "cap_", 4) == 0 ? "" : "cap_", text);
	if (cap_from_name(name, &c) < 0 || c < 0 || c >= 64)
		return bad(why, "no such capability; give one, like setuid or chown, see capabilities(7)");
	v->caps |= 1ull << c;
	return 0;
}

void view_complete(struct jail_view *v)
{
	uid_t uid;
	gid_t gid;

	if (!v->uids.n == !v->gids.n)
		return;
	jail_default_ids(&uid, &gid);
	if (!v->uids.n)
		v->uids = (struct jail_ranges){ 1, { { uid, uid, 1 } } };
	else
		v->gids = (struct jail_ranges){ 1, { { gid, gid, 1 } } };
}

bool view_is_option(const char *name)
{
	static const char *const names[] = { "--time-offset", "--proc", "--uid-map", "--gid-map", "--cap-add" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static int set_words(struct jail_view *v, const char *name, const char *text, char *why)
{
	cleanup_free char *copy = strdup(text);
	char *save = NULL;
	int r = copy && *copy ? 0 : bad(why, "nothing; see --help");

	for (char *word = copy ? strtok_r(copy, ",", &save) : NULL; r == 0 && word; word = strtok_r(NULL, ",", &save)) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		r = strcmp(name, "--proc") == 0 ? set_proc(v, word, value, why) : set_time(v, word, value, why);
	}
	return r;
}

int view_set(struct jail_view *v, const char *name, const char *value, char *why)
{
	if (strcmp(name, "--uid-map") == 0 || strcmp(name, "--gid-map") == 0)
		return set_range(name[2] == 'u' ? &v->uids : &v->gids, value, why);
	if (strcmp(name, "--cap-add") == 0)
		return set_cap(v, value, why);
	return set_words(v, name, value, why);
}
