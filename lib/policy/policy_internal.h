/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_internal: what the files of lib/policy share. Others include policy.h only.
 *
 *	reader.c	YAML text -> the plain part of it, with places
 *	yaml.c, spec.c	text -> struct rule_draft
 *	preset.c	rules that come with sluice, by name
 *	rule.c		struct rule_draft -> struct rule: every check of meaning is here, once
 *	inspect.c	what the keys tls and http mean for a flow
 *	name.c		names and their normal form
 *	table.c		rules -> label tree and prefix trie; what matches a name or an address
 *	span.c		the ports of all rules of one host -> disjoint spans, each with the rule that counts
 *	policy.c	life of a policy, verdicts
 *	print.c		canonical text; explain.c: answers for people
 */
#ifndef LIB_POLICY_POLICY_INTERNAL_H
#define LIB_POLICY_POLICY_INTERNAL_H

#include "lib/policy/policy.h"

enum {
	POLICY_TEXT_MAX = 64 << 20,	/* bytes of one YAML text */
	POLICY_RULES_MAX = 1 << 20,
	POLICY_PARTS_MAX = 1 << 22,	/* labels of all names, and port ranges of all rules */
	POLICY_PORTS_MAX = 64,		/* port ranges in one rule */
	POLICY_REASON_MAX = 200,	/* bytes of a rule's reason */
	POLICY_QUOTE_CAP = 80,		/* a clipped piece of the user's text, NUL included */
	POLICY_LABELS_MAX = 127,	/* 253 bytes hold no more */
	PRESET_NAME_MAX = 32,		/* bytes of its name */
	PRESET_TEXT_MAX = 1 << 20,	/* bytes of its file */
	PRESET_DEPTH_MAX = 8,		/* a preset may name presets */
};

static_assert((int)POLICY_REASON_MAX < (int)PROTO_NOTE_CAP, "a reason fits a verdict's note whole");

enum proto_bit {
	PROTO_BIT_TCP = 1,
	PROTO_BIT_UDP = 2,
	PROTO_BIT_ICMP = 4,
	PROTO_BIT_ANY = 7,
};

enum host_kind {
	HOST_NAME,	/* exactly this name */
	HOST_BELOW,	/* *.name: any depth below, not the name itself */
	HOST_RANGE,	/* an address or a prefix */
};

/* A value of the keys tls and http. */
enum demand {
	DEMAND_UNSET = 0,	/* by the port */
	DEMAND_ANY,		/* not read */
	DEMAND_OPAQUE,		/* tls only: the name may be hidden */
	DEMAND_REQUIRE,
};

struct port_range {
	uint16_t lo, hi;	/* both included */
};

struct rule {
	char *name;			/* normal form without "*."; NULL with HOST_RANGE */
	char *reason;			/* NULL: none */
	struct port_range *ports;	/* sorted, disjoint, never touching; NULL for ICMP alone */
	struct cidr range;
	uint32_t line;			/* in its origin; 0: from the command line */
	uint32_t canon_line;		/* in the canonical text; set by policy_compile() */
	uint16_t column;		/* of its host when that is on this line, else of the rule; 0: no text */
	uint16_t origin;		/* index into policy.origins */
	uint8_t n_ports;
	uint8_t protos;			/* enum proto_bit */
	uint8_t kind;			/* enum host_kind */
	uint8_t tls, http;		/* enum demand */
	bool allow;
	bool any_tenant;		/* known to be shared with strangers: no warning */
};

/* Which part of a draft a complaint is about, so that yaml.c can give its place. */
enum draft_part {
	PART_RULE,
	PART_HOST,
	PART_PROTO,
	PART_PORTS,
	PART_TLS,
	PART_HTTP,
	PART_TENANTS,
	PART_REASON,
	PART_COUNT,
};

/* A rule as it was written. Pointers are borrowed. */
struct rule_draft {
	bool allow;
	bool has_ports, has_proto;
	uint8_t protos;
	uint8_t tls, http;		/* enum demand */
	bool any_tenant;
	const char *host;
	size_t host_len;
	const char *reason;		/* NULL: none */
	size_t reason_len;
	size_t n_ports;
	struct port_range ports[POLICY_PORTS_MAX];
};

