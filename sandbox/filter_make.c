/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_make: writes a seccomp program from rules: by ABI, then a binary tree over ranges of numbers, then
 * the conditions of the call. Runs of calls with the same plain answer are one range.
 *
 * Not libseccomp's generator, of which the names of the calls are taken: version 2.5.4 loses the load of an argument
 * when it jumps far to a comparison, and then compares another argument (socket(AF_INET, SOCK_STREAM, 1)
 * came out as AF_UNIX), and it has no "not equal" on 32 bits. Every comparison here loads for itself.
 */
#include "sandbox/filter_make.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the halves of seccomp_data.args are read as little-endian"
#endif

enum {
	FAR = 255,			/* what a conditional jump reaches */
	RULE_INSNS = FILTER_CONDS_MAX * 8 + 1,
	FAILS_MAX = FILTER_CONDS_MAX * 2,
	NR_ABI_END = FILTER_X32_BIT,
};

struct maker {
	const struct filter_set *set;
	struct sock_filter *insns;
	size_t n;
	int err;
};

/* Calls from `start` to the next range's: one answer, or the rules of that one number. */
struct range {
	uint32_t start;
	const struct filter_rule *rules;	/* NULL: plain */
	size_t n_rules;
	uint32_t answer;			/* plain, or when no rule matches */
};

