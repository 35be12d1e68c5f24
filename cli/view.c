/* SPDX-License-Identifier: Apache-2.0 */
/* view: "WORD=VALUE,..." of --time-offset and --proc to numbers and words. Runs as the caller. */
#include "cli/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

bool view_is_option(const char *name)
{
	return strcmp(name, "--time-offset") == 0 || strcmp(name, "--proc") == 0;
}

int view_set(struct jail_view *v, const char *name, const char *text, char *why)
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