struct policy {
	struct rule *rules;
	size_t n_rules, cap_rules;
	char **origins;
	size_t n_origins;
	char *preset_dir;		/* NULL: there are no presets here */
	char **presets;			/* names of those that were read */
	size_t n_presets;
	size_t n_labels, n_ranges;	/* counted against POLICY_PARTS_MAX */
	struct policy_limits limits;
	enum policy_denied_names denied_names;
	bool has_denied_names;		/* a text says so; another one may not say something else */
	struct table *table;		/* NULL until compiled */
};

/* ---- policy.c ---- */

/* Fills e->text; returns -EINVAL. */
int policy_fail(struct policy_error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds a checked rule; its memory is taken, also on failure. 0, -EINVAL (a bound, e filled), -ENOMEM. */
int policy_add_rule(struct policy *p, struct rule *r, struct policy_error *e);
/* Takes back what was added after the first n rules. */
void policy_drop_rules(struct policy *p, size_t n);
/* Index of the origin, new or known, or -ENOMEM. name is copied. */
int policy_add_origin(struct policy *p, const char *name);
/* A piece of foreign text fit for a message: clipped, control bytes replaced. */
const char *policy_quote(const char *text, size_t len, char buf[POLICY_QUOTE_CAP]);

/* ---- name.c ---- */

/* policy_name() that says why not: ret_why is static. text of len bytes, any bytes. */
int name_normalise(const char *text, size_t len, char *buf, const char **ret_why);
/* Is it in normal form, so that comparing it means something? */
bool name_is_normal(const char *name);
/* Would a resolver or a person take the last label for a part of an address ("1.2.3", "0x7f.1")? */
bool name_ends_in_number(const char *name, size_t len);

/* ---- rule.c ---- */

/* 0, or -EINVAL with e->text and *ret_part, or -ENOMEM. */
int rule_finish(const struct rule_draft *d, struct rule *ret_rule, enum draft_part *ret_part,
		struct policy_error *e);
void rule_done(struct rule *r);
/* "443" or "8000-8010" into the draft. 0 or -EINVAL. */
int draft_add_ports(struct rule_draft *d, const char *text, size_t len, struct policy_error *e);
/* "tcp", "udp", "icmp", "any" into the draft. 0 or -EINVAL. */
int draft_add_proto(struct rule_draft *d, const char *text, size_t len, struct policy_error *e);
/* Host as the user would write it ("*.example.test", "10.0.0.0/8"). buf holds PROTO_NAME_CAP + 2. */
const char *rule_host(const struct rule *r, char *buf);

/* ---- yaml.c ---- */

/* The presets that are being read, innermost first. */
struct preset_chain {
	const struct preset_chain *up;
	const char *name;
	unsigned int depth;		/* 1 for the outermost */
};

/*
 * Adds the rules of a text; after an error some of them are left in p. chain: NULL unless it is a preset's.
 * 0, -EINVAL with e, -ENOMEM.
 */
int yaml_read(struct policy *p, const char *text, size_t len, const char *origin, const struct preset_chain *chain,
	      struct policy_error *e);

/* ---- preset.c ---- */

/*
 * Adds a preset once, however often it is named. As yaml_read(); e has the place of the name or, with
 * e->origin, a place in a preset.
 */
int preset_add(struct policy *p, const struct preset_chain *chain, const char *name, size_t len,
	       struct policy_error *e);
/* Forgets what was read after the first n presets. */
void policy_drop_presets(struct policy *p, size_t n);

/* ---- file.c ---- */

/* Reads to the end, at most max + 1 bytes. 0 or -errno; *ret_text is the caller's. */
int file_read(int fd, size_t max, char **ret_text, size_t *ret_len);

/* ---- inspect.c ---- */

/* "require", "opaque", "any": 0 or -EINVAL. key is "tls" or "http". */
int demand_parse(const char *key, const char *text, size_t len, uint8_t *ret_demand, struct policy_error *e);
/* The word of it; NULL when unset. */
const char *demand_word(uint8_t demand);
/* Do tls and http fit the rule and each other? 0, or -EINVAL with e->text and *ret_part. */
int inspect_check(const struct rule *r, enum draft_part *ret_part, struct policy_error *e);
/* What is read of a flow that this rule allows. *ret_said: a key says so, not the port. */
enum proto_inspect inspect_of(const struct rule *r, enum proto_bit bit, uint16_t port, bool *ret_said);

/* ---- reach.c ---- */

/* One line for each address that the name has now on this host: would it be dialled, and why not? */
void reach_print(const struct policy *p, const char *name, uint8_t proto, uint16_t port, FILE *out);

/* ---- spec.c ---- */

/* Splits a SPEC. 0 or -EINVAL. d points into spec. */
int spec_parse(const char *spec, bool allow, struct rule_draft *ret_draft, struct policy_error *e);

/* ---- print.c ---- */

enum { PRINT_FIRST_RULE_LINE = 3 };
/* Lines of one rule in the canonical text. */
uint32_t print_rule_lines(const struct rule *r);
/* "answer", "nxdomain", "refused" */
const char *print_denied_names(enum policy_denied_names how);
/* "443, 8000-8010" with the given separator between entries and quote around ranges. */
void print_ports(FILE *f, const struct rule *r, const char *sep, const char *quote);
/* "tcp", "[tcp, udp]", "any" */
const char *print_protos(uint8_t protos);

/* ---- table.c ---- */

struct table;

enum { MATCH_MAX = 130 };

/* What names one host, widest first. */
struct match {
	unsigned int n;
	uint32_t set[MATCH_MAX];
	bool too_wide[MATCH_MAX];	/* a range that does not name this kind of address: allows are void */
	bool exact;			/* names: the last set is of rules that spell it out */
};

/* 0 or -ENOMEM. The table borrows the names of p->rules. */
int table_build(const struct policy *p, struct table **ret_table);
void table_free(struct table *t);
void table_match_name(const struct table *t, const char *name, struct match *ret_match);
void table_match_addr(const struct table *t, const struct addr *a, struct match *ret_match);
/*
 * Rules are named by their number here: index + 1, 0 = none.
 *
 * The rule of this set that counts for the port (0 with ICMP), or 0. bit: one bit.
 */
uint32_t table_find(const struct table *t, uint32_t set, bool allow, enum proto_bit bit, uint16_t port);
/* The same whatever the port. */
uint32_t table_any(const struct table *t, uint32_t set, bool allow, enum proto_bit bit);
/* The same for any port that the set allows and no denial of m takes back. */
uint32_t table_find_open(const struct table *t, const struct match *m, uint32_t set, enum proto_bit bit);

/* ---- span.c ---- */

struct span {
	uint16_t lo, hi;
	uint32_t rule;		/* its number */
};

/* A port range of one rule, before the ranges of a set are made disjoint. */
struct piece {
	uint32_t set, rule;
	uint16_t lo, hi;
	uint8_t kind;		/* protocol and allow or deny: table.c numbers them */
	uint8_t rank;		/* where pieces overlap, the highest counts; among equals the first rule */
};

enum { PIECE_PARTS_MAX = 5 };	/* a range that a key treats apart at 80 and at 443 */

/* The ranges of one rule for one protocol, as pieces; how many. out holds r->n_ports * PIECE_PARTS_MAX. */
size_t span_pieces(const struct rule *r, enum proto_bit bit, const struct piece *like, struct piece *out);
/* By set, kind and first port. */
void span_sort(struct piece *p, size_t n);
/*
 * Makes one group's sorted pieces disjoint. out holds 2 * n spans, heap n indices. Returns the number of
 * spans.
 */
size_t span_merge(const struct piece *p, size_t n, uint32_t *heap, struct span *out);

#endif
