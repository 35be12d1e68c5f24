/* SPDX-License-Identifier: Apache-2.0 */
/* reload: a sandbox's policy, read from netd's descriptor: the first one, and a new one while it runs. */
#ifndef EGRESS_RELOAD_H
#define EGRESS_RELOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/proto.h"

struct egress;
struct policy;

/* fd: a memfd with YAML, borrowed. 0, or -errno with why (PROTO_TEXT_CAP bytes) saying what is wrong where. */
int policy_load(int fd, struct policy **ret_policy, char *why);
/* fds: the policy; taken. netd is answered once: in force, or the old one stays and why. */
void reload(struct egress *eg, const struct proto_policy_set *m, int *fds, size_t n_fds);

/* What was read of a flow under one rule: is it enough under another? (both enum proto_inspect) */
bool reload_read_enough(uint8_t was, uint8_t wanted);

#endif
