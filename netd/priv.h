/* SPDX-License-Identifier: Apache-2.0 */
/* priv: the closed list of what netd does with its privileges. */
#ifndef NETD_PRIV_H
#define NETD_PRIV_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/proto.h"
#include "netd/link.h"
#include "netd/spawn.h"

/* Remembers the host's network namespace and drops every capability that no operation below needs. */
int priv_init(void);
int priv_start_egress(const char *path, int command_fd, struct child *ret_child);
int priv_leave_host_network(void);
/* What the next sandbox would wait for. */
void priv_warm(void);
/* The sandbox is made: gives back what of that it did not need. */
void priv_cool(void);
/* why: PROTO_TEXT_CAP bytes, filled on failure. */
int priv_check_netns(int fd, char *why);
/* May this user have a link made in it: is it the user's own? why as above. 0 or -errno. */
int priv_check_owner(int netns, uid_t client, char *why);
int priv_open_link(const struct link_spec *spec, struct link *ret_link, char *why);
void priv_close_link(struct link *l);
/* What the link's gate has dropped, by reason; all zero without one. */
void priv_gate_drops(const struct link *l, uint64_t ret_counts[DROP_REASON_MAX]);

/* A worker without a sandbox: it waits at supervise_fd (borrowed) for PROTO_STACK_CONFIG. */
int priv_start_worker(const char *path, int supervise_fd, struct child *ret_child);
void priv_kill(struct child *c);

#endif
