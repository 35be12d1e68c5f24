/* SPDX-License-Identifier: Apache-2.0 */
/* resolvconf: reads /etc/resolv.conf's text. Pure; runs in egress, once, before confinement. */
#include "netd/egress/resolvconf.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void parse_line(const char *p, const char *end, struct resolvconf *conf)
{
	static const char word[] = "nameserver";
	const size_t len = sizeof(word) - 1;
	char text[ADDR_STRLEN];
	size_t n = 0;

	if ((size_t)(end - p) <= len || memcmp(p, word, len) != 0 || !is_blank(p[len]))
		return;
	p += len;
	while (p < end && is_blank(*p))
		p++;
	while (p + n < end && !is_blank(p[n]))
		n++;
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
