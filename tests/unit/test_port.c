/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about the ports that need no kernel: the memory port, later the virtio-net header. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "stack/port/port.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mem_rx),
		cmocka_unit_test(test_mem_rx_full),
		cmocka_unit_test(test_mem_tx),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
