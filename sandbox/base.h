/* SPDX-License-Identifier: Apache-2.0 */
/* base: a root that is not made from the host's directories. In init. */
#ifndef SANDBOX_BASE_H
#define SANDBOX_BASE_H

#include "sandbox/jail_internal.h"
#include "sandbox/place.h"

/* Shows what the tree holds in the new root, in place of the host's system directories; tree is taken. */
void base_build(const struct jail_setup *s, int tree, const struct jail_mount *m, const struct inside *at);

#endif
