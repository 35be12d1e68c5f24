/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup: makes, limits, reads, empties and removes the cgroup of a jail. Runs as the caller, outside.
 *
 * Theory of operation. On v1 it is a child of the caller's own cgroup in each hierarchy that has a
 * wanted controller. On v2 a cgroup with processes cannot hand controllers down, so it is made below
 * the nearest ancestor that does, or can be made to; for an ordinary user that works inside a subtree
 * that was delegated (systemd-run --user --scope).
 *
 * Each directory is locked with flock(2) for as long as the caller lives. A directory of ours that can
 * be locked belongs to a caller that was killed: whoever makes the next cgroup beside it empties and removes it.
 * Numbers of processes in the name would mean nothing to a caller in another pid namespace.
 */
#include "sandbox/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "lib/cleanup.h"

#define PREFIX "sluice-"
enum {
	NAME_LEN = sizeof(PREFIX) - 1 + 16,
	WHY_CAP = 512,
	EMPTY_TRIES = 500,	/* of 2 ms each: a killed process leaves when it has freed its memory */
	MAKE_TRIES = 3,
	CPU_PERIOD_US = 100000,
};

struct cgroup {
	struct {
		int parent, fd;
		bool v2;
	} dir[CGROUP_DIRS_MAX];
	size_t n;
	int of[CGROUP_CONTROLLERS];	/* index of the directory, -1: none */
	char name[NAME_LEN + 1];
	struct cgroup_entry entry;
};

static const char *const v2_names[CGROUP_CONTROLLERS] = {
	[CGROUP_MEMORY] = "memory", [CGROUP_PIDS] = "pids", [CGROUP_CPU] = "cpu", [CGROUP_IO] = "io",
};

/* ---- files ---------------------------------------------------------------------------------------- */

static int read_file(int dir, const char *name, char *buf, size_t cap)
{
	cleanup_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, cap - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

static int write_file(int dir, const char *name, const char *text)
{
	cleanup_close int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int write_number(int dir, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	return write_file(dir, name, text);
}

/* "key N" among lines, or the only number when key is "". */
static bool read_number(int dir, const char *name, const char *key, uint64_t *ret_n)
{
	char text[1024], *at = text;
	size_t len = strlen(key);

	if (read_file(dir, name, text, sizeof(text)) < 0)
		return false;
	while (strncmp(at, key, len) != 0 || (len && at[len] != ' ')) {
		at = strchr(at, '\n');
		if (!at++)
			return false;
	}
	return sscanf(at + len, "%" SCNu64, ret_n) == 1;
}

/* A whole file of /proc, malloc'ed. */
static char *slurp(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t cap = 0;

	if (!f)
		return NULL;
	if (getdelim(&text, &cap, '\0', f) < 0) {
		free(text);
		text = NULL;
	}
	fclose(f);
	return text;
}

/* ---- the end ---------------------------------------------------------------------------------------- */

static void kill_all(int dir)
{
	cleanup_close int fd = -1;
	FILE *f;
	int pid;

	if (write_file(dir, "cgroup.kill", "1") == 0)	/* v2, Linux 5.14 */
		return;
	fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f)
		return;
	fd = -1;
	while (fscanf(f, "%d", &pid) == 1) {
		if (pid > 1)	/* 0: not in our pid namespace */
			kill(pid, SIGKILL);
	}
	fclose(f);
}

static void remove_dir(int parent, const char *name, int fd)
{
	for (int i = 0; i < EMPTY_TRIES; i++) {
		if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno != EBUSY)
			return;
		kill_all(fd);
		poll(NULL, 0, 2);
	}
}

static bool is_ours(const char *name)
{
	return strlen(name) == NAME_LEN && strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0 &&
	       strspn(name + sizeof(PREFIX) - 1, "0123456789abcdef") == 16;
}

/* Removes what killed callers left in this directory. */
static void sweep(int parent)
{
	int copy = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!d) {
		fd_close(&copy);
		return;
	}
	while ((e = readdir(d))) {
		int fd = is_ours(e->d_name) ? openat(parent, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			remove_dir(parent, e->d_name, fd);
		fd_close(&fd);
	}
	closedir(d);
}

/* ---- making ----------------------------------------------------------------------------------------- */

