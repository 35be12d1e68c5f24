/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood: a sandbox that wants to be a nuisance, for bench/run.sh.
 *
 *	flood syn ADDRESS PORT		SYNs from ever other ports, whose answers are left alone
 *	flood udp ADDRESS PORT		datagrams of 1,000 bytes, each from another port: each a new flow
 *	flood tiny ADDRESS PORT		datagrams of one byte, of one flow
 *	flood dns ADDRESS PORT		questions for ever other names
 *	flood spin			none of it: a processor kept busy, to compare with
 *
 * Until it is killed, as fast as it can. Needs CAP_NET_RAW in its namespace.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	BATCH = 64,
	BYTES_MAX = 1024,
	TCP_HLEN = 20,
	UDP_HLEN = 8,
	UDP_BYTES = 1000,
	PORT_FIRST = 1024,
	QUESTION_TAIL = 18,		/* example.test, A, IN */
};

static uint8_t packets[BATCH][BYTES_MAX];

static void put_be16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t sum16(uint32_t sum, const void *p, size_t len)
{
	const uint8_t *b = p;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(b[i] << 8 | b[i + 1]);
	return sum;
}

static void fill_ports(uint8_t *p, uint64_t serial, unsigned int dport)
{
	put_be16(p, PORT_FIRST + (unsigned int)(serial % (65536 - PORT_FIRST)));
	put_be16(p + 2, dport);
}

static size_t fill_syn(uint8_t *p, uint64_t serial, unsigned int dport, const struct in_addr ends[2])
{
	uint32_t sum = IPPROTO_TCP + TCP_HLEN;

	memset(p, 0, TCP_HLEN);
	fill_ports(p, serial, dport);
	put_be16(p + 4, (unsigned int)(serial & 0xffff));
	p[12] = TCP_HLEN / 4 << 4;
	p[13] = 2;			/* SYN */
	put_be16(p + 14, 65535);
	sum = sum16(sum16(sum, ends, 8), p, TCP_HLEN);
	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(p + 16, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
	return TCP_HLEN;
}

static size_t fill_udp(uint8_t *p, uint64_t serial, unsigned int dport, size_t payload)
{
	fill_ports(p, serial, dport);
	put_be16(p + 4, (unsigned int)(UDP_HLEN + payload));
	put_be16(p + 6, 0);		/* no checksum */
	return UDP_HLEN + payload;
}

static size_t fill_question(uint8_t *p, uint64_t serial)
{
	static const uint8_t tail[QUESTION_TAIL] = "\7example\4test\0\0\1\0\1";
	uint8_t *m = p + UDP_HLEN;

	memset(m, 0, 12);
	put_be16(m, (unsigned int)(serial & 0xffff));
	m[2] = 1;
	m[5] = 1;
	m[12] = 8;
	for (int i = 0; i < 8; i++)
		m[13 + i] = (uint8_t)('a' + (serial >> (4 * i) & 15));
	memcpy(m + 21, tail, sizeof(tail));
	return 21 + sizeof(tail);
}

static size_t fill(const char *kind, uint8_t *p, uint64_t serial, unsigned int dport, const struct in_addr ends[2])
{
	if (*kind == 's')
		return fill_syn(p, serial, dport, ends);
	if (*kind == 'u')
		return fill_udp(p, serial, dport, UDP_BYTES);
	if (*kind == 't')
		return fill_udp(p, 0, dport, 1);
	return fill_udp(p, serial, dport, fill_question(p, serial));
}

int main(int argc, char **argv)
{
	static struct mmsghdr mm[BATCH];
	static struct iovec iov[BATCH];
	struct sockaddr_in to = { .sin_family = AF_INET }, self;
	struct in_addr ends[2];
	socklen_t len = sizeof(self);
	uint64_t serial = 0;
	int fd;

	if (argc == 2 && strcmp(argv[1], "spin") == 0) {
		for (volatile uint64_t i = 0;; i++)
			;
	}
	if (argc != 4 || !strchr("sutd", argv[1][0]) || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1)
		return 2;
	fd = socket(AF_INET, SOCK_RAW, argv[1][0] == 's' ? IPPROTO_TCP : IPPROTO_UDP);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&self, &len) < 0) {
		fprintf(stderr, "flood: %s\n", strerror(errno));
		return 1;
	}
	ends[0] = self.sin_addr;
	ends[1] = to.sin_addr;
	for (;;) {
		for (int i = 0; i < BATCH; i++) {
			iov[i].iov_base = packets[i];
			iov[i].iov_len = fill(argv[1], packets[i], serial++, (unsigned int)atoi(argv[3]), ends);
			mm[i].msg_hdr.msg_iov = &iov[i];
			mm[i].msg_hdr.msg_iovlen = 1;
		}
		(void)sendmmsg(fd, mm, BATCH, 0);
	}
}
