/* SPDX-License-Identifier: Apache-2.0 */
/* summary: what a sandbox did, told on stderr at its end: totals, and each refusal with its remedy. */
#ifndef CLI_SUMMARY_H
#define CLI_SUMMARY_H

struct summary;

/* NULL when out of memory; free() it. */
struct summary *summary_new(void);
/* m: a checked message from the report socket; others are ignored. */
void summary_add(struct summary *s, const void *m);
void summary_print(const struct summary *s);

#endif
