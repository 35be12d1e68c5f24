/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings_read: profiles from YAML to settings. Runs as the caller.
 *
 * A key is an option without its dashes; which there are, and which add up, is options.c's business. Nothing is
 * looked up but four names between ${ and }: no shell, no other variable, no command. Files are read once; a
 * file that leads back to itself is an error.
 */
#include "cli/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/options_internal.h"
#include "cli/path.h"
#include "cli/rules.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/policy/policy.h"
#include "lib/policy/reader.h"
#include "lib/sibling.h"

enum { DEPTH_MAX = 8, TEXT_MAX = 1 << 20, FILES_MAX = 64, SETTINGS_MAX = 4096 };

/* One file while it is read, and who includes it. */
struct source {
	struct reader r;
	struct settings *p;
	const struct source *up;
	const char *text;
	size_t len, file;
	size_t first;			/* of its own settings */
	unsigned int depth;
	char *why;			/* where errors of included files go, place and all */
};

static int add_named(struct settings *p, const struct source *up, const char *name, char *why);

/* ---- values ------------------------------------------------------------------------------------------ */

static int expand(struct source *s, char **ret_text)
{
	const char *bad = NULL;
	char q[POLICY_QUOTE_CAP];
	int err = settings_expand(reader_text(&s->r), ret_text, &bad);

	if (err != -EINVAL)
		return err;
	return fail_here(&s->r, "%s stands for nothing here; ${HOME}, ${PWD}, ${UID} and ${GID} are known, and $${ is "
			 "a plain ${", policy_quote(bad, strlen(bad), q));
}

/* value is taken. */
static int add_setting(struct source *s, const struct option *opt, char *value, bool is_policy)
{
	struct settings *p = s->p;
	struct place at = reader_here(&s->r);
	struct setting *more = reallocarray(p->list, p->n + 1, sizeof(*more));

	if (more)
		p->list = more;
	if (!more) {
		free(value);
		return -ENOMEM;
	}
	more[p->n++] = (struct setting){ opt, value, is_policy, s->file, at.line, at.column };
	if (p->n > SETTINGS_MAX)
		return fail_here(&s->r, "more than %d settings; use fewer", SETTINGS_MAX);
	return 0;
}

/* One value; the event after it becomes the current one. */
static int read_scalar(struct source *s, const struct option *opt)
{
	struct reader *r = &s->r;
	int err = reader_scalar(r, opt->name + 2);
	char *value;

	if (err == 0 && strlen(reader_text(r)) != reader_len(r))
		err = fail_here(r, "\"%s\" has a NUL byte in it; remove it", opt->name + 2);
	if (err == 0 && !opt->value && !reader_is(r, "true") && !reader_is(r, "false"))
		err = fail_here(r, "\"%s\" is true or false; write one", opt->name + 2);
	if (err < 0)
		return err;
	err = expand(s, &value);
	if (err < 0)
		return err;
	err = settings_anchor(s->p->files[s->file], opt, &value);
	if (err < 0) {
		free(value);
		return err;
	}
	err = add_setting(s, opt, value, false);
	return err < 0 ? err : reader_next(r);
}

/* ---- a policy within ----------------------------------------------------------------------------------- */

/* The byte of the character that libyaml counts as number index. */
static size_t byte_of(const struct source *s, size_t index)
{
	size_t i = 0;

	for (; i < s->len && index; index--) {
		do
			i++;
		while (i < s->len && (s->text[i] & 0xc0) == 0x80);
	}
	return i;
}

/*
 * The text of a mapping that starts in the given place, with blanks in front, so that it is a policy of its own
 * whose errors have the places of this file.
 */
static char *cut_out(const struct source *s, const yaml_mark_t *from, const yaml_mark_t *to)
{
	size_t start = byte_of(s, from->index), end = byte_of(s, to->index);
	size_t blank = from->line + from->column;
	char *text = end >= start ? malloc(blank + (end - start) + 1) : NULL;

	if (!text)
		return NULL;
	memset(text, '\n', from->line);
	memset(text + from->line, ' ', from->column);
	memcpy(text + blank, s->text + start, end - start);
	text[blank + (end - start)] = '\0';
	return text;
}

