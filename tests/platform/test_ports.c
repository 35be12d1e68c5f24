/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real links of every kind between a port namespace and a sandbox's: what the sandbox finds, frames both
 * ways, none lost, nothing left behind. "test_ports rootless" does the same as an ordinary user (who gets
 * no AF_XDP, and is told so).
 *
 *	stack/port/ <- port_fd -- netd/link.c: sl7 ==veth== eth0, or a TAP eth0 -- raw and UDP sockets here
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netd/netns.h"
#include "netd/psock.h"
#include "tests/platform/ports_world.h"

static uint8_t big[FRAME_LEN_MAX], got[VNET_LEN + FRAME_LEN_MAX];

static const struct kind kinds[] = {
	{ .name = "packet", .port = PROTO_PORT_PACKET },
	{ .name = "tap", .port = PROTO_PORT_TAP },
	{ .name = "xdp", .port = PROTO_PORT_XDP },
	{ .name = "xdp native", .port = PROTO_PORT_XDP, .xdp_mode = 2 },
	{ .name = "packet jumbo", .port = PROTO_PORT_PACKET, .mtu = 65535 },
	{ .name = "tap jumbo", .port = PROTO_PORT_TAP, .mtu = 65521 },
	{ .name = "xdp jumbo", .port = PROTO_PORT_XDP, .mtu = 65535 },
};

#define FOR_EACH_KIND(k, w)                                                                        \
	for (const struct kind *k = kinds; k < kinds + sizeof(kinds) / sizeof(kinds[0]); k++)      \
		for (bool once = (world_init(&(w)), world_link(&(w), k) || (world_done(&(w)), false));     \
		     once; once = false, world_done(&(w)))

/* ---- what the sandbox finds ----------------------------------------------------------------------- */

static void check_offloads(const struct kind *k, const struct world *w)
{
	const char *out = world_sh(w->sb, "ethtool -k eth0");

	assert_has(out, "tx-udp-segmentation: off");
	assert_has(out, "tx-vlan-offload: off");
	assert_has(out, "tx-checksum-sctp: off");
	assert_has(out, "tx-scatter-gather: on");
	/* A native XDP program makes veth itself switch segmentation off. */
	assert_has(out, k->xdp_mode == 2 ? "tx-tcp-segmentation: off" : "tx-tcp-segmentation: on");
	assert_has(out, k->xdp_mode == 2 ? "tx-tcp6-segmentation: off" : "tx-tcp6-segmentation: on");
}

static void test_configured(void **state)
{
	struct world w;

	(void)state;
	FOR_EACH_KIND(k, w) {
		char want[128];
		const char *out = world_sh(w.sb, "ip -o link");

		snprintf(want, sizeof(want), "mtu %u ", k->mtu ? k->mtu : 1500);
		assert_has(out, want);
		assert_has(out, "eth0");
		assert_has(out, "link/ether 02:73:6c:00:00:02");
		assert_has(out, "lo: <LOOPBACK,UP,LOWER_UP>");
		out = world_sh(w.sb, "ip -o addr show dev eth0");
		assert_has(out, "inet 100.96.0.2/32");
		assert_has(out, "inet6 fd73:6c75:6963:6500::2/128 scope global");
		assert_lacks(out, "fe80");
		assert_lacks(out, "tentative");
		out = world_sh(w.sb, "ip route; ip -6 route; ip neigh; ip -6 neigh");
		assert_has(out, "default via 100.96.0.1 dev eth0 proto static onlink");
		assert_has(out, "default via fd73:6c75:6963:6500::1 dev eth0 proto static");
		assert_has(out, "100.96.0.1 dev eth0 lladdr 02:73:6c:00:00:01 PERMANENT");
		assert_has(out, "fd73:6c75:6963:6500::1 dev eth0 lladdr 02:73:6c:00:00:01 PERMANENT");
		assert_lacks(out, "fe80");
		assert_lacks(out, "169.254");
		assert_string_equal(world_sh(w.sb, "cd /proc/sys/net && cat ipv6/conf/eth0/accept_ra "
			"ipv6/conf/eth0/autoconf ipv4/ip_forward ipv6/conf/all/forwarding | tr '\\n' ' '"),
			"0 0 0 0 ");
		/* An echo socket without privilege, which is what the group range is for. */
		assert_has(world_sh(w.sb, "cat /proc/sys/net/ipv4/ping_group_range"),
			   is_rootless ? "0\t0" : "0\t2147483647");
		check_offloads(k, &w);
	}
}

