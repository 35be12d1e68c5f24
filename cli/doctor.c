/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: `sluice doctor`. Tries, as the caller and without leaving a trace, what sluice needs from this
 * machine, and says for each what works or what to do. Every attempt is made in a child of its own, so
 * a namespace or a filter ends with it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/userns.h"
#include "lib/confine.h"
#include "lib/proto.h"
#include "lib/sibling.h"
#include "sandbox/cgroup.h"
#include "sandbox/jail.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

enum level { GOOD, LESS, BAD };

static int n_less, n_bad;

static void say(enum level l, const char *what, const char *detail)
{
	static const char *const mark[] = { "ok  ", "less", "BAD " };

	n_less += l == LESS;
	n_bad += l == BAD;
	printf("%s  %-18s %s\n", mark[l], what, detail);
}

/* ---- attempts, each in a child: 0 or the errno ------------------------------------------------------------ */

static int try_in_child(int (*attempt)(void))
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(attempt());
	if (waitpid(pid, &status, 0) < 0)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

/* Root, or root of a user namespace: as run.c does it. */
static int become_able(void)
{
	char why[PROTO_TEXT_CAP];

	return userns_needless() ? 0 : -userns_enter(why);
}

static int try_userns(void)
{
	return become_able();
}

static int try_namespaces(void)
{
	int r = become_able();

	if (r)
		return r;
	return unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID |
		       CLONE_NEWCGROUP) < 0 ? errno : 0;
}

static int enter_netns(void)
{
	int r = become_able();

	if (r)
		return r;
	return unshare(CLONE_NEWNET) < 0 ? errno : 0;
}

static int try_packet(void)
{
	int r = enter_netns();

	if (r)
		return r;
	return socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)) < 0 ? errno : 0;
}

static int try_xdp(void)
{
	int r = enter_netns();

	if (r)
		return r;
	return socket(AF_XDP, SOCK_RAW, 0) < 0 ? errno : 0;
}

static int try_bpf(void)
{
	struct bpf_insn_bytes {
		uint64_t insns[2];
	};
	/* "r0 = 2 (XDP_PASS); exit", and union bpf_attr's first members (linux/bpf.h). */
	static const struct bpf_insn_bytes prog = { { 0x00000002000000b7, 0x95 } };
	struct {
		uint32_t prog_type, insn_cnt;
		uint64_t insns, license;
		uint32_t rest[20];
	} attr = { .prog_type = 6 /* BPF_PROG_TYPE_XDP */, .insn_cnt = 2 };

	attr.insns = (uint64_t)(uintptr_t)&prog;
	attr.license = (uint64_t)(uintptr_t)"Apache-2.0";
	return syscall(__NR_bpf, 5 /* BPF_PROG_LOAD */, &attr, sizeof(attr)) < 0 ? errno : 0;
}

static int try_tun(void)
{
	struct ifreq ifr;
	int fd, r = enter_netns();

	if (r)
		return r;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno;
	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI;
	return ioctl(fd, TUNSETIFF, &ifr) < 0 ? errno : 0;
}

/* With the group that egress will have: net.ipv4.ping_group_range asks for nothing else. */
static int try_ping(void)
{
	uid_t uid;
	gid_t gid;

	confine_own_ids(CONFINE_EGRESS, &uid, &gid);
	if (gid != (gid_t)-1 && (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0))
		return errno;
	return socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) < 0 ? errno : 0;
}

static int try_seccomp(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return errno;
	return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0 ? errno : 0;
}

static int try_pidfd(void)
{
	return syscall(__NR_pidfd_open, getpid(), 0) < 0 ? errno : 0;
}

static int try_close_range(void)
{
	return syscall(__NR_close_range, 100u, ~0u, 0u) < 0 ? errno : 0;
}

/* ---- what they mean -------------------------------------------------------------------------------------- */

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
	if (try_in_child(try_pidfd) || try_in_child(try_close_range))
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
		err = try_in_child(try_userns);
		if (err) {
			say(BAD, "user namespace", obstacle ? obstacle : strerror(err));
			return false;
		}
		say(GOOD, "user namespace", "an ordinary user can run sandboxes");
	}
	err = try_in_child(try_namespaces);
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
	int packet = try_in_child(try_packet);
	int xdp = try_in_child(try_xdp);
	int bpf = try_in_child(try_bpf);
	int tun = try_in_child(try_tun);

	if (!xdp && !bpf)
		say(GOOD, "port xdp", "AF_XDP and BPF");
	else if (xdp == EAFNOSUPPORT)
		say(LESS, "port xdp", "the kernel was built without AF_XDP; port packet is taken");
	else
		say(LESS, "port xdp", "needs root (CAP_BPF); port packet is taken");
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

static void check_landlock(void)
{
	int abi = jail_landlock_abi();
	char text[200];

	if (abi < 1) {
		say(LESS, "landlock", "none, the jail's files have one wall instead of two; Linux 5.13 or newer "
		    "with landlock in lsm= has it");
		return;
	}
	/* Which bit came with which: sandbox/landlock.c. */
	snprintf(text, sizeof(text), "ABI %d: files%s%s%s%s", abi, abi >= 2 ? "" : " (no moves between directories)",
		 abi >= 3 ? ", truncation" : "", abi >= 5 ? ", device ioctls" : "",
		 abi >= 6 ? ", signals, abstract sockets" : "; Linux 6.12 or newer knows signals as well");
	say(abi >= 3 ? GOOD : LESS, "landlock", text);
}

static void check_ping(void)
{
	if (!try_in_child(try_ping))
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
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%snot %s: %s", text[0] ? "; " : "", missing,
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

int cmd_doctor(int argc, char **argv)
{
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		puts("usage: sluice doctor\n"
		     "Tries what sluice needs from this machine. Status 0: sandboxes can run; 1: they cannot.");
		return 0;
	}
	if (argc != 1) {
		fprintf(stderr, "sluice: doctor: %s: takes no argument; leave it out\n", argv[1]);
		return CLI_FAILED;
	}
	check_kernel();
	check_programs();
	if (check_namespaces())
		check_ports();
	if (try_in_child(try_seccomp))
		say(BAD, "seccomp", "the kernel was built without it; CONFIG_SECCOMP_FILTER is needed");
	else
		say(GOOD, "seccomp", "system call filters");
	check_landlock();
	check_ping();
	check_cgroups();
	check_limits();
	printf("\n%s\n", n_bad ? "Sandboxes cannot run here until what is marked BAD is mended." :
	       n_less ? "Sandboxes can run. What is marked less works in a lesser way." :
	       "Sandboxes can run.");
	return n_bad ? 1 : 0;
}
