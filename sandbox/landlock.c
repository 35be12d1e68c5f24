/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock: a second wall around the program's files, behind the mounts.
 *
 * Theory of operation. Init makes a rule set before it builds the root, and adds one rule for each
 * mount it attaches, by the descriptor of the detached tree: what that mount allows, nothing is looked
 * up again by path. The program's process puts itself under the rule set right before the system call filter. A
 * file that no attached mount holds, reached through a descriptor that leaked, a mount that should not
 * be there or a hole in the mount layer, is refused, because no directory above it has a rule.
 *
 * Rules are hierarchical and add up: a read-only bind below a writable one is read-only by its mount alone.
 * "/" itself grants listing directories, which no escape is worth. The standard streams grant what they are
 * open for, so that /dev/stdout works when it is a file of the host, and no more: a file open for reading
 * is not opened for writing through /proc/self/fd/0.
 *
 * Signals and abstract UNIX sockets do not leave the domain either. TCP ports are the gateway's business.
 */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"

/*
 * include/uapi/linux/landlock.h of Linux 6.18, here in full because the header of Linux 6.1 ends at
 * ABI 2. The number behind is the ABI that brought the bit (5.13, 5.19, 6.2, 6.7, 6.10, 6.12, 6.15).
 */
enum {
	FS_EXECUTE = 1 << 0,		/* 1 */
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,		/* 2 */
	FS_TRUNCATE = 1 << 14,		/* 3 */
	FS_IOCTL_DEV = 1 << 15,		/* 5 */

	SCOPE_ABSTRACT_UNIX = 1 << 0,	/* 6 */
	SCOPE_SIGNAL = 1 << 1,		/* 6 */

	CREATE_VERSION = 1 << 0,
	RULE_PATH_BENEATH = 1,

	/* What a rule on anything but a directory may hold (ACCESS_FILE in security/landlock/fs.c). */
	FS_FILE = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
	FS_READ = FS_READ_FILE | FS_READ_DIR,
	FS_WRITE = FS_WRITE_FILE | FS_TRUNCATE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR |
		FS_MAKE_REG | FS_MAKE_SOCK | FS_MAKE_FIFO | FS_MAKE_SYM | FS_REFER,
	FS_DEVICES = FS_MAKE_CHAR | FS_MAKE_BLOCK,
};

struct ruleset_attr {
	uint64_t handled_fs, handled_net, scoped;
};

struct path_beneath_attr {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

/* Everything that this ABI can refuse; what it cannot, the mounts must. */
static uint64_t handled(int abi)
{
	uint64_t fs = FS_REFER - 1;

	if (abi >= 2)
		fs |= FS_REFER;
	if (abi >= 3)
		fs |= FS_TRUNCATE;
	if (abi >= 5)
		fs |= FS_IOCTL_DEV;
	return fs;
}

int jail_landlock_abi(void)
{
	/* In a container the call itself may be refused: then there is none for us either. */
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0ul, CREATE_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

static void add_rule(const struct jail_setup *s, int fd, uint64_t allowed)
{
	struct path_beneath_attr a = { .allowed = allowed & handled(s->landlock_abi), .parent_fd = fd };

	if (a.allowed && syscall(SYS_landlock_add_rule, s->ruleset, RULE_PATH_BENEATH, &a, 0u) < 0 &&
	    errno != EBADFD)	/* a pipe or the like, which rules do not apply to */
		jail_fail(s, -errno, "cannot add a Landlock rule: %s", strerror(errno));
}

/* The streams that become the program's: what each is open for. */
static void add_stdio(const struct jail_setup *s)
{
	struct stat st;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int flags = fcntl(fd, F_GETFL);
		int mode = flags & O_ACCMODE;
		uint64_t allowed = 0;

		if (flags < 0 || fstat(fd, &st) < 0 || S_ISSOCK(st.st_mode))
			continue;
		if (mode != O_WRONLY)
			allowed |= FS_READ_FILE;
		if (mode != O_RDONLY)
			allowed |= FS_WRITE_FILE | FS_TRUNCATE;
		if (S_ISCHR(st.st_mode))
			allowed |= FS_IOCTL_DEV;
		add_rule(s, fd, allowed);
	}
}

void landlock_open(struct jail_setup *s)
{
	struct ruleset_attr a = { 0 };

	s->ruleset = -1;
	s->landlock_abi = s->plan->landlock == JAIL_LANDLOCK_OFF ? 0 : jail_landlock_abi();
	if (s->landlock_abi < 1) {
		if (s->plan->landlock == JAIL_LANDLOCK_REQUIRE)
			jail_fail(s, -ENOSYS, "this kernel offers no Landlock, which was required: Linux 5.13 "
				  "or newer is needed, with landlock in its list of security modules (lsm=)");
		return;
	}
	a.handled_fs = handled(s->landlock_abi);
	if (s->landlock_abi >= 6)
		a.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	/* Members that an older kernel does not know are zero, which it accepts. */
	s->ruleset = (int)syscall(SYS_landlock_create_ruleset, &a, sizeof(a), 0u);
	if (s->ruleset < 0)
		jail_fail(s, -errno, "cannot make a Landlock rule set: %s", strerror(errno));
	if (!s->plan->pty)	/* which lies in /dev/pts */
		add_stdio(s);
}

void landlock_allow_list(const struct jail_setup *s, int dir)
{
	if (s->ruleset >= 0)
		add_rule(s, dir, FS_READ_DIR);
}

void landlock_allow_read(const struct jail_setup *s, int dir)
{
	if (s->ruleset >= 0)
		add_rule(s, dir, FS_READ);
}

void landlock_allow_tree(const struct jail_setup *s, int tree)
{
	uint64_t allowed = FS_READ;
	struct statvfs fs;
	struct stat st;

	if (s->ruleset < 0)
		return;
	if (fstat(tree, &st) < 0 || fstatvfs(tree, &fs) < 0)
		jail_fail(s, -errno, "cannot look at a mount: %s", strerror(errno));
	if (!(fs.f_flag & ST_NOEXEC))
		allowed |= FS_EXECUTE;
	if (!(fs.f_flag & ST_RDONLY))
		allowed |= FS_WRITE;
	/* A node on a read-only mount is written to all the same. */
	if (!(fs.f_flag & ST_NODEV))
		allowed |= FS_IOCTL_DEV | (S_ISDIR(st.st_mode) ? 0 : FS_WRITE_FILE);
	if (!(fs.f_flag & (ST_NODEV | ST_RDONLY)))
		allowed |= FS_DEVICES;
	add_rule(s, tree, S_ISDIR(st.st_mode) ? allowed : allowed & FS_FILE);
}

void landlock_enter(struct jail_setup *s)
{
	if (s->ruleset < 0)
		return;
	if (syscall(SYS_landlock_restrict_self, s->ruleset, 0u) < 0)
		jail_fail(s, -errno, "cannot put the program under its Landlock rules: %s%s", strerror(errno),
			  errno == E2BIG ? " (too many of them are stacked here)" : "");
	fd_close(&s->ruleset);
}
