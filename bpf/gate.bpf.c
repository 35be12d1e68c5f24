/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * gate: the XDP program on the host end of a sandbox's veth. Runs in the kernel, before an skb meets
 * any other code of the host.
 *
 * In: every frame the sandbox sends. Out: the AF_XDP socket of this sandbox's worker, or nowhere. A
 * frame is dropped, and counted under its reason, when it is too short for its headers, does not come
 * from the sandbox's own MAC and address, is not IPv4, IPv6 or ARP, is over the packet budget, or
 * when no socket waits for it. There is no path to XDP_PASS: the host's stack never sees a frame.
 *
 * The gate is there to be cheap and early, not to be complete: the worker checks everything again.
 * Only what lies in the first 62 bytes is read, so it is all the same whether the frame goes on in
 * fragments (multi-buffer XDP); their first buffer always holds the headers that a sender's kernel
 * built, and a frame built without is dropped as short.
 *
 * Also GPL, because kernels before 5.8 lend bpf_ktime_get_ns() to no other program.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/drop.h"

enum {
	ARP_LEN = 28,			/* RFC 826 over Ethernet and IPv4 */
	IP4_LEN = 20,
	IP6_LEN = 40,
	UDP_LEN = 8,
	ICMP6_LEN = 4,
	ICMP6_ROUTER_SOLICIT = 133,	/* RFC 4861 s. 4.1 */
	ICMP6_NEIGHBOUR_SOLICIT = 135,	/* s. 4.3 */
	ICMP6_NEIGHBOUR_ADVERT = 136,	/* s. 4.4 */
	DHCP4_CLIENT = 68, DHCP4_SERVER = 67,	/* RFC 2131 s. 4.1 */
	DHCP6_CLIENT = 546, DHCP6_SERVER = 547,	/* RFC 8415 s. 7.2 */
	NS_PER_S = 1000000000,
};

const volatile struct gate_config gate_config;

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, GATE_QUEUES);
	__type(key, __u32);
	__type(value, __u32);
} xsks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DROP_REASON_MAX);
	__type(key, __u32);
	__type(value, __u64);
} drops SEC(".maps");

/* The budget is the sandbox's, not a CPU's: one bucket, and a lock that is hardly ever contended. */
struct bucket {
	struct bpf_spin_lock lock;
	__u64 paid_until;		/* ns; frames so far are paid for up to this moment */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bucket);
} budget SEC(".maps");

static __always_inline int drop(__u32 reason)
{
	__u64 *n = bpf_map_lookup_elem(&drops, &reason);

	if (n)
		(*n)++;
	return XDP_DROP;
}

/* Token bucket in its GCRA form (ITU-T I.371 annex A): one number of state, no refill step. */
static __always_inline int within_budget(void)
{
	const __u32 key = 0, pps = gate_config.budget_pps, burst = gate_config.budget_burst;
	struct bucket *b;
	__u64 now, cost, oldest;
	int ok;

	if (pps == 0)
		return 1;
	b = bpf_map_lookup_elem(&budget, &key);
	if (!b)
		return 0;
	cost = pps < NS_PER_S ? NS_PER_S / pps : 1;
	now = bpf_ktime_get_ns();
	oldest = cost * (burst ? burst : 1);
	oldest = now > oldest ? now - oldest : 0;
	bpf_spin_lock(&b->lock);
	if (b->paid_until < oldest)
		b->paid_until = oldest;
	ok = b->paid_until + cost <= now;
	if (ok)
		b->paid_until += cost;
	bpf_spin_unlock(&b->lock);
	return ok;
}

static __always_inline int is_mac(const __u8 *p)
{
	const volatile __u8 *m = gate_config.sb_mac;

	return p[0] == m[0] && p[1] == m[1] && p[2] == m[2] && p[3] == m[3] && p[4] == m[4] &&
	       p[5] == m[5];
}

static __always_inline int is_sb4(const __u8 *p)
{
	const volatile __u8 *a = gate_config.sb4;

	return p[0] == a[0] && p[1] == a[1] && p[2] == a[2] && p[3] == a[3];
}

static __always_inline int is_sb6(const __u8 *p)
{
	__u8 diff = 0;

#pragma unroll
	for (int i = 0; i < 16; i++)
		diff |= p[i] ^ gate_config.sb6[i];
	return diff == 0;
}

