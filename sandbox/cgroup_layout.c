/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_layout: where the cgroups of this process are, from the texts of /proc/self/cgroup (which
 * cgroup in each hierarchy, proc(5)) and /proc/self/mountinfo (where each hierarchy is mounted, and
 * from which of its cgroups on). Pure; runs as the caller.
 */
#include "sandbox/cgroup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const controller_names[CGROUP_CONTROLLERS] = {
	[CGROUP_MEMORY] = "memory", [CGROUP_PIDS] = "pids", [CGROUP_CPU] = "cpu",
	[CGROUP_CPUACCT] = "cpuacct", [CGROUP_IO] = "blkio", [CGROUP_DEVICES] = "devices",
};

struct span {
	const char *at;
	size_t len;
};

/* The next piece of *text up to a byte of `ends` or the end of line; steps over one such byte. */
static struct span take(struct span *text, const char *ends)
{
	struct span s = { text->at, 0 };

	while (s.len < text->len && !strchr(ends, text->at[s.len]))
		s.len++;
	text->at += s.len;
	text->len -= s.len;
	if (text->len) {
		text->at++;
		text->len--;
	}
	return s;
}

static bool is(struct span s, const char *word)
{
	return s.len == strlen(word) && memcmp(s.at, word, s.len) == 0;
}

static bool lists(struct span s, const char *word)
{
	while (s.len) {
		if (is(take(&s, ","), word))
			return true;
	}
	return false;
}

/* mountinfo writes blank, tab, newline and backslash as \ooo. */
static bool unescape(struct span s, char buf[CGROUP_PATH_CAP])
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (n == CGROUP_PATH_CAP - 1)
			return false;
		if (s.at[i] == '\\' && s.len - i > 3 && strspn(s.at + i + 1, "01234567") >= 3) {
			buf[n++] = (char)((s.at[i + 1] - '0') << 6 | (s.at[i + 2] - '0') << 3 |
					  (s.at[i + 3] - '0'));
			i += 3;
		} else {
			buf[n++] = s.at[i];
		}
	}
	buf[n] = '\0';
	return strlen(buf) == n;
}

/* A path that leaves what is visible (a cgroup namespace shows "/..") names nothing here. */
static bool leads_up(const char *path)
{
	size_t n = strlen(path);

	return strstr(path, "/../") || (n >= 3 && strcmp(path + n - 3, "/..") == 0);
}

/* Mounted at `point` from cgroup `root` on: where is the cgroup `path`? */
static bool place(const char *point, const char *root, struct span path, char buf[CGROUP_PATH_CAP])
{
	size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);
	int len;

	if (path.len == 0 || path.at[0] != '/' || point[0] != '/' || leads_up(root))
		return false;
	if (path.len < n || memcmp(path.at, root, n) != 0 || (path.len > n && path.at[n] != '/'))
		return false;
	path.at += n;
	path.len -= n;
	if (path.len == 1)	/* "/" */
		path.len = 0;
	len = snprintf(buf, CGROUP_PATH_CAP, "%s%.*s", strcmp(point, "/") == 0 ? "" : point,
		       (int)path.len, path.at);
	if (len <= 0 || len >= CGROUP_PATH_CAP || leads_up(buf)) {
		buf[0] = '\0';
		return false;
	}
	return true;
}

/* The cgroup of this process in the hierarchy with this controller; NULL: in v2. */
static struct span own_path(const char *cgroup, const char *controller)
{
	struct span text = { cgroup, strlen(cgroup) };

	while (text.len) {
		struct span line = take(&text, "\n");
		struct span id = take(&line, ":"), list = take(&line, ":");

		/* The rest is the path, colons included. */
		if (controller ? lists(list, controller) : is(id, "0") && list.len == 0)
			return line;
	}
	return (struct span){ "", 0 };
}

static void add_mount(struct span line, const char *cgroup, struct cgroup_layout *l)
{
	char root[CGROUP_PATH_CAP], point[CGROUP_PATH_CAP];
	struct span f[5], type, options;

	for (size_t i = 0; i < 5; i++)
		f[i] = take(&line, " ");
	while (line.len && !is(take(&line, " "), "-"))
		;
	type = take(&line, " ");
	take(&line, " ");
	options = take(&line, " ");
	if (!unescape(f[3], root) || !unescape(f[4], point))
		return;
	if (is(type, "cgroup2")) {
		if (!l->v2[0] && place(point, root, own_path(cgroup, NULL), l->v2))
			snprintf(l->v2_top, sizeof(l->v2_top), "%s", point);
		return;
	}
	if (!is(type, "cgroup"))
		return;
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (!l->v1[i][0] && lists(options, controller_names[i]))
			place(point, root, own_path(cgroup, controller_names[i]), l->v1[i]);
	}
}

void cgroup_layout_parse(const char *cgroup, const char *mountinfo, struct cgroup_layout *ret_layout)
{
	struct span text = { mountinfo, strlen(mountinfo) };

	memset(ret_layout, 0, sizeof(*ret_layout));
	while (text.len)
		add_mount(take(&text, "\n"), cgroup, ret_layout);
}

int64_t cgroup_usage_parse(const char *text)
{
	static const char key[] = "usage_usec ";	/* the first line of cpu.stat, cgroup-v2.rst */
	bool micro = strncmp(text, key, sizeof(key) - 1) == 0;
	unsigned long long n;
	char *end;

	if (micro)
		text += sizeof(key) - 1;
	if (*text < '0' || *text > '9')
		return -EBADMSG;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || (*end && *end != '\n') || n > INT64_MAX / 1000)
		return -EBADMSG;
	return (int64_t)(micro ? n * 1000 : n);
}
