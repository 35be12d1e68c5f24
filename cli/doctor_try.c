/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_try: what sluice needs from a machine, tried as the caller, in children, without leaving a trace. */
#include "cli/doctor_try.h"

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
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/userns.h"
#include "lib/confine.h"
#include "lib/proto.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

int doctor_try(int (*attempt)(void))
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

	return userns_needless() ? 0 : -userns_enter(NULL, why);
}

int try_userns(void)
{
	return become_able();
}

int try_namespaces(void)
{
	int r = become_able();

	if (r)
		return r;
	return unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID |
		       CLONE_NEWCGROUP) < 0 ? errno : 0;
}

int try_time(void)
{
	int r = become_able();

	if (r)
		return r;
	return unshare(CLONE_NEWTIME) < 0 ? errno : 0;
}

static int enter_mountns(void)
{
	int r = become_able();

	if (r)
		return r;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return errno;
	return 0;
}

/* As the jail makes its root: a detached copy, read-only before anybody sees it. */
int try_mounts(void)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	int fd, r = enter_mountns();

	if (r)
		return r;
	fd = open_tree(AT_FDCWD, "/usr", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &ro, sizeof(ro)) < 0)
		return errno;
	return move_mount(fd, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH) < 0 ? errno : 0;
}

int try_overlay(void)
{
	int r = enter_mountns();

	if (r)
		return r;
	if (mount("none", "/tmp", "tmpfs", 0, NULL) < 0 || mkdir("/tmp/l", 0700) < 0 || mkdir("/tmp/u", 0700) < 0 ||
	    mkdir("/tmp/w", 0700) < 0)
		return errno;
	return mount("none", "/tmp/l", "overlay", 0, "lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w") < 0 ? errno : 0;
}

static int enter_netns(void)
{
	int r = become_able();

	if (r)
		return r;
	return unshare(CLONE_NEWNET) < 0 ? errno : 0;
}

int try_packet(void)
{
	int r = enter_netns();

	if (r)
		return r;
	return socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)) < 0 ? errno : 0;
}

int try_xdp(void)
{
	int r = enter_netns();

	if (r)
		return r;
	return socket(AF_XDP, SOCK_RAW, 0) < 0 ? errno : 0;
}

int try_bpf(void)
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

int try_tun(void)
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
int try_ping(void)
{
	uid_t uid;
	gid_t gid;

	confine_own_ids(CONFINE_EGRESS, &uid, &gid);
	if (gid != (gid_t)-1 && (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0))
		return errno;
	return socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) < 0 ? errno : 0;
}

int try_seccomp(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return errno;
	return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0 ? errno : 0;
}

int try_pidfd(void)
{
	return syscall(__NR_pidfd_open, getpid(), 0) < 0 ? errno : 0;
}

int try_close_range(void)
{
	return syscall(__NR_close_range, 100u, ~0u, 0u) < 0 ? errno : 0;
}
