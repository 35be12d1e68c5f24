/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml: a policy file through libyaml's events.
 *
 * Only the plain part of YAML is taken: one document, block or flow collections, plain or quoted
 * scalars. Anchors, aliases, tags, duplicate and unknown keys are errors with a place. The grammar
 * has a fixed shape, so an unexpected level of nesting is an error as soon as it opens and nothing
 * here recurses. The text comes from the user or, in egress, from netd; never from a sandbox.
 */
#include "lib/policy/policy_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct place {
	unsigned int line, column;
};

struct reader {
	yaml_parser_t parser;
	yaml_event_t ev;		/* the current one */
	bool has_ev;
	bool no_memory;
	struct policy *p;
	struct policy_limits limits;	/* of this text */
	enum policy_denied_names denied_names;
	bool has_denied_names;
	struct policy_error *err;
	uint16_t origin;
};

/* ---- events ------------------------------------------------------------------------------------------- */

static struct place place_of(const yaml_mark_t *m)
{
	return (struct place){ (unsigned int)m->line + 1, (unsigned int)m->column + 1 };
}

static struct place here(const struct reader *r)
{
	return place_of(&r->ev.start_mark);
}

static void set_place(struct reader *r, struct place at)
{
	r->err->line = at.line;
	r->err->column = at.column;
}

#define fail_at(r, at, ...) (set_place((r), (at)), policy_fail((r)->err, __VA_ARGS__))
#define fail_here(r, ...) fail_at((r), here(r), __VA_ARGS__)

static int fail_syntax(struct reader *r)
{
	const yaml_parser_t *y = &r->parser;

	if (y->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (y->error == YAML_READER_ERROR)
		return fail_at(r, place_of(&y->mark), "%s at byte %zu; save the file as plain UTF-8 text",
			       y->problem, y->problem_offset);
	/* *.example.test without quotes, everyone's first mistake */
	if (y->context && strcmp(y->context, "while scanning an alias") == 0)
		return fail_at(r, place_of(&y->context_mark), "a text that starts with * needs quotes; write "
			       "\"*.example.test\"");
	return fail_at(r, place_of(&y->problem_mark), "%s%s%s; this is not valid YAML",
		       y->context ? y->context : "", y->context ? ", " : "", y->problem ? y->problem : "error");
}

/* What the subset leaves out. 0 or -EINVAL. */
static int check_event(struct reader *r)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (r->ev.type == YAML_ALIAS_EVENT)
		return fail_here(r, "an alias (*%s); aliases are not allowed, write the value itself (names that "
				 "start with * need quotes)", r->ev.data.alias.anchor);
	if (r->ev.type == YAML_SCALAR_EVENT) {
		anchor = r->ev.data.scalar.anchor;
		tag = r->ev.data.scalar.tag;
	} else if (r->ev.type == YAML_SEQUENCE_START_EVENT) {
		anchor = r->ev.data.sequence_start.anchor;
		tag = r->ev.data.sequence_start.tag;
	} else if (r->ev.type == YAML_MAPPING_START_EVENT) {
		anchor = r->ev.data.mapping_start.anchor;
		tag = r->ev.data.mapping_start.tag;
	}
	if (anchor)
		return fail_here(r, "an anchor (&); anchors are not allowed, remove it");
	if (tag)
		return fail_here(r, "a tag (!); tags are not allowed, remove it");
	if (r->ev.type == YAML_SCALAR_EVENT && (r->ev.data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
						r->ev.data.scalar.style == YAML_FOLDED_SCALAR_STYLE))
		return fail_here(r, "a block text (| or >); write it on one line, in quotes if need be");
	return 0;
}

static int next(struct reader *r)
{
	if (r->has_ev)
		yaml_event_delete(&r->ev);
	r->has_ev = false;
	if (!yaml_parser_parse(&r->parser, &r->ev))
		return fail_syntax(r);
	r->has_ev = true;
	return check_event(r);
}

static bool is_scalar(const struct reader *r)
{
	return r->ev.type == YAML_SCALAR_EVENT;
}

static const char *text_of(const struct reader *r)
{
	return (const char *)r->ev.data.scalar.value;
}

static size_t len_of(const struct reader *r)
{
	return r->ev.data.scalar.length;
}

static bool is_text(const struct reader *r, const char *word)
{
	return len_of(r) == strlen(word) && memcmp(text_of(r), word, len_of(r)) == 0;
}

static int expect_scalar(struct reader *r, const char *key)
{
	if (!is_scalar(r))
		return fail_here(r, "\"%s\" takes one value, not a list or mapping", key);
	if (!len_of(r))
		return fail_here(r, "\"%s\" has no value; write one or remove the key", key);
	return 0;
}

