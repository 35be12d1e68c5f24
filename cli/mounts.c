/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts: texts of --bind and its like to struct jail_mount. The grammar is one for all:
 *
 *	FIELD[:FIELD]...[:OPTION,OPTION...]
 *
 * with the fields that the kind has, and the options that go with it. Two tables say which; a wrong or
 * foreign one is an error that names those there are.
 */
#include "cli/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/limits.h"
#include "cli/path.h"
#include "cli/source.h"
#include "lib/cleanup.h"

enum { FILE_MAX = 16 << 20 };	/* bytes; larger ones are better bound */

#define OF_BIND (1u << JAIL_BIND)
#define OF_TMPFS (1u << JAIL_TMPFS)
#define OF_FILE (1u << JAIL_FILE)
#define OF_OVERLAY (1u << JAIL_OVERLAY)
#define OF_IMAGE (1u << JAIL_IMAGE)

static const struct kind {
	const char *name;
	enum jail_mount_kind kind;
	bool writable;
	bool shared;		/* no size of its own */
	const char *form;
} kinds[] = {
	{ "--bind", JAIL_BIND, true, false, "SOURCE[:PLACE[:OPTION,...]]" },
	{ "--ro-bind", JAIL_BIND, false, false, "SOURCE[:PLACE[:OPTION,...]]" },
	{ "--overlay", JAIL_OVERLAY, true, false, "SOURCE[:PLACE[:OPTION,...]]" },
	{ "--image", JAIL_IMAGE, false, false, "FILE[:PLACE[:OPTION,...]]" },
	{ "--tmpfs", JAIL_TMPFS, true, false, "PLACE[:OPTION,...]" },
	{ "--dir", JAIL_TMPFS, true, true, "PLACE[:OPTION,...]" },
	{ "--symlink", JAIL_SYMLINK, false, false, "TARGET:PLACE" },
	{ "--file", JAIL_FILE, false, true, "PLACE=TEXT" },
	{ "--file-fd", JAIL_FILE, false, true, "N:PLACE[:OPTION,...]" },
};

enum option_id { OPT_RO, OPT_RW, OPT_NOEXEC, OPT_NOSYMFOLLOW, OPT_FOLLOW, OPT_SLAVE, OPT_IDMAP, OPT_UPPER, OPT_WORK,
	OPT_SIZE, OPT_INODES, OPT_MODE };

static const struct option {
	enum option_id id;
	const char *word;	/* with '=' when a value follows */
	unsigned int of;
	bool own;		/* only where the size is its own */
} options[] = {
	{ OPT_RO, "ro", OF_BIND, false },
	{ OPT_RW, "rw", OF_BIND, false },
	{ OPT_NOEXEC, "noexec", OF_BIND | OF_TMPFS | OF_FILE | OF_OVERLAY | OF_IMAGE, false },
	{ OPT_NOSYMFOLLOW, "nosymfollow", OF_BIND | OF_TMPFS | OF_OVERLAY | OF_IMAGE, false },
	{ OPT_FOLLOW, "follow", OF_BIND | OF_OVERLAY | OF_IMAGE, false },
	{ OPT_SLAVE, "slave", OF_BIND, false },
	{ OPT_IDMAP, "idmap", OF_BIND, false },
	{ OPT_UPPER, "upper=", OF_OVERLAY, false },
	{ OPT_WORK, "work=", OF_OVERLAY, false },
	{ OPT_SIZE, "size=", OF_TMPFS, true },
	{ OPT_INODES, "inodes=", OF_TMPFS, true },
	{ OPT_MODE, "mode=", OF_TMPFS | OF_FILE, false },
};

struct adding {
	const struct kind *kind;
	struct jail_mount m;
	bool follow;
	char *why;
};

#define complain(a, ...) (snprintf((a)->why, MOUNTS_WHY_CAP, __VA_ARGS__), -EINVAL)

static const struct kind *find(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

bool mounts_is_option(const char *name)
{
	return find(name) != NULL;
}

static bool goes_with(const struct option *o, const struct kind *k)
{
	return (o->of & 1u << k->kind) && !(o->own && k->shared);
}

static int no_such(struct adding *a, const char *word)
{
	char names[128] = "";
	size_t len = 0;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (goes_with(&options[i], a->kind))
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
						options[i].word);
	}
	return complain(a, "no option '%.40s' goes with it; there is %s", word, names);
}

static bool octal(const char *text, mode_t *ret_mode)
{
	char *end;
	unsigned long n = strtoul(text, &end, 8);

	*ret_mode = (mode_t)n;
	return *text >= '0' && *text <= '7' && !*end && n >= 1 && n <= 01777;
}

static int layer(struct adding *a, const char **at, const char *path)
{
	if (*at)
		return complain(a, "upper= or work= twice; give each once");
	if (path[0] != '/')
		return complain(a, "'%.80s' is not absolute; give upper=/DIR and work=/DIR", path);
	*at = source_resolve(path, a->follow, a->why);
	return *at ? 0 : -EINVAL;
}

static int set(struct adding *a, enum option_id id, const char *value)
{
	switch (id) {
	case OPT_RO:
	case OPT_RW:
		a->m.writable = id == OPT_RW;
		return 0;
	case OPT_NOEXEC:
		a->m.noexec = true;
		return 0;
	case OPT_NOSYMFOLLOW:
		a->m.nosymfollow = true;
		return 0;
	case OPT_FOLLOW:
		a->follow = true;
		return 0;
	case OPT_SLAVE:
		a->m.slave = true;
		return 0;
	case OPT_IDMAP:
		a->m.idmap = true;
		return 0;
	case OPT_UPPER:
		return layer(a, &a->m.upper, value);
	case OPT_WORK:
		return layer(a, &a->m.work, value);
	case OPT_SIZE:
		return limits_size(value, &a->m.size) && a->m.size >= 4096 ? 0 :
			complain(a, "size=%.40s: not a size of 4K or more, like 64M; give one", value);
	case OPT_INODES:
		return limits_count(value, &a->m.inodes) && a->m.inodes >= 2 ? 0 :
			complain(a, "inodes=%.40s: not a number from 2; give one", value);
	case OPT_MODE:
		return octal(value, &a->m.mode) ? 0 :
			complain(a, "mode=%.40s: not an octal mode up to 1777; give one, like 0755", value);
	}
	return -EINVAL;
}