static int check_policy(struct source *s, const char *text)
{
	struct policy_error e = { 0 };
	struct policy *p = rules_new();
	int err = p ? policy_add_yaml(p, text, strlen(text), s->p->files[s->file], &e) : -ENOMEM;

	policy_free(p);
	if (err == -EINVAL)
		*s->r.err = e;
	return err;
}

static int read_policy(struct source *s, const struct option *opt)
{
	struct reader *r = &s->r;
	yaml_mark_t from = r->ev.start_mark, to = from;
	unsigned int depth = 0;
	char *text;
	int err = 0;

	do {
		bool opens = r->ev.type == YAML_MAPPING_START_EVENT || r->ev.type == YAML_SEQUENCE_START_EVENT;
		bool closes = r->ev.type == YAML_MAPPING_END_EVENT || r->ev.type == YAML_SEQUENCE_END_EVENT;

		depth = depth + opens - closes;
		to = r->ev.end_mark;
		if (depth)
			err = reader_next(r);
	} while (err == 0 && depth);
	if (err < 0)
		return err;
	text = cut_out(s, &from, &to);
	if (!text)
		return -ENOMEM;
	err = check_policy(s, text);
	if (err < 0) {
		free(text);
		return err;
	}
	err = add_setting(s, opt, text, true);
	s->p->list[s->p->n - 1].line = (unsigned int)from.line + 1;
	s->p->list[s->p->n - 1].column = (unsigned int)from.column + 1;
	return err < 0 ? err : reader_next(r);
}

/* ---- keys ------------------------------------------------------------------------------------------------- */

static int read_value(struct source *s, const struct option *opt)
{
	if (s->r.ev.type == YAML_MAPPING_START_EVENT && opt->take == take_policy)
		return read_policy(s, opt);
	return read_scalar(s, opt);
}

static int read_option(struct source *s, const struct option *opt)
{
	struct reader *r = &s->r;
	int err;

	if (!(opt->traits & OPTION_MANY) || r->ev.type != YAML_SEQUENCE_START_EVENT)
		return read_value(s, opt);
	err = reader_next(r);
	if (err == 0 && r->ev.type == YAML_SEQUENCE_END_EVENT)
		return fail_here(r, "\"%s\" is an empty list; write a value or remove the key", opt->name + 2);
	while (err == 0 && r->ev.type != YAML_SEQUENCE_END_EVENT)
		err = read_value(s, opt);
	return err < 0 ? err : reader_next(r);
}

static int read_include(struct source *s)
{
	struct reader *r = &s->r;
	bool is_list = r->ev.type == YAML_SEQUENCE_START_EVENT;
	int err = is_list ? reader_next(r) : 0;

	if (err == 0 && s->p->n > s->first)
		return fail_here(r, "\"include\" stands in front of what may go over it; move it up");
	while (err == 0 && !(is_list && r->ev.type == YAML_SEQUENCE_END_EVENT)) {
		cleanup_free char *name = NULL;

		err = reader_scalar(r, "include");
		if (err == 0 && strlen(reader_text(r)) != reader_len(r))
			err = fail_here(r, "\"include\" has a NUL byte in it; remove it");
		if (err == 0)
			err = expand(s, &name);
		if (err == 0)
			reader_set_place(r, reader_here(r));
		if (err == 0)
			err = add_named(s->p, s, name, s->why);
		if (err == 0)
			err = reader_next(r);
		if (!is_list)
			break;
	}
	s->first = s->p->n;
	return err < 0 || !is_list ? err : reader_next(r);
}

static int fail_key(struct source *s)
{
	struct reader *r = &s->r;
	char q[POLICY_QUOTE_CAP];
	const char *near = NULL;
	unsigned int best = 3;

	policy_quote(reader_text(r), reader_len(r), q);
	for (const struct option *o = options_list; o < options_list + options_count; o++) {
		unsigned int d = o->name && (o->for_whom & OPTIONS_RUN) && !(o->traits & OPTION_NO_PROFILE) ?
			reader_distance(reader_text(r), reader_len(r), o->name + 2) : best;

		if (d < best) {
			best = d;
			near = o->name + 2;
		}
	}
	if (near)
		return fail_here(r, "unknown key \"%s\"; did you mean \"%s\"?", q, near);
	return fail_here(r, "unknown key \"%s\"; the keys are the options of sluice run without dashes", q);
}