/* A locked directory below parent, which is taken on success. -EAGAIN: somebody else swept it away. */
static int make_dir(struct cgroup *c, int parent, bool v2)
{
	int r, procs, fd;

	if (mkdirat(parent, c->name, 0700) < 0)
		return -errno;
	fd = openat(parent, c->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -EAGAIN;
	}
	procs = openat(fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	r = procs < 0 ? -errno : fcntl(procs, F_DUPFD_CLOEXEC, CGROUP_FD_MIN);
	if (procs >= 0 && r < 0)
		r = -errno;
	fd_close(&procs);
	if (r < 0) {
		unlinkat(parent, c->name, AT_REMOVEDIR);
		close(fd);
		return r == -ENOENT || r == -ENODEV ? -EAGAIN : r;
	}
	c->entry.procs[c->entry.n_procs++] = r;
	c->dir[c->n].parent = parent;
	c->dir[c->n].fd = fd;
	c->dir[c->n++].v2 = v2;
	return 0;
}

static int make_v1(struct cgroup *c, const struct cgroup_layout *l, enum cgroup_controller ctl)
{
	int parent, r;

	/* Controllers that are mounted together share a directory. */
	for (unsigned int i = 0; i < (unsigned int)ctl; i++) {
		if (c->of[i] >= 0 && strcmp(l->v1[i], l->v1[ctl]) == 0) {
			c->of[ctl] = c->of[i];
			return 0;
		}
	}
	parent = open(l->v1[ctl], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return -errno;
	sweep(parent);
	r = make_dir(c, parent, false);
	if (r < 0)
		close(parent);
	else
		c->of[ctl] = (int)c->n - 1;
	return r;
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += len) {
		if ((at == text || at[-1] == ' ') && (!at[len] || at[len] == ' ' || at[len] == '\n'))
			return true;
	}
	return false;
}

/* Do, or can, the children of dir have these controllers? */
static int hand_down(int dir, unsigned int want)
{
	char have[256], text[16];
	/* The top of all has no type, and may have processes. */
	bool top = read_file(dir, "cgroup.type", text, sizeof(text)) == -ENOENT;
	int r = read_file(dir, "cgroup.subtree_control", have, sizeof(have));

	if (!top && strcmp(text, "domain\n") != 0)
		return -EOPNOTSUPP;
	for (unsigned int i = 0; r == 0 && i < CGROUP_CONTROLLERS; i++) {
		if (!(want & 1u << i) || !v2_names[i] || has_word(have, v2_names[i]))
			continue;
		/*
		 * With processes in it the kernel would hand pids and cpu down nevertheless, but to threads
		 * only: nothing could enter the child (cgroup-v2.rst, "Threads").
		 */
		if (!top && (read_file(dir, "cgroup.procs", text, sizeof(text)) < 0 || text[0]))
			return -EBUSY;
		snprintf(text, sizeof(text), "+%s", v2_names[i]);
		r = write_file(dir, "cgroup.subtree_control", text);
	}
	return r;
}

/* On v2 from the caller's cgroup upwards; the first complaint is the one that tells most. */
static int make_v2(struct cgroup *c, const struct cgroup_layout *l, unsigned int want)
{
	char path[CGROUP_PATH_CAP];
	size_t top = strlen(l->v2_top);
	int r, first = 0;

	snprintf(path, sizeof(path), "%s", l->v2);
	for (;;) {
		char *slash = strrchr(path, '/');
		int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		r = dir < 0 ? -errno : hand_down(dir, want);
		if (r == 0) {
			sweep(dir);
			r = make_dir(c, dir, true);
		}
		if (r == 0)
			break;
		fd_close(&dir);
		if (r == -EAGAIN)
			return r;
		first = first ? first : r;
		if (!slash || strlen(path) <= top || (size_t)(slash - path) < top)
			return first;
		*slash = '\0';
	}
	for (unsigned int i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (want & 1u << i)
			c->of[i] = (int)c->n - 1;
	}
	return 0;
}

/* The wanted controllers that v2 has: at the top all that are bound to v2 are listed. */
static unsigned int on_v2(const struct cgroup_layout *l, unsigned int want)
{
	cleanup_close int dir = l->v2[0] ? open(l->v2_top, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	unsigned int have = 0;
	char text[256];

	if (dir < 0 || read_file(dir, "cgroup.controllers", text, sizeof(text)) < 0)
		return 0;
	for (unsigned int i = 0; i < CGROUP_CONTROLLERS; i++) {
		if ((want & 1u << i) && !l->v1[i][0] && (!v2_names[i] || has_word(text, v2_names[i])))
			have |= 1u << i;
	}
	return have;
}

static int make_all(struct cgroup *c, const struct cgroup_layout *l, unsigned int want)
{
	unsigned int v2 = on_v2(l, want);
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < CGROUP_CONTROLLERS; i++) {
		if ((want & 1u << i) && !(v2 & 1u << i))
			r = l->v1[i][0] ? make_v1(c, l, i) : -EOPNOTSUPP;
	}
	if (r == 0 && v2)
		r = make_v2(c, l, v2);
	return r;
}

/* ---- limits ----------------------------------------------------------------------------------------- */

/* Swap counts as memory. A kernel that cannot say so will do if there is no swap. */
static int limit_memory(int dir, bool v2, uint64_t bytes)
{
	struct sysinfo info;
	int r = write_number(dir, v2 ? "memory.max" : "memory.limit_in_bytes", bytes);

	if (r < 0)
		return r;
	r = v2 ? write_file(dir, "memory.swap.max", "0") :
		write_number(dir, "memory.memsw.limit_in_bytes", bytes);
	if (r == -ENOENT && sysinfo(&info) == 0 && info.totalswap == 0)
		r = 0;
	if (r < 0)
		return r;
	/* All end together: half a program is of no use. v1 has no such thing. */
	r = v2 ? write_file(dir, "memory.oom.group", "1") : 0;
	return r == -ENOENT ? 0 : r;
}

static int limit_cpu(int dir, bool v2, uint32_t milli)
{
	uint64_t quota = (uint64_t)milli * CPU_PERIOD_US / 1000;
	char text[48];
	int r;

	if (v2) {
		snprintf(text, sizeof(text), "%" PRIu64 " %d", quota, CPU_PERIOD_US);
		return write_file(dir, "cpu.max", text);
	}
	r = write_number(dir, "cpu.cfs_period_us", CPU_PERIOD_US);
	return r < 0 ? r : write_number(dir, "cpu.cfs_quota_us", quota);
}

/* 1 to 10000 around 100; BFQ's scale ends at 1000, it has the same middle. */
static int limit_io(int dir, bool v2, uint32_t weight)
{
	uint32_t bfq = weight <= 100 ? weight : 100 + (weight - 100) / 11;
	char text[32];
	int r;

	if (!v2)
		return write_number(dir, "blkio.bfq.weight", bfq);
	snprintf(text, sizeof(text), "default %" PRIu32, weight);
	r = write_file(dir, "io.weight", text);
	return r == -ENOENT ? write_number(dir, "io.bfq.weight", bfq) : r;
}

static int open_usage(struct cgroup *c, int dir, bool v2)
{
	cleanup_close int fd = openat(dir, v2 ? "cpu.stat" : "cpuacct.usage", O_RDONLY | O_CLOEXEC);

	c->entry.usage = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, CGROUP_FD_MIN);
	if (c->entry.usage < 0)
		return -errno;
	return cgroup_usage(c->entry.usage) < 0 ? -EBADMSG : 0;
}