/* The kernel of the port namespace has nothing to say on the host end. */
static void test_host_end_is_silent(void **state)
{
	struct world w;

	(void)state;
	FOR_EACH_KIND(k, w) {
		const char *out;

		if (k->port == PROTO_PORT_TAP) {
			assert_int_equal(w.l.ifindex, 0);
			assert_lacks(world_sh(w.home, "ip -o link"), "eth0");
			continue;
		}
		out = world_sh(w.l.port_netns, "ip -o addr; ip route; ip -6 route show table all; ip neigh");
		assert_lacks(out, "inet");
		assert_lacks(out, "via");
		assert_lacks(out, "fe80");
		out = world_sh(w.l.port_netns, "ip -o link show sl7; cat /proc/sys/net/ipv6/conf/sl7/disable_ipv6");
		assert_has(out, "NOARP");
		assert_has(out, ",UP");
		assert_lacks(out, "02:73:6c:00:00:01");
		assert_has(out, "\n1\n");
		assert_string_equal(world_sh(w.l.port_netns, "cat /proc/sys/net/ipv4/conf/sl7/forwarding"), "0\n");
	}
}

/* ---- frames --------------------------------------------------------------------------------------- */

static void expect_frame(struct port *p, const uint8_t *want, uint32_t len, enum frame_gso gso)
{
	struct frame *f = world_rx(p);

	assert_int_equal(f->len, len);
	world_gather(f, got);
	assert_memory_equal(got, want, len);
	/* AF_XDP has no word for it. */
	assert_true(f->gso == gso || f->gso == FRAME_GSO_NONE);
	memset(f->seg[0].iov_base, 0, f->seg[0].iov_len);	/* is writable */
	frame_put(f);
}

static void test_from_sandbox(void **state)
{
	struct world w;

	(void)state;
	FOR_EACH_KIND(k, w) {
		const uint32_t mtu = w.l.mtu, largest = mtu > 60000 ? mtu + 14 : FRAME_GSO_LEN_MAX;
		static const uint8_t arp[42] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0x73, 0x6c, 0, 0, 2, 8, 6,
						 0, 1, 8, 0, 6, 4, 0, 1, 2, 0x73, 0x6c, 0, 0, 2, 100, 96, 0, 2,
						 0, 0, 0, 0, 0, 0, 100, 96, 0, 1 };
		int raw = world_raw(&w), udp4 = world_udp(&w, AF_INET), udp6 = world_udp(&w, AF_INET6);
		struct frame *f;

		send_raw(raw, arp, sizeof(arp), mtu);
		expect_frame(w.p, arp, sizeof(arp), FRAME_GSO_NONE);
		make_frame(big, mtu + 14, IPPROTO_UDP, true);
		send_raw(raw, big, mtu + 14, mtu);
		expect_frame(w.p, big, mtu + 14, FRAME_GSO_NONE);
		if (k->xdp_mode != 2) {
			make_frame(big, largest, IPPROTO_TCP, true);
			send_raw(raw, big, largest, mtu);
			expect_frame(w.p, big, largest, FRAME_GSO_TCP4);
		}
		assert_int_equal(send(udp4, "four", 4, 0), 4);
		f = world_rx(w.p);
		assert_int_equal(f->len, 14 + 20 + 8 + 4);
		assert_memory_equal((uint8_t *)f->seg[0].iov_base + 42, "four", 4);
		frame_put(f);
		assert_int_equal(send(udp6, "sixsix", 6, 0), 6);
		f = world_rx(w.p);
		assert_int_equal(f->len, 14 + 40 + 8 + 6);
		assert_memory_equal((uint8_t *)f->seg[0].iov_base + 62, "sixsix", 6);
		frame_put(f);
		close(raw);
		close(udp4);
		close(udp6);
	}
}

