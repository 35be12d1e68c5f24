/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preset: rules that come with sluice, by name: DIR/NAME.yaml, in the language of a policy.
 *
 * Runs as the user, in sluice. What a preset says is written out in the canonical text, so egress reads
 * none. A name is never a path; a preset that was read once is not read again; one that leads
 * back to itself is an error.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/policy/reader.h"

enum { PATH_CAP = 1200 };

int policy_set_presets(struct policy *p, const char *dir)
{
	char *copy = dir ? strdup(dir) : NULL;

	if (dir && !copy)
		return -ENOMEM;
	free(p->preset_dir);
	p->preset_dir = copy;
	return 0;
}

void policy_drop_presets(struct policy *p, size_t n)
{
	while (p->n_presets > n)
		free(p->presets[--p->n_presets]);
}

static bool is_name(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '-'))
			return false;
	}
	return len >= 1 && len <= PRESET_NAME_MAX;
}

/* ---- the directory ------------------------------------------------------------------------------------ */

/* "pypi" of "pypi.yaml"; 0 when it is no preset's file. */
static size_t stem(const char *file)
{
	size_t n = strlen(file);

	if (n <= 5 || strcmp(file + n - 5, ".yaml") != 0 || !is_name(file, n - 5))
		return 0;
	return n - 5;
}

static int is_preset(const struct dirent *d)
{
	return stem(d->d_name) != 0;
}

/* A file of the directory, bounded. 0 or -errno. */
static int read_preset(const char *dir, const char *name, char **ret_text, size_t *ret_len)
{
	char path[PATH_CAP];
	cleanup_close int fd = -1;
	int r, n = snprintf(path, sizeof(path), "%s/%s.yaml", dir, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = file_read(fd, PRESET_TEXT_MAX, ret_text, ret_len);
	return r == 0 && *ret_len > PRESET_TEXT_MAX ? -EFBIG : r;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	size_t n = stem((*a)->d_name), m = stem((*b)->d_name);
	int r = memcmp((*a)->d_name, (*b)->d_name, n < m ? n : m);

	return r ? r : (n > m) - (n < m);
}

/* The first line of comment that is no licence, without "# "; cut out of text. */
static const char *about(char *text, size_t len)
{
	char *end = text + len;

	for (char *line = text; line < end && *line == '#';) {
		char *nl = memchr(line, '\n', (size_t)(end - line));

		if (!nl)
			break;
		*nl = '\0';
		line += 1 + strspn(line + 1, " ");
		if (*line && strncmp(line, "SPDX-", 5) != 0)
			return line;
		line = nl + 1;
	}
	return "";
}

int policy_list_presets(const char *dir, void (*tell)(void *arg, const char *name, const char *about), void *arg)
{
	struct dirent **files;
	int n = scandir(dir, &files, is_preset, by_name);

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		char name[PRESET_NAME_MAX + 1];
		cleanup_free char *text = NULL;
		size_t len = 0;
		int r;

		snprintf(name, sizeof(name), "%.*s", (int)stem(files[i]->d_name), files[i]->d_name);
		free(files[i]);
		r = read_preset(dir, name, &text, &len);
		tell(arg, name, r < 0 ? strerror(-r) : about(text, len));
	}
	free(files);
	return 0;
}

/* ---- adding ------------------------------------------------------------------------------------------- */

struct guess {
	const char *wrong;
	unsigned int best;
	char name[PRESET_NAME_MAX + 1];
};

static void consider(void *arg, const char *name, const char *what)
{
	struct guess *g = arg;
	unsigned int d = reader_distance(g->wrong, strlen(g->wrong), name);

	(void)what;
	if (d >= g->best)
		return;
	g->best = d;
	snprintf(g->name, sizeof(g->name), "%s", name);
}

static int fail_read(const struct policy *p, const char *name, int err, struct policy_error *e)
{
	struct guess g = { .wrong = name, .best = 3 };

	if (err == -ENOMEM)
		return err;
	if (err != -ENOENT)
		return policy_fail(e, "cannot read the preset %s in %.300s: %s; check the installation", name,
				   p->preset_dir, strerror(-err));
	policy_list_presets(p->preset_dir, consider, &g);
	if (g.name[0])
		return policy_fail(e, "there is no preset %s; did you mean %s?", name, g.name);
	return policy_fail(e, "there is no preset %s; sluice policy presets lists them", name);
}

static bool is_added(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->n_presets; i++) {
		if (strcmp(p->presets[i], name) == 0)
			return true;
	}
	return false;
}

static int remember(struct policy *p, const char *name)
{
	char **more = reallocarray(p->presets, p->n_presets + 1, sizeof(*more));
	char *copy = strdup(name);

	if (more)
		p->presets = more;
	if (!more || !copy) {
		free(copy);
		return -ENOMEM;
	}
	more[p->n_presets++] = copy;
	return 0;
}

static int read_and_add(struct policy *p, const struct preset_chain *link, struct policy_error *e)
{
	cleanup_free char *text = NULL;
	char origin[sizeof(e->origin)];
	size_t len = 0;
	int err = read_preset(p->preset_dir, link->name, &text, &len);

	if (err < 0)
		return fail_read(p, link->name, err, e);
	snprintf(origin, sizeof(origin), "preset %s", link->name);
	err = yaml_read(p, text, len, origin, link, e);
	/* The innermost one is where it is wrong. */
	if (err < 0 && !e->origin[0])
		memcpy(e->origin, origin, sizeof(origin));
	return err < 0 ? err : remember(p, link->name);
}

int preset_add(struct policy *p, const struct preset_chain *chain, const char *name, size_t len,
	       struct policy_error *e)
{
	char copy[PRESET_NAME_MAX + 1], q[POLICY_QUOTE_CAP];
	const struct preset_chain link = { .up = chain, .name = copy, .depth = chain ? chain->depth + 1 : 1 };

	if (!is_name(name, len))
		return policy_fail(e, "\"%s\" is not the name of a preset; a name has 1 to %d of a-z, 0-9 and -",
				   policy_quote(name, len, q), PRESET_NAME_MAX);
	if (!p->preset_dir)
		return policy_fail(e, "presets are not known here; write the rules themselves");
	memcpy(copy, name, len);
	copy[len] = '\0';
	for (const struct preset_chain *c = chain; c; c = c->up) {
		if (strcmp(c->name, copy) == 0)
			return policy_fail(e, "preset %s leads back to itself; remove one of the steps", copy);
	}
	if (is_added(p, copy))
		return 0;
	if (link.depth > PRESET_DEPTH_MAX)
		return policy_fail(e, "presets within presets, more than %d deep; name %s in the policy itself",
				   PRESET_DEPTH_MAX, copy);
	return read_and_add(p, &link, e);
}

int policy_add_preset(struct policy *p, const char *name, struct policy_error *ret_err)
{
	size_t n_rules = p->n_rules, n_presets = p->n_presets;
	int err;

	memset(ret_err, 0, sizeof(*ret_err));
	err = preset_add(p, NULL, name, strlen(name), ret_err);
	if (err < 0) {
		policy_drop_rules(p, n_rules);
		policy_drop_presets(p, n_presets);
		return err;
	}
	memset(ret_err, 0, sizeof(*ret_err));
	return 0;
}
