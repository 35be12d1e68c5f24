/* SPDX-License-Identifier: Apache-2.0 */
/* sibling: where the other programs of this installation are. */
#ifndef LIB_SIBLING_H
#define LIB_SIBLING_H

enum { SIBLING_PATH_CAP = 1024 };

/*
 * Path of a program beside our own, or in ../libexec/sluice; never from the environment. buf holds
 * SIBLING_PATH_CAP bytes. 0 or -errno.
 */
int sibling_find(const char *name, char *buf);

/* The same for a directory of files that come with us: beside our own program, or in ../share/sluice. */
int sibling_dir(const char *name, char *buf);

/*
 * The environment for our own programs: SLUICE_DEBUG if the caller set it, nothing else of the caller's
 * (nothing that steers the dynamic loader). Static.
 */
char **sibling_environment(void);

#endif