static void count_done(void *arg)
{
	++*(int *)arg;
}

/* The raw socket sees our own frames too (IGNORE_OUTGOING) and the kernel's multicast: skip the latter. */
static ssize_t read_raw(int fd)
{
	ssize_t n;

	do {
		wait_for(fd, POLLIN);
		n = read(fd, got, sizeof(got));
		assert_true(n >= VNET_LEN + 14);
	} while (got[VNET_LEN] == 0x33);
	return n - VNET_LEN;
}

static void test_to_sandbox(void **state)
{
	struct world w;

	(void)state;
	FOR_EACH_KIND(k, w) {
		const uint32_t mtu = w.l.mtu, largest = mtu > 60000 ? mtu + 14 : FRAME_GSO_LEN_MAX;
		int raw = world_raw(&w), udp = world_udp(&w, AF_INET), done = 0;
		struct iovec iov = { big, 100 };
		struct virtio_net_hdr *h = (void *)got;
		struct tx_frame f;

		/* A partial checksum is taken as verified, a whole super-frame as one. */
		make_frame(big, 100, IPPROTO_UDP, false);
		f = tx_of(&iov, IPPROTO_UDP, mtu);
		f.done = count_done;
		f.arg = &done;
		assert_int_equal(port_tx(w.p, &f), 0);
		assert_int_equal(port_flush(w.p), 0);
		assert_int_equal(done, 1);
		assert_int_equal(read_raw(raw), 100);
		wait_for(udp, POLLIN);
		assert_int_equal(read(udp, got, sizeof(got)), 100 - 42);
		assert_memory_equal(got, big + 42, 100 - 42);
		make_frame(big, largest, IPPROTO_TCP, false);
		iov.iov_len = largest;
		f = tx_of(&iov, IPPROTO_TCP, mtu);
		assert_int_equal(port_tx(w.p, &f), 0);
		memset(big, 0, sizeof(big));		/* without done: was copied */
		assert_int_equal(port_flush(w.p), 0);
		assert_int_equal(read_raw(raw), largest);
		make_frame(big, largest, IPPROTO_TCP, false);
		assert_memory_equal(got + VNET_LEN, big, largest);
		assert_int_equal(h->gso_type, mtu > 60000 ? VIRTIO_NET_HDR_GSO_NONE : VIRTIO_NET_HDR_GSO_TCPV4);
		assert_int_equal(h->gso_size, mtu > 60000 ? 0 : mtu - 40);
		close(raw);
		close(udp);
	}
}

/* Length of the frame with this number (which is at byte 50): mostly small, each fifth one full. */
static uint32_t numbered_len(uint32_t i, uint32_t mtu)
{
	return i % 5 ? 60 + i % 900 : mtu + 14;
}

