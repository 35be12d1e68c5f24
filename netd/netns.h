/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netns: steps into another network namespace and back, and what is done by file inside one.
 * netd is single-threaded, so "the calling thread" is netd.
 */
#ifndef NETD_NETNS_H
#define NETD_NETNS_H

#include <stdbool.h>

/* Enters the namespace; *ret_home is the way back. 0 or -errno (still where we were). */
int netns_enter(int netns, int *ret_home);
/* Goes back and closes home. Ends the process when that fails: it would act in the wrong place. */
void netns_leave(int home);

/*
 * Writes to / reads the first number of /proc/sys/<path> of the namespace that we are in (/proc/sys/net
 * follows its reader). 0 or -errno; -ENOENT: this kernel has no such setting.
 */
int netns_sysctl_set(const char *path, const char *value);
int netns_sysctl_get(const char *path, long *ret_value);

/* Does this kernel do IPv6 at all? */
bool netns_has_ipv6(void);

/*
 * Switches off, on the interface, every offload that makes the sandbox's kernel hand us frames that
 * cannot be described to the worker; TCP segmentation too unless keep_tso. 0 or -errno.
 */
int netns_offloads_off(const char *ifname, bool keep_tso);

#endif
