/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts: what the plan puts into the root. What comes from the host is opened first, while the host's root
 * is there; everything is attached in the plan's order once the jail's own root stands. Each mount has
 * its attributes before it is attached, and its Landlock rule.
 *
 * What is made here (files, directories, a tmpfs without a size) lives in the scratch tmpfs, so that the
 * one bound on it holds for all of it, and is shown at its place by a bind.
 */
#include "sandbox/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "sandbox/bind.h"
#include "sandbox/device.h"
#include "sandbox/image.h"
#include "sandbox/overlay.h"

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000	/* Linux 5.14 */
#endif

uint64_t mount_attrs(const struct jail_mount *m)
{
	if (m->kind == JAIL_DEVICE)
		return DEVICE_ATTRS;
	return MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (m->writable ? 0 : MOUNT_ATTR_RDONLY) |
		(m->noexec ? MOUNT_ATTR_NOEXEC : 0) | (m->nosymfollow ? MOUNT_ATTR_NOSYMFOLLOW : 0);
}

static int open_layer(const struct jail_setup *s, const char *path)
{
	int fd = bind_source(s, path);
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		jail_fail(s, -ENOTDIR, "cannot use %s in an overlay: it is not a directory", path);
	return fd;
}

static struct opened open_one(const struct jail_setup *s, const struct jail_mount *m)
{
	switch (m->kind) {
	case JAIL_BIND:
		return (struct opened){ bind_open(s, m), -1, -1 };
	case JAIL_IMAGE:
		return (struct opened){ image_open(s, m), -1, -1 };
	case JAIL_DEVICE:
		return (struct opened){ device_open(s, m), -1, -1 };
	case JAIL_OVERLAY:
		return (struct opened){ open_layer(s, m->source), m->upper ? open_layer(s, m->upper) : -1,
			m->upper ? open_layer(s, m->work) : -1 };
	case JAIL_TMPFS:
	case JAIL_SYMLINK:
	case JAIL_FILE:
		break;
	}
	return (struct opened){ -1, -1, -1 };
}

struct opened *mounts_open(const struct jail_setup *s)
{
	struct opened *o = calloc(s->plan->n_mounts + 1, sizeof(*o));
	unsigned long propagation = MS_PRIVATE;

	if (!o)
		jail_fail(s, -ENOMEM, "out of memory while mounts are opened");
	for (size_t i = 0; i < s->plan->n_mounts; i++)
		propagation = s->plan->mounts[i].slave ? MS_SLAVE : propagation;
	if (mount(NULL, "/", NULL, MS_REC | propagation, NULL) < 0)
		jail_fail(s, -errno, "cannot take mounts away from the host's: %s", strerror(errno));
	for (size_t i = 0; i < s->plan->n_mounts; i++)
		o[i] = open_one(s, &s->plan->mounts[i]);
	return o;
}

static bool is_base(const struct jail_mount *m)
{
	return (m->kind == JAIL_BIND || m->kind == JAIL_IMAGE || m->kind == JAIL_OVERLAY) &&
		m->dest[strspn(m->dest, "/")] == '\0';
}

/* The changes of an overlay go to the caller's directories, or are gone with the scratch tmpfs. */
static int overlay_make(const struct jail_setup *s, size_t i, struct opened *o, const struct inside *at)
{
	const struct jail_mount *m = &s->plan->mounts[i];
	struct layers l = { .upper = o->upper, .work = o->work, .lower = { o->tree, -1 } };
	char name[32];
	int r = 0;

	snprintf(name, sizeof(name), "mount%zu", i);
	if (l.upper < 0)
		r = overlay_scratch(s, at->scratch, name, &l);
	if (r == 0)
		r = overlay_new(s, &l, mount_attrs(m));
	if (r < 0)
		jail_fail(s, r, "cannot lay changes over %s: %s%s", m->source, strerror(-r), r == -EINVAL && !s->initial ?
			  " (Linux 5.11 or newer is needed, and no other mount below it)" : r == -EINVAL && m->upper ?
			  " (upper= and work= are different directories of one file system, neither below the other)" : "");
	fd_close(&l.upper);
	fd_close(&l.work);
	close(o->tree);
	*o = (struct opened){ r, -1, -1 };
	return r;
}

int mounts_base(const struct jail_setup *s, struct opened *o, const struct inside *at, const struct jail_mount **ret_m)
{
	int tree = -1;

	for (size_t i = 0; i < s->plan->n_mounts; i++) {
		if (!is_base(&s->plan->mounts[i]))
			continue;
		if (tree >= 0)
			close(tree);	/* a later one goes over an earlier one */
		tree = s->plan->mounts[i].kind == JAIL_OVERLAY ? overlay_make(s, i, &o[i], at) : o[i].tree;
		*ret_m = &s->plan->mounts[i];
	}
	return tree;
}

