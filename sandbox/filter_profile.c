/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_profile: rules by name: collected, put in order, and made into the rules by number that filter_make.c writes
 * a program from. One name can be one number in each ABI, or none.
 */
#include "sandbox/filter_profile.h"

#include <ctype.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

const struct profile_abi profile_abis[] = {
#if defined(__x86_64__)
	{ "x86-64", "SCMP_ARCH_X86_64", { AUDIT_ARCH_X86_64, false, SCMP_ARCH_X86_64 } },
	{ "i386", "SCMP_ARCH_X86", { AUDIT_ARCH_I386, false, SCMP_ARCH_X86 } },
	{ "x32", "SCMP_ARCH_X32", { AUDIT_ARCH_X86_64, true, SCMP_ARCH_X32 } },
#elif defined(__aarch64__)
	{ "arm64", "SCMP_ARCH_AARCH64", { AUDIT_ARCH_AARCH64, false, SCMP_ARCH_AARCH64 } },
	{ "arm", "SCMP_ARCH_ARM", { AUDIT_ARCH_ARM, false, SCMP_ARCH_ARM } },
#elif defined(__riscv) && __riscv_xlen == 64
	{ "riscv64", "SCMP_ARCH_RISCV64", { AUDIT_ARCH_RISCV64, false, SCMP_ARCH_RISCV64 } },
#else
#error "this architecture has no profile yet"
#endif
};
const size_t profile_n_abis = sizeof(profile_abis) / sizeof(profile_abis[0]);

int profile_add(struct profile *p, const struct profile_rule *rule)
{
	if ((p->n_rules & (p->n_rules - 1)) == 0) {
		size_t cap = p->n_rules ? 2 * p->n_rules : 1;
		struct profile_rule *more = reallocarray(p->rules, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		p->rules = more;
	}
	p->rules[p->n_rules++] = *rule;
	return 0;
}

void profile_forget(struct profile *p, const char *name, unsigned int abis)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_rules; i++) {
		if (strcmp(p->rules[i].name, name) == 0)
			p->rules[i].abis &= ~abis;
		if (p->rules[i].abis)
			p->rules[n++] = p->rules[i];
	}
	p->n_rules = n;
}

void profile_done(struct profile *p)
{
	free(p->rules);
	*p = PROFILE_EMPTY;
}

/* ---- order -------------------------------------------------------------------------------------------- */

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_cond(const struct filter_cond *a, const struct filter_cond *b)
{
	const uint64_t x[] = { a->arg, a->op, a->wide, a->mask, a->value };
	const uint64_t y[] = { b->arg, b->op, b->wide, b->mask, b->value };

	for (size_t i = 0; i < sizeof(x) / sizeof(x[0]); i++) {
		if (x[i] != y[i])
			return compare_u64(x[i], y[i]);
	}
	return 0;
}

static int sort_cond(const void *a, const void *b)
{
	return compare_cond(a, b);
}

/* By name, and for one name in the order in which rules are weighed. Of which ABI is left out. */
static int compare_rule(const struct profile_rule *a, const struct profile_rule *b)
{
	int32_t x = (int32_t)(a->action & SECCOMP_RET_ACTION_FULL), y = (int32_t)(b->action & SECCOMP_RET_ACTION_FULL);
	int r = strcmp(a->name, b->name);

	if (r != 0)
		return r;
	if (x != y)
		return x < y ? -1 : 1;
	if (!a->n_conds != !b->n_conds)
		return a->n_conds ? -1 : 1;
	if (a->action != b->action)
		return a->action < b->action ? -1 : 1;
	for (size_t i = 0; i < a->n_conds && i < b->n_conds; i++) {
		r = compare_cond(&a->conds[i], &b->conds[i]);
		if (r != 0)
			return r;
	}
	return compare_u64(a->n_conds, b->n_conds);
}

static int sort_rule(const void *a, const void *b)
{
	return compare_rule(a, b);
}

/* Does an unconditional rule of the same call make this one say nothing? The rules are in order. */
static bool is_idle(const struct profile *p, size_t i)
{
	const struct profile_rule *r = &p->rules[i];

	for (size_t k = i; k-- > 0 && strcmp(p->rules[k].name, r->name) == 0; ) {
		if (!p->rules[k].n_conds && !(r->abis & ~p->rules[k].abis))
			return true;
	}
	for (size_t k = i + 1; k < p->n_rules && strcmp(p->rules[k].name, r->name) == 0; k++) {
		if (!p->rules[k].n_conds && p->rules[k].action == r->action && !(r->abis & ~p->rules[k].abis))
			return true;
	}
	return false;
}

void profile_complete(struct profile *p)
{
	size_t n = 0;

	if (p->otherwise == PROFILE_UNSET)
		p->otherwise = SECCOMP_RET_ERRNO | ENOSYS;
	if (p->newer == PROFILE_UNSET)
		p->newer = p->otherwise;
	p->abis |= PROFILE_NATIVE;
	for (size_t i = 0; i < p->n_rules; i++)
		qsort(p->rules[i].conds, p->rules[i].n_conds, sizeof(p->rules[i].conds[0]), sort_cond);
	if (p->n_rules)
		qsort(p->rules, p->n_rules, sizeof(*p->rules), sort_rule);
	for (size_t i = 0; i < p->n_rules; i++) {
		p->rules[i].abis &= p->abis;
		if (n && compare_rule(&p->rules[n - 1], &p->rules[i]) == 0)
			p->rules[n - 1].abis |= p->rules[i].abis;
		else if (p->rules[i].abis)
			p->rules[n++] = p->rules[i];
	}
	p->n_rules = n;
	/* From the end: what makes another idle comes after it only when it stays itself. */
	for (size_t i = p->n_rules; i-- > 0; ) {
		if (!is_idle(p, i))
			continue;
		memmove(&p->rules[i], &p->rules[i + 1], (p->n_rules - i - 1) * sizeof(*p->rules));
		p->n_rules--;
	}
}

/* ---- numbers -------------------------------------------------------------------------------------------- */

static int add_numbered(struct filter_set *s, const struct profile_rule *r, const struct filter_abi *abi)
{
	struct filter_rule rule = { .abi = (unsigned int)s->n_abis, .action = r->action, .n_conds = r->n_conds };

	if (isdigit((unsigned char)r->name[0]))
		rule.nr = (uint32_t)strtoul(r->name, NULL, 10) | (abi->x32 ? FILTER_X32_BIT : 0);
	else if (filter_call_number(abi, r->name, &rule.nr) < 0)
		return 0;	/* not in this ABI: profiles name the calls of all */
	memcpy(rule.conds, r->conds, sizeof(rule.conds));
	return filter_set_add(s, &rule);
}

int profile_make(const struct profile *p, struct sock_fprog *ret_prog)
{
	struct filter_set s = { .otherwise = p->otherwise, .beyond = p->newer, .bad_abi = SECCOMP_RET_ERRNO | ENOSYS };
	int e = 0;

	for (size_t a = 0; a < profile_n_abis; a++) {
		if (!(p->abis >> a & 1))
			continue;
		s.abis[s.n_abis] = profile_abis[a].abi;
		for (size_t i = 0; e == 0 && i < p->n_rules; i++) {
			if (p->rules[i].abis >> a & 1)
				e = add_numbered(&s, &p->rules[i], &profile_abis[a].abi);
		}
		s.n_abis++;
	}
	if (e == 0)
		e = filter_make(&s, ret_prog);
	filter_set_done(&s);
	return e;
}
