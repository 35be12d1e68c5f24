/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts: parser and table of /etc/hosts. Runs in egress; the file is the host administrator's, but an
 * unlucky one must do no harm, so it is bounded like foreign input. Names are brought to the policy's normal
 * form; lines and names that have none are skipped.
 */
#include "netd/egress/hosts.h"

#include <stdlib.h>
#include <string.h>

#include "lib/policy/policy.h"
#include "lib/proto.h"

struct host {
	char *name;		/* owned */
	struct addr addr;
	uint32_t order;		/* of the line, kept within a name */
};

struct hosts {
	struct host *hosts;	/* sorted by name, then by order */
	size_t n, cap;
};

/* The next word of a line; false at its end. Leaves *p behind the word. */
static bool next_word(const char **p, const char *end, const char **ret_word, size_t *ret_len)
{
	const char *s = *p;

	while (s < end && (*s == ' ' || *s == '\t' || *s == '\r'))
		s++;
	*ret_word = s;
	while (s < end && *s != ' ' && *s != '\t' && *s != '\r' && *s != '#')
		s++;
	*ret_len = (size_t)(s - *ret_word);
	*p = s;
	return *ret_len > 0;
}

static bool copy_word(const char *word, size_t len, char *buf, size_t cap)
{
	if (len >= cap || memchr(word, '\0', len))
		return false;
	memcpy(buf, word, len);
	buf[len] = '\0';
	return true;
}

/* 0, or -1 when memory is short. */
static int add(struct hosts *h, const char *name, const struct addr *a)
{
	if (h->n == HOSTS_NAMES_MAX)
		return 0;
	if (h->n == h->cap) {
		size_t cap = h->cap ? h->cap * 2 : 64;
		struct host *more = reallocarray(h->hosts, cap, sizeof(*more));

		if (!more)
			return -1;
		h->hosts = more;
		h->cap = cap;
	}
	h->hosts[h->n] = (struct host){ strdup(name), *a, (uint32_t)h->n };
	if (!h->hosts[h->n].name)
		return -1;
	h->n++;
	return 0;
}

static int parse_line(struct hosts *h, const char *p, const char *end)
{
	char word[PROTO_NAME_CAP + 1], name[PROTO_NAME_CAP];
	const char *w;
	size_t len;
	struct addr a;

	if (!next_word(&p, end, &w, &len) || !copy_word(w, len, word, sizeof(word)) ||
	    addr_parse(word, &a) < 0)
		return 0;
	while (next_word(&p, end, &w, &len)) {
		if (!copy_word(w, len, word, sizeof(word)) || policy_name(word, name) < 0)
			continue;
		if (add(h, name, &a) < 0)
			return -1;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct host *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : x->order < y->order ? -1 : x->order > y->order;
}

struct hosts *hosts_parse(const char *text, size_t len)
{
	struct hosts *h = calloc(1, sizeof(*h));
	const char *p = text, *end = text + len;

	if (!h)
		return NULL;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;

		if (parse_line(h, p, stop) < 0) {
			hosts_free(h);
			return NULL;
		}
		p = nl ? nl + 1 : end;
	}
	if (h->n)
		qsort(h->hosts, h->n, sizeof(*h->hosts), compare);
	return h;
}

void hosts_free(struct hosts *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++)
		free(h->hosts[i].name);
	free(h->hosts);
	free(h);
}

bool hosts_find(const struct hosts *h, const char *name, bool v6, struct addr *ret_addrs, uint8_t *ret_n)
{
	size_t lo = 0, hi = h ? h->n : 0;
	uint8_t n = 0;
	bool known;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(h->hosts[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	known = h && lo < h->n && strcmp(h->hosts[lo].name, name) == 0;
	if (!known)
		return false;
	for (; lo < h->n && n < PROTO_ADDRS_MAX && strcmp(h->hosts[lo].name, name) == 0; lo++) {
		if (addr_is_v4(&h->hosts[lo].addr) != v6)
			ret_addrs[n++] = h->hosts[lo].addr;
	}
	*ret_n = n;
	return true;
}
