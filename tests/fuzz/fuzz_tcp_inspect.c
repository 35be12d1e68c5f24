/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One inspected or denied connection of the whole worker: pieces of good and bad messages, ends, resets, cuts
 * and time in any order, with a host that answers, stalls or leaves. What the host gets is a beginning of what
 * was sent; a name that was not judged never reaches it; in the end everything is given back.
 *
 * The input is a byte of options and records of 3 bytes: what, and a length.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stack/ip/tcp_rx.h"
#include "stack/nat/chunk.h"
#include "stack/nat/tcp_conn.h"
#include "tests/path/lab.h"

enum { RECORD = 3, RECORDS_MAX = 200, STREAM_MAX = 1 << 18 };

/* Versions, random, no session, one suite, no compression, one extension: server_name. */
#define HELLO(name) "\x16\x03\x01\x00\x3e\x01\x00\x00\x3a\x03\x03" \
	"0123456789abcdef0123456789abcdef" "\x00\x00\x02\x13\x01\x01\x00\x00\x0f" \
	"\x00\x00\x00\x0b\x00\x09\x00\x00\x06" name

static const struct script {
	const char *bytes;
	size_t len;
} up[] = {
#define S(s) { s, sizeof(s) - 1 }
	S(HELLO("ok.abc")),
	S(HELLO("no.abc")),
	S("GET / HTTP/1.1\r\nHost: ok.abc\r\n\r\n"),
	S("GET / HTTP/1.1\r\nHost: no.abc\r\n\r\n"),
	S("POST / HTTP/1.1\r\nHost: ok.abc\r\nContent-Length: 4\r\n\r\nbody"),
	S("GET / HTTP/1.1\r\nHost: ok.abc\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	  "Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n"),
	S("EHLO me\r\n"),
}, down[] = {
	S("\x16\x03\x03\x00\x2c\x02\x00\x00\x28\x03\x03" "0123456789abcdef0123456789abcdef"
	  "\x00\x13\x01\x00\x00\x00"),
	S("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
	S("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
	S("220 ok.abc ESMTP\r\n"),
};

static struct peer peer;
static uint8_t sent[STREAM_MAX], got[STREAM_MAX];
static size_t n_sent, n_got;
static bool host_spoke;

static int host_fd(void)
{
	return lab.n_asks ? lab_last()->host : -1;
}

static void step(void)
{
	lab_step();
	lab_take();
}

/* From where the script was left, and over again. */
static void send_piece(const struct script *s, size_t len)
{
	static size_t at[sizeof(up) / sizeof(up[0])];
	size_t *from = &at[s - up];
	struct tcp_form f = { .seq = peer.snd_nxt, .ack = peer.rcv_nxt, .flags = TH_ACK,
			      .wnd = peer_wnd_field(&peer) };

	if (!n_sent)
		memset(at, 0, sizeof(at));
	if (len == 0 || len > s->len - *from)
		len = s->len - *from;
	if (n_sent + len > STREAM_MAX || (int32_t)(peer.snd_una + peer.snd_wnd - peer.snd_nxt) < (int32_t)len)
		return;
	f.payload = (const uint8_t *)s->bytes + *from;
	f.len = len;
	memcpy(sent + n_sent, f.payload, len);
	n_sent += len;
	*from = (*from + len) % s->len;
	peer_form(&peer, &f);
	peer.snd_nxt += (uint32_t)len;
}

static void host_reads(size_t most)
{
	while (host_fd() >= 0 && most) {
		size_t k = most < STREAM_MAX - n_got ? most : STREAM_MAX - n_got;
		ssize_t n = read(host_fd(), got + n_got, k);

		if (n <= 0)
			break;
		n_got += (size_t)n;
		most -= (size_t)n;
	}
	if (n_got > n_sent || memcmp(sent, got, n_got) != 0)
		abort();
	/* Once a side has switched to what is not read, the names are its own affair. */
	if (lab.inspect != PROTO_INSPECT_TLS_IF && !host_spoke && memmem(got, n_got, "no.abc", 6))
		abort();
}

static void host_writes(const struct script *s, size_t len)
{
	host_reads(STREAM_MAX);
	if (host_fd() >= 0) {
		host_spoke = true;
		(void)!write(host_fd(), s->bytes, len && len < s->len ? len : s->len);
	}
}

static void record(const uint8_t *r)
{
	size_t len = r[1];

	switch (r[0] % 16) {
	default:
		send_piece(&up[r[0] % 16], len);
		return;
	case 7:
		peer_fin(&peer);
		return;
	case 8:
		peer_rst(&peer);
		return;
	case 9:
	case 10:
		host_writes(&down[r[2] % 4], len);
		break;
	case 11:
		host_reads(len);
		break;
	case 12:
		if (host_fd() >= 0)
			shutdown(host_fd(), r[1] % 3);
		break;
	case 13:
		lab.now += len * 100 * LAB_MS;
		break;
	case 14:
		port_mem_set_room(lab.port, r[1] & 1 ? UINT32_MAX : r[2] & 3u);
		break;
	case 15:
		if (r[1] == 0 && lab.s.flows.flows[0].state == FLOW_OPEN)
			flow_cut(&lab.s, &lab.s.flows.flows[0], DROP_POLICY_CUT);
		break;
	}
	step();
}

static void finish(void)
{
	port_mem_set_room(lab.port, UINT32_MAX);
	lab_run();
	host_reads(STREAM_MAX);
	for (int i = 0; i < 40 && lab.s.flows.used; i++) {
		if (host_fd() >= 0)
			shutdown(host_fd(), SHUT_RDWR);
		lab.now += 800ull * 1000 * LAB_MS;
		lab_run();
	}
	if (lab.s.flows.used || rxbuf_used() || chunk_used() || tcp_busy() ||
	    lab.port->ops->rx_free(lab.port) != 256)
		abort();
	lab_close();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum proto_inspect kinds[] = { PROTO_INSPECT_TLS, PROTO_INSPECT_TLS_OPAQUE,
						    PROTO_INSPECT_TLS_IF, PROTO_INSPECT_HTTP };

	if (size < 1)
		return 0;
	lab_open(&(struct lab_options){ .v6 = data[0] & 1, .flows_max = 8, .events = data[0] & 2 });
	lab.inspect = kinds[data[0] >> 2 & 3];
	lab.name = "ok.abc";
	lab.answer = data[0] & 16 ? LAB_DENY : LAB_ALLOW;
	n_sent = n_got = 0;
	/* A hello that may hide its name may as well show another one. */
	host_spoke = lab.inspect == PROTO_INSPECT_TLS_OPAQUE;
	peer_init(&peer, 40000, 443);
	peer.raw = got;			/* whatever comes: nothing of it is kept */
	peer.raw_cap = 0;
	if (data[0] & 32)
		peer.wscale = -1;
	if (data[0] & 64)
		peer.rcv_wnd = 4096;
	peer_syn(&peer);
	step();
	for (size_t i = 0; i < RECORDS_MAX && 1 + (i + 1) * RECORD <= size; i++)
		record(data + 1 + i * RECORD);
	finish();
	return 0;
}
