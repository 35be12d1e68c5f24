/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_check: holds a program against the profile it was made from. What a call gets is decided here a second time,
 * straight from the rules: from the number to its name, through all rules of that name, without tree, order or
 * instructions. Compared are every number of every ABI and some that none has, and for numbers whose rules
 * have conditions arguments at each boundary of each condition, with several upper halves.
 */
#include "sandbox/filter_profile.h"

#include <ctype.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS = 1100, VALUES_MAX = 400, CASES_MAX = 150000, ARGS = 6 };

/* The rules of one number of one ABI. */
struct subject {
	const struct profile *p;
	const struct filter *f;
	unsigned int abi;
	uint32_t plain;			/* where no rule matches */
	const struct profile_rule **rules;
	size_t n_rules;
	uint64_t values[ARGS][VALUES_MAX];	/* that the conditions look at */
	size_t n_values[ARGS];
	size_t calls;
	char *why;
};

static bool holds(const struct filter_cond *c, uint64_t arg)
{
	uint64_t a = c->wide ? arg : (uint32_t)arg, v = c->value;

	switch ((enum filter_op)c->op) {
	case FILTER_EQ:
		return a == v;
	case FILTER_NE:
		return a != v;
	case FILTER_LT:
		return a < v;
	case FILTER_LE:
		return a <= v;
	case FILTER_GE:
		return a >= v;
	case FILTER_GT:
		return a > v;
	case FILTER_MASKED_EQ:
		return (a & c->mask) == v;
	case FILTER_MASKED_NE:
		return (a & c->mask) != v;
	}
	return false;
}

/* Smaller is stricter: the kernel's order of actions, then conditions or none, then the data. */
static uint64_t weight(const struct profile_rule *r)
{
	uint32_t kind = (r->action & SECCOMP_RET_ACTION_FULL) ^ 0x80000000;	/* signed there */

	return (uint64_t)kind << 20 | (r->n_conds ? 0u : 1u << 17) | (r->action & SECCOMP_RET_DATA);
}

static uint32_t decide(const struct subject *s, const struct seccomp_data *d)
{
	const struct profile_rule *best = NULL;

	for (size_t i = 0; i < s->n_rules; i++) {
		const struct profile_rule *r = s->rules[i];
		bool all = true;

		for (size_t k = 0; k < r->n_conds; k++)
			all = all && holds(&r->conds[k], d->args[r->conds[k].arg]);
		if (all && (!best || weight(r) < weight(best)))
			best = r;
	}
	return best ? best->action : s->plain;
}

static int compare(struct subject *s, const struct seccomp_data *d)
{
	uint32_t want = decide(s, d), got = filter_simulate(s->f, d);

	s->calls++;
	if (want == got)
		return 0;
	snprintf(s->why, FILTER_WHY_CAP, "%s call %u (0x%llx, 0x%llx, 0x%llx, 0x%llx, 0x%llx, 0x%llx): the program says 0x%x, the "
		 "rules 0x%x", profile_abis[s->abi].name, (uint32_t)d->nr, (unsigned long long)d->args[0],
		 (unsigned long long)d->args[1], (unsigned long long)d->args[2], (unsigned long long)d->args[3],
		 (unsigned long long)d->args[4], (unsigned long long)d->args[5], got, want);
	return -EINVAL;
}

static void add_value(struct subject *s, unsigned int arg, uint64_t v)
{
	for (size_t i = 0; i < s->n_values[arg]; i++) {
		if (s->values[arg][i] == v)
			return;
	}
	if (s->n_values[arg] < VALUES_MAX)
		s->values[arg][s->n_values[arg]++] = v;
}

static void add_boundaries(struct subject *s, const struct filter_cond *c)
{
	static const uint64_t high[] = { 0, 0x100000000, 0xffffffff00000000 };
	uint64_t v = c->value, one = c->mask & -c->mask;
	const uint64_t around[] = { v, v - 1, v + 1, v | ~c->mask, v ^ one, v | c->mask, ~v };

	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++)
		add_value(s, c->arg, around[i]);
	for (size_t i = 0; i < sizeof(high) / sizeof(high[0]); i++)
		add_value(s, c->arg, (uint32_t)v | high[i]);
	add_value(s, c->arg, v ^ 0x100000000);
	/* Each bit of the mask alone. */
	for (uint64_t bits = c->mask; bits; bits &= bits - 1)
		add_value(s, c->arg, bits & -bits);
}

