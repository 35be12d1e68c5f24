/* SPDX-License-Identifier: Apache-2.0 */
/* path: paths of the host as the user writes them. Runs as the caller. */
#include "cli/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Drops ".", ".." and doubled slashes of an absolute path, in place. */
static void clean(char *path)
{
	char *to = path;

	for (const char *at = path; *at;) {
		size_t n;

		at += strspn(at, "/");
		n = strcspn(at, "/");
		if (n == 2 && memcmp(at, "..", 2) == 0) {
			while (to > path && *--to != '/')
				;
		} else if (n && !(n == 1 && *at == '.')) {
			*to++ = '/';
			memmove(to, at, n);
			to += n;
		}
		at += n;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

char *path_absolute(const char *dir, size_t len, const char *path)
{
	char *cwd = NULL, *full = NULL;
	int n;

	if (path[0] == '/') {
		full = strdup(path);
		n = full ? 0 : -1;
	} else if (dir) {
		n = asprintf(&full, "%.*s/%s", (int)len, dir, path);
	} else {
		cwd = get_current_dir_name();
		n = cwd ? asprintf(&full, "%s/%s", cwd, path) : -1;
		free(cwd);
	}
	if (n < 0)
		return NULL;
	clean(full);
	return full;
}
