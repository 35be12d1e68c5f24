/* SPDX-License-Identifier: Apache-2.0 */
/* log: one printable line on stderr, written with one write(2) so that processes do not interleave. */
#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *log_name = "sluice";
static enum log_level log_max = LOG_LEVEL_INFO;
static char last_error[1024];

void log_init(const char *name, enum log_level max)
{
	const char *debug = getenv("SLUICE_DEBUG");

	log_name = name;
	log_max = debug && *debug == '1' ? LOG_LEVEL_DEBUG : max;
}

const char *log_last_error(void)
{
	return last_error;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[1024];
	size_t name;
	va_list ap;
	int n, m;

	if (level > log_max)
		return;
	n = snprintf(line, sizeof(line) - 1, "%s: ", log_name);
	if (n < 0)
		return;
	name = (size_t)n;
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - 1 - (size_t)n, fmt, ap);
	va_end(ap);
	if (m < 0)
		return;
	n += m;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	for (int i = 0; i < n; i++) {
		unsigned char c = (unsigned char)line[i];

		if (c < 0x20 || c == 0x7f || (c >= 0x80 && c < 0xa0))
			line[i] = '?';
	}
	line[n] = '\0';
	if (level == LOG_LEVEL_ERR && name < (size_t)n)
		memcpy(last_error, line + name, (size_t)n - name + 1);
	line[n++] = '\n';
	/* Nobody is left to tell when stderr itself fails. */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}
