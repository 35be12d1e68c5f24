/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image: squashfs and erofs files as trees. What it is, its superblock says. erofs is mounted from the file
 * itself where the kernel can (Linux 6.12); else a loop device stands in between, which the kernel takes away with
 * the last mount or descriptor of it, however that ends (LO_FLAGS_AUTOCLEAR).
 *
 * The kernel parses the image with all its rights, so only root may, as the kernel has it.
 */
#include "sandbox/image.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "sandbox/bind.h"
#include "sandbox/mounts.h"

enum {
	SQUASHFS_MAGIC = 0x73717368,	/* at 0; fs/squashfs/squashfs_fs.h */
	EROFS_AT = 1024,
	LOOP_TRIES = 64,
};
#define EROFS_MAGIC 0xE0F5E1E2u		/* fs/erofs/erofs_fs.h */

static bool has_magic(int fd, off_t at, uint32_t magic)
{
	uint32_t word;

	return pread(fd, &word, sizeof(word), at) == sizeof(word) && le32toh(word) == magic;
}

static int mount_from(const char *type, const char *source, uint64_t attrs)
{
	const char *const opts[] = { "source", source, "ro", NULL, NULL };

	return fs_new(type, opts, attrs);
}

/* A free loop device with the file behind it: descriptor, and its path. -errno. */
static int loop_new(int file, char path[32])
{
	struct loop_config c = { .fd = (uint32_t)file, .info = {
		.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO } };
	cleanup_close int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (ctl < 0)
		return -errno;
	/* Another one may take it in between. */
	for (int i = 0; i < LOOP_TRIES; i++) {
		int fd, err, n = ioctl(ctl, LOOP_CTL_GET_FREE);

		if (n < 0)
			return -errno;
		snprintf(path, 32, "/dev/loop%d", n);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (ioctl(fd, LOOP_CONFIGURE, &c) == 0)
			return fd;
		err = errno;
		close(fd);
		if (err != EBUSY)
			return -err;
	}
	return -EBUSY;
}

int image_open(const struct jail_setup *s, const struct jail_mount *m)
{
	cleanup_close int path_fd = bind_source(s, m->source), file = -1, loop = -1;
	char path[32];
	struct stat st;
	const char *type;
	int tree = -ENOTBLK;

	if (!s->initial)
		jail_fail(s, -EPERM, "cannot mount the image %s: the kernel lets root alone mount images, for it parses "
			  "them with all its rights; run as root, or mount it with squashfuse or erofsfuse and "
			  "--ro-bind that", m->source);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	if (fstat(path_fd, &st) < 0 || !S_ISREG(st.st_mode))
		jail_fail(s, -EINVAL, "cannot mount the image %s: it is not a file", m->source);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		jail_fail(s, -errno, "cannot open the image %s: %s", m->source, strerror(errno));
	type = has_magic(file, 0, SQUASHFS_MAGIC) ? "squashfs" : has_magic(file, EROFS_AT, EROFS_MAGIC) ? "erofs" : NULL;
	if (!type)
		jail_fail(s, -EINVAL, "cannot mount the image %s: it is neither squashfs nor erofs", m->source);
	if (type[0] == 'e') {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
		tree = mount_from(type, path, mount_attrs(m));
	}
	if (tree == -ENOTBLK || tree == -EINVAL) {
		loop = loop_new(file, path);
		if (loop < 0)
			jail_fail(s, loop, "cannot mount the image %s: no loop device to be had: %s (is the module "
				  "loop loaded?)", m->source, strerror(-loop));
		tree = mount_from(type, path, mount_attrs(m));
	}
	if (tree < 0)
		jail_fail(s, tree, "cannot mount the image %s as %s: %s%s", m->source, type, strerror(-tree),
			  tree == -ENODEV ? " (this kernel does not know it)" : tree == -EINVAL ?
			  " (damaged, or compressed in a way that this kernel does not know)" : "");
	return tree;
}
