/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ClientHello: what is read of it is a name as policy_name() would have it, or an address, and text for a
 * log; a message that is cut or has a byte more is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "stack/inspect/hello.h"

static void check(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static void check_name(const struct hello *h)
{
	size_t n = strlen(h->name);

	check(h->has_name == (n > 0) && n <= 253);
	for (size_t i = 0; i < n; i++) {
		char c = h->name[i];

		check((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		      c == ':' || c == '.');
		check(c != '.' || strchr(h->name, ':') || (i && i + 1 < n && h->name[i - 1] != '.'));
	}
}

static void check_text(const struct hello *h)
{
	char line[PROTO_DETAIL_CAP];

	hello_describe(h, line, sizeof(line));
	check(strncmp(line, "TLS", 3) == 0 || strncmp(line, "SSL3", 4) == 0);
	for (size_t i = 0; line[i]; i++)
		check(line[i] >= ' ' && line[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hello h, again;
	uint8_t *copy;

	if (hello_parse(data, size, &h) < 0)
		return 0;
	check(size <= HELLO_MAX && hello_size(data) == (int)size);
	check_name(&h);
	check_text(&h);
	check(hello_judge(&h, "ok.test") != DROP_NONE ||
	      (!h.has_ech && h.has_name && strcmp(h.name, "ok.test") == 0));
	check(hello_parse(data, size - 1, &again) < 0);
	copy = malloc(size + 1);
	check(copy != NULL);
	memcpy(copy, data, size);
	copy[size] = 0;
	check(hello_parse(copy, size + 1, &again) < 0);
	free(copy);
	return 0;
}
