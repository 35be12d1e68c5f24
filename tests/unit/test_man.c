/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents against the code: every drop reason with number, word and sentence, every option of run
 * and attach, every example of a policy, every function that HACKING.md walks through. TOP is set by
 * the build.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/drop.h"
#include "cli/audit/layers.h"
#include "lib/policy/policy.h"

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f)
		fail_msg("cannot open %s", path);
	n = getdelim(&text, &cap, '\0', f);
	assert_true(n > 0);
	fclose(f);
	return text;
}

static void test_reasons(void **state)
{
	static const struct {
		unsigned int num;
		const char *word, *text;
	} t[] = {
#define X(num, name, word, text) { num, word, text },
		DROP_REASONS(X)
#undef X
	};
	char *page = slurp(TOP "/man/sluice.1"), *at = page;
	size_t n_lines = 0, n_reasons = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char line[256];

		snprintf(line, sizeof(line), "\n.It %u Ta %s Ta %s\n", t[i].num, t[i].word, t[i].text);
		if (!t[i].num || strncmp(t[i].word, "unused", 6) == 0)
			continue;
		n_reasons++;
		if (!strstr(page, line))
			fail_msg("man/sluice.1 has not the line \"%.*s\"", (int)strlen(line) - 2, line + 1);
	}
	for (; (at = strstr(at, "\n.It ")); at += 5)
		n_lines += at[5] >= '0' && at[5] <= '9' && strncmp(at + 5 + strspn(at + 5, "0123456789"), " Ta", 3) == 0;
	assert_int_equal(n_lines, n_reasons);
	free(page);
}

/* What sluice audit counts, with its weights. */
static void test_layers(void **state)
{
	static const char *const t[] = {
#define X(name, word, weight, text) "\n.It " word " Ta " #weight " Ta " text "\n",
		AUDIT_LAYERS(X)
#undef X
	};
	char *page = slurp(TOP "/man/sluice.1"), *at = page;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (!strstr(page, t[i]))
			fail_msg("man/sluice.1 has not the line \"%.*s\"", (int)strlen(t[i]) - 2, t[i] + 1);
	}
	at = strstr(page, "\nThe layers and their weights:\n");
	assert_non_null(at);
	for (const char *end = strstr(at, "\n.El\n"); (at = strstr(at, "\n.It ")) && at < end; at++)
		n++;
	assert_int_equal(n, LAYER_COUNT);
	free(page);
}

static void test_options(void **state)
{
	char *page = slurp(TOP "/man/sluice.1"), *code = slurp(TOP "/cli/options.c"), *at = code;
	int n = 0;

	(void)state;
	for (; (at = strstr(at, "\t{ \"--")); at++) {
		char item[64];
		int len = (int)strcspn(at + 6, "\"");

		snprintf(item, sizeof(item), "\n.It Fl -%.*s", len, at + 6);
		if (!strstr(page, item))
			fail_msg("man/sluice.1 has not the option --%.*s", len, at + 6);
		n++;
	}
	assert_true(n > 10);
	free(page);
	free(code);
}

/* Every literal block of sluice-policy.5 that starts like a policy must be one. */
static void test_examples(void **state)
{
	char *page = slurp(TOP "/man/sluice-policy.5"), *at = page;
	int n = 0;

	(void)state;
	while ((at = strstr(at, "\nversion: 1\n"))) {
		char *end = strstr(++at, ".Ed\n");
		struct policy *p = policy_new();
		struct policy_error e;

		assert_non_null(end);
		assert_int_equal(policy_set_presets(p, TOP "/presets"), 0);
		if (policy_add_yaml(p, at, (size_t)(end - at), "example", &e) != 0)
			fail_msg("example %d, line %u: %s", n + 1, e.line, e.text);
		policy_free(p);
		at = end;
		n++;
	}
	assert_int_equal(n, 5);
	free(page);
}

/* Reads the next `text` of a line into buf; the place after it, or NULL. */
static const char *next_code(const char *at, const char *end, char *buf, size_t cap)
{
	const char *from = memchr(at, '`', (size_t)(end - at)), *to;

	if (!from)
		return NULL;
	to = memchr(from + 1, '`', (size_t)(end - from - 1));
	if (!to || (size_t)(to - from) > cap)
		return NULL;
	memcpy(buf, from + 1, (size_t)(to - from - 1));
	buf[to - from - 1] = '\0';
	return to + 1;
}

/* | `file` | `function()`, `function()` | text, in which functions are somebody else's | */
static void test_walk(void **state)
{
	char *page = slurp(TOP "/HACKING.md");
	int n = 0;

	(void)state;
	for (const char *line = page; (line = strstr(line, "\n| `"));) {
		char file[128], path[512], name[128];
		const char *at, *cell;
		char *code;

		line++;
		at = next_code(line, line + strcspn(line, "\n"), file, sizeof(file));
		assert_non_null(at);
		snprintf(path, sizeof(path), "%s/%s", TOP, file);
		code = slurp(path);
		at += strspn(at, " |");
		cell = at + strcspn(at, "|");
		while ((at = next_code(at, cell, name, sizeof(name) - 1))) {
			name[strcspn(name, ")")] = '\0';
			if (!strstr(code, name))
				fail_msg("HACKING.md: %s has no %s)", file, name);
			n++;
		}
		free(code);
	}
	assert_true(n > 40);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_walk),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
