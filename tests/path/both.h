/* SPDX-License-Identifier: Apache-2.0 */
/* both: a test function as two tests, one per family. *state points to a bool: IPv6. */
#ifndef TESTS_PATH_BOTH_H
#define TESTS_PATH_BOTH_H

static const bool both_families[2] = { false, true };

#define BOTH(f)                                                                                   \
	{ #f " (IPv4)", f, NULL, NULL, (void *)(uintptr_t)&both_families[0] },                    \
	{ #f " (IPv6)", f, NULL, NULL, (void *)(uintptr_t)&both_families[1] }

#endif
