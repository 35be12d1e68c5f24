/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: the table of all options, and the command line of run, attach and policy set. Runs as the caller,
 * before anything is started.
 *
 * Not getopt_long(3): it takes any unambiguous beginning of an option for the option, so a new option
 * could change what an old script means. Names are exact here; a value follows as the next argument or
 * after '='.
 */
#include "cli/options_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/consent.h"
#include "cli/limits.h"
#include "cli/rules.h"
#include "cli/view.h"
#include "cli/settings.h"
#include "lib/log.h"
#include "lib/policy/policy.h"
#include "sandbox/filter_file.h"

enum {
	WARNINGS_MAX = 5,	/* at the start of a run */
	HELP_COLUMN = 25,
	RUN = OPTIONS_RUN,
	GATEWAY = OPTIONS_RUN | OPTIONS_ATTACH,
	RULES = OPTIONS_RUN | OPTIONS_ATTACH | OPTIONS_SET,
};

static const char *const ports[] = {
	[PROTO_PORT_AUTO] = "auto", [PROTO_PORT_XDP] = "xdp", [PROTO_PORT_PACKET] = "packet",
	[PROTO_PORT_TAP] = "tap", NULL,
};
static const char *const nets[] = { [OPTIONS_NET_GATEWAY] = "gateway", [OPTIONS_NET_NONE] = "none", NULL };
static const char *const xdp_modes[] = { "auto", "generic", "native", NULL };
static const char *const landlocks[] = {
	[JAIL_LANDLOCK_AUTO] = "auto", [JAIL_LANDLOCK_REQUIRE] = "require", [JAIL_LANDLOCK_OFF] = "off", NULL,
};

static const char *const seccomp_modes[] = {
	[JAIL_SECCOMP_ENFORCE] = "enforce", [JAIL_SECCOMP_TRACE] = "trace", [JAIL_SECCOMP_LOG] = "log", NULL,
};

#define AT(member) offsetof(struct options, member)
#define HEAD(text, whom) { .help = (text), .for_whom = (whom) }

