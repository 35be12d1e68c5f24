/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: facts that were found in a jail, and what is known outside, to layers that are there or not.
 */
#ifndef CLI_AUDIT_JUDGE_H
#define CLI_AUDIT_JUDGE_H

#include <stddef.h>

#include "cli/audit/layers.h"

struct options;

enum { FACTS_MAX = 4096, EVIDENCE_CAP = 240 };

struct fact {
	const char *name, *what, *value;
};

struct facts {
	struct fact list[FACTS_MAX];
	size_t n;
};

/* Cuts up the lines of a probe (probe.c); ret_facts points into text. 0, or -EINVAL when the end is missing. */
int facts_parse(char *text, struct facts *ret_facts);
/* The value of a fact; "" when there is none. */
const char *facts_get(const struct facts *f, const char *name, const char *what);

struct layer {
	unsigned int open;		/* percent: 0 the layer is there, 100 it is not */
	char evidence[EVIDENCE_CAP];
};

/* outside: the facts of this process, as far as they are compared (ns, root). o: compiled. */
void judge(const struct facts *inside, const struct facts *outside, const struct options *o,
	   struct layer ret_layers[LAYER_COUNT]);
/* Tenths, 0 to 100: all weights times openness, of all weights. */
unsigned int judge_score(const struct layer layers[LAYER_COUNT]);

extern const char *const layer_words[LAYER_COUNT], *const layer_texts[LAYER_COUNT];
extern const unsigned int layer_weights[LAYER_COUNT];

#endif
