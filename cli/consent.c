/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consent: what opens the jail wider than a person may have meant: binds that hold the way to a container
 * engine, to somebody's keys, to what runs outside, or to the very rules of this run. Runs as the caller, before
 * anything is started.
 *
 * It keeps a person from an accident; the walls are elsewhere. A socket that appears later, or keys in a place that
 * is not on the list, are not seen.
 */
#include "cli/consent.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cli/options.h"
#include "lib/cleanup.h"
#include "lib/log.h"

const char *const consent_words[] = {
	[CONSENT_SOCKETS] = "sockets",
	[CONSENT_SECRETS] = "secrets",
	[CONSENT_HOST_WRITE] = "host-write",
	[CONSENT_HOST_PROC] = "host-proc",
	[CONSENT_CONFIG_WRITE] = "config-write",
	[CONSENT_POWER] = "power",
	[CONSENT_RAW_DEVICES] = "raw-devices",
	NULL,
};

/* What happens then: "... NAMES WHAT, and CONSEQUENCE". */
static const char *const consequences[] = {
	[CONSENT_SOCKETS] = "who listens there does what the program asks for",
	[CONSENT_SECRETS] = "the program can read it",
	[CONSENT_HOST_WRITE] = "what the program writes there runs outside of the jail",
	[CONSENT_HOST_PROC] = "the program sees the host's processes and settings",
	[CONSENT_CONFIG_WRITE] = "the program can decide what it may do the next time",
	[CONSENT_RAW_DEVICES] = "what is there is open to the program, whoever's it is",
	[CONSENT_POWER] = "parts of the kernel that few programs have tried are open to it",
};

enum { PATH_CAP = 1024, NAME_CAP = 400 };

struct checker {
	struct options *o;
	const char *place;
	bool told[CONSENT_COUNT];
};

/* One thing that is opened: 0 when it was let, with the warning told once for each word. */
static int open_wide(struct checker *c, enum consent what, const char *by, const char *path)
{
	if (!(c->o->let & 1u << what)) {
		log_err("%s: %s opens %s, and %s; leave it out, or say --let %s", c->place, by, path, consequences[what],
			consent_words[what]);
		return -EINVAL;
	}
	if (!c->told[what]) {
		c->told[what] = true;
		c->o->n_warnings++;
		if (!c->o->quiet)
			log_warn("--let %s: %s opens %s, and %s, as asked, going on", consent_words[what], by, path,
				 consequences[what]);
	}
	return 0;
}

/* Both without symlinks. The root holds everything; "" is the root. */
static bool is_below(const char *path, const char *dir)
{
	size_t n = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	return strncmp(path, dir, n) == 0 && (!path[n] || path[n] == '/');
}

/* Does one of the two hold the other? */
static bool meets(const char *source, const char *path)
{
	return is_below(path, source) || is_below(source, path);
}

/* ---- sockets ------------------------------------------------------------------------------------------ */

static int check_socket(struct checker *c, const char *by, const char *source, const char *path)
{
	/* Most are there, and no part of it is a symlink. */
	cleanup_free char *real = strncmp(path, "/run/", 5) == 0 ? strdup(path) : realpath(path, NULL);
	struct stat st;

	if (!real || !is_below(real, source) || stat(real, &st) < 0 || !S_ISSOCK(st.st_mode))
		return 0;
	return open_wide(c, CONSENT_SOCKETS, by, real);
}

/* Those of this network namespace are in a list of the kernel's; of others the usual ones are known. */
static int check_sockets(struct checker *c, const char *by, const char *source)
{
	static const char *const usual[] = { "/run/docker.sock", "/run/containerd/containerd.sock",
		"/run/podman/podman.sock", "/run/crio/crio.sock", "/run/dbus/system_bus_socket",
		"/run/systemd/private", "/run/libvirt/libvirt-sock" };
	const char *agent = getenv("SSH_AUTH_SOCK");
	char line[512];
	int r = check_socket(c, by, source, source);
	FILE *f;

	for (size_t i = 0; r == 0 && i < sizeof(usual) / sizeof(usual[0]); i++)
		r = check_socket(c, by, source, usual[i]);
	if (r == 0 && agent)
		r = check_socket(c, by, source, agent);
	f = fopen("/proc/net/unix", "re");
	while (r == 0 && f && fgets(line, sizeof(line), f)) {
		int at = 0;

		line[strcspn(line, "\n")] = '\0';
		/* address: references, protocol, flags, type, state, inode, path */
		sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %n", &at);
		if (at && line[at] == '/')
			r = check_socket(c, by, source, line + at);
	}
	if (f)
		fclose(f);
	return r;
}

/* ---- files -------------------------------------------------------------------------------------------- */

