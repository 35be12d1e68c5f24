/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock: libsluice-lock, which needs nothing but libc. Runs in the program that calls it. Everything that can be refused is
 * looked at first, because what is given up does not come back.
 *
 * seccomp alone can be laid over threads that run already (TSYNC). Landlock can from its interface 8 on (Linux 7.0),
 * capabilities cannot: with other threads a process must have none, and give no files.
 */
#include "lib/lock/sluice_lock.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/lock/lock_programs.h"

#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule 445
#define __NR_landlock_restrict_self 446
#endif

/* include/uapi/linux/landlock.h of Linux 6.18, of which systems may have an older one. */
struct ruleset {
	uint64_t fs, net, scoped;
};
struct path_beneath {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

enum {
	LL_VERSION = 1, LL_PATH_BENEATH = 1, LL_TSYNC = 1 << 3, LL_TSYNC_ABI = 8,
	LL_WRITE_FILE = 1 << 1, LL_READ_FILE = 1 << 2, LL_READ_DIR = 1 << 3,
	LL_REMOVE_DIR = 1 << 4, LL_REMOVE_FILE = 1 << 5, LL_MAKE_DIR = 1 << 7, LL_MAKE_REG = 1 << 8,
	LL_REFER = 1 << 13, LL_TRUNCATE = 1 << 14,
	LL_READ = LL_READ_FILE | LL_READ_DIR,
	LL_WRITE = LL_READ | LL_WRITE_FILE | LL_REMOVE_DIR | LL_REMOVE_FILE | LL_MAKE_DIR | LL_MAKE_REG | LL_REFER | LL_TRUNCATE,
	LL_FILE = LL_WRITE_FILE | LL_READ_FILE | LL_TRUNCATE,	/* what a rule for a file may name */
};

struct lock {
	struct sluice_lock_options o;
	const char *why;
	bool threads;		/* there are others */
	int abi;		/* of Landlock; 0: none */
};

static int bad(struct lock *l, int err, const char *why)
{
	l->why = why;
	return err;
}

/* Where that cannot be seen, there may be some. */
static bool has_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *e;
	int n = 0;

	if (!dir)
		return true;
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n != 1;
}

static bool has_caps(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (syscall(SYS_capget, &head, data) < 0)
		return true;
	return data[0].permitted | data[1].permitted | data[0].effective | data[1].effective | data[0].inheritable |
		data[1].inheritable;
}

/* ---- what can be refused ------------------------------------------------------------------------------ */

static int take_options(struct lock *l, const struct sluice_lock_options *options)
{
	const unsigned int known = SLUICE_LOCK_SYSCALLS | SLUICE_LOCK_CAPS | SLUICE_LOCK_FILES;

	l->o.size = sizeof(l->o);
	if (!options)
		return 0;
	if (options->size != sizeof(l->o))
		return bad(l, -EINVAL, "options: size is not that of this library's struct sluice_lock_options; set it with sizeof, "
			   "or install the library that the header belongs to");
	l->o = *options;
	if (l->o.require & ~known || l->o.close_from < 0)
		return bad(l, -EINVAL, "options: require or close_from has a value that is not known; correct it");
	if (l->o.n_read_fds + l->o.n_write_fds)
		l->o.require |= SLUICE_LOCK_FILES;
	return 0;
}

static int look_ahead(struct lock *l)
{
	long abi;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) < 0)
		return bad(l, -EALREADY, "another filter of system calls is in force; is the process locked already?");
	abi = syscall(__NR_landlock_create_ruleset, NULL, 0, LL_VERSION);

	l->abi = abi > 0 ? (int)abi : 0;
	l->threads = has_threads();
	if ((l->o.require & SLUICE_LOCK_FILES) && !l->abi)
		return bad(l, -EOPNOTSUPP, "this kernel has no Landlock; give no files, or boot with lsm=landlock,... (Linux 5.13)");
	if ((l->o.require & SLUICE_LOCK_FILES) && l->threads && l->abi < LL_TSYNC_ABI)
		return bad(l, -EBUSY, "other threads run already, which this kernel's Landlock cannot lock; lock before they start");
	if (l->threads && has_caps())
		return bad(l, -EBUSY, "other threads run already, whose capabilities would stay; lock before they start, or drop them");
	return 0;
}

/* ---- the layers --------------------------------------------------------------------------------------- */

