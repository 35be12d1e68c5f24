/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option_values: the text of each option into struct options. Runs as the caller, before anything is started.
 *
 * Every complaint is one line: place, what, why; what to do.
 */
#include "cli/options_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/consent.h"
#include "cli/limits.h"
#include "cli/path.h"
#include "cli/rules.h"
#include "cli/view.h"
#include "lib/log.h"
#include "lib/policy/policy.h"
#include "sandbox/filter_file.h"

/* ---- in general ----------------------------------------------------------------------------------- */

int take_flag(struct parser *p)
{
	bool on = !p->value || strcmp(p->value, "true") == 0;

	if (!on && strcmp(p->value, "false") != 0)
		return complain(p, "%s: %s %s: neither true nor false; write one", p->place, p->name, p->value);
	*(bool *)((char *)p->o + p->opt->at) = on;
	return 0;
}

int take_text(struct parser *p)
{
	*(const char **)((char *)p->o + p->opt->at) = p->value;
	return 0;
}

int take_netd(struct parser *p)
{
	if (strcmp(p->value, "auto") == 0)
		p->o->netd = NULL;
	else if (strcmp(p->value, "embedded") == 0)
		p->o->netd = "";
	else if (p->value[0] == '/')
		p->o->netd = p->value;
	else
		return complain(p, "%s: %s %s: is not auto, embedded or the absolute path of a socket; give one of "
				"them", p->place, p->name, p->value);
	return 0;
}

/* Which of the words the value is; or complains and names them. */
static int find_word(const struct parser *p, const char *const *words)
{
	char all[128] = "";

	for (int i = 0; words[i]; i++) {
		size_t n = strlen(all);

		if (strcmp(p->value, words[i]) == 0)
			return i;
		snprintf(all + n, sizeof(all) - n, "%s%s", !i ? "" : words[i + 1] ? ", " : " or ", words[i]);
	}
	return complain(p, "%s: %s %s: not known; use %s", p->place, p->name, p->value, all);
}

int take_word(struct parser *p)
{
	int i = find_word(p, p->opt->words);

	if (i >= 0)
		*(unsigned int *)((char *)p->o + p->opt->at) = (unsigned int)i;
	return i < 0 ? i : 0;
}

int take_number(const struct parser *p, const char *text, uint64_t min, uint64_t max, uint64_t *ret_n)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n < min || n > max)
		return complain(p, "%s: %s %s: not a number from %llu to %llu; give one",
				p->place, p->name, p->value, (unsigned long long)min,
				(unsigned long long)max);
	*ret_n = n;
	return 0;
}

static int number32(const struct parser *p, uint64_t min, uint64_t max, uint32_t *ret_n)
{
	uint64_t n;
	int r = take_number(p, p->value, min, max, &n);

	if (r == 0)
		*ret_n = (uint32_t)n;
	return r;
}

int take_policy(struct parser *p)
{
	struct policy_error e = { 0 };
	int r = policy_add_file(p->o->policy, p->value, &e);

	if (r < 0)
		return rules_complain(p->value, &e, r);
	return strcmp(p->value, "-") == 0 ? 0 : options_add_file(p, p->value);
}

int take_preset(struct parser *p)
{
	struct policy_error e = { 0 };
	char place[300];
	int r = policy_add_preset(p->o->policy, p->value, &e);

	snprintf(place, sizeof(place), "%.280s%s%s", p->in_file ? p->place : "", p->in_file ? ": " : "", p->name);
	return r < 0 ? rules_complain(place, &e, r) : 0;
}

static int add_spec(struct parser *p, bool allow)
{
	struct policy_error e = { 0 };
	char place[600];
	int r = policy_add_spec(p->o->policy, allow, p->value, &e);

	snprintf(place, sizeof(place), "%.280s%s%s %.280s", p->in_file ? p->place : "", p->in_file ? ": " : "", p->name,
		 p->value);
	return r < 0 ? rules_complain(place, &e, r) : 0;
}