static int set_limits(struct cgroup *c, const struct jail_limits *l, const char **ret_what)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < CGROUP_CONTROLLERS; i++) {
		int dir = c->of[i] < 0 ? -1 : c->dir[c->of[i]].fd;
		bool v2 = dir >= 0 && c->dir[c->of[i]].v2;

		if (dir < 0)
			continue;
		*ret_what = v2_names[i] ? v2_names[i] : "cpuacct";
		switch ((enum cgroup_controller)i) {
		case CGROUP_MEMORY:
			r = limit_memory(dir, v2, l->memory);
			break;
		case CGROUP_PIDS:
			r = write_number(dir, "pids.max", l->pids ? l->pids : JAIL_PIDS_DEFAULT);
			break;
		case CGROUP_CPU:
			r = limit_cpu(dir, v2, l->cpu_milli);
			break;
		case CGROUP_CPUACCT:
			r = open_usage(c, dir, v2);
			break;
		case CGROUP_IO:
			r = limit_io(dir, v2, l->io_weight);
			break;
		case CGROUP_DEVICES:	/* cgroup_allow_devices() */
		case CGROUP_CONTROLLERS:
			break;
		}
	}
	return r;
}

/* Those that v2 has no name for. */
static const char *controller_name(unsigned int i)
{
	return v2_names[i] ? v2_names[i] : i == CGROUP_DEVICES ? "devices" : "cpuacct";
}

