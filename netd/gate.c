/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate: the life of one sandbox's XDP program. Runs in netd, needs CAP_BPF and CAP_NET_ADMIN in the
 * initial user namespace. Nothing that a sandbox wrote comes in; the counters go out.
 */
#include "netd/gate.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/abi.h"
#include "bpf/gate.skel.h"
#include "lib/addr.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/proto.h"

#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1U << 5)	/* Linux 5.18 */
#endif

struct gate {
	struct gate_bpf *skel;
	int n_cpus;
};

/* A refused load is an answer here, not an error worth a page of the verifier's log. */
static int __attribute__((format(printf, 2, 0))) quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char text[256];

	(void)level;
	vsnprintf(text, sizeof(text), fmt, args);
	log_debug("libbpf: %s", text);
	return 0;
}

static struct gate_config config(void)
{
	static const uint8_t mac[6] = LINK_SB_MAC;
	struct gate_config c = { 0 };
	struct addr sb4, sb6;

	if (addr_parse(LINK_SB4, &sb4) || addr_parse(LINK_SB6, &sb6))
		abort();
	memcpy(c.sb_mac, mac, sizeof(c.sb_mac));
	memcpy(c.sb4, sb4.b + 12, sizeof(c.sb4));
	memcpy(c.sb6, sb6.b, sizeof(c.sb6));
	return c;
}

int gate_load(bool multibuf, struct gate **ret_gate)
{
	struct gate *g = calloc(1, sizeof(*g));
	int err;

	if (!g)
		return -ENOMEM;
	libbpf_set_print(quiet);
	g->n_cpus = libbpf_num_possible_cpus();
	g->skel = g->n_cpus > 0 ? gate_bpf__open() : NULL;
	if (!g->skel) {
		err = g->n_cpus > 0 ? -errno : g->n_cpus;
		goto err_free;
	}
	g->skel->rodata->gate_config = config();
	if (multibuf)
		bpf_program__set_flags(g->skel->progs.gate, BPF_F_XDP_HAS_FRAGS);
	err = gate_bpf__load(g->skel);
	if (err)
		goto err_free;
	*ret_gate = g;
	return 0;

err_free:
	gate_free(g);
	return err;
}

int gate_warm(struct gate *g)
{
	return bpf_xdp_attach(1, bpf_program__fd(g->skel->progs.gate), XDP_FLAGS_SKB_MODE, NULL);
}

int gate_attach(struct gate *g, int ifindex, bool native, int xsk_fd)
{
	const uint32_t flags = XDP_FLAGS_UPDATE_IF_NOEXIST | (native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	const uint32_t queue = 0;
	int err = bpf_xdp_attach(ifindex, bpf_program__fd(g->skel->progs.gate), flags, NULL);

	if (err)
		return err;
	return bpf_map_update_elem(bpf_map__fd(g->skel->maps.xsks), &queue, &xsk_fd, BPF_ANY);
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	if (g->skel)
		gate_bpf__destroy(g->skel);
	free(g);
}

void gate_drops(const struct gate *g, uint64_t ret_counts[DROP_REASON_MAX])
{
	cleanup_free uint64_t *cpus = calloc((size_t)g->n_cpus, sizeof(*cpus));

	memset(ret_counts, 0, DROP_REASON_MAX * sizeof(ret_counts[0]));
	if (!cpus)
		return;
	for (uint32_t reason = 0; reason < DROP_REASON_MAX; reason++) {
		if (bpf_map_lookup_elem(bpf_map__fd(g->skel->maps.drops), &reason, cpus) < 0)
			continue;
		for (int i = 0; i < g->n_cpus; i++)
			ret_counts[reason] += cpus[i];
	}
}
