/* SPDX-License-Identifier: Apache-2.0 */
/* resolvconf: reads /etc/resolv.conf's text. Pure; runs in egress, once, before confinement. */
#include "netd/egress/resolvconf.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line; 0 at its end. */
static size_t next_word(const char **p, const char *end)
{
	size_t n = 0;

	while (*p < end && is_blank(**p))
		*p += 1;
	while (*p + n < end && !is_blank((*p)[n]))
		n++;
	return n;
}

static bool is_word(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(p, word, n) == 0;
}

static void parse_server(const char *p, const char *end, struct resolvconf *conf)
{
	size_t n = next_word(&p, end);
	char text[ADDR_STRLEN];

	if (n == 0 || conf->n == RESOLVCONF_SERVERS_MAX)
		return;
	if (n < sizeof(text)) {
		memcpy(text, p, n);
		text[n] = '\0';
		if (strlen(text) == n && addr_parse(text, &conf->servers[conf->n]) == 0) {
			conf->n++;
			return;
		}
	}
	if (conf->skipped < UINT8_MAX)
		conf->skipped++;
}

/* "timeout:3": a number of at most two digits, as larger ones mean the same here. */
static void parse_number(const char *p, size_t n, const char *key, uint8_t *ret_n)
{
	size_t len = strlen(key);
	uint8_t v = 0;

	if (n <= len || n > len + 2 || memcmp(p, key, len) != 0)
		return;
	for (p += len, n -= len; n; p++, n--) {
		if (*p < '0' || *p > '9')
			return;
		v = (uint8_t)(v * 10 + *p - '0');
	}
	*ret_n = v;
}

static void parse_options(const char *p, const char *end, struct resolvconf *conf)
{
	size_t n;

	for (; (n = next_word(&p, end)); p += n) {
		parse_number(p, n, "timeout:", &conf->timeout_s);
		parse_number(p, n, "attempts:", &conf->attempts);
		conf->rotate |= is_word(p, n, "rotate");
		conf->use_vc |= is_word(p, n, "use-vc");
	}
}

static void parse_line(const char *p, const char *end, struct resolvconf *conf)
{
	size_t n;

	/* Keywords stand at the beginning of the line. */
	if (p == end || is_blank(*p))
		return;
	n = next_word(&p, end);
	if (is_word(p, n, "nameserver"))
		parse_server(p + n, end, conf);
	else if (is_word(p, n, "options"))
		parse_options(p + n, end, conf);
}

void resolvconf_parse(const char *text, size_t len, struct resolvconf *ret_conf)
{
	const char *p = text, *end = text + len;

	memset(ret_conf, 0, sizeof(*ret_conf));
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		parse_line(p, nl ? nl : end, ret_conf);
		p = nl ? nl + 1 : end;
	}
	if (ret_conf->n == 0)
		ret_conf->servers[ret_conf->n++] = addr_from_v4((const uint8_t[]){ 127, 0, 0, 1 });
}