/* Bursts as large as a stack ever makes them, while nobody reads: everything arrives, in order. */
static void test_no_loss_to_sandbox(void **state)
{
	enum { BURST = 100, FRAMES = 20000 };
	struct world w;

	(void)state;
	FOR_EACH_KIND(k, w) {
		int raw = world_raw(&w), rx_fd, tx_fd, done = 0;
		struct port_stats st;
		static uint8_t frames[BURST][2048];

		if (k->mtu) {
			close(raw);
			continue;
		}
		w.p->ops->fds(w.p, &rx_fd, &tx_fd);
		for (uint32_t at = 0; at < FRAMES; at += BURST) {
			for (uint32_t i = 0; i < BURST;) {
				const uint32_t len = numbered_len(at + i, w.l.mtu);
				const struct iovec iov = { frames[i], len };
				struct tx_frame f;

				make_frame(frames[i], len, IPPROTO_UDP, false);
				memcpy(frames[i] + 50, &(uint32_t){ at + i }, 4);
				f = tx_of(&iov, IPPROTO_UDP, w.l.mtu);
				f.done = count_done;
				f.arg = &done;
				if (port_tx(w.p, &f) == 0)
					i++;
				else
					wait_for(tx_fd, POLLOUT);
			}
			while (port_flush(w.p) == -EAGAIN)
				wait_for(tx_fd, POLLOUT);
			for (uint32_t i = 0; i < BURST; i++) {
				assert_int_equal(read_raw(raw), numbered_len(at + i, w.l.mtu));
				assert_memory_equal(got + VNET_LEN + 50, &(uint32_t){ at + i }, 4);
			}
		}
		w.p->ops->stats(w.p, &st);
		assert_int_equal(done, FRAMES);
		assert_int_equal(st.tx_frames, FRAMES);
		assert_int_equal(st.tx_errors, 0);
		close(raw);
	}
}

static void test_no_loss_from_sandbox(void **state)
{
	enum { BURST = 100, FRAMES = 20000 };
	struct world w;

	(void)state;
	FOR_EACH_KIND(k, w) {
		int raw = world_raw(&w);
		uint32_t room = w.p->ops->rx_free(w.p);
		struct port_stats st;

		for (uint32_t at = 0; !k->mtu && at < FRAMES; at += BURST) {
			for (uint32_t i = 0; i < BURST; i++) {
				make_frame(big, numbered_len(at + i, w.l.mtu), IPPROTO_UDP, true);
				memcpy(big + 50, &(uint32_t){ at + i }, 4);
				send_raw(raw, big, numbered_len(at + i, w.l.mtu), w.l.mtu);
			}
			for (uint32_t i = 0; i < BURST; i++) {
				struct frame *f = world_rx(w.p);

				assert_int_equal(f->len, numbered_len(at + i, w.l.mtu));
				assert_memory_equal((uint8_t *)f->seg[0].iov_base + 50, &(uint32_t){ at + i }, 4);
				frame_put(f);
			}
		}
		w.p->ops->stats(w.p, &st);
		assert_int_equal(st.rx_dropped, 0);
		assert_true(w.p->ops->rx_free(w.p) >= room - PORT_BURST);
		close(raw);
	}
}

/* Every buffer held at once, then given back: the port stops, loses what does not fit, and goes on. */
static void test_all_held(void **state)
{
	enum { MANY = 3000 };
	static struct frame *held[MANY];
	struct world w;

	(void)state;
	FOR_EACH_KIND(k, w) {
		int raw = world_raw(&w), n = 0, r;

		make_frame(big, 200, IPPROTO_UDP, true);
		for (int i = 0; i < MANY; i++) {
			(void)try_send_raw(raw, big, 200, w.l.mtu);	/* a full TAP says so */
			r = port_rx(w.p, held + n, 1);
			assert_true(r >= 0);
			n += r;
		}
		assert_true(n >= 500);
		for (int i = 0; i < n; i++)
			frame_put(held[i]);
		while ((r = port_rx(w.p, held, PORT_BURST)) > 0)
			for (int i = 0; i < r; i++)
				frame_put(held[i]);
		assert_int_equal(r, 0);
		make_frame(big, 300, IPPROTO_UDP, true);
		send_raw(raw, big, 300, w.l.mtu);
		expect_frame(w.p, big, 300, FRAME_GSO_NONE);
		close(raw);
	}
}

/* ---- kinds, refusals, ends ------------------------------------------------------------------------ */

static void test_auto(void **state)
{
	struct link_spec spec = { .sandbox = 7 };
	char why[PROTO_TEXT_CAP] = "";
	struct world w;

	(void)state;
	world_init(&w);
	spec.netns = w.sb;
	assert_int_equal(link_open(&spec, &w.l, why), 0);
	if (!is_rootless) {
		assert_int_equal(w.l.kind, PROTO_PORT_XDP);
		assert_has(why, "port xdp (generic, multi-buffer), MTU 1500");
	} else if (psock_room() >= PSOCK_ROOM_ENOUGH) {
		assert_has(why, "port packet, MTU 1500; not xdp: ");
	} else {
		assert_has(why, "port tap, MTU 1500; not xdp: ");
		assert_has(why, "rmem_max");
	}
	assert_lacks(why, "\n");
	world_done(&w);
}

