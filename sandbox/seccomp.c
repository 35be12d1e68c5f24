/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp: the built-in profiles, as profiles/default.c made them at build time, their loading, and a
 * simulator that tells what a filter does to a call. Loading runs in the program's process.
 */
#include "sandbox/filter.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/seccomp_default.h"

#define PROG(a) { sizeof(a) / sizeof((a)[0]), (struct sock_filter *)(uintptr_t)(a) }

const struct filter *filter_builtin(const char *name)
{
	/* Where both refuse, the errno of the later one counts: the one that says why. */
	static const struct filter list[] = {
		{ "default", { PROG(default_exists), PROG(default_uses) }, 2, NULL },
		{ "strict", { PROG(strict_exists), PROG(strict_uses) }, 2, NULL },
		{ "compute", { PROG(compute_exists), PROG(compute_uses) }, 2, NULL },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	}
	return NULL;
}

struct sock_fprog filter_terminal(void)
{
	return (struct sock_fprog)PROG(terminal);
}

int filter_load(const struct filter *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &f->progs[i]) < 0)
			return -errno;
	}
	return 0;
}

/* ---- simulation ------------------------------------------------------------------------------------ */

/* The jumps of classic BPF; false: not one that seccomp(2) takes or libseccomp makes. */
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

static uint32_t run(const struct sock_fprog *prog, const struct seccomp_data *call)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < prog->len; pc++) {
		const struct sock_filter *i = &prog->filter[pc];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (i->k % 4 || i->k > sizeof(*call) - 4)
				return SECCOMP_RET_KILL_PROCESS;
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
	uint32_t result = SECCOMP_RET_ALLOW;

	/* seccomp_run_filters(): newest first; the lowest action counts, of equal ones the newest. */
	for (size_t i = f->n; i-- > 0; ) {
		uint32_t r = run(&f->progs[i], call);

		if ((int32_t)(r & SECCOMP_RET_ACTION_FULL) < (int32_t)(result & SECCOMP_RET_ACTION_FULL))
			result = r;
	}
	return result;
}
