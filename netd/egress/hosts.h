/* SPDX-License-Identifier: Apache-2.0 */
/* hosts: the host's own /etc/hosts (hosts(5)), read once before confinement. */
#ifndef EGRESS_HOSTS_H
#define EGRESS_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

struct hosts;

enum {
	HOSTS_FILE_MAX = 8 << 20,	/* block lists of this size are in use */
	HOSTS_NAMES_MAX = 1 << 18,
};

/* text need not end in a NUL. What cannot be read is skipped, as the C library does. NULL on -ENOMEM. */
struct hosts *hosts_parse(const char *text, size_t len);
void hosts_free(struct hosts *h);
/*
 * Does the file speak about this name (normal form)? Then *ret_n addresses of the family (possibly none) are
 * in ret_addrs, which holds PROTO_ADDRS_MAX. h may be NULL.
 */
bool hosts_find(const struct hosts *h, const char *name, bool v6, struct addr *ret_addrs, uint8_t *ret_n);

#endif
