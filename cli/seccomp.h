/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp: what `sluice seccomp` is made of. */
#ifndef CLI_SECCOMP_H
#define CLI_SECCOMP_H

#include <stdbool.h>

#include "sandbox/filter.h"

enum { SECCOMP_WORD_CAP = 64 };

/* An action (SECCOMP_RET_* with data) for people: "refuse with EPERM". */
void seccomp_action_text(uint32_t action, char out[static SECCOMP_WORD_CAP]);

/* seccomp_bench.c: measures and prints, as a table or as JSON lines. 0 or -errno, told. */
int seccomp_bench(const struct filter *f, bool json);

#endif
