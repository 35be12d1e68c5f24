/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bind: what the caller lets the program see of the host.
 *
 * A source is resolved once, into a detached copy of its mount tree, before anything else is mounted;
 * whatever happens to the path later does not matter. A destination is walked one component at a time
 * below the new root without following any symlink but those that the jail itself made in "/"; mount
 * points are created on the jail's own file systems only, never on the host's. What the plan hides is covered
 * where a source holds it, and is no source itself.
 */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* Where hidden lies below source: "" when it is the same, NULL when it does not. Both resolved. */
static const char *below(const char *source, const char *hidden)
{
	size_t len = strcmp(source, "/") == 0 ? 0 : strlen(source);

	if (strncmp(hidden, source, len) != 0 || (hidden[len] && hidden[len] != '/'))
		return NULL;
	return hidden + len + strspn(hidden + len, "/");
}

static void refuse_hidden(const struct jail_setup *s, const char *path)
{
	cleanup_free char *source = realpath(path, NULL);

	for (size_t i = 0; source && i < s->plan->n_hide; i++) {
		cleanup_free char *hidden = realpath(s->plan->hide[i], NULL);

		if (hidden && below(hidden, source))
			jail_fail(s, -EPERM, "cannot bind %s: the sockets in %s change policies, and are never "
				  "shown to a program", path, s->plan->hide[i]);
	}
}

void bind_open(const struct jail_setup *s, struct bind_set *ret_set)
{
	size_t n = s->plan->n_binds;

	ret_set->trees = calloc(n + 1, sizeof(*ret_set->trees));
	ret_set->is_dir = calloc(n + 1, sizeof(*ret_set->is_dir));
	if (!ret_set->trees || !ret_set->is_dir)
		jail_fail(s, -ENOMEM, "out of memory while binds are opened");
	for (size_t i = 0; i < n; i++) {
		const struct jail_bind *b = &s->plan->binds[i];
		uint64_t attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			(b->writable ? 0 : MOUNT_ATTR_RDONLY);
		struct stat st;
		int fd;

		if (b->source[0] != '/' || b->dest[0] != '/')
			jail_fail(s, -EINVAL, "bind %s to %s: both paths must be absolute", b->source,
				  b->dest);
		refuse_hidden(s, b->source);
		fd = tree_clone(AT_FDCWD, b->source, attrs);
		if (fd < 0 || fstat(fd, &st) < 0)
			jail_fail(s, fd < 0 ? fd : -errno, "cannot bind %s: %s", b->source,
				  strerror(fd < 0 ? -fd : errno));
		ret_set->trees[i] = fd;
		ret_set->is_dir[i] = S_ISDIR(st.st_mode);
	}
}

/* One component below dir. -ENOENT when it is not there, -ELOOP when it is a symlink. */
static int step(int dir, const char *name)
{
	struct open_how how = {
		/* Not O_NOFOLLOW: with it a symlink would be opened instead of refused. */
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int create(int dir, const char *name, bool is_dir, const dev_t own[2])
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return -errno;
	if (st.st_dev != own[0] && st.st_dev != own[1])
		return -EROFS;
	if (is_dir ? mkdirat(dir, name, 0755) < 0 : mknodat(dir, name, S_IFREG | 0444, 0) < 0)
		return -errno;
	return step(dir, name);
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

/* The mount point of dest as O_PATH, made where it may be made. -errno. */
static int walk(int root, const char *dest, bool is_dir, const dev_t own[2])
{
	cleanup_free char *path = expand(root, dest);
	char *save = NULL, *name, *next;
	int fd, r = 0, dir;

	if (!path)
		return -ENOMEM;
	name = strtok_r(path, "/", &save);
	if (!name || !strcmp(name, "proc"))
		return -EPERM;
	dir = dup(root);
	if (dir < 0)
		return -errno;
	for (; r == 0 && name; name = next) {
		next = strtok_r(NULL, "/", &save);
		fd = !strcmp(name, ".") || !strcmp(name, "..") ? -EINVAL : step(dir, name);
		if (fd == -ENOENT)
			fd = create(dir, name, next || is_dir, own);
		if (fd < 0) {
			r = fd;
			break;
		}
		close(dir);
		dir = fd;
	}
	if (r < 0) {
		close(dir);
		return r;
	}
	return dir;
}

static const char *walk_text(int err)
{
	switch (err) {
	case -EROFS:
		return "it does not exist inside, and is not made in a directory of the host; make it "
			"there first, or bind somewhere else";
	case -ELOOP:
		return "a part of the path is a symbolic link";
	case -EINVAL:
		return "the path may not contain \".\" or \"..\"";
	case -EPERM:
		return "nothing is bound over / or /proc";
	default:
		return strerror(-err);
	}
}

/* Lays an empty directory over the hidden one, if the attached tree holds it. */
static void cover(const struct jail_setup *s, int tree, const char *path, const char *hide, int empty)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	cleanup_free char *source = realpath(path, NULL), *hidden = realpath(hide, NULL);
	const char *at = source && hidden ? below(source, hidden) : NULL;
	int fd, cover_tree, r;

	if (!at || !*at)
		return;
	fd = (int)syscall(SYS_openat2, tree, at, &how, sizeof(how));
	r = fd < 0 ? -errno : 0;
	if (r == -ENOENT)
		return;
	cover_tree = fd < 0 ? -1 : tree_clone(empty, "", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					      MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
	if (r == 0)
		r = cover_tree < 0 ? cover_tree : tree_attach(cover_tree, fd, "");
	if (r < 0)
		jail_fail(s, r, "cannot hide %s in the bind of %s: %s", hide, path, strerror(-r));
	close(cover_tree);
	close(fd);
}

void bind_attach(const struct jail_setup *s, struct bind_set *set, int root, const dev_t own[2], int empty)
{
	for (size_t i = 0; i < s->plan->n_binds; i++) {
		const char *dest = s->plan->binds[i].dest;
		int r, fd = walk(root, dest, set->is_dir[i], own);

		if (fd < 0)
			jail_fail(s, fd, "cannot bind to %s: %s", dest, walk_text(fd));
		landlock_allow_tree(s, set->trees[i]);
		r = tree_attach(set->trees[i], fd, "");
		if (r < 0)
			jail_fail(s, r, "cannot bind %s to %s: %s", s->plan->binds[i].source, dest,
				  r == -ENOTDIR ? "one is a directory and the other is not" :
				  strerror(-r));
		close(fd);
		for (size_t h = 0; h < s->plan->n_hide; h++)
			cover(s, set->trees[i], s->plan->binds[i].source, s->plan->hide[h], empty);
		close(set->trees[i]);
	}
	free(set->trees);
	free(set->is_dir);
}

char *bind_cwd(const struct jail_setup *s)
{
	cleanup_free char *cwd = getcwd(NULL, 0);
	char *inside = NULL;

	if (!cwd || cwd[0] != '/')
		return NULL;
	/* The last bind that holds it is the one that is seen. */
	for (size_t i = s->plan->n_binds; i-- > 0; ) {
		cleanup_free char *source = realpath(s->plan->binds[i].source, NULL);
		size_t len = source ? strlen(source) : 0;

		if (len == 1)
			len = 0;	/* "/" */
		if (!source || strncmp(cwd, source, len) != 0 || (cwd[len] && cwd[len] != '/'))
			continue;
		if (asprintf(&inside, "%s%s", s->plan->binds[i].dest, cwd + len) < 0)
			return NULL;
		return inside;
	}
	return NULL;
}
