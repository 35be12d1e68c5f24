/* SPDX-License-Identifier: Apache-2.0 */
/* idmap: other owners for the files of a bind. In init. */
#ifndef SANDBOX_IDMAP_H
#define SANDBOX_IDMAP_H

#include <sys/stat.h>

#include "sandbox/jail_internal.h"

/*
 * A user namespace for MOUNT_ATTR_IDMAP: with ranges, an id on disk is that id inside; without, what belongs to the
 * owner of st belongs to the program. -errno.
 */
int idmap_new(const struct jail_setup *s, const struct stat *st);

#endif
