/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadline: the limits on time, as init keeps them. Init is stopped by nothing that the program, the
 * terminal or a shell outside does, so a stopped job comes to its end as well.
 */
#include "sandbox/jail_internal.h"

#include <unistd.h>

#include "lib/clock.h"

enum {
	USAGE_MS_MIN = 5,	/* between two looks at the processor time */
	USAGE_MS_MAX = 100,
};

void deadline_start(struct deadline *d, const struct jail_limits *l, int usage, uint64_t now)
{
	*d = (struct deadline){
		.wall_end = l->wall_ns ? now + l->wall_ns : 0,
		.cpu_max = usage >= 0 ? l->cpu_ns : 0,
		.grace = l->grace_ns,
		.usage = usage,
	};
}

/* What is left of the processor time; 0 when it cannot be read, for then nobody keeps it any more. */
static uint64_t cpu_left(const struct deadline *d)
{
	int64_t used = cgroup_usage(d->usage);

	return used < 0 || (uint64_t)used >= d->cpu_max ? 0 : d->cpu_max - (uint64_t)used;
}

enum jail_limit deadline_check(struct deadline *d, uint64_t now)
{
	if (d->struck)
		return JAIL_LIMIT_NONE;
	if (d->wall_end && now >= d->wall_end)
		d->struck = JAIL_LIMIT_WALL;
	else if (d->cpu_max && cpu_left(d) == 0)
		d->struck = JAIL_LIMIT_CPU;
	if (d->struck)
		d->kill_at = now + d->grace;
	return d->struck;
}

bool deadline_over(const struct deadline *d, uint64_t now)
{
	return d->struck && now >= d->kill_at;
}

static int ms_until(uint64_t then, uint64_t now)
{
	/* Rounded up: not before it is time, and no loop in the last millisecond. */
	uint64_t ms = then > now ? (then - now + NS_PER_MS - 1) / NS_PER_MS : 0;

	return ms > 3600000 ? 3600000 : (int)ms;
}

int deadline_wait(const struct deadline *d, uint64_t now)
{
	static long processors;
	int wait = -1;

	if (d->struck)
		return ms_until(d->kill_at, now);
	if (d->wall_end)
		wait = ms_until(d->wall_end, now);
	if (d->cpu_max) {
		int ms;

		if (!processors)
			processors = sysconf(_SC_NPROCESSORS_ONLN);
		ms = ms_until(cpu_left(d) / (uint64_t)(processors > 0 ? processors : 1), 0);
		ms = ms < USAGE_MS_MIN ? USAGE_MS_MIN : ms > USAGE_MS_MAX ? USAGE_MS_MAX : ms;
		wait = wait < 0 || ms < wait ? ms : wait;
	}
	return wait;
}