int take_allow(struct parser *p)
{
	return add_spec(p, true);
}

int take_deny(struct parser *p)
{
	return add_spec(p, false);
}

int take_mtu(struct parser *p)
{
	return number32(p, 1280, 65535, &p->o->mtu);
}

int take_max_flows(struct parser *p)
{
	return number32(p, 1, 65536, &p->o->flows_max);
}

/* Splits "ADDR", "ADDR:PORT", "[V6]:PORT", "[V6]" in place; the port text or NULL. */
static const char *split_port(char *text, char **ret_host)
{
	char *colon = strrchr(text, ':');
	char *end = text[0] == '[' ? strchr(text, ']') : NULL;

	*ret_host = text;
	if (end) {
		*end = '\0';
		*ret_host = text + 1;
		return end[1] == ':' ? end + 2 : end[1] ? "" : NULL;
	}
	if (!colon || strchr(text, ':') != colon)
		return NULL;
	*colon = '\0';
	return colon + 1;
}

/* No server can have such an address. */
static bool is_nobody(const struct addr *a)
{
	enum addr_class c = addr_classify(a);

	return c == ADDR_UNSPECIFIED || c == ADDR_MULTICAST;
}

int take_resolver(struct parser *p)
{
	struct proto_resolver *r = p->o->resolvers, *end = r + PROTO_RESOLVERS_MAX;
	char text[ADDR_STRLEN + 8], *host;
	const char *port;
	uint64_t n = 53;

	if (strlen(p->value) >= sizeof(text))
		return complain(p, "%s: --resolver: too long; give ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT",
				p->place);
	snprintf(text, sizeof(text), "%s", p->value);
	port = split_port(text, &host);
	if (port) {
		int e = take_number(p, port, 1, 65535, &n);

		if (e < 0)
			return e;
	}
	while (r < end && r->port)
		r++;
	if (r == end)
		return complain(p, "%s: --resolver %s: more than %d name servers; give that many at most",
				p->place, p->value, PROTO_RESOLVERS_MAX);
	if (addr_parse(host, &r->addr) < 0 || is_nobody(&r->addr))
		return complain(p, "%s: --resolver %s: not an address; give ADDRESS, ADDRESS:PORT or "
				"[ADDRESS]:PORT", p->place, p->value);
	r->port = (uint16_t)n;
	return 0;
}

bool options_is_name(const char *text)
{
	size_t n = strlen(text);

	/* "." and ".." are no files of their own. */
	return n > 0 && n < PROTO_LABEL_CAP && strspn(text, ".") != n &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

int take_name(struct parser *p)
{
	if (!options_is_name(p->value))
		return complain(p, "%s: --name %s: not a name; use 1 to 63 letters, digits, '.', '_' or '-'",
				p->place, p->value);
	snprintf(p->o->name, sizeof(p->o->name), "%s", p->value);
	p->o->named = true;
	return 0;
}

int take_status_fd(struct parser *p)
{
	uint64_t n;
	int flags, r = take_number(p, p->value, 0, 1 << 20, &n);

	if (r < 0)
		return r;
	flags = fcntl((int)n, F_GETFL);
	if (flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) == O_RDONLY)
		return complain(p, "%s: --status-fd %s: not open for writing; open it in the shell, "
				"as in %s>status.json", p->place, p->value, p->value);
	p->o->status_fd = (int)n;
	return 0;
}

int take_mount(struct parser *p)
{
	char why[MOUNTS_WHY_CAP];
	int r = mounts_add(&p->o->mounts, p->name, p->value, why);

	return r < 0 ? complain(p, "%s: %s %s: %s", p->place, p->name, p->value, why) : 0;
}

int take_view(struct parser *p)
{
	char why[VIEW_WHY_CAP];
	int r = view_set(&p->o->view, p->name, p->value, why);

	return r < 0 ? complain(p, "%s: %s %s: %s", p->place, p->name, p->value, why) : 0;
}

