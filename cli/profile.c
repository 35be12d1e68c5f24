/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile: `sluice profile check [--strict] FILE|NAME | print FILE|NAME | list`, and settings given to their options.
 * Runs as the caller, starts nothing.
 *
 * Errors are one line, "sluice: FILE:LINE:COLUMN: what; what to do", status 125. check --strict returns 1 after a
 * warning.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options_internal.h"
#include "cli/rules.h"
#include "cli/settings.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/policy/policy.h"
#include "lib/sibling.h"

enum { WARNED = 1 };

static int apply_policy(const struct settings *p, const struct setting *s, struct options *o)
{
	struct policy_error e = { 0 };
	const char *file = p->files[s->file];
	int r = policy_add_yaml(o->policy, s->value, strlen(s->value), file, &e);

	return r < 0 ? rules_complain(file, &e, r) : 0;
}

int settings_apply(const struct settings *p, size_t first, struct parser *to)
{
	const struct parser saved = *to;
	cleanup_free char *place = NULL;
	int r = 0;

	for (size_t i = first; r == 0 && i < p->n; i++) {
		const struct setting *s = &p->list[i];

		free(place);
		if (asprintf(&place, "%s:%u:%u", p->files[s->file], s->line, s->column) < 0) {
			place = NULL;
			return complain(to, "%s: out of memory; use fewer settings", saved.place);
		}
		to->place = place;
		to->in_file = true;
		to->opt = s->opt;
		to->name = s->opt->name;
		to->value = s->value;
		r = s->is_policy ? apply_policy(p, s, to->o) : s->opt->take(to);
	}
	*to = saved;
	return r;
}

int take_profile(struct parser *p)
{
	struct settings *profile = p->o->profile;
	char why[SETTINGS_WHY_CAP] = "";
	size_t n, n_files;
	int r;

	if (!profile)
		profile = p->o->profile = calloc(1, sizeof(*profile));
	n = profile ? profile->n : 0;
	n_files = profile ? profile->n_files : 0;
	r = profile ? settings_add(profile, p->value, why) : -ENOMEM;
	if (r < 0)
		return complain(p, "%s", r == -ENOMEM ? "out of memory; use a smaller profile" : why);
	for (; r == 0 && n_files < profile->n_files; n_files++)
		r = options_add_file(p, profile->files[n_files]);
	return r < 0 ? r : settings_apply(profile, n, p);
}

static int usage(FILE *f)
{
	fputs("usage: sluice profile check [--strict] FILE|NAME\n"
	      "       sluice profile print FILE|NAME\n"
	      "       sluice profile list\n"
	      "Looks at options that are kept in files, see sluice-profile(5), without starting anything. NAME is a\n"
	      "profile that comes with sluice; the name of a FILE has a '/' or a '.' in it.\n",
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

static int check(const char *name, bool is_strict)
{
	char *argv[] = { "run", "--profile", (char *)(uintptr_t)name, "--", "true", NULL };
	struct options o;
	int status = CLI_FAILED;

	if (options_parse(&o, OPTIONS_RUN, 5, argv) == 0) {
		printf("%s: OK, %zu setting%s\n", name, o.profile->n, o.profile->n == 1 ? "" : "s");
		status = flushed(is_strict && o.n_warnings ? WARNED : 0);
	}
	options_done(&o);
	return status;
}

static int print(const char *name)
{
	struct settings p = { 0 };
	char why[SETTINGS_WHY_CAP] = "";
	int r = settings_add(&p, name, why);
	cleanup_free char *text = r < 0 ? NULL : settings_print(&p);

	settings_done(&p);
	if (!text) {
		log_err("%s", r == -EINVAL ? why : "profile: out of memory; use a smaller profile");
		return CLI_FAILED;
	}
	fputs(text, stdout);
	return flushed(0);
}

static void print_about(void *arg, const char *name, const char *about)
{
	(void)arg;
	printf("%-12s  %s\n", name, about);
}

static int list(void)
{
	char dir[SIBLING_PATH_CAP];
	int r = sibling_dir("profiles", dir);

	if (r == 0)
		r = policy_list_presets(dir, print_about, NULL);
	if (r < 0) {
		log_err("profile: list: %s; check the installation", strerror(-r));
		return CLI_FAILED;
	}
	return flushed(0);
}

int cmd_profile(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	bool is_strict = argc > 2 && strcmp(argv[2], "--strict") == 0;

	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0)
		return usage(stdout);
	if (strcmp(verb, "check") == 0 && argc == 3 + is_strict)
		return check(argv[2 + is_strict], is_strict);
	if (strcmp(verb, "print") == 0 && argc == 3)
		return print(argv[2]);
	if (strcmp(verb, "list") == 0 && argc == 2)
		return list();
	return usage(stderr);
}
