/* SPDX-License-Identifier: Apache-2.0 */
/* bind: what of the host is shown inside. In init, while the host's root is there. */
#ifndef SANDBOX_BIND_H
#define SANDBOX_BIND_H

#include "sandbox/jail_internal.h"

/* O_PATH; ends the jail when it is no path without symlinks, or is hidden. */
int bind_source(const struct jail_setup *s, const char *source);
/* A detached copy of the tree, with its attributes. */
int bind_open(const struct jail_setup *s, const struct jail_mount *m);
/* Covers what is hidden below source, which the attached tree shows. */
void bind_cover(const struct jail_setup *s, int tree, const char *source, int empty);
/* Where the caller's working directory is inside, heap; NULL when nothing holds it. Before the root. */
char *bind_cwd(const struct jail_setup *s);

#endif
