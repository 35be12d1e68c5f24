/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader: the plain part of YAML, from libyaml's events.
 *
 * Only this is taken: one document, block or flow collections, plain or quoted scalars. Anchors,
 * aliases, tags, duplicate and unknown keys are errors with a place. What may stand where is
 * yaml.c's business; its grammar has a fixed shape, so nothing here recurses.
 */
#include "lib/policy/reader.h"

#include <errno.h>
#include <string.h>

/* ---- events ------------------------------------------------------------------------------------------- */

static struct place mark_place(const yaml_mark_t *m)
{
	return (struct place){ (unsigned int)m->line + 1, (unsigned int)m->column + 1 };
}

struct place reader_here(const struct reader *r)
{
	return mark_place(&r->ev.start_mark);
}

void reader_set_place(struct reader *r, struct place at)
{
	r->err->line = at.line;
	r->err->column = at.column;
}


static int fail_syntax(struct reader *r)
{
	const yaml_parser_t *y = &r->parser;

	if (y->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (y->error == YAML_READER_ERROR)
		return fail_at(r, mark_place(&y->mark), "%s at byte %zu; save the file as plain UTF-8 text",
			       y->problem, y->problem_offset);
	/* *.example.test without quotes, everyone's first mistake */
	if (y->context && strcmp(y->context, "while scanning an alias") == 0)
		return fail_at(r, mark_place(&y->context_mark), "a text that starts with * needs quotes; write "
			       "\"*.example.test\"");
	return fail_at(r, mark_place(&y->problem_mark), "%s%s%s; this is not valid YAML",
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

int reader_next(struct reader *r)
{
	if (r->has_ev)
		yaml_event_delete(&r->ev);
	r->has_ev = false;
	if (!yaml_parser_parse(&r->parser, &r->ev))
		return fail_syntax(r);
	r->has_ev = true;
	return check_event(r);
}

bool reader_is_scalar(const struct reader *r)
{
	return r->ev.type == YAML_SCALAR_EVENT;
}

const char *reader_text(const struct reader *r)
{
	return (const char *)r->ev.data.scalar.value;
}

size_t reader_len(const struct reader *r)
{
	return r->ev.data.scalar.length;
}

bool reader_is(const struct reader *r, const char *word)
{
	return reader_len(r) == strlen(word) && memcmp(reader_text(r), word, reader_len(r)) == 0;
}

int reader_scalar(struct reader *r, const char *key)
{
	if (!reader_is_scalar(r))
		return fail_here(r, "\"%s\" takes one value, not a list or mapping", key);
	if (!reader_len(r))
		return fail_here(r, "\"%s\" has no value; write one or remove the key", key);
	return 0;
}

/* ---- keys --------------------------------------------------------------------------------------------- */

unsigned int reader_distance(const char *a, size_t n, const char *b)
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

	policy_quote(reader_text(r), reader_len(r), q);
	for (size_t i = 0; keys[i]; i++) {
		unsigned int d = reader_distance(reader_text(r), reader_len(r), keys[i]);

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

int reader_key(struct reader *r, const char *const *keys, unsigned int *seen, struct place *ret_at)
{
	int err;

	if (r->ev.type == YAML_MAPPING_END_EVENT)
		return KEY_END;
	if (!reader_is_scalar(r))
		return fail_here(r, "a key must be a word");
	for (int i = 0; keys[i]; i++) {
		if (!reader_is(r, keys[i]))
			continue;
		if (*seen & 1u << i)
			return fail_here(r, "\"%s\" stands here twice; remove one", keys[i]);
		*seen |= 1u << i;
		*ret_at = reader_here(r);
		err = reader_next(r);
		return err < 0 ? err : i;
	}
	return fail_key(r, keys);
}

/* ---- life --------------------------------------------------------------------------------------------- */

int reader_init(struct reader *r, const char *text, size_t len, struct policy_error *err)
{
	memset(r, 0, sizeof(*r));
	r->err = err;
	if (!yaml_parser_initialize(&r->parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)text, len);
	return 0;
}

void reader_done(struct reader *r)
{
	if (r->has_ev)
		yaml_event_delete(&r->ev);
	yaml_parser_delete(&r->parser);
}
