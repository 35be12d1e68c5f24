/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: parses the command line of run, attach and policy set. Runs as the caller, before anything is started.
 *
 * Not getopt_long(3): it takes any unambiguous beginning of an option for the option, so a new option
 * could change what an old script means. Names are exact here; a value follows as the next argument or
 * after '='. Every complaint is one line: place, what, why; what to do.
 */
#include "cli/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/limits.h"
#include "cli/rules.h"
#include "lib/log.h"
#include "lib/policy/policy.h"
#include "sandbox/filter_file.h"

enum { WARNINGS_MAX = 5 };	/* at the start of a run */

struct parser {
	struct options *o;
	const char *verb;	/* "run", "attach" */
	const char *name;	/* of the option at hand, with its dashes */
	const char *value;
	char resolver_text[ADDR_STRLEN + 8];
};

#define complain(p, ...) (log_err(__VA_ARGS__), (void)(p), -EINVAL)

/* ---- values --------------------------------------------------------------------------------------- */

static int number(const struct parser *p, const char *text, uint64_t min, uint64_t max, uint64_t *ret_n)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n < min || n > max)
		return complain(p, "%s: %s %s: not a number from %llu to %llu; give one",
				p->verb, p->name, p->value, (unsigned long long)min,
				(unsigned long long)max);
	*ret_n = n;
	return 0;
}

static int number32(const struct parser *p, uint64_t min, uint64_t max, uint32_t *ret_n)
{
	uint64_t n;
	int r = number(p, p->value, min, max, &n);

	if (r == 0)
		*ret_n = (uint32_t)n;
	return r;
}

static int opt_policy(struct parser *p)
{
	struct policy_error e = { 0 };
	int r = policy_add_file(p->o->policy, p->value, &e);

	return r < 0 ? rules_complain(p->value, &e, r) : 0;
}

static int opt_preset(struct parser *p)
{
	struct policy_error e = { 0 };
	int r = policy_add_preset(p->o->policy, p->value, &e);

	return r < 0 ? rules_complain("--preset", &e, r) : 0;
}

static int add_spec(struct parser *p, bool allow)
{
	struct policy_error e = { 0 };
	char place[300];
	int r = policy_add_spec(p->o->policy, allow, p->value, &e);

	snprintf(place, sizeof(place), "%s %.280s", p->name, p->value);
	return r < 0 ? rules_complain(place, &e, r) : 0;
}

static int opt_allow(struct parser *p)
{
	return add_spec(p, true);
}

static int opt_deny(struct parser *p)
{
	return add_spec(p, false);
}

static int opt_port(struct parser *p)
{
	static const char *const names[] = {
		[PROTO_PORT_AUTO] = "auto",
		[PROTO_PORT_XDP] = "xdp",
		[PROTO_PORT_PACKET] = "packet",
		[PROTO_PORT_TAP] = "tap",
	};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(p->value, names[i]) == 0) {
			p->o->port = (enum proto_port)i;
			return 0;
		}
	}
	return complain(p, "%s: --port %s: no such port; use auto, xdp, packet or tap", p->verb, p->value);
}

static int opt_xdp_mode(struct parser *p)
{
	if (strcmp(p->value, "generic") == 0)
		p->o->xdp_mode = 1;
	else if (strcmp(p->value, "native") == 0)
		p->o->xdp_mode = 2;
	else
		return complain(p, "%s: --xdp-mode %s: no such mode; use native or generic", p->verb,
				p->value);
	return 0;
}

static int opt_mtu(struct parser *p)
{
	return number32(p, 1280, 65535, &p->o->mtu);
}

static int opt_max_flows(struct parser *p)
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

