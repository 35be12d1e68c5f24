/* SPDX-License-Identifier: Apache-2.0 */
/* sibling: finds the programs and files of this installation, and says what the programs are told of the world. */
#include "lib/sibling.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first of the places, relative to our own program, where name can be accessed in that way. */
static int find(const char *const places[2], const char *name, int how, char *buf)
{
	char self[SIBLING_PATH_CAP];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return -errno;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return -ENOENT;
	slash[1] = '\0';
	for (size_t i = 0; i < 2; i++) {
		int k = snprintf(buf, SIBLING_PATH_CAP, "%s%s%s", self, places[i], name);

		if (k < 0 || k >= SIBLING_PATH_CAP)
			return -ENAMETOOLONG;
		if (access(buf, how) == 0)
			return 0;
	}
	return -ENOENT;
}

int sibling_find(const char *name, char *buf)
{
	static const char *const places[] = { "", "../libexec/sluice/" };

	return find(places, name, X_OK, buf);
}

int sibling_dir(const char *name, char *buf)
{
	static const char *const places[] = { "", "../share/sluice/" };

	return find(places, name, R_OK | X_OK, buf);
}

char **sibling_environment(void)
{
	static char debug[] = "SLUICE_DEBUG=1";
	static char *env[4];
	const char *on = getenv("SLUICE_DEBUG");
	size_t n = 0;

	if (on && *on == '1')
		env[n++] = debug;
#ifdef SLUICE_SANITIZED
	/* The leak check traces threads, which a confined process cannot. */
	static char asan[] = "ASAN_OPTIONS=detect_leaks=0";
	static char ubsan[] = "UBSAN_OPTIONS=print_stacktrace=1";

	env[n++] = asan;
	env[n++] = ubsan;
#endif
	env[n] = NULL;
	return env;
}