/* name, value, help, take, at, words, for whom, traits */
const struct option options_list[] = {
	HEAD("Options from files", RUN),
	{ "--profile", "FILE|NAME", "options from a YAML file, see sluice-profile(5), or those that come with\n"
	  "sluice: shell, python, agent, ...; sluice profile list lists them", take_profile, 0, NULL, RUN,
	  OPTION_MANY | OPTION_NO_PROFILE },

	HEAD("What may leave", RULES),
	{ "--policy", "FILE", "rules from a YAML file, see sluice-policy(5)", take_policy, 0, NULL, RULES,
	  OPTION_MANY | OPTION_PATH },
	{ "--preset", "NAME", "rules that come with sluice: pypi, npm, debian, ...;\n"
	  "sluice policy presets lists them", take_preset, 0, NULL, RULES, OPTION_MANY },
	{ "--allow", "SPEC", "SPEC = [tcp://|udp://|icmp://]HOST[:PORTS], may be repeated;\n"
	  "HOST is a name, *.name, an address or a range (198.51.100.0/24)", take_allow, 0, NULL, RULES,
	  OPTION_MANY },
	{ "--deny", "SPEC", "wins over every --allow", take_deny, 0, NULL, RULES, OPTION_MANY },

	HEAD("The gateway", GATEWAY),
	{ "--net", "KIND", "gateway, or none: an empty network, which starts faster", take_word, AT(net), nets, RUN,
	  0 },
	{ "--netd", "WHICH", "auto, embedded or the socket of a sluice-netd that listens; auto: the\n"
	  "system's where there is one", take_netd, 0, NULL, GATEWAY, OPTION_PATH_OR_WORD },
	{ "--port", "KIND", "auto, xdp, packet or tap; how frames reach the gateway", take_word, AT(port), ports,
	  GATEWAY, 0 },
	{ "--xdp-mode", "MODE", "native or generic", take_word, AT(xdp_mode), xdp_modes, GATEWAY, 0 },
	{ "--mtu", "N", "of the link, 1280 to 65535", take_mtu, 0, NULL, GATEWAY, 0 },
	{ "--resolver", "ADDR[:PORT]", "ask this name server instead of the host's; up to three", take_resolver, 0,
	  NULL, GATEWAY, OPTION_MANY },
	{ "--max-flows", "N", "connections at a time, default 4096", take_max_flows, 0, NULL, GATEWAY, 0 },
	{ "--name", "NAME", "of the sandbox, in logs and for sluice policy set", take_name, 0, NULL, GATEWAY, 0 },
	{ "--events", "FILE", "append what was decided, JSON lines", take_text, AT(events), NULL, GATEWAY,
	  OPTION_PATH },
	{ "--pcap", "FILE", "append every packet, pcapng", take_text, AT(pcap), NULL, GATEWAY, OPTION_PATH },
	{ "--netns", "PATH", "the namespace, /run/netns/NAME or /proc/PID/ns/net", take_text, AT(netns), NULL,
	  OPTIONS_ATTACH, OPTION_PATH },

	HEAD("The jail", RUN),
	{ "--bind", "SRC[:[DST][:OPT,...]]", "show a file or directory, writable; OPT: ro, noexec, nosymfollow,\n"
	  "follow, slave, idmap", take_mount, 0, NULL, RUN,
	  OPTION_MANY | OPTION_PATH | OPTION_PLACE },
	{ "--ro-bind", "SRC[:[DST][:OPT,...]]", "the same, read-only", take_mount, 0, NULL, RUN,
	  OPTION_MANY | OPTION_PATH | OPTION_PLACE },
	{ "--overlay", "SRC[:[DST][:OPT,...]]", "a directory, changes to which are lost; or kept in upper=DIR, with\n"
	  "work=DIR; OPT: noexec, nosymfollow, follow", take_mount, 0, NULL, RUN, OPTION_MANY | OPTION_PATH | OPTION_PLACE },
	{ "--image", "FILE[:DST[:OPT,...]]", "what a squashfs or erofs file holds, as / or at DST (root only)",
	  take_mount, 0, NULL, RUN, OPTION_MANY | OPTION_PATH | OPTION_PLACE },
	{ "--tmpfs", "DST[:OPT,...]", "an empty directory in memory; OPT: size=64M, inodes=N, mode=0755, noexec,\n"
	  "nosymfollow", take_mount, 0, NULL, RUN, OPTION_MANY | OPTION_PLACE | OPTION_FIRST },
	{ "--dir", "DST[:OPT,...]", "the same in what /tmp may take; OPT: mode=0755, noexec, nosymfollow",
	  take_mount, 0, NULL, RUN, OPTION_MANY | OPTION_PLACE | OPTION_FIRST },
	{ "--symlink", "TARGET:DST", "a symbolic link", take_mount, 0, NULL, RUN, OPTION_MANY | OPTION_PLACE },
	{ "--file", "DST=TEXT", "a read-only file that holds TEXT", take_mount, 0, NULL, RUN,
	  OPTION_MANY | OPTION_PLACE | OPTION_FIRST },
	{ "--file-fd", "N:DST[:OPT,...]", "or what descriptor N holds; OPT: mode=0444, noexec", take_mount, 0, NULL, RUN,
	  OPTION_MANY | OPTION_NO_PROFILE },
	{ "--device", "NODE[:LIST]|PRESET[:N,...]", "a device of the host, /dev/NODE; LIST: a file of the ioctl commands\n"
	  "that may be given, or a preset's name; PRESET: kvm, fuse, tun, gpu-nvidia", take_device, 0, NULL, RUN,
	  OPTION_MANY },
	{ "--device-log", "FILE", "append each ioctl but the basic ones, JSON lines", take_text, AT(device_log), NULL, RUN,
	  OPTION_PATH },
	{ "--proc", "OPT,...", "what /proc shows: hidepid=invisible, subset=pid", take_view, 0, NULL, RUN, 0 },
	{ "--time-offset", "CLOCK=SECONDS,...", "move the clocks monotonic and boottime", take_view, 0, NULL, RUN, 0 },
	{ "--chdir", "DIR", "start there", take_chdir, 0, NULL, RUN, 0 },
	{ "--env", "NAME[=VALUE]", "set a variable, or pass the caller's on", take_env, 0, NULL, RUN, OPTION_MANY },
	{ "--keep-env", NULL, "pass the whole environment on", take_flag, AT(keep_env), NULL, RUN, 0 },
	{ "--uid", "UID[:GID]", "run as this user (root only, or one of the ranges below)", take_uid, 0, NULL, RUN, 0 },
	{ "--uid-map", "IN:OUT:COUNT", "users: these inside are those outside, see newuidmap(1)", take_view, 0, NULL, RUN,
	  OPTION_MANY },
	{ "--gid-map", "IN:OUT:COUNT", "the same for groups", take_view, 0, NULL, RUN, OPTION_MANY },
	{ "--cap-add", "NAME", "a capability, over the program's own user namespace: setuid, chown, ...", take_view, 0,
	  NULL, RUN, OPTION_MANY },
	{ "--pty", NULL, "a terminal of its own, connected with yours", take_flag, AT(pty), NULL, RUN, 0 },
	{ "--hostname", "NAME", "default: sandbox", take_hostname, 0, NULL, RUN, 0 },
	{ "--seccomp", "PROFILE", "its system call filter: default, strict, compute, or a file, in the\n"
	  "form of sluice-seccomp(5) or in Docker's; sluice seccomp looks at it", take_seccomp, 0, NULL, RUN, OPTION_PATH_OR_WORD },
	{ "--seccomp-mode", "MODE", "enforce; trace: report what it refuses; log: let that through, too",
	  take_word, AT(seccomp), seccomp_modes, RUN, 0 },
	{ "--no-seccomp", NULL, "no system call filter around the program", take_flag, AT(seccomp_off), NULL, RUN,
	  0 },
	{ "--let", "WORD", "what opens the jail, and is refused without its word: sockets, secrets,\n"
	  "host-write, host-proc, config-write, power, raw-devices", take_let, 0, NULL, RUN, OPTION_MANY },
	{ "--landlock", "MODE", "the second wall around files: auto, require or off", take_word, AT(landlock),
	  landlocks, RUN, 0 },

	HEAD("How much it may use (SIZE: bytes, or like 64M, 2G; SECONDS: like 10, 0.5)", RUN),
	{ "--time", "SECONDS", "by the clock", take_limit, 0, NULL, RUN, 0 },
	{ "--cpu-time", "SECONDS", "of processor time", take_limit, 0, NULL, RUN, 0 },
	{ "--grace", "SECONDS", "between SIGTERM and SIGKILL when time is over; default 0", take_limit, 0, NULL, RUN,
	  0 },
	{ "--memory", "SIZE", "swap and files in memory included", take_limit, 0, NULL, RUN, 0 },
	{ "--pids", "N", "processes and threads at a time, default 4096", take_limit, 0, NULL, RUN, 0 },
	{ "--cpu", "N", "processors at a time, like 0.5 or 2", take_limit, 0, NULL, RUN, 0 },
	{ "--io-weight", "N", "share of a busy disk, 1 to 10000; others have 100", take_limit, 0, NULL, RUN, 0 },
	{ "--tmpfs-size", "SIZE", "of /tmp, home and the like together; default a quarter of memory", take_limit, 0,
	  NULL, RUN, 0 },
	{ "--tmpfs-inodes", "N", "files there, default 400000", take_limit, 0, NULL, RUN, 0 },
	{ "--rlimit", "NAME=SOFT[:HARD]", "as in setrlimit(2): nofile, as, fsize, ...", take_limit, 0, NULL, RUN,
	  OPTION_MANY },

	HEAD("This program", RULES),
	{ "--status-fd", "N", "JSON lines about start and end on descriptor N", take_status_fd, 0, NULL, GATEWAY,
	  OPTION_NO_PROFILE },
	{ "--quiet", NULL, "tell errors only", take_flag, AT(quiet), NULL, RULES, 0 },
	{ "--help", NULL, NULL, take_flag, AT(help), NULL, RULES, OPTION_NO_PROFILE },
	{ "-h", NULL, NULL, take_flag, AT(help), NULL, RULES, OPTION_NO_PROFILE },
};
const size_t options_count = sizeof(options_list) / sizeof(options_list[0]);

