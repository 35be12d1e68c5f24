/* SPDX-License-Identifier: Apache-2.0 */
/* The values of the options on limits: nothing out of its range is taken. The first byte picks the option. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "cli/limits.h"
#include "lib/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "--memory", "--pids", "--cpu", "--io-weight", "--time", "--cpu-time",
		"--grace", "--tmpfs-size", "--tmpfs-inodes", "--rlimit" };
	struct jail_limits l = { 0 };
	char value[128], why[LIMITS_WHY_CAP];

	if (size < 1 || size > sizeof(value))
		return 0;
	memcpy(value, data + 1, size - 1);
	value[size - 1] = '\0';
	if (limits_set(&l, names[data[0] % 10], value, why) < 0) {
		assert(strlen(why) > 0);
		return 0;
	}
	assert(l.memory <= INT64_MAX && l.pids <= 4194304 && l.cpu_milli <= 10001000 && l.io_weight <= 10000);
	assert(l.wall_ns < UINT64_MAX / 4 && l.cpu_ns < UINT64_MAX / 4 && l.grace_ns <= 3601 * NS_PER_S);
	for (size_t i = 0; i < RLIM_NLIMITS; i++)
		assert(l.rlimit[i].soft <= l.rlimit[i].hard);
	return 0;
}
