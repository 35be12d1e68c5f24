/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_list: the lists of --device: which ioctl commands may be given, one a line, and in those that come with
 * sluice which nodes and files go with them.
 *
 *	NUMBER[/MASK] [NAME]	a command; of which the bits of MASK count
 *	NAME			the same, where sluice knows the number
 *	node PATH, node? PATH	a device; with "?" only when it is there; "{}" in it is the number that was asked for
 *	see PATH, see? PATH	a file or directory that goes with it, read-only
 */
#ifndef CLI_DEVICE_LIST_H
#define CLI_DEVICE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "sandbox/filter_ioctl.h"

enum { DEVICE_LIST_WHY_CAP = 256 };

struct device_path {
	char *path;		/* absolute */
	bool node, optional;
};

struct device_list {
	struct ioctl_command *commands;
	size_t n_commands;
	struct device_path *paths;
	size_t n_paths;
};

/* Adds what the text says: 0, or -errno with why (DEVICE_LIST_WHY_CAP): line, what; what to do. with_paths: it may say node and see. */
int device_list_parse(struct device_list *l, const char *text, size_t len, bool with_paths, char *why);
void device_list_done(struct device_list *l);

#endif
