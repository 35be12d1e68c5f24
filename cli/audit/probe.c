/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: sluice-probe, the program that `sluice audit` puts into a jail in the place of the command. It looks
 * round, tries what should be refused, and writes what it found to standard output, one fact a line:
 *
 *	NAME<TAB>WHAT<TAB>VALUE
 *
 * It judges nothing and changes nothing: what it tries is without effect where it is not refused, and each try
 * that could have one is made in a child. Arguments: a TCP port and an abstract name on which the host listens,
 * then the command to look for. Linked statically, so that it runs whatever the jail shows.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *name, const char *what, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void tell(const char *name, const char *what, const char *fmt, ...)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s\t", name), start = n;
	va_list ap;

	n += snprintf(line + n, sizeof(line) - (size_t)n, "%.300s", what);
	for (; start < n; start++) {
		if (line[start] == '\t' || line[start] == '\n')
			line[start] = '?';
	}
	line[n++] = '\t';
	start = n;
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	for (; start < n; start++) {
		if (line[start] == '\t' || line[start] == '\n')
			line[start] = '?';
	}
	line[n++] = '\n';
	if (write(STDOUT_FILENO, line, (size_t)n) < 0)
		_exit(1);
}

static void tell_result(const char *name, const char *what, int err)
{
	tell(name, what, "%s", err ? strerrorname_np(err) : "ok");
}

/* ---- what is seen --------------------------------------------------------------------------------------- */

static void look_at_namespaces(void)
{
	static const char *const types[] = { "user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time" };
	struct stat st;
	char path[64];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", types[i]);
		if (stat(path, &st) == 0)
			tell("ns", types[i], "%lu", (unsigned long)st.st_ino);
	}
	if (stat("/", &st) == 0)
		tell("root", "/", "%lu:%lu", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
}

static void look_at_lines(const char *path, const char *name, size_t skip)
{
	char line[600];
	FILE *f = fopen(path, "re");

	for (size_t n = 0; f && fgets(line, sizeof(line), f); n++) {
		char *colon = strchr(line, ':');

		if (n < skip || !colon)
			continue;
		*colon = '\0';
		colon += 1 + strspn(colon + 1, "\t ");
		colon[strcspn(colon, "\n")] = '\0';
		tell(name, line + strspn(line, " "), "%s", colon);
	}
	if (f)
		fclose(f);
}

static void look_at_mounts(void)
{
	char line[1024];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	while (f && fgets(line, sizeof(line), f)) {
		char place[400], flags[200], type[64], super[200];
		const char *rest = strstr(line, " - ");

		if (rest && sscanf(line, "%*s %*s %*s %*s %399s %199s", place, flags) == 2 &&
		    sscanf(rest, " - %63s %*s %199s", type, super) == 2)
			tell("mount", place, "%s %s %s", type, flags, strncmp(super, "ro", 2) == 0 ? "ro" : "rw");
	}
	if (f)
		fclose(f);
}

static void look_at_devices(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	char path[512];
	struct stat st;

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] == '.' || lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && strcmp(path, "/dev/pts") != 0 && strcmp(path, "/dev/shm") != 0)
			look_at_devices(path);
		if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
			tell("device", path, "%c %u:%u", S_ISCHR(st.st_mode) ? 'c' : 'b', major(st.st_rdev), minor(st.st_rdev));
	}
	if (d)
		closedir(d);
}

static void look_at_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;
	char path[64], target[300];

	while (d && (e = readdir(d))) {
		int fd = atoi(e->d_name);
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		if (e->d_name[0] == '.' || n < 0 || fd == dirfd(d))
			continue;
		target[n] = '\0';
		tell("fd", e->d_name, "%s", target);
	}
	if (d)
		closedir(d);
}

static void look_at_processes(void)
{
	DIR *d = opendir("/proc");
	const struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] >= '0' && e->d_name[0] <= '9';
	if (d) {
		tell("processes", "seen", "%d", n);
		closedir(d);
	}
}

static void look_at_limits(void)
{
	static const struct {
		const char *name;
		int number;
	} limits[] = { { "core", RLIMIT_CORE }, { "nofile", RLIMIT_NOFILE }, { "nproc", RLIMIT_NPROC },
		{ "fsize", RLIMIT_FSIZE } };
	struct rlimit l;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (getrlimit((__rlimit_resource_t)limits[i].number, &l) == 0)
			tell("rlimit", limits[i].name, "%lld", l.rlim_max == RLIM_INFINITY ? -1LL : (long long)l.rlim_max);
	}
	tell("securebits", "self", "%d", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
	for (char **e = environ; *e; e++) {
		char name[128];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(*e, "="), *e);
		tell("env", name, "%zu", strlen(*e));
	}
}

/* ---- what is tried --------------------------------------------------------------------------------------- */

