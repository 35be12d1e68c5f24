/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_profile: a seccomp profile as rules by name, between its forms: read from our text or from JSON, printed as
 * text, made into a program, checked against that program. Used at build time and by the caller.
 */
#ifndef SANDBOX_FILTER_PROFILE_H
#define SANDBOX_FILTER_PROFILE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sandbox/filter.h"
#include "sandbox/filter_make.h"

enum {
	PROFILE_NAME_CAP = 40,
	PROFILE_NATIVE = 1,		/* of the masks of ABIs */
	PROFILE_DEPTH_MAX = 8,		/* of includes */
	FILTER_WHY_CAP = 400,
};
#define PROFILE_ALL UINT32_MAX		/* a mask of ABIs */
#define PROFILE_UNSET UINT32_MAX	/* no action */

/* The ABIs that a program here can have at all; the first is the native one, the second its 32-bit companion. */
struct profile_abi {
	const char *name, *oci;		/* "i386", "SCMP_ARCH_X86" */
	struct filter_abi abi;
};
extern const struct profile_abi profile_abis[];
extern const size_t profile_n_abis;

/* What becomes of one call. */
struct profile_rule {
	char name[PROFILE_NAME_CAP];	/* or a number, of one ABI */
	unsigned int abis;		/* bits: places in profile_abis[] */
	uint32_t action;		/* SECCOMP_RET_* with data */
	size_t n_conds;
	struct filter_cond conds[FILTER_CONDS_MAX];
};

/* How rules that overlap are weighed: see struct filter_set. */
struct profile {
	unsigned int abis;		/* what programs may be; 0: not said */
	uint32_t otherwise;		/* for calls without a rule */
	uint32_t newer;			/* for calls newer than any that has one */
	struct profile_rule *rules;
	size_t n_rules;
};

#define PROFILE_EMPTY ((struct profile){ .otherwise = PROFILE_UNSET, .newer = PROFILE_UNSET })

/* -ENOMEM; the rule is copied. */
int profile_add(struct profile *p, const struct profile_rule *rule);
/* The rules of that call are taken back in those ABIs. */
void profile_forget(struct profile *p, const char *name, unsigned int abis);
/* What was not said gets its default; rules are put in order, those without effect are gone. */
void profile_complete(struct profile *p);
void profile_done(struct profile *p);

/* A complete profile's program: 0, -ENOMEM or -E2BIG. ret_prog->filter is heap. */
int profile_make(const struct profile *p, struct sock_fprog *ret_prog);

/* filter_words.c: an errno or -ENOENT; a constant's value. The whole of `word` counts. */
int profile_errno(const char *word);
bool profile_constant(const char *word, uint64_t *ret_value);

/*
 * filter_text.c. Adds what the text says to the profile. 0, or -errno with why: place, what, what to do.
 * read: the text of what is included, heap; `from` is what includes it (NULL: text from nowhere).
 */
struct profile_source {
	const char *name;
	int (*read)(void *arg, const char *from, const char *name, char **ret_text, size_t *ret_len, char *why);
	void *arg;
	unsigned int depth;
};
int profile_parse_text(struct profile *p, const char *text, size_t len, const struct profile_source *source, char *why);

/* filter_json.c: the same for the form of OCI, Docker and Podman. */
int profile_parse_json(struct profile *p, const char *text, size_t len, char *why);

/* filter_print.c: a complete profile as text, in which one profile has one form. */
void profile_print(const struct profile *p, FILE *to);

/*
 * filter_check.c: the program against the rules, decided a second way: every number of every ABI, with
 * arguments at the boundaries of every condition. 0, -ENOMEM, or -EINVAL with why: the first call that differs.
 */
int profile_check(const struct profile *p, const struct filter *f, char *why, size_t *ret_calls);

#endif
