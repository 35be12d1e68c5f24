/* SPDX-License-Identifier: Apache-2.0 */
/* reason: number to word and sentence; the table is generated from bpf/drop.h. */
#include "lib/reason.h"

#include <stddef.h>

static const struct {
	const char *word;
	const char *text;
} reasons[DROP_REASON_MAX] = {
#define X(num, name, word, text) [num] = { word, text },
	DROP_REASONS(X)
#undef X
};

const char *reason_word(unsigned int reason)
{
	if (reason >= DROP_REASON_MAX || !reasons[reason].word)
		return "unknown";
	return reasons[reason].word;
}

const char *reason_text(unsigned int reason)
{
	if (reason >= DROP_REASON_MAX || !reasons[reason].text)
		return "unknown reason";
	return reasons[reason].text;
}
