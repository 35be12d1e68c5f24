/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one line on stderr for people. Not the event log and not the packet log.
 *
 * A function either logs or returns an error, never both. A warning ends with what happens next
 * ("dropping", "ignoring"). Lines read "sluice-stack: text"; control bytes are replaced, so a
 * hostile string cannot steer a terminal.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

enum log_level {
	LOG_LEVEL_ERR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* name is borrowed for the life of the process. SLUICE_DEBUG=1 in the environment shows debug. */
void log_init(const char *name, enum log_level max);

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What the last error said, without the name; "" before any. */
const char *log_last_error(void);

#define log_err(...) log_write(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
