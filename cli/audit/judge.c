/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: which layers are there, from facts found inside. Runs as the caller. A fact that is missing counts as a
 * layer that is not there; what could not be tried, because not even that was allowed, as one that is.
 */
#include "cli/audit/judge.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "lib/policy/policy.h"

#define X(name, word, weight, text) word,
const char *const layer_words[LAYER_COUNT] = { AUDIT_LAYERS(X) };
#undef X
#define X(name, word, weight, text) text,
const char *const layer_texts[LAYER_COUNT] = { AUDIT_LAYERS(X) };
#undef X
#define X(name, word, weight, text) weight,
const unsigned int layer_weights[LAYER_COUNT] = { AUDIT_LAYERS(X) };
#undef X

struct bench {
	const struct facts *in, *out;
	const struct options *o;
	struct layer *layers;
};

/* ---- facts --------------------------------------------------------------------------------------------- */

int facts_parse(char *text, struct facts *f)
{
	char *save = NULL;

	f->n = 0;
	for (char *line = strtok_r(text, "\n", &save); line && f->n < FACTS_MAX; line = strtok_r(NULL, "\n", &save)) {
		char *what = strchr(line, '\t'), *value = what ? strchr(what + 1, '\t') : NULL;

		if (!value)
			continue;
		*what++ = '\0';
		*value++ = '\0';
		f->list[f->n++] = (struct fact){ line, what, value };
	}
	return f->n && strcmp(f->list[f->n - 1].name, "end") == 0 ? 0 : -EINVAL;
}

const char *facts_get(const struct facts *f, const char *name, const char *what)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->list[i].name, name) == 0 && strcmp(f->list[i].what, what) == 0)
			return f->list[i].value;
	}
	return "";
}

