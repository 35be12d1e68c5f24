/* SPDX-License-Identifier: Apache-2.0 */
/* gate: loads the XDP program (bpf/gate.bpf.c) and puts it on the host end of a link. */
#ifndef NETD_GATE_H
#define NETD_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/drop.h"

struct gate;

/* A program and its maps, attached to nothing. multibuf: it takes frames in fragments. 0 or -errno. */
int gate_load(bool multibuf, struct gate **ret_gate);
/*
 * Attaches it to "lo" of the present namespace, which stays down: the kernel waits for its readers (bpf/dispatcher.c,
 * some 10 ms) when a program is attached for the first time, and not again.
 */
int gate_warm(struct gate *g);
/* On the interface of the namespace we are in, with the socket behind it. 0 or -errno. */
int gate_attach(struct gate *g, int ifindex, bool native, int xsk_fd);
/* The program stays on the interface until that is deleted. NULL is fine. */
void gate_free(struct gate *g);
void gate_drops(const struct gate *g, uint64_t ret_counts[DROP_REASON_MAX]);

#endif