enum { KEY_END = -1000 };	/* no errno */

/* ---- keys --------------------------------------------------------------------------------------------- */

/* Edit distance of two short words, capped: enough for "did you mean". */
static unsigned int distance(const char *a, size_t n, const char *b)
{
	unsigned int row[32], m = (unsigned int)strlen(b);

	if (n > 24 || m > 30)
		return 99;
	for (unsigned int j = 0; j <= m; j++)
		row[j] = j;
	for (unsigned int i = 1; i <= n; i++) {
		unsigned int diag = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= m; j++) {
			unsigned int best = diag + (a[i - 1] != b[j - 1]);

			diag = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[m];
}

static int fail_key(struct reader *r, const char *const *keys)
{
	char q[POLICY_QUOTE_CAP], list[128] = "";
	unsigned int best = 3;
	const char *near = NULL;

	policy_quote(text_of(r), len_of(r), q);
	for (size_t i = 0; keys[i]; i++) {
		unsigned int d = distance(text_of(r), len_of(r), keys[i]);

		if (d < best) {
			best = d;
			near = keys[i];
		}
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "", keys[i]);
	}
	if (near)
		return fail_here(r, "unknown key \"%s\"; did you mean \"%s\"?", q, near);
	return fail_here(r, "unknown key \"%s\"; the keys here are %s", q, list);
}

/*
 * The current event is a key or the end of its mapping. Returns the key's index and steps to its value,
 * KEY_END at the end of the mapping, or a negative errno. seen is a bit per key.
 */
static int next_key(struct reader *r, const char *const *keys, unsigned int *seen, struct place *ret_at)
{
	int err;

	if (r->ev.type == YAML_MAPPING_END_EVENT)
		return KEY_END;
	if (!is_scalar(r))
		return fail_here(r, "a key must be a word");
	for (int i = 0; keys[i]; i++) {
		if (!is_text(r, keys[i]))
			continue;
		if (*seen & 1u << i)
			return fail_here(r, "\"%s\" stands here twice; remove one", keys[i]);
		*seen |= 1u << i;
		*ret_at = here(r);
		err = next(r);
		return err < 0 ? err : i;
	}
	return fail_key(r, keys);
}

/* ---- one rule ------------------------------------------------------------------------------------------- */

enum { KEY_ALLOW, KEY_DENY, KEY_PROTO, KEY_PORTS, KEY_TLS, KEY_HTTP, KEY_REASON };

struct stanza {
	struct rule_draft d;
	struct place at[PART_COUNT];
	char *host, *reason;		/* copies: events are gone when the stanza ends */
};

static int stanza_value(struct reader *r, struct stanza *s, int key)
{
	set_place(r, here(r));
	if (key == KEY_PROTO)
		return draft_add_proto(&s->d, text_of(r), len_of(r), r->err);
	if (memchr(text_of(r), ',', len_of(r)))
		return fail_here(r, "ports in one text; write a list like [80, 443]");
	return draft_add_ports(&s->d, text_of(r), len_of(r), r->err);
}

/* One value or a list of them; leaves the event after it current. */
static int stanza_list(struct reader *r, struct stanza *s, int key, const char *word)
{
	int err;

	s->at[key == KEY_PROTO ? PART_PROTO : PART_PORTS] = here(r);
	if (is_scalar(r)) {
		err = expect_scalar(r, word);
		if (err == 0)
			err = stanza_value(r, s, key);
		return err < 0 ? err : next(r);
	}
	if (r->ev.type != YAML_SEQUENCE_START_EVENT)
		return fail_here(r, "\"%s\" takes a value or a list of values", word);
	err = next(r);
	if (err == 0 && r->ev.type == YAML_SEQUENCE_END_EVENT)
		return fail_here(r, "\"%s\" is an empty list; write a value or remove the key", word);
	while (err == 0 && r->ev.type != YAML_SEQUENCE_END_EVENT) {
		err = expect_scalar(r, word);
		if (err == 0)
			err = stanza_value(r, s, key);
		if (err == 0)
			err = next(r);
	}
	return err < 0 ? err : next(r);
}

static int stanza_copy(struct reader *r, char **ret_copy, size_t *ret_len, const char *word)
{
	int err = expect_scalar(r, word);

	if (err < 0)
		return err;
	*ret_copy = malloc(len_of(r) + 1);
	if (!*ret_copy)
		return -ENOMEM;
	memcpy(*ret_copy, text_of(r), len_of(r) + 1);
	*ret_len = len_of(r);
	return next(r);
}

