/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: where something goes inside. A destination is walked one component at a time below the new
 * root without following any symlink but those that the jail itself made in "/"; mount points are
 * created on the jail's own file systems only, never on the host's. What is looked up stays a descriptor, so
 * nobody who can change the path meanwhile leads it elsewhere.
 */
#include "sandbox/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"

int place_open(int dir, const char *path)
{
	struct open_how how = {
		/* Not O_NOFOLLOW: with it a symlink would be opened instead of refused. */
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

bool place_is_own(const struct inside *p, int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 && (st.st_dev == p->own[0] || st.st_dev == p->own[1]);
}

static int create(const struct inside *p, int dir, const char *name, bool is_dir)
{
	if (!place_is_own(p, dir))
		return -EROFS;
	if (is_dir ? mkdirat(dir, name, 0755) < 0 : mknodat(dir, name, S_IFREG | 0444, 0) < 0)
		return -errno;
	return place_open(dir, name);
}

/* "/lib/x" where /lib is the jail's own link to "usr/lib" becomes "usr/lib/x". Heap, or NULL. */
static char *expand(int root, const char *dest)
{
	char target[256], *path;
	ssize_t n;

	dest += strspn(dest, "/");
	path = strdup(dest);
	if (!path)
		return NULL;
	path[strcspn(path, "/")] = '\0';
	n = readlinkat(root, path, target, sizeof(target) - 1);
	if (n <= 0) {
		free(path);
		return strdup(dest);
	}
	target[n] = '\0';
	dest += strlen(path);
	free(path);
	return asprintf(&path, "%s%s", target, dest) < 0 ? NULL : path;
}

/* Walks to what is before the last component, which is left in *ret_name, pointing into path. */
static int walk(const struct inside *p, char *path, const char **ret_name)
{
	char *save = NULL, *name = strtok_r(path, "/", &save), *next;
	int fd, dir;

	if (!name || !strcmp(name, "proc"))
		return -EPERM;
	dir = fcntl(p->root, F_DUPFD_CLOEXEC, 0);
	if (dir < 0)
		return -errno;
	for (;; name = next) {
		next = strtok_r(NULL, "/", &save);
		if (!strcmp(name, ".") || !strcmp(name, "..")) {
			close(dir);
			return -EINVAL;
		}
		if (!next)
			break;
		fd = place_open(dir, name);
		if (fd == -ENOENT)
			fd = create(p, dir, name, true);
		close(dir);
		if (fd < 0)
			return fd;
		dir = fd;
	}
	*ret_name = name;
	return dir;
}

int place_make(const struct inside *p, const char *dest, bool is_dir)
{
	cleanup_free char *path = expand(p->root, dest);
	const char *name;
	int fd, dir = path ? walk(p, path, &name) : -ENOMEM;

	if (dir < 0)
		return dir;
	fd = place_open(dir, name);
	if (fd == -ENOENT)
		fd = create(p, dir, name, is_dir);
	close(dir);
	return fd;
}

int place_link(const struct inside *p, const char *target, const char *dest)
{
	cleanup_free char *path = expand(p->root, dest);
	const char *name;
	int r, dir = path ? walk(p, path, &name) : -ENOMEM;

	if (dir < 0)
		return dir;
	r = !place_is_own(p, dir) ? -EROFS : symlinkat(target, dir, name) < 0 ? -errno : 0;
	close(dir);
	return r;
}

const char *place_text(int err)
{
	switch (err) {
	case -EROFS:
		return "it does not exist inside, and is not made in a directory of the host; make it "
			"there first, or choose another place";
	case -ELOOP:
		return "a part of the path is a symbolic link";
	case -EINVAL:
		return "the path may not contain \".\" or \"..\"";
	case -EPERM:
		return "nothing is put over / or /proc";
	default:
		return strerror(-err);
	}
}
