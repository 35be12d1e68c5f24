/* SPDX-License-Identifier: Apache-2.0 */
/* device_log: what a program asked of its devices, JSON lines (--device-log). */
#ifndef CLI_DEVICE_LOG_H
#define CLI_DEVICE_LOG_H

#include "sandbox/jail.h"

/* One ioctl that is about to go on. fd: -1 for none. */
void device_log_write(int fd, const struct jail_violation *v);

#endif
