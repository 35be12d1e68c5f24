/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml: the grammar of a policy file, on top of reader.c.
 *
 * The grammar has a fixed shape, so an unexpected level of nesting is an error as soon as it opens; only
 * presets nest, and their depth is bounded. The text comes from the user or, in egress, from netd;
 * never from a sandbox.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/policy/reader.h"

/* One file, or one preset, while it is read. */
struct text {
	struct reader r;
	struct policy *p;
	const struct preset_chain *chain;	/* NULL: no preset */
	struct policy_limits limits;
	enum policy_denied_names denied_names;
	bool has_denied_names;
	uint16_t origin;
};

/* ---- one rule ------------------------------------------------------------------------------------------- */

enum { KEY_ALLOW, KEY_DENY, KEY_PROTO, KEY_PORTS, KEY_TLS, KEY_HTTP, KEY_TENANTS, KEY_REASON };

struct stanza {
	struct rule_draft d;
	struct place at[PART_COUNT];
	char *host, *reason;		/* copies: events are gone when the stanza ends */
};

static int stanza_value(struct reader *r, struct stanza *s, int key)
{
	reader_set_place(r, reader_here(r));
	if (key == KEY_PROTO)
		return draft_add_proto(&s->d, reader_text(r), reader_len(r), r->err);
	if (memchr(reader_text(r), ',', reader_len(r)))
		return fail_here(r, "ports in one text; write a list like [80, 443]");
	return draft_add_ports(&s->d, reader_text(r), reader_len(r), r->err);
}

/* One value or a list of them; leaves the event after it current. */
static int stanza_list(struct reader *r, struct stanza *s, int key, const char *word)
{
	int err;

	s->at[key == KEY_PROTO ? PART_PROTO : PART_PORTS] = reader_here(r);
	if (reader_is_scalar(r)) {
		err = reader_scalar(r, word);
		if (err == 0)
			err = stanza_value(r, s, key);
		return err < 0 ? err : reader_next(r);
	}
	if (r->ev.type != YAML_SEQUENCE_START_EVENT)
		return fail_here(r, "\"%s\" takes a value or a list of values", word);
	err = reader_next(r);
	if (err == 0 && r->ev.type == YAML_SEQUENCE_END_EVENT)
		return fail_here(r, "\"%s\" is an empty list; write a value or remove the key", word);
	while (err == 0 && r->ev.type != YAML_SEQUENCE_END_EVENT) {
		err = reader_scalar(r, word);
		if (err == 0)
			err = stanza_value(r, s, key);
		if (err == 0)
			err = reader_next(r);
	}
	return err < 0 ? err : reader_next(r);
}

static int stanza_copy(struct reader *r, char **ret_copy, size_t *ret_len, const char *word)
{
	int err = reader_scalar(r, word);

	if (err < 0)
		return err;
	*ret_copy = malloc(reader_len(r) + 1);
	if (!*ret_copy)
		return -ENOMEM;
	memcpy(*ret_copy, reader_text(r), reader_len(r) + 1);
	*ret_len = reader_len(r);
	return reader_next(r);
}

static int stanza_demand(struct reader *r, struct stanza *s, int key)
{
	bool is_tls = key == KEY_TLS;
	const char *word = is_tls ? "tls" : "http";
	int err = reader_scalar(r, word);

	s->at[is_tls ? PART_TLS : PART_HTTP] = reader_here(r);
	if (err < 0)
		return err;
	reader_set_place(r, reader_here(r));
	err = demand_parse(word, reader_text(r), reader_len(r), is_tls ? &s->d.tls : &s->d.http, r->err);
	return err < 0 ? err : reader_next(r);
}

/* Says that strangers are known to share this host; nothing but a warning depends on it. */
static int stanza_tenants(struct reader *r, struct stanza *s)
{
	int err = reader_scalar(r, "tenants");

	s->at[PART_TENANTS] = reader_here(r);
	if (err < 0)
		return err;
	if (!reader_is(r, "any"))
		return fail_here(r, "\"tenants\" can only be any: strangers are known to share this host");
	s->d.any_tenant = true;
	return reader_next(r);
}

