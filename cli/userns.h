/* SPDX-License-Identifier: Apache-2.0 */
/* userns: an ordinary user's way to network namespaces of his own. */
#ifndef CLI_USERNS_H
#define CLI_USERNS_H

#include <stdbool.h>

#include "sandbox/jail.h"

/* Has the process what netd and the jail need without a user namespace? */
bool userns_needless(void);
/*
 * Moves the process into a user namespace where the caller is uid 0. With ranges in v (may be NULL) it has
 * those as well, and they are made to name what they are there. 0, or -errno with why (512 bytes) saying what
 * forbids it and how to allow it.
 */
int userns_enter(struct jail_view *v, char *why);
/* What a user namespace is refused for, from the system's switches; NULL when none of them is set. */
const char *userns_obstacle(void);

#endif
