/* SPDX-License-Identifier: Apache-2.0 */
/* place: destinations inside, found and made without a symlink leading out. */
#ifndef SANDBOX_PLACE_H
#define SANDBOX_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

struct inside {
	int root;		/* of the jail */
	int scratch;		/* the writable tmpfs, where nothing of it is seen at its own place */
	int empty;		/* a directory to lay over what is hidden */
	dev_t own[2];		/* the file systems where mount points may be made */
};

/* path below dir as O_PATH, through no symlink; -errno. */
int place_open(int dir, const char *path);
/* dest as O_PATH, made where it may be made; -errno, see place_text(). */
int place_make(const struct inside *p, const char *dest, bool is_dir);
int place_link(const struct inside *p, const char *target, const char *dest);
/* Is dir on a file system of the jail's own? */
bool place_is_own(const struct inside *p, int dir);
const char *place_text(int err);

#endif
