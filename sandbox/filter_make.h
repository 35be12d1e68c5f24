/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_make: from rules to a seccomp program. Used at build time for the built-in profiles, and by the
 * caller for profiles from files; nothing of it runs in the jail.
 */
#ifndef SANDBOX_FILTER_MAKE_H
#define SANDBOX_FILTER_MAKE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILTER_CONDS_MAX = 6, FILTER_ABIS_MAX = 3, FILTER_X32_BIT = 0x40000000 };

enum filter_op { FILTER_EQ, FILTER_NE, FILTER_LT, FILTER_LE, FILTER_GE, FILTER_GT, FILTER_MASKED_EQ, FILTER_MASKED_NE };

/* A condition on one argument, unsigned. */
struct filter_cond {
	uint8_t arg;		/* 0..5 */
	uint8_t op;		/* enum filter_op */
	bool wide;		/* all 64 bits; else the lower 32, which is what the kernel reads of an int */
	uint64_t value, mask;	/* mask: FILTER_MASKED_* only */
};

struct filter_rule {
	unsigned int abi;	/* index into the set's abis */
	uint32_t nr;		/* with the x32 bit for x32 */
	uint32_t action;	/* SECCOMP_RET_* with data */
	size_t n_conds;		/* all must hold; 0: always */
	struct filter_cond conds[FILTER_CONDS_MAX];
};

struct filter_abi {
	uint32_t arch;		/* AUDIT_ARCH_* */
	bool x32;		/* the calls of AUDIT_ARCH_X86_64 with the x32 bit */
	uint32_t scmp;		/* libseccomp's token, for names */
};

/*
 * Of several rules that match, the strictest counts, as with stacked filters; of equally strict ones one with
 * conditions before one without, then the lower errno. The order in which they are given does not matter.
 */
struct filter_set {
	struct filter_abi abis[FILTER_ABIS_MAX];
	size_t n_abis;
	uint32_t otherwise;	/* for calls that no rule matches */
	uint32_t beyond;	/* the same for numbers above every rule's: newer calls */
	uint32_t bad_abi;	/* for calls of other ABIs */
	struct filter_rule *rules;
	size_t n_rules;
};

/* -ENOMEM; the rule is copied. */
int filter_set_add(struct filter_set *s, const struct filter_rule *rule);
void filter_set_done(struct filter_set *s);

/* 0, -ENOMEM, or -E2BIG: more than the kernel takes. ret_prog->filter is heap. */
int filter_make(const struct filter_set *s, struct sock_fprog *ret_prog);

/*
 * filter_names.c, with libseccomp. The number (x32: with its bit) of a call: 0, -ENOSYS when the ABI has it not,
 * -ENOENT when no ABI has a call of that name.
 */
int filter_call_number(const struct filter_abi *abi, const char *name, uint32_t *ret_nr);
/* The name of a number, heap; NULL when it has none. */
char *filter_call_name(const struct filter_abi *abi, uint32_t nr);
/* Does any ABI have a call of that name? */
bool filter_call_exists(const char *name);

#endif
