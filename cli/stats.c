/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats: `sluice stats`. What the workers of running sandboxes have counted, once, for people or for Prometheus.
 * Runs as the caller, changes nothing. The numbers are the workers' word, and only numbers: their names are ours.
 */
#include "cli/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/door.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/reason.h"

enum { ANSWER_MS = 2000 };

static const struct counter {
	const char *name, *text;
	bool is_gauge;
} counters[] = {
#define COUNTER(name, text) { #name, text, false },
#define GAUGE(name, text) { #name, text, true },
	PROTO_COUNTERS(COUNTER, GAUGE)
#undef COUNTER
#undef GAUGE
};
enum { N_COUNTERS = sizeof(counters) / sizeof(counters[0]) };
static_assert(sizeof(struct proto_counters) == N_COUNTERS * sizeof(uint64_t), "all of one size");

static int usage(void)
{
	fputs("usage: sluice stats [--prometheus] [NAME]...\n"
	      "Tells what the gateways of your running sandboxes have counted: all of them, or those named.\n"
	      "\n"
	      "  --prometheus   as a Prometheus text exposition\n",
	      stdout);
	return 0;
}

/* ---- asking -------------------------------------------------------------------------------------------- */

static int send_request(int door)
{
	cleanup_close int user_ns = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	cleanup_close int pid_ns = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	struct proto_stats_get m;

	if (user_ns < 0 || pid_ns < 0)
		return -errno;
	PROTO_INIT(&m, PROTO_STATS_GET);
	return msg_send(door, &m, sizeof(m), (int[]){ user_ns, pid_ns }, 2);
}

int stats_ask(const char *name, struct stats *ret, char *why)
{
	static _Alignas(8) char buf[PROTO_MSG_MAX];
	cleanup_close int door = door_connect(name, why);
	struct pollfd p = { .fd = door, .events = POLLIN };
	ssize_t len;
	int r;

	if (door < 0)
		return door;
	r = send_request(door);
	/* One that refused us at once has said why. */
	if (r < 0 && r != -EPIPE) {
		snprintf(why, DOOR_WHY_CAP, "cannot be asked: %s; try again", strerror(-r));
		return r;
	}
	if (poll(&p, 1, ANSWER_MS) <= 0) {
		snprintf(why, DOOR_WHY_CAP, "its worker does not answer; is its sluice stopped? continue or end it");
		return -ETIMEDOUT;
	}
	len = msg_recv(door, buf, sizeof(buf), NULL, NULL);
	if (len == -ECONNRESET)
		len = msg_recv(door, buf, sizeof(buf), NULL, NULL);
	if (len > 0 && proto_check(buf, (size_t)len) == 0 && proto_type(buf) == PROTO_STATS) {
		memset(ret, 0, sizeof(*ret));
		snprintf(ret->name, sizeof(ret->name), "%s", name);
		memcpy(&ret->m, buf, sizeof(ret->m));
		return 0;
	}
	if (len > 0 && proto_check(buf, (size_t)len) == 0 && proto_type(buf) == PROTO_ERROR)
		snprintf(why, DOOR_WHY_CAP, "%.400s", ((const struct proto_error *)buf)->text);
	else
		snprintf(why, DOOR_WHY_CAP, "the sandbox ended");
	return -EPIPE;
}

int stats_ask_all(struct stats **ret)
{
	char path[DOOR_PATH_CAP], why[DOOR_WHY_CAP];
	struct dirent **list = NULL;
	struct stats *all;
	int n, got = 0, r = door_dir(path, why);

	if (r < 0)
		return r;
	n = scandir(path, &list, NULL, alphasort);
	if (n < 0 && errno != ENOENT)
		return -errno;
	n = n < 0 ? 0 : n;
	all = calloc((size_t)n + 1, sizeof(*all));
	for (int i = 0; i < n; i++) {
		if (all && options_is_name(list[i]->d_name) && stats_ask(list[i]->d_name, &all[got], why) == 0)
			got++;
		free(list[i]);
	}
	free(list);
	*ret = all;
	return all ? got : -ENOMEM;
}

