/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about the ports that need no interface: the memory port, virtio-net headers, and the AF_PACKET and
 * TAP ports over a socket pair, which keeps frame boundaries and has as little room as one likes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stack/port/port.h"
#include "stack/port/vnet.h"

static uint8_t big[FRAME_LEN_MAX + 1], out[FRAME_LEN_MAX + 1];

static struct port *mem_open(bool multibuf)
{
	struct proto_stack_config cfg = { .mtu = 1500, .xdp_multibuf = multibuf,
					  .umem_frame_size = 4096 };
	struct port *p;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(port_mem_open(&cfg, &p), 0);
	return p;
}

static bool ready(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	assert_true(poll(&pfd, 1, 0) >= 0);
	return pfd.revents & events;
}

static void test_mem_rx(void **state)
{
	static const size_t lens[] = { 1, 14, 60, 256, 257, 1514, 3837, 3838, 3839, 9014, 65534, 65549 };
	struct frame *f;
	int rx_fd, tx_fd;

	(void)state;
	for (int multibuf = 0; multibuf <= 1; multibuf++) {
		struct port *p = mem_open(multibuf);
		uint32_t room = p->ops->rx_free(p);

		p->ops->fds(p, &rx_fd, &tx_fd);
		assert_false(ready(rx_fd, POLLIN));
		for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
			size_t at = 0;

			assert_int_equal(port_mem_push(p, big, lens[i]), 0);
			assert_true(ready(rx_fd, POLLIN));
			assert_int_equal(port_rx(p, &f, 1), 1);
			assert_false(ready(rx_fd, POLLIN));
			assert_int_equal(f->len, lens[i]);
			assert_true(f->n_segs >= 1 && f->n_segs <= FRAME_SEGS_MAX);
			assert_true(multibuf || f->n_segs == 1);
			assert_true(f->seg[0].iov_len >= (lens[i] < 256 ? lens[i] : 256));
			for (int s = 0; s < f->n_segs; at += f->seg[s++].iov_len)
				assert_memory_equal(f->seg[s].iov_base, big + at, f->seg[s].iov_len);
			assert_int_equal(at, lens[i]);
			assert_int_equal(p->ops->rx_free(p), room - 1);
			frame_get(f);
			frame_put(f);
			assert_int_equal(p->ops->rx_free(p), room - 1);
			frame_put(f);
			assert_int_equal(p->ops->rx_free(p), room);
		}
		assert_int_equal(port_mem_push(p, big, FRAME_LEN_MAX + 1), -ENOBUFS);
		port_free(p);
	}
}

static void test_mem_rx_full(void **state)
{
	struct port *p = mem_open(false);
	struct frame *f[PORT_BURST];
	uint32_t n = 0;

	(void)state;
	while (port_mem_push(p, &n, sizeof(n)) == 0)
		n++;
	assert_int_equal(p->ops->rx_free(p), 0);
	for (uint32_t got = 0; got < n;) {
		int r = port_rx(p, f, PORT_BURST);

		assert_true(r > 0);
		for (int i = 0; i < r; i++, got++) {
			assert_memory_equal(f[i]->seg[0].iov_base, &got, sizeof(got));
			frame_put(f[i]);
		}
	}
	assert_int_equal(port_rx(p, f, PORT_BURST), 0);
	assert_int_equal(p->ops->rx_free(p), n);
	port_free(p);
}

static void count_done(void *arg)
{
	++*(int *)arg;
}

