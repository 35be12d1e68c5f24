/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root: the private root, built by init as the last thing that needs the host's.
 *
 * A small tmpfs, read-only in the end, holds symlinks and mount points; system directories are
 * read-only binds; everything writable (/tmp, /home, /run, /dev/shm) is one bounded tmpfs. Every mount
 * is made detached, gets its attributes while nobody can see it, and is then attached by
 * descriptor, so there is no moment at which a bind is writable, and no path that is resolved twice.
 *
 * That needs open_tree(2), mount_setattr(2) with AT_RECURSIVE and close_range(2): Linux 5.12. Older
 * kernels cannot make a whole tree read-only in one step, so they are refused.
 */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "sandbox/base.h"
#include "sandbox/mounts.h"
#include "sandbox/place.h"

enum {
	ATTR_PLAIN = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	ATTR_READ = ATTR_PLAIN | MOUNT_ATTR_RDONLY,
};

int tree_make(int dir, const char *path, struct mount_attr *attr)
{
	int r, fd = open_tree(dir, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE |
			      AT_EMPTY_PATH | AT_NO_AUTOMOUNT);

	if (fd < 0)
		return -errno;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, attr, sizeof(*attr)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int tree_clone(int dir, const char *path, uint64_t attrs)
{
	struct mount_attr a = { .attr_set = attrs, .propagation = MS_PRIVATE };

	return tree_make(dir, path, &a);
}

int tree_attach(int tree, int dir, const char *path)
{
	unsigned int flags = MOVE_MOUNT_F_EMPTY_PATH;

	if (!*path)
		flags |= MOVE_MOUNT_T_EMPTY_PATH;
	return move_mount(tree, "", dir, path, flags) < 0 ? -errno : 0;
}

int fs_new(const char *type, const char *const *opts, uint64_t attrs)
{
	int r, fs = fsopen(type, FSOPEN_CLOEXEC);

	if (fs < 0)
		return -errno;
	for (; *opts; opts += 2) {
		if (opts[1])
			r = fsconfig(fs, FSCONFIG_SET_STRING, opts[0], opts[1], 0);
		else
			r = fsconfig(fs, FSCONFIG_SET_FLAG, opts[0], NULL, 0);
		if (r < 0)
			goto err;
	}
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		goto err;
	r = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)attrs);
	if (r < 0)
		goto err;
	close(fs);
	return r;
err:
	r = -errno;
	close(fs);
	return r;
}

static void make_dir(const struct jail_setup *s, int root, const char *path, mode_t mode)
{
	/* The umask is 0 while the root is built. */
	if (mkdirat(root, path, mode) < 0)
		jail_fail(s, -errno, "cannot make /%s inside: %s", path, strerror(errno));
}

static void make_link(const struct jail_setup *s, int root, const char *target, const char *path)
{
	if (symlinkat(target, root, path) < 0)
		jail_fail(s, -errno, "cannot make /%s inside: %s", path, strerror(errno));
}

/* Attaches and closes tree, or ends the jail; tree may be a negative errno of its making. */
static void cover(const struct jail_setup *s, int tree, int root, const char *path)
{
	int r = tree < 0 ? tree : tree_attach(tree, root, path);

	if (r < 0)
		jail_fail(s, r, "cannot mount /%s inside: %s", path, strerror(-r));
	close(tree);
}

/* The same for a mount that the program shall use. */
static void attach(const struct jail_setup *s, int tree, int root, const char *path)
{
	if (tree >= 0)
		landlock_allow_tree(s, tree);
	cover(s, tree, root, path);
}

/* /usr and its relatives, as the host has them: directories or symlinks into /usr. */
static void add_system(const struct jail_setup *s, int root)
{
	static const char *const dirs[] = { "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32" };
	char target[256], host[16];
	struct stat st;
	ssize_t n;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(host, sizeof(host), "/%s", dirs[i]);
		n = readlink(host, target, sizeof(target) - 1);
		if (n > 0) {
			target[n] = '\0';
			make_link(s, root, target, dirs[i]);
		} else if (n < 0 && errno == EINVAL && stat(host, &st) == 0 && S_ISDIR(st.st_mode)) {
			make_dir(s, root, dirs[i], 0755);
			attach(s, tree_clone(AT_FDCWD, host, ATTR_READ), root, dirs[i]);
		}
	}
}

