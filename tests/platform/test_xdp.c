/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fact of the platform that the design stands on: an AF_XDP socket that root makes and binds inside a
 * network namespace, with its UMEM in a memfd, receives and sends in another process, which was exec'ed,
 * is outside that namespace, has uid 65534 and no capability, and merely maps the memfd and the rings.
 *
 *	this process (root, port namespace)                       the far process (65534, first namespace)
 *	packet socket on sb0 ==veth== gate0 -> bpf/gate -> xsk ------> rings, UMEM: swaps MACs, sends back
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "bpf/drop.h"
#include "bpf/gate.skel.h"
#include "lib/cleanup.h"

#ifndef XDP_USE_SG			/* Linux 6.6 */
#define XDP_USE_SG (1 << 4)
#endif
#ifndef XDP_PKT_CONTD
#define XDP_PKT_CONTD (1 << 0)
#endif

enum {
	FRAMES = 64,
	FRAME_SIZE = 4096,
	UMEM_LEN = FRAMES * FRAME_SIZE,
	RING = 32,			/* descriptors in each ring; half of the frames receive, half send */
	FD_XSK = 5,
	FD_UMEM = 7,
	FRAME_LEN_CAP = 9014,
	WAIT_MS = 5000,
	NOBODY = 65534,
};

/* ---- the far process ----------------------------------------------------------------------------- */

struct ring {
	uint32_t *producer, *consumer;
	void *desc;
};

static int ring_map(struct ring *r, const struct xdp_ring_offset *off, off_t page, size_t desc_size)
{
	uint8_t *p = mmap(NULL, off->desc + RING * desc_size, PROT_READ | PROT_WRITE, MAP_SHARED, FD_XSK, page);

	if (p == MAP_FAILED)
		return -errno;
	r->producer = (uint32_t *)(void *)(p + off->producer);
	r->consumer = (uint32_t *)(void *)(p + off->consumer);
	r->desc = p + off->desc;
	return 0;
}

static uint32_t ring_ready(const struct ring *r)
{
	return __atomic_load_n(r->producer, __ATOMIC_ACQUIRE) - *r->consumer;
}

/* Uid, gid and every capability set; a failure here would make the rest prove nothing. */
static int unprivileged(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];

	if (getuid() != NOBODY || geteuid() != NOBODY || getgid() != NOBODY)
		return 0;
	if (syscall(SYS_capget, &head, caps) < 0)
		return 0;
	return !(caps[0].permitted | caps[1].permitted | caps[0].effective | caps[1].effective |
		 caps[0].inheritable | caps[1].inheritable) && if_nametoindex("gate0") == 0;
}

/* Copies one frame out of its descriptors, returns its length. */
static size_t rx_take(struct ring *rx, const uint8_t *umem, uint8_t *ret_frame)
{
	const struct xdp_desc *d = rx->desc;
	size_t len = 0;
	bool more = true;

	while (more) {
		struct pollfd p = { .fd = FD_XSK, .events = POLLIN };
		const struct xdp_desc *x;

		if (!ring_ready(rx) && poll(&p, 1, WAIT_MS) != 1)
			return 0;
		if (!ring_ready(rx))
			continue;
		x = &d[*rx->consumer % RING];
		if (x->addr > UMEM_LEN || x->len > UMEM_LEN - x->addr || len + x->len > FRAME_LEN_CAP)
			return 0;
		memcpy(ret_frame + len, umem + x->addr, x->len);
		len += x->len;
		more = x->options & XDP_PKT_CONTD;
		__atomic_store_n(rx->consumer, *rx->consumer + 1, __ATOMIC_RELEASE);
	}
	return len;
}

static void tx_give(struct ring *tx, uint8_t *umem, const uint8_t *frame, size_t len)
{
	struct xdp_desc *d = tx->desc;
	uint32_t at = *tx->producer;

	for (size_t off = 0; off < len; at++) {
		size_t n = len - off < FRAME_SIZE ? len - off : FRAME_SIZE;
		size_t addr = (FRAMES / 2 + at % RING) * FRAME_SIZE;

		memcpy(umem + addr, frame + off, n);
		off += n;
		d[at % RING] = (struct xdp_desc){ .addr = addr, .len = (uint32_t)n,
						  .options = off < len ? XDP_PKT_CONTD : 0 };
	}
	__atomic_store_n(tx->producer, at, __ATOMIC_RELEASE);
}

