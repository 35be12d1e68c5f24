/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: which rules name this host, and which of them cover this port. Process: egress (and sluice
 * for explain).
 *
 * Theory of operation. Names live in a tree of labels, read from the right: the children of all nodes
 * share one hash table keyed (parent, label) with a random SipHash key, so a look-up costs one probe
 * per label and a hostile name cannot aim at a chain. Addresses live in two path-compressed binary
 * tries, one per family, so that no IPv6 prefix holds an IPv4 address. A node of either has up to one
 * "set" per way of naming: all rules with that very host. A set holds, per protocol and per allow or
 * deny, a sorted list of disjoint port spans, each with the one rule that counts there (span.c).
 * Everything is built at once and read-only afterwards.
 */
#include "lib/policy/policy_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"

enum { KINDS = 6 };		/* protocol (3) times deny, allow */

struct set {
	uint32_t first;		/* into spans; the kinds follow each other */
	uint16_t n[KINDS];	/* at most one span per port */
};

/* The first bytes are kept here as well: most labels are short, and a look-up is all cache misses. */
struct label_node {
	const char *label;	/* borrowed from a rule; len bytes */
	uint32_t parent;
	uint32_t exact, below;	/* sets; 0 = none */
	uint8_t len;
	char start[15];
};

struct bucket {
	uint32_t tag;		/* more bits of the hash, so that a stranger is passed by without a look */
	uint32_t node;		/* 0 = empty */
};

struct prefix_node {
	struct addr key;	/* host bits are zero */
	uint32_t set;		/* 0 = only a branch */
	uint32_t child[2];	/* 0 = none */
	uint8_t bits;
	uint8_t class;		/* enum addr_class of every address in it; ADDR_GLOBAL if they differ */
};

struct table {
	struct span *spans;
	struct set *sets;		/* [0] is unused */
	struct label_node *labels;	/* [0] is the root */
	struct bucket *buckets;
	struct prefix_node *prefixes;	/* [0] is unused */
	uint32_t n_sets, n_labels, n_prefixes, bucket_mask;
	uint32_t root4, root6;
	uint8_t key[HASH_KEY_LEN];
};

/* ---- names ---------------------------------------------------------------------------------------- */

static bool label_is(const struct label_node *n, uint32_t parent, const char *label, size_t len)
{
	size_t head = len < sizeof(n->start) ? len : sizeof(n->start);

	return n->parent == parent && n->len == len && memcmp(n->start, label, head) == 0 &&
	       (head == len || memcmp(n->label, label, len) == 0);
}

/* The bucket that holds (parent, label), or the empty one where it belongs, with the tag to write. */
static struct bucket *label_slot(const struct table *t, uint32_t parent, const char *label, size_t len,
				 uint32_t *ret_tag)
{
	uint8_t text[4 + 64];
	uint64_t hash;
	uint32_t i;

	memcpy(text, &parent, 4);
	memcpy(text + 4, label, len);
	hash = hash_sip(t->key, text, 4 + len);
	*ret_tag = (uint32_t)(hash >> 32);
	i = (uint32_t)hash & t->bucket_mask;
	for (;; i = (i + 1) & t->bucket_mask) {
		struct bucket *b = &t->buckets[i];

		if (!b->node || (b->tag == *ret_tag && label_is(&t->labels[b->node], parent, label, len)))
			return b;
	}
}

static uint32_t label_new(struct table *t, uint32_t parent, const char *label, size_t len)
{
	struct label_node *n = &t->labels[++t->n_labels];

	n->label = label;
	n->parent = parent;
	n->len = (uint8_t)len;
	memcpy(n->start, label, len < sizeof(n->start) ? len : sizeof(n->start));
	return t->n_labels;
}

/* Steps one label to the left in name[0..*end): sets *ret_from, false at the start of the name. */
static bool label_before(const char *name, size_t end, size_t *ret_from)
{
	size_t from = end;

	if (!end)
		return false;
	while (from && name[from - 1] != '.')
		from--;
	*ret_from = from;
	return true;
}

