/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings_value: the values of a profile. Four names stand for something between ${ and }; relative paths lie below
 * the directory of the file that says them. Runs as the caller.
 */
#include "cli/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options_internal.h"
#include "cli/path.h"
#include "lib/cleanup.h"

static bool is_utf8(const char *s)
{
	for (const unsigned char *c = (const unsigned char *)s; *c; c++) {
		unsigned int n = *c < 0x80 ? 0 : *c >= 0xc2 && *c < 0xe0 ? 1 : *c >= 0xe0 && *c < 0xf0 ? 2 :
			*c >= 0xf0 && *c < 0xf5 ? 3 : 9;

		if (n == 9)
			return false;
		for (; n; n--) {
			if ((*++c & 0xc0) != 0x80)
				return false;
		}
	}
	return true;
}

/* What stands for ${NAME}. Heap; NULL: no such name, or nothing fit to stand for it. */
static char *variable(const char *name, size_t len)
{
	const char *home = getenv("HOME");
	char *text = NULL;

	if (len == 4 && memcmp(name, "HOME", 4) == 0)
		text = home && home[0] == '/' ? strdup(home) : NULL;
	else if (len == 3 && memcmp(name, "PWD", 3) == 0)
		text = get_current_dir_name();
	else if (len == 3 && memcmp(name, "UID", 3) == 0 && asprintf(&text, "%u", getuid()) < 0)
		text = NULL;
	else if (len == 3 && memcmp(name, "GID", 3) == 0 && asprintf(&text, "%u", getgid()) < 0)
		text = NULL;
	if (text && !is_utf8(text)) {
		free(text);
		text = NULL;
	}
	return text;
}

int settings_expand(const char *text, char **ret_text, const char **ret_bad)
{
	size_t len = 0;
	char *out = NULL;
	FILE *f = open_memstream(&out, &len);

	while (f && *text) {
		size_t plain = strcspn(text, "$");
		cleanup_free char *value = NULL;

		if (strncmp(text, "${", 2) == 0) {
			size_t n = strcspn(text, "}");

			value = text[n] ? variable(text + 2, n - 2) : NULL;
			if (!value) {
				fclose(f);
				free(out);
				*ret_bad = text;
				return -EINVAL;
			}
			fputs(value, f);
			text += n + 1;
		} else if (strncmp(text, "$${", 3) == 0) {
			fputs("${", f);
			text += 3;
		} else {
			plain += !plain;
			fprintf(f, "%.*s", (int)plain, text);
			text += plain;
		}
	}
	if (!f || fclose(f) != 0) {
		free(out);
		return -ENOMEM;
	}
	*ret_text = out;
	return 0;
}

bool settings_is_word(const char *s)
{
	return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/*
 * "SOURCE[:[PLACE][:OPTION,...]]" with its paths of the host absolute: the source, and the directories of an
 * overlay's changes. Heap, or NULL.
 */
static char *anchor_mount(const char *value, const char *dir, size_t len)
{
	size_t n = strcspn(value, ":");
	cleanup_free char *source = strndup(value, n), *full = source ? path_absolute(dir, len, source) : NULL;
	const char *options = value[n] ? strchr(value + n + 1, ':') : NULL;
	char *out = NULL;
	size_t size;
	FILE *f = full ? open_memstream(&out, &size) : NULL;

	if (!f)
		return NULL;
	fprintf(f, "%s%.*s", full, (int)(options ? options - (value + n) : (ptrdiff_t)strlen(value + n)), value + n);
	for (const char *at = options; at && *at; at += n) {
		size_t key = 1 + strcspn(at + 1, "=,");

		n = 1 + strcspn(at + 1, ",");
		if (at[key] == '=' && at[key + 1] != '/' && (strncmp(at + 1, "upper=", 6) == 0 || strncmp(at + 1, "work=", 5) == 0)) {
			cleanup_free char *path = strndup(at + key + 1, n - key - 1);
			cleanup_free char *whole = path ? path_absolute(dir, len, path) : NULL;

			fprintf(f, "%.*s%s", (int)key + 1, at, whole ? whole : "");
		} else {
			fprintf(f, "%.*s", (int)n, at);
		}
	}
	if (fclose(f) != 0) {
		free(out);
		return NULL;
	}
	return out;
}

int settings_anchor(const char *file, const struct option *opt, char **value)
{
	const char *slash = strrchr(file, '/');
	size_t len = slash ? (size_t)(slash - file) : 0;
	bool is_path = (opt->traits & OPTION_PATH) ||
		((opt->traits & OPTION_PATH_OR_WORD) && !settings_is_word(*value));
	char *full;

	if (!is_path)
		return 0;
	full = opt->traits & OPTION_PLACE ? anchor_mount(*value, file, len) : path_absolute(file, len, *value);
	if (!full)
		return -ENOMEM;
	free(*value);
	*value = full;
	return 0;
}
