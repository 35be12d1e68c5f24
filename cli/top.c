/* SPDX-License-Identifier: Apache-2.0 */
/*
 * top: `sluice top`. One line for each running sandbox, what its worker did in the last second. Runs as the
 * caller, changes nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/stats.h"
#include "lib/clock.h"
#include "lib/log.h"

static int usage(void)
{
	fputs("usage: sluice top [-n ROUNDS]\n"
	      "Tells every second what each of your running sandboxes does on the network, until interrupted:\n"
	      "open flows, new ones, payload, frames, wake-ups of its worker and frames for each, drops,\n"
	      "stalls, segments sent again, and how long a new flow waited for its verdict.\n",
	      stdout);
	return 0;
}

/* 0 when the counter began anew: another sandbox took the name. */
static double rate(uint64_t now, uint64_t before, double secs)
{
	return now < before ? 0 : (double)(now - before) / secs;
}

/* Four significant places, with the unit's letter. */
static void print_rate(double v)
{
	const char *unit = " kMGT";

	while (v >= 9999.5 && unit[1]) {
		v /= 1000;
		unit++;
	}
	printf(" %6.0f%c", v, *unit);
}

static void print_one(const struct stats *now, const struct stats *before, double secs)
{
	const struct proto_counters *a = &now->m.counters, *b = &before->m.counters;
	double asked = rate(a->flows_asked, b->flows_asked, secs), wakeups = rate(a->wakeups, b->wakeups, secs);
	double frames = rate(a->rx_frames + a->tx_frames, b->rx_frames + b->tx_frames, secs);

	printf("%-20.20s", now->name);
	print_rate((double)a->flows);
	print_rate(asked);
	print_rate(rate(a->up_bytes, b->up_bytes, secs));
	print_rate(rate(a->down_bytes, b->down_bytes, secs));
	print_rate(frames);
	print_rate(wakeups);
	printf(" %7.1f", wakeups > 0 ? frames / wakeups : 0);
	print_rate(rate(stats_drops(now), stats_drops(before), secs));
	print_rate(rate(a->tx_stalls + a->up_stalls + a->down_stalls,
			b->tx_stalls + b->up_stalls + b->down_stalls, secs));
	print_rate(rate(a->retransmits, b->retransmits, secs));
	print_rate(asked > 0 ? rate(a->asked_us, b->asked_us, secs) / asked : 0);
	putchar('\n');
}

static void print_all(const struct stats *now, int n, const struct stats *before, int n_before, double secs)
{
	static const struct stats none;

	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	printf("%-20s %7s %7s %7s %7s %7s %7s %7s %7s %7s %7s %7s\n", "NAME", "FLOWS", "NEW/s", "UP B/s", "DOWN B/s",
	       "FRAME/s", "WAKE/s", "FR/WAKE", "DROP/s", "STALL/s", "AGAIN/s", "ASK us");
	for (int i = 0; i < n; i++) {
		const struct stats *was = &none;

		for (int k = 0; k < n_before; k++) {
			if (strcmp(before[k].name, now[i].name) == 0)
				was = &before[k];
		}
		/* One that was not there a second ago is shown with its next line. */
		print_one(&now[i], was == &none ? &now[i] : was, secs);
	}
}

static int watch(long rounds)
{
	struct stats *before = NULL;
	uint64_t then = clock_mono_ns();
	int n_before = stats_ask_all(&before);

	while (n_before >= 0 && rounds != 0) {
		struct stats *now = NULL;
		uint64_t at;
		int n;

		sleep(1);
		n = stats_ask_all(&now);
		at = clock_mono_ns();
		if (n >= 0)
			print_all(now, n, before, n_before, (double)(at - then) / (double)NS_PER_S);
		free(before);
		before = now;
		n_before = n;
		then = at;
		rounds -= rounds > 0;
		if (fflush(stdout) != 0)
			break;
	}
	free(before);
	return n_before;
}

int cmd_top(int argc, char **argv)
{
	long rounds = -1;
	char *end = NULL;
	int r;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return usage();
	if (argc == 3 && strcmp(argv[1], "-n") == 0) {
		rounds = strtol(argv[2], &end, 10);
		if (!*argv[2] || *end || rounds < 1) {
			log_err("top: -n %s: not a number of rounds; give 1 or more", argv[2]);
			return CLI_FAILED;
		}
	} else if (argc != 1) {
		log_err("top: %s: no such option; see sluice top --help", argv[1]);
		return CLI_FAILED;
	}
	r = watch(rounds);
	if (r < 0) {
		log_err("top: the running sandboxes cannot be listed: %s", strerror(-r));
		return CLI_FAILED;
	}
	return 0;
}