static uint32_t label_insert(struct table *t, const char *name)
{
	uint32_t node = 0;
	size_t end = strlen(name), from;

	while (label_before(name, end, &from)) {
		uint32_t tag;
		struct bucket *b = label_slot(t, node, name + from, end - from, &tag);

		if (!b->node) {
			b->tag = tag;
			b->node = label_new(t, node, name + from, end - from);
		}
		node = b->node;
		end = from ? from - 1 : 0;
	}
	return node;
}

void table_match_name(const struct table *t, const char *name, struct match *ret_match)
{
	uint32_t node = 0, tag;
	size_t end = strlen(name), from;

	ret_match->n = 0;
	ret_match->exact = false;
	while (label_before(name, end, &from)) {
		if (end - from > 63)
			return;
		node = label_slot(t, node, name + from, end - from, &tag)->node;
		if (!node)
			return;
		end = from ? from - 1 : 0;
		/* *.name matches below it only, so not when this label was the last. */
		uint32_t set = end ? t->labels[node].below : t->labels[node].exact;

		if (set && ret_match->n < MATCH_MAX) {
			ret_match->too_wide[ret_match->n] = false;
			ret_match->set[ret_match->n++] = set;
			ret_match->exact = !end;
		}
	}
}

/* ---- addresses -------------------------------------------------------------------------------------- */

static unsigned int bit_at(const struct addr *a, unsigned int i)
{
	return (a->b[i / 8] >> (7 - i % 8)) & 1;
}

/* Leading bits that both have in common, at most max. */
static unsigned int common_bits(const struct addr *a, const struct addr *b, unsigned int max)
{
	for (unsigned int i = 0; i < 16 && i * 8 < max; i += 8) {
		uint64_t x, y;

		memcpy(&x, a->b + i, 8);
		memcpy(&y, b->b + i, 8);
		if (x != y) {
			unsigned int n = i * 8 + (unsigned int)__builtin_clzll(be64toh(x ^ y));

			return n < max ? n : max;
		}
	}
	return max;
}

static uint32_t prefix_new(struct table *t, const struct addr *key, unsigned int bits)
{
	struct prefix_node *n = &t->prefixes[++t->n_prefixes];
	struct addr last;

	n->key = *key;
	n->bits = (uint8_t)bits;
	for (unsigned int i = bits; i < 128; i++)
		n->key.b[i / 8] &= (uint8_t)~(0x80u >> (i % 8));
	last = n->key;
	for (unsigned int i = bits; i < 128; i++)
		last.b[i / 8] |= (uint8_t)(0x80u >> (i % 8));
	n->class = (uint8_t)addr_classify(&n->key);
	if (n->class != (uint8_t)addr_classify(&last))
		n->class = ADDR_GLOBAL;
	return t->n_prefixes;
}

/* At most two new nodes; the caller has made room for them. */
static uint32_t prefix_insert(struct table *t, const struct cidr *c)
{
	bool v4 = addr_is_v4(&c->net) && c->bits >= 96;
	uint32_t *link = v4 ? &t->root4 : &t->root6;

	for (;;) {
		struct prefix_node *n = &t->prefixes[*link];
		unsigned int common;
		uint32_t leaf, branch;

		if (!*link)
			return *link = prefix_new(t, &c->net, c->bits);
		common = common_bits(&n->key, &c->net, n->bits < c->bits ? n->bits : c->bits);
		if (common == n->bits) {
			if (c->bits == n->bits)
				return *link;
			link = &n->child[bit_at(&c->net, n->bits)];
			continue;
		}
		leaf = prefix_new(t, &c->net, c->bits);
		if (common == c->bits) {	/* the new one holds the old one */
			t->prefixes[leaf].child[bit_at(&n->key, common)] = *link;
			return *link = leaf;
		}
		branch = prefix_new(t, &c->net, common);
		t->prefixes[branch].child[bit_at(&n->key, common)] = *link;
		t->prefixes[branch].child[bit_at(&c->net, common)] = leaf;
		*link = branch;
		return leaf;
	}
}