/* The user that the program is outside, as far as it is known before the jail is made. */
static uid_t program_uid(const struct options *o)
{
	return jail_uid_outside(o->uid, &o->view.uids);
}

static bool can_read(const struct options *o, const char *path)
{
	uid_t uid = program_uid(o);
	struct stat st;

	if (geteuid() != 0)
		return access(path, R_OK) == 0;
	return stat(path, &st) == 0 && (uid == 0 || (st.st_uid == uid && (st.st_mode & 0400)) || (st.st_mode & 0004));
}

/*
 * Home directories without symlinks, heap: the caller's, and, when it is somebody else, that of the user whom the
 * program is. NULL when there is none.
 */
static char *home_of(const struct options *o, int i)
{
	const struct passwd *pw;
	const char *home = getenv("HOME");
	uid_t uid = program_uid(o);

	if (i == 1) {
		/* Not the one that has nothing: plain root's programs. */
		pw = uid == getuid() || uid == 65534 ? NULL : getpwuid(uid);
		home = pw ? pw->pw_dir : NULL;
	}
	return home && home[0] == '/' && home[1] ? realpath(home, NULL) : NULL;
}

static int check_secrets(struct checker *c, const char *by, const char *source)
{
	static const char *const below_home[] = { ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker/config.json",
		".config/gcloud", ".config/gh", ".config/git/credentials", ".config/containers/auth.json", ".netrc",
		".git-credentials", ".npmrc", ".pypirc", ".pgpass", ".my.cnf", ".cargo/credentials.toml", ".vault-token",
		".password-store", ".local/share/keyrings", ".mozilla", ".config/google-chrome", ".config/chromium" };
	static const char *const others[] = { "/etc/shadow", "/etc/gshadow", "/etc/ssh/ssh_host_ed25519_key",
		"/etc/ssh/ssh_host_rsa_key", "/etc/krb5.keytab" };
	char path[PATH_CAP];
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(others) / sizeof(others[0]); i++) {
		if (meets(source, others[i]) && can_read(c->o, others[i]))
			r = open_wide(c, CONSENT_SECRETS, by, others[i]);
	}
	for (int h = 0; h < 2; h++) {
		cleanup_free char *home = home_of(c->o, h);

		for (size_t i = 0; r == 0 && home && i < sizeof(below_home) / sizeof(below_home[0]); i++) {
			if (snprintf(path, sizeof(path), "%s/%s", home, below_home[i]) < PATH_CAP && meets(source, path) &&
			    can_read(c->o, path))
				r = open_wide(c, CONSENT_SECRETS, by, path);
		}
	}
	return r;
}

static int check_host_write(struct checker *c, const char *by, const char *source)
{
	static const char *const dirs[] = { "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/boot", "/dev", "/sys",
		"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/libexec", "/usr/local/bin", "/usr/local/sbin", "/usr/local/lib",
		"/var/spool/cron", "/var/lib/dpkg" };
	static const char *const below_home[] = { ".bashrc", ".bash_profile", ".profile", ".zshrc", ".zshenv", ".gitconfig",
		".config/git", ".config/systemd", ".config/autostart", ".config/fish", ".vimrc", ".local/bin" };
	char path[PATH_CAP];
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (meets(source, dirs[i]))
			r = open_wide(c, CONSENT_HOST_WRITE, by, dirs[i]);
	}
	for (int h = 0; h < 2; h++) {
		cleanup_free char *home = home_of(c->o, h);

		/* Home itself: such files can be made there. */
		if (r == 0 && home && is_below(home, source))
			r = open_wide(c, CONSENT_HOST_WRITE, by, home);
		for (size_t i = 0; r == 0 && home && i < sizeof(below_home) / sizeof(below_home[0]); i++) {
			if (snprintf(path, sizeof(path), "%s/%s", home, below_home[i]) < PATH_CAP && meets(source, path))
				r = open_wide(c, CONSENT_HOST_WRITE, by, path);
		}
	}
	return r;
}

/* What the program sees of the host by this mount, and what it changes there; NULL for nothing. */
static const char *seen_by(const struct jail_mount *m)
{
	return m->kind == JAIL_BIND || m->kind == JAIL_OVERLAY ? m->source : NULL;
}

static const char *changed_by(const struct jail_mount *m)
{
	return m->kind == JAIL_OVERLAY ? m->upper : m->kind == JAIL_BIND && m->writable ? m->source : NULL;
}

static void name_mount(const struct jail_mount *m, char buf[NAME_CAP])
{
	snprintf(buf, NAME_CAP, "%s %.380s", m->kind == JAIL_OVERLAY ? "--overlay" : m->writable ? "--bind" : "--ro-bind",
		 m->source);
}

