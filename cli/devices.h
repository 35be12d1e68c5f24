/* SPDX-License-Identifier: Apache-2.0 */
/* devices: --device, text to mounts and a list of ioctl commands. As the caller. */
#ifndef CLI_DEVICES_H
#define CLI_DEVICES_H

#include "cli/device_list.h"
#include "cli/mounts.h"

enum { DEVICES_WHY_CAP = 512 };

struct devices {
	bool listed;		/* one of them has a list: no ioctl but theirs and the basic ones */
	struct device_list list;	/* of all together */
	struct filter watch;	/* what the log is told of; no program: nothing */
};

/*
 * NODE, NODE:LIST or PRESET[:NUMBER,...]. 0, or -EINVAL with why (DEVICES_WHY_CAP): what; what to do. ret_file: the
 * file of the list, when it is the user's; points into value.
 */
int devices_add(struct devices *d, struct mounts *m, const char *value, const char **ret_file, char *why);
/* With a list: the filter with ioctl limited to it, in place of f. 0, or -errno with why. */
int devices_filter(struct devices *d, struct filter *f, char *why);
/* Makes watch: every ioctl but the basic ones. 0, or -errno with why. */
int devices_watch(struct devices *d, char *why);
void devices_done(struct devices *d);

#endif
