/* SPDX-License-Identifier: Apache-2.0 */
/* The packet log: its blocks, its bounds, its errors; and that tshark reads it, where there is one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/world.h"

static char path[] = "/tmp/sluice-record-XXXXXX";

static int temp_file(void)
{
	int fd;

	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	fd = mkostemp(path, O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

struct block {
	uint32_t type, len;
	const uint8_t *body;
};

static uint8_t file[4 << 20];

static size_t read_file(void)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t r;

	assert_true(fd >= 0);
	while ((r = read(fd, file + n, sizeof(file) - n)) > 0)
		n += (size_t)r;
	close(fd);
	return n;
}

/* Walks the file: lengths must match at both ends of each block, and reach the end exactly. */
static size_t blocks(size_t size, struct block *b, size_t cap)
{
	size_t n = 0;

	for (size_t off = 0; off < size; n++) {
		uint32_t type, len, again;

		assert_true(size - off >= 12);
		memcpy(&type, file + off, 4);
		memcpy(&len, file + off + 4, 4);
		assert_true(len % 4 == 0 && len <= size - off);
		memcpy(&again, file + off + len - 4, 4);
		assert_int_equal(len, again);
		if (n < cap)
			b[n] = (struct block){ type, len, file + off + 8 };
		off += len;
	}
	return n;
}

/* The value of a block's option, or NULL. at: where its options begin. */
static const uint8_t *option(const struct block *b, size_t at, uint16_t code, uint16_t *ret_len)
{
	size_t end = b->len - 12;

	while (at + 4 <= end) {
		uint16_t c, len;

		memcpy(&c, b->body + at, 2);
		memcpy(&len, b->body + at + 2, 2);
		assert_true(at + 4 + len <= end);
		if (c == code) {
			*ret_len = len;
			return b->body + at + 4;
		}
		if (c == 0)
			return NULL;
		at += 4 + ((len + 3u) & ~3u);
	}
	return NULL;
}

static void expect_comment(const struct block *b, size_t frame_len, const char *text)
{
	uint16_t len = 0;
	const uint8_t *v = option(b, 20 + ((frame_len + 3) & ~3ul), 1, &len);

	assert_non_null(v);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(v, text, len);
}

static void test_blocks(void **state)
{
	struct block b[16];
	struct proto_ask_flow ask;
	char text[96];
	uint16_t len;
	const uint8_t *v;
	uint64_t stamp;
	uint32_t hi, lo;

	(void)state;
	world_open_record(1500, temp_file(), 0);
	world_in(frame, make_echo(LINK_GW4, 1, 1, "ping", 4));			/* accept, sent */
	world_in(frame, make_udp("127.0.0.1", 9, 9, "x", 1));			/* drop */
	world_in(frame, make_udp("2001:db8::1", 9, 9, "hello", 5));		/* held */
	egress_expect(PROTO_ASK_FLOW, &ask, sizeof(ask));
	egress_verdict(ask.id, PROTO_DENY, DROP_POLICY_DENY, 0, -1);		/* drop, ICMP sent */
	world_close();
	assert_int_equal(blocks(read_file(), b, 16), 8);
	assert_int_equal(b[0].type, 0x0a0d0d0a);
	assert_int_equal(b[1].type, 1);
	v = option(&b[1], 8, 9, &len);
	assert_int_equal(*v, 9);
	for (int i = 2; i < 8; i++)
		assert_int_equal(b[i].type, 6);
	expect_comment(&b[2], 46, "verdict=accept");
	expect_comment(&b[3], 46, "verdict=sent");
	expect_comment(&b[4], 43, "verdict=drop reason=ip-dest");
	snprintf(text, sizeof(text), "verdict=held flow=%llu", (unsigned long long)ask.id);
	expect_comment(&b[5], 67, text);
	snprintf(text, sizeof(text), "verdict=drop reason=policy-deny flow=%llu",
		 (unsigned long long)ask.id);
	expect_comment(&b[6], 67, text);
	expect_comment(&b[7], 54 + 8 + 40 + 13, "verdict=sent reason=policy-deny");
	/* Direction and verdict. */
	v = option(&b[2], 20 + 48, 2, &len);
	assert_int_equal(v[0], 1);
	v = option(&b[3], 20 + 48, 2, &len);
	assert_int_equal(v[0], 2);
	v = option(&b[4], 20 + 44, 7, &len);
	assert_int_equal(len, 9);
	assert_memory_equal(v, "\2\1\0\0\0\0\0\0\0", 9);
	v = option(&b[2], 20 + 48, 7, &len);
	assert_memory_equal(v, "\2\2\0\0\0\0\0\0\0", 9);
	/* Nanoseconds of the wall clock. */
	memcpy(&hi, b[2].body + 4, 4);
	memcpy(&lo, b[2].body + 8, 4);
	stamp = (uint64_t)hi << 32 | lo;
	assert_true(clock_wall_ns() - stamp < 60 * NS_PER_S);
	unlink(path);
}