static uint64_t all_fs(int abi)
{
	return abi >= 5 ? (1 << 16) - 1 : abi >= 3 ? (1 << 15) - 1 : abi >= 2 ? (1 << 14) - 1 : (1 << 13) - 1;
}

static int add_fds(int ruleset, const int *fds, size_t n, uint64_t access)
{
	for (size_t i = 0; i < n; i++) {
		struct path_beneath rule = { access, fds[i] };
		long r = syscall(__NR_landlock_add_rule, ruleset, LL_PATH_BENEATH, &rule, 0);

		/* The rights of directories do not fit a file. */
		if (r < 0 && errno == EINVAL) {
			rule.access &= LL_FILE;
			r = syscall(__NR_landlock_add_rule, ruleset, LL_PATH_BENEATH, &rule, 0);
		}
		if (r < 0)
			return -errno;
	}
	return 0;
}

/* > 0: in force for every thread; 0: not. */
static int lock_files(struct lock *l)
{
	struct ruleset set = { all_fs(l->abi), l->abi >= 4 ? 3 : 0, l->abi >= 6 ? 3 : 0 };
	size_t size = l->abi >= 6 ? 24 : l->abi >= 4 ? 16 : 8;
	unsigned int flags = l->threads && l->abi >= LL_TSYNC_ABI ? LL_TSYNC : 0;
	int ruleset, r;

	if (!l->abi)
		return 0;
	ruleset = (int)syscall(__NR_landlock_create_ruleset, &set, size, 0);
	if (ruleset < 0)
		return bad(l, -errno, "Landlock takes no rules; run sluice doctor");
	r = add_fds(ruleset, l->o.read_fds, l->o.n_read_fds, LL_READ & set.fs);
	if (r == 0)
		r = add_fds(ruleset, l->o.write_fds, l->o.n_write_fds, LL_WRITE & set.fs);
	if (r < 0)
		bad(l, r, "a descriptor of read_fds or write_fds is no file or directory; correct the list");
	if (r == 0 && syscall(__NR_landlock_restrict_self, ruleset, flags) < 0)
		r = bad(l, -errno, "Landlock cannot be put in force; too many layers, or out of memory");
	close(ruleset);
	return r < 0 ? r : !l->threads || flags;
}

static int drop_caps(struct lock *l)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	const struct __user_cap_data_struct none[2] = { { 0 } };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) < 0 || has_caps())
		return bad(l, -EPERM, "capabilities cannot be dropped; is another filter of system calls in force?");
	return 0;
}

static int load_filter(struct lock *l)
{
	bool files = l->o.n_read_fds + l->o.n_write_fds;
	const struct sock_filter *insns = files ? lock_files_prog : lock_prog;
	size_t n = files ? sizeof(lock_files_prog) / sizeof(lock_files_prog[0]) : sizeof(lock_prog) / sizeof(lock_prog[0]);
	const struct sock_fprog prog = { (unsigned short)n, (struct sock_filter *)(uintptr_t)insns };
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog);

	if (r < 0)
		return bad(l, -errno, errno == EINVAL ? "the kernel was built without seccomp filters" :
			   "the filter of system calls cannot be loaded; is another one in force that refuses it?");
	/* The id of a thread that has a filter of its own. */
	return r > 0 ? bad(l, -EBUSY, "another thread has a filter of its own; lock before it loads that") : 0;
}

static int lock(struct lock *l)
{
	int files, r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return bad(l, -errno, "no_new_privs cannot be set; is another filter of system calls in force?");
	files = lock_files(l);
	if (files < 0)
		return files;
	r = drop_caps(l);
	if (r < 0)
		return r;
	if (l->o.close_from && syscall(SYS_close_range, l->o.close_from, ~0u, 0) < 0)
		return bad(l, -errno, "descriptors cannot be closed; Linux 5.9 or newer is needed");
	r = load_filter(l);
	return r < 0 ? r : SLUICE_LOCK_SYSCALLS | SLUICE_LOCK_CAPS | (files ? SLUICE_LOCK_FILES : 0);
}

__attribute__((visibility("default")))
int sluice_lock(const struct sluice_lock_options *options, const char **why)
{
	struct lock l = { .why = "" };
	int r = take_options(&l, options);

	if (r == 0)
		r = look_ahead(&l);
	if (r == 0)
		r = lock(&l);
	if (r < 0 && why)
		*why = l.why;
	return r;
}