static void test_mem_tx(void **state)
{
	struct port *p = mem_open(false);
	int done = 0, rx_fd, tx_fd;
	struct iovec iov[2] = { { big, 54 }, { big + 54, 65000 } };
	struct tx_frame f = { .iov = iov, .n_iov = 2, .len = 65054, .gso = FRAME_GSO_TCP4,
			      .gso_size = 1460, .hdr_len = 54, .csum_start = 34, .csum_offset = 16,
			      .done = count_done, .arg = &done }, meta;

	(void)state;
	p->ops->fds(p, &rx_fd, &tx_fd);
	port_mem_set_room(p, 2);
	assert_true(ready(tx_fd, POLLOUT));
	assert_int_equal(port_tx(p, &f), 0);
	assert_int_equal(done, 0);
	f.gso = FRAME_GSO_NONE;
	f.done = NULL;		/* read at once, and so is what was queued before it */
	f.n_iov = 1;
	f.len = 54;
	assert_int_equal(port_tx(p, &f), 0);
	assert_int_equal(done, 1);
	assert_int_equal(port_tx(p, &f), -EAGAIN);
	assert_false(ready(tx_fd, POLLOUT));
	assert_int_equal(port_mem_pop(p, out, sizeof(out), &meta), 65054);
	assert_memory_equal(out, big, 65054);
	assert_int_equal(meta.gso, FRAME_GSO_TCP4);
	assert_int_equal(meta.gso_size, 1460);
	assert_int_equal(meta.csum_start, 34);
	assert_int_equal(port_mem_pop(p, out, 10, NULL), 54);
	assert_int_equal(port_mem_pop(p, out, 10, NULL), 0);
	port_mem_set_room(p, UINT32_MAX);
	assert_true(ready(tx_fd, POLLOUT));
	f.done = count_done;
	assert_int_equal(port_tx(p, &f), 0);
	port_free(p);		/* what was still queued is given back */
	assert_int_equal(done, 2);
}

/* ---- virtio-net headers ----------------------------------------------------------------------------- */

static void test_vnet_parse(void **state)
{
	enum { CSUM = VIRTIO_NET_HDR_F_NEEDS_CSUM, VALID = VIRTIO_NET_HDR_F_DATA_VALID,
	       TCP4 = VIRTIO_NET_HDR_GSO_TCPV4, TCP6 = VIRTIO_NET_HDR_GSO_TCPV6,
	       ECN = VIRTIO_NET_HDR_GSO_ECN, UDP = VIRTIO_NET_HDR_GSO_UDP };
	static const struct {
		struct virtio_net_hdr h;	/* flags, gso_type, hdr_len, gso_size, csum_start, csum_offset */
		size_t len;
		int want;
	} t[] = {
		/*  1 */ { { 0, 0, 0, 0, 0, 0 }, 60, FRAME_GSO_NONE },
		/*  2 */ { { 0, 0, 0, 0, 0, 0 }, 0, FRAME_GSO_NONE },
		/*  3 */ { { VALID, 0, 0, 0, 0, 0 }, 60, FRAME_GSO_NONE },
		/*  4 */ { { CSUM, 0, 0, 0, 34, 16 }, 60, FRAME_GSO_NONE },
		/*  5 */ { { CSUM, 0, 0, 0, 34, 16 }, 52, FRAME_GSO_NONE },
		/*  6 */ { { CSUM, 0, 0, 0, 34, 16 }, 51, -EBADMSG },
		/*  7 */ { { CSUM, 0, 0, 0, 0xffff, 0xffff }, 65549, -EBADMSG },
		/*  8 */ { { CSUM, TCP4, 66, 1448, 34, 16 }, 57000, FRAME_GSO_TCP4 },
		/*  9 */ { { CSUM, TCP4 | ECN, 66, 1448, 34, 16 }, 57000, FRAME_GSO_TCP4 },
		/* 10 */ { { CSUM, TCP6, 86, 1428, 54, 16 }, 57000, FRAME_GSO_TCP6 },
		/* 11 */ { { CSUM, TCP6 | ECN, 86, 1428, 54, 16 }, 57000, FRAME_GSO_TCP6 },
		/* 12 */ { { CSUM, TCP4, 66, 0, 34, 16 }, 57000, -EBADMSG },
		/* 13 */ { { 0, TCP4, 66, 1448, 34, 16 }, 57000, -EBADMSG },
		/* 14 */ { { CSUM, UDP, 42, 1472, 34, 6 }, 57000, -EBADMSG },
		/* 15 */ { { CSUM, 5, 42, 1472, 34, 6 }, 57000, -EBADMSG },	/* UDP_L4 */
		/* 16 */ { { CSUM, ECN, 0, 0, 34, 16 }, 60, -EBADMSG },
		/* 17 */ { { CSUM, TCP4 | TCP6, 66, 1448, 34, 16 }, 57000, -EBADMSG },
		/* 18 */ { { VIRTIO_NET_HDR_F_RSC_INFO, 0, 0, 0, 0, 0 }, 60, -EBADMSG },
		/* 19 */ { { 0xff, 0xff, 0xffff, 0xffff, 0xffff, 0xffff }, 60, -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (vnet_parse(&t[i].h, t[i].len) != t[i].want)
			fail_msg("row %zu: %d", i + 1, vnet_parse(&t[i].h, t[i].len));
}

static void test_vnet_fill(void **state)
{
	const struct tx_frame plain = { .len = 60 }, csum = { .len = 60, .csum_start = 34, .csum_offset = 6 },
		gso = { .len = 60000, .gso = FRAME_GSO_TCP6, .gso_size = 1440, .hdr_len = 74,
			.csum_start = 54, .csum_offset = 16 };
	struct virtio_net_hdr h;

	(void)state;
	vnet_fill(&plain, &h);
	assert_int_equal(h.flags | h.gso_type | h.hdr_len | h.gso_size | h.csum_start, 0);
	vnet_fill(&csum, &h);
	assert_int_equal(vnet_parse(&h, csum.len), FRAME_GSO_NONE);
	assert_int_equal(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(h.csum_start, 34);
	assert_int_equal(h.csum_offset, 6);
	vnet_fill(&gso, &h);
	assert_int_equal(vnet_parse(&h, gso.len), FRAME_GSO_TCP6);
	assert_int_equal(h.gso_size, 1440);
	assert_int_equal(h.hdr_len, 74);
}

/* ---- packet and tap over a socket pair -------------------------------------------------------------- */

typedef int (*open_fn)(const struct proto_stack_config *cfg, int fd, struct port **ret_port);
static const open_fn opens[] = { port_packet_open, port_tap_open };

static struct port *pair_open(open_fn fn, int sndbuf, int *ret_far)
{
	struct proto_stack_config cfg = { .mtu = 1500 };
	struct port *p;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf)), 0);
	assert_int_equal(fn(&cfg, fds[0], &p), 0);
	*ret_far = fds[1];
	return p;
}

