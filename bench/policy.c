/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/policy: how long a policy takes to load, how much memory it has, and what a verdict costs.
 *
 *	policy RULES...
 *
 * For each number of rules it makes a policy file as people write them (names, wildcards, prefixes of both
 * families, some denials, ports, keys and reasons), loads it as egress does, and judges names and
 * addresses in random order, so that the caches are as cold as they are in a sandbox's life. Prints one
 * JSON object per line: {"rules", "row", "unit", "value"}. Times are processor time; percentiles are of single
 * verdicts by the clock on the wall, the reading of the clock included.
 */
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/policy/policy.h"

enum {
	ASKED = 1 << 14,	/* different questions of each kind */
	ROUNDS = 1000000,
	SAMPLES = 200000,	/* timed one by one, for the percentile */
};

struct asked {
	char name[64];
	struct addr addr;
};

static uint64_t seed = 88172645463325252ull;

/* xorshift64: the same file and the same questions on every machine. */
static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Processor time: others on the machine must not count. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void put(size_t rules, const char *row, const char *unit, double value)
{
	printf("{\"rules\":%zu,\"row\":\"%s\",\"unit\":\"%s\",\"value\":%.4g}\n", rules, row, unit, value);
}

/* ---- the policy --------------------------------------------------------------------------------------- */

static void host_name(size_t i, char buf[64])
{
	static const char *const tops[] = { "com", "org", "net", "io", "dev", "co.uk", "example.com" };

	snprintf(buf, 64, "h%zu.zone%zu.%s", i, i % 9973, tops[i % 7]);
}

static void rule(FILE *f, size_t i)
{
	char name[64];

	host_name(i, name);
	switch (i % 20) {
	case 0: case 1: case 2: case 3:
		fprintf(f, "  - allow: \"*.%s\"\n    ports: [443]\n", name);
		break;
	case 4: case 5:
		fprintf(f, "  - {allow: 11.%zu.%zu.%zu/32, ports: [5432, 6432]}\n", i >> 16 & 255, i >> 8 & 255, i & 255);
		break;
	case 6:
		fprintf(f, "  - {allow: \"2600:%zx:%zx::/48\", ports: 443}\n", i >> 16 & 0xffff, i & 0xffff);
		break;
	case 7:
		fprintf(f, "  - deny: bad.%s\n    reason: known to be bad\n", name);
		break;
	case 8: case 9:
		fprintf(f, "  - allow: %s\n    ports: [443, 8000-8010]\n    tls: require\n", name);
		break;
	default:
		fprintf(f, "  - allow: %s\n", name);
	}
}

static char *make_text(size_t rules, size_t *ret_len)
{
	char *text;
	FILE *f = open_memstream(&text, ret_len);

	fputs("version: 1\negress:\n", f);
	for (size_t i = 0; i < rules; i++)
		rule(f, i);
	fclose(f);
	return text;
}

static struct policy *load(const char *text, size_t len, double *ret_read, double *ret_compile)
{
	struct policy *p = policy_new();
	struct policy_error e;
	uint64_t start = cpu_ns(), mid;

	if (!p || policy_add_yaml(p, text, len, "bench", &e) != 0) {
		fprintf(stderr, "policy: %u:%u: %s\n", e.line, e.column, e.text);
		exit(1);
	}
	mid = cpu_ns();
	if (policy_compile(p) != 0)
		exit(1);
	*ret_read = (double)(mid - start) / 1e9;
	*ret_compile = (double)(cpu_ns() - mid) / 1e9;
	return p;
}

static double in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return (double)(m.uordblks + m.hblkhd) / (1 << 20);
}

/* ---- the questions ------------------------------------------------------------------------------------ */

/* A rule whose number has this rest of division by 20, so that its kind is known. */
static size_t pick(size_t rules, size_t rest)
{
	return rnd() % (rules / 20) * 20 + rest;
}

static void ask_exact(struct asked *a, size_t rules)
{
	host_name(pick(rules, 12), a->name);
}

