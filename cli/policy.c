/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: `sluice policy check FILE | print FILE | explain FILE SPEC`. Runs as the caller, starts nothing.
 *
 * Errors are one line, "sluice: FILE:LINE:COLUMN: what; what to do", status 125. explain returns what
 * policy_explain() does: 0 allowed, 1 denied, 2 bad SPEC.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "lib/cleanup.h"
#include "lib/policy/policy.h"

enum { BAD_SPEC = 2 };

static void cleanup_policy_fn(struct policy **p)
{
	policy_free(*p);
}

#define cleanup_policy __attribute__((cleanup(cleanup_policy_fn)))

static int usage(FILE *f)
{
	fputs("usage: sluice policy check FILE\n"
	      "       sluice policy print FILE\n"
	      "       sluice policy explain FILE [tcp://|udp://|icmp://]HOST[:PORTS]\n"
	      "FILE may be - for standard input. The language: sluice-policy(5).\n",
	      f);
	return f == stdout ? 0 : CLI_FAILED;
}

/* A loaded and compiled policy, or NULL with the error told. */
static struct policy *load(const char *file)
{
	struct policy *p = policy_new();
	struct policy_error e;
	int r = p ? policy_add_file(p, file, &e) : -ENOMEM;

	if (r == 0)
		r = policy_compile(p);
	if (r == 0)
		return p;
	if (!p || r == -ENOMEM)
		fprintf(stderr, "sluice: %s: out of memory; use a smaller policy\n", file);
	else if (e.line)
		fprintf(stderr, "sluice: %s:%u:%u: %s\n", file, e.line, e.column, e.text);
	else
		fprintf(stderr, "sluice: %s: %s\n", file, e.text);
	policy_free(p);
	return NULL;
}

/* A full disk or a closed pipe must not look like success. */
static int flushed(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "sluice: cannot write the output: %s; check where it goes\n", strerror(errno));
	return CLI_FAILED;
}

static int check(const struct policy *p, const char *file)
{
	size_t n = policy_count(p);

	printf("%s: OK, %zu rule%s%s\n", file, n, n == 1 ? "" : "s", n ? "" : ": nothing may leave");
	return flushed(0);
}

static int print(const struct policy *p)
{
	cleanup_free char *text = policy_print(p, NULL);

	if (!text) {
		fputs("sluice: out of memory; use a smaller policy\n", stderr);
		return CLI_FAILED;
	}
	fputs(text, stdout);
	return flushed(0);
}

static int explain(const struct policy *p, const char *spec)
{
	struct policy_error e;
	int status = policy_explain(p, spec, stdout, &e);

	if (status == BAD_SPEC)
		fprintf(stderr, "sluice: %s: %s\n", spec, e.text);
	return flushed(status);
}

int cmd_policy(int argc, char **argv)
{
	cleanup_policy struct policy *p = NULL;
	const char *verb = argc > 1 ? argv[1] : "";
	bool wants_spec = strcmp(verb, "explain") == 0;

	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0)
		return usage(stdout);
	if (strcmp(verb, "check") != 0 && strcmp(verb, "print") != 0 && !wants_spec)
		return usage(stderr);
	if (argc != (wants_spec ? 4 : 3))
		return usage(stderr);
	p = load(argv[2]);
	if (!p)
		return CLI_FAILED;
	if (wants_spec)
		return explain(p, argv[3]);
	return strcmp(verb, "check") == 0 ? check(p, argv[2]) : print(p);
}