static int opt_resolver(struct parser *p)
{
	struct proto_resolver *r = p->o->resolvers, *end = r + PROTO_RESOLVERS_MAX;
	char *host;
	const char *port;
	uint64_t n = 53;

	if (strlen(p->value) >= sizeof(p->resolver_text))
		return complain(p, "%s: --resolver: too long; give ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT",
				p->verb);
	snprintf(p->resolver_text, sizeof(p->resolver_text), "%s", p->value);
	port = split_port(p->resolver_text, &host);
	if (port) {
		int e = number(p, port, 1, 65535, &n);

		if (e < 0)
			return e;
	}
	while (r < end && r->port)
		r++;
	if (r == end)
		return complain(p, "%s: --resolver %s: more than %d name servers; give that many at most",
				p->verb, p->value, PROTO_RESOLVERS_MAX);
	if (addr_parse(host, &r->addr) < 0 || is_nobody(&r->addr))
		return complain(p, "%s: --resolver %s: not an address; give ADDRESS, ADDRESS:PORT or "
				"[ADDRESS]:PORT", p->verb, p->value);
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

static int opt_name(struct parser *p)
{
	if (!options_is_name(p->value))
		return complain(p, "%s: --name %s: not a name; use 1 to 63 letters, digits, '.', '_' or '-'",
				p->verb, p->value);
	snprintf(p->o->name, sizeof(p->o->name), "%s", p->value);
	p->o->named = true;
	return 0;
}

static int opt_events(struct parser *p)
{
	p->o->events = p->value;
	return 0;
}

static int opt_pcap(struct parser *p)
{
	p->o->pcap = p->value;
	return 0;
}

static int opt_status_fd(struct parser *p)
{
	uint64_t n;
	int flags, r = number(p, p->value, 0, 1 << 20, &n);

	if (r < 0)
		return r;
	flags = fcntl((int)n, F_GETFL);
	if (flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) == O_RDONLY)
		return complain(p, "%s: --status-fd %s: not open for writing; open it in the shell, "
				"as in %s>status.json", p->verb, p->value, p->value);
	p->o->status_fd = (int)n;
	return 0;
}

static int opt_quiet(struct parser *p)
{
	p->o->quiet = true;
	return 0;
}

static int opt_help(struct parser *p)
{
	p->o->help = true;
	return 0;
}

static int opt_netns(struct parser *p)
{
	p->o->netns = p->value;
	return 0;
}

/* Absolute, so that it means the same later and inside. Malloc'ed, NULL when out of memory. */
static char *absolute(const char *path)
{
	char *cwd, *full;

	if (path[0] == '/')
		return strdup(path);
	cwd = get_current_dir_name();
	if (!cwd || asprintf(&full, "%s/%s", cwd, path) < 0)
		full = NULL;
	free(cwd);
	return full;
}

static int add_bind(struct parser *p, bool writable)
{
	struct options *o = p->o;
	const char *colon = strchr(p->value, ':');
	char *source = colon ? strndup(p->value, (size_t)(colon - p->value)) : strdup(p->value);
	char *full = source ? absolute(source) : NULL;
	char *dest = colon ? strdup(colon + 1) : full ? strdup(full) : NULL;
	struct jail_bind *more = reallocarray(o->binds, o->n_binds + 1, sizeof(*more));
	struct stat st;
	int r = 0;

	if (more)
		o->binds = more;
	if (!more || !full || !dest)
		r = complain(p, "%s: %s: out of memory; use fewer", p->verb, p->name);
	else if (dest[0] != '/')
		r = complain(p, "%s: %s %s: the place inside is not absolute; give SOURCE:/PLACE", p->verb,
			     p->name, p->value);
	else if (stat(full, &st) < 0)
		r = complain(p, "%s: %s %s: %s; give a file or directory that exists", p->verb, p->name,
			     source, strerror(errno));
	free(source);
	if (r < 0) {
		free(full);
		free(dest);
		return r;
	}
	o->binds[o->n_binds++] = (struct jail_bind){ full, dest, writable };
	return 0;
}

static int opt_bind(struct parser *p)
{
	return add_bind(p, true);
}

static int opt_ro_bind(struct parser *p)
{
	return add_bind(p, false);
}

static int opt_chdir(struct parser *p)
{
	if (p->value[0] != '/')
		return complain(p, "%s: --chdir %s: not absolute; give the directory as the program sees it",
				p->verb, p->value);
	p->o->chdir = p->value;
	return 0;
}

static int opt_env(struct parser *p)
{
	struct options *o = p->o;
	size_t name_len = strcspn(p->value, "=");
	const char *value = getenv(p->value);
	char **more;
	char *text = NULL;

	if (name_len == 0)
		return complain(p, "%s: --env %s: no name; give NAME=VALUE, or NAME to pass yours on",
				p->verb, p->value);
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
		return complain(p, "%s: --env: out of memory; use fewer", p->verb);
	}
	o->env[o->n_env++] = text;
	return 0;
}

static int opt_keep_env(struct parser *p)
{
	p->o->keep_env = true;
	return 0;
}

static int opt_uid(struct parser *p)
{
	const char *colon = strchr(p->value, ':');
	char uid_text[16];
	uint64_t uid, gid;
	int r;

	snprintf(uid_text, sizeof(uid_text), "%.*s", colon ? (int)(colon - p->value) : 15, p->value);
	r = number(p, uid_text, 0, UINT32_MAX - 1, &uid);
	if (r < 0)
		return r;
	gid = uid;
	r = colon ? number(p, colon + 1, 0, UINT32_MAX - 1, &gid) : 0;
	if (r < 0)
		return r;
	p->o->uid = (uid_t)uid;
	p->o->gid = (gid_t)gid;
	return 0;
}

