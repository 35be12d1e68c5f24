/* SPDX-License-Identifier: Apache-2.0 */
/* device_list: text of a list of --device to commands and paths. Runs as the caller. */
#include "cli/device_list.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/filter_profile.h"

enum { LINE_CAP = 256, COMMANDS_MAX = 1024, PATHS_MAX = 64 };

struct reader {
	struct device_list *l;
	size_t line;
	char *why;
};

#define bad(r, ...) (snprintf((r)->why, DEVICE_LIST_WHY_CAP, __VA_ARGS__), -EINVAL)

static int add_command(struct reader *r, uint32_t value, uint32_t mask)
{
	struct device_list *l = r->l;
	struct ioctl_command *more;

	if (l->n_commands == COMMANDS_MAX)
		return bad(r, "line %zu: more than %d commands; use fewer", r->line, COMMANDS_MAX);
	more = reallocarray(l->commands, l->n_commands + 1, sizeof(*more));
	if (!more)
		return bad(r, "line %zu: out of memory; use fewer", r->line);
	l->commands = more;
	l->commands[l->n_commands++] = (struct ioctl_command){ value, mask };
	return 0;
}

static int add_path(struct reader *r, const char *word, const char *path)
{
	struct device_list *l = r->l;
	struct device_path *more;

	if (*path != '/' || l->n_paths == PATHS_MAX)
		return bad(r, "line %zu: %s", r->line, *path != '/' ? "no absolute path; give one" : "too many paths; use fewer");
	more = reallocarray(l->paths, l->n_paths + 1, sizeof(*more));
	if (more)
		l->paths = more;
	if (!more || !(more[l->n_paths].path = strdup(path)))
		return bad(r, "line %zu: out of memory; use fewer", r->line);
	more[l->n_paths].node = *word == 'n';
	more[l->n_paths++].optional = word[strlen(word) - 1] == '?';
	return 0;
}

/* 32 bits, in C's notation; *end is behind it. */
static bool number(const char *text, const char **ret_end, uint32_t *ret_n)
{
	unsigned long long n;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || n > UINT32_MAX)
		return false;
	*ret_n = (uint32_t)n;
	*ret_end = end;
	return true;
}

static int take_command(struct reader *r, const char *word)
{
	uint32_t value, mask = UINT32_MAX;
	const char *end = word;
	uint64_t known;

	if (isdigit((unsigned char)*word)) {
		if (!number(word, &end, &value) || (*end == '/' && !number(end + 1, &end, &mask)) || *end)
			return bad(r, "line %zu: %.40s: not NUMBER or NUMBER/MASK in 32 bits; write it as in 0x5401", r->line, word);
		if (value & ~mask)
			return bad(r, "line %zu: %.40s: bits that its mask does not keep; correct one of them", r->line, word);
	} else {
		if (!profile_constant(word, &known) || known > UINT32_MAX)
			return bad(r, "line %zu: %.40s: no known name; give the number, and the name behind it", r->line, word);
		value = (uint32_t)known;
	}
	return add_command(r, value, mask);
}

static int take_line(struct reader *r, char *line, bool with_paths)
{
	static const char *const words[] = { "node", "node?", "see", "see?" };
	char *save = NULL, *word, *next, *more;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, " \t\r", &save);
	if (!word)
		return 0;
	next = strtok_r(NULL, " \t\r", &save);
	more = strtok_r(NULL, " \t\r", &save);
	if (more)
		return bad(r, "line %zu: %.40s: too much on the line; begin remarks with #", r->line, more);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) != 0)
			continue;
		if (!with_paths)
			return bad(r, "line %zu: %s: a list of yours names commands only; give the node to --device", r->line, word);
		return add_path(r, word, next ? next : "");
	}
	return take_command(r, word);
}

int device_list_parse(struct device_list *l, const char *text, size_t len, bool with_paths, char *why)
{
	struct reader r = { .l = l, .why = why };
	const char *at = text, *end = text + len;
	char line[LINE_CAP];
	int e = 0;

	while (e == 0 && at < end) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((eol ? eol : end) - at);

		r.line++;
		if (n >= sizeof(line) || memchr(at, '\0', n))
			return bad(&r, "line %zu: too long, or not text; correct it", r.line);
		memcpy(line, at, n);
		line[n] = '\0';
		e = take_line(&r, line, with_paths);
		at += n + 1;
	}
	return e;
}

void device_list_done(struct device_list *l)
{
	for (size_t i = 0; i < l->n_paths; i++)
		free(l->paths[i].path);
	free(l->paths);
	free(l->commands);
	*l = (struct device_list){ 0 };
}
