/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of /proc/self/cgroup and /proc/self/mountinfo, parted by the first NUL: what comes out is
 * absolute and leads nowhere but down from a mount point.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/cgroup.h"

static void check(const char *path)
{
	assert(memchr(path, '\0', CGROUP_PATH_CAP));
	assert(!*path || *path == '/');
	assert(!strstr(path, "/../"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cgroup_layout l;
	char *text = malloc(size + 2);
	size_t first;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = text[size + 1] = '\0';
	first = strlen(text);
	cgroup_layout_parse(text, first < size ? text + first + 1 : "", &l);
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
		check(l.v1[i]);
	check(l.v2);
	check(l.v2_top);
	assert(strncmp(l.v2, l.v2_top, strcmp(l.v2_top, "/") == 0 ? 0 : strlen(l.v2_top)) == 0);
	assert(cgroup_usage_parse(text) >= -4096);
	free(text);
	return 0;
}
