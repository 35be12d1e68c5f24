/* SPDX-License-Identifier: Apache-2.0 */
/* limits: the options that say how much a program may use, and what is told when it used that. */
#ifndef CLI_LIMITS_H
#define CLI_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/jail.h"

enum { LIMITS_WHY_CAP = 256 };

/* name is the option with its dashes. 0, or -EINVAL with why (LIMITS_WHY_CAP): what is wrong; what to give. */
int limits_set(struct jail_limits *l, const char *name, const char *value, char *why);
/* 0, or -EINVAL with why: options that do not go together. */
int limits_check(const struct jail_limits *l, char *why);
/* One line on standard error for each limit that struck. */
void limits_tell(const struct jail *j);

/* "none", "wall", "cpu", "memory" */
const char *limits_word(enum jail_limit l);

/* A whole number; bytes like 64M or 2GiB. */
bool limits_count(const char *text, uint64_t *ret_n);
bool limits_size(const char *text, uint64_t *ret_n);
/* Of whole ones up to max; in parts of 1 / scale. */
bool limits_fraction(const char *text, uint64_t scale, uint64_t max, uint64_t *ret_n);

#endif
