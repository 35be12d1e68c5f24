/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: system call filters (seccomp) of the jail: the built-in profiles, made at build time; what a
 * profile does to a call, by simulation; its programs in readable form. filter_file.h adds profiles from files.
 */
#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filter {
	const char *name;
	struct sock_fprog prog;	/* len 0: none */
	void *owned;		/* by filter_file.c; NULL in built-in ones */
};

/* "default", "strict" or "compute"; NULL when there is no such profile. Static. */
const struct filter *filter_builtin(const char *name);
/* The part of all of them that keeps others' terminals shut; it lets everything else through. */
const struct filter *filter_terminal(void);

/* Needs no_new_privs. 0 or -errno. */
int filter_load(const struct filter *f);

/*
 * What the kernel would do: a SECCOMP_RET_* value with its data. A program that the kernel would not take
 * kills (SECCOMP_RET_KILL_PROCESS), as does one that the simulator does not understand.
 */
uint32_t filter_simulate(const struct filter *f, const struct seccomp_data *call);

/*
 * What the answer costs. The kernel runs nothing at all for a number that it knows to be let through without a look
 * at arguments (Linux 5.11).
 */
struct filter_cost {
	size_t insns;
	bool looked_at_args;
};
uint32_t filter_simulate_cost(const struct filter *f, const struct seccomp_data *call, struct filter_cost *ret_cost);

#endif
