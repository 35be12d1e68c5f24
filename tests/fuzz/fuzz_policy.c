/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_policy: arbitrary bytes as a policy file, as a SPEC and as a name.
 *
 * What parses must print to a text that parses and prints to itself, with as many rules; a SPEC that
 * is taken must be explained; a name must be its own normal form; --allow of what policy_spec_for()
 * says must let it out when nothing denies it.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

#define MUST(cond)                                                                                  \
	do {                                                                                        \
		if (!(cond)) {                                                                      \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                  \
			abort();                                                                    \
		}                                                                                   \
	} while (0)

static char *must_print(const struct policy *p, size_t *ret_len)
{
	char *text = policy_print(p, ret_len);

	MUST(text);
	return text;
}

/* p is taken. */
static void check_fixed_point(struct policy *p)
{
	struct policy *again = policy_new();
	struct policy_error e;
	size_t n1, n2;
	char *t1 = must_print(p, &n1), *t2;

	MUST(again);
	if (policy_add_yaml(again, t1, n1, "again", &e) != 0) {
		fprintf(stderr, "%u:%u: %s\n%s", e.line, e.column, e.text, t1);
		abort();
	}
	MUST(policy_count(again) == policy_count(p));
	t2 = must_print(again, &n2);
	MUST(n1 == n2 && memcmp(t1, t2, n1) == 0);
	MUST(policy_compile(p) == 0 && policy_compile(again) == 0);
	free(t1);
	free(t2);
	policy_free(p);
	policy_free(again);
}

static void ignore(void *arg, const struct policy_warning *w)
{
	(void)arg;
	MUST(w->text[0] && !strchr(w->text, '\n') && w->line && w->column);
}

static void check_yaml(const uint8_t *buf, size_t len)
{
	struct policy *p = policy_new();
	struct policy_error e;

	MUST(p);
	/* Presets are off, as in egress. */
	if (policy_add_yaml(p, (const char *)buf, len, "fuzz", &e) == 0) {
		policy_warn(p, ignore, NULL);
		check_fixed_point(p);
		return;
	}
	MUST(e.text[0] && !strchr(e.text, '\n'));
	MUST(policy_count(p) == 0);
	policy_free(p);
}

static void check_name(const char *text)
{
	char name[PROTO_NAME_CAP], twice[PROTO_NAME_CAP], spec[PROTO_NAME_CAP + 32];
	struct policy *p;
	struct policy_error e;

	if (policy_name(text, name) != 0)
		return;
	MUST(policy_name(name, twice) == 0 && strcmp(name, twice) == 0);
	p = policy_new();
	MUST(p);
	policy_spec_for(name, IPPROTO_UDP, 53, spec, sizeof(spec));
	MUST(policy_add_spec(p, true, spec, &e) == 0 && policy_compile(p) == 0);
	MUST(policy_judge_name(p, name, IPPROTO_UDP, 53).allow);
	MUST(!policy_judge_name(p, name, IPPROTO_TCP, 53).allow);
	MUST(policy_judge_lookup(p, name).allow);
	policy_free(p);
}

static void check_spec(const char *text, FILE *out)
{
	struct policy *p = policy_new();
	struct policy_error e;

	MUST(p);
	if (policy_add_spec(p, true, text, &e) == 0) {
		MUST(policy_compile(p) == 0);
		/* 2 for what stands for many destinations; else its own rule must let it out. */
		MUST(policy_explain(p, text, false, out, &e) != 1);
		check_fixed_point(p);
		return;
	}
	MUST(e.text[0] && !strchr(e.text, '\n'));
	policy_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static FILE *out;
	char *text = malloc(len + 1);

	if (!out)
		out = fopen("/dev/null", "w");
	MUST(text && out);
	memcpy(text, buf, len);
	text[len] = '\0';
	check_yaml(buf, len);
	check_name(text);
	check_spec(text, out);
	free(text);
	return 0;
}