/* Drivers without a number of their own, by the name of their class. */
static const char *raw_class(dev_t rdev)
{
	static const struct {
		const char *name, *what;
	} list[] = {
		{ "nvme", "a disk" }, { "nvme-generic", "a disk" }, { "scsi_generic", "a disk" }, { "bsg", "a disk" },
		{ "mtd", "a disk" }, { "hidraw", "what the user types" }, { "input", "what the user types" },
		{ "usbmisc", "devices on the machine's bus" }, { "usb", "devices on the machine's bus" },
		{ "vfio", "devices on the machine's bus" }, { "vfio-dev", "devices on the machine's bus" },
		{ "iommu", "devices on the machine's bus" }, { "ipmi", "the machine's settings" },
		{ "watchdog", "a watchdog" }, { "tpm", "the machine's keys" }, { "tpmrm", "the machine's keys" },
		{ "i2c-dev", "devices on the machine's bus" }, { "spidev", "devices on the machine's bus" },
		{ "gpio", "devices on the machine's bus" }, { "tty", "a terminal or a serial line of the host" },
		{ "vc", "what the host's console shows" }, { "msr", "the processor's registers" },
	};
	char path[64], class[256];
	const char *name;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/subsystem", major(rdev), minor(rdev));
	n = readlink(path, class, sizeof(class) - 1);
	if (n <= 0)
		return NULL;
	class[n] = '\0';
	name = strrchr(class, '/') ? strrchr(class, '/') + 1 : class;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (strcmp(list[i].name, name) == 0)
			return list[i].what;
	}
	return NULL;
}

/*
 * Numbers as in the kernel's list (Documentation/admin-guide/devices.txt); of others the class tells, where /sys is there.
 * What neither of them knows counts as harmless.
 */
static const char *raw_device(mode_t type, dev_t rdev)
{
	static const struct {
		unsigned int major, first, last;
		const char *what;
	} list[] = {
		{ 1, 1, 2, "the machine's memory" }, { 1, 4, 4, "the machine's ports" }, { 1, 11, 11, "the kernel's log" },
		{ 4, 0, 255, "a terminal of the host" }, { 5, 1, 1, "the host's console" },
		{ 7, 0, 255, "what the host's console shows" }, { 9, 0, 255, "a tape" }, { 10, 130, 130, "a watchdog" },
		{ 10, 144, 144, "the machine's settings" }, { 10, 196, 196, "devices on the machine's bus" },
		{ 10, 223, 223, "typing for the user" }, { 10, 231, 231, "the machine's memory" },
		{ 10, 234, 234, "disks" }, { 10, 235, 235, "the host's mounts" }, { 10, 236, 237, "disks" },
		{ 13, 0, 1023, "what the user types" }, { 21, 0, 255, "a disk" }, { 90, 0, 255, "a disk" },
		{ 136, 0, 0xfffff, "a terminal of the host" }, { 202, 0, 1023, "the processor's registers" },
	};

	if (type == S_IFBLK)
		return "a disk";
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (list[i].major == major(rdev) && list[i].first <= minor(rdev) && minor(rdev) <= list[i].last)
			return list[i].what;
	}
	/* The terminal of whoever opens it. */
	return rdev == makedev(5, 0) || rdev == makedev(5, 2) ? NULL : raw_class(rdev);
}

static int check_device(struct checker *c, const struct jail_mount *m)
{
	const char *what = m->kind == JAIL_DEVICE ? raw_device(m->type, m->rdev) : NULL;
	char by[NAME_CAP];

	snprintf(by, sizeof(by), "--device %.380s", m->dest);
	return what ? open_wide(c, CONSENT_RAW_DEVICES, by, what) : 0;
}

static int check_mount(struct checker *c, const struct jail_mount *m)
{
	cleanup_free char *seen = seen_by(m) ? realpath(seen_by(m), NULL) : NULL;
	cleanup_free char *changed = changed_by(m) ? realpath(changed_by(m), NULL) : NULL;
	char by[NAME_CAP];
	int r = 0;

	if (!seen && !changed)
		return 0;	/* nothing of the host; or the jail will say that it is not there */
	name_mount(m, by);
	if (seen && meets(seen, "/proc"))
		r = open_wide(c, CONSENT_HOST_PROC, by, "/proc");
	if (r == 0 && changed)
		r = check_host_write(c, by, changed);
	if (r == 0 && seen)
		r = check_secrets(c, by, seen);
	return r == 0 && seen ? check_sockets(c, by, seen) : r;
}

/* ---- the rules of this run ------------------------------------------------------------------------------ */

/*
 * Does whoever can write below dir (without symlinks) decide what path leads to? Each step is looked at: a
 * symlink on the way can be made to lead elsewhere, too.
 */