static void test_gate_drops(void **state)
{
	const struct kind k = { .port = PROTO_PORT_XDP };
	static uint64_t before[DROP_REASON_MAX], after[DROP_REASON_MAX];
	struct world w;
	int raw;

	(void)state;
	world_init(&w);
	if (!world_link(&w, &k)) {
		world_done(&w);
		return;
	}
	raw = world_raw(&w);
	make_frame(big, 100, IPPROTO_UDP, true);
	link_gate_drops(&w.l, before);
	big[11] ^= 1;
	send_raw(raw, big, 100, 1500);
	big[11] ^= 1;
	big[14 + 15] ^= 1;
	send_raw(raw, big, 100, 1500);
	big[14 + 15] ^= 1;
	send_raw(raw, big, 100, 1500);
	expect_frame(w.p, big, 100, FRAME_GSO_NONE);
	link_gate_drops(&w.l, after);
	assert_int_equal(after[DROP_GATE_MAC] - before[DROP_GATE_MAC], 1);
	assert_int_equal(after[DROP_GATE_SOURCE] - before[DROP_GATE_SOURCE], 1);
	close(raw);
	world_done(&w);
}

static void test_refusals(void **state)
{
	static const struct {
		struct link_spec spec;
		int want;
		const char *part;
	} t[] = {
		{ { .mtu = 1279 }, -EINVAL, "1280 to 65535" },
		{ { .mtu = 65536 }, -EINVAL, "1280 to 65535" },
		{ { .want = PROTO_PORT_TAP, .mtu = 65522 }, -EINVAL, "65521" },
		{ { .alone = true }, -EEXIST, "already has an interface, other" },
	};
	struct world w;

	(void)state;
	world_init(&w);
	assert_string_equal(world_sh(w.sb, "ip link add other type veth peer name far 2>&1"), "");
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct link_spec spec = t[i].spec;
		char why[PROTO_TEXT_CAP] = "";
		int fds = world_open_fds();

		spec.sandbox = 7;
		spec.netns = w.sb;
		assert_int_equal(link_open(&spec, &w.l, why), t[i].want);
		assert_has(why, t[i].part);
		assert_int_equal(world_open_fds(), fds);
		assert_lacks(world_sh(w.sb, "ip -o link"), "eth0");
	}
	assert_string_equal(world_sh(w.sb, "ip link del other 2>&1"), "");
	/* A name that is taken: whatever was made before is undone. */
	assert_string_equal(world_sh(w.sb, "ip link add eth0 type veth peer name far 2>&1"), "");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct link_spec spec = { .sandbox = 7, .netns = w.sb, .want = kinds[i].port };
		char why[PROTO_TEXT_CAP] = "";
		int fds = world_open_fds();

		assert_true(link_open(&spec, &w.l, why) < 0);
		assert_has(why, "is not possible here: ");
		assert_int_equal(world_open_fds(), fds);
		assert_lacks(world_sh(w.home, "ip -o link"), "sl7");
	}
	world_done(&w);
}

static void test_close(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct world w;
		int fds, copy;

		world_init(&w);
		fds = world_open_fds();
		if (world_link(&w, &kinds[i])) {
			/* As a worker that still runs would hold it. */
			copy = dup(w.l.port_fd);
			port_free(w.p);
			w.p = NULL;
			link_close(&w.l);
			assert_lacks(world_sh(w.sb, "ip -o link"), "eth0");
			assert_lacks(world_sh(w.home, "ip -o link"), "sl7");
			close(copy);
			link_close(&w.l);
		}
		assert_int_equal(world_open_fds(), fds);
		world_done(&w);
	}
}