/* Its exit status tells the step that failed. */
static int far_main(void)
{
	static uint8_t frame[FRAME_LEN_CAP];
	struct ring rx, tx, fill, comp;
	struct xdp_mmap_offsets off;
	socklen_t n = sizeof(off);
	uint8_t *umem, mac[ETH_ALEN];
	size_t len;

	if (!unprivileged())
		return 10;
	umem = mmap(NULL, UMEM_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, FD_UMEM, 0);
	if (umem == MAP_FAILED)
		return 11;
	if (getsockopt(FD_XSK, SOL_XDP, XDP_MMAP_OFFSETS, &off, &n) < 0)
		return 12;
	if (ring_map(&rx, &off.rx, XDP_PGOFF_RX_RING, sizeof(struct xdp_desc)) < 0 ||
	    ring_map(&tx, &off.tx, XDP_PGOFF_TX_RING, sizeof(struct xdp_desc)) < 0 ||
	    ring_map(&fill, &off.fr, (off_t)XDP_UMEM_PGOFF_FILL_RING, sizeof(uint64_t)) < 0 ||
	    ring_map(&comp, &off.cr, (off_t)XDP_UMEM_PGOFF_COMPLETION_RING, sizeof(uint64_t)) < 0)
		return 13;
	for (uint32_t i = 0; i < RING; i++)
		((uint64_t *)fill.desc)[i] = i * FRAME_SIZE;
	__atomic_store_n(fill.producer, RING, __ATOMIC_RELEASE);
	if (write(STDOUT_FILENO, "r", 1) != 1)		/* ready: frames have somewhere to go */
		return 14;
	len = rx_take(&rx, umem, frame);
	if (len < ETH_HLEN)
		return 15;
	memcpy(mac, frame, ETH_ALEN);
	memmove(frame, frame + ETH_ALEN, ETH_ALEN);
	memcpy(frame + ETH_ALEN, mac, ETH_ALEN);
	tx_give(&tx, umem, frame, len);
	for (int i = 0; ring_ready(&comp) != *tx.producer; i++) {
		struct pollfd p = { .fd = FD_XSK, .events = POLLOUT };

		if (i > 100 || (send(FD_XSK, NULL, 0, MSG_DONTWAIT) < 0 && errno != EAGAIN && errno != EBUSY))
			return 16;
		poll(&p, 1, 10);
	}
	return 0;
}

/* ---- this process: root, in the port namespace ----------------------------------------------------- */

static int first_netns = -1;

static void run(const char *cmd)
{
	if (system(cmd) != 0)
		fail_msg("failed: %s", cmd);
}

/* Binds in copy mode on queue 0 of gate0. 0 or -errno. */
static int xsk_open(int umem_fd, uint16_t flags, int *ret_xsk)
{
	struct sockaddr_xdp sa = { .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY | flags,
				   .sxdp_ifindex = if_nametoindex("gate0") };
	void *umem = mmap(NULL, UMEM_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, umem_fd, 0);
	struct xdp_umem_reg reg = { .addr = (uintptr_t)umem, .len = UMEM_LEN, .chunk_size = FRAME_SIZE };
	static const int rings[] = { XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING, XDP_TX_RING };
	int n = RING, fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), r = -errno;

	assert_true(umem != MAP_FAILED);
	if (fd < 0)
		return r;
	assert_int_equal(setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)), 0);
	for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++)
		assert_int_equal(setsockopt(fd, SOL_XDP, rings[i], &n, sizeof(n)), 0);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	munmap(umem, UMEM_LEN);		/* the kernel has pinned the pages; our mapping is not needed */
	*ret_xsk = fd;
	return 0;
}

/* The worker's way: own namespace left, ids dropped, then exec. Returns its pid; it writes 'r' when ready. */
static pid_t far_start(int xsk, int umem, int *ret_ready)
{
	int p[2];
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		char *const argv[] = { (char *)"test_xdp", (char *)"far", NULL };

		/* Out of the way first: what is to be 5 may be 7 now. */
		xsk = fcntl(xsk, F_DUPFD_CLOEXEC, 20);
		umem = fcntl(umem, F_DUPFD_CLOEXEC, 20);
		if (setns(first_netns, CLONE_NEWNET) < 0 || dup2(p[1], STDOUT_FILENO) < 0 ||
		    dup2(xsk, FD_XSK) < 0 || dup2(umem, FD_UMEM) < 0)
			_exit(20);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    syscall(SYS_setgroups, 0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		    setresuid(NOBODY, NOBODY, NOBODY) < 0)
			_exit(21);
		execv("/proc/self/exe", argv);
		_exit(22);
	}
	assert_true(pid > 0);
	close(p[1]);
	*ret_ready = p[0];
	return pid;
}

static int packet_open(const char *ifname)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex(ifname) };
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&ll, sizeof(ll)), 0);
	return fd;
}