/*
 * The terminal on standard input as /dev/console, so that ttyname(3) finds a name for it. It grants
 * nothing: the program has the descriptor. What the name leads to must be that very device.
 */
static void add_console(const struct jail_setup *s, int root)
{
	char path[64];
	struct stat in, st;
	ssize_t n = readlink("/proc/self/fd/0", path, sizeof(path) - 1);
	int fd;

	if (s->plan->pty || n <= 0 || !isatty(STDIN_FILENO) || fstat(STDIN_FILENO, &in) < 0)
		return;
	path[n] = '\0';
	fd = tree_clone(AT_FDCWD, path, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_dev != in.st_dev ||
	    st.st_ino != in.st_ino) {
		close(fd);
		return;
	}
	if (mknodat(root, "dev/console", S_IFREG | 0444, 0) < 0)
		jail_fail(s, -errno, "cannot make /dev/console inside: %s", strerror(errno));
	attach(s, fd, root, "dev/console");
}

/*
 * Binds of the host's nodes. The binds are read-only, which forbids changes to the node (mode,
 * owner, times) but not writing to the device, and not nodev.
 */
static void add_devices(const struct jail_setup *s, int root)
{
	static const struct {
		const char *name;
		unsigned int major, minor;
	} nodes[] = {
		{ "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 },
		{ "urandom", 1, 9 }, { "tty", 5, 0 },
	};
	char path[32];
	struct stat st;
	int fd;

	make_dir(s, root, "dev", 0755);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		snprintf(path, sizeof(path), "/dev/%s", nodes[i].name);
		fd = tree_clone(AT_FDCWD, path, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC |
				MOUNT_ATTR_RDONLY);
		if (fd < 0 || fstat(fd, &st) < 0)
			jail_fail(s, fd < 0 ? fd : -errno, "cannot use the host's %s: %s", path,
				  strerror(fd < 0 ? -fd : errno));
		if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(nodes[i].major, nodes[i].minor))
			jail_fail(s, -ENODEV, "the host's %s is not the device it should be", path);
		if (mknodat(root, path + 1, S_IFREG | 0444, 0) < 0)
			jail_fail(s, -errno, "cannot make %s inside: %s", path, strerror(errno));
		attach(s, fd, root, path + 1);
	}
	make_link(s, root, "/proc/self/fd", "dev/fd");
	make_link(s, root, "/proc/self/fd/0", "dev/stdin");
	make_link(s, root, "/proc/self/fd/1", "dev/stdout");
	make_link(s, root, "/proc/self/fd/2", "dev/stderr");
	make_link(s, root, "pts/ptmx", "dev/ptmx");
	add_console(s, root);

	static const char *const pts[] = { "newinstance", NULL, "ptmxmode", "0666", "mode", "0620",
		"max", "256", NULL };

	make_dir(s, root, "dev/pts", 0755);
	attach(s, fs_new("devpts", pts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC), root, "dev/pts");
}

