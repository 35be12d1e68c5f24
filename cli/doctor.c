/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: `sluice doctor [--json]`. Says for each thing that sluice needs from this machine what works, what works
 * in a lesser way, what is missing, and the remedy. Status 0: every promise can be kept here; 1: sandboxes
 * cannot run.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/doctor_try.h"
#include "cli/userns.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/sibling.h"
#include "sandbox/cgroup.h"
#include "sandbox/jail.h"

enum level { GOOD, LESS, BAD };

static int n_less, n_bad;
static struct json *out;	/* --json */

/* text: what it is, and behind "; " what to do about it. */
static void say(enum level l, const char *what, const char *text)
{
	static const char *const mark[] = { "ok  ", "less", "BAD " };
	static const char *const word[] = { "ok", "less", "bad" };
	const char *remedy = l == GOOD ? NULL : strstr(text, "; ");

	n_less += l == LESS;
	n_bad += l == BAD;
	if (!out) {
		printf("%s  %-18s %s\n", mark[l], what, text);
		return;
	}
	json_object_start(out, NULL);
	json_str(out, "check", what);
	json_str(out, "level", word[l]);
	json_strn(out, "detail", text, remedy ? (size_t)(remedy - text) : strlen(text));
	if (remedy)
		json_str(out, "remedy", remedy + 2);
	json_object_end(out);
}

static void check_kernel(void)
{
	struct utsname u;
	unsigned int major = 0, minor = 0;
	char text[200];

	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2) {
		say(LESS, "kernel", "its version cannot be read");
		return;
	}
	snprintf(text, sizeof(text), "Linux %.80s%s", u.release,
		 major < 5 || (major == 5 && minor < 11) ? "; 5.11 or newer is needed" :
		 major < 6 || (major == 6 && minor < 6) ? "; 6.6 gives AF_XDP large frames" : "");
	say(major < 5 || (major == 5 && minor < 11) ? BAD : GOOD, "kernel", text);
	if (doctor_try(try_pidfd) || doctor_try(try_close_range))
		say(BAD, "pidfd, close_range", "missing; a kernel of 5.11 or newer is needed");
}

static void check_programs(void)
{
	static const char *const names[] = { "sluice-netd", "sluice-egress", "sluice-stack" };
	char path[SIBLING_PATH_CAP];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (sibling_find(names[i], path) < 0)
			say(BAD, names[i], "not found beside sluice nor in ../libexec/sluice; install it there");
		else
			say(GOOD, names[i], path);
	}
}

static bool check_namespaces(void)
{
	const char *obstacle = userns_obstacle();
	int err;

	if (userns_needless()) {
		say(GOOD, "privileges", "root: nothing else is needed");
	} else {
		err = doctor_try(try_userns);
		if (err) {
			say(BAD, "user namespace", obstacle ? obstacle : strerror(err));
			return false;
		}
		say(GOOD, "user namespace", "an ordinary user can run sandboxes");
	}
	err = doctor_try(try_namespaces);
	if (!err) {
		say(GOOD, "namespaces", "net, mount, pid, ipc, uts, cgroup");
		return true;
	}
	say(BAD, "namespaces", obstacle ? obstacle : err == EPERM ?
	    "forbidden here (a container, or a security module?); run outside of it" : strerror(err));
	return false;
}

static void check_ports(void)
{
	char text[256];
	int packet = doctor_try(try_packet);
	int xdp = doctor_try(try_xdp);
	int bpf = doctor_try(try_bpf);
	int tun = doctor_try(try_tun);

	if (!xdp && !bpf)
		say(GOOD, "port xdp", "AF_XDP and BPF");
	else if (xdp == EAFNOSUPPORT)
		say(LESS, "port xdp", "the kernel was built without AF_XDP, port packet is taken; CONFIG_XDP_SOCKETS has it");
	else
		say(LESS, "port xdp", "not without CAP_BPF, port packet is taken; run as root for it");
	if (!packet)
		say(GOOD, "port packet", "AF_PACKET on a veth pair");
	else
		say(LESS, "port packet", strerror(packet));
	if (!tun) {
		say(GOOD, "port tap", "/dev/net/tun");
	} else {
		snprintf(text, sizeof(text), "/dev/net/tun: %s; %s", strerror(tun),
			 tun == ENOENT || tun == ENODEV ? "modprobe tun" :
			 "an administrator can open it: chmod 666 /dev/net/tun");
		say(LESS, "port tap", text);
	}
	if (packet && tun)
		say(BAD, "ports", "neither AF_PACKET nor a TAP device can be used; run as root");
}

