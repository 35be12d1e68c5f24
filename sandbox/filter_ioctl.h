/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_ioctl: a system call filter with one answer for ioctl but for the commands of a list; what else it refuses it
 * still refuses. Runs in the caller.
 */
#ifndef SANDBOX_FILTER_IOCTL_H
#define SANDBOX_FILTER_IOCTL_H

#include "sandbox/filter.h"

/* A command as the kernel reads it: 32 bits; those of mask count. */
struct ioctl_command {
	uint32_t value, mask;
};

/*
 * otherwise: for commands that are not on the list, SECCOMP_RET_* with data. 0, -ENOMEM, or -E2BIG: more than the kernel takes. The list is put in order; filter_close() ret_filter, which borrows the
 * name of f.
 */
int filter_limit_ioctl(const struct filter *f, struct ioctl_command *list, size_t n, uint32_t otherwise,
		       struct filter *ret_filter);

#endif
