/* SPDX-License-Identifier: Apache-2.0 */
/*
 * abi: what the XDP program and netd must agree on. Read by the BPF compiler as well, so it includes
 * nothing but the kernel's own types. Include it before the generated bpf/gate.skel.h.
 *
 *	skel = gate_bpf__open();
 *	skel->rodata->gate_config = (struct gate_config){ ... };
 *	bpf_program__set_flags(skel->progs.gate, BPF_F_XDP_HAS_FRAGS);	only for multi-buffer AF_XDP
 *	gate_bpf__load(skel);
 *	... attach skel->progs.gate to the host end; put the AF_XDP socket in skel->maps.xsks at its queue
 *
 * skel->maps.drops: per CPU, __u64 by enum drop_reason (bpf/drop.h), DROP_REASON_MAX of them.
 */
#ifndef BPF_ABI_H
#define BPF_ABI_H

#include <linux/types.h>

enum {
	GATE_QUEUES = 1,	/* receive queues of the host end that may have a socket */
};

/* Fixed at load time; the program's verifier sees constants. */
struct gate_config {
	__u8 sb_mac[6];		/* the only source MAC let through */
	__u8 zero[2];
	__u8 sb4[4];		/* the only IPv4 source, network order */
	__u8 sb6[16];		/* the only global IPv6 source, network order */
	__u32 budget_pps;	/* frames per second in the long run; 0: no limit */
	__u32 budget_burst;	/* frames at once after a pause; taken as 1 when 0 */
};

#endif
