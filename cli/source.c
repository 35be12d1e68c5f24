/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: resolves what is to be shown to a program, as the caller.
 *
 * A program that could write to a directory yesterday may have left a symlink there: to bind what it
 * leads to would hand over a place that nobody chose (CVE-2024-42472). So only links of the system are
 * followed: root's, in a directory of root's. The result has no link in it, and the jail opens it as a path that
 * must have none: one that comes in between is refused there.
 */
#include "cli/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"

enum { LINKS_MAX = 40 };	/* as the kernel */

static int fail(char *why, const char *path, int err)
{
	snprintf(why, SOURCE_WHY_CAP, "%.180s: %s; give a file or directory that exists", path, strerror(err));
	return -err;
}

static int open_plain(const char *path, uint64_t resolve)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = resolve | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* Heap, or NULL with errno. */
static char *read_link(int dir, const char *name)
{
	char *text = malloc(PATH_MAX);
	ssize_t n = text ? readlinkat(dir, name, text, PATH_MAX - 1) : -1;

	if (n > 0) {
		text[n] = '\0';
		return text;
	}
	free(text);
	errno = n < 0 ? errno : ENOENT;
	return NULL;
}

/* What the link says, in front of rest: heap, *rest is replaced. */
static int put_target(int link, char **rest)
{
	cleanup_free char *target = read_link(link, "");
	char *more;

	if (!target || asprintf(&more, "%s/%s", target, *rest) < 0)
		return -errno;
	free(*rest);
	*rest = more;
	return 0;
}

static bool is_systems(const struct stat *dir, const struct stat *link)
{
	return link->st_uid == 0 && dir->st_uid == 0;
}

/* Takes the next component off *rest and moves *dir there; -errno with why. */
static int step(const char *path, int *dir, char **rest, int *links, char *why)
{
	size_t lead = strspn(*rest, "/"), len = strcspn(*rest + lead, "/"), end = lead + len;
	char name[NAME_MAX + 1];
	struct stat st, above;
	int fd, r;

	if (len > NAME_MAX)
		return fail(why, path, ENAMETOOLONG);
	memcpy(name, *rest + lead, len);
	name[len] = '\0';
	end += strspn(*rest + end, "/");
	memmove(*rest, *rest + end, strlen(*rest + end) + 1);
	/* A slash in front is that of the path or of a link. */
	fd = openat(*dir, lead ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	close(*dir);
	*dir = fd;
	if (fd < 0)
		return fail(why, path, errno);
	if (!len)
		return 0;
	fd = openat(*dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || fstat(*dir, &above) < 0)
		return fail(why, path, errno);
	if (!S_ISLNK(st.st_mode)) {
		close(*dir);
		*dir = fd;
		return 0;
	}
	if (is_systems(&above, &st)) {
		r = --*links < 0 ? -ELOOP : put_target(fd, rest);
		close(fd);
		return r < 0 ? fail(why, path, -r) : 0;
	}
	close(fd);
	snprintf(why, SOURCE_WHY_CAP, "%.80s: the symbolic link '%.80s' in it is not the system's: a program may have put "
		 "it there; give the path it leads to, or the option follow", path, name);
	return -ELOOP;
}

/* O_PATH of what path leads to through the system's links only. */
static int open_careful(const char *path, char *why)
{
	int links = LINKS_MAX, r = 0, dir = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *rest = strdup(path);

	if (dir < 0 || !rest)
		r = fail(why, path, errno);
	while (r == 0 && *rest)
		r = step(path, &dir, &rest, &links, why);
	free(rest);
	if (r < 0)
		fd_close(&dir);
	return r < 0 ? r : dir;
}

char *source_resolve(const char *path, bool follow, char *why)
{
	cleanup_close int fd = open_plain(path, follow ? 0 : RESOLVE_NO_SYMLINKS);
	char name[32], *full;

	if (fd < 0 && errno == ELOOP && !follow)
		fd = open_careful(path, why);
	else if (fd < 0)
		fail(why, path, errno);
	if (fd < 0)
		return NULL;
	/* Of the descriptor, so that nothing is looked up again. */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	full = read_link(AT_FDCWD, name);
	if (full && full[0] == '/')
		return full;
	fail(why, path, full ? ENOENT : errno);
	free(full);
	return NULL;
}