static int explain(char *why, unsigned int want, int err)
{
	char names[64] = "";

	for (unsigned int i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (want & 1u << i) {
			size_t n = strlen(names);

			snprintf(names + n, sizeof(names) - n, "%s%s", n ? ", " : "",
				 controller_name(i));
		}
	}
	if (err == -EOPNOTSUPP)
		snprintf(why, WHY_CAP, "cannot make a cgroup with %s: no such controller is mounted here; mount it "
			 "below /sys/fs/cgroup, or leave the limit out", names);
	else if (err == -EACCES || err == -EPERM || err == -EROFS || err == -EBUSY)
		snprintf(why, WHY_CAP, "cannot make a cgroup with %s: %s; run as root or where a cgroup is delegated "
			 "(systemd-run --user --scope sluice run ...), or leave the limit out",
			 names, strerror(-err));
	else
		snprintf(why, WHY_CAP, "cannot make a cgroup with %s: %s; look at /proc/self/cgroup, or leave the "
			 "limit out", names, strerror(-err));
	return err;
}

static struct cgroup *cgroup_alloc(void)
{
	struct cgroup *c = calloc(1, sizeof(*c));
	uint64_t id;

	if (!c)
		return NULL;
	if (getrandom(&id, sizeof(id), 0) != sizeof(id)) {
		free(c);
		return NULL;
	}
	snprintf(c->name, sizeof(c->name), PREFIX "%016" PRIx64, id);
	c->entry.usage = -1;
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
		c->of[i] = -1;
	return c;
}

int cgroup_new(const struct jail_limits *l, unsigned int want, struct cgroup **ret_cgroup, char *why)
{
	cleanup_free char *own = slurp("/proc/self/cgroup"), *mounts = slurp("/proc/self/mountinfo");
	cleanup_free struct cgroup_layout *layout = calloc(1, sizeof(*layout));
	struct cgroup *c = NULL;
	const char *what = "";
	int r = -EAGAIN;

	if (!layout || !own || !mounts)
		return explain(why, want, layout ? -ENOENT : -ENOMEM);
	cgroup_layout_parse(own, mounts, layout);
	for (int i = 0; r == -EAGAIN && i < MAKE_TRIES; i++) {
		cgroup_free(c);
		c = cgroup_alloc();
		r = c ? make_all(c, layout, want) : -ENOMEM;
	}
	if (r < 0) {
		cgroup_free(c);
		return explain(why, want, r);
	}
	r = set_limits(c, l, &what);
	if (r < 0) {
		cgroup_free(c);
		snprintf(why, WHY_CAP, "the kernel does not take the limit on %s: %s; give another value, or leave "
			 "it out", what, strerror(-r));
		return r;
	}
	*ret_cgroup = c;
	return 0;
}

int cgroup_allow_devices(const struct cgroup *c, const struct cgroup_device *list, size_t n)
{
	int dir = c->of[CGROUP_DEVICES];

	return dir < 0 ? -EOPNOTSUPP : cgroup_devices_limit(c->dir[dir].fd, c->dir[dir].v2, list, n);
}

void cgroup_entry_get(const struct cgroup *c, struct cgroup_entry *ret_entry)
{
	*ret_entry = c->entry;
}

void cgroup_entry_drop(struct cgroup *c)
{
	for (size_t i = 0; i < c->entry.n_procs; i++)
		close(c->entry.procs[i]);
	c->entry.n_procs = 0;
	fd_close(&c->entry.usage);
}

int cgroup_enter(const struct cgroup_entry *e, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	for (size_t i = 0; i < e->n_procs; i++) {
		if (write(e->procs[i], text, strlen(text)) < 0)
			return -errno;
	}
	return 0;
}

int64_t cgroup_usage(int fd)
{
	char text[512];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return cgroup_usage_parse(text);
}

void cgroup_read(const struct cgroup *c, struct jail_result *result)
{
	int m = c->of[CGROUP_MEMORY], p = c->of[CGROUP_PIDS];

	if (m >= 0) {
		bool v2 = c->dir[m].v2;

		/* v2 tells the peak since Linux 5.19; what it does not tell is not there. */
		result->has_memory = read_number(c->dir[m].fd, v2 ? "memory.peak" : "memory.max_usage_in_bytes",
						 "", &result->memory_peak);
		read_number(c->dir[m].fd, v2 ? "memory.events" : "memory.oom_control", "oom_kill",
			    &result->oom_kills);
	}
	if (p >= 0)
		result->has_pids = read_number(c->dir[p].fd, "pids.events", "max", &result->pids_refused);
}

void cgroup_free(struct cgroup *c)
{
	if (!c)
		return;
	cgroup_entry_drop(c);
	for (size_t i = 0; i < c->n; i++) {
		remove_dir(c->dir[i].parent, c->name, c->dir[i].fd);
		close(c->dir[i].fd);
		close(c->dir[i].parent);
	}
	free(c);
}
