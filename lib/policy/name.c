/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name: the one normal form in which names are compared: lower case, A-labels, no trailing dot.
 *
 * In: text from a policy, a command line or a sandbox. Out: 1..253 bytes of [a-z0-9_.-].
 * Plain ASCII labels never reach libidn2, which would refuse some that exist ("r3---sn-a" has
 * hyphens in places 3 and 4). Labels go through UTS #46, non-transitional, one by one: whatever
 * would turn into a dot or another separator inside a label is refused instead of splitting it.
 * A-labels are decoded and encoded again, so that each name has one spelling only.
 */
#include "lib/policy/policy_internal.h"

#include <errno.h>
#include <idn2.h>
#include <string.h>

enum {
	NAME_MAX_LEN = 253,	/* RFC 1035 s. 2.3.4, without length bytes and root */
	LABEL_MAX_LEN = 63,
	NAME_TEXT_MAX = 1024,	/* UTF-8 of a name that can still fit */
};

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_ascii(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] & 0x80)
			return false;
	}
	return true;
}

/* Bytes that a dot takes at s: 1 for ".", 3 for the ideographic ones of UTS #46 s. 2.3, else 0. */
static size_t dot_at(const char *s, size_t left)
{
	static const char *const wide[] = { "\xe3\x80\x82", "\xef\xbc\x8e", "\xef\xbd\xa1" };

	if (left && *s == '.')
		return 1;
	for (size_t i = 0; left >= 3 && i < 3; i++) {
		if (memcmp(s, wide[i], 3) == 0)
			return 3;
	}
	return 0;
}

/* Lower case and checked: out has LABEL_MAX_LEN bytes of room and need not be another buffer. */
static int label_ascii(const char *in, size_t n, char *out, const char **ret_why)
{
	if (n > LABEL_MAX_LEN) {
		*ret_why = "a part between dots is longer than 63 bytes";
		return -EINVAL;
	}
	for (size_t i = 0; i < n; i++) {
		char c = in[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!is_name_byte(c)) {
			*ret_why = "only letters, digits, - and _ may stand between dots";
			return -EINVAL;
		}
		out[i] = c;
	}
	return (int)n;
}

/* An A-label must decode to something that encodes back to the very same A-label (RFC 5891 s. 5.4). */
static bool alabel_is_valid(const char *alabel)
{
	char *u = NULL, *a = NULL;
	bool ok = idn2_to_unicode_8z8z(alabel, &u, IDN2_NONTRANSITIONAL) == IDN2_OK &&
		  !is_ascii(u, strlen(u)) &&
		  idn2_lookup_u8((const uint8_t *)u, (uint8_t **)&a, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) ==
			  IDN2_OK &&
		  strcmp(a, alabel) == 0;

	idn2_free(u);
	idn2_free(a);
	return ok;
}

static int label_idn(const char *in, size_t n, char *out, const char **ret_why)
{
	char text[NAME_TEXT_MAX + 1], *a = NULL;
	int len;

	memcpy(text, in, n);
	text[n] = '\0';
	*ret_why = "not a valid international name (IDNA 2008)";
	if (idn2_lookup_u8((const uint8_t *)text, (uint8_t **)&a, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
	    IDN2_OK)
		return -EINVAL;
	len = label_ascii(a, strlen(a), out, ret_why);
	idn2_free(a);
	return len;
}

/* Length of the label in out (1..63), or -EINVAL. */
static int label_normalise(const char *in, size_t n, char *out, const char **ret_why)
{
	char alabel[LABEL_MAX_LEN + 1];
	int len;

	if (is_ascii(in, n))
		len = label_ascii(in, n, out, ret_why);
	else
		len = label_idn(in, n, out, ret_why);
	if (len == 0) {
		*ret_why = "nothing stands between two dots";
		return -EINVAL;
	}
	if (len < 4 || memcmp(out, "xn--", 4) != 0)
		return len;
	memcpy(alabel, out, (size_t)len);
	alabel[len] = '\0';
	if (!alabel_is_valid(alabel)) {
		*ret_why = "a part that starts with xn-- is not valid IDNA 2008";
		return -EINVAL;
	}
	return len;
}

bool name_ends_in_number(const char *name, size_t len)
{
	size_t from = len, i;

	while (from && name[from - 1] != '.')
		from--;
	if (from == len)
		return false;
	if (len - from >= 2 && name[from] == '0' && (name[from + 1] == 'x' || name[from + 1] == 'X')) {
		for (i = from + 2; i < len; i++) {
			if (!strchr("0123456789abcdefABCDEF", name[i]))
				return false;
		}
		return true;
	}
	for (i = from; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
	}
	return true;
}

int name_normalise(const char *text, size_t len, char *buf, const char **ret_why)
{
	size_t out = 0, at = 0;
	int n;

	*ret_why = "it is empty";
	if (!len)
		return -EINVAL;
	*ret_why = "it is longer than 253 bytes";
	if (len > NAME_TEXT_MAX)
		return -EINVAL;
	*ret_why = "it holds a NUL byte";
	if (memchr(text, '\0', len))
		return -EINVAL;
	while (at < len) {
		char label[LABEL_MAX_LEN];
		size_t end = at, dot = 0;

		while (end < len && !(dot = dot_at(text + end, len - end)))
			end++;
		n = label_normalise(text + at, end - at, label, ret_why);
		if (n < 0)
			return n;
		if (out + (out > 0) + (size_t)n > NAME_MAX_LEN) {
			*ret_why = "it is longer than 253 bytes";
			return -EINVAL;
		}
		if (out)
			buf[out++] = '.';
		memcpy(buf + out, label, (size_t)n);
		out += (size_t)n;
		at = end + dot;
	}
	buf[out] = '\0';
	/* RFC 3696 s. 2: no such top-level name exists, but resolvers read "127.1" as an address. */
	if (name_ends_in_number(buf, out)) {
		*ret_why = "a name cannot end in a number, and it is no whole address";
		return -EINVAL;
	}
	return 0;
}

int policy_name(const char *text, char *buf)
{
	char tmp[PROTO_NAME_CAP];
	const char *why;
	int r = name_normalise(text, strnlen(text, NAME_TEXT_MAX + 1), tmp, &why);

	if (r < 0)
		return r;
	memcpy(buf, tmp, strlen(tmp) + 1);
	return 0;
}

bool name_is_normal(const char *name)
{
	size_t label = 0, i;

	for (i = 0; name[i]; i++) {
		if (i >= NAME_MAX_LEN)
			return false;
		if (name[i] == '.') {
			if (!label)
				return false;
			label = 0;
		} else if (!is_name_byte(name[i]) || ++label > LABEL_MAX_LEN) {
			return false;
		}
	}
	return label > 0 && !name_ends_in_number(name, i);
}