/* All combinations of the arguments' values; where these are too many, as many that are drawn at random. */
static int compare_args(struct subject *s, uint32_t nr)
{
	struct seccomp_data d = { .nr = (int)nr, .arch = profile_abis[s->abi].abi.arch };
	uint64_t cases = 1, random = 1;
	int e = 0;

	for (unsigned int a = 0; a < ARGS; a++) {
		add_value(s, a, 0);
		/* What no condition looks at may be anything. */
		if (s->n_values[a] == 1 && cases < 4)
			add_value(s, a, UINT64_MAX);
		cases *= s->n_values[a];
		if (cases > UINT32_MAX)
			cases = UINT32_MAX;
	}
	for (uint64_t i = 0; e == 0 && i < (cases < CASES_MAX ? cases : CASES_MAX); i++) {
		uint64_t left = i;

		if (cases > CASES_MAX)
			left = (random = random * 6364136223846793005 + 1442695040888963407) >> 16;
		for (unsigned int a = 0; a < ARGS; a++) {
			d.args[a] = s->values[a][left % s->n_values[a]];
			left /= s->n_values[a];
		}
		e = compare(s, &d);
	}
	return e;
}

static bool is_of_number(const struct profile_rule *r, const char *name, uint32_t nr)
{
	if (isdigit((unsigned char)r->name[0]))
		return strtoul(r->name, NULL, 10) == nr;
	return name && strcmp(r->name, name) == 0;
}

/* The rules of this number, and the values that they look at. */
static void look_up(struct subject *s, uint32_t nr)
{
	const struct filter_abi *abi = &profile_abis[s->abi].abi;
	char *name = nr < NUMBERS ? filter_call_name(abi, nr | (abi->x32 ? FILTER_X32_BIT : 0)) : NULL;

	s->n_rules = 0;
	memset(s->n_values, 0, sizeof(s->n_values));
	for (size_t i = 0; i < s->p->n_rules; i++) {
		const struct profile_rule *r = &s->p->rules[i];

		if (!(r->abis >> s->abi & 1) || !is_of_number(r, name, nr))
			continue;
		s->rules[s->n_rules++] = r;
		for (size_t k = 0; k < r->n_conds; k++)
			add_boundaries(s, &r->conds[k]);
	}
	free(name);
}

static uint32_t last_number(struct subject *s, uint32_t none)
{
	uint32_t last = none;

	for (size_t i = 0; i < s->p->n_rules; i++) {
		const struct profile_rule *r = &s->p->rules[i];

		if ((r->abis >> s->abi & 1) && isdigit((unsigned char)r->name[0]) &&
		    (last == none || strtoul(r->name, NULL, 10) > last))
			last = (uint32_t)strtoul(r->name, NULL, 10);
	}
	for (uint32_t nr = 0; nr < NUMBERS; nr++) {
		look_up(s, nr);
		if (s->n_rules && (last == none || nr > last))
			last = nr;
	}
	return last;
}

static int check_abi(struct subject *s)
{
	const uint32_t none = UINT32_MAX, bit = profile_abis[s->abi].abi.x32 ? FILTER_X32_BIT : 0;
	bool served = s->p->abis >> s->abi & 1;
	uint32_t last = served ? last_number(s, none) : none;
	/* Also the neighbours of a number that is far above all names. */
	const uint32_t odd[] = { 0x10000, FILTER_X32_BIT - 1, last - 1, last, last + 1 };
	int e = 0;

	for (uint32_t i = 0; e == 0 && i < NUMBERS + sizeof(odd) / sizeof(odd[0]); i++) {
		uint32_t nr = i < NUMBERS ? i : odd[i - NUMBERS];

		if (nr >= FILTER_X32_BIT)
			continue;
		look_up(s, nr);
		s->plain = !served ? SECCOMP_RET_ERRNO | ENOSYS :
			last != none && nr > last ? s->p->newer : s->p->otherwise;
		e = compare_args(s, nr | bit);
	}
	return e;
}

/* An ABI that no program here can have, and numbers with the topmost bit, which are x32's where there is one. */
static int check_strangers(struct subject *s)
{
	struct seccomp_data d = { .arch = 0x12345678 };
	int e = 0;

	s->n_rules = 0;
	s->plain = SECCOMP_RET_ERRNO | ENOSYS;
	for (d.nr = 0; e == 0 && d.nr < NUMBERS; d.nr++)
		e = compare(s, &d);
	d.arch = profile_abis[0].abi.arch;
	if (d.arch != AUDIT_ARCH_X86_64 || s->p->abis >> 2 & 1)
		return e;
	for (d.nr = -16; e == 0 && d.nr < 0; d.nr++)
		e = compare(s, &d);
	return e;
}

int profile_check(const struct profile *p, const struct filter *f, char *why, size_t *ret_calls)
{
	struct subject *s = calloc(1, sizeof(*s));
	int e = -ENOMEM;

	if (s)
		s->rules = calloc(p->n_rules + 1, sizeof(const struct profile_rule *));
	if (s && s->rules) {
		*s = (struct subject){ .p = p, .f = f, .rules = s->rules, .why = why };
		e = 0;
		for (s->abi = 0; e == 0 && s->abi < profile_n_abis; s->abi++)
			e = check_abi(s);
		s->abi = 0;
		if (e == 0)
			e = check_strangers(s);
		if (e == 0)
			*ret_calls = s->calls;
	}
	if (e == -ENOMEM)
		snprintf(why, FILTER_WHY_CAP, "out of memory");
	if (s)
		free(s->rules);
	free(s);
	return e;
}