/* ::, or fe80::/10 */
static __always_inline int is_unset_or_local6(const __u8 *p)
{
	__u8 any = 0;

	if (p[0] == 0xfe && (p[1] & 0xc0) == 0x80)
		return 1;
#pragma unroll
	for (int i = 0; i < 16; i++)
		any |= p[i];
	return any == 0;
}

static __always_inline int is_udp_ports(const __u8 *p, __u16 sport, __u16 dport)
{
	return p[0] == sport >> 8 && p[1] == (sport & 0xff) && p[2] == dport >> 8 && p[3] == (dport & 0xff);
}

static __always_inline int judge_arp(const __u8 *p, const __u8 *end)
{
	if (p + ARP_LEN > end)
		return DROP_GATE_SHORT;
	/* A probe for a duplicate (sender 0.0.0.0, RFC 5227) stays unanswered, which is its good outcome. */
	return is_mac(p + 8) && is_sb4(p + 14) ? DROP_NONE : DROP_GATE_SOURCE;
}

static __always_inline int judge_ip4(const __u8 *p, const __u8 *end)
{
	if (p + IP4_LEN > end)
		return DROP_GATE_SHORT;
	if (is_sb4(p + 12))
		return DROP_NONE;
	/* No address yet: asking for one by DHCP is all that can be done. */
	if (p[12] || p[13] || p[14] || p[15] || p[0] != 0x45 || p[9] != IPPROTO_UDP || p[6] & 0x3f || p[7])
		return DROP_GATE_SOURCE;
	p += IP4_LEN;
	if (p + UDP_LEN > end)
		return DROP_GATE_SHORT;
	return is_udp_ports(p, DHCP4_CLIENT, DHCP4_SERVER) ? DROP_NONE : DROP_GATE_SOURCE;
}

static __always_inline int judge_ip6(const __u8 *p, const __u8 *end)
{
	__u8 next;

	if (p + IP6_LEN > end)
		return DROP_GATE_SHORT;
	if (is_sb6(p + 8))
		return DROP_NONE;
	if (!is_unset_or_local6(p + 8))
		return DROP_GATE_SOURCE;
	next = p[6];
	p += IP6_LEN;
	if (next == IPPROTO_ICMPV6) {
		if (p + ICMP6_LEN > end)
			return DROP_GATE_SHORT;
		return p[0] == ICMP6_ROUTER_SOLICIT || p[0] == ICMP6_NEIGHBOUR_SOLICIT ||
		       p[0] == ICMP6_NEIGHBOUR_ADVERT ? DROP_NONE : DROP_GATE_SOURCE;
	}
	if (next == IPPROTO_UDP) {
		if (p + UDP_LEN > end)
			return DROP_GATE_SHORT;
		return is_udp_ports(p, DHCP6_CLIENT, DHCP6_SERVER) ? DROP_NONE : DROP_GATE_SOURCE;
	}
	return DROP_GATE_SOURCE;
}

SEC("xdp")
int gate(struct xdp_md *ctx)
{
	const __u8 *p = (const __u8 *)(long)ctx->data, *end = (const __u8 *)(long)ctx->data_end;
	int reason = DROP_GATE_TYPE;

	if (p + ETH_HLEN > end)
		return drop(DROP_GATE_SHORT);
	if (!is_mac(p + 6))
		return drop(DROP_GATE_MAC);
	switch (p[12] << 8 | p[13]) {
	case ETH_P_IP:
		reason = judge_ip4(p + ETH_HLEN, end);
		break;
	case ETH_P_IPV6:
		reason = judge_ip6(p + ETH_HLEN, end);
		break;
	case ETH_P_ARP:
		reason = judge_arp(p + ETH_HLEN, end);
		break;
	}
	if (reason != DROP_NONE)
		return drop((__u32)reason);
	if (!within_budget())
		return drop(DROP_GATE_BUDGET);
	/* Below 5.3 the last argument must be 0 and this is XDP_ABORTED: not forwarded either. */
	if (bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_DROP) != XDP_REDIRECT)
		return drop(DROP_GATE_NO_SOCKET);
	return XDP_REDIRECT;
}

char gate_license[] SEC("license") = "GPL";
