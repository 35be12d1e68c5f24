/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TCP connection of the whole worker, lwIP included, under segments of any shape, at any place in
 * sequence space, in any order with the host's doings, time and a port that is full now and then.
 *
 * The input is a byte of options and records of 12 bytes. Numbers are relative to what lwIP expects, so
 * that the fuzzer need not guess sequence numbers. In the end everything must be given back.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stack/ip/tcp_rx.h"
#include "stack/nat/chunk.h"
#include "stack/nat/tcp_conn.h"
#include "tests/path/lab.h"

enum { RECORD = 12, RECORDS_MAX = 200 };

static struct peer peer;
static const uint8_t zeroes[65536];

static struct tcp_pcb *pcb(void)
{
	for (uint32_t i = 0; i < lab.s.flows.peak; i++) {
		struct flow *f = &lab.s.flows.flows[i];

		if ((f->state == FLOW_OPEN || f->state == FLOW_CLOSING) && f->tcp->pcb)
			return f->tcp->pcb;
	}
	return NULL;
}

static uint32_t u16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* A signed distance, small ones fine and large ones coarse. */
static uint32_t distance(const uint8_t *p)
{
	uint32_t v = u16(p);

	return v & 1 ? (uint32_t)((int32_t)(int16_t)v * 64) : (uint32_t)((int16_t)v / 16);
}

static void segment(const uint8_t *r)
{
	struct tcp_pcb *p = pcb();
	uint8_t opt[40];
	struct tcp_form f = {
		.flags = r[1], .seq = (p ? p->rcv_nxt : peer.iss) + distance(r + 2),
		.ack = (p ? p->lastack : 0) + distance(r + 4), .wnd = (uint16_t)u16(r + 6),
		.urgp = r[8], .opt = opt, .n_opt = (size_t)(r[0] >> 4) % 11 * 4, .payload = zeroes,
		.len = u16(r + 8) % (r[10] & 1 ? 60000 : 1500),
	};

	for (size_t i = 0; i < f.n_opt; i++)
		opt[i] = r[(i * 7 + 3) % RECORD] % (r[11] & 1 ? 11 : 255);
	if (r[10] & 2)
		f.len = 0;
	if (r[10] & 4)			/* an honest one */
		f.seq = p ? p->rcv_nxt : peer.iss;
	if (r[10] & 8)
		f.ack = p ? p->snd_nxt : 0;
	if (r[10] & 16)
		f.flags = TH_ACK;
	if (r[10] & 32)
		f.n_opt = 0;
	if (r[10] & 64)
		f.off = r[11] >> 4;
	peer_form(&peer, &f);
}

static void host(const uint8_t *r)
{
	uint8_t buf[4096];
	int fd = lab.n_asks ? lab_last()->host : -1;

	if (fd < 0)
		return;
	switch (r[1] % 5) {
	case 0:
	case 1:
		for (int i = r[4] & 1 ? 16 : 1; i > 0 && write(fd, zeroes, u16(r + 2)) > 0; i--)
			;
		return;
	case 2:
		for (int i = r[2]; i > 0 && read(fd, buf, sizeof(buf)) > 0; i--)
			;
		return;
	case 3:
		shutdown(fd, r[2] % 3);
		return;
	default:
		close(fd);
		lab_last()->host = -1;
	}
}

static void record(const uint8_t *r)
{
	switch (r[0] & 0xf) {
	default:
		segment(r);
		return;
	case 12:
		host(r);
		return;
	case 13:
		lab.now += (uint64_t)u16(r + 1) * (r[3] & 1 ? LAB_MS : 20 * LAB_MS);
		break;
	case 14:
		port_mem_set_room(lab.port, r[1] & 1 ? UINT32_MAX : r[2] & 3u);
		break;
	case 15:
		break;
	}
	lab_step();
	lab_discard();
}

static void finish(void)
{
	port_mem_set_room(lab.port, UINT32_MAX);
	for (uint32_t i = 0; i < lab.n_asks; i++) {
		if (lab.asks[i].host >= 0)
			shutdown(lab.asks[i].host, SHUT_RDWR);
	}
	for (int i = 0; i < 40 && lab.s.flows.used; i++) {
		lab.now += 800ull * 1000 * LAB_MS;
		lab_step();
		lab_discard();
	}
	if (lab.s.flows.used || rxbuf_used() || chunk_used() || tcp_busy() ||
	    lab.port->ops->rx_free(lab.port) != 256)
		abort();
	lab_close();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	lab_open(&(struct lab_options){ .v6 = data[0] & 1, .multibuf = data[0] & 2,
					.no_gso = data[0] & 8, .flows_max = 8 });
	peer_init(&peer, 40000, data[0] & 4 ? 53 : 80);
	if (data[0] & 16)
		peer.wscale = -1;
	if (data[0] & 32)
		peer.rcv_wnd = 0;
	lab.answer = data[0] & 64 ? LAB_HOLD : LAB_ALLOW;
	peer_syn(&peer);
	lab_step();
	lab_discard();
	for (size_t i = 0; i < RECORDS_MAX && 1 + (i + 1) * RECORD <= size; i++)
		record(data + 1 + i * RECORD);
	lab_step();
	lab_discard();
	finish();
	return 0;
}