/* 0, the errno, or -signal; -1000 when it could not be tried. */
static int in_child(int (*attempt)(void))
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -1000;
	if (pid == 0)
		_exit(attempt());
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1000;
	}
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void tell_try(const char *name, const char *what, int result)
{
	if (result == -1000)
		tell(name, what, "untried");
	else if (result < 0)
		tell(name, what, "signal %d", -result);
	else
		tell_result(name, what, result);
}

#define TRY(name, expression) static int try_##name(void) { return (expression) < 0 ? errno : 0; }
TRY(userns, unshare(CLONE_NEWUSER))
TRY(netns, unshare(CLONE_NEWNET))
TRY(setns, syscall(SYS_setns, -1, 0))
/* Of what changes the machine, forms that are wrong behind the check of rights: EINVAL, EBUSY, EFAULT where allowed. */
TRY(mount, syscall(SYS_mount, NULL, "/", NULL, (unsigned long)(MS_PRIVATE | MS_SHARED), NULL))
TRY(umount, syscall(SYS_umount2, "/proc/self", 0))
TRY(pivot, syscall(SYS_pivot_root, "/", "/"))
TRY(chroot, syscall(SYS_chroot, "/"))
TRY(fsopen, syscall(SYS_fsopen, "tmpfs", 0u))
TRY(opentree, syscall(SYS_open_tree, AT_FDCWD, "/", 1u))
TRY(handle, syscall(SYS_open_by_handle_at, -1, NULL, 0))
TRY(bpf, syscall(SYS_bpf, 0, NULL, 0u))
TRY(perf, syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0ul))
TRY(userfault, syscall(SYS_userfaultfd, 0))
TRY(uring, syscall(SYS_io_uring_setup, 0u, NULL))
TRY(addkey, syscall(SYS_add_key, NULL, NULL, NULL, 0ul, 0))
TRY(keyctl, syscall(SYS_keyctl, 0, -3, 0))
TRY(vmread, syscall(SYS_process_vm_readv, 1, NULL, 0ul, NULL, 0ul, 1ul))
TRY(module, syscall(SYS_finit_module, -1, "", 0))
TRY(kexec, syscall(SYS_kexec_load, 0ul, 0ul, NULL, ~0ul))
TRY(reboot, syscall(SYS_reboot, 0, 0, 0, NULL))
TRY(swapoff, syscall(SYS_swapoff, NULL))
TRY(clock, syscall(SYS_clock_settime, 0, NULL))
TRY(acct, syscall(SYS_acct, (void *)1))
TRY(syslog, syscall(SYS_syslog, 10, NULL, 0))
TRY(quota, syscall(SYS_quotactl, ~0u, NULL, 0, NULL))
TRY(fanotify, syscall(SYS_fanotify_init, 0u, 0u))
TRY(personality, syscall(SYS_personality, 0x0400000ul))
TRY(tiocsti, ioctl(STDIN_FILENO, 0x5412ul, ""))
#ifdef SYS_iopl
TRY(iopl, syscall(SYS_iopl, 3))
#endif
#ifdef __x86_64__
TRY(x32, syscall(0x40000000 | SYS_getpid))
#endif

static int try_node(void)
{
	static const char path[] = "/tmp/.sluice-probe-node";

	if (mknod(path, S_IFCHR | 0600, makedev(1, 1)) < 0)
		return errno;
	unlink(path);
	return 0;
}

