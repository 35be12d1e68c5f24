/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bind: what the caller lets the program see of the host.
 *
 * A source is a path without symlinks and is opened as one, once, into a detached copy of its mount tree,
 * before anything else is mounted: whoever puts a symlink there meanwhile gets a refusal, and whatever
 * happens to the path later does not matter. What the plan hides is covered where a source holds it, and is
 * no source itself.
 */
#include "sandbox/bind.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "sandbox/idmap.h"
#include "sandbox/mounts.h"
#include "sandbox/place.h"

/* Where hidden lies below source: "" when it is the same, NULL when it does not. Both resolved. */
static const char *below(const char *source, const char *hidden)
{
	size_t len = strcmp(source, "/") == 0 ? 0 : strlen(source);

	if (strncmp(hidden, source, len) != 0 || (hidden[len] && hidden[len] != '/'))
		return NULL;
	return hidden + len + strspn(hidden + len, "/");
}

static void refuse_hidden(const struct jail_setup *s, const char *source)
{
	for (size_t i = 0; i < s->plan->n_hide; i++) {
		cleanup_free char *hidden = realpath(s->plan->hide[i], NULL);

		if (hidden && below(hidden, source))
			jail_fail(s, -EPERM, "cannot bind %s: the sockets in %s change policies, and are never "
				  "shown to a program", source, s->plan->hide[i]);
	}
}

int bind_source(const struct jail_setup *s, const char *source)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	if (source[0] != '/')
		jail_fail(s, -EINVAL, "cannot use %s: the path must be absolute", source);
	refuse_hidden(s, source);
	fd = (int)syscall(SYS_openat2, AT_FDCWD, source, &how, sizeof(how));
	if (fd < 0)
		jail_fail(s, -errno, "cannot bind %s: %s", source, errno == ELOOP ?
			  "a part of the path became a symbolic link meanwhile" : strerror(errno));
	return fd;
}

static int map_owner(const struct jail_setup *s, const struct jail_mount *m, int source)
{
	struct stat st;
	int fd;

	if (!s->initial)
		jail_fail(s, -EPERM, "cannot map the owners of %s: the kernel lets only who has power over the file system "
			  "do that; run as root, or leave out idmap", m->source);
	fd = fstat(source, &st) < 0 ? -errno : idmap_new(s, &st);
	if (fd < 0)
		jail_fail(s, fd, "cannot map the owners of %s: %s", m->source, strerror(-fd));
	return fd;
}

int bind_open(const struct jail_setup *s, const struct jail_mount *m)
{
	struct mount_attr a = { .attr_set = mount_attrs(m), .propagation = m->slave ? MS_SLAVE : MS_PRIVATE };
	int tree, fd = bind_source(s, m->source);
	cleanup_close int userns = m->idmap ? map_owner(s, m, fd) : -1;

	if (m->idmap) {
		a.attr_set |= MOUNT_ATTR_IDMAP;
		a.userns_fd = (unsigned int)userns;
	}
	tree = tree_make(fd, "", &a);
	if (tree < 0)
		jail_fail(s, tree, "cannot bind %s: %s%s", m->source, strerror(-tree),
			  tree == -EINVAL && m->nosymfollow ? " (nosymfollow needs Linux 5.14)" :
			  tree == -EINVAL && m->idmap ? " (its file system, or one below it, has no idmap, or has one "
			  "already)" : "");
	close(fd);
	return tree;
}

/* Lays an empty directory over the hidden one, if the attached tree holds it. */
static void cover(const struct jail_setup *s, int tree, const char *source, const char *hide, int empty)
{
	cleanup_free char *hidden = realpath(hide, NULL);
	const char *at = hidden ? below(source, hidden) : NULL;
	int fd, cover_tree, r;

	if (!at || !*at)
		return;
	fd = place_open(tree, at);
	if (fd == -ENOENT)
		return;
	r = fd < 0 ? fd : 0;
	cover_tree = fd < 0 ? -1 : tree_clone(empty, "", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					      MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
	if (r == 0)
		r = cover_tree < 0 ? cover_tree : tree_attach(cover_tree, fd, "");
	if (r < 0)
		jail_fail(s, r, "cannot hide %s in the bind of %s: %s", hide, source, strerror(-r));
	close(cover_tree);
	close(fd);
}

void bind_cover(const struct jail_setup *s, int tree, const char *source, int empty)
{
	for (size_t i = 0; i < s->plan->n_hide; i++)
		cover(s, tree, source, s->plan->hide[i], empty);
}

char *bind_cwd(const struct jail_setup *s)
{
	cleanup_free char *cwd = getcwd(NULL, 0);
	char *inside = NULL;

	if (!cwd || cwd[0] != '/')
		return NULL;
	/* The last one that holds it is the one that is seen. */
	for (size_t i = s->plan->n_mounts; i-- > 0; ) {
		const struct jail_mount *m = &s->plan->mounts[i];
		const char *rest;

		if (m->kind != JAIL_BIND && m->kind != JAIL_OVERLAY)
			continue;
		rest = below(m->source, cwd);
		if (!rest)
			continue;
		if (asprintf(&inside, "%s%s%s", m->dest, *rest && m->dest[1] ? "/" : "", rest) < 0)
			return NULL;
		return inside;
	}
	return NULL;
}