/* Hides paths with an empty directory, or /dev/null; what this kernel does not have leaves the mount for the next. */
static void mask(const struct jail_setup *s, int root, const char *const *paths, int empty)
{
	int r, tree = -1;

	for (; *paths; paths++) {
		if (tree < 0)
			tree = empty >= 0 ? tree_clone(empty, "", ATTR_READ | MOUNT_ATTR_NOEXEC) :
				tree_clone(root, "dev/null", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
		r = tree < 0 ? tree : tree_attach(tree, root, *paths);
		if (r == -ENOENT && tree >= 0)
			continue;
		if (r < 0)
			jail_fail(s, r, "cannot hide /%s inside: %s", *paths, strerror(-r));
		fd_close(&tree);
	}
	fd_close(&tree);
}

static void add_proc(struct jail_setup *s, int root, int empty)
{
	/* Of interest to root alone; here "root" may be a program with uid 0 and no capability. */
	static const char *const dirs[] = { "proc/acpi", "proc/asound", "proc/scsi", NULL };
	static const char *const files[] = { "proc/interrupts",
		"proc/kallsyms", "proc/kcore", "proc/key-users", "proc/keys", "proc/kmsg",
		"proc/kpagecgroup", "proc/kpagecount", "proc/kpageflags", "proc/latency_stats",
		"proc/pagetypeinfo", "proc/sched_debug", "proc/slabinfo",
		"proc/sysrq-trigger", "proc/timer_list", "proc/timer_stats", "proc/vmallocinfo", NULL };
	static const char *const readonly[] = { "proc/bus", "proc/driver", "proc/fs", "proc/irq",
		"proc/sys", "proc/sysvipc", "proc/tty" };
	const struct jail_view *v = s->view;
	const char *const opts[] = { v->hidepid ? "hidepid" : NULL, v->hidepid, v->proc_subset ? "subset" : NULL, "pid",
		NULL };
	static const char *const none[] = { NULL };
	int fd;

	make_dir(s, root, "proc", 0555);
	fd = fs_new("proc", none, ATTR_PLAIN | MOUNT_ATTR_NOEXEC);
	if (fd == -EPERM)
		jail_fail(s, fd, "the kernel refuses a /proc for the sandbox, because parts of this "
			  "machine's own /proc are covered (as in most containers); run as root on the "
			  "host, or give the container an uncovered /proc");
	s->proc_sys = fd < 0 ? -1 : openat(fd, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && (v->hidepid || v->proc_subset)) {
		close(fd);
		fd = fs_new("proc", opts + (v->hidepid ? 0 : 2), ATTR_PLAIN | MOUNT_ATTR_NOEXEC);
		if (fd < 0)
			jail_fail(s, fd, "cannot make a /proc with these options: %s%s", strerror(-fd),
				  fd == -EINVAL ? " (Linux 5.8 or newer is needed)" : "");
	}
	attach(s, fd, root, "proc");
	if (s->proc_sys < 0)
		jail_fail(s, -errno, "cannot open /proc/sys inside: %s", strerror(errno));

	mask(s, root, dirs, empty);
	mask(s, root, files, -1);
	for (size_t i = 0; i < sizeof(readonly) / sizeof(readonly[0]); i++) {
		fd = tree_clone(root, readonly[i], ATTR_READ | MOUNT_ATTR_NOEXEC);
		if (fd != -ENOENT)
			cover(s, fd, root, readonly[i]);
	}
}

/* The writable places: directories of one tmpfs, so that one bound holds for all of them. */
static int add_scratch(const struct jail_setup *s, int root)
{
	static const struct {
		const char *name, *path;
		mode_t mode;
		bool own;		/* belongs to the program's user */
	} dirs[] = {
		{ "tmp", "tmp", 01777, false }, { "vartmp", "var/tmp", 01777, false },
		{ "shm", "dev/shm", 01777, false }, { "run", "run", 0755, true },
		{ "home", "home", 0755, false }, { "root", "root", 0700, true },
	};
	char size[24] = SCRATCH_SIZE, inodes[24];
	const char *const opts[] = { "size", size, "nr_inodes", inodes, "mode", "0755", NULL };
	int fd;

	if (s->limits->tmpfs_size)
		snprintf(size, sizeof(size), "%" PRIu64, s->limits->tmpfs_size);
	snprintf(inodes, sizeof(inodes), "%" PRIu64, s->limits->tmpfs_inodes ? s->limits->tmpfs_inodes : SCRATCH_INODES);
	fd = fs_new("tmpfs", opts, ATTR_PLAIN);
	if (fd < 0)
		jail_fail(s, fd, "cannot make a tmpfs: %s", strerror(-fd));
	/* Only what is attached can be bound from. The place is used up again by the last bind. */
	make_dir(s, root, "tmp", 0755);
	if (tree_attach(fd, root, "tmp") < 0)
		jail_fail(s, -errno, "cannot mount a tmpfs inside: %s", strerror(errno));
	make_dir(s, root, "var", 0755);
	make_link(s, root, "/run", "var/run");
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		make_dir(s, fd, dirs[i].name, dirs[i].mode);
		if (dirs[i].own && fchownat(fd, dirs[i].name, s->uid.outside, s->gid.outside, 0) < 0)
			jail_fail(s, -errno, "cannot give /%s to the program: %s", dirs[i].path,
				  strerror(errno));
		if (i > 0)
			make_dir(s, root, dirs[i].path, 0755);
	}
	if (strcmp(s->home, "/root") != 0) {
		char name[32];

		snprintf(name, sizeof(name), "home/%s", strrchr(s->home, '/') + 1);
		make_dir(s, fd, name, 0700);
		if (fchownat(fd, name, s->uid.outside, s->gid.outside, 0) < 0)
			jail_fail(s, -errno, "cannot give %s to the program: %s", s->home,
				  strerror(errno));
	}
	for (size_t i = sizeof(dirs) / sizeof(dirs[0]); i-- > 0; )
		attach(s, tree_clone(fd, dirs[i].name, ATTR_PLAIN), root, dirs[i].path);
	return fd;
}

