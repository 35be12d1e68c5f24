/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record: the packet log, pcapng (draft-ietf-opsawg-pcapng) with nanosecond time stamps.
 *
 * Comes in: every frame from and towards the sandbox, with what became of it. Goes out: a stream of
 * blocks to one inherited descriptor, a file or a pipe. Each packet carries its direction, a comment
 * ("verdict=drop reason=policy-default"), and a verdict option in the shape of XDP's, the nearest the
 * format knows: XDP_DROP or XDP_PASS.
 *
 * Blocks are written whole or not at all, so the file is readable at any moment. A pipe whose reader
 * is slow never holds up the gateway: packets are left out and the next one says how many. When the
 * size limit is reached an interface statistics block says so and how much is missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/reason.h"
#include "stack/path.h"

enum {
	RECORD_BUFFER = 512 << 10,
	RECORD_SNAP = 262144,
	RECORD_TAIL = 512,		/* kept free for the last block */
	RECORD_COMMENT = 192,
	BLOCK_SHB = 0x0a0d0d0a,
	BLOCK_IDB = 1,
	BLOCK_ISB = 5,
	BLOCK_EPB = 6,
	LINKTYPE_ETHERNET = 1,
	OPT_END = 0,
	OPT_COMMENT = 1,
	SHB_USERAPPL = 4,
	IDB_NAME = 2,
	IDB_TSRESOL = 9,
	EPB_FLAGS = 2,
	EPB_DROPCOUNT = 4,
	EPB_VERDICT = 7,
	ISB_IFDROP = 5,
	VERDICT_XDP = 2,		/* s. 4.3.1: type octet 2, then XDP's return code */
	VERDICT_XDP_DROP = 1,
	VERDICT_XDP_PASS = 2,
	FLAG_INBOUND = 1,
	FLAG_OUTBOUND = 2,
};

#define RECORD_BYTES_DEFAULT (1ull << 30)

struct record {
	int fd;
	bool dead;			/* after a write error */
	uint64_t max_bytes;
	uint64_t bytes;			/* taken into the log so far, buffered ones included */
	uint64_t lost;			/* packets left out since the last one that was taken */
	uint64_t lost_all;
	size_t head, tail;		/* unwritten bytes of buf */
	size_t block;			/* start of the block being built */
	bool full;			/* the limit is reached: nothing more is taken */
	uint8_t buf[RECORD_BUFFER];
};

/* ---- blocks. All fields are in this machine's byte order, as the section header says. ----------- */

static void put(struct record *r, const void *b, size_t n)
{
	memcpy(r->buf + r->tail, b, n);
	r->tail += n;
}

static void put32(struct record *r, uint32_t v)
{
	put(r, &v, sizeof(v));
}

static void put16(struct record *r, uint16_t v)
{
	put(r, &v, sizeof(v));
}

static void put_pad(struct record *r)
{
	static const uint8_t zero[3];

	put(r, zero, (0 - (r->tail - r->block)) & 3);
}

static void put_option(struct record *r, uint16_t code, const void *v, size_t len)
{
	put16(r, code);
	put16(r, (uint16_t)len);
	put(r, v, len);
	put_pad(r);
}

static void block_begin(struct record *r, uint32_t type)
{
	r->block = r->tail;
	put32(r, type);
	put32(r, 0);
}

static void block_end(struct record *r)
{
	uint32_t len;

	put_option(r, OPT_END, "", 0);
	len = (uint32_t)(r->tail - r->block + 4);
	memcpy(r->buf + r->block + 4, &len, 4);
	put32(r, len);
	r->bytes += len;
}