void table_match_addr(const struct table *t, const struct addr *a, struct match *ret_match)
{
	uint32_t i = addr_is_v4(a) ? t->root4 : t->root6;
	enum addr_class class = ADDR_GLOBAL;
	bool refused = false;

	ret_match->n = 0;
	while (i) {
		const struct prefix_node *n = &t->prefixes[i];

		if (common_bits(&n->key, a, n->bits) != n->bits)
			return;
		if (n->set && ret_match->n < MATCH_MAX) {
			if (!ret_match->n) {
				class = addr_classify(a);
				refused = addr_is_refused(a);
			}
			/* 0.0.0.0/0 names the Internet, not the metadata service: only a prefix that is wholly
			 * of the address's special kind names that kind. */
			ret_match->too_wide[ret_match->n] = refused && n->class != class;
			ret_match->set[ret_match->n++] = n->set;
		}
		if (n->bits == 128)
			return;
		i = n->child[bit_at(a, n->bits)];
	}
}

/* ---- sets ------------------------------------------------------------------------------------------- */

static unsigned int kind_of(bool allow, enum proto_bit bit)
{
	return (bit == PROTO_BIT_TCP ? 0u : bit == PROTO_BIT_UDP ? 2u : 4u) + (allow ? 1u : 0u);
}

/* The spans of one kind; *ret_n of them. */
static const struct span *set_spans(const struct table *t, uint32_t set, unsigned int kind, uint32_t *ret_n)
{
	const struct set *s = &t->sets[set];
	uint32_t first = s->first;

	for (unsigned int k = 0; k < kind; k++)
		first += s->n[k];
	*ret_n = s->n[kind];
	return t->spans + first;
}

static const struct span *find_span(const struct table *t, uint32_t set, unsigned int kind, uint16_t port)
{
	uint32_t n, lo = 0;
	const struct span *s = set_spans(t, set, kind, &n);

	while (lo < n) {
		uint32_t mid = lo + (n - lo) / 2;

		if (port < s[mid].lo)
			n = mid;
		else if (port > s[mid].hi)
			lo = mid + 1;
		else
			return &s[mid];
	}
	return NULL;
}

uint32_t table_find(const struct table *t, uint32_t set, bool allow, enum proto_bit bit, uint16_t port)
{
	const struct span *s = find_span(t, set, kind_of(allow, bit), port);

	return s ? s->rule : 0;
}

uint32_t table_any(const struct table *t, uint32_t set, bool allow, enum proto_bit bit)
{
	uint32_t n;
	const struct span *s = set_spans(t, set, kind_of(allow, bit), &n);

	return n ? s->rule : 0;
}

/* The first port of lo..hi that no deny covers; hi + 1 when there is none. */
static unsigned int skip_denied(const struct table *t, const struct match *m, enum proto_bit bit,
				const struct span *open)
{
	unsigned int port = open->lo;

	for (unsigned int i = 0; i < m->n && port <= open->hi;) {
		const struct span *d = find_span(t, m->set[i], kind_of(false, bit), (uint16_t)port);

		if (d) {
			port = d->hi + 1u;
			i = 0;
		} else {
			i++;
		}
	}
	return port;
}

uint32_t table_find_open(const struct table *t, const struct match *m, uint32_t set, enum proto_bit bit)
{
	uint32_t n;
	const struct span *s = set_spans(t, set, kind_of(true, bit), &n);

	for (uint32_t i = 0; i < n; i++) {
		if (skip_denied(t, m, bit, &s[i]) <= s[i].hi)
			return s[i].rule;
	}
	return 0;
}

/* ---- building --------------------------------------------------------------------------------------- */

static uint32_t rule_set(struct table *t, const struct rule *r)
{
	uint32_t *set;

	if (r->kind == HOST_RANGE) {
		set = &t->prefixes[prefix_insert(t, &r->range)].set;
	} else {
		struct label_node *n = &t->labels[label_insert(t, r->name)];

		set = r->kind == HOST_BELOW ? &n->below : &n->exact;
	}
	if (!*set)
		*set = ++t->n_sets;
	return *set;
}

