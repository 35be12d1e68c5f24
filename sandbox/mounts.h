/* SPDX-License-Identifier: Apache-2.0 */
/* mounts: what the plan puts into the root. In init. */
#ifndef SANDBOX_MOUNTS_H
#define SANDBOX_MOUNTS_H

#include <stdint.h>

#include "sandbox/jail_internal.h"
#include "sandbox/place.h"

/* Opens what comes from the host, before the new root is there: a tree or -1 for each mount, heap. */
int *mounts_open(const struct jail_setup *s);
/* Puts each at its place, in order; trees is closed and freed. */
void mounts_attach(const struct jail_setup *s, int *trees, const struct inside *at);
/* The attributes that the mount asks for, as mount_setattr(2) has them. */
uint64_t mount_attrs(const struct jail_mount *m);

#endif