int take_device(struct parser *p)
{
	char why[DEVICES_WHY_CAP] = "";
	const char *file, *colon = strrchr(p->value, ':');
	int r;

	if (p->in_file && colon && colon[1] != '/' && strchr(colon, '/'))
		return complain(p, "%s: --device %s: the list's path is not absolute; write it whole in a profile", p->place,
				p->value);
	r = devices_add(&p->o->devices, &p->o->mounts, p->value, &file, why);

	if (r < 0)
		return complain(p, "%s: --device %s: %s", p->place, p->value, why);
	return file ? options_add_file(p, file) : 0;
}

int take_chdir(struct parser *p)
{
	if (p->value[0] != '/')
		return complain(p, "%s: --chdir %s: not absolute; give the directory as the program sees it",
				p->place, p->value);
	p->o->chdir = p->value;
	return 0;
}

int take_env(struct parser *p)
{
	struct options *o = p->o;
	size_t name_len = strcspn(p->value, "=");
	const char *value = getenv(p->value);
	char **more;
	char *text = NULL;

	if (name_len == 0)
		return complain(p, "%s: --env %s: no name; give NAME=VALUE, or NAME to pass yours on",
				p->place, p->value);
	if (p->value[name_len] == '=')
		text = strdup(p->value);
	else if (!value)
		return 0;	/* not set out here, so not set in there either */
	else if (asprintf(&text, "%s=%s", p->value, value) < 0)
		text = NULL;
	more = reallocarray(o->env, o->n_env + 1, sizeof(*more));
	if (more)
		o->env = more;
	if (!more || !text) {
		free(text);
		return complain(p, "%s: --env: out of memory; use fewer", p->place);
	}
	o->env[o->n_env++] = text;
	return 0;
}

int take_uid(struct parser *p)
{
	const char *colon = strchr(p->value, ':');
	char uid_text[16];
	uint64_t uid, gid;
	int r;

	snprintf(uid_text, sizeof(uid_text), "%.*s", colon ? (int)(colon - p->value) : 15, p->value);
	r = take_number(p, uid_text, 0, UINT32_MAX - 1, &uid);
	if (r < 0)
		return r;
	gid = uid;
	r = colon ? take_number(p, colon + 1, 0, UINT32_MAX - 1, &gid) : 0;
	if (r < 0)
		return r;
	p->o->uid = (uid_t)uid;
	p->o->gid = (gid_t)gid;
	return 0;
}

int take_hostname(struct parser *p)
{
	size_t n = strlen(p->value);

	if (n == 0 || n > 64 ||
	    strspn(p->value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != n)
		return complain(p, "%s: --hostname %s: not a host name; use 1 to 64 letters, digits, '.' or '-'",
				p->place, p->value);
	p->o->hostname = p->value;
	return 0;
}

static int filter_file(void *arg, const char *path)
{
	return options_add_file(arg, path) < 0 ? -ENOMEM : 0;
}

int take_seccomp(struct parser *p)
{
	const struct filter_reader reader = { filter_file, p };
	char why[FILTER_WHY_CAP] = "";

	filter_close(&p->o->filter);
	if (filter_open(p->value, &reader, &p->o->filter, why) < 0)
		return complain(p, "%s: --seccomp %s: %s", p->place, p->value, why);
	return 0;
}

int take_let(struct parser *p)
{
	int i = find_word(p, consent_words);

	if (i >= 0)
		p->o->let |= 1u << i;
	return i < 0 ? i : 0;
}

int take_limit(struct parser *p)
{
	char why[LIMITS_WHY_CAP];
	int r = limits_set(&p->o->limits, p->name, p->value, why);

	return r < 0 ? complain(p, "%s: %s %s: %s", p->place, p->name, p->value, why) : 0;
}