/* All of one rule, by protocol. */
static size_t add_pieces(struct piece *out, uint32_t set, uint32_t number, const struct rule *r)
{
	static const enum proto_bit bits[] = { PROTO_BIT_TCP, PROTO_BIT_UDP, PROTO_BIT_ICMP };
	size_t n = 0;

	for (size_t b = 0; b < 3; b++) {
		const struct piece like = { .set = set,
					    .rule = number,
					    .kind = (uint8_t)kind_of(r->allow, bits[b]) };

		if (r->protos & bits[b])
			n += span_pieces(r, bits[b], &like, out + n);
	}
	return n;
}

/* Returns how many. */
static uint32_t make_spans(struct table *t, const struct piece *p, size_t n, uint32_t *heap)
{
	uint32_t n_spans = 0;
	size_t end;

	for (size_t i = 0; i < n; i = end) {
		struct set *s = &t->sets[p[i].set];
		size_t made;

		for (end = i + 1; end < n && p[end].set == p[i].set && p[end].kind == p[i].kind;)
			end++;
		if (!i || p[i].set != p[i - 1].set)
			s->first = n_spans;
		made = span_merge(p + i, end - i, heap, t->spans + n_spans);
		s->n[p[i].kind] = (uint16_t)made;
		n_spans += (uint32_t)made;
	}
	return n_spans;
}

static void *shrink(void *array, size_t n, size_t size)
{
	void *less = realloc(array, n * size);

	if (!less)
		return array;
	return less;
}

/* What was made for the worst case, and names with a common end share most of it. */
static void table_trim(struct table *t, uint32_t n_spans)
{
	t->spans = shrink(t->spans, n_spans + 1, sizeof(*t->spans));
	t->sets = shrink(t->sets, t->n_sets + 1, sizeof(*t->sets));
	t->labels = shrink(t->labels, t->n_labels + 1, sizeof(*t->labels));
	t->prefixes = shrink(t->prefixes, t->n_prefixes + 1, sizeof(*t->prefixes));
}

static int table_alloc(struct table *t, const struct policy *p, size_t n_pieces)
{
	size_t n_buckets = 16;

	while (n_buckets < p->n_labels * 2 + 2)
		n_buckets *= 2;
	t->bucket_mask = (uint32_t)(n_buckets - 1);
	t->spans = calloc(2 * n_pieces + 1, sizeof(*t->spans));
	t->sets = calloc(p->n_rules + 1, sizeof(*t->sets));
	t->labels = calloc(p->n_labels + 1, sizeof(*t->labels));
	t->buckets = calloc(n_buckets, sizeof(*t->buckets));
	t->prefixes = calloc(p->n_rules * 2 + 1, sizeof(*t->prefixes));
	return t->spans && t->sets && t->labels && t->buckets && t->prefixes ? 0 : -ENOMEM;
}

/* At most as many as add_pieces() makes. */
static size_t count_pieces(const struct policy *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_rules; i++) {
		const struct rule *r = &p->rules[i];

		n += 1 + 2u * r->n_ports * (r->tls || r->http ? PIECE_PARTS_MAX : 1u);
	}
	return n;
}

int table_build(const struct policy *p, struct table **ret_table)
{
	struct table *t = calloc(1, sizeof(*t));
	size_t n = 0, cap = count_pieces(p);
	struct piece *pieces = malloc((cap + 1) * sizeof(*pieces));
	uint32_t *heap = malloc((cap + 1) * sizeof(*heap));

	if (!t || !pieces || !heap || table_alloc(t, p, cap) < 0) {
		free(heap);
		free(pieces);
		table_free(t);
		return -ENOMEM;
	}
	hash_random(t->key, sizeof(t->key));
	for (size_t i = 0; i < p->n_rules; i++)
		n += add_pieces(pieces + n, rule_set(t, &p->rules[i]), (uint32_t)i + 1, &p->rules[i]);
	span_sort(pieces, n);
	table_trim(t, make_spans(t, pieces, n, heap));
	free(heap);
	free(pieces);
	*ret_table = t;
	return 0;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	free(t->spans);
	free(t->sets);
	free(t->labels);
	free(t->buckets);
	free(t->prefixes);
	free(t);
}
