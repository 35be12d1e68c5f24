/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits: texts of the options on memory, processes, time and the like to numbers, and back into the
 * sentence that says which limit struck. Runs as the caller.
 */
#include "cli/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"

#define MEMORY_MIN (1ull << 20)
#define SECONDS_MAX 100000000ull	/* three years; in nanoseconds far from the end of 64 bits */

static const struct {
	const char *name;
	int number;
	bool count;		/* else bytes */
} rlimits[] = {
	{ "as", RLIMIT_AS, false }, { "cpu", RLIMIT_CPU, true }, { "data", RLIMIT_DATA, false },
	{ "fsize", RLIMIT_FSIZE, false }, { "locks", RLIMIT_LOCKS, true },
	{ "memlock", RLIMIT_MEMLOCK, false }, { "msgqueue", RLIMIT_MSGQUEUE, false },
	{ "nice", RLIMIT_NICE, true }, { "nofile", RLIMIT_NOFILE, true }, { "nproc", RLIMIT_NPROC, true },
	{ "rss", RLIMIT_RSS, false }, { "rtprio", RLIMIT_RTPRIO, true }, { "rttime", RLIMIT_RTTIME, true },
	{ "sigpending", RLIMIT_SIGPENDING, true }, { "stack", RLIMIT_STACK, false },
};

static bool whole(const char *text, uint64_t *ret_n, char **ret_end)
{
	unsigned long long n;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoull(text, ret_end, 10);
	*ret_n = n;
	return errno == 0;
}

bool limits_count(const char *text, uint64_t *ret_n)
{
	char *end;

	return whole(text, ret_n, &end) && !*end;
}

/* Bytes: a whole number with nothing, K, M, G, T, or KiB, MiB, GiB, TiB behind it. */
bool limits_size(const char *text, uint64_t *ret_n)
{
	static const char units[] = "KMGT";
	const char *unit;
	uint64_t n;
	char *end;
	unsigned int shift;

	if (!whole(text, &n, &end))
		return false;
	unit = *end ? strchr(units, *end) : NULL;
	if (*end && !unit)
		return false;
	shift = unit ? 10u * (unsigned int)(unit - units + 1) : 0;
	if (unit && strcmp(end + 1, "") != 0 && strcmp(end + 1, "iB") != 0)
		return false;
	if (n > (uint64_t)INT64_MAX >> shift)
		return false;
	*ret_n = n << shift;
	return true;
}

/* A decimal fraction, scaled: "1.5" is 1500 in thousandths. Digits below the scale are refused. */
bool limits_fraction(const char *text, uint64_t scale, uint64_t max, uint64_t *ret_n)
{
	uint64_t n, part = 0, digit = scale;
	char *end;

	if (!whole(text, &n, &end) || n > max)
		return false;
	if (*end == '.') {
		if (!*++end)
			return false;
		for (; *end >= '0' && *end <= '9'; end++) {
			digit /= 10;
			if (!digit)
				return false;
			part += (uint64_t)(*end - '0') * digit;
		}
	}
	*ret_n = n * scale + part;
	return *end == '\0';
}

static bool rlimit_value(const char *text, bool count, rlim_t *ret_n)
{
	uint64_t n;
	char *end;

	if (strcmp(text, "unlimited") == 0) {
		*ret_n = RLIM_INFINITY;
		return true;
	}
	if (count ? !whole(text, &n, &end) || *end || n > INT64_MAX : !limits_size(text, &n))
		return false;
	*ret_n = n;
	return true;
}

static int set_rlimit(struct jail_limits *l, const char *value, char *why)
{
	size_t len = strcspn(value, "=");
	char text[64];
	char *colon;
	struct jail_rlimit r = { .set = true };

	if (len == 4 && strncmp(value, "core", len) == 0) {
		snprintf(why, LIMITS_WHY_CAP, "there are no core dumps in the jail, which the host's handler would get; "
			 "leave it out");
		return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(rlimits) / sizeof(rlimits[0]); i++) {
		if (strlen(rlimits[i].name) != len || strncmp(rlimits[i].name, value, len) != 0 || !value[len])
			continue;
		if (strlen(value + len + 1) >= sizeof(text))
			break;
		snprintf(text, sizeof(text), "%s", value + len + 1);
		colon = strchr(text, ':');
		if (colon)
			*colon++ = '\0';
		if (!rlimit_value(text, rlimits[i].count, &r.soft) ||
		    !rlimit_value(colon ? colon : text, rlimits[i].count, &r.hard) || r.soft > r.hard)
			break;
		l->rlimit[rlimits[i].number] = r;
		return 0;
	}
	snprintf(why, LIMITS_WHY_CAP, "not a limit; give NAME=SOFT or NAME=SOFT:HARD, numbers or 'unlimited', NAME one "
		 "of as, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, "
		 "sigpending, stack");
	return -EINVAL;
}

