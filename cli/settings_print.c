/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings_print: settings as the one text that says what they say: no include, no variable, every option once, in
 * the order of the table, every value in quotes, every policy in its own canonical form.
 *
 *	version: 1
 *	policy:
 *	  - version: 1
 *	    egress: []
 *	ro-bind:
 *	  - "/usr/share/dict"
 *	memory: "512M"
 */
#include "cli/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options_internal.h"
#include "cli/rules.h"
#include "lib/cleanup.h"
#include "lib/policy/policy.h"

/* The character at *c, which is valid UTF-8; steps behind it. */
static unsigned int next_char(const char **c)
{
	const unsigned char *b = (const unsigned char *)*c;
	unsigned int n = *b < 0x80 ? 0 : *b < 0xe0 ? 1 : *b < 0xf0 ? 2 : 3;
	unsigned int u = n ? *b & (0x3fu >> n) : *b;

	for (unsigned int i = 1; i <= n; i++)
		u = u << 6 | (b[i] & 0x3f);
	*c += n + 1;
	return u;
}

/* Would a reader of YAML take this character for anything else than itself? */
static bool is_plain(unsigned int u)
{
	return (u >= 0x20 && u < 0x7f && u != '"' && u != '\\') || (u >= 0xa0 && u < 0xd800 && u != 0x2028 && u != 0x2029) ||
	       (u >= 0xe000 && u < 0xfffe && u != 0xfeff) || u >= 0x10000;
}

static void print_quoted(FILE *f, const char *s)
{
	fputc('"', f);
	while (*s) {
		const char *start = s;
		unsigned int u = next_char(&s);

		if (u == '$' && *s == '{')
			fputs("$$", f);
		else if (is_plain(u))
			fwrite(start, (size_t)(s - start), 1, f);
		else
			fprintf(f, "\\U%08X", u);
	}
	fputc('"', f);
}

/* Within a list: "  - " in front of the first line, as many blanks in front of the others. */
static int print_policy(FILE *f, const char *text)
{
	struct policy *p = rules_new();
	struct policy_error e;
	cleanup_free char *canonical = NULL;

	if (p && policy_add_yaml(p, text, strlen(text), "", &e) == 0)
		canonical = policy_print(p, NULL);
	policy_free(p);
	if (!canonical)
		return -1;
	for (char *line = canonical, *next; *line; line = next) {
		next = line + strcspn(line, "\n");
		next += *next == '\n';
		fprintf(f, "%s%.*s", line == canonical ? "  - " : "    ", (int)(next - line), line);
	}
	return 0;
}

/* Where a mount goes: SOURCE[:[PLACE][:OPTIONS]], or PLACE[:OPTIONS], or PLACE=TEXT. */
static const char *place_of(const struct setting *s)
{
	const char *colon = s->opt->traits & OPTION_FIRST ? NULL : strchr(s->value, ':');

	return colon && colon[1] && colon[1] != ':' ? colon + 1 : s->value;
}

static bool is_same_place(const char *a, const char *b)
{
	for (;;) {
		size_t n, m;

		a += strspn(a, "/");
		b += strspn(b, "/");
		n = strcspn(a, "/:=");
		m = strcspn(b, "/:=");
		if (n != m || memcmp(a, b, n) != 0)
			return false;
		if (!n)
			return true;
		a += n;
		b += m;
	}
}

/* Does a later setting take the place of this one? */
static bool is_overridden(const struct settings *p, size_t at)
{
	const struct setting *s = &p->list[at];

	for (size_t i = at + 1; i < p->n; i++) {
		const struct setting *t = &p->list[i];

		if (s->opt == t->opt && !(s->opt->traits & OPTION_MANY))
			return true;
		if ((s->opt->traits & OPTION_PLACE) && (t->opt->traits & OPTION_PLACE) &&
		    is_same_place(place_of(s), place_of(t)))
			return true;
	}
	return false;
}

static int print_option(FILE *f, const struct settings *p, const struct option *opt)
{
	bool is_list = opt->traits & OPTION_MANY, started = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n; i++) {
		const struct setting *s = &p->list[i];

		if (s->opt != opt || is_overridden(p, i))
			continue;
		if (!started)
			fprintf(f, "%s:%s", opt->name + 2, is_list ? "\n" : " ");
		started = true;
		if (s->is_policy) {
			r = print_policy(f, s->value);
			continue;
		}
		if (is_list)
			fputs("  - ", f);
		if (opt->value)
			print_quoted(f, s->value);
		else
			fputs(s->value, f);
		fputc('\n', f);
	}
	return r;
}

char *settings_print(const struct settings *p)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int r = 0;

	if (!f)
		return NULL;
	fputs("version: 1\n", f);
	for (const struct option *o = options_list; r == 0 && o < options_list + options_count; o++)
		r = print_option(f, p, o);
	if (ferror(f))
		r = -1;
	if (fclose(f) != 0 || r < 0) {
		free(text);
		return NULL;
	}
	return text;
}
