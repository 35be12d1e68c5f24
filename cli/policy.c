/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: `sluice policy check FILE | print FILE | explain FILE SPEC | presets`. Runs as the caller, starts
 * nothing.
 *
 * Errors are one line, "sluice: FILE:LINE:COLUMN: what; what to do", status 125. explain returns what
 * policy_explain() does: 0 allowed, 1 denied, 2 bad SPEC. check --strict returns 1 after a warning.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/rules.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/policy/policy.h"
#include "lib/sibling.h"

enum { WARNED = 1, BAD_SPEC = 2 };

static void cleanup_policy_fn(struct policy **p)
{
	policy_free(*p);
}

#define cleanup_policy __attribute__((cleanup(cleanup_policy_fn)))

static int usage(FILE *f)
{
	fputs("usage: sluice policy check [--strict] FILE\n"
	      "       sluice policy print FILE\n"
	      "       sluice policy explain [--resolve] FILE [tcp://|udp://|icmp://]HOST[:PORTS]\n"
	      "       sluice policy presets\n"
	      "       sluice policy set NAME FILE [OPTION]...\n"
	      "FILE may be - for standard input. The language: sluice-policy(5).\n",
	      f);
	return f == stdout ? 0 : CLI_FAILED;
}

/* A full disk or a closed pipe must not look like success. */
static int flushed(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	log_err("cannot write the output: %s; check where it goes", strerror(errno));
	return CLI_FAILED;
}

static int check(const struct policy *p, const char *file, bool is_strict)
{
	size_t n = policy_count(p), warnings;

	printf("%s: OK, %zu rule%s%s\n", file, n, n == 1 ? "" : "s", n ? "" : ": nothing may leave");
	warnings = flushed(0) == 0 ? rules_warn(p, SIZE_MAX) : 0;
	if (ferror(stdout))
		return CLI_FAILED;
	return is_strict && warnings ? WARNED : 0;
}

static int print(const struct policy *p)
{
	cleanup_free char *text = policy_print(p, NULL);

	if (!text) {
		log_err("policy: out of memory; use a smaller policy");
		return CLI_FAILED;
	}
	fputs(text, stdout);
	return flushed(0);
}

static int explain(const struct policy *p, const char *spec, bool resolve)
{
	struct policy_error e;
	int status = policy_explain(p, spec, resolve, stdout, &e);

	if (status == BAD_SPEC)
		log_err("%s: %s", spec, e.text);
	return flushed(status);
}

static void print_preset(void *arg, const char *name, const char *about)
{
	(void)arg;
	printf("%-12s  %s\n", name, about);
}

static int presets(void)
{
	char dir[SIBLING_PATH_CAP];
	int r = sibling_dir("presets", dir);

	if (r == 0)
		r = policy_list_presets(dir, print_preset, NULL);
	if (r < 0) {
		log_err("policy: presets: %s; check the installation", strerror(-r));
		return CLI_FAILED;
	}
	return flushed(0);
}

/* verb FILE [SPEC], where the verb's option may stand in front. */
static const struct verb {
	const char *name, *option;
	int n_args;
} verbs[] = {
	{ "check", "--strict", 1 },
	{ "print", NULL, 1 },
	{ "explain", "--resolve", 2 },
	{ "presets", NULL, 0 },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

int cmd_policy(int argc, char **argv)
{
	cleanup_policy struct policy *p = NULL;
	const struct verb *v = find_verb(argc > 1 ? argv[1] : "");
	bool has_option = v && v->option && argc > 2 && strcmp(argv[2], v->option) == 0;
	char **args = argv + 2 + has_option;

	if (argc > 1 && strcmp(argv[1], "set") == 0)
		return cmd_policy_set(argc - 1, argv + 1);
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return usage(stdout);
	if (!v || argc != 2 + has_option + v->n_args)
		return usage(stderr);
	if (!v->n_args)
		return presets();
	p = rules_load(args[0]);
	if (!p)
		return CLI_FAILED;
	if (v->n_args == 2)
		return explain(p, args[1], has_option);
	return v->option ? check(p, args[0], has_option) : print(p);
}