int limits_set(struct jail_limits *l, const char *name, const char *value, char *why)
{
	const char *want = NULL;
	uint64_t n = 0;
	char *end;

	if (strcmp(name, "--rlimit") == 0)
		return set_rlimit(l, value, why);
	if (strcmp(name, "--memory") == 0) {
		want = limits_size(value, &n) && n >= MEMORY_MIN ? NULL : "a size of 1M or more, like 512M or 2G";
		l->memory = n;
	} else if (strcmp(name, "--pids") == 0) {
		want = whole(value, &n, &end) && !*end && n >= 1 && n <= 4194304 ? NULL : "a number from 1 to 4194304";
		l->pids = n;
	} else if (strcmp(name, "--cpu") == 0) {
		want = limits_fraction(value, 1000, 10000, &n) && n >= 10 ? NULL : "processors, like 0.5 or 2; 0.01 or more";
		l->cpu_milli = (uint32_t)n;
	} else if (strcmp(name, "--io-weight") == 0) {
		want = whole(value, &n, &end) && !*end && n >= 1 && n <= 10000 ? NULL : "a number from 1 to 10000";
		l->io_weight = (uint32_t)n;
	} else if (strcmp(name, "--time") == 0) {
		want = limits_fraction(value, NS_PER_S, SECONDS_MAX, &n) && n ? NULL : "seconds, like 10 or 0.25";
		l->wall_ns = n;
	} else if (strcmp(name, "--cpu-time") == 0) {
		want = limits_fraction(value, NS_PER_S, SECONDS_MAX, &n) && n ? NULL : "seconds, like 10 or 0.25";
		l->cpu_ns = n;
	} else if (strcmp(name, "--grace") == 0) {
		want = limits_fraction(value, NS_PER_S, 3600, &n) ? NULL : "seconds, like 2 or 0.5; an hour at most";
		l->grace_ns = n;
	} else if (strcmp(name, "--tmpfs-size") == 0) {
		want = limits_size(value, &n) && n >= 65536 ? NULL : "a size of 64K or more, like 512M or 2G";
		l->tmpfs_size = n;
	} else {	/* --tmpfs-inodes */
		want = whole(value, &n, &end) && !*end && n >= 32 && n <= UINT32_MAX ? NULL : "a number from 32";
		l->tmpfs_inodes = n;
	}
	if (want)
		snprintf(why, LIMITS_WHY_CAP, "not %s; give one", want);
	return want ? -EINVAL : 0;
}

int limits_check(const struct jail_limits *l, char *why)
{
	if (!l->grace_ns || l->wall_ns || l->cpu_ns)
		return 0;
	snprintf(why, LIMITS_WHY_CAP, "--grace: there is no time to be over; use it with --time or --cpu-time");
	return -EINVAL;
}

/* ---- the other way -------------------------------------------------------------------------------- */

static void print_size(char buf[32], uint64_t n)
{
	static const char units[] = "KMGT";
	size_t i = 0;

	while (i < 4 && n >> 10 * (i + 1) && n % (1ull << 10 * (i + 1)) == 0)
		i++;
	if (i)
		snprintf(buf, 32, "%" PRIu64 " %ciB", n >> 10 * i, units[i - 1]);
	else
		snprintf(buf, 32, "%" PRIu64 " bytes", n);
}

const char *limits_word(enum jail_limit l)
{
	switch (l) {
	case JAIL_LIMIT_WALL:
		return "wall";
	case JAIL_LIMIT_CPU:
		return "cpu";
	case JAIL_LIMIT_MEMORY:
		return "memory";
	case JAIL_LIMIT_NONE:
		break;
	}
	return "none";
}

void limits_tell(const struct jail *j)
{
	const struct jail_limits *l = j->limits;
	const struct jail_result *r = &j->result;
	char size_text[32];

	print_size(size_text, l->memory);
	if (r->struck == JAIL_LIMIT_WALL)
		log_err("the program was ended: wall-clock limit of %.9g s; a higher --time gives it longer",
			(double)l->wall_ns / (double)NS_PER_S);
	else if (r->struck == JAIL_LIMIT_CPU)
		log_err("the program was ended: processor-time limit of %.9g s; a higher --cpu-time gives it longer",
			(double)l->cpu_ns / (double)NS_PER_S);
	else if (r->struck == JAIL_LIMIT_MEMORY)
		log_err("the program was ended: out of memory, limit of %s; a higher --memory gives it more",
			size_text);
	else if (r->oom_kills)
		log_err("%" PRIu64 " of the program's processes %s ended: out of memory, limit of %s; a higher "
			"--memory gives it more", r->oom_kills, r->oom_kills == 1 ? "was" : "were", size_text);
	if (r->pids_refused)
		log_err("the program could not start a process or thread %" PRIu64 " times: limit of %" PRIu64
			"; a higher --pids gives it more", r->pids_refused,
			l->pids ? l->pids : (uint64_t)JAIL_PIDS_DEFAULT);
}