/* A text of the kernel's in buf, without its newline; "" when there is none. */
static void read_text(const char *path, char *buf, size_t cap)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, cap - 1);

	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
}

static void check_landlock(void)
{
	int abi = jail_landlock_abi();
	char text[400], lsm[128];

	if (abi < 1) {
		bool off = syscall(SYS_landlock_create_ruleset, NULL, 0ul, LANDLOCK_CREATE_RULESET_VERSION) < 0 &&
			errno == EOPNOTSUPP;

		read_text("/sys/kernel/security/lsm", lsm, sizeof(lsm));
		snprintf(text, sizeof(text), "%s, so the jail's files have one wall instead of two; %s%s%s",
			 off ? "built into the kernel, but not started" : "the kernel has none", off ?
			 "add landlock to lsm= on the kernel's command line and boot again" :
			 "take a kernel of 5.13 or newer with CONFIG_SECURITY_LANDLOCK", off && lsm[0] ? ", as in lsm=landlock," :
			 "", off ? lsm : "");
		say(LESS, "landlock", text);
		return;
	}
	/* Which bit came with which: sandbox/landlock.c. */
	snprintf(text, sizeof(text), "ABI %d: files%s%s%s%s", abi, abi >= 2 ? "" : " (no moves between directories)",
		 abi >= 3 ? ", truncation" : "", abi >= 5 ? ", device ioctls" : "",
		 abi >= 6 ? ", signals, abstract sockets" : "; Linux 6.12 or newer knows signals as well");
	say(abi >= 3 ? GOOD : LESS, "landlock", text);
}

static void check_mounts(void)
{
	static char types[2048];
	char text[200];
	static const char *const images[] = { "squashfs", "erofs" };
	cleanup_close int fd = open("/proc/filesystems", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, types, sizeof(types) - 1);
	int err = doctor_try(try_mounts);

	types[n > 0 ? n : 0] = '\0';
	if (err) {
		snprintf(text, sizeof(text), "%s; %s", strerror(err), err == ENOSYS ? "Linux 5.12 or newer is needed" :
			 "run outside of the container or security module that forbids it");
		say(BAD, "mounts", text);
		return;
	}
	say(GOOD, "mounts", "whole trees read-only in one step");
	err = doctor_try(try_overlay);
	snprintf(text, sizeof(text), "%s; %s", strerror(err), err == ENODEV ? "modprobe overlay" :
		 "Linux 5.11 or newer lets an ordinary user mount it");
	say(err ? LESS : GOOD, "overlay", err ? text : "can be mounted here");
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		bool has = strstr(types, images[i]);

		snprintf(text, sizeof(text), has ? "known to the kernel" : "not known to the kernel, or not loaded; modprobe %s",
			 images[i]);
		say(has ? GOOD : LESS, images[i], text);
	}
}

/* An ordinary user gets more than one id by two setuid programs and two files. */
static void check_ids(void)
{
	const struct passwd *pw = getpwuid(geteuid());
	char line[256], text[400];
	bool has = false;
	FILE *f;

	if (userns_needless())
		return;
	f = fopen("/etc/subuid", "re");
	while (f && pw && fgets(line, sizeof(line), f)) {
		size_t len = strlen(pw->pw_name);

		has |= strncmp(line, pw->pw_name, len) == 0 && line[len] == ':';
	}
	if (f)
		fclose(f);
	if (access("/usr/bin/newuidmap", X_OK) < 0 || access("/usr/bin/newgidmap", X_OK) < 0)
		say(LESS, "ids", "one only; newuidmap gives more: apt-get install uidmap");
	else if (!has) {
		snprintf(text, sizeof(text), "one only, no range is in /etc/subuid; an administrator can give one: usermod "
			 "--add-subuids 100000-165535 --add-subgids 100000-165535 %.60s", pw ? pw->pw_name : "USER");
		say(LESS, "ids", text);
	} else {
		say(GOOD, "ids", "a range in /etc/subuid, and newuidmap");
	}
}

