/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env: the program's environment. Settings that make package managers fail fast; a short list of names
 * that say nothing secret, or all of the caller's when asked for; what the jail itself decides (HOME, USER, PATH) goes over both, and what
 * the plan names goes over everything.
 */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct env {
	char **list;
	size_t n, cap;
};

static void __attribute__((noreturn)) out_of_memory(const struct jail_setup *s)
{
	jail_fail(s, -ENOMEM, "out of memory while the environment is built");
}

/* text is borrowed for good. A name that is already there is replaced. */
static void env_put(const struct jail_setup *s, struct env *e, char *text)
{
	size_t len = strcspn(text, "=") + 1;

	for (size_t i = 0; i < e->n; i++) {
		if (!strncmp(e->list[i], text, len)) {
			e->list[i] = text;
			return;
		}
	}
	if (e->n + 1 >= e->cap) {
		e->cap = e->cap ? e->cap * 2 : 64;
		e->list = realloc(e->list, e->cap * sizeof(*e->list));
		if (!e->list)
			out_of_memory(s);
	}
	e->list[e->n++] = text;
	e->list[e->n] = NULL;
}

static void env_set(const struct jail_setup *s, struct env *e, const char *name, const char *value)
{
	char *text;

	if (asprintf(&text, "%s=%s", name, value) < 0)
		out_of_memory(s);
	env_put(s, e, text);
}

static bool is_safe(const char *text)
{
	static const char *const names[] = { "TERM=", "COLORTERM=", "NO_COLOR=", "LANG=", "LANGUAGE=",
		"LC_", "TZ=" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strncmp(text, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

/*
 * A refusal is final, but these clients take any failure of TLS for a passing one, and try again for
 * 70 and 8 seconds. They still try again, quickly.
 */
static const char *const fast_failures[][2] = {
	{ "npm_config_fetch_retry_mintimeout", "100" },		/* milliseconds */
	{ "npm_config_fetch_retry_maxtimeout", "200" },
	{ "PIP_RETRIES", "1" },
};

char **env_build(const struct jail_setup *s)
{
	struct env e = { NULL, 0, 0 };

	env_set(s, &e, "PATH", JAIL_PATH);
	for (size_t i = 0; i < sizeof(fast_failures) / sizeof(fast_failures[0]); i++)
		env_set(s, &e, fast_failures[i][0], fast_failures[i][1]);
	for (char **v = environ; v && *v; v++) {
		if (strchr(*v, '=') && (s->plan->keep_env || is_safe(*v)))
			env_put(s, &e, *v);
	}
	env_set(s, &e, "HOME", s->home);
	env_set(s, &e, "USER", s->user);
	env_set(s, &e, "LOGNAME", s->user);
	env_set(s, &e, "PWD", s->cwd ? s->cwd : "/");
	for (size_t i = 0; i < s->plan->n_env; i++) {
		char *copy = strdup(s->plan->env[i]);

		if (!copy)
			out_of_memory(s);
		if (copy[0] == '=' || !strchr(copy, '='))
			jail_fail(s, -EINVAL, "environment entry '%s' is not NAME=VALUE", copy);
		env_put(s, &e, copy);
	}
	return e.list;
}