void options_help(enum options_for what)
{
	for (const struct option *opt = options_list; opt < options_list + options_count; opt++) {
		int n;

		if (!(opt->for_whom & what) || !opt->help)
			continue;
		if (!opt->name) {
			puts(opt->help);
			continue;
		}
		n = printf("  %s%s%s ", opt->name, opt->value ? " " : "", opt->value ? opt->value : "");
		printf("%*s", n < HELP_COLUMN ? HELP_COLUMN - n : 1, "");
		for (const char *line = opt->help; *line; line += *line == '\n') {
			size_t len = strcspn(line, "\n");

			printf("%*s%.*s\n", line == opt->help ? 0 : HELP_COLUMN, "", (int)len, line);
			line += len;
		}
	}
}

const struct option *options_find(const char *name, size_t len, enum options_for what)
{
	for (const struct option *opt = options_list; opt < options_list + options_count; opt++) {
		if (opt->name && (opt->for_whom & what) && strlen(opt->name) == len &&
		    strncmp(opt->name, name, len) == 0)
			return opt;
	}
	return NULL;
}

/* Makes the option at at[0] the one at hand; returns how many arguments it takes, or -EINVAL. */
static int look_at(struct parser *p, enum options_for what, int left, char **at)
{
	const char *equals = strchr(at[0], '=');

	p->opt = options_find(at[0], strcspn(at[0], "="), what);
	if (!p->opt)
		return complain(p, "%s: %s: no such option; see sluice %s --help", p->place, at[0], p->place);
	if (!p->opt->value && equals)
		return complain(p, "%s: %s: takes no value; leave it out", p->place, at[0]);
	if (p->opt->value && !equals && left < 2)
		return complain(p, "%s: %s: the value is missing; see sluice %s --help", p->place, at[0],
				p->place);
	p->name = p->opt->name;
	p->value = !p->opt->value ? NULL : equals ? equals + 1 : at[1];
	return p->opt->value && !equals ? 2 : 1;
}

