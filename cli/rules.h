/* SPDX-License-Identifier: Apache-2.0 */
/* rules: how the commands read a policy, and how they complain about one. */
#ifndef CLI_RULES_H
#define CLI_RULES_H

#include <stddef.h>

struct policy;
struct policy_error;

/* An empty policy that knows the presets of this installation. NULL on -ENOMEM. */
struct policy *rules_new(void);
/* A loaded and compiled policy, or NULL with the one line told on stderr. "-" is standard input. */
struct policy *rules_load(const char *file);
/* Tells in one line what err of a policy_add_*() means; place is the file or the option. Returns -EINVAL. */
int rules_complain(const char *place, const struct policy_error *e, int err);
/* Tells the first max warnings on stderr, and how many more there are. Returns their number. */
size_t rules_warn(const struct policy *p, size_t max);

#endif