static void test_limit(void **state)
{
	struct record *r = record_new(temp_file(), 10000, "small");
	uint8_t pkt[999] = { 0 };
	struct iovec iov = { pkt, sizeof(pkt) };
	struct block b[64];
	struct stat st;
	size_t n;
	uint16_t len;

	(void)state;
	for (int i = 0; i < 50; i++)
		record_packet(r, RECORD_FROM_SANDBOX, 1, &iov, 1, "accept", DROP_NONE, NULL);
	record_free(r);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= 10000 && st.st_size > 7000);
	n = blocks(read_file(), b, 64);
	assert_int_equal(b[n - 1].type, 5);
	assert_non_null(option(&b[n - 1], 12, 1, &len));
	unlink(path);
}

/* A pipe that nobody reads: the gateway goes on, later packets say how many are missing. */
static void test_slow_pipe(void **state)
{
	static uint8_t pkt[60000];
	struct iovec iov = { pkt, sizeof(pkt) };
	struct record *r;
	struct block b[128];
	uint64_t lost = 0;
	size_t size = 0, n;
	ssize_t got;
	uint16_t len;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	r = record_new(p[1], 0, "pipe");
	for (int i = 0; i < 40; i++)
		record_packet(r, RECORD_TO_SANDBOX, 1, &iov, 1, "sent", DROP_NONE, NULL);
	assert_int_equal(fcntl(p[0], F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 100; i++) {
		while ((got = read(p[0], file + size, sizeof(file) - size)) > 0)
			size += (size_t)got;
		assert_int_equal(record_flush(r), 0);
	}
	iov.iov_len = 60;
	record_packet(r, RECORD_TO_SANDBOX, 1, &iov, 1, "sent", DROP_NONE, NULL);
	record_free(r);
	while ((got = read(p[0], file + size, sizeof(file) - size)) > 0)
		size += (size_t)got;
	close(p[0]);
	n = blocks(size, b, 128);
	assert_true(n > 8 && n < 40);
	memcpy(&lost, option(&b[n - 1], 20 + 60, 4, &len), 8);
	assert_int_equal(lost, 40 - (n - 3));
}

static void test_write_error(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct iovec iov = { frame, 60 };
	struct record *r;

	(void)state;
	assert_true(fd >= 0);
	r = record_new(fd, 0, "full");
	assert_int_equal(record_flush(r), -ENOSPC);
	record_packet(r, RECORD_FROM_SANDBOX, 1, &iov, 1, "accept", DROP_NONE, NULL);
	assert_int_equal(record_flush(r), 0);
	record_free(r);
}

static void test_tshark(void **state)
{
	char cmd[256], line[512];
	size_t n = 0;
	FILE *f;

	(void)state;
	if (system("command -v tshark >/dev/null 2>&1") != 0)
		skip();
	world_open_record(1500, temp_file(), 0);
	world_in(frame, make_echo(LINK_GW4, 1, 1, "ping", 4));
	world_in(frame, make_udp("127.0.0.1", 9, 9, "x", 1));
	world_in(frame, make_echo(LINK_GW6, 1, 1, "ping", 4));
	world_close();
	snprintf(cmd, sizeof(cmd), "chmod 644 %s; tshark -r %s -T fields -e frame.comment "
		 "-e frame.verdict.ebpf_xdp 2>/dev/null", path, path);
	f = popen(cmd, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		static const char *const want[] = {
			"verdict=accept\t2\n",
			"verdict=sent\t2\n",
			"verdict=drop reason=ip-dest\t1\n",
			"verdict=accept\t2\n",
			"verdict=sent\t2\n",
		};

		assert_true(n < 5);
		assert_string_equal(line, want[n]);
		n++;
	}
	assert_int_equal(pclose(f), 0);
	assert_int_equal(n, 5);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_slow_pipe), cmocka_unit_test(test_write_error),
		cmocka_unit_test(test_tshark),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
