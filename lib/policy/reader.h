/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader: a cursor over the events of a YAML text, with places. For the files of lib/policy that read YAML.
 *
 * The current event is r->ev. Functions return 0, or -EINVAL with the error and its place told, or
 * -ENOMEM.
 */
#ifndef LIB_POLICY_READER_H
#define LIB_POLICY_READER_H

#include <yaml.h>

#include "lib/policy/policy_internal.h"

struct place {
	unsigned int line, column;
};

struct reader {
	yaml_parser_t parser;
	yaml_event_t ev;		/* the current one */
	bool has_ev;
	struct policy_error *err;	/* borrowed */
};

/* text is borrowed until reader_done(), which is to be called after success only. */
int reader_init(struct reader *r, const char *text, size_t len, struct policy_error *err);
void reader_done(struct reader *r);
/* Steps to the next event, which must be of the plain part. */
int reader_next(struct reader *r);

struct place reader_here(const struct reader *r);
void reader_set_place(struct reader *r, struct place at);

#define fail_at(r, at, ...) (reader_set_place((r), (at)), policy_fail((r)->err, __VA_ARGS__))
#define fail_here(r, ...) fail_at((r), reader_here(r), __VA_ARGS__)

bool reader_is_scalar(const struct reader *r);
/* Of a scalar. */
const char *reader_text(const struct reader *r);
size_t reader_len(const struct reader *r);
bool reader_is(const struct reader *r, const char *word);
/* The value of key must be a scalar, and not empty. */
int reader_scalar(struct reader *r, const char *key);

enum { KEY_END = -1000 };	/* no errno */

/*
 * The current event is a key or the end of its mapping. Returns the key's index and steps to its value,
 * KEY_END at the end of the mapping, or a negative errno. seen is a bit per key.
 */
int reader_key(struct reader *r, const char *const *keys, unsigned int *seen, struct place *ret_at);

/* Edit distance of two short words, capped: enough for "did you mean". */
unsigned int reader_distance(const char *a, size_t n, const char *b);

#endif