/* The option of the current key. */
static int find_key(struct source *s, const struct option **ret_opt)
{
	struct reader *r = &s->r;
	char name[40];

	if (!reader_is_scalar(r))
		return fail_here(r, "a key must be a word");
	if (reader_len(r) > sizeof(name) - 3)
		return fail_key(s);
	snprintf(name, sizeof(name), "--%s", reader_text(r));
	*ret_opt = options_find(name, strlen(name), OPTIONS_RUN);
	if (!*ret_opt || strlen(name) != reader_len(r) + 2)
		return fail_key(s);
	if ((*ret_opt)->traits & OPTION_NO_PROFILE)
		return fail_here(r, "\"%s\" is for the command line only; remove it", name + 2);
	for (size_t i = s->first; i < s->p->n; i++) {
		if (s->p->list[i].opt == *ret_opt)
			return fail_here(r, "\"%s\" stands here twice; remove one", name + 2);
	}
	return 0;
}

static int read_version(struct source *s)
{
	struct reader *r = &s->r;
	char q[POLICY_QUOTE_CAP];
	int err = reader_scalar(r, "version");

	if (err < 0)
		return err;
	if (!reader_is(r, "1"))
		return fail_here(r, "version %s is not known; this sluice reads version 1",
				 policy_quote(reader_text(r), reader_len(r), q));
	return reader_next(r);
}

static int read_top(struct source *s)
{
	struct reader *r = &s->r;
	struct place start = reader_here(r);
	bool seen[2] = { false };	/* version, include */
	int err;

	if (r->ev.type != YAML_MAPPING_START_EVENT)
		return fail_here(r, "a profile starts with \"version: 1\"");
	err = reader_next(r);
	while (err == 0 && r->ev.type != YAML_MAPPING_END_EVENT) {
		const struct option *opt = NULL;
		bool is_version = reader_is_scalar(r) && reader_is(r, "version");
		bool is_include = reader_is_scalar(r) && reader_is(r, "include");

		if (is_version || is_include) {
			if (seen[is_include])
				return fail_here(r, "\"%s\" stands here twice; remove one", reader_text(r));
			seen[is_include] = true;
		} else {
			err = find_key(s, &opt);
		}
		if (err == 0)
			err = reader_next(r);
		if (err == 0)
			err = opt ? read_option(s, opt) : is_include ? read_include(s) : read_version(s);
	}
	if (err < 0)
		return err;
	if (!seen[0])
		return fail_at(r, start, "the version is missing; add the line \"version: 1\"");
	return reader_next(r);
}

static int read_stream(struct source *s)
{
	struct reader *r = &s->r;
	int err = reader_next(r);

	if (err == 0)
		err = reader_next(r);
	if (err < 0)
		return err;
	if (r->ev.type != YAML_DOCUMENT_START_EVENT)
		return fail_here(r, "the profile is empty; write \"version: 1\", that changes nothing");
	err = reader_next(r);
	if (err == 0)
		err = read_top(s);
	if (err == 0)
		err = reader_next(r);
	if (err == 0 && r->ev.type != YAML_STREAM_END_EVENT)
		return fail_here(r, "a second document; a profile is one document, remove the --- line");
	return err;
}

/* ---- files ------------------------------------------------------------------------------------------------- */

static void drop_settings(struct settings *p, size_t n)
{
	while (p->n > n)
		free(p->list[--p->n].value);
}

static int remember_file(struct settings *p, const char *path, char *why)
{
	char **more = reallocarray(p->files, p->n_files + 1, sizeof(*more));

	if (more)
		p->files = more;
	if (!more || !(more[p->n_files] = strdup(path)))
		return -ENOMEM;
	p->n_files++;
	if (p->n_files > FILES_MAX) {
		snprintf(why, SETTINGS_WHY_CAP, "%s: more than %d files; use fewer", path, FILES_MAX);
		return -EINVAL;
	}
	return 0;
}

