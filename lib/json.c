/* SPDX-License-Identifier: Apache-2.0 */
/* json: a bounded writer of JSON text (RFC 8259). */
#include "lib/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put(struct json *j, const char *s, size_t n)
{
	/* One byte stays free for the final NUL. */
	if (j->full || n >= j->cap - j->len) {
		j->full = true;
		return;
	}
	memcpy(j->buf + j->len, s, n);
	j->len += n;
}

/* Length of the valid UTF-8 sequence at s (RFC 3629 s. 4), or 0. */
static size_t utf8_len(const uint8_t *s, size_t left)
{
	size_t n;
	uint8_t lo = 0x80, hi = 0xbf;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (left < n)
		return 0;
	if (s[0] == 0xe0)
		lo = 0xa0;
	else if (s[0] == 0xed)
		hi = 0x9f;
	else if (s[0] == 0xf0)
		lo = 0x90;
	else if (s[0] == 0xf4)
		hi = 0x8f;
	if (s[1] < lo || s[1] > hi)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	}
	return n;
}

/* How many bytes from s on stand for themselves. */
static size_t plain_len(const uint8_t *s, size_t left)
{
	size_t n = 0;

	while (n < left && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

static void put_string(struct json *j, const char *value, size_t len)
{
	const uint8_t *s = (const uint8_t *)value;
	char esc[8];

	put(j, "\"", 1);
	for (size_t i = 0; i < len;) {
		size_t n = plain_len(s + i, len - i);

		put(j, (const char *)s + i, n);
		i += n;
		if (i == len)
			break;
		n = utf8_len(s + i, len - i);
		if (n == 0) {
			put(j, "\xef\xbf\xbd", 3);
			i++;
		} else if (s[i] == '"' || s[i] == '\\') {
			esc[0] = '\\';
			esc[1] = (char)s[i];
			put(j, esc, 2);
			i++;
		} else if (s[i] < 0x20 || s[i] == 0x7f) {
			snprintf(esc, sizeof(esc), "\\u%04x", s[i]);
			put(j, esc, 6);
			i++;
		} else {
			put(j, (const char *)s + i, n);
			i += n;
		}
	}
	put(j, "\"", 1);
}

static void lead(struct json *j, const char *key)
{
	if (j->comma)
		put(j, ",", 1);
	if (key) {
		put_string(j, key, strlen(key));
		put(j, ":", 1);
	}
	j->comma = true;
}

void json_init(struct json *j, char *buf, size_t cap)
{
	*j = (struct json){ .buf = buf, .cap = cap };
}

void json_object_start(struct json *j, const char *key)
{
	lead(j, key);
	put(j, "{", 1);
	j->comma = false;
}

void json_object_end(struct json *j)
{
	put(j, "}", 1);
	j->comma = true;
}

void json_array_start(struct json *j, const char *key)
{
	lead(j, key);
	put(j, "[", 1);
	j->comma = false;
}

void json_array_end(struct json *j)
{
	put(j, "]", 1);
	j->comma = true;
}

void json_strn(struct json *j, const char *key, const char *value, size_t len)
{
	lead(j, key);
	put_string(j, value, len);
}

void json_str(struct json *j, const char *key, const char *value)
{
	json_strn(j, key, value, strlen(value));
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
	char t[24];
	int n = snprintf(t, sizeof(t), "%" PRIu64, value);

	lead(j, key);
	put(j, t, (size_t)n);
}

void json_i64(struct json *j, const char *key, int64_t value)
{
	char t[24];
	int n = snprintf(t, sizeof(t), "%" PRId64, value);

	lead(j, key);
	put(j, t, (size_t)n);
}

void json_bool(struct json *j, const char *key, bool value)
{
	lead(j, key);
	put(j, value ? "true" : "false", value ? 4 : 5);
}

ssize_t json_finish(struct json *j)
{
	if (j->full || j->cap == 0)
		return -ENOSPC;
	j->buf[j->len] = '\0';
	return (ssize_t)j->len;
}