static int stanza_demand(struct reader *r, struct stanza *s, int key)
{
	bool is_tls = key == KEY_TLS;
	const char *word = is_tls ? "tls" : "http";
	int err = expect_scalar(r, word);

	s->at[is_tls ? PART_TLS : PART_HTTP] = here(r);
	if (err < 0)
		return err;
	set_place(r, here(r));
	err = demand_parse(word, text_of(r), len_of(r), is_tls ? &s->d.tls : &s->d.http, r->err);
	return err < 0 ? err : next(r);
}

static int stanza_key(struct reader *r, struct stanza *s, int key, struct place at)
{
	if (key == KEY_PROTO)
		return stanza_list(r, s, key, "proto");
	if (key == KEY_PORTS)
		return stanza_list(r, s, key, "ports");
	if (key == KEY_TLS || key == KEY_HTTP)
		return stanza_demand(r, s, key);
	if (key == KEY_REASON) {
		s->at[PART_REASON] = here(r);
		s->d.reason = NULL;
		return stanza_copy(r, &s->reason, &s->d.reason_len, "reason");
	}
	if (s->host)
		return fail_at(r, at, "a rule allows or denies one host, not both; write two rules");
	s->at[PART_HOST] = here(r);
	s->d.allow = key == KEY_ALLOW;
	return stanza_copy(r, &s->host, &s->d.host_len, key == KEY_ALLOW ? "allow" : "deny");
}

static int stanza_finish(struct reader *r, struct stanza *s)
{
	enum draft_part part = PART_RULE;
	struct rule rule;
	int err;

	if (!s->host)
		return fail_at(r, s->at[PART_RULE], "a rule without a host; add allow: HOST or deny: HOST");
	s->d.host = s->host;
	s->d.reason = s->reason;
	err = rule_finish(&s->d, &rule, &part, r->err);
	set_place(r, s->at[s->at[part].line ? part : PART_HOST]);
	if (err < 0)
		return err;
	rule.line = s->at[PART_RULE].line;
	rule.origin = r->origin;
	return policy_add_rule(r->p, &rule, r->err);
}

static int read_rule(struct reader *r)
{
	static const char *const keys[] = { "allow", "deny", "proto", "ports",
					    "tls",   "http", "reason", NULL };
	struct stanza s = { .at = { [PART_RULE] = here(r) } };
	unsigned int seen = 0;
	struct place at;
	int key, err;

	if (r->ev.type != YAML_MAPPING_START_EVENT)
		return fail_here(r, "a rule starts with allow: or deny:, like \"- allow: example.test\"");
	err = next(r);
	while (err == 0) {
		key = next_key(r, keys, &seen, &at);
		if (key == KEY_END)
			break;
		err = key < 0 ? key : stanza_key(r, &s, key, at);
	}
	if (err == 0)
		err = stanza_finish(r, &s);
	free(s.host);
	free(s.reason);
	return err < 0 ? err : next(r);
}

