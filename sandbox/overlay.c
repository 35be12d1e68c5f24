/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay: mounts of overlayfs. Its layers are given by descriptor, through /proc/self/fd, so that a
 * name that somebody changes meanwhile does not matter, and one with a ':' or ',' does not either. What
 * lies on other mounts below a layer is not seen.
 */
#include "sandbox/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"

int overlay_new(const struct jail_setup *s, const struct layers *l, uint64_t attrs)
{
	char lower[64], upper[32], work[32];
	const char *opts[10];
	size_t n = 0;

	if (l->lower[1] >= 0)
		snprintf(lower, sizeof(lower), "/proc/self/fd/%d:/proc/self/fd/%d", l->lower[0], l->lower[1]);
	else
		snprintf(lower, sizeof(lower), "/proc/self/fd/%d", l->lower[0]);
	snprintf(upper, sizeof(upper), "/proc/self/fd/%d", l->upper);
	snprintf(work, sizeof(work), "/proc/self/fd/%d", l->work);
	opts[n++] = "lowerdir";
	opts[n++] = lower;
	if (l->upper >= 0) {
		opts[n++] = "upperdir";
		opts[n++] = upper;
		opts[n++] = "workdir";
		opts[n++] = work;
	}
	/* The other kind of attribute is for those who have power over the file systems. */
	if (!s->initial) {
		opts[n++] = "userxattr";
		opts[n++] = NULL;
	}
	opts[n] = NULL;
	return fs_new("overlay", opts, attrs);
}

int overlay_scratch(const struct jail_setup *s, int dir, const char *name, struct layers *l)
{
	cleanup_close int top = -1;
	struct stat st;

	if (mkdirat(dir, name, 0700) < 0)
		return -errno;
	top = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0 || mkdirat(top, "upper", 0755) < 0 || mkdirat(top, "work", 0700) < 0 ||
	    fstat(l->lower[0], &st) < 0)
		return -errno;
	/* An owner that is not mapped here cannot be given; then it is the program's. */
	if ((fchownat(top, "upper", st.st_uid, st.st_gid, 0) < 0 &&
	     fchownat(top, "upper", s->uid.outside, s->gid.outside, 0) < 0) ||
	    fchmodat(top, "upper", st.st_mode & 07777, 0) < 0)
		return -errno;
	l->upper = openat(top, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC);
	l->work = openat(top, "work", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return l->upper < 0 || l->work < 0 ? -errno : 0;
}
