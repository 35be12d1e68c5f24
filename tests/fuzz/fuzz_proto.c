/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between processes: proto_check() reads no byte beyond the length and accepts no odd size. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *m = malloc(size ? size : 1);	/* aligned, and watched at its end */

	assert(m);
	memcpy(m, data, size);
	if (proto_check(m, size) == 0) {
		const struct proto_head *h = (const struct proto_head *)(const void *)m;

		assert(size >= sizeof(*h) && size <= PROTO_MSG_MAX && h->size == size && h->zero == 0);
	}
	free(m);
	return 0;
}
