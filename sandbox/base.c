/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base: a root from somewhere else: an image or a directory that is mounted at "/".
 *
 * Theory of operation. The root stays the jail's own tmpfs. What lies in "/" and "/var" of the tree is shown
 * there piece by piece, each directory by a bind, each symlink as a copy; /dev, /proc, /sys, /tmp, /run, /home, /root
 * and /var/tmp are the jail's own and are never looked up in the tree, so whatever the tree has in their
 * place, a symlink to the host for instance, is not met (CVE-2025-31133 and its like). Of /etc the tree's is
 * seen, with the few files that the jail writes lying on it.
 */
#include "sandbox/base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "sandbox/bind.h"
#include "sandbox/mounts.h"
#include "sandbox/overlay.h"

enum { ENTRIES_MAX = 512 };	/* of one directory */

static const char *const own_root[] = { "dev", "proc", "sys", "tmp", "run", "home", "root", "var", "etc", ".base", NULL };
static const char *const own_var[] = { "tmp", "run", NULL };

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++) {
		if (strcmp(name, *names) == 0)
			return true;
	}
	return false;
}

/* The entry of the tree at the same name in the root. */
static void show(const struct jail_setup *s, int from, int to, const char *name, uint64_t attrs)
{
	cleanup_close int fd = -1, clone = -1, at = -1;
	char target[1024];
	struct stat st;
	ssize_t n;
	int r = 0;

	n = readlinkat(from, name, target, sizeof(target) - 1);
	if (n > 0) {
		target[n] = '\0';
		r = symlinkat(target, to, name) < 0 ? -errno : 0;
	} else {
		fd = place_open(from, name);
		if (fd < 0 || fstat(fd, &st) < 0)
			r = fd < 0 ? fd : -errno;
		else if (S_ISDIR(st.st_mode) ? mkdirat(to, name, 0755) < 0 : mknodat(to, name, S_IFREG | 0444, 0) < 0)
			r = -errno;
		clone = r < 0 ? r : tree_clone(fd, "", attrs);
		at = clone < 0 ? clone : place_open(to, name);
		r = at < 0 ? at : 0;
		if (r == 0) {
			landlock_allow_tree(s, clone);
			r = tree_attach(clone, at, "");
		}
	}
	if (r < 0)
		jail_fail(s, r, "cannot show %.200s of the root's tree inside: %s", name, strerror(-r));
}

static void show_all(const struct jail_setup *s, int from, int to, const char *const *own, uint64_t attrs)
{
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!dir)
		jail_fail(s, -errno, "cannot read the root's tree: %s", strerror(errno));
	while ((e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || is_one_of(e->d_name, own))
			continue;
		if (++n > ENTRIES_MAX)
			jail_fail(s, -E2BIG, "the root's tree has more than %d entries in one directory that is shown piece "
				  "by piece", ENTRIES_MAX);
		show(s, from, to, e->d_name, attrs);
	}
	closedir(dir);
}

/* Ours lies on the tree's. */
static void show_etc(const struct jail_setup *s, int base, int root, uint64_t attrs)
{
	struct layers l = { .upper = -1, .work = -1, .lower = { openat(root, "etc", O_PATH | O_DIRECTORY | O_CLOEXEC),
		place_open(base, "etc") } };
	struct stat st;
	int tree, r;

	if (l.lower[1] >= 0 && fstat(l.lower[1], &st) == 0 && S_ISDIR(st.st_mode)) {
		tree = overlay_new(s, &l, attrs | MOUNT_ATTR_RDONLY);
		if (tree >= 0)
			landlock_allow_tree(s, tree);
		r = tree < 0 ? tree : tree_attach(tree, root, "etc");
		if (r < 0)
			jail_fail(s, r, "cannot show /etc of the root's tree inside: %s", strerror(-r));
		close(tree);
	}
	fd_close(&l.lower[0]);
	if (l.lower[1] >= 0)
		close(l.lower[1]);
}

void base_build(const struct jail_setup *s, int tree, const struct jail_mount *m, const struct inside *at)
{
	int root = at->root;
	cleanup_close int var = -1, own = openat(root, "var", O_PATH | O_DIRECTORY | O_CLOEXEC);
	uint64_t attrs = mount_attrs(m);
	char path[48];
	struct stat st;

	/* Only what is attached can be bound from. */
	if (mkdirat(root, ".base", 0700) < 0 || tree_attach(tree, root, ".base") < 0)
		jail_fail(s, -errno, "cannot mount the root's tree: %s", strerror(errno));
	if (m->kind != JAIL_IMAGE)
		bind_cover(s, tree, m->source, at->empty);
	show_all(s, tree, root, own_root, attrs);
	var = place_open(tree, "var");
	if (var >= 0 && fstat(var, &st) == 0 && S_ISDIR(st.st_mode))
		show_all(s, var, own, own_var, attrs);
	show_etc(s, tree, root, attrs);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/.base", root);
	if (umount2(path, MNT_DETACH) < 0 || unlinkat(root, ".base", AT_REMOVEDIR) < 0)
		jail_fail(s, -errno, "cannot take the root's tree away: %s", strerror(errno));
	close(tree);
}
