/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: a long link between two network interfaces, for kernels without sch_netem.
 *
 *	wire A B [[a.|b.]KEY=VALUE...]
 *
 * What comes out of A goes into B and the other way, later, and not always. A key with a. is of what comes
 * from A only, with b. from B only, else of both:
 *
 *	delay=MS	one way
 *	loss=PERCENT	reorder=PERCENT		dup=PERCENT
 *	extra=MS	a reordered packet comes up to this much later (2)
 *	rate=MBIT	the narrowest place; behind a queue of
 *	queue=KIB	this much (1024), a packet that finds it full is dropped
 *	seed=N		of all chances (1)
 *
 * Chances are for each packet, also where the kernel hands over many at once: such a frame is cut (wire_cut.c)
 * only where it must be, and runs of packets with the same fate stay together, as a network card
 * would deliver them. So the wire costs little, and what is measured is the ends.
 *
 * One process, two AF_PACKET sockets, a heap of frames by due time for each direction. It asks for
 * real-time priority, since nobody computes in a cable. The interfaces must have no address and no IPv6
 * of their own, in a namespace that forwards nothing. SIGTERM ends it; then it prints its counts as JSON, one
 * line per direction. own_drops is what the wire itself failed to carry: a measurement wants 0.
 */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>

#include "bench/wire_cut.h"
#include "lib/clock.h"

enum {
	BATCH = 32,			/* frames per system call */
	SOCKET_BUF = 64 << 20,
	HELD_MAX = 256 << 20,		/* bytes on their way in one direction */
};

struct held {
	uint64_t due, order;
	uint8_t *frame;
	uint32_t len;
};

struct lane {				/* one direction */
	const char *from, *to;
	int rx, tx;
	struct {
		double delay_ms, loss, reorder, dup, extra_ms, rate_mbit, queue_kib, seed;
	} want;
	uint64_t random;
	uint64_t free_at;		/* when the narrowest place has sent all that it was given */
	struct held *heap;
	size_t n, cap;
	uint64_t order, held_bytes;
	uint64_t dev_drops;		/* before the start */
	struct {
		uint64_t frames, packets, bytes, lost, reordered, duplicated, queue_full;
		uint64_t own_drops, late_max_ns, late_over_ms;
	} count;
};

static volatile sig_atomic_t over;

