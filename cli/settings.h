/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings: options of `sluice run` from YAML files, in the language of sluice-profile(5). A file becomes a list
 * of settings, each an option with its value and its place; includes are read in front of what includes them, so
 * the later of two settings wins.
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

struct option;
struct parser;

enum { SETTINGS_WHY_CAP = 1536 };	/* a path, a place, a sentence */

struct setting {
	const struct option *opt;
	char *value;		/* expanded, paths absolute; a whole policy's text when is_policy */
	bool is_policy;		/* the policy itself, not a file's name */
	size_t file;		/* in files */
	unsigned int line, column;
};

struct settings {
	struct setting *list;
	size_t n;
	char **files;		/* all that were read, absolute */
	size_t n_files;
	bool only_text;		/* includes are errors, for tests of texts */
};

/*
 * Reads a profile: a name of [a-z0-9-] is one that comes with sluice, anything else a path. Adds to p, or changes
 * nothing but its files: 0, -EINVAL with why (SETTINGS_WHY_CAP: place, what, what to do), or -ENOMEM.
 */
int settings_add(struct settings *p, const char *name, char *why);
/* The same for a text; file is its name, below whose directory paths lie. */
int settings_add_text(struct settings *p, const char *text, size_t len, const char *file, char *why);
/* Gives each setting from the first on to its option. 0, or -EINVAL with the line told. */
int settings_apply(const struct settings *p, size_t first, struct parser *to);
/* Canonical YAML: one file without includes that says the same and prints as itself. Heap, NULL on -ENOMEM. */
char *settings_print(const struct settings *p);
void settings_done(struct settings *p);

/* settings_value.c, for settings_read.c: */
/*
 * ${NAME} becomes its value, $${ becomes ${. Heap; 0, -ENOMEM, or -EINVAL with *ret_bad where it is wrong in text.
 */
int settings_expand(const char *text, char **ret_text, const char **ret_bad);
/* Makes a path of the host in *value absolute; file is the profile's. 0 or -ENOMEM. */
int settings_anchor(const char *file, const struct option *opt, char **value);
/* Of [a-z0-9-]: the name of something that comes with sluice. */
bool settings_is_word(const char *s);

#endif
