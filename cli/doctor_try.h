/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_try: what sluice needs from a machine, tried. Each attempt is made in a child of its own, so that a
 * namespace, a mount or a filter ends with it. 0, or the errno.
 */
#ifndef CLI_DOCTOR_TRY_H
#define CLI_DOCTOR_TRY_H

int doctor_try(int (*attempt)(void));

int try_userns(void);
int try_namespaces(void);
int try_time(void);
int try_mounts(void);
int try_overlay(void);
int try_packet(void);
int try_xdp(void);
int try_bpf(void);
int try_tun(void);
int try_ping(void);
int try_seccomp(void);
int try_pidfd(void);
int try_close_range(void);

#endif
