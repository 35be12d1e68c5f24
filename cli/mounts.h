/* SPDX-License-Identifier: Apache-2.0 */
/* mounts: the options that say what a program sees, text to struct jail_mount. As the caller. */
#ifndef CLI_MOUNTS_H
#define CLI_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "sandbox/jail.h"

enum { MOUNTS_WHY_CAP = 512 };

struct mounts {
	struct jail_mount *list;	/* the texts are owned as well */
	size_t n;
};

/* Is name (with its dashes) one of these options? */
bool mounts_is_option(const char *name);
/* 0, or -EINVAL with why (MOUNTS_WHY_CAP): what is wrong; what to give. */
int mounts_add(struct mounts *m, const char *name, const char *value, char *why);
void mounts_done(struct mounts *m);

#endif