static bool is_decided_below(const char *path, const char *dir)
{
	cleanup_free char *at = strdup(""), *rest = strdup(path);
	unsigned int links = 0;

	while (at && rest && rest[strspn(rest, "/")] && links <= 40) {
		const char *name = rest + strspn(rest, "/");
		int n = (int)strcspn(name, "/");
		char link[1024], *next, *more;
		ssize_t len;

		if (is_below(at[0] ? at : "/", dir))
			return true;
		if (n == 2 && memcmp(name, "..", 2) == 0 && strrchr(at, '/'))
			*strrchr(at, '/') = '\0';
		if (name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.'))) {
			memmove(rest, name + n, strlen(name + n) + 1);
			continue;
		}
		if (asprintf(&next, "%s/%.*s", at, n, name) < 0)
			return true;
		len = readlink(next, link, sizeof(link));
		links += len >= 0;
		if (asprintf(&more, "%.*s%s", len < 0 ? 0 : (int)len, link, name + n) < 0)
			more = NULL;
		free(rest);
		rest = more;
		if (len >= 0) {
			free(next);
			at[0] = link[0] == '/' ? '\0' : at[0];
		} else {
			free(at);
			at = next;
		}
	}
	/* What cannot be followed to its end counts as theirs. */
	return !at || !rest || links > 40 || is_below(at, dir);
}

static int check_file(struct checker *c, const char *file)
{
	for (size_t i = 0; i < c->o->mounts.n; i++) {
		const struct jail_mount *m = &c->o->mounts.list[i];
		cleanup_free char *changed = changed_by(m) ? realpath(changed_by(m), NULL) : NULL;
		char by[NAME_CAP];

		if (!changed || !is_decided_below(file, changed))
			continue;
		name_mount(m, by);
		return open_wide(c, CONSENT_CONFIG_WRITE, by, file);
	}
	return 0;
}

/* What has an option of its own is no accident, and is told. */
static void tell(struct options *o, bool asked, const char *what)
{
	o->n_warnings += asked;
	if (asked && !o->quiet)
		log_warn("%s, as asked, going on", what);
}

/* All but those that Docker leaves to a container; without net_raw, which needs a network of one's own. */
static int check_caps(struct checker *c)
{
	static const cap_value_t usual[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL, CAP_SETGID,
		CAP_SETUID, CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_MKNOD, CAP_AUDIT_WRITE, CAP_SETFCAP };
	uint64_t left = c->o->view.caps;
	int r = 0;

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		left &= ~(1ull << usual[i]);
	for (cap_value_t cap = 0; r == 0 && cap < 64; cap++) {
		char *name = left & 1ull << cap ? cap_to_name(cap) : NULL;

		if (name)
			r = open_wide(c, CONSENT_POWER, "--cap-add", name);
		cap_free(name);
	}
	return r;
}

static bool holds_root(const struct jail_ranges *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->list[i].outside == 0)
			return true;
	}
	return false;
}

int consent_check(struct options *o, const char *place)
{
	struct checker c = { .o = o, .place = place };
	int r = 0;

	tell(o, o->seccomp_off, "no system call filter around the program");
	tell(o, o->seccomp == JAIL_SECCOMP_LOG, "the system call filter refuses nothing and only reports");
	tell(o, o->landlock == JAIL_LANDLOCK_OFF, "no Landlock around the program");
	tell(o, o->keep_env, "the whole environment is passed on, secrets included");
	tell(o, o->view.caps, "--cap-add: the program has it over its own user namespace, whose ids it can take");
	tell(o, geteuid() == 0 && holds_root(&o->view.uids), "--uid-map: a range holds the host's root");
	tell(o, o->uid == 0 && !o->view.uids.n && geteuid() == 0, "--uid 0: the program is the host's root where a bind shows root's files");

	r = check_caps(&c);
	for (size_t i = 0; r == 0 && i < o->mounts.n; i++) {
		const struct jail_mount *m = &o->mounts.list[i];

		tell(o, m->kind == JAIL_IMAGE, "--image: the kernel parses it with all its rights, so whoever made it may "
		     "attack the kernel");
		r = check_mount(&c, m);
		if (r == 0)
			r = check_device(&c, m);
		if (r == 0 && m->kind == JAIL_IMAGE)
			r = check_file(&c, m->source);
	}
	for (size_t i = 0; r == 0 && i < o->n_files; i++)
		r = check_file(&c, o->files[i]);
	for (size_t i = 0; r == 0 && i < o->mounts.n; i++) {
		if (o->mounts.list[i].kind == JAIL_IMAGE)
			r = check_file(&c, o->mounts.list[i].source);
	}
	return r;
}