/* One frame there and back through the far process. */
static void bounce(int pkt, size_t len)
{
	static const uint8_t head[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00, 0x45, 0, 0, 0, 0, 0, 0,
					0, 64, 6, 0, 0, 100, 96, 0, 2, 192, 0, 2, 1 };
	static uint8_t out[FRAME_LEN_CAP], in[FRAME_LEN_CAP];
	struct pollfd p = { .fd = pkt, .events = POLLIN };
	ssize_t n = 0;

	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(i * 7 + (i >> 8));
	memcpy(out, head, sizeof(head));
	assert_int_equal(send(pkt, out, len, 0), len);
	do {
		if (poll(&p, 1, WAIT_MS) != 1)
			return;			/* the far process's status tells more */
		n = recv(pkt, in, sizeof(in), 0);
	} while (n > 0 && memcmp(in, head + ETH_ALEN, ETH_ALEN) != 0);
	assert_int_equal(n, len);
	assert_memory_equal(in + ETH_ALEN, head, ETH_ALEN);
	assert_memory_equal(in + 2 * ETH_ALEN, out + 2 * ETH_ALEN, len - 2 * ETH_ALEN);
}

static struct gate_bpf *gate_attach(uint32_t xdp_flags, uint32_t prog_flags, int xsk)
{
	struct gate_bpf *s = gate_bpf__open();
	uint32_t queue = 0;

	assert_non_null(s);
	s->rodata->gate_config = (struct gate_config){ .sb_mac = { 2, 0, 0, 0, 0, 2 }, .sb4 = { 100, 96, 0, 2 } };
	bpf_program__set_flags(s->progs.gate, prog_flags);
	assert_int_equal(gate_bpf__load(s), 0);
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex("gate0"), bpf_program__fd(s->progs.gate), xdp_flags,
					NULL), 0);
	assert_int_equal(bpf_map__update_elem(s->maps.xsks, &queue, sizeof(queue), &xsk, sizeof(xsk), 0), 0);
	return s;
}

struct xdp_case {
	const char *name;
	uint32_t xdp_flags, prog_flags;
	uint16_t bind_flags;
	int mtu;
	size_t len;
};

static void test_case(void **state)
{
	const struct xdp_case *c = *state;
	cleanup_close int umem = -1, xsk = -1, pkt = -1, ready = -1;
	struct gate_bpf *gate;
	char cmd[256], byte;
	int status, r;
	pid_t pid;

	snprintf(cmd, sizeof(cmd), "ip link add gate0 mtu %d type veth peer name sb0 mtu %d && "
		 "ip link set gate0 arp off up && ip link set sb0 address 02:00:00:00:00:02 arp off up", c->mtu, c->mtu);
	run("ip link del gate0 2>/dev/null; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6");
	run(cmd);
	umem = memfd_create("umem", MFD_CLOEXEC);
	assert_true(umem >= 0);
	assert_int_equal(ftruncate(umem, UMEM_LEN), 0);
	r = xsk_open(umem, c->bind_flags, &xsk);
	if (r == -EINVAL && c->bind_flags & XDP_USE_SG) {
		print_message("# SKIP %s: AF_XDP multi-buffer needs Linux 6.6\n", c->name);
		skip();
	}
	assert_int_equal(r, 0);
	gate = gate_attach(c->xdp_flags, c->prog_flags, xsk);
	pkt = packet_open("sb0");
	pid = far_start(xsk, umem, &ready);
	if (read(ready, &byte, 1) == 1)
		bounce(pkt, c->len);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	gate_bpf__destroy(gate);
	run("ip link del gate0");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("far process: wait status %#x", (unsigned int)status);
}

static int group_setup(void **state)
{
	(void)state;
	first_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return first_netns < 0 || unshare(CLONE_NEWNET) < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	static struct xdp_case cases[] = {
		{ "generic mode", XDP_FLAGS_SKB_MODE, 0, 0, 1500, 1000 },
		{ "native mode", XDP_FLAGS_DRV_MODE, 0, 0, 1500, 1000 },
		{ "generic mode, frame of three buffers", XDP_FLAGS_SKB_MODE, BPF_F_XDP_HAS_FRAGS, XDP_USE_SG,
		  9000, 9014 },
		{ "native mode, frame of three buffers", XDP_FLAGS_DRV_MODE, BPF_F_XDP_HAS_FRAGS, XDP_USE_SG,
		  9000, 9014 },
	};
	struct CMUnitTest tests[4];

	(void)argv;
	if (argc > 1)
		return far_main();
	if (geteuid() != 0) {
		puts("1..0 # SKIP needs root: makes a network namespace and loads a BPF program");
		return 0;
	}
	for (size_t i = 0; i < 4; i++)
		tests[i] = (struct CMUnitTest){ .name = cases[i].name, .test_func = test_case,
						.initial_state = &cases[i] };
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("xdp", tests, group_setup, NULL);
}