static void put_header(struct record *r, const char *label)
{
	static const char app[] = "sluice " SLUICE_VERSION;
	static const uint8_t any_length[8] = { 255, 255, 255, 255, 255, 255, 255, 255 };
	char text[RECORD_COMMENT];
	int n = snprintf(text, sizeof(text), "sandbox %s", label);

	block_begin(r, BLOCK_SHB);
	put32(r, 0x1a2b3c4d);
	put16(r, 1);
	put16(r, 0);
	put(r, any_length, 8);
	put_option(r, OPT_COMMENT, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
	put_option(r, SHB_USERAPPL, app, sizeof(app) - 1);
	block_end(r);
	block_begin(r, BLOCK_IDB);
	put16(r, LINKTYPE_ETHERNET);
	put16(r, 0);
	put32(r, RECORD_SNAP);
	put_option(r, IDB_NAME, "eth0", 4);
	put_option(r, IDB_TSRESOL, "\x09", 1);
	block_end(r);
}

/* ---- writing ------------------------------------------------------------------------------------ */

int record_flush(struct record *r)
{
	int err;

	while (!r->dead && r->head < r->tail) {
		ssize_t n = write(r->fd, r->buf + r->head, r->tail - r->head);

		if (n > 0) {
			r->head += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;	/* the rest stays; later packets may be left out */
		err = n < 0 ? errno : EIO;
		log_warn("packet log: %s; closing it, the gateway goes on", strerror(err));
		/* The descriptor stays open till the end: the worker may not close what it inherited. */
		r->dead = true;
		return -err;
	}
	if (r->head == r->tail)
		r->head = r->tail = 0;
	return 0;
}

/* Room for n bytes in the buffer, by writing if need be. */
static bool make_room(struct record *r, size_t n)
{
	if (r->dead)
		return false;
	if (sizeof(r->buf) - r->tail >= n)
		return true;
	if (record_flush(r) < 0)
		return false;
	if (sizeof(r->buf) - r->tail < n && r->head) {
		memmove(r->buf, r->buf + r->head, r->tail - r->head);
		r->tail -= r->head;
		r->head = 0;
	}
	return sizeof(r->buf) - r->tail >= n;
}

static void put_stamp(struct record *r, uint64_t ns)
{
	put32(r, (uint32_t)(ns >> 32));
	put32(r, (uint32_t)ns);
}

/* The last block: says why the log ends and what is missing. */
static void put_end(struct record *r, uint64_t wall_ns)
{
	char text[RECORD_COMMENT];
	int n = snprintf(text, sizeof(text), "packet log full: limit of %" PRIu64
			 " bytes reached, later packets are not in it", r->max_bytes);

	if (!make_room(r, RECORD_TAIL))
		return;
	block_begin(r, BLOCK_ISB);
	put32(r, 0);
	put_stamp(r, wall_ns);
	put_option(r, OPT_COMMENT, text, (size_t)n);
	put_option(r, ISB_IFDROP, &r->lost_all, 8);
	block_end(r);
}

/* A reader that does not read must not stop the gateway; files are not concerned. */
static void set_nonblock(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

struct record *record_new(int fd, uint64_t max_bytes, const char *label)
{
	struct record *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	set_nonblock(fd);
	r->fd = fd;
	r->max_bytes = max_bytes ? max_bytes : RECORD_BYTES_DEFAULT;
	put_header(r, label);
	return r;
}

static int comment_of(char text[RECORD_COMMENT], const char *verdict, enum drop_reason reason,
		      const struct flow *f)
{
	int n = snprintf(text, RECORD_COMMENT, "verdict=%s", verdict);

	if (reason != DROP_NONE)
		n += snprintf(text + n, (size_t)(RECORD_COMMENT - n), " reason=%s",
			      reason_word(reason));
	if (f)
		n += snprintf(text + n, (size_t)(RECORD_COMMENT - n), " flow=%" PRIu64, flow_id_of(f));
	if (f && f->rule)
		n += snprintf(text + n, (size_t)(RECORD_COMMENT - n), " rule=%u", f->rule);
	return n;
}

static void put_packet_options(struct record *r, enum record_dir dir, const char *verdict,
			       enum drop_reason reason, const struct flow *f)
{
	uint32_t flags = dir == RECORD_FROM_SANDBOX ? FLAG_INBOUND : FLAG_OUTBOUND;
	uint64_t action = strcmp(verdict, "drop") == 0 ? VERDICT_XDP_DROP : VERDICT_XDP_PASS;
	uint8_t v[9] = { VERDICT_XDP };
	char text[RECORD_COMMENT];
	int n = comment_of(text, verdict, reason, f);

	put_option(r, OPT_COMMENT, text, (size_t)n);
	put_option(r, EPB_FLAGS, &flags, 4);
	if (r->lost)
		put_option(r, EPB_DROPCOUNT, &r->lost, 8);
	memcpy(v + 1, &action, 8);
	put_option(r, EPB_VERDICT, v, sizeof(v));
}

void record_packet(struct record *r, enum record_dir dir, uint64_t wall_ns, const struct iovec *iov,
		   int n_iov, const char *verdict, enum drop_reason reason, const struct flow *f)
{
	size_t len = 0, left;

	if (r->dead || r->full)
		return;
	for (int i = 0; i < n_iov; i++)
		len += iov[i].iov_len;
	left = len < RECORD_SNAP ? len : RECORD_SNAP;
	if (r->bytes + left + 2 * RECORD_TAIL > r->max_bytes) {
		r->full = true;
		r->lost_all++;
		put_end(r, wall_ns);
		return;
	}
	if (!make_room(r, left + RECORD_TAIL)) {
		r->lost++;
		r->lost_all++;
		return;
	}
	block_begin(r, BLOCK_EPB);
	put32(r, 0);
	put_stamp(r, wall_ns);
	put32(r, (uint32_t)left);
	put32(r, (uint32_t)len);
	for (int i = 0; i < n_iov && left; i++) {
		size_t n = iov[i].iov_len < left ? iov[i].iov_len : left;

		put(r, iov[i].iov_base, n);
		left -= n;
	}
	put_pad(r);
	put_packet_options(r, dir, verdict, reason, f);
	block_end(r);
	r->lost = 0;
}

void record_free(struct record *r)
{
	if (!r)
		return;
	(void)record_flush(r);
	close(r->fd);
	free(r);
}
