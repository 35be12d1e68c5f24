/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warn: what a policy allows and its author may not have meant: names that strangers share. Process: sluice.
 *
 * A rule for *.SUFFIX, where anyone can have a name below SUFFIX, lets the program send what it may read to
 * a stranger, however well the flow is bound to its name. Which suffixes those are is known from the
 * Public Suffix List, both its parts, by way of libpsl; tenants.h has what that list leaves out. Warnings
 * change nothing: egress knows nothing of them.
 */
#include "lib/policy/policy_internal.h"

#include <libpsl.h>
#include <string.h>

#include "lib/policy/tenants.h"

enum { WIDE = 1, STORE = 2 };

static bool is_listed(const char *name, int kind)
{
	static const struct {
		const char *name;
		int kind;
	} list[] = {
#define X(n, k) { n, k },
		TENANT_HOSTS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (list[i].kind == kind && strcmp(list[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Not the rule that any last label is a suffix: nobody can register a name in a network's own "internal". */
static bool is_suffix(const psl_ctx_t *psl, const char *name, int section)
{
	return psl_is_public_suffix2(psl, name, section | PSL_TYPE_NO_STAR_RULE);
}

/* Customers have names below this one: it is such a suffix, or all that is right below it is. */
static bool has_tenants(const psl_ctx_t *psl, const char *name)
{
	char below[PROTO_NAME_CAP + 2];
	const char *registered;

	if (is_suffix(psl, name, PSL_TYPE_PRIVATE))
		return true;
	snprintf(below, sizeof(below), "x.%s", name);
	if (is_suffix(psl, below, PSL_TYPE_PRIVATE))
		return true;
	/* Between a provider's domain and its customers' names: *.eu-west-1.amazonaws.com */
	registered = psl_registrable_domain(psl, name);
	return registered && is_listed(registered, WIDE);
}

static bool is_store(const char *name)
{
	size_t n = strlen(name), tail = strlen(".amazonaws.com");

	if (is_listed(name, STORE))
		return true;
	/* Amazon's take the customer's name as the first part of the path as well. */
	return (strncmp(name, "s3.", 3) == 0 || strncmp(name, "s3-", 3) == 0) && !strstr(name, ".s3") && n > tail &&
	       strcmp(name + n - tail, ".amazonaws.com") == 0;
}

/* True with w->text filled when the rule deserves a warning. */
static bool look(const psl_ctx_t *psl, const struct rule *r, struct policy_warning *w)
{
	char host[PROTO_NAME_CAP + 2];
	size_t cap = sizeof(w->text);

	if (!r->allow || r->any_tenant || r->kind == HOST_RANGE)
		return false;
	rule_host(r, host);
	if (r->kind == HOST_NAME && is_store(r->name))
		snprintf(w->text, cap, "%s takes and serves the data of anyone who has an account, so what the "
			 "program may read can leave there; name a host of your own, or add tenants: any", host);
	else if (r->kind == HOST_BELOW && is_suffix(psl, r->name, PSL_TYPE_ICANN))
		snprintf(w->text, cap, "%s is every name that anyone registers below %s; name the domains that are "
			 "needed, or add tenants: any", host, r->name);
	else if (r->kind == HOST_BELOW && has_tenants(psl, r->name))
		snprintf(w->text, cap, "%s has names of a provider's many customers, strangers too, so what the "
			 "program may read can leave there; name the hosts that are needed, or add tenants: any",
			 host);
	else
		return false;
	if (r->reason) {
		size_t n = strlen(w->text);

		snprintf(w->text + n, cap - n, " (its reason: %s)", r->reason);
	}
	return true;
}

size_t policy_warn(const struct policy *p, void (*tell)(void *arg, const struct policy_warning *w), void *arg)
{
	/* The distribution's list when it is newer than the one in the library. */
	psl_ctx_t *psl = psl_latest(NULL);
	size_t n = 0;

	if (!psl)
		return 0;
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct rule *r = &p->rules[i];
		struct policy_warning w = { .origin = p->origins[r->origin],
					    .line = r->line,
					    .column = r->column };

		if (!look(psl, r, &w))
			continue;
		n++;
		tell(arg, &w);
	}
	psl_free(psl);
	return n;
}