/* ---- telling ------------------------------------------------------------------------------------------- */

static uint64_t value(const struct stats *s, size_t i)
{
	uint64_t v;

	memcpy(&v, (const char *)&s->m.counters + i * sizeof(v), sizeof(v));
	return v;
}

static bool has_drop(const struct stats *s, size_t i)
{
	return s->m.drops[i].reason > DROP_NONE && s->m.drops[i].reason < DROP_REASON_MAX;
}

uint64_t stats_drops(const struct stats *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < PROTO_DROP_COUNTS; i++)
		sum += has_drop(s, i) ? s->m.drops[i].count : 0;
	return sum;
}

static void print_text(const struct stats *s)
{
	printf("%s\n", s->name);
	for (size_t i = 0; i < N_COUNTERS; i++)
		printf("  %-22s %20" PRIu64 "  %s\n", counters[i].name, value(s, i), counters[i].text);
	for (size_t i = 0; i < PROTO_DROP_COUNTS; i++) {
		if (has_drop(s, i))
			printf("  drop %-17s %20" PRIu64 "  %s\n", reason_word(s->m.drops[i].reason),
			       s->m.drops[i].count, reason_text(s->m.drops[i].reason));
	}
}

/* Names of sandboxes have no character that would need quoting. */
static void print_prometheus(const struct stats *s, int n)
{
	for (size_t i = 0; i < N_COUNTERS; i++) {
		const char *end = counters[i].is_gauge ? "" : "_total";

		printf("# HELP sluice_%s%s %s\n# TYPE sluice_%s%s %s\n", counters[i].name, end, counters[i].text,
		       counters[i].name, end, counters[i].is_gauge ? "gauge" : "counter");
		for (int k = 0; k < n; k++)
			printf("sluice_%s%s{sandbox=\"%s\"} %" PRIu64 "\n", counters[i].name, end, s[k].name,
			       value(&s[k], i));
	}
	printf("# HELP sluice_drops_total what was dropped or refused, by reason\n"
	       "# TYPE sluice_drops_total counter\n");
	for (int k = 0; k < n; k++) {
		for (size_t i = 0; i < PROTO_DROP_COUNTS; i++) {
			if (has_drop(&s[k], i))
				printf("sluice_drops_total{sandbox=\"%s\",reason=\"%s\"} %" PRIu64 "\n", s[k].name,
				       reason_word(s[k].m.drops[i].reason), s[k].m.drops[i].count);
		}
	}
}

/* Those named; *ret is a heap array. How many, or -1 with the line told. */
static int ask_named(char **names, int n, struct stats **ret)
{
	struct stats *s = calloc((size_t)n, sizeof(*s));
	char why[DOOR_WHY_CAP] = "out of memory; free some";

	for (int i = 0; i < n; i++) {
		if (!options_is_name(names[i])) {
			log_err("stats: %s: not a name; see sluice ps", names[i]);
			free(s);
			return -1;
		}
		if (!s || stats_ask(names[i], &s[i], why) < 0) {
			log_err("stats: %s: %s", names[i], why);
			free(s);
			return -1;
		}
	}
	*ret = s;
	return n;
}

int cmd_stats(int argc, char **argv)
{
	cleanup_free struct stats *s = NULL;
	bool prometheus = false;
	int at = 1, n;

	for (; at < argc && argv[at][0] == '-'; at++) {
		if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)
			return usage();
		if (strcmp(argv[at], "--prometheus") != 0) {
			log_err("stats: %s: no such option; see sluice stats --help", argv[at]);
			return CLI_FAILED;
		}
		prometheus = true;
	}
	n = at < argc ? ask_named(argv + at, argc - at, &s) : stats_ask_all(&s);
	if (n < 0 || !s) {
		if (at == argc)
			log_err("stats: the running sandboxes cannot be listed: %s", strerror(-n));
		return CLI_FAILED;
	}
	if (prometheus)
		print_prometheus(s, n);
	for (int i = 0; i < n && !prometheus; i++)
		print_text(&s[i]);
	return fflush(stdout) == 0 ? 0 : CLI_FAILED;
}