static int read_egress(struct reader *r)
{
	int err;

	if (r->ev.type != YAML_SEQUENCE_START_EVENT)
		return fail_here(r, "\"egress\" takes a list of rules; write - allow: HOST lines, or [] for none");
	err = next(r);
	while (err == 0 && r->ev.type != YAML_SEQUENCE_END_EVENT)
		err = read_rule(r);
	return err < 0 ? err : next(r);
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
	const char *s = text_of(r);
	size_t digits = strspn(s, "0123456789"), n_units = is_size ? sizeof(units) / sizeof(units[0]) : 1;
	char q[POLICY_QUOTE_CAP];
	uint64_t v;

	policy_quote(s, len_of(r), q);
	if (digits == len_of(r) && s[0] == '0')
		return fail_here(r, "\"%s\" is %s; write a number from 1, or remove the key for no limit", key, q);
	for (size_t i = 0; digits && digits < 20 && i < n_units; i++) {
		if (len_of(r) != digits + strlen(units[i].word) || strcmp(s + digits, units[i].word) != 0)
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

static int read_limits(struct reader *r)
{
	static const char *const keys[] = { "flows",	  "new_flows_per_s", "up_bytes",
					    "down_bytes", "names",	     "queries_per_s",
					    NULL };
	static const uint64_t max[] = { 65536, 1000000, INT64_MAX, INT64_MAX, 1000000, 1000000 };
	uint64_t *const values[] = { &r->limits.flows,	    &r->limits.new_flows_per_s,
				     &r->limits.up_bytes,   &r->limits.down_bytes,
				     &r->limits.names,	    &r->limits.queries_per_s };
	unsigned int seen = 0;
	struct place at;
	int key, err;

	if (r->ev.type != YAML_MAPPING_START_EVENT)
		return fail_here(r, "\"limits\" takes keys: flows, new_flows_per_s, up_bytes, down_bytes, names, "
				 "queries_per_s");
	err = next(r);
	while (err == 0) {
		key = next_key(r, keys, &seen, &at);
		if (key == KEY_END)
			return next(r);
		err = key < 0 ? key : expect_scalar(r, keys[key]);
		if (err == 0)
			err = read_number(r, keys[key], key == 2 || key == 3, values[key]);
		if (err == 0 && *values[key] > max[key])
			err = fail_here(r, "\"%s\" is at most %llu", keys[key], (unsigned long long)max[key]);
		if (err == 0)
			err = next(r);
	}
	return err;
}

static int read_denied_names(struct reader *r)
{
	char q[POLICY_QUOTE_CAP];
	int err = expect_scalar(r, "denied_names");

	if (err < 0)
		return err;
	for (int i = POLICY_NAMES_ANSWER; i <= POLICY_NAMES_REFUSED; i++) {
		enum policy_denied_names how = (enum policy_denied_names)i;

		if (!is_text(r, print_denied_names(how)))
			continue;
		if (r->p->has_denied_names && r->p->denied_names != how)
			return fail_here(r, "another file says denied_names: %s; remove one of them",
					 print_denied_names(r->p->denied_names));
		r->denied_names = how;
		r->has_denied_names = true;
		return next(r);
	}
	return fail_here(r, "unknown answer \"%s\"; write answer, nxdomain or refused",
			 policy_quote(text_of(r), len_of(r), q));
}

static int read_version(struct reader *r)
{
	char q[POLICY_QUOTE_CAP];
	int err = expect_scalar(r, "version");

	if (err < 0)
		return err;
	if (len_of(r) != 1 || text_of(r)[0] != '1')
		return fail_here(r, "version %s is not known; this sluice reads version 1",
				 policy_quote(text_of(r), len_of(r), q));
	return next(r);
}

static int read_top(struct reader *r)
{
	static const char *const keys[] = { "version", "egress", "limits", "denied_names", NULL };
	static int (*const readers[])(struct reader *r) = { read_version, read_egress, read_limits,
							    read_denied_names };
	struct place start = here(r), at;
	unsigned int seen = 0;
	int key, err;

	if (r->ev.type != YAML_MAPPING_START_EVENT)
		return fail_here(r, "a policy starts with \"version: 1\"");
	err = next(r);
	while (err == 0) {
		key = next_key(r, keys, &seen, &at);
		if (key == KEY_END)
			break;
		err = key < 0 ? key : readers[key](r);
	}
	if (err < 0)
		return err;
	if (!(seen & 1))
		return fail_at(r, start, "the version is missing; add the line \"version: 1\"");
	return next(r);
}

static int read_stream(struct reader *r)
{
	int err = next(r);

	if (err == 0)
		err = next(r);
	if (err < 0)
		return err;
	if (r->ev.type != YAML_DOCUMENT_START_EVENT)
		return fail_here(r, "the policy is empty; write \"version: 1\", that allows nothing");
	err = next(r);
	if (err == 0)
		err = read_top(r);
	if (err == 0)
		err = next(r);
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

int policy_add_yaml(struct policy *p, const char *text, size_t len, const char *origin,
		    struct policy_error *ret_err)
{
	struct reader r = { .p = p, .err = ret_err };
	size_t n_before = p->n_rules;
	int err, index;

	memset(ret_err, 0, sizeof(*ret_err));
	if (len > POLICY_TEXT_MAX)
		return policy_fail(ret_err, "the policy is larger than %d MiB; use prefixes and *.names",
				   POLICY_TEXT_MAX >> 20);
	index = policy_add_origin(p, origin);
	if (index < 0)
		return index;
	r.origin = (uint16_t)index;
	if (!yaml_parser_initialize(&r.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	err = read_stream(&r);
	if (r.has_ev)
		yaml_event_delete(&r.ev);
	yaml_parser_delete(&r.parser);
	if (err < 0) {
		policy_drop_rules(p, n_before);
		return err;
	}
	memset(ret_err, 0, sizeof(*ret_err));
	p->limits.flows = tighter(p->limits.flows, r.limits.flows);
	p->limits.new_flows_per_s = tighter(p->limits.new_flows_per_s, r.limits.new_flows_per_s);
	p->limits.up_bytes = tighter(p->limits.up_bytes, r.limits.up_bytes);
	p->limits.down_bytes = tighter(p->limits.down_bytes, r.limits.down_bytes);
	p->limits.names = tighter(p->limits.names, r.limits.names);
	p->limits.queries_per_s = tighter(p->limits.queries_per_s, r.limits.queries_per_s);
	if (r.has_denied_names) {
		p->denied_names = r.denied_names;
		p->has_denied_names = true;
	}
	return 0;
}
