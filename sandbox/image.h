/* SPDX-License-Identifier: Apache-2.0 */
/* image: file systems in files. In init. */
#ifndef SANDBOX_IMAGE_H
#define SANDBOX_IMAGE_H

#include "sandbox/jail_internal.h"

/* A detached, read-only mount of it; ends the jail when that cannot be. */
int image_open(const struct jail_setup *s, const struct jail_mount *m);

#endif
