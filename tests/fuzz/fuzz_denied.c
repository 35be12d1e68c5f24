/* SPDX-License-Identifier: Apache-2.0 */
/* The client of a denied flow: the portions make no difference, and the words stay within their bounds. */
#include <stdlib.h>
#include <string.h>

#include "stack/inspect/denied.h"

static void check(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static size_t words(const uint8_t *data, size_t size, size_t step, uint8_t *buf)
{
	const struct denied_spec spec = { .reason = DROP_POLICY_DENY, .name = "no.test", .note = "", .port = 443 };
	struct denied *d = denied_new(&spec);
	bool done = false;
	size_t n;

	check(d != NULL);
	for (size_t i = 0; i < size; i += step)
		done = denied_input(d, data + i, size - i < step ? size - i : step);
	check(done || size <= 8192);
	n = denied_refusal(d, buf, INSPECT_REFUSAL_MAX);
	check(n <= INSPECT_REFUSAL_MAX);
	denied_free(d);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t a[INSPECT_REFUSAL_MAX], b[INSPECT_REFUSAL_MAX];
	size_t n = words(data, size, size + 1, a);

	check(words(data, size, 1, b) == n && memcmp(a, b, n) == 0);
	return 0;
}
