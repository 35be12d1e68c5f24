/* SPDX-License-Identifier: Apache-2.0 */
/* slurp: a whole small file in memory. */
#ifndef EGRESS_SLURP_H
#define EGRESS_SLURP_H

#include <stddef.h>

/* *ret_text is malloc'ed and NUL-terminated. 0, -EFBIG when it is longer than max, or -errno. */
int slurp_fd(int fd, size_t max, char **ret_text, size_t *ret_len);
int slurp_path(const char *path, size_t max, char **ret_text, size_t *ret_len);

#endif