static void found(struct bench *b, enum audit_layer l, unsigned int open, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void found(struct bench *b, enum audit_layer l, unsigned int open, const char *fmt, ...)
{
	va_list ap;

	b->layers[l].open = open;
	va_start(ap, fmt);
	vsnprintf(b->layers[l].evidence, EVIDENCE_CAP, fmt, ap);
	va_end(ap);
}

/* Names of what was found, as far as there is room. */
struct names {
	size_t n;
	char text[160];
};

static void add_name(struct names *names, const char *name)
{
	size_t len = strlen(names->text);

	if (len + strlen(name) + 8 < sizeof(names->text))
		snprintf(names->text + len, sizeof(names->text) - len, "%s%s", names->n ? ", " : "", name);
	else if (len + 6 < sizeof(names->text) && strcmp(names->text + len - 3, "...") != 0)
		snprintf(names->text + len, sizeof(names->text) - len, ", ...");
	names->n++;
}

/* ---- layers ------------------------------------------------------------------------------------------------ */

static void judge_namespaces(struct bench *b)
{
	static const struct {
		enum audit_layer layer;
		const char *type;
	} t[] = {
		{ LAYER_USERNS, "user" }, { LAYER_MNTNS, "mnt" }, { LAYER_PIDNS, "pid" }, { LAYER_NETNS, "net" },
		{ LAYER_IPCNS, "ipc" }, { LAYER_UTSNS, "uts" }, { LAYER_CGROUPNS, "cgroup" }, { LAYER_TIMENS, "time" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const char *in = facts_get(b->in, "ns", t[i].type), *out = facts_get(b->out, "ns", t[i].type);

		if (in[0] && strcmp(in, out) != 0)
			found(b, t[i].layer, 0, "%s:[%.20s] inside, %s:[%.20s] outside", t[i].type, in, t[i].type, out);
		else
			found(b, t[i].layer, 100, in[0] ? "%s:[%.20s] is the caller's" : "%s: not seen%.0s", t[i].type, in);
	}
}

static bool is_virtual(const char *type)
{
	static const char *const types[] = { "tmpfs", "proc", "devpts", "mqueue", "sysfs", "cgroup", "cgroup2", "devtmpfs",
		"ramfs", "overlay" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t n = strlen(types[i]);

		if (strncmp(type, types[i], n) == 0 && type[n] == ' ')
			return true;
	}
	return false;
}

/* "TYPE FLAGS SUPER": does this place take writing? */
static bool is_writable(const char *mount)
{
	const char *flags = strchr(mount, ' '), *super = flags ? strrchr(mount, ' ') : NULL;

	return flags && strncmp(flags + 1, "rw", 2) == 0 && super && strcmp(super + 1, "rw") == 0;
}

static void judge_mounts(struct bench *b)
{
	struct names host = { 0 }, loose = { 0 };

	for (size_t i = 0; i < b->in->n; i++) {
		const struct fact *f = &b->in->list[i];

		if (strcmp(f->name, "mount") != 0 || !is_writable(f->value))
			continue;
		if (!is_virtual(f->value))
			add_name(&host, f->what);
		/* A terminal's nodes are devices by their nature. */
		if (!strstr(f->value, ",nosuid") || (!strstr(f->value, ",nodev") && strncmp(f->value, "devpts ", 7) != 0))
			add_name(&loose, f->what);
	}
	for (size_t i = 0; i < b->o->mounts.n; i++) {
		const struct jail_mount *m = &b->o->mounts.list[i];

		if (m->kind == JAIL_BIND && m->writable && !strstr(host.text, m->dest))
			add_name(&host, m->dest);
	}
	found(b, LAYER_HOSTFILES, host.n ? 50 : 0, host.n ? "writable: %s" : "no writable mount of the host%s", host.text);
	found(b, LAYER_FLAGS, loose.n ? 100 : 0, loose.n ? "not nosuid and nodev: %s" : "nosuid and nodev on all%s",
	      loose.text);
}

/* Facts of one name whose value is in (or not in) a list, told by name. */
static void collect(const struct bench *b, const char *name, bool (*counts)(const char *what, const char *value),
		    struct names *ret_names, size_t *ret_all)
{
	for (size_t i = 0; i < b->in->n; i++) {
		const struct fact *f = &b->in->list[i];

		if (strcmp(f->name, name) != 0)
			continue;
		++*ret_all;
		if (counts(f->what, f->value))
			add_name(ret_names, f->what);
	}
}

/* Refused, whatever stands in the way; else the call reached what it is for. */
static bool is_open(const char *what, const char *value)
{
	static const char *const refused[] = { "EPERM", "EACCES", "ENOSYS", "EROFS", "ENOENT", "ENODATA", "ECONNREFUSED",
		"ENETUNREACH", "EAFNOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "EOPNOTSUPP", "ETIMEDOUT", "EHOSTUNREACH",
		"ENXIO", "ENODEV", "ELOOP", "ENOTDIR", "ENOSPC", "EUSERS", "untried" };

	(void)what;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (strcmp(value, refused[i]) == 0)
			return false;
	}
	return strncmp(value, "signal ", 7) != 0;
}

static void judge_tries(struct bench *b)
{
	static const struct {
		enum audit_layer layer;
		const char *name, *all;
	} t[] = {
		{ LAYER_CALLS, "call", "calls" }, { LAYER_FAMILIES, "socket", "families" },
		{ LAYER_SYSTEM, "create", "places" }, { LAYER_HOSTNET, "host", "listeners" },
	};
	struct names kernel = { 0 };
	size_t all_kernel = 0;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct names names = { 0 };
		size_t all = 0;

		collect(b, t[i].name, is_open, &names, &all);
		if (!all)
			found(b, t[i].layer, 100, "not tried");
		else if (!names.n)
			found(b, t[i].layer, 0, "all %zu %s tried are refused", all, t[i].all);
		else	/* one is bad, the others add to it */
			found(b, t[i].layer, (unsigned int)(40 + 60 * names.n / all), "%zu of %zu %s are not refused: %s",
			      names.n, all, t[i].all, names.text);
	}
	collect(b, "read", is_open, &kernel, &all_kernel);
	collect(b, "write", is_open, &kernel, &all_kernel);
	found(b, LAYER_KERNEL, !all_kernel || kernel.n ? 100 : 0, kernel.n ? "open: %s" : "all that were tried are closed%s",
	      kernel.text);
	found(b, LAYER_NESTED, is_open("", facts_get(b->in, "call", "unshare user")) ? 100 : 0, "unshare(CLONE_NEWUSER): %s",
	      facts_get(b->in, "call", "unshare user"));
}