static int stanza_key(struct reader *r, struct stanza *s, int key, struct place at)
{
	if (key == KEY_PROTO)
		return stanza_list(r, s, key, "proto");
	if (key == KEY_PORTS)
		return stanza_list(r, s, key, "ports");
	if (key == KEY_TLS || key == KEY_HTTP)
		return stanza_demand(r, s, key);
	if (key == KEY_TENANTS)
		return stanza_tenants(r, s);
	if (key == KEY_REASON) {
		s->at[PART_REASON] = reader_here(r);
		s->d.reason = NULL;
		return stanza_copy(r, &s->reason, &s->d.reason_len, "reason");
	}
	if (s->host)
		return fail_at(r, at, "a rule allows or denies one host, not both; write two rules");
	s->at[PART_HOST] = reader_here(r);
	s->d.allow = key == KEY_ALLOW;
	return stanza_copy(r, &s->host, &s->d.host_len, key == KEY_ALLOW ? "allow" : "deny");
}

static int stanza_finish(struct text *t, struct stanza *s)
{
	struct reader *r = &t->r;
	enum draft_part part = PART_RULE;
	struct place place;
	struct rule rule;
	int err;

	if (!s->host)
		return fail_at(r, s->at[PART_RULE], "a rule without a host; add allow: HOST or deny: HOST");
	s->d.host = s->host;
	s->d.reason = s->reason;
	err = rule_finish(&s->d, &rule, &part, r->err);
	reader_set_place(r, s->at[s->at[part].line ? part : PART_HOST]);
	if (err < 0)
		return err;
	rule.line = s->at[PART_RULE].line;
	place = s->at[s->at[PART_HOST].line == rule.line ? PART_HOST : PART_RULE];
	rule.column = (uint16_t)(place.column < UINT16_MAX ? place.column : UINT16_MAX);
	rule.origin = t->origin;
	return policy_add_rule(t->p, &rule, r->err);
}

static int read_rule(struct text *t)
{
	static const char *const keys[] = { "allow", "deny", "proto", "ports",
					    "tls",   "http", "tenants", "reason", NULL };
	struct reader *r = &t->r;
	struct stanza s = { .at = { [PART_RULE] = reader_here(r) } };
	unsigned int seen = 0;
	struct place at;
	int key, err;

	if (r->ev.type != YAML_MAPPING_START_EVENT)
		return fail_here(r, "a rule starts with allow: or deny:, like \"- allow: example.test\"");
	err = reader_next(r);
	while (err == 0) {
		key = reader_key(r, keys, &seen, &at);
		if (key == KEY_END)
			break;
		err = key < 0 ? key : stanza_key(r, &s, key, at);
	}
	if (err == 0)
		err = stanza_finish(t, &s);
	free(s.host);
	free(s.reason);
	return err < 0 ? err : reader_next(r);
}

static int read_egress(struct text *t)
{
	struct reader *r = &t->r;
	int err;

	if (r->ev.type != YAML_SEQUENCE_START_EVENT)
		return fail_here(r, "\"egress\" takes a list of rules; write - allow: HOST lines, or [] for none");
	err = reader_next(r);
	while (err == 0 && r->ev.type != YAML_SEQUENCE_END_EVENT)
		err = read_rule(t);
	return err < 0 ? err : reader_next(r);
}

/* ---- limits and the top --------------------------------------------------------------------------------- */

/* A number and, for sizes, a unit. */
static int read_number(struct reader *r, const char *key, bool is_size, uint64_t *ret_value)
{
	static const struct {
		const char *word;
		uint64_t factor;
	} units[] = {
		{ "", 1 },	      { "B", 1 },	    { "kB", 1000 },
		{ "MB", 1000000 },    { "GB", 1000000000 }, { "TB", 1000000000000 },
		{ "KiB", 1ull << 10 }, { "MiB", 1ull << 20 }, { "GiB", 1ull << 30 },
		{ "TiB", 1ull << 40 },
	};
	const char *s = reader_text(r);
	size_t digits = strspn(s, "0123456789"), n_units = is_size ? sizeof(units) / sizeof(units[0]) : 1;
	char q[POLICY_QUOTE_CAP];
	uint64_t v;

	policy_quote(s, reader_len(r), q);
	if (digits == reader_len(r) && s[0] == '0')
		return fail_here(r, "\"%s\" is %s; write a number from 1, or remove the key for no limit", key, q);
	for (size_t i = 0; digits && digits < 20 && i < n_units; i++) {
		if (reader_len(r) != digits + strlen(units[i].word) || strcmp(s + digits, units[i].word) != 0)
			continue;
		v = strtoull(s, NULL, 10);
		if (!v || __builtin_mul_overflow(v, units[i].factor, ret_value) || *ret_value > INT64_MAX)
			break;
		return 0;
	}
	if (is_size)
		return fail_here(r, "bad size \"%s\"; write a whole number with B, KiB, MiB, GiB, TiB, kB, MB, GB "
				 "or TB", q);
	return fail_here(r, "bad number \"%s\"; write a whole number without a unit", q);
}