/* netd is killed: its namespace goes, and the sandbox's end with it. */
static void test_killed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int ready[2], turns = 0;
		struct world w;
		char c = 0;
		pid_t pid;

		world_init(&w);
		close(w.home);
		w.home = dup(w.sb);
		assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			const struct link_spec spec = { .sandbox = 7, .netns = w.sb, .want = kinds[i].port };
			char why[PROTO_TEXT_CAP];

			c = unshare(CLONE_NEWNET) == 0 && link_open(&spec, &w.l, why) == 0 ? 'y' : 'n';
			(void)!write(ready[1], &c, 1);
			for (;;)
				pause();
		}
		assert_int_equal(setns(w.sb, CLONE_NEWNET), 0);
		assert_int_equal(read(ready[0], &c, 1), 1);
		assert_int_equal(c, is_rootless && kinds[i].port == PROTO_PORT_XDP ? 'n' : 'y');
		if (c == 'y')
			assert_has(world_sh(w.sb, "ip -o link"), "eth0");
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		/* The kernel cleans namespaces up in its own time: 50 looks, 100 ms apart. */
		while (if_nametoindex("eth0") && turns++ < 50)
			poll(NULL, 0, 100);
		assert_int_equal(if_nametoindex("eth0"), 0);
		close(ready[0]);
		close(ready[1]);
		world_done(&w);
	}
}

/* Whatever interface number a worker writes into its messages, it reaches no neighbour. */
static void test_neighbours_are_apart(void **state)
{
	struct world a, b;
	int raw, home = -1;

	(void)state;
	world_init(&a);
	world_init(&b);
	for (int i = 0; i < 2; i++) {
		struct link_spec spec = { .sandbox = 7 + (uint32_t)i, .netns = i ? b.sb : a.sb,
					  .want = PROTO_PORT_PACKET };
		char why[PROTO_TEXT_CAP];

		assert_int_equal(link_open(&spec, i ? &b.l : &a.l, why), 0);
	}
	raw = world_raw(&b);
	make_frame(big, 100, IPPROTO_UDP, false);
	for (int ifindex = 1; ifindex < 64; ifindex++) {
		struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = ifindex,
					  .sll_protocol = htons(ETH_P_IP) };
		struct virtio_net_hdr h = { 0 };
		struct iovec iov[2] = { { &h, VNET_LEN }, { big, 100 } };
		struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2, .msg_name = &to, .msg_namelen = sizeof(to) };

		(void)!sendmsg(a.l.port_fd, &m, MSG_DONTWAIT);
	}
	/* What b's own gateway sends is the first that b sees. */
	b.p = world_port(&b.l);
	make_frame(big, 222, IPPROTO_UDP, false);
	const struct iovec iov = { big, 222 };
	const struct tx_frame f = tx_of(&iov, IPPROTO_UDP, 1500);

	assert_int_equal(port_tx(b.p, &f), 0);
	assert_int_equal(port_flush(b.p), 0);
	assert_int_equal(read_raw(raw), 222);
	/* Closing one leaves the other. */
	link_close(&a.l);
	assert_int_equal(netns_enter(b.sb, &home), 0);
	assert_true(if_nametoindex("eth0") > 0);
	netns_leave(home);
	close(raw);
	world_done(&a);
	world_done(&b);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configured),
		cmocka_unit_test(test_host_end_is_silent),
		cmocka_unit_test(test_from_sandbox),
		cmocka_unit_test(test_to_sandbox),
		cmocka_unit_test(test_no_loss_to_sandbox),
		cmocka_unit_test(test_no_loss_from_sandbox),
		cmocka_unit_test(test_all_held),
		cmocka_unit_test(test_auto),
		cmocka_unit_test(test_gate_drops),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_neighbours_are_apart),
	};

	setlinebuf(stdout);
	if (argc > 1 && strcmp(argv[1], "rootless") == 0)
		world_become_rootless();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