static bool is_zero(const char *hex)
{
	return hex[0] && hex[strspn(hex, "0")] == '\0';
}

static void judge_power(struct bench *b)
{
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" };
	const char *filters = facts_get(b->in, "status", "Seccomp_filters");
	const char *layers = facts_get(b->in, "landlock", "layers");
	bool nnp = strcmp(facts_get(b->in, "status", "NoNewPrivs"), "1") == 0;
	bool filter = strcmp(facts_get(b->in, "status", "Seccomp"), "2") == 0;
	long bits = strtol(facts_get(b->in, "securebits", "self"), NULL, 10);
	const char *groups = facts_get(b->in, "status", "Groups");
	struct names full = { 0 };

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (!is_zero(facts_get(b->in, "status", sets[i])))
			add_name(&full, sets[i]);
	}
	/* A bounding set gives nothing by itself. */
	found(b, LAYER_CAPS, !full.n ? 0 : full.n == 1 && strcmp(full.text, "CapBnd") == 0 ? 25 : 100,
	      full.n ? "not empty: %s" : "inheritable, permitted, effective, bounding, ambient: none%s", full.text);
	found(b, LAYER_NNP, nnp ? 0 : 100, "no_new_privs is %s", nnp ? "set" : "not set");
	/* One that only reports is none. */
	if (filter && b->o->seccomp == JAIL_SECCOMP_LOG)
		found(b, LAYER_SECCOMP, 100, "it refuses nothing and only reports, as --seccomp-mode log has it");
	else
		found(b, LAYER_SECCOMP, filter ? 0 : 100, filter ? "%s filter%s" : "none%.0s%.0s", filters[0] ? filters : "a",
		      strcmp(filters, "1") == 0 || !filters[0] ? "" : "s");
	/* NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE, locked: linux/securebits.h. */
	found(b, LAYER_SECUREBITS, (bits & 1) && (bits & 2) ? 0 : 100, "securebits 0x%lx", bits);
	found(b, LAYER_GROUPS, groups[strspn(groups, " 0123456789")] || strspn(groups, " ") == strlen(groups) ? 0 : 100,
	      "groups: %.60s", groups[0] ? groups : "none");
	if (strcmp(layers, "untried") == 0 && b->o->landlock != JAIL_LANDLOCK_OFF)
		found(b, LAYER_LANDLOCK, jail_landlock_abi() > 0 ? 0 : 100, "cannot be asked inside; the kernel has ABI %d",
		      jail_landlock_abi());
	else
		found(b, LAYER_LANDLOCK, strtol(layers, NULL, 10) > 0 ? 0 : 100, "rule sets: %s", layers[0] ? layers : "none");
}

static bool is_odd_device(const char *what, const char *value)
{
	static const char *const harmless[] = { "c 1:3", "c 1:5", "c 1:7", "c 1:8", "c 1:9", "c 5:0", "c 5:1", "c 5:2" };

	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		if (strcmp(value, harmless[i]) == 0)
			return false;
	}
	/* The terminal, under a name of its own. */
	return strncmp(value, "c 136:", 6) != 0 || strcmp(what, "/dev/console") != 0;
}

static bool is_odd_fd(const char *what, const char *value)
{
	(void)value;
	return strcmp(what, "0") != 0 && strcmp(what, "1") != 0 && strcmp(what, "2") != 0;
}

static bool is_odd_link(const char *what, const char *value)
{
	(void)value;
	return strcmp(what, "lo") != 0 && strcmp(what, "eth0") != 0;
}

static bool is_secret(const char *what, const char *value)
{
	static const char *const words[] = { "TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "ACCESS_KEY",
		"PRIVATE_KEY", "CREDENTIAL", "AUTH_SOCK", "DBUS_SESSION", "COOKIE" };

	(void)value;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasestr(what, words[i]))
			return true;
	}
	return false;
}

