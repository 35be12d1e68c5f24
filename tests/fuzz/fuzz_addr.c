/* SPDX-License-Identifier: Apache-2.0 */
/* Address and prefix texts: what is accepted prints to a text that parses back to the same. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[128], again[CIDR_STRLEN];
	struct addr a, a2;
	struct cidr c, c2;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (addr_parse(text, &a) == 0) {
		assert(addr_parse(addr_format(&a, again), &a2) == 0);
		assert(addr_eq(&a, &a2));
		(void)addr_classify(&a);
	}
	if (cidr_parse(text, &c) == 0) {
		assert(cidr_parse(cidr_format(&c, again), &c2) == 0);
		assert(addr_eq(&c.net, &c2.net) && c.bits == c2.bits);
		assert(cidr_contains(&c, &c.net));
	}
	return 0;
}