static void check_time(void)
{
	int err = doctor_try(try_time);

	say(err ? LESS : GOOD, "time namespace", !err ? "clocks can be set apart" :
	    err == EINVAL ? "none; Linux 5.6 or newer with CONFIG_TIME_NS has it" : strerror(err));
}

static void check_ping(void)
{
	if (!doctor_try(try_ping))
		say(GOOD, "ping", "echo requests can be sent for sandboxes");
	else
		say(LESS, "ping", "not for the gateway's group; an administrator can allow it: "
		    "sysctl net.ipv4.ping_group_range='0 2147483647'");
}

/* Each limit by making a cgroup with it. */
static void check_cgroups(void)
{
	static const char *const names[CGROUP_CONTROLLERS] = {
		[CGROUP_MEMORY] = "--memory", [CGROUP_CPU] = "--cpu", [CGROUP_CPUACCT] = "--cpu-time",
		[CGROUP_IO] = "--io-weight",
	};
	static const struct jail_limits l = { .memory = 64 << 20, .cpu_milli = 1000, .cpu_ns = 1, .io_weight = 100 };
	char why[512], text[256] = "", missing[128] = "";

	for (unsigned int i = 0; i < CGROUP_CONTROLLERS; i++) {
		struct cgroup *c = NULL;
		bool held = names[i] && cgroup_new(&l, 1u << i, &c, why) == 0;
		char *to = held ? text : missing;
		size_t n = strlen(to);

		if (names[i])
			snprintf(to + n, 120 - n, "%s%s", n ? ", " : "", names[i]);
		cgroup_free(c);
	}
	if (missing[0])
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%snot %s; %s", text[0] ? ", but " : "", missing,
			 userns_needless() ? "the kernel has it not, or it is not mounted below /sys/fs/cgroup" :
			 "run as root or under systemd-run --user --scope");
	say(missing[0] ? LESS : GOOD, "limits", text);
}

static void check_limits(void)
{
	struct rlimit l;
	char text[160];

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	snprintf(text, sizeof(text), "%lu%s", (unsigned long)l.rlim_max, l.rlim_max < 4096 + 64 ?
		 ": fewer than the 4096 connections of a default sandbox; raise ulimit -Hn" : "");
	say(l.rlim_max < 4096 + 64 ? LESS : GOOD, "open files", text);
}

static void check_all(void)
{
	check_kernel();
	check_programs();
	if (check_namespaces()) {
		check_time();
		check_ids();
		check_mounts();
		check_ports();
	}
	if (doctor_try(try_seccomp))
		say(BAD, "seccomp", "the kernel was built without it; CONFIG_SECCOMP_FILTER is needed");
	else
		say(GOOD, "seccomp", "system call filters");
	check_landlock();
	check_ping();
	check_cgroups();
	check_limits();
}

static int as_json(void)
{
	static char buf[32768];
	struct json j;

	out = &j;
	json_init(&j, buf, sizeof(buf));
	json_object_start(&j, NULL);
	json_array_start(&j, "checks");
	check_all();
	json_array_end(&j);
	json_bool(&j, "can_run", n_bad == 0);
	json_object_end(&j);
	if (json_finish(&j) < 0 || puts(buf) < 0 || fflush(stdout) != 0)
		return CLI_FAILED;
	return n_bad ? 1 : 0;
}

int cmd_doctor(int argc, char **argv)
{
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		puts("usage: sluice doctor [--json]\n"
		     "Tries what sluice needs from this machine. Status 0: sandboxes can run; 1: they cannot.");
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--json") == 0)
		return as_json();
	if (argc != 1) {
		fprintf(stderr, "sluice: doctor: %s: not known; leave it out, or give --json\n", argv[1]);
		return CLI_FAILED;
	}
	check_all();
	printf("\n%s\n", n_bad ? "Sandboxes cannot run here until what is marked BAD is mended." :
	       n_less ? "Sandboxes can run. What is marked less works in a lesser way." :
	       "Sandboxes can run.");
	return n_bad ? 1 : 0;
}
