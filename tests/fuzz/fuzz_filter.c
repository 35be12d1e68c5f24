/* SPDX-License-Identifier: Apache-2.0 */
/* A seccomp profile in the JSON form; what comes out must be a program that the simulator gets through. */
#include <linux/audit.h>
#include <stdlib.h>

#include "sandbox/filter_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char why[FILTER_WHY_CAP];
	struct filter f;

	if (filter_parse((const char *)bytes, len, &f, why) < 0)
		return 0;
	for (int nr = 0; nr < 480; nr++) {
		struct seccomp_data d = { .arch = AUDIT_ARCH_X86_64, .nr = nr };

		filter_simulate(&f, &d);
	}
	filter_close(&f);
	return 0;
}
