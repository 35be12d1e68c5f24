/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: writes one JSON value into the caller's buffer; no allocation, no reading.
 *
 * Overflow is remembered, not reported per call: json_finish() returns -ENOSPC then. Strings may
 * hold any bytes; what is not valid UTF-8 is written as U+FFFD, control bytes are escaped.
 */
#ifndef LIB_JSON_H
#define LIB_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct json {
	char *buf;
	size_t cap;
	size_t len;
	bool comma;		/* the next member needs a comma first */
	bool full;
};

void json_init(struct json *j, char *buf, size_t cap);
/* key is NULL inside an array and for the outermost value. */
void json_object_start(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array_start(struct json *j, const char *key);
void json_array_end(struct json *j);
void json_str(struct json *j, const char *key, const char *value);
void json_strn(struct json *j, const char *key, const char *value, size_t len);
void json_u64(struct json *j, const char *key, uint64_t value);
void json_i64(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
/* Length of the text (a NUL follows it), or -ENOSPC. */
ssize_t json_finish(struct json *j);

#endif