/* Makes the new root the root and lets go of the host's. */
static void enter(const struct jail_setup *s, int root)
{
	struct mount_attr ro = { .attr_set = ATTR_READ };

	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		jail_fail(s, -errno, "cannot change the root directory: %s%s", strerror(errno),
			  errno == EINVAL ? " (the host runs from its initramfs?)" : "");
	/* The old root lies on top of the new one now, where the working directory still is. */
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		jail_fail(s, -errno, "cannot detach the host's root: %s", strerror(errno));
	if (mount_setattr(root, "", AT_EMPTY_PATH, &ro, sizeof(ro)) < 0)
		jail_fail(s, -errno, "cannot make the root read-only: %s", strerror(errno));
}

void root_build(struct jail_setup *s)
{
	static const char *const opts[] = { "size", "16m", "nr_inodes", "20000", "mode", "0755", NULL };
	struct stat st_root, st_scratch;
	struct inside at;
	struct opened *opened;
	const struct jail_mount *base_mount = NULL;
	int root, empty, scratch, base;
	mode_t old_mask;

	opened = mounts_open(s);

	root = fs_new("tmpfs", opts, ATTR_PLAIN);
	if (root < 0)
		jail_fail(s, root, "cannot make a tmpfs: %s%s", strerror(-root),
			  root == -ENOSYS ? " (Linux 5.12 or newer is needed)" : "");
	if (tree_attach(root, AT_FDCWD, "/") < 0)
		jail_fail(s, -errno, "cannot mount the new root: %s", strerror(errno));
	old_mask = umask(0);
	make_dir(s, root, "empty", 0555);
	empty = openat(root, "empty", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (empty < 0)
		jail_fail(s, -errno, "cannot open a directory inside: %s", strerror(errno));

	add_devices(s, root);
	add_proc(s, root, empty);
	landlock_allow_list(s, root);
	scratch = add_scratch(s, root);
	if (fstat(root, &st_root) < 0 || fstat(scratch, &st_scratch) < 0)
		jail_fail(s, -errno, "cannot look at the new root: %s", strerror(errno));
	at = (struct inside){ root, scratch, empty, { st_root.st_dev, st_scratch.st_dev } };
	base = mounts_base(s, opened, &at, &base_mount);
	etc_build(s, root, base >= 0);
	if (base >= 0)
		base_build(s, base, base_mount, &at);
	else
		add_system(s, root);
	mounts_attach(s, opened, &at);
	close(empty);
	close(scratch);
	unlinkat(root, "empty", AT_REMOVEDIR);
	umask(old_mask);	/* the program's as well */
	enter(s, root);
	close(root);
}