static int read_limits(struct text *t)
{
	static const char *const keys[] = { "flows",	  "new_flows_per_s", "up_bytes",
					    "down_bytes", "names",	     "queries_per_s",
					    NULL };
	static const uint64_t max[] = { 65536, 1000000, INT64_MAX, INT64_MAX, 1000000, 1000000 };
	uint64_t *const values[] = { &t->limits.flows,	    &t->limits.new_flows_per_s,
				     &t->limits.up_bytes,   &t->limits.down_bytes,
				     &t->limits.names,	    &t->limits.queries_per_s };
	struct reader *r = &t->r;
	unsigned int seen = 0;
	struct place at;
	int key, err;

	if (r->ev.type != YAML_MAPPING_START_EVENT)
		return fail_here(r, "\"limits\" takes keys: flows, new_flows_per_s, up_bytes, down_bytes, names, "
				 "queries_per_s");
	err = reader_next(r);
	while (err == 0) {
		key = reader_key(r, keys, &seen, &at);
		if (key == KEY_END)
			return reader_next(r);
		err = key < 0 ? key : reader_scalar(r, keys[key]);
		if (err == 0)
			err = read_number(r, keys[key], key == 2 || key == 3, values[key]);
		if (err == 0 && *values[key] > max[key])
			err = fail_here(r, "\"%s\" is at most %llu", keys[key], (unsigned long long)max[key]);
		if (err == 0)
			err = reader_next(r);
	}
	return err;
}

static int read_denied_names(struct text *t)
{
	struct reader *r = &t->r;
	char q[POLICY_QUOTE_CAP];
	int err = reader_scalar(r, "denied_names");

	if (err < 0)
		return err;
	for (int i = POLICY_NAMES_ANSWER; i <= POLICY_NAMES_REFUSED; i++) {
		enum policy_denied_names how = (enum policy_denied_names)i;

		if (!reader_is(r, print_denied_names(how)))
			continue;
		if (t->p->has_denied_names && t->p->denied_names != how)
			return fail_here(r, "another file says denied_names: %s; remove one of them",
					 print_denied_names(t->p->denied_names));
		t->denied_names = how;
		t->has_denied_names = true;
		return reader_next(r);
	}
	return fail_here(r, "unknown answer \"%s\"; write answer, nxdomain or refused",
			 policy_quote(reader_text(r), reader_len(r), q));
}

static int read_version(struct text *t)
{
	struct reader *r = &t->r;
	char q[POLICY_QUOTE_CAP];
	int err = reader_scalar(r, "version");

	if (err < 0)
		return err;
	if (reader_len(r) != 1 || reader_text(r)[0] != '1')
		return fail_here(r, "version %s is not known; this sluice reads version 1",
				 policy_quote(reader_text(r), reader_len(r), q));
	return reader_next(r);
}

/* One preset or a list of them. Each is read at once, with a reader of its own. */
static int read_presets(struct text *t)
{
	struct reader *r = &t->r;
	bool is_list = r->ev.type == YAML_SEQUENCE_START_EVENT;
	int err = 0;

	if (is_list)
		err = reader_next(r);
	if (err == 0 && is_list && r->ev.type == YAML_SEQUENCE_END_EVENT)
		return fail_here(r, "an empty list of presets; name one or remove the key");
	while (err == 0 && !(is_list && r->ev.type == YAML_SEQUENCE_END_EVENT)) {
		err = reader_scalar(r, "preset");
		if (err < 0)
			return err;
		reader_set_place(r, reader_here(r));
		err = preset_add(t->p, t->chain, reader_text(r), reader_len(r), r->err);
		if (err == 0)
			err = reader_next(r);
		if (!is_list)
			return err;
	}
	return err < 0 ? err : reader_next(r);
}

