/* SPDX-License-Identifier: Apache-2.0 */
/* filter_words: the words of the text form of a profile that stand for numbers. */
#include "sandbox/filter_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum {
	/* Newer than the headers of some systems: include/uapi/linux/ of Linux 6.18. */
	NEW_NEWTIME = 0x80, NEW_MFD_NOEXEC_SEAL = 8, NEW_IPPROTO_MPTCP = 262, NEW_LISTENER = 8, NEW_TSYNC = 1,
	TMPFILE = 020000000,		/* without O_DIRECTORY, which O_TMPFILE holds as well */
};

int profile_errno(const char *word)
{
	static const struct {
		const char *name;
		int value;
	} twins[] = { { "EWOULDBLOCK", EWOULDBLOCK }, { "EDEADLOCK", EDEADLOCK }, { "ENOTSUP", ENOTSUP },
		{ "EOPNOTSUPP", EOPNOTSUPP } };

	for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++) {
		if (strcmp(twins[i].name, word) == 0)
			return twins[i].value;
	}
	for (int e = 1; e < 256; e++) {
		const char *name = strerrorname_np(e);

		if (name && strcmp(name, word) == 0)
			return e;
	}
	return -ENOENT;
}

bool profile_constant(const char *word, uint64_t *ret_value)
{
#define C(name) { #name, (uint64_t)(name) }
	static const struct {
		const char *name;
		uint64_t value;
	} list[] = {
		C(AF_UNSPEC), C(AF_UNIX), C(AF_INET), C(AF_AX25), C(AF_INET6), C(AF_KEY), C(AF_NETLINK), C(AF_PACKET),
		C(AF_RDS), C(AF_CAN), C(AF_TIPC), C(AF_BLUETOOTH), C(AF_NFC), C(AF_ALG), C(AF_VSOCK), C(AF_XDP),
		C(SOCK_STREAM), C(SOCK_DGRAM), C(SOCK_RAW), C(SOCK_SEQPACKET), C(SOCK_CLOEXEC), C(SOCK_NONBLOCK),
		C(IPPROTO_IP), C(IPPROTO_ICMP), C(IPPROTO_TCP), C(IPPROTO_UDP), C(IPPROTO_DCCP), C(IPPROTO_ICMPV6),
		C(IPPROTO_SCTP), C(IPPROTO_UDPLITE), { "IPPROTO_MPTCP", NEW_IPPROTO_MPTCP },
		C(NETLINK_ROUTE), C(NETLINK_SOCK_DIAG), C(NETLINK_AUDIT), C(NETLINK_NETFILTER), C(NETLINK_KOBJECT_UEVENT),
		C(NETLINK_GENERIC),
		C(CLONE_VM), C(CLONE_THREAD), C(CLONE_NEWNS), C(CLONE_NEWCGROUP), C(CLONE_NEWUTS), C(CLONE_NEWIPC),
		C(CLONE_NEWUSER), C(CLONE_NEWPID), C(CLONE_NEWNET), { "CLONE_NEWTIME", NEW_NEWTIME },
		C(O_WRONLY), C(O_RDWR), C(O_CREAT), C(O_TRUNC), C(O_APPEND), C(O_DIRECTORY), C(O_NOFOLLOW),
		{ "__O_TMPFILE", TMPFILE },
		C(F_DUPFD), C(F_SETFL), C(F_SETOWN), C(F_SETSIG),
		C(TIOCSTI), C(TIOCLINUX), C(TIOCSETD), C(TIOCCONS), C(TIOCVHANGUP), C(TIOCSCTTY), C(TIOCSPGRP),
		C(FIONREAD), C(FIONBIO), C(TCGETS), C(TIOCGWINSZ), C(TIOCSWINSZ),
		C(PROT_READ), C(PROT_WRITE), C(PROT_EXEC), C(MAP_SHARED), C(MAP_PRIVATE), C(MAP_ANONYMOUS),
		C(ADDR_NO_RANDOMIZE), C(ADDR_COMPAT_LAYOUT), C(READ_IMPLIES_EXEC), C(MMAP_PAGE_ZERO), C(PER_LINUX32),
		C(UNAME26),
		C(PR_SET_PDEATHSIG), C(PR_SET_DUMPABLE), C(PR_SET_NAME), C(PR_SET_SECCOMP), C(PR_CAPBSET_DROP),
		C(PR_SET_SECUREBITS), C(PR_SET_MM), C(PR_SET_NO_NEW_PRIVS), C(PR_CAP_AMBIENT),
		{ "SECCOMP_FILTER_FLAG_TSYNC", NEW_TSYNC }, { "SECCOMP_FILTER_FLAG_NEW_LISTENER", NEW_LISTENER },
		{ "MFD_NOEXEC_SEAL", NEW_MFD_NOEXEC_SEAL },
		C(SIGKILL), C(SIGSTOP), C(SIGTERM),
	};
#undef C

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (strcmp(list[i].name, word) == 0) {
			*ret_value = list[i].value;
			return true;
		}
	}
	return false;
}
