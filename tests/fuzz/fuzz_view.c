/* SPDX-License-Identifier: Apache-2.0 */
/* The options that say what a program sees: the first byte chooses one, the rest is its value. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/mounts.h"
#include "cli/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "--bind", "--ro-bind", "--overlay", "--image", "--tmpfs", "--dir", "--symlink",
		"--file", "--time-offset", "--proc", "--uid-map", "--gid-map", "--cap-add" };
	struct mounts m = { NULL, 0 };
	struct jail_view v;
	char why[MOUNTS_WHY_CAP];
	const char *name;
	char *text;

	if (!size)
		return 0;
	name = names[data[0] % (sizeof(names) / sizeof(names[0]))];
	text = strndup((const char *)data + 1, size - 1);
	memset(&v, 0, sizeof(v));
	if (text && mounts_is_option(name))
		mounts_add(&m, name, text, why);
	else if (text && view_set(&v, name, text, why) == 0)
		view_complete(&v);
	mounts_done(&m);
	free(text);
	return 0;
}