static void on_signal(int sig)
{
	over = sig;
}

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("wire: ", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* ---- chances ------------------------------------------------------------------------------------------ */

static double chance(struct lane *l)	/* splitmix64, Steele et al. 2014: [0, 1) */
{
	uint64_t z = l->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static bool happens(struct lane *l, double percent)
{
	return percent > 0 && chance(l) * 100 < percent;
}

/* ---- the heap ----------------------------------------------------------------------------------------- */

static bool before(const struct held *a, const struct held *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void push(struct lane *l, struct held h)
{
	size_t i = l->n++;

	if (l->n > l->cap) {
		l->cap = l->cap ? l->cap * 2 : 1024;
		l->heap = realloc(l->heap, l->cap * sizeof(*l->heap));
		if (!l->heap)
			die("no memory");
	}
	for (; i && before(&h, &l->heap[(i - 1) / 2]); i = (i - 1) / 2)
		l->heap[i] = l->heap[(i - 1) / 2];
	l->heap[i] = h;
	l->held_bytes += h.len;
}

static struct held pop(struct lane *l)
{
	struct held top = l->heap[0], last = l->heap[--l->n];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < l->n; i = child) {
		if (child + 1 < l->n && before(&l->heap[child + 1], &l->heap[child]))
			child++;
		if (!before(&l->heap[child], &last))
			break;
		l->heap[i] = l->heap[child];
	}
	l->heap[i] = last;
	l->held_bytes -= top.len;
	return top;
}

/* ---- in ----------------------------------------------------------------------------------------------- */

static void hold(struct lane *l, const uint8_t *frame, const struct cut *c, unsigned int first, unsigned int n,
		 uint64_t due)
{
	struct held h = { .due = due, .order = l->order++ };

	if (l->held_bytes > HELD_MAX) {
		l->count.own_drops += n;
		return;
	}
	h.frame = malloc(c->head + (size_t)n * c->size);
	if (!h.frame)
		die("no memory");
	h.len = (uint32_t)cut_make(frame, c, first, n, h.frame);
	push(l, h);
}

/* When a packet has left the narrowest place; 0: its queue is full. */
static uint64_t squeeze(struct lane *l, uint64_t bytes, uint64_t now)
{
	double ns_per_byte = 8000 / l->want.rate_mbit;

	if (!(l->want.rate_mbit > 0))
		return now;
	if (l->free_at < now)
		l->free_at = now;
	if ((double)(l->free_at - now) / ns_per_byte + (double)bytes > l->want.queue_kib * 1024)
		return 0;
	l->free_at += (uint64_t)((double)bytes * ns_per_byte);
	return l->free_at;
}

static void take(struct lane *l, const uint8_t *frame, size_t len, uint64_t now)
{
	uint64_t delay = (uint64_t)(l->want.delay_ms * 1e6), left = now;
	struct cut c = cut_plan(frame, len);
	unsigned int run = 0;			/* packets before i that go together */

	l->count.frames++;
	for (unsigned int i = 0; i < c.packets; i++) {
		uint64_t at = squeeze(l, cut_link_bytes(&c, i, 1), now);
		bool lost, apart;

		l->count.packets++;
		l->count.bytes += cut_link_bytes(&c, i, 1);
		l->count.queue_full += !at;
		lost = at && happens(l, l->want.loss);
		l->count.lost += lost;
		apart = at && !lost && happens(l, l->want.reorder);
		l->count.reordered += apart;
		if (at && !lost && !apart) {
			run++;
			left = at;
		} else if (run) {
			hold(l, frame, &c, i - run, run, left + delay);
			run = 0;
		}
		if (apart)
			hold(l, frame, &c, i, 1, at + delay + (uint64_t)(l->want.extra_ms * 1e6 * chance(l)));
		if (at && !lost && happens(l, l->want.dup)) {
			if (run)
				hold(l, frame, &c, i + 1 - run, run, left + delay);
			run = 0;
			hold(l, frame, &c, i, 1, at + delay);
			l->count.duplicated++;
		}
	}
	if (run)
		hold(l, frame, &c, c.packets - run, run, left + delay);
}

static void receive(struct lane *l, uint64_t now)
{
	static uint8_t mem[BATCH][CUT_FRAME_MAX];
	static struct mmsghdr m[BATCH];
	static struct iovec iov[BATCH];
	int n;

	memset(m, 0, sizeof(m));
	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ mem[i], sizeof(mem[i]) };
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(l->rx, m, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENETDOWN)
		die("%s: %s", l->from, strerror(errno));
	for (int i = 0; i < n; i++)
		take(l, mem[i], m[i].msg_len, now);
}

/* ---- out ---------------------------------------------------------------------------------------------- */

/* Sends what is due. False when there may be more. */
static bool deliver(struct lane *l, uint64_t now)
{
	static struct mmsghdr m[BATCH];
	static struct iovec iov[BATCH];
	int n = 0, sent;

	memset(m, 0, sizeof(m));
	for (; n < BATCH && l->n && l->heap[0].due <= now; n++) {
		struct held h = pop(l);

		if (now - h.due > l->count.late_max_ns)
			l->count.late_max_ns = now - h.due;
		l->count.late_over_ms += now - h.due > NS_PER_MS;
		iov[n] = (struct iovec){ h.frame, h.len };
		m[n].msg_hdr.msg_iov = &iov[n];
		m[n].msg_hdr.msg_iovlen = 1;
	}
	for (int i = 0; i < n; i += sent) {
		sent = sendmmsg(l->tx, m + i, (unsigned int)(n - i), 0);
		if (sent <= 0) {		/* the first of them is what failed */
			l->count.own_drops++;
			sent = 1;
		}
	}
	for (int i = 0; i < n; i++)
		free(iov[i].iov_base);
	return n < BATCH;
}

static uint64_t soonest(const struct lane *l)
{
	return l->n ? l->heap[0].due : UINT64_MAX;
}

static void run(struct lane lanes[2])
{
	struct pollfd p[2] = { { lanes[0].rx, POLLIN, 0 }, { lanes[1].rx, POLLIN, 0 } };
	sigset_t none;

	sigemptyset(&none);
	while (!over) {
		uint64_t a = soonest(&lanes[0]), b = soonest(&lanes[1]);
		uint64_t next = a < b ? a : b, now = clock_mono_ns(), wait = next > now ? next - now : 0;
		struct timespec ts = { (time_t)(wait / NS_PER_S), (long)(wait % NS_PER_S) };

		if (ppoll(p, 2, next == UINT64_MAX ? NULL : &ts, &none) < 0 && errno != EINTR)
			die("ppoll: %s", strerror(errno));
		now = clock_mono_ns();
		for (int i = 0; i < 2; i++) {
			if (p[i].revents)
				receive(&lanes[i], now);
			while (!deliver(&lanes[i], now))
				;
		}
	}
}

/* ---- begin and end ------------------------------------------------------------------------------------ */

static int open_end(const char *name)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1, room = SOCKET_BUF;

	if (!ll.sll_ifindex)
		die("%s: no such interface", name);
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0)
		die("packet socket: %s", strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)&ll, sizeof(ll)) < 0)
		die("%s: %s", name, strerror(errno));
	return fd;
}