int filter_set_add(struct filter_set *s, const struct filter_rule *rule)
{
	if ((s->n_rules & (s->n_rules - 1)) == 0) {
		size_t cap = s->n_rules ? 2 * s->n_rules : 1;
		struct filter_rule *more = reallocarray(s->rules, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->rules = more;
	}
	s->rules[s->n_rules++] = *rule;
	return 0;
}

void filter_set_done(struct filter_set *s)
{
	free(s->rules);
	s->rules = NULL;
	s->n_rules = 0;
}

/* Strictest first: the kernel's order of actions (seccomp_run_filters()). */
static int compare_action(uint32_t a, uint32_t b)
{
	int32_t x = (int32_t)(a & SECCOMP_RET_ACTION_FULL), y = (int32_t)(b & SECCOMP_RET_ACTION_FULL);

	return x < y ? -1 : x > y;
}

static int compare_rule(const void *a, const void *b)
{
	const struct filter_rule *x = a, *y = b;

	if (x->abi != y->abi)
		return x->abi < y->abi ? -1 : 1;
	if (x->nr != y->nr)
		return x->nr < y->nr ? -1 : 1;
	if (compare_action(x->action, y->action) != 0)
		return compare_action(x->action, y->action);
	if (!x->n_conds != !y->n_conds)
		return x->n_conds ? -1 : 1;
	return x->action < y->action ? -1 : x->action > y->action;
}

static size_t emit(struct maker *m, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (m->n == BPF_MAXINSNS) {
		m->err = -E2BIG;
		return 0;
	}
	m->insns[m->n] = (struct sock_filter){ code, jt, jf, k };
	return m->n++;
}

static void load(struct maker *m, size_t offset)
{
	emit(m, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* ---- conditions ------------------------------------------------------------------------------------- */

/* Jumps to the end of the rule, whose place is not known yet. */
struct fails {
	struct {
		size_t at;
		bool yes;
	} jumps[FAILS_MAX];
	size_t n;
};

/* Goes on when the comparison has the wanted outcome, else to the rule's end. */
static void need(struct maker *m, struct fails *f, uint16_t jump, uint32_t k, bool want)
{
	f->jumps[f->n].at = emit(m, (uint16_t)(BPF_JMP | jump | BPF_K), k, 0, 0);
	f->jumps[f->n++].yes = !want;
}

static void put_low(struct maker *m, struct fails *f, const struct filter_cond *c)
{
	uint32_t value = (uint32_t)c->value;

	load(m, offsetof(struct seccomp_data, args) + 8u * c->arg);
	switch ((enum filter_op)c->op) {
	case FILTER_MASKED_EQ:
	case FILTER_MASKED_NE:
		emit(m, BPF_ALU | BPF_AND | BPF_K, (uint32_t)c->mask, 0, 0);
		need(m, f, BPF_JEQ, value, c->op == FILTER_MASKED_EQ);
		break;
	case FILTER_EQ:
	case FILTER_NE:
		need(m, f, BPF_JEQ, value, c->op == FILTER_EQ);
		break;
	case FILTER_GE:
	case FILTER_LT:
		need(m, f, BPF_JGE, value, c->op == FILTER_GE);
		break;
	case FILTER_GT:
	case FILTER_LE:
		need(m, f, BPF_JGT, value, c->op == FILTER_GT);
		break;
	}
}

/* The upper half: decides, or leaves it to the lower one. Skips the two or three instructions of put_low(). */
static void put_high(struct maker *m, struct fails *f, const struct filter_cond *c)
{
	uint32_t value = (uint32_t)(c->value >> 32);

	load(m, offsetof(struct seccomp_data, args) + 8u * c->arg + 4);
	switch ((enum filter_op)c->op) {
	case FILTER_MASKED_EQ:
		emit(m, BPF_ALU | BPF_AND | BPF_K, (uint32_t)(c->mask >> 32), 0, 0);
		need(m, f, BPF_JEQ, value, true);
		break;
	case FILTER_MASKED_NE:
		emit(m, BPF_ALU | BPF_AND | BPF_K, (uint32_t)(c->mask >> 32), 0, 0);
		emit(m, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 3);
		break;
	case FILTER_EQ:
		need(m, f, BPF_JEQ, value, true);
		break;
	case FILTER_NE:
		emit(m, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 2);
		break;
	case FILTER_GE:
	case FILTER_GT:
		emit(m, BPF_JMP | BPF_JGT | BPF_K, value, 3, 0);
		need(m, f, BPF_JEQ, value, true);
		break;
	case FILTER_LT:
	case FILTER_LE:
		need(m, f, BPF_JGT, value, false);
		emit(m, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 2);
		break;
	}
}

static void put_rule(struct maker *m, const struct filter_rule *r)
{
	struct fails f = { .n = 0 };

	for (size_t i = 0; i < r->n_conds; i++) {
		if (r->conds[i].wide)
			put_high(m, &f, &r->conds[i]);
		put_low(m, &f, &r->conds[i]);
	}
	emit(m, BPF_RET | BPF_K, r->action, 0, 0);
	if (m->err)
		return;
	static_assert(RULE_INSNS <= FAR, "a rule's end is near");
	for (size_t i = 0; i < f.n; i++) {
		struct sock_filter *jump = &m->insns[f.jumps[i].at];
		uint8_t distance = (uint8_t)(m->n - f.jumps[i].at - 1);

		*(f.jumps[i].yes ? &jump->jt : &jump->jf) = distance;
	}
}

/* ---- the tree of numbers ------------------------------------------------------------------------------ */

static void put_leaf(struct maker *m, const struct range *r)
{
	for (size_t i = 0; i < r->n_rules; i++)
		put_rule(m, &r->rules[i]);
	emit(m, BPF_RET | BPF_K, r->answer, 0, 0);
}

/* The number is in the accumulator on entry. */
static void put_tree(struct maker *m, const struct range *r, size_t n)
{
	size_t at, left;

	if (n == 1) {
		put_leaf(m, r);
		return;
	}
	at = emit(m, BPF_JMP | BPF_JGE | BPF_K, r[n / 2].start, 0, 0);
	put_tree(m, r, n / 2);
	left = m->n - at - 1;
	if (left > FAR) {
		/* All jumps are relative: the left side moves by one as it is. */
		emit(m, 0, 0, 0, 0);
		if (m->err)
			return;
		memmove(&m->insns[at + 2], &m->insns[at + 1], left * sizeof(*m->insns));
		m->insns[at].jf = 1;
		m->insns[at + 1] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)left);
	} else if (!m->err) {
		m->insns[at].jt = (uint8_t)left;
	}
	put_tree(m, r + n / 2, n - n / 2);
}

/* Rules of one number: an unconditional one answers for all that are not stricter. */
static struct range number_range(const struct filter_rule *rules, size_t n, uint32_t otherwise)
{
	struct range r = { .start = rules->nr, .rules = rules, .answer = otherwise };

	while (r.n_rules < n && rules[r.n_rules].n_conds)
		r.n_rules++;
	if (r.n_rules < n)
		r.answer = rules[r.n_rules].action;
	if (!r.n_rules)
		r.rules = NULL;
	return r;
}

static size_t add_range(struct range *list, size_t n, struct range r)
{
	if (n && list[n - 1].start == r.start)
		n--;	/* an empty gap */
	if (n && !list[n - 1].rules && !r.rules && list[n - 1].answer == r.answer)
		return n;
	list[n] = r;
	return n + 1;
}

static void put_abi(struct maker *m, unsigned int abi)
{
	const struct filter_rule *rules = m->set->rules, *end = rules + m->set->n_rules;
	struct range *list = calloc(2 * m->set->n_rules + 1, sizeof(*list));
	size_t n = 0;

	if (!list) {
		m->err = -ENOMEM;
		return;
	}
	list[n++] = (struct range){ .answer = m->set->otherwise };
	while (rules < end && rules->abi != abi)
		rules++;
	while (rules < end && rules->abi == abi) {
		size_t k = 1;

		while (rules + k < end && rules[k].abi == abi && rules[k].nr == rules->nr)
			k++;
		n = add_range(list, n, number_range(rules, k, m->set->otherwise));
		n = add_range(list, n, (struct range){ .start = rules->nr + 1, .answer =
			rules + k < end && rules[k].abi == abi ? m->set->otherwise : m->set->beyond });
		rules += k;
	}
	put_tree(m, list, n);
	free(list);
}

/* One architecture: its tree, in front of it what becomes of numbers with the x32 bit. */
static void put_arch(struct maker *m, uint32_t arch)
{
	int plain = -1, x32 = -1;
	size_t at = 0;

	for (size_t i = 0; i < m->set->n_abis; i++) {
		if (m->set->abis[i].arch == arch)
			*(m->set->abis[i].x32 ? &x32 : &plain) = (int)i;
	}
	load(m, offsetof(struct seccomp_data, nr));
	if (arch == AUDIT_ARCH_X86_64) {
		at = emit(m, BPF_JMP | BPF_JGE | BPF_K, NR_ABI_END, 0, 1);
		emit(m, BPF_JMP | BPF_JA, 0, 0, 0);
	}
	if (plain >= 0)
		put_abi(m, (unsigned int)plain);
	else
		emit(m, BPF_RET | BPF_K, m->set->bad_abi, 0, 0);
	if (arch != AUDIT_ARCH_X86_64 || m->err)
		return;
	m->insns[at + 1].k = (uint32_t)(m->n - at - 2);
	if (x32 >= 0)
		put_abi(m, (unsigned int)x32);
	else
		emit(m, BPF_RET | BPF_K, m->set->bad_abi, 0, 0);
}

static bool is_first_of_arch(const struct filter_set *s, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (s->abis[k].arch == s->abis[i].arch)
			return false;
	}
	return true;
}

int filter_make(const struct filter_set *s, struct sock_fprog *ret_prog)
{
	struct maker m = { .set = s, .insns = calloc(BPF_MAXINSNS, sizeof(*m.insns)) };

	if (!m.insns)
		return -ENOMEM;
	if (s->n_rules)
		qsort(s->rules, s->n_rules, sizeof(*s->rules), compare_rule);
	for (size_t i = 0; i < s->n_abis; i++) {
		size_t at;

		if (!is_first_of_arch(s, i))
			continue;
		load(&m, offsetof(struct seccomp_data, arch));
		at = emit(&m, BPF_JMP | BPF_JEQ | BPF_K, s->abis[i].arch, 1, 0);
		emit(&m, BPF_JMP | BPF_JA, 0, 0, 0);
		put_arch(&m, s->abis[i].arch);
		if (!m.err)
			m.insns[at + 1].k = (uint32_t)(m.n - at - 2);
	}
	emit(&m, BPF_RET | BPF_K, s->bad_abi, 0, 0);
	if (m.err) {
		free(m.insns);
		return m.err;
	}
	*ret_prog = (struct sock_fprog){ (unsigned short)m.n, m.insns };
	return 0;
}
