/* SPDX-License-Identifier: Apache-2.0 */
/* A list of --device, and the filter made of it. */
#include <stddef.h>
#include <stdint.h>

#include "cli/device_list.h"
#include "sandbox/filter_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct device_list l = { 0 };
	char why[DEVICE_LIST_WHY_CAP];
	struct filter f;

	if (!size)
		return 0;
	if (device_list_parse(&l, (const char *)data + 1, size - 1, data[0] & 1, why) == 0 &&
	    filter_limit_ioctl(filter_terminal(), l.commands, l.n_commands, SECCOMP_RET_USER_NOTIF, &f) == 0)
		filter_close(&f);
	device_list_done(&l);
	return 0;
}