static void judge_things(struct bench *b)
{
	static const struct {
		enum audit_layer layer;
		const char *name;
		bool (*counts)(const char *what, const char *value);
		const char *bad, *good;
	} t[] = {
		{ LAYER_DEVICES, "device", is_odd_device, "also there", "null, zero, full, random, urandom, terminals" },
		{ LAYER_FDS, "fd", is_odd_fd, "open", "0, 1 and 2" },
		{ LAYER_ENV, "env", is_secret, "looks like a secret", "none that looks like a secret" },
		{ LAYER_LINKS, "interface", is_odd_link, "also there", "lo and the gateway's" },
	};
	const char *seen = facts_get(b->in, "processes", "seen");

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct names names = { 0 };
		size_t all = 0;

		collect(b, t[i].name, t[i].counts, &names, &all);
		found(b, t[i].layer, names.n ? 100 : 0, names.n ? "%s: %s" : "%.0s%s", t[i].bad,
		      names.n ? names.text : t[i].good);
	}
	found(b, LAYER_PROCESSES, seen[0] && strtol(seen, NULL, 10) <= 3 ? 0 : 100, "%s processes in /proc", seen[0] ? seen : "no");
	found(b, LAYER_ROOT, facts_get(b->in, "root", "/")[0] && strcmp(facts_get(b->in, "root", "/"),
	      facts_get(b->out, "root", "/")) != 0 ? 0 : 100, "device and inode %s inside, %s outside",
	      facts_get(b->in, "root", "/"), facts_get(b->out, "root", "/"));
}

static void judge_policy(struct bench *b)
{
	struct addr somewhere;
	size_t n = policy_count(b->o->policy);
	bool all;

	addr_parse("203.0.114.77", &somewhere);
	all = policy_judge_addr(b->o->policy, &somewhere, IPPROTO_TCP, 443).allow ||
	      policy_judge_name(b->o->policy, "audit.example.com", IPPROTO_TCP, 443).allow;
	found(b, LAYER_POLICY, all ? 100 : n ? 50 : 0, "%zu rule%s%s", n, n == 1 ? "" : "s",
	      all ? ", and any host is allowed" : n ? "" : ": deny by default");
}

/* What was asked for is held, or the jail had not started: cgroup.h, rlimit.c. */
static void judge_limits(struct bench *b)
{
	const struct jail_limits *l = &b->o->limits;
	const char *core = facts_get(b->in, "rlimit", "core");
	unsigned long long pids = l->pids ? l->pids : (unsigned long long)JAIL_PIDS_DEFAULT;
	uid_t uid = jail_uid_outside(b->o->uid, &b->o->view.uids);

	found(b, LAYER_UID, uid == 0 ? 100 : 0, "user %u of the host", uid);
	found(b, LAYER_MEMORY, l->memory ? 0 : 100, l->memory ? "%llu bytes, by a cgroup" : "none%.0llu; --memory gives one",
	      (unsigned long long)l->memory);
	found(b, LAYER_PIDS, 0, "%llu processes and threads", pids);
	found(b, LAYER_CPU, l->cpu_milli ? 0 : 100, l->cpu_milli ? "%u thousandths of a processor" :
	      "none%.0u; --cpu gives one", l->cpu_milli);
	found(b, LAYER_TIME, l->wall_ns || l->cpu_ns ? 0 : 100, l->wall_ns || l->cpu_ns ? "held by pid 1" :
	      "none; --time gives one");
	/* 1 means: not even to a handler, see core(5). */
	found(b, LAYER_CORE, strcmp(core, "0") == 0 || strcmp(core, "1") == 0 ? 0 : 100, "RLIMIT_CORE %s", core);
}

void judge(const struct facts *inside, const struct facts *outside, const struct options *o,
	   struct layer ret_layers[LAYER_COUNT])
{
	struct bench b = { inside, outside, o, ret_layers };

	for (int i = 0; i < LAYER_COUNT; i++)
		ret_layers[i] = (struct layer){ .open = 100, .evidence = "not looked at" };
	judge_namespaces(&b);
	judge_mounts(&b);
	judge_tries(&b);
	judge_power(&b);
	judge_things(&b);
	judge_policy(&b);
	judge_limits(&b);
}

unsigned int judge_score(const struct layer layers[LAYER_COUNT])
{
	unsigned int sum = 0, all = 0;

	for (int i = 0; i < LAYER_COUNT; i++) {
		sum += layer_weights[i] * layers[i].open;
		all += layer_weights[i];
	}
	/* Rounded up: nothing that is open counts for nothing. */
	return (sum + all - 1) / all;
}