static void ask_below(struct asked *a, size_t rules)
{
	char name[64];

	host_name(pick(rules, 1), name);
	snprintf(a->name, sizeof(a->name), "a.b%u.%.50s", (unsigned int)rnd() % 1000, name);
}

/* The usual denial: a neighbour of what is allowed. */
static void ask_stranger(struct asked *a, size_t rules)
{
	char name[64];

	host_name(pick(rules, 12), name);
	snprintf(a->name, sizeof(a->name), "x%.60s", name);
}

static void ask_addr(struct asked *a, size_t rules)
{
	size_t i = pick(rules, 4);
	const uint8_t b[4] = { 11, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };

	a->addr = addr_from_v4(b);
}

static bool judge(const struct policy *p, const struct asked *a)
{
	if (!a->name[0])
		return policy_judge_addr(p, &a->addr, IPPROTO_TCP, 5432).allow;
	return policy_judge_name(p, a->name, IPPROTO_TCP, 443).allow;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void measure(const struct policy *p, size_t rules, const char *what, const struct asked *asked, bool want)
{
	uint32_t *t = malloc(SAMPLES * sizeof(*t));
	char row[64];
	uint64_t start;
	size_t wrong = 0;

	start = cpu_ns();
	for (size_t i = 0; i < ROUNDS; i++)
		wrong += judge(p, &asked[i * 7919 % ASKED]) != want;
	snprintf(row, sizeof(row), "%s, mean", what);
	put(rules, row, "ns", (double)(cpu_ns() - start) / ROUNDS);
	for (size_t i = 0; i < SAMPLES; i++) {
		start = clock_mono_ns();
		wrong += judge(p, &asked[i * 7919 % ASKED]) != want;
		t[i] = (uint32_t)(clock_mono_ns() - start);
	}
	qsort(t, SAMPLES, sizeof(*t), compare);
	snprintf(row, sizeof(row), "%s, p99", what);
	put(rules, row, "ns", t[SAMPLES / 100 * 99]);
	free(t);
	if (wrong) {
		fprintf(stderr, "policy: %s: %zu wrong verdicts\n", what, wrong);
		exit(1);
	}
}

static void bench(size_t rules)
{
	static const struct {
		const char *what;
		void (*make)(struct asked *a, size_t rules);
		bool allowed;
	} kinds[] = {
		{ "verdict, a name of its own", ask_exact, true },
		{ "verdict, two below *.name", ask_below, true },
		{ "verdict, a name of no rule", ask_stranger, false },
		{ "verdict, an address", ask_addr, true },
	};
	struct asked *asked = malloc(ASKED * sizeof(*asked));
	double read, compile, before;
	size_t len, canon_len;
	char *text = make_text(rules, &len), *canon;
	uint64_t start;
	struct policy *p;

	before = in_use();
	p = load(text, len, &read, &compile);
	put(rules, "file", "MB", (double)len / 1e6);
	put(rules, "load: read", "s", read);
	put(rules, "load: compile", "s", compile);
	put(rules, "memory", "MiB", in_use() - before);
	start = cpu_ns();
	canon = policy_print(p, &canon_len);
	put(rules, "canonical text", "s", (double)(cpu_ns() - start) / 1e9);
	policy_free(load(canon, canon_len, &read, &compile));
	put(rules, "load of the canonical text", "s", read + compile);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		memset(asked, 0, ASKED * sizeof(*asked));
		for (size_t i = 0; i < ASKED; i++)
			kinds[k].make(&asked[i], rules);
		measure(p, rules, kinds[k].what, asked, kinds[k].allowed);
	}
	policy_free(p);
	free(canon);
	free(text);
	free(asked);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		size_t rules = strtoul(argv[i], NULL, 10);

		if (rules < 100) {
			fprintf(stderr, "usage: policy RULES... (at least 100)\n");
			return 2;
		}
		bench(rules);
		fflush(stdout);
	}
	return 0;
}
