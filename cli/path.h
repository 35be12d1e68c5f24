/* SPDX-License-Identifier: Apache-2.0 */
/* path: paths of the host as the user writes them. */
#ifndef CLI_PATH_H
#define CLI_PATH_H

#include <stddef.h>

/*
 * Absolute, so that it means the same later and inside; relative to dir (len bytes of it) or, when NULL, to the
 * current directory. Without "." and doubled slashes; ".." takes the name in front of it away, as in a shell's cd.
 * Heap, NULL when out of memory or without a current directory.
 */
char *path_absolute(const char *dir, size_t len, const char *path);

#endif
