/* SPDX-License-Identifier: Apache-2.0 */
/* overlay: a directory with changes of its own above it. In init. */
#ifndef SANDBOX_OVERLAY_H
#define SANDBOX_OVERLAY_H

#include "sandbox/jail_internal.h"

/* Directories as descriptors of mounts that are attached; -1 for none. */
struct layers {
	int upper, work;
	int lower[2];		/* the first lies on the second */
};

/* A detached mount of them, read-only without upper; -errno. */
int overlay_new(const struct jail_setup *s, const struct layers *l, uint64_t attrs);
/* Makes upper and work in a directory of the scratch tmpfs, with the owner and mode of lower. -errno. */
int overlay_scratch(const struct jail_setup *s, int dir, const char *name, struct layers *l);

#endif