/* What the interface itself dropped, on its way in or out: /proc/net/dev is of the own namespace. */
static uint64_t dev_drops(const char *name, bool in)
{
	uint64_t v[12] = { 0 };
	char line[512], *colon, *at;
	FILE *f = fopen("/proc/net/dev", "re");

	while (f && fgets(line, sizeof(line), f)) {
		colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = '\0';
		if (strcmp(line + strspn(line, " "), name) != 0)
			continue;
		at = colon + 1;
		for (int i = 0; i < 12; i++)
			v[i] = strtoull(at, &at, 10);
	}
	if (f)
		fclose(f);
	return in ? v[3] : v[11];
}

static uint64_t all_dev_drops(const struct lane *l)
{
	return dev_drops(l->from, true) + dev_drops(l->to, false);
}

static void option(struct lane lanes[2], const char *arg)
{
	const char *key = arg, *value = strchr(arg, '=');
	int first = 0, last = 1;
	char *end;

	if (strncmp(arg, "a.", 2) == 0 || strncmp(arg, "b.", 2) == 0) {
		first = last = arg[0] - 'a';
		key += 2;
	}
	for (int i = first; value && i <= last; i++) {
		struct {
			const char *name;
			double *to;
		} keys[] = {
			{ "delay", &lanes[i].want.delay_ms }, { "loss", &lanes[i].want.loss },
			{ "reorder", &lanes[i].want.reorder }, { "dup", &lanes[i].want.dup },
			{ "extra", &lanes[i].want.extra_ms }, { "rate", &lanes[i].want.rate_mbit },
			{ "queue", &lanes[i].want.queue_kib }, { "seed", &lanes[i].want.seed },
		};
		size_t k = 0;

		while (k < 8 && (strlen(keys[k].name) != (size_t)(value - key) ||
				 strncmp(keys[k].name, key, (size_t)(value - key)) != 0))
			k++;
		if (k == 8)
			die("%s: no such key", arg);
		*keys[k].to = strtod(value + 1, &end);
		if (end == value + 1 || *end || !isfinite(*keys[k].to) || *keys[k].to < 0)
			die("%s: a number that is not negative is wanted", arg);
	}
	if (!value)
		die("%s: KEY=VALUE is wanted", arg);
}

static void print_counts(struct lane *l)
{
	struct tpacket_stats st = { 0 };
	socklen_t len = sizeof(st);

	getsockopt(l->rx, SOL_PACKET, PACKET_STATISTICS, &st, &len);
	l->count.own_drops += st.tp_drops + all_dev_drops(l) - l->dev_drops;
	printf("{\"from\":\"%s\",\"frames\":%" PRIu64 ",\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"lost\":%" PRIu64 ",\"reordered\":%" PRIu64 ",\"duplicated\":%" PRIu64
	       ",\"queue_full\":%" PRIu64 ",\"on_their_way\":%zu,\"own_drops\":%" PRIu64
	       ",\"late_max_us\":%" PRIu64 ",\"late_over_1ms\":%" PRIu64 "}\n",
	       l->from, l->count.frames, l->count.packets, l->count.bytes, l->count.lost, l->count.reordered,
	       l->count.duplicated, l->count.queue_full, l->n, l->count.own_drops,
	       l->count.late_max_ns / 1000, l->count.late_over_ms);
}

int main(int argc, char **argv)
{
	static const struct sched_param top = { .sched_priority = 1 };
	struct sigaction end = { .sa_handler = on_signal };
	struct lane lanes[2] = { 0 };
	sigset_t ends;

	if (argc < 3)
		die("usage: wire A B [[a.|b.]KEY=VALUE...]");
	for (int i = 0; i < 2; i++) {
		struct lane *l = &lanes[i];

		l->from = argv[1 + i];
		l->to = argv[2 - i];
		l->want.extra_ms = 2;
		l->want.queue_kib = 1024;
		l->want.seed = 1;
	}
	for (int i = 3; i < argc; i++)
		option(lanes, argv[i]);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);	/* but while it waits */
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	for (int i = 0; i < 2; i++) {
		lanes[i].rx = lanes[1 - i].tx = open_end(lanes[i].from);
		lanes[i].random = (uint64_t)lanes[i].want.seed * 2 + (uint64_t)i;
	}
	for (int i = 0; i < 2; i++)
		lanes[i].dev_drops = all_dev_drops(&lanes[i]);
	mallopt(M_MMAP_THRESHOLD, 1 << 30);	/* frames come and go; the memory may stay */
	mallopt(M_TRIM_THRESHOLD, HELD_MAX);
	prctl(PR_SET_TIMERSLACK, 1);
	if (sched_setscheduler(0, SCHED_FIFO, &top) < 0)
		fprintf(stderr, "wire: no real-time priority: %s\n", strerror(errno));
	puts("ready");
	fflush(stdout);
	run(lanes);
	print_counts(&lanes[0]);
	print_counts(&lanes[1]);
	return 0;
}
