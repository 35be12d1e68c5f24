/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_print: a complete profile as text (filter_text.c). Equal profiles give equal texts, which are read back as the
 * same profile; constants are printed as numbers.
 */
#include "sandbox/filter_profile.h"

#include <ctype.h>
#include <linux/seccomp.h>
#include <string.h>

enum { LINE_MAX_COLUMNS = 100, ACTION_CAP = 32 };

static void action_text(uint32_t action, char out[static ACTION_CAP])
{
	unsigned int value = action & SECCOMP_RET_DATA;
	const char *name = value ? strerrorname_np((int)value) : NULL;

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		snprintf(out, ACTION_CAP, "allow");
		break;
	case SECCOMP_RET_LOG:
		snprintf(out, ACTION_CAP, "log");
		break;
	case SECCOMP_RET_ERRNO:
		if (name)
			snprintf(out, ACTION_CAP, "errno %s", name);
		else
			snprintf(out, ACTION_CAP, "errno %u", value);
		break;
	case SECCOMP_RET_TRACE:
		snprintf(out, ACTION_CAP, "trace %u", value);
		break;
	case SECCOMP_RET_TRAP:
		snprintf(out, ACTION_CAP, "trap");
		break;
	case SECCOMP_RET_KILL_THREAD:
		snprintf(out, ACTION_CAP, "kill-thread");
		break;
	default:
		snprintf(out, ACTION_CAP, "kill");
	}
}

static void print_value(uint64_t value, FILE *to)
{
	if (value < 4096)
		fprintf(to, "%llu", (unsigned long long)value);
	else
		fprintf(to, "0x%llx", (unsigned long long)value);
}

static void print_cond(const struct filter_cond *c, FILE *to)
{
	static const char *const signs[] = {
		[FILTER_EQ] = "==", [FILTER_NE] = "!=", [FILTER_LT] = "<", [FILTER_LE] = "<=", [FILTER_GE] = ">=",
		[FILTER_GT] = ">", [FILTER_MASKED_EQ] = "==", [FILTER_MASKED_NE] = "!=",
	};

	fprintf(to, "arg%u%s ", c->arg, c->wide ? ":64" : "");
	if (c->op == FILTER_MASKED_EQ || c->op == FILTER_MASKED_NE) {
		fputs("& ", to);
		print_value(c->mask, to);
		fputc(' ', to);
	}
	fprintf(to, "%s ", signs[c->op]);
	print_value(c->value, to);
}

static void print_rule(const struct profile_rule *r, FILE *to)
{
	char action[ACTION_CAP];

	action_text(r->action, action);
	fprintf(to, "%s %s if ", action, r->name);
	for (size_t i = 0; i < r->n_conds; i++) {
		if (i)
			fputs(" and ", to);
		print_cond(&r->conds[i], to);
	}
	fputc('\n', to);
}

enum { EVERY_ABI = -1 };

/* Rules for all ABIs of the profile come first, each other one below its ABI, as do all that name a number. */
static bool is_in_section(const struct profile *p, const struct profile_rule *r, int abi)
{
	bool every = r->abis == p->abis && !isdigit((unsigned char)r->name[0]);

	return abi == EVERY_ABI ? every : !every && (r->abis >> abi & 1);
}

/* The unconditional rules of one action, in lines of bounded length. */
static void print_plain(const struct profile *p, int abi, uint32_t action, FILE *to)
{
	char word[ACTION_CAP];
	size_t column = 0;

	action_text(action, word);
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct profile_rule *r = &p->rules[i];

		if (r->n_conds || r->action != action || !is_in_section(p, r, abi))
			continue;
		if (column && column + 1 + strlen(r->name) > LINE_MAX_COLUMNS) {
			fputc('\n', to);
			column = 0;
		}
		if (!column)
			column = (size_t)fprintf(to, "%s", word);
		column += (size_t)fprintf(to, " %s", r->name);
	}
	if (column)
		fputc('\n', to);
}

/* The next action after `last` that an unconditional rule has, by its number; false: none is left. */
static bool next_action(const struct profile *p, bool first, uint32_t last, uint32_t *ret_action)
{
	bool found = false;

	for (size_t i = 0; i < p->n_rules; i++) {
		uint32_t a = p->rules[i].action;

		if (p->rules[i].n_conds || (!first && a >= last) || (found && a <= *ret_action))
			continue;
		*ret_action = a;
		found = true;
	}
	return found;
}

static void print_section(const struct profile *p, int abi, FILE *to)
{
	uint32_t action = 0;
	bool first = true;

	while (next_action(p, first, action, &action)) {
		print_plain(p, abi, action, to);
		first = false;
	}
	for (size_t i = 0; i < p->n_rules; i++) {
		if (p->rules[i].n_conds && is_in_section(p, &p->rules[i], abi))
			print_rule(&p->rules[i], to);
	}
}

void profile_print(const struct profile *p, FILE *to)
{
	char action[ACTION_CAP];

	fputs("abis", to);
	for (size_t a = 0; a < profile_n_abis; a++) {
		if (p->abis >> a & 1)
			fprintf(to, " %s", profile_abis[a].name);
	}
	action_text(p->otherwise, action);
	fprintf(to, "\ndefault %s\n", action);
	action_text(p->newer, action);
	fprintf(to, "newer %s\n", action);
	print_section(p, EVERY_ABI, to);
	for (int a = 0; a < (int)profile_n_abis; a++) {
		bool any = false;

		for (size_t i = 0; i < p->n_rules; i++)
			any = any || is_in_section(p, &p->rules[i], a);
		if (!any)
			continue;
		fprintf(to, "[%s]\n", profile_abis[a].name);
		print_section(p, a, to);
	}
}
