/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_ioctl: writes what looks at ioctl's command in front of a profile's program: off the list is one answer, all else
 * goes on into the profile. Jumps are relative, so the program behind is as it was, and stays the one that reports and simulates.
 *
 * The command is an unsigned int to the kernel (fs/ioctl.c), so the upper half of the register is not looked at. Which
 * descriptor it is for, a filter cannot see: one list holds for all of them.
 */
#include "sandbox/filter_ioctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/filter_profile.h"

enum { LEAF = 3, NOWHERE = UINT16_MAX };

struct writer {
	struct sock_filter *insns;
	size_t n;
	int err;
};

static size_t emit(struct writer *w, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (w->n == BPF_MAXINSNS) {
		w->err = -E2BIG;
		return 0;
	}
	w->insns[w->n] = (struct sock_filter){ code, jt, jf, k };
	return w->n++;
}

static void load(struct writer *w, size_t offset)
{
	emit(w, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/*
 * Jumps that reach anywhere. Until their aim is known, k is the jump before this one that has the same aim: a chain, whose
 * last link is NOWHERE.
 */
static void jump(struct writer *w, uint32_t *chain)
{
	*chain = (uint32_t)emit(w, BPF_JMP | BPF_JA, *chain, 0, 0);
}

static void land(struct writer *w, uint32_t chain)
{
	while (!w->err && chain != NOWHERE) {
		uint32_t next = w->insns[chain].k;

		w->insns[chain].k = (uint32_t)(w->n - chain - 1);
		chain = next;
	}
}

/* Goes to *yes when the accumulator is value, else on. */
static void jump_if(struct writer *w, uint32_t value, uint32_t *yes)
{
	emit(w, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	jump(w, yes);
}

/* Is it ioctl? To *check then; other calls to *pass. */
static void put_calls(struct writer *w, uint32_t *check, uint32_t *pass)
{
	for (size_t i = 0; i < profile_n_abis; i++) {
		const struct filter_abi *abi = &profile_abis[i].abi;
		uint32_t nr, other = NOWHERE;

		/* The number has the x32 bit there, so that one architecture's ABIs are told apart by it. */
		if (filter_call_number(abi, "ioctl", &nr) < 0)
			continue;
		load(w, offsetof(struct seccomp_data, arch));
		emit(w, BPF_JMP | BPF_JEQ | BPF_K, abi->arch, 1, 0);
		jump(w, &other);
		load(w, offsetof(struct seccomp_data, nr));
		jump_if(w, nr, check);
		land(w, other);
	}
	jump(w, pass);
}

/* A tree over commands with one mask, in order; what counts of the command is in the accumulator. */
static void put_tree(struct writer *w, const struct ioctl_command *list, size_t n, uint32_t *yes, uint32_t *no)
{
	uint32_t right = NOWHERE;

	if (n <= LEAF) {
		for (size_t i = 0; i < n; i++)
			jump_if(w, list[i].value, yes);
		jump(w, no);
		return;
	}
	emit(w, BPF_JMP | BPF_JGE | BPF_K, list[n / 2].value, 0, 1);
	jump(w, &right);
	put_tree(w, list, n / 2, yes, no);
	land(w, right);
	put_tree(w, list + n / 2, n - n / 2, yes, no);
}

static int compare(const void *a, const void *b)
{
	const struct ioctl_command *x = a, *y = b;

	if (x->mask != y->mask)
		return x->mask < y->mask ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

/* A tree for each mask. */
static void put_commands(struct writer *w, const struct ioctl_command *list, size_t n, uint32_t otherwise,
			 uint32_t *pass)
{
	size_t k;

	for (size_t i = 0; i < n; i += k) {
		uint32_t next = NOWHERE;

		for (k = 1; i + k < n && list[i + k].mask == list[i].mask; k++)
			;
		load(w, offsetof(struct seccomp_data, args) + sizeof(uint64_t));
		if (list[i].mask != UINT32_MAX)
			emit(w, BPF_ALU | BPF_AND | BPF_K, list[i].mask, 0, 0);
		put_tree(w, list + i, k, pass, &next);
		land(w, next);
	}
	emit(w, BPF_RET | BPF_K, otherwise, 0, 0);
}

int filter_limit_ioctl(const struct filter *f, struct ioctl_command *list, size_t n, uint32_t otherwise,
		       struct filter *ret_filter)
{
	struct writer w = { .insns = calloc(BPF_MAXINSNS, sizeof(*w.insns)) };
	uint32_t check = NOWHERE, pass = NOWHERE;

	if (!w.insns)
		return -ENOMEM;
	if (n)
		qsort(list, n, sizeof(*list), compare);
	put_calls(&w, &check, &pass);
	land(&w, check);
	put_commands(&w, list, n, otherwise, &pass);
	land(&w, pass);
	if (w.n + f->prog.len > BPF_MAXINSNS)
		w.err = -E2BIG;
	if (w.err) {
		free(w.insns);
		return w.err;
	}
	memcpy(&w.insns[w.n], f->prog.filter, f->prog.len * sizeof(*w.insns));
	*ret_filter = (struct filter){ f->name, { (unsigned short)(w.n + f->prog.len), w.insns }, w.insns };
	return 0;
}
