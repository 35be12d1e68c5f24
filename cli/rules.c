/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules: reads policies for run, attach and policy. Runs as the caller.
 *
 * Errors and warnings are one line each, "PLACE: what, why; what to do"; a place is a file with line and
 * column, a preset likewise, or an option.
 */
#include "cli/rules.h"

#include <errno.h>

#include "lib/log.h"
#include "lib/policy/policy.h"
#include "lib/sibling.h"

struct policy *rules_new(void)
{
	struct policy *p = policy_new();
	char dir[SIBLING_PATH_CAP];

	/* Without them, naming one is an error with its place. */
	if (p && sibling_dir("presets", dir) == 0 && policy_set_presets(p, dir) < 0) {
		policy_free(p);
		return NULL;
	}
	return p;
}

int rules_complain(const char *place, const struct policy_error *e, int err)
{
	if (err == -ENOMEM)
		log_err("%s: out of memory; use a smaller policy", place);
	else if (e->origin[0])
		log_err("%s:%u:%u: %s", e->origin, e->line, e->column, e->text);
	else if (e->line)
		log_err("%s:%u:%u: %s", place, e->line, e->column, e->text);
	else
		log_err("%s: %s", place, e->text);
	return -EINVAL;
}

struct policy *rules_load(const char *file)
{
	struct policy_error e = { 0 };
	struct policy *p = rules_new();
	int r = p ? policy_add_file(p, file, &e) : -ENOMEM;

	if (r == 0)
		r = policy_compile(p);
	if (r == 0)
		return p;
	rules_complain(file, &e, r);
	policy_free(p);
	return NULL;
}

struct teller {
	size_t max, told;
};

static void tell(void *arg, const struct policy_warning *w)
{
	struct teller *t = arg;

	if (t->told == t->max)
		return;
	t->told++;
	if (w->line)
		log_warn("%s:%u:%u: warning: %s", w->origin, w->line, w->column, w->text);
	else
		log_warn("%s: warning: %s", w->origin, w->text);
}

size_t rules_warn(const struct policy *p, size_t max)
{
	struct teller t = { .max = max };
	size_t n = policy_warn(p, tell, &t);

	if (n > t.told)
		log_warn("and %zu more of these warnings; sluice policy check tells them all", n - t.told);
	return n;
}
