/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_log: a line for each ioctl but the basic ones. Runs as the caller, while the program waits.
 *
 * The command comes from the kernel's copy of the registers and is the one that is executed. What the descriptor is, is
 * looked up beside it: another thread may change it at the same moment. What pointers lead to is not looked at.
 */
#include "cli/device_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "lib/json.h"
#include "lib/log.h"

enum { LINE_CAP = 1536, FILE_CAP = 160 };

static void put_time(struct json *j)
{
	char day[32], text[64];
	struct timespec t;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%06ldZ", day, t.tv_nsec / 1000);
	json_str(j, "timestamp", text);
}

void device_log_write(int fd, const struct jail_violation *v)
{
	char line[LINE_CAP], path[48], file[FILE_CAP], command[16];
	ssize_t n;
	struct json j;

	if (fd < 0)
		return;
	/* One byte is kept for the newline. */
	json_init(&j, line, sizeof(line) - 1);
	json_object_start(&j, NULL);
	put_time(&j);
	json_str(&j, "event_type", "ioctl");
	json_i64(&j, "pid", v->pid);
	json_str(&j, "comm", v->comm);
	json_i64(&j, "fd", (int)v->call.args[0]);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", v->pid, (int)v->call.args[0]);
	n = readlink(path, file, sizeof(file));
	if (n >= 0)
		json_strn(&j, "file", file, (size_t)n);
	snprintf(command, sizeof(command), "0x%08" PRIx32, (uint32_t)v->call.args[1]);
	json_str(&j, "command", command);
	json_object_end(&j);
	n = json_finish(&j);
	if (n < 0)
		return;
	line[n++] = '\n';
	if (write(fd, line, (size_t)n) != n)
		log_debug("device log: a line is lost");
}
