/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spin: whether the worker looks again instead of sleeping.
 *
 * To wake a sleeping process up costs it and the one that wakes it several us each, more in a virtual
 * machine; where requests and answers follow one another closely, that is most of the time. So there
 * the worker looks for SPIN_NS before it sleeps. After a spin in vain it has to see twice as many short
 * waits before the next one as after the one before, after a spin that paid half as many: who waits for
 * a distant server, or for nothing, sleeps.
 *
 * Between two looks it yields, because on a busy machine those that it waits for want the same
 * processor. Who is passed over for long (somebody computes there) is not woken up by an event as
 * a sleeper would be: such a spin counts as one in vain, whatever it found.
 */
#ifndef STACK_SPIN_H
#define STACK_SPIN_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SPIN_NS = 60 * 1000,		/* the longest spin */
	SPIN_PASSED_OVER_NS = 1000 * 1000,
	SPIN_SHORT_NS = 80 * 1000,	/* a wait in one's sleep, the wake-up included */
	SPIN_WARY = 4,			/* in the beginning */
	SPIN_WARY_MAX = 255,
};

struct spin {
	uint8_t wary;			/* the short waits that the next spin in vain costs, halved */
	uint8_t sleeps;			/* short waits yet to be seen before the next spin */
};

static inline void spin_init(struct spin *p)
{
	*p = (struct spin){ .wary = SPIN_WARY, .sleeps = SPIN_WARY };
}

static inline bool spin_pays(const struct spin *p)
{
	return !p->sleeps;
}

static inline void spin_hit(struct spin *p)
{
	p->wary /= 2;
}

static inline void spin_miss(struct spin *p)
{
	p->wary = (uint8_t)(p->wary < SPIN_WARY_MAX / 2 ? 2 * p->wary + 1 : SPIN_WARY_MAX);
	p->sleeps = p->wary;
}

static inline void spin_slept(struct spin *p, uint64_t ns)
{
	if (p->sleeps && ns < SPIN_SHORT_NS)
		p->sleeps--;
}

#endif