/* "word,word=value": text is cut up. */
static int take_options(struct adding *a, char *text)
{
	char *save = NULL;

	for (char *word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		const struct option *o = NULL;
		int r;

		for (size_t i = 0; !o && i < sizeof(options) / sizeof(options[0]); i++) {
			size_t n = strlen(options[i].word);

			if (goes_with(&options[i], a->kind) && (options[i].word[n - 1] == '=' ?
			    strncmp(word, options[i].word, n) == 0 : strcmp(word, options[i].word) == 0))
				o = &options[i];
		}
		r = o ? set(a, o->id, word + strcspn(word, "=") + (strchr(word, '=') != NULL)) : no_such(a, word);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The field before the next ':', or NULL; *at moves behind it. */
static char *field(char **at)
{
	char *text = *at, *colon = text ? strchr(text, ':') : NULL;

	if (colon)
		*colon++ = '\0';
	*at = colon;
	return text;
}

/* What a descriptor holds, as text of the file. */
static int read_fd(struct adding *a, const char *number)
{
	char *text = NULL, *more;
	size_t len = 0, cap = 0;
	uint64_t fd;
	ssize_t n = 1;

	if (!limits_count(number, &fd) || fd > INT32_MAX)
		return complain(a, "'%.40s' is no descriptor; give N:PLACE, and N<FILE in the shell", number);
	while (n > 0 && len <= FILE_MAX) {
		if (len == cap) {
			cap = cap ? cap * 2 : 65536;
			more = realloc(text, cap);
			if (!more)
				break;
			text = more;
		}
		n = read((int)fd, text + len, cap - len);
		len += n > 0 ? (size_t)n : 0;
	}
	a->m.text = text;
	a->m.text_len = len;
	if (n < 0)
		return complain(a, "cannot read descriptor %.40s: %s; open it in the shell, as in %.40s<FILE", number,
				strerror(errno), number);
	return n == 0 ? 0 : complain(a, "more than %d MiB; bind a file of that size", FILE_MAX >> 20);
}

/* "PLACE=TEXT": the text may hold anything. */
static int take_file(struct adding *a, char *text)
{
	char *equals = strchr(text, '=');

	if (*text != '/' || !equals)
		return complain(a, "no absolute place, or no text; give %s", a->kind->form);
	*equals++ = '\0';
	a->m.dest = strdup(text);
	a->m.text = strdup(equals);
	a->m.text_len = strlen(equals);
	return 0;
}

static int take_fields(struct adding *a, char *text)
{
	enum jail_mount_kind kind = a->kind->kind;
	bool is_source = kind == JAIL_BIND || kind == JAIL_OVERLAY || kind == JAIL_IMAGE;
	char *at = text, *first = field(&at);
	char *place = kind == JAIL_TMPFS ? first : field(&at);
	int r;

	if (!*first || (!is_source && (!place || !*place)))
		return complain(a, "something is missing; give %s", a->kind->form);
	if (place && *place && *place != '/')
		return complain(a, "the place inside is not absolute; give %s with /PLACE", a->kind->form);
	r = at ? take_options(a, at) : 0;
	if (r < 0)
		return r;
	if ((a->m.upper != NULL) != (a->m.work != NULL))
		return complain(a, "upper= and work= go together: give two directories of one file system, or neither");
	if (place && *place)
		a->m.dest = strdup(place);
	else
		a->m.dest = kind == JAIL_IMAGE ? strdup("/") : path_absolute(NULL, 0, first);
	if (is_source) {
		a->m.source = source_resolve(first, a->follow, a->why);
		return a->m.source ? 0 : -EINVAL;
	}
	if (kind == JAIL_SYMLINK)
		a->m.source = strdup(first);
	return kind == JAIL_FILE ? read_fd(a, first) : 0;
}

static void drop(struct jail_mount *m)
{
	free((void *)(uintptr_t)m->source);
	free((void *)(uintptr_t)m->dest);
	free((void *)(uintptr_t)m->upper);
	free((void *)(uintptr_t)m->work);
	free((void *)(uintptr_t)m->text);
}

int mounts_add(struct mounts *m, const char *name, const char *value, char *why)
{
	struct adding a = { .kind = find(name), .why = why };
	struct jail_mount *more = reallocarray(m->list, m->n + 1, sizeof(*more));
	cleanup_free char *text = strdup(value);
	int r;

	if (more)
		m->list = more;
	if (!more || !text)
		return complain(&a, "out of memory; use fewer");
	a.m.kind = a.kind->kind;
	a.m.writable = a.kind->writable;
	r = strcmp(name, "--file") == 0 ? take_file(&a, text) : take_fields(&a, text);
	if (r == 0 && (!a.m.dest || (a.m.kind == JAIL_SYMLINK && !a.m.source)))
		r = complain(&a, "out of memory; use fewer");
	if (r < 0)
		drop(&a.m);
	else
		m->list[m->n++] = a.m;
	return r;
}

void mounts_done(struct mounts *m)
{
	for (size_t i = 0; i < m->n; i++)
		drop(&m->list[i]);
	free(m->list);
	*m = (struct mounts){ NULL, 0 };
}