/*
 * Profiles first, then the others: what the command line says goes over what a file says, wherever it stands.
 * Returns how many arguments are options, or -EINVAL.
 */
static int take_all(struct parser *p, enum options_for what, bool profiles, int argc, char **argv)
{
	int used, i = 1, r;

	for (; i < argc && argv[i][0] == '-'; i += used) {
		if (strcmp(argv[i], "--") == 0)
			return i + 1;
		used = look_at(p, what, argc - i, &argv[i]);
		if (used < 0)
			return used;
		r = profiles == (p->opt->take == take_profile) ? p->opt->take(p) : 0;
		if (r < 0)
			return r;
		if (p->o->help)
			break;
	}
	return i;
}

int options_add_file(struct parser *p, const char *path)
{
	struct options *o = p->o;
	char **more = reallocarray(o->files, o->n_files + 1, sizeof(*more));
	char *cwd = NULL, *full = NULL;

	if (more)
		o->files = more;
	if (path[0] == '/') {
		full = strdup(path);
	} else {
		cwd = get_current_dir_name();
		if (!cwd || asprintf(&full, "%s/%s", cwd, path) < 0)
			full = NULL;
		free(cwd);
	}
	if (!more || !full) {
		free(full);
		return complain(p, "%s: %s: out of memory; use fewer", p->place, p->name);
	}
	o->files[o->n_files++] = full;
	return 0;
}

static unsigned int depth_of(const char *path)
{
	unsigned int n = 0;

	for (; *path; path++)
		n += path[0] == '/' && path[1] && path[1] != '/';
	return n;
}

