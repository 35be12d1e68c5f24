/* SPDX-License-Identifier: Apache-2.0 */
/* simulate: what the kernel would make of a system call under a filter. Loads nothing; runs anywhere. */
#include "sandbox/filter.h"

#include <string.h>

/* The jumps of classic BPF; false: not one that filter_make.c makes. */
static bool jump(const struct sock_filter *i, uint32_t a, size_t *pc)
{
	bool yes;

	switch (i->code) {
	case BPF_JMP | BPF_JA:
		*pc += i->k;
		return true;
	case BPF_JMP | BPF_JEQ | BPF_K:
		yes = a == i->k;
		break;
	case BPF_JMP | BPF_JGE | BPF_K:
		yes = a >= i->k;
		break;
	case BPF_JMP | BPF_JGT | BPF_K:
		yes = a > i->k;
		break;
	case BPF_JMP | BPF_JSET | BPF_K:
		yes = a & i->k;
		break;
	default:
		return false;
	}
	*pc += yes ? i->jt : i->jf;
	return true;
}

uint32_t filter_simulate_cost(const struct filter *f, const struct seccomp_data *call, struct filter_cost *ret_cost)
{
	const struct sock_fprog *prog = &f->prog;
	uint32_t a = 0;

	*ret_cost = (struct filter_cost){ 0 };
	for (size_t pc = 0; pc < prog->len; pc++) {
		const struct sock_filter *i = &prog->filter[pc];

		ret_cost->insns++;
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (i->k % 4 || i->k > sizeof(*call) - 4)
				return SECCOMP_RET_KILL_PROCESS;
			ret_cost->looked_at_args |= i->k >= offsetof(struct seccomp_data, instruction_pointer);
			memcpy(&a, (const char *)call + i->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			if (!jump(i, a, &pc))
				return SECCOMP_RET_KILL_PROCESS;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;	/* ran off the end: the kernel would not have taken it */
}

uint32_t filter_simulate(const struct filter *f, const struct seccomp_data *call)
{
	struct filter_cost cost;

	return filter_simulate_cost(f, call, &cost);
}