static void try_calls(void)
{
	static const struct {
		const char *name;
		int (*attempt)(void);
	} calls[] = {
		{ "unshare user", try_userns }, { "unshare net", try_netns }, { "setns", try_setns }, { "mount", try_mount },
		{ "umount2", try_umount }, { "pivot_root", try_pivot }, { "chroot", try_chroot }, { "fsopen", try_fsopen },
		{ "open_tree", try_opentree }, { "open_by_handle_at", try_handle }, { "bpf", try_bpf },
		{ "perf_event_open", try_perf }, { "userfaultfd", try_userfault }, { "io_uring_setup", try_uring },
		{ "add_key", try_addkey }, { "keyctl", try_keyctl }, { "process_vm_readv", try_vmread },
		{ "finit_module", try_module }, { "kexec_load", try_kexec }, { "reboot", try_reboot },
		{ "swapoff", try_swapoff }, { "clock_settime", try_clock }, { "acct", try_acct }, { "syslog", try_syslog },
		{ "quotactl", try_quota }, { "fanotify_init", try_fanotify }, { "personality", try_personality },
		{ "mknod", try_node }, { "ioctl TIOCSTI", try_tiocsti },
#ifdef SYS_iopl
		{ "iopl", try_iopl },
#endif
#ifdef __x86_64__
		{ "x32", try_x32 },
#endif
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		tell_try("call", calls[i].name, in_child(calls[i].attempt));
}

static int family, type, protocol;

static int try_socket(void)
{
	return socket(family, type, protocol) < 0 ? errno : 0;
}

static void try_sockets(void)
{
	static const struct {
		const char *name;
		int family, type, protocol;
	} t[] = {
		{ "AF_PACKET", AF_PACKET, SOCK_RAW, 0 }, { "raw IPv4", AF_INET, SOCK_RAW, 1 },
		{ "AF_VSOCK", 40, SOCK_STREAM, 0 }, { "AF_ALG", 38, SOCK_SEQPACKET, 0 },
		{ "netlink netfilter", AF_NETLINK, SOCK_RAW, 12 }, { "AF_KEY", 15, SOCK_RAW, 2 },
		{ "AF_XDP", 44, SOCK_RAW, 0 }, { "AF_TIPC", 30, SOCK_STREAM, 0 }, { "AF_RDS", 21, SOCK_SEQPACKET, 0 },
		{ "AF_BLUETOOTH", 31, SOCK_RAW, 1 }, { "AF_NFC", 39, SOCK_SEQPACKET, 0 }, { "AF_CAN", 29, SOCK_RAW, 1 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		family = t[i].family;
		type = t[i].type;
		protocol = t[i].protocol;
		tell_try("socket", t[i].name, in_child(try_socket));
	}
}

/* How many more rule sets can be laid on this process; the kernel stacks 16 (LANDLOCK_MAX_NUM_LAYERS). */
static int count_layers(void)
{
	struct {
		uint64_t fs;
	} attr = { LANDLOCK_ACCESS_FS_MAKE_BLOCK };
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0u), n = 0;

	if (fd < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 100;
	while (n <= 16 && syscall(SYS_landlock_restrict_self, fd, 0u) == 0)
		n++;
	return n <= 16 && errno == E2BIG ? n : 100;
}

static void try_landlock(void)
{
	int left = in_child(count_layers);

	if (left >= 0 && left <= 16)
		tell("landlock", "layers", "%d", 16 - left);
	else
		tell("landlock", "layers", "untried");
}

static void try_files(void)
{
	static const char *const to_read[] = { "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/1/environ", "/dev/mem",
		"/dev/kmsg", "/sys/kernel/debug/sched", "/sys/firmware/efi", "/etc/shadow" };
	static const char *const to_write[] = { "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
		"/proc/sysrq-trigger", "/sys/kernel/uevent_helper", "/sys/fs/cgroup/cgroup.procs" };
	static const char *const dirs[] = { "/", "/usr", "/etc", "/bin", "/lib" };
	int fd;

	for (size_t i = 0; i < sizeof(to_read) / sizeof(to_read[0]); i++) {
		char byte;

		fd = open(to_read[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		/* Masked files can be opened, and hold nothing. */
		tell_result("read", to_read[i], fd < 0 ? errno : read(fd, &byte, 1) == 1 ? 0 : ENODATA);
		close(fd);
	}
	for (size_t i = 0; i < sizeof(to_write) / sizeof(to_write[0]); i++) {
		struct stat st;

		fd = open(to_write[i], O_WRONLY | O_CLOEXEC);
		tell_result("write", to_write[i], fd < 0 ? errno : fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) ? ENODATA : 0);
		close(fd);
	}
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		fd = open(dirs[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		tell_result("create", dirs[i], fd < 0 ? errno : 0);
		close(fd);
	}
}

static void try_host(const char *port, const char *name)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	tell_result("host", "loopback", fd < 0 || connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ? errno : 0);
	close(fd);
	if (n > sizeof(un.sun_path) - 1)
		return;
	memcpy(un.sun_path + 1, name, n);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	tell_result("host", "abstract", fd < 0 || connect(fd, (struct sockaddr *)&un,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) < 0 ? errno : 0);
	close(fd);
}

/* As a shell would find it. */
static void look_for(const char *command)
{
	const char *dirs = getenv("PATH");
	char path[1024];

	if (strchr(command, '/')) {
		tell_result("command", command, access(command, X_OK) < 0 ? errno : 0);
		return;
	}
	while (dirs && *dirs) {
		size_t n = strcspn(dirs, ":");

		snprintf(path, sizeof(path), "%.*s/%s", (int)n, dirs, command);
		if (access(path, X_OK) == 0) {
			tell_result("command", path, 0);
			return;
		}
		dirs += n + (dirs[n] == ':');
	}
	tell_result("command", command, ENOENT);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	look_at_namespaces();
	look_at_lines("/proc/self/status", "status", 0);
	look_at_lines("/proc/net/dev", "interface", 2);
	look_at_mounts();
	look_at_devices("/dev");
	look_at_descriptors();
	look_at_processes();
	look_at_limits();
	try_calls();
	try_sockets();
	try_landlock();
	try_files();
	try_host(argv[1], argv[2]);
	if (argc > 3)
		look_for(argv[3]);
	tell("end", "facts", "ok");
	return 0;
}