/* Parents first, whatever the order in which they were given: a bind is not to vanish below another. */
static void sort_mounts(struct mounts *m)
{
	for (size_t i = 1; i < m->n; i++) {
		struct jail_mount one = m->list[i];
		size_t at = i;

		for (; at > 0 && depth_of(m->list[at - 1].dest) > depth_of(one.dest); at--)
			m->list[at] = m->list[at - 1];
		m->list[at] = one;
	}
}

static int check_devices(struct parser *p)
{
	struct options *o = p->o;
	char why[DEVICES_WHY_CAP];

	if (o->devices.listed && o->seccomp_off)
		return complain(p, "%s: --device with a list and --no-seccomp: the filter is what holds the list; leave one "
				"out", p->place);
	if (o->device_log && (o->seccomp_off || o->seccomp != JAIL_SECCOMP_ENFORCE))
		return complain(p, "%s: --device-log and --%sseccomp%s: the filter tells one of both; leave one out", p->place,
				o->seccomp_off ? "no-" : "", o->seccomp_off ? "" : "-mode");
	if (devices_filter(&o->devices, &o->filter, why) < 0)
		return complain(p, "%s: --device: %s", p->place, why);
	if (o->device_log && devices_watch(&o->devices, why) < 0)
		return complain(p, "%s: --device-log: %s", p->place, why);
	return 0;
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
		return complain(p, "%s: %s: takes no command; see sluice %s --help", p->place, o->argv[0],
				p->place);
	if ((o->filter.prog.len || o->seccomp) && o->seccomp_off)
		return complain(p, "%s: --seccomp%s and --no-seccomp: one gives a filter, the other none; choose",
				p->place, o->seccomp ? "-mode" : "");
	if (o->xdp_mode && o->port != PROTO_PORT_XDP && o->port != PROTO_PORT_AUTO)
		return complain(p, "%s: --xdp-mode: this port has no mode; use it with --port xdp", p->place);
	if (o->net == OPTIONS_NET_NONE && (o->events || o->pcap))
		return complain(p, "%s: --net none: there is nothing to log without a network; leave out --events and "
				"--pcap", p->place);
	if (check_devices(p) < 0)
		return -EINVAL;
	view_complete(&o->view);
	if (limits_check(&o->limits, why) < 0)
		return complain(p, "%s: %s", p->place, why);
	if (consent_check(o, p->place) < 0)
		return -EINVAL;
	if (policy_compile(o->policy) < 0)
		return complain(p, "%s: out of memory; use a smaller policy", p->place);
	sort_mounts(&o->mounts);
	if (!o->quiet)
		o->n_warnings += rules_warn(o->policy, WARNINGS_MAX);
	if (!o->name[0])
		snprintf(o->name, sizeof(o->name), "%s-%d", p->place, (int)getpid());
	return 0;
}

int options_parse(struct options *o, enum options_for what, int argc, char **argv)
{
	struct parser p = { .o = o, .place = what == OPTIONS_RUN ? "run" :
		what == OPTIONS_ATTACH ? "attach" : "policy set" };
	int r;

	*o = (struct options){ .status_fd = -1, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	o->policy = rules_new();
	if (!o->policy)
		return complain(&p, "%s: out of memory; free some", p.place);
	r = take_all(&p, what, true, argc, argv);
	if (r >= 0)
		r = take_all(&p, what, false, argc, argv);
	if (r < 0 || o->help)
		return r < 0 ? r : 0;
	o->argv = &argv[r];
	return check_whole(&p, what);
}

void options_done(struct options *o)
{
	policy_free(o->policy);
	filter_close(&o->filter);
	mounts_done(&o->mounts);
	devices_done(&o->devices);
	for (size_t i = 0; i < o->n_env; i++)
		free(o->env[i]);
	free(o->env);
	for (size_t i = 0; i < o->n_files; i++)
		free(o->files[i]);
	free(o->files);
	if (o->profile)
		settings_done(o->profile);
	free(o->profile);
}
