/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp profile, in our text form or in JSON. What is taken can be printed, the print is read as the same profile, and
 * what comes out is a program that the simulator gets through.
 */
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/filter_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static char *print(struct profile *p, size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	profile_print(p, f);
	fclose(f);
	profile_done(p);
	return text;
}

static void round_trip(const uint8_t *bytes, size_t len)
{
	char why[FILTER_WHY_CAP], *first, *second;
	struct profile p;
	size_t n, m;

	if (profile_parse((const char *)bytes, len, &p, why) < 0)
		return;
	first = print(&p, &n);
	if (profile_parse(first, n, &p, why) < 0)
		abort();
	second = print(&p, &m);
	if (n != m || memcmp(first, second, n) != 0)
		abort();
	free(first);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char why[FILTER_WHY_CAP];
	struct filter f;

	round_trip(bytes, len);
	if (filter_parse((const char *)bytes, len, &f, why) < 0)
		return 0;
	for (int nr = 0; nr < 480; nr++) {
		struct seccomp_data d = { .arch = AUDIT_ARCH_X86_64, .nr = nr };

		filter_simulate(&f, &d);
	}
	filter_close(&f);
	return 0;
}