static void pair_close(struct port *p, int far)
{
	int rx_fd, tx_fd;

	p->ops->fds(p, &rx_fd, &tx_fd);
	port_free(p);
	close(rx_fd);
	close(far);
}

/* Frames whose header cannot be taken are thrown away and counted; the others come whole and in order. */
static void test_pair_rx(void **state)
{
	static uint8_t wire[VNET_LEN + FRAME_LEN_MAX];

	(void)state;
	for (size_t o = 0; o < 2; o++) {
		int far, n = 0;
		struct port *p = pair_open(opens[o], 1 << 18, &far);
		uint32_t room = p->ops->rx_free(p);
		struct frame *f[PORT_BURST];
		struct port_stats st;

		for (int i = 0; i < 6; i++) {
			memset(wire, 0, VNET_LEN);
			if (i == 2)
				wire[1] = VIRTIO_NET_HDR_GSO_UDP;
			memset(wire + VNET_LEN, i, 60);
			assert_int_equal(write(far, wire, i == 4 ? 5 : VNET_LEN + 60), i == 4 ? 5 : VNET_LEN + 60);
		}
		assert_int_equal(port_rx(p, f, 1), 1);
		assert_int_equal(((uint8_t *)f[0]->seg[0].iov_base)[0], 0);
		frame_put(f[0]);
		for (int turn = 0; turn < 4; turn++) {
			int r = port_rx(p, f + n, PORT_BURST - n);

			assert_true(r >= 0);
			n += r;
		}
		assert_int_equal(n, 3);
		for (int i = 0; i < n; i++) {
			static const uint8_t want[] = { 1, 3, 5 };

			assert_int_equal(f[i]->len, 60);
			assert_int_equal(((uint8_t *)f[i]->seg[0].iov_base)[59], want[i]);
		}
		assert_int_equal(p->ops->rx_free(p), room - 3);
		for (int i = 0; i < n; i++)
			frame_put(f[i]);
		assert_int_equal(p->ops->rx_free(p), room);
		p->ops->stats(p, &st);
		assert_int_equal(st.rx_frames, 4);
		assert_int_equal(st.rx_dropped, 2);
		/* The largest frame, and one byte more than fits into the kernel's largest. */
		memset(wire, 0, VNET_LEN);
		assert_int_equal(write(far, wire, sizeof(wire)), sizeof(wire));
		assert_int_equal(port_rx(p, f, PORT_BURST), 1);
		assert_int_equal(f[0]->len, FRAME_LEN_MAX);
		frame_put(f[0]);
		pair_close(p, far);
	}
}

