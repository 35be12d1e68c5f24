/* SPDX-License-Identifier: Apache-2.0 */
/* mounts: what the plan puts into the root. In init. */
#ifndef SANDBOX_MOUNTS_H
#define SANDBOX_MOUNTS_H

#include <stdint.h>

#include "sandbox/jail_internal.h"
#include "sandbox/place.h"

/* What of a mount was opened while the host's root was there; -1 for what it does not have. */
struct opened {
	int tree;		/* detached; of an overlay its lower directory, attached */
	int upper, work;
};

/* One for each mount of the plan, heap. */
struct opened *mounts_open(const struct jail_setup *s);
/* The tree that is mounted at "/", now the caller's, and which mount of the plan it is; or -1. */
int mounts_base(const struct jail_setup *s, struct opened *o, const struct inside *at, const struct jail_mount **ret_m);
/* Puts each at its place, in order; o is closed and freed. */
void mounts_attach(const struct jail_setup *s, struct opened *o, const struct inside *at);
/* The attributes that the mount asks for, as mount_setattr(2) has them. */
uint64_t mount_attrs(const struct jail_mount *m);

#endif