static int opt_hostname(struct parser *p)
{
	size_t n = strlen(p->value);

	if (n == 0 || n > 64 ||
	    strspn(p->value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != n)
		return complain(p, "%s: --hostname %s: not a host name; use 1 to 64 letters, digits, '.' or '-'",
				p->verb, p->value);
	p->o->hostname = p->value;
	return 0;
}

static int opt_no_seccomp(struct parser *p)
{
	p->o->seccomp_off = true;
	return 0;
}

static int opt_seccomp(struct parser *p)
{
	char why[FILTER_WHY_CAP] = "";

	filter_close(&p->o->filter);
	if (filter_open(p->value, &p->o->filter, why) < 0)
		return complain(p, "%s: --seccomp %s: %s", p->verb, p->value, why);
	return 0;
}

static int opt_landlock(struct parser *p)
{
	static const char *const names[] = {
		[JAIL_LANDLOCK_AUTO] = "auto",
		[JAIL_LANDLOCK_REQUIRE] = "require",
		[JAIL_LANDLOCK_OFF] = "off",
	};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(p->value, names[i]) == 0) {
			p->o->landlock = (enum jail_landlock)i;
			return 0;
		}
	}
	return complain(p, "%s: --landlock %s: not known; use auto, require or off", p->verb, p->value);
}

static int opt_limit(struct parser *p)
{
	char why[LIMITS_WHY_CAP];
	int r = limits_set(&p->o->limits, p->name, p->value, why);

	return r < 0 ? complain(p, "%s: %s %s: %s", p->verb, p->name, p->value, why) : 0;
}

/* ---- the list ----------------------------------------------------------------------------------------- */

static const struct option {
	const char *name;
	int (*take)(struct parser *p);
	bool has_value;
	int for_whom;		/* enum options_for, or-ed */
} list[] = {
	{ "--policy", opt_policy, true, OPTIONS_RUN | OPTIONS_ATTACH | OPTIONS_SET },
	{ "--preset", opt_preset, true, OPTIONS_RUN | OPTIONS_ATTACH | OPTIONS_SET },
	{ "--allow", opt_allow, true, OPTIONS_RUN | OPTIONS_ATTACH | OPTIONS_SET },
	{ "--deny", opt_deny, true, OPTIONS_RUN | OPTIONS_ATTACH | OPTIONS_SET },
	{ "--port", opt_port, true, OPTIONS_RUN | OPTIONS_ATTACH },
	{ "--xdp-mode", opt_xdp_mode, true, OPTIONS_RUN | OPTIONS_ATTACH },
	{ "--mtu", opt_mtu, true, OPTIONS_RUN | OPTIONS_ATTACH },
	{ "--resolver", opt_resolver, true, OPTIONS_RUN | OPTIONS_ATTACH },
	{ "--name", opt_name, true, OPTIONS_RUN | OPTIONS_ATTACH },
	{ "--events", opt_events, true, OPTIONS_RUN | OPTIONS_ATTACH },
	{ "--pcap", opt_pcap, true, OPTIONS_RUN | OPTIONS_ATTACH },
	{ "--status-fd", opt_status_fd, true, OPTIONS_RUN | OPTIONS_ATTACH },
	{ "--max-flows", opt_max_flows, true, OPTIONS_RUN | OPTIONS_ATTACH },
	{ "--quiet", opt_quiet, false, OPTIONS_RUN | OPTIONS_ATTACH | OPTIONS_SET },
	{ "--help", opt_help, false, OPTIONS_RUN | OPTIONS_ATTACH | OPTIONS_SET },
	{ "-h", opt_help, false, OPTIONS_RUN | OPTIONS_ATTACH | OPTIONS_SET },
	{ "--netns", opt_netns, true, OPTIONS_ATTACH },
	{ "--bind", opt_bind, true, OPTIONS_RUN },
	{ "--ro-bind", opt_ro_bind, true, OPTIONS_RUN },
	{ "--chdir", opt_chdir, true, OPTIONS_RUN },
	{ "--env", opt_env, true, OPTIONS_RUN },
	{ "--keep-env", opt_keep_env, false, OPTIONS_RUN },
	{ "--uid", opt_uid, true, OPTIONS_RUN },
	{ "--hostname", opt_hostname, true, OPTIONS_RUN },
	{ "--no-seccomp", opt_no_seccomp, false, OPTIONS_RUN },
	{ "--seccomp", opt_seccomp, true, OPTIONS_RUN },
	{ "--landlock", opt_landlock, true, OPTIONS_RUN },
	{ "--memory", opt_limit, true, OPTIONS_RUN },
	{ "--pids", opt_limit, true, OPTIONS_RUN },
	{ "--cpu", opt_limit, true, OPTIONS_RUN },
	{ "--io-weight", opt_limit, true, OPTIONS_RUN },
	{ "--time", opt_limit, true, OPTIONS_RUN },
	{ "--cpu-time", opt_limit, true, OPTIONS_RUN },
	{ "--grace", opt_limit, true, OPTIONS_RUN },
	{ "--tmpfs-size", opt_limit, true, OPTIONS_RUN },
	{ "--tmpfs-inodes", opt_limit, true, OPTIONS_RUN },
	{ "--rlimit", opt_limit, true, OPTIONS_RUN },
};

