/* SPDX-License-Identifier: Apache-2.0 */
/* filter_file: system call filters from files in the JSON form of OCI, Docker and Podman. Runs in the caller. */
#ifndef SANDBOX_FILTER_FILE_H
#define SANDBOX_FILTER_FILE_H

#include "sandbox/filter.h"

enum { FILTER_WHY_CAP = 400 };

/*
 * what: a built-in profile's name, or a file. 0, or -errno with why: place, what, what to do. ret_filter
 * borrows `what` as its name; filter_close() it.
 */
int filter_open(const char *what, struct filter *ret_filter, char *why);
/* The same from text, for tests. */
int filter_parse(const char *text, size_t len, struct filter *ret_filter, char *why);
void filter_close(struct filter *f);

#endif