/* path is absolute. */
static int add_text(struct settings *p, const struct source *up, const char *text, size_t len, const char *path,
		    char *why)
{
	struct policy_error e = { 0 };
	struct source s = { .p = p, .up = up, .text = text, .len = len, .first = p->n, .why = why,
		.depth = up ? up->depth + 1 : 1, .file = p->n_files };
	size_t n = p->n;
	int err = remember_file(p, path, why);

	if (err < 0)
		return err;
	why[0] = '\0';
	err = reader_init(&s.r, text, len, &e);
	if (err == 0) {
		err = read_stream(&s);
		reader_done(&s.r);
	}
	if (err == 0)
		return 0;
	drop_settings(p, n);
	if (err == -EINVAL && !why[0]) {
		if (e.origin[0])	/* of a preset within */
			snprintf(why, SETTINGS_WHY_CAP, "%s:%u:%u: %s", e.origin, e.line, e.column, e.text);
		else
			snprintf(why, SETTINGS_WHY_CAP, "%s:%u:%u: %s", path, e.line, e.column, e.text);
	}
	return err;
}

int settings_add_text(struct settings *p, const char *text, size_t len, const char *file, char *why)
{
	return add_text(p, NULL, text, len, file, why);
}

/* A regular file, bounded. 0 or -errno. */
static int read_file(const char *path, char **ret_text, size_t *ret_len)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	r = file_read(fd, TEXT_MAX, ret_text, ret_len);
	return r == 0 && *ret_len > TEXT_MAX ? -EFBIG : r;
}

/* The path that a name stands for, heap or NULL. Without the directory of those that come with sluice, one in it. */
static char *find_file(const struct source *up, const char *name)
{
	const char *from = up ? up->p->files[up->file] : NULL;
	char dir[SIBLING_PATH_CAP] = "/usr/share/sluice/profiles", *path = NULL;
	int n;

	if (!settings_is_word(name))
		return path_absolute(from, from ? (size_t)(strrchr(from, '/') - from) : 0, name);
	sibling_dir("profiles", dir);
	n = asprintf(&path, "%s/%s.yaml", dir, name);
	return n < 0 ? NULL : path;
}

static bool is_same_file(const char *a, const char *b)
{
	cleanup_free char *x = realpath(a, NULL), *y = realpath(b, NULL);

	return x && y && strcmp(x, y) == 0;
}

static int fail_include(const struct source *up, char *why, const char *what)
{
	if (up)
		snprintf(why, SETTINGS_WHY_CAP, "%.800s:%u:%u: %.600s", up->p->files[up->file], up->r.err->line,
			 up->r.err->column, what);
	else
		snprintf(why, SETTINGS_WHY_CAP, "%s", what);
	return -EINVAL;
}

static int add_named(struct settings *p, const struct source *up, const char *name, char *why)
{
	cleanup_free char *path = NULL, *text = NULL;
	char what[1024];
	size_t len = 0;
	int r;

	if (p->only_text)
		return fail_include(up, why, "nothing can be included here; write the settings themselves");
	path = find_file(up, name);
	if (!path)
		return -ENOMEM;
	for (const struct source *s = up; s; s = s->up) {
		if (is_same_file(p->files[s->file], path))
			return fail_include(up, why, "this leads back to itself; remove one of the steps");
	}
	if (up && up->depth >= DEPTH_MAX)
		return fail_include(up, why, "includes within includes, more than 8 deep; name it in the profile itself");
	for (size_t i = 0; i < p->n_files; i++) {
		if (is_same_file(p->files[i], path))
			return 0;
	}
	r = read_file(path, &text, &len);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		snprintf(what, sizeof(what), "%.700s: cannot read the profile: %s; %s", path, strerror(-r),
			 settings_is_word(name) ? "sluice profile list tells those there are, and a file has a '/' in its name" :
			 "check the path");
		return fail_include(up, why, what);
	}
	return add_text(p, up, text, len, path, why);
}

int settings_add(struct settings *p, const char *name, char *why)
{
	return add_named(p, NULL, name, why);
}

void settings_done(struct settings *p)
{
	drop_settings(p, 0);
	free(p->list);
	for (size_t i = 0; i < p->n_files; i++)
		free(p->files[i]);
	free(p->files);
	*p = (struct settings){ 0 };
}