/* The link has no room: -EAGAIN, then success; every frame arrives once, whole, in order, is done with once. */
static void test_pair_back_pressure(void **state)
{
	enum { FRAMES = 2000 };

	(void)state;
	for (size_t o = 0; o < 2; o++) {
		int far, done = 0, again = 0, sent = 0, got = 0;
		struct port *p = pair_open(opens[o], 100000, &far);
		struct port_stats st;
		static uint32_t head[FRAMES][4];

		while (got < FRAMES) {
			while (sent < FRAMES) {
				bool copy = sent % 3 == 0;
				uint32_t len = sent % 7 == 0 ? 60000 : 60 + (uint32_t)sent % 1400;
				struct iovec iov[2] = { { head[sent], 16 }, { big, len - 16 } };
				struct tx_frame f = { .iov = iov, .n_iov = 2, .len = len,
						      .done = copy ? NULL : count_done, .arg = &done };

				head[sent][0] = (uint32_t)sent;
				if (len > 1514) {
					f.gso = FRAME_GSO_TCP4;
					f.gso_size = 1460;
					f.hdr_len = 54;
					f.csum_start = 34;
					f.csum_offset = 16;
				}
				int r = port_tx(p, &f);

				if (r == -EAGAIN)
					break;
				assert_int_equal(r, 0);
				if (copy)
					head[sent][0] = UINT32_MAX;	/* must have been read */
				sent++;
			}
			int r = port_flush(p);

			again += r == -EAGAIN || sent < FRAMES;
			assert_true(r == 0 || r == -EAGAIN);
			for (ssize_t n; (n = read(far, out, sizeof(out))) >= 0; got++) {
				uint32_t seq, len = got % 7 == 0 ? 60000 : 60 + (uint32_t)got % 1400;

				memcpy(&seq, out + VNET_LEN, sizeof(seq));
				assert_int_equal(seq, got);
				assert_int_equal(n, VNET_LEN + len);
				assert_memory_equal(out + VNET_LEN + 16, big, len - 16);
			}
		}
		assert_true(again > 10);
		assert_int_equal(done, FRAMES - (FRAMES + 2) / 3);
		p->ops->stats(p, &st);
		assert_int_equal(st.tx_frames, FRAMES);
		assert_int_equal(st.tx_errors, 0);
		pair_close(p, far);
	}
}

/* The far side is gone: packet gives each frame up after a second refusal, nothing spins, nothing leaks. */
static void test_pair_gone(void **state)
{
	int far, done = 0;
	struct port *p = pair_open(port_packet_open, 100000, &far);
	struct iovec iov = { big, 60 };
	struct tx_frame f = { .iov = &iov, .n_iov = 1, .len = 60, .done = count_done, .arg = &done };
	struct port_stats st;

	(void)state;
	close(far);
	for (int i = 0; i < 100; i++)
		assert_int_equal(port_tx(p, &f), 0);
	assert_int_equal(port_flush(p), 0);
	assert_int_equal(done, 100);
	p->ops->stats(p, &st);
	assert_int_equal(st.tx_errors, 100);
	assert_int_equal(st.tx_frames, 0);
	assert_int_equal(port_tx(p, &f), 0);
	pair_close(p, -1);
	assert_int_equal(done, 101);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mem_rx),
		cmocka_unit_test(test_mem_rx_full),
		cmocka_unit_test(test_mem_tx),
		cmocka_unit_test(test_vnet_parse),
		cmocka_unit_test(test_vnet_fill),
		cmocka_unit_test(test_pair_rx),
		cmocka_unit_test(test_pair_back_pressure),
		cmocka_unit_test(test_pair_gone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
