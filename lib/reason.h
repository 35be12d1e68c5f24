/* SPDX-License-Identifier: Apache-2.0 */
/* reason: the words of bpf/drop.h's numbered reasons. */
#ifndef LIB_REASON_H
#define LIB_REASON_H

#include "bpf/drop.h"

/* "policy-deny"; "unknown" for a number that is not in the list. Static. */
const char *reason_word(unsigned int reason);
/* "a rule denies it". Static. */
const char *reason_text(unsigned int reason);

#endif