static const struct option *find(const char *text, enum options_for what)
{
	size_t n = strcspn(text, "=");

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if ((list[i].for_whom & (int)what) && strlen(list[i].name) == n &&
		    strncmp(list[i].name, text, n) == 0)
			return &list[i];
	}
	return NULL;
}

/* Takes the option at argv[i]; returns how many arguments it used, or -EINVAL. */
static int take_option(struct parser *p, enum options_for what, int left, char **at)
{
	const struct option *opt = find(at[0], what);
	const char *equals = strchr(at[0], '=');
	int r;

	if (!opt)
		return complain(p, "%s: %s: no such option; see sluice %s --help", p->verb, at[0], p->verb);
	if (!opt->has_value && equals)
		return complain(p, "%s: %s: takes no value; leave it out", p->verb, at[0]);
	if (opt->has_value && !equals && left < 2)
		return complain(p, "%s: %s: the value is missing; see sluice %s --help", p->verb, at[0],
				p->verb);
	p->name = opt->name;
	p->value = !opt->has_value ? NULL : equals ? equals + 1 : at[1];
	r = opt->take(p);
	if (r < 0)
		return r;
	return opt->has_value && !equals ? 2 : 1;
}

static int check_whole(struct parser *p, enum options_for what)
{
	struct options *o = p->o;
	char why[LIMITS_WHY_CAP];

	if (what == OPTIONS_RUN && !o->argv[0])
		return complain(p, "run: no command; give one, as in: sluice run --allow example.com -- "
				"curl https://example.com/");
	if (what == OPTIONS_ATTACH && !o->netns)
		return complain(p, "attach: no namespace; give --netns /run/netns/NAME or "
				"--netns /proc/PID/ns/net");
	if (what != OPTIONS_RUN && o->argv[0])
		return complain(p, "%s: %s: takes no command; see sluice %s --help", p->verb, o->argv[0],
				p->verb);
	if (o->filter.n && o->seccomp_off)
		return complain(p, "%s: --seccomp and --no-seccomp: one gives a filter, the other none; choose",
				p->verb);
	if (o->xdp_mode && o->port != PROTO_PORT_XDP && o->port != PROTO_PORT_AUTO)
		return complain(p, "%s: --xdp-mode: this port has no mode; use it with --port xdp", p->verb);
	if (limits_check(&o->limits, why) < 0)
		return complain(p, "%s: %s", p->verb, why);
	if (policy_compile(o->policy) < 0)
		return complain(p, "%s: out of memory; use a smaller policy", p->verb);
	if (!o->quiet)
		rules_warn(o->policy, WARNINGS_MAX);
	if (!o->name[0])
		snprintf(o->name, sizeof(o->name), "%s-%d", p->verb, (int)getpid());
	return 0;
}

int options_parse(struct options *o, enum options_for what, int argc, char **argv)
{
	struct parser p = { .o = o, .verb = what == OPTIONS_RUN ? "run" :
		what == OPTIONS_ATTACH ? "attach" : "policy set" };
	int i = 1;

	*o = (struct options){ .status_fd = -1, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	o->policy = rules_new();
	if (!o->policy)
		return complain(&p, "%s: out of memory; free some", p.verb);
	while (i < argc && argv[i][0] == '-') {
		int used;

		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		used = take_option(&p, what, argc - i, &argv[i]);
		if (used < 0)
			return used;
		if (o->help)
			return 0;
		i += used;
	}
	o->argv = &argv[i];
	return check_whole(&p, what);
}

void options_done(struct options *o)
{
	policy_free(o->policy);
	filter_close(&o->filter);
	for (size_t i = 0; i < o->n_binds; i++) {
		free((void *)(uintptr_t)o->binds[i].source);
		free((void *)(uintptr_t)o->binds[i].dest);
	}
	free(o->binds);
	for (size_t i = 0; i < o->n_env; i++)
		free(o->env[i]);
	free(o->env);
}