static int tmpfs_new(const struct jail_setup *s, const struct jail_mount *m)
{
	char size[24] = SCRATCH_SIZE, inodes[24], mode[16], uid[16], gid[16];
	const char *const opts[] = { "size", size, "nr_inodes", inodes, "mode", mode, "uid", uid, "gid", gid, NULL };

	if (m->size)
		snprintf(size, sizeof(size), "%" PRIu64, m->size);
	snprintf(inodes, sizeof(inodes), "%" PRIu64, m->inodes ? m->inodes : SCRATCH_INODES);
	snprintf(mode, sizeof(mode), "%o", m->mode ? m->mode : 0755);
	snprintf(uid, sizeof(uid), "%" PRIu32, s->uid.outside);
	snprintf(gid, sizeof(gid), "%" PRIu32, s->gid.outside);
	return fs_new("tmpfs", opts, mount_attrs(m));
}

/* In the scratch tmpfs, the program's; name is unused there. 0 or -errno. */
static int file_make(const struct jail_setup *s, const struct jail_mount *m, int dir, const char *name)
{
	cleanup_close int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t done = 0;

	while (fd >= 0 && done < m->text_len) {
		ssize_t n = write(fd, m->text + done, m->text_len - done);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	if (fd < 0 || fchown(fd, s->uid.outside, s->gid.outside) < 0 || fchmod(fd, m->mode ? m->mode : 0444) < 0)
		return -errno;
	return 0;
}

static int dir_make(const struct jail_setup *s, const struct jail_mount *m, int dir, const char *name)
{
	if (mkdirat(dir, name, 0700) < 0 || fchownat(dir, name, s->uid.outside, s->gid.outside, 0) < 0 ||
	    fchmodat(dir, name, m->mode ? m->mode : 0755, 0) < 0)
		return -errno;
	return 0;
}

/* A detached mount of what is made here for the i-th mount of the plan. -errno. */
static int make(const struct jail_setup *s, size_t i, const struct inside *at)
{
	const struct jail_mount *m = &s->plan->mounts[i];
	char name[32];
	int r;

	if (m->kind == JAIL_TMPFS && (m->size || m->inodes))
		return tmpfs_new(s, m);
	snprintf(name, sizeof(name), "mount%zu", i);
	r = m->kind == JAIL_FILE ? file_make(s, m, at->scratch, name) : dir_make(s, m, at->scratch, name);
	return r < 0 ? r : tree_clone(at->scratch, name, mount_attrs(m));
}

static void attach_one(const struct jail_setup *s, size_t i, struct opened *o, const struct inside *at)
{
	const struct jail_mount *m = &s->plan->mounts[i];
	int r, fd, tree = m->kind == JAIL_OVERLAY ? overlay_make(s, i, o, at) : o->tree;
	struct stat st;

	if (m->dest[0] != '/')
		jail_fail(s, -EINVAL, "cannot use %s: the path must be absolute", m->dest);
	if (m->kind == JAIL_SYMLINK) {
		r = place_link(at, m->source, m->dest);
		if (r < 0)
			jail_fail(s, r, "cannot make the symbolic link %s: %s", m->dest, place_text(r));
		return;
	}
	if (m->kind == JAIL_DEVICE)
		tree = device_give(s, i, tree, at->scratch);
	if (tree < 0)
		tree = make(s, i, at);
	if (tree < 0 || fstat(tree, &st) < 0)
		jail_fail(s, tree < 0 ? tree : -errno, "cannot make %s: %s", m->dest,
			  strerror(tree < 0 ? -tree : errno));
	fd = place_make(at, m->dest, S_ISDIR(st.st_mode));
	if (fd < 0)
		jail_fail(s, fd, "cannot bind to %s: %s", m->dest, place_text(fd));
	landlock_allow_tree(s, tree);
	r = tree_attach(tree, fd, "");
	if (r < 0)
		jail_fail(s, r, "cannot bind %s to %s: %s", m->source ? m->source : "it", m->dest, r == -ENOTDIR ?
			  "one is a directory and the other is not" : strerror(-r));
	close(fd);
	if (m->kind == JAIL_BIND || m->kind == JAIL_OVERLAY)
		bind_cover(s, tree, m->source, at->empty);
	close(tree);
}

void mounts_attach(const struct jail_setup *s, struct opened *o, const struct inside *at)
{
	for (size_t i = 0; i < s->plan->n_mounts; i++) {
		if (!is_base(&s->plan->mounts[i]))
			attach_one(s, i, &o[i], at);
	}
	free(o);
}