static int read_top(struct text *t)
{
	static const char *const keys[] = { "version", "preset", "presets",	 "egress",
					    "limits",  "denied_names", NULL };
	static int (*const readers[])(struct text *t) = { read_version, read_presets, read_presets,
							  read_egress,	read_limits,  read_denied_names };
	enum { FIRST_OF_POLICY = 4 };	/* not in a preset */
	struct reader *r = &t->r;
	struct place start = reader_here(r), at;
	unsigned int seen = 0;
	int key, err;

	if (r->ev.type != YAML_MAPPING_START_EVENT)
		return fail_here(r, "a policy starts with \"version: 1\"");
	err = reader_next(r);
	while (err == 0) {
		key = reader_key(r, keys, &seen, &at);
		if (key == KEY_END)
			break;
		if (key >= FIRST_OF_POLICY && t->chain)
			return fail_at(r, at, "a preset has rules only; move \"%s\" to the policy that uses it",
				       keys[key]);
		err = key < 0 ? key : readers[key](t);
	}
	if (err < 0)
		return err;
	if (!(seen & 1))
		return fail_at(r, start, "the version is missing; add the line \"version: 1\"");
	return reader_next(r);
}

static int read_stream(struct text *t)
{
	struct reader *r = &t->r;
	int err = reader_next(r);

	if (err == 0)
		err = reader_next(r);
	if (err < 0)
		return err;
	if (r->ev.type != YAML_DOCUMENT_START_EVENT)
		return fail_here(r, "the policy is empty; write \"version: 1\", that allows nothing");
	err = reader_next(r);
	if (err == 0)
		err = read_top(t);
	if (err == 0)
		err = reader_next(r);
	if (err == 0 && r->ev.type != YAML_STREAM_END_EVENT)
		return fail_here(r, "a second document; a policy is one document, remove the --- line");
	return err;
}

/* The smaller of two limits, 0 meaning none. */
static uint64_t tighter(uint64_t a, uint64_t b)
{
	if (!a || !b)
		return a | b;
	return a < b ? a : b;
}

/* What the whole text says, now that all of it is good. */
static void commit(const struct text *t)
{
	struct policy_limits *l = &t->p->limits;

	l->flows = tighter(l->flows, t->limits.flows);
	l->new_flows_per_s = tighter(l->new_flows_per_s, t->limits.new_flows_per_s);
	l->up_bytes = tighter(l->up_bytes, t->limits.up_bytes);
	l->down_bytes = tighter(l->down_bytes, t->limits.down_bytes);
	l->names = tighter(l->names, t->limits.names);
	l->queries_per_s = tighter(l->queries_per_s, t->limits.queries_per_s);
	if (t->has_denied_names) {
		t->p->denied_names = t->denied_names;
		t->p->has_denied_names = true;
	}
}

int yaml_read(struct policy *p, const char *text, size_t len, const char *origin, const struct preset_chain *chain,
	      struct policy_error *e)
{
	struct text t = { .p = p, .chain = chain };
	int err, index;

	if (len > POLICY_TEXT_MAX)
		return policy_fail(e, "the policy is larger than %d MiB; use prefixes and *.names",
				   POLICY_TEXT_MAX >> 20);
	index = policy_add_origin(p, origin);
	if (index < 0)
		return index;
	t.origin = (uint16_t)index;
	err = reader_init(&t.r, text, len, e);
	if (err < 0)
		return err;
	err = read_stream(&t);
	reader_done(&t.r);
	if (err == 0)
		commit(&t);
	return err;
}

int policy_add_yaml(struct policy *p, const char *text, size_t len, const char *origin,
		    struct policy_error *ret_err)
{
	size_t n_rules = p->n_rules, n_presets = p->n_presets;
	int err;

	memset(ret_err, 0, sizeof(*ret_err));
	err = yaml_read(p, text, len, origin, NULL, ret_err);
	if (err < 0) {
		policy_drop_rules(p, n_rules);
		policy_drop_presets(p, n_presets);
		return err;
	}
	memset(ret_err, 0, sizeof(*ret_err));
	return 0;
}
