/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_profile: arbitrary bytes as a profile. What is read must print to a text that is read and prints as itself,
 * with the same settings in force; what is not must say where and why, in one line.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

#define MUST(cond)                                                                                  \
	do {                                                                                        \
		if (!(cond)) {                                                                      \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                  \
			abort();                                                                    \
		}                                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	struct settings p = { .only_text = true }, again = { .only_text = true };
	char why[SETTINGS_WHY_CAP] = "", *t1, *t2;

	if (settings_add_text(&p, (const char *)buf, len, "/fuzz/it", why) < 0) {
		MUST(strncmp(why, "/fuzz/it:", 9) == 0 && !strchr(why, '\n') && p.n == 0);
		settings_done(&p);
		return 0;
	}
	t1 = settings_print(&p);
	MUST(t1);
	if (settings_add_text(&again, t1, strlen(t1), "/elsewhere/it", why) < 0) {
		fprintf(stderr, "%s\n%s", why, t1);
		abort();
	}
	MUST(again.n <= p.n);
	t2 = settings_print(&again);
	MUST(t2 && strcmp(t1, t2) == 0);
	free(t1);
	free(t2);
	settings_done(&p);
	settings_done(&again);
	return 0;
}
