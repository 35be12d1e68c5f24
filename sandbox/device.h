/* SPDX-License-Identifier: Apache-2.0 */
/* device: nodes of the host that the program was granted. */
#ifndef SANDBOX_DEVICE_H
#define SANDBOX_DEVICE_H

#include <sys/mount.h>

#include "sandbox/jail_internal.h"

/* Read-only forbids changes to the node (mode, owner, times), not writing to the device. */
#define DEVICE_ATTRS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY)

/* A detached bind of the node; ends the jail when it is not the device that was granted. */
int device_open(const struct jail_setup *s, const struct jail_mount *m);
/*
 * What the program gets in its place, for the i-th mount of the plan: takes the bind, returns a detached mount. For
 * root a node of the jail's own that belongs to the program, made in scratch; else the bind as it is.
 */
int device_give(const struct jail_setup *s, size_t i, int bind, int scratch);

/* The caller's side: is there one in the plan? */
bool device_is_granted(const struct jail_plan *plan);
/* Limits the cgroup to them. 0 or -errno, as cgroup_allow_devices(). */
int device_limit(const struct jail_plan *plan, const struct cgroup *c);

#endif
