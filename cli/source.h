/* SPDX-License-Identifier: Apache-2.0 */
/* source: the path of a file or directory of the host, without the symlinks that somebody could change. */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include <stdbool.h>

enum { SOURCE_WHY_CAP = 512 };

/*
 * Where path leads, absolute and without symlinks: heap, or NULL with why (SOURCE_WHY_CAP). A symlink that is not
 * the system's is an error unless follow. As the caller, before any user namespace is entered.
 */
char *source_resolve(const char *path, bool follow, char *why);

#endif
