/* SPDX-License-Identifier: Apache-2.0 */
/* netd: finds a sluice-netd that listens (sluice-netd(8)). */
#ifndef CLI_NETD_H
#define CLI_NETD_H

/*
 * Connects to the one at path; NULL: the system's if it is there and may be used, "": none. *ret_fd is untouched
 * when none is taken. Must be called before the process changes its user namespace. 0, or -errno with the line told.
 */
int netd_connect(const char *path, int *ret_fd);

#endif
