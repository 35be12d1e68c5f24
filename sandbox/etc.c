/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etc: /etc inside. Names, resolver and what browsers must leave out are written anew; certificates, loader paths and the like
 * come from the host, small files as copies, directories as read-only binds. Private keys under
 * /etc/ssl and /etc/pki do not come along.
 */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"

enum {
	COPY_MAX = 8 << 10,	/* bytes; a larger file is cheaper as a bind */
};

int file_put(int dir, const char *path, const char *text)
{
	cleanup_close int fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t len = strlen(text);

	if (fd < 0)
		return -errno;
	return write(fd, text, len) == (ssize_t)len ? 0 : -EIO;
}

static void put(const struct jail_setup *s, int root, const char *path, const char *text)
{
	int r = file_put(root, path, text);

	if (r < 0)
		jail_fail(s, r, "cannot write /%s inside: %s", path, strerror(-r));
}

static void make_dir(const struct jail_setup *s, int root, const char *path)
{
	if (mkdirat(root, path, 0755) < 0)
		jail_fail(s, -errno, "cannot make /%s inside: %s", path, strerror(errno));
}

/* Host files are optional: what cannot be read is left out, as if the host had none. */
static void copy_file(int root, const char *path, off_t size)
{
	char host[64];
	cleanup_close int in = -1, out = -1;

	snprintf(host, sizeof(host), "/%s", path);
	in = open(host, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (in < 0)
		return;
	out = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	while (out >= 0 && size > 0) {
		ssize_t n = sendfile(out, in, NULL, (size_t)size);

		if (n <= 0)
			break;
		size -= n;
	}
}

static void take_over(const struct jail_setup *s, int root, const char *path)
{
	char host[64], target[1024];
	struct stat st;
	ssize_t n;
	int r;

	snprintf(host, sizeof(host), "/%s", path);
	if (lstat(host, &st) < 0)
		return;
	if (S_ISLNK(st.st_mode)) {
		n = readlink(host, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (n > 0 && symlinkat(target, root, path) < 0)
			jail_fail(s, -errno, "cannot make %s inside: %s", host, strerror(errno));
	} else if (S_ISREG(st.st_mode) && st.st_size <= COPY_MAX) {
		copy_file(root, path, st.st_size);
	} else if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)) {
		r = tree_clone(AT_FDCWD, host, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			       MOUNT_ATTR_RDONLY);
		if (r == -EACCES)
			return;
		if (r >= 0 && (S_ISDIR(st.st_mode) ? mkdirat(root, path, 0755) :
			       mknodat(root, path, S_IFREG | 0444, 0)) < 0)
			r = -errno;
		if (r < 0 || tree_attach(r, root, path) < 0)
			jail_fail(s, r < 0 ? r : -errno, "cannot bind %s: %s", host,
				  strerror(r < 0 ? -r : errno));
		close(r);
	}
}

static void write_names(const struct jail_setup *s, int root)
{
	const char *host = s->plan->hostname ? s->plan->hostname : "sandbox";
	uint32_t uid = s->uid.inside, gid = s->gid.inside;
	bool plain = uid != 0 && uid != 65534;
	char text[1024], line[128] = "";

	if (plain)
		snprintf(line, sizeof(line), "user:x:%u:%u:user:%s:/bin/sh\n", uid, gid, s->home);
	snprintf(text, sizeof(text), "root:x:0:0:root:/root:/bin/sh\n%s"
		 "nobody:x:65534:65534:nobody:/home/nobody:/bin/sh\n", line);
	put(s, root, "etc/passwd", text);
	line[0] = '\0';
	if (gid != 0 && gid != 65534)
		snprintf(line, sizeof(line), "user:x:%u:\n", gid);
	snprintf(text, sizeof(text), "root:x:0:\n%snogroup:x:65534:\n", line);
	put(s, root, "etc/group", text);
	snprintf(text, sizeof(text), "%.64s\n", host);
	put(s, root, "etc/hostname", text);
	snprintf(text, sizeof(text), "127.0.0.1\tlocalhost %.64s\n::1\tlocalhost %.64s\n", host, host);
	put(s, root, "etc/hosts", text);
	put(s, root, "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"
	    "networks: files\nprotocols: files\nservices: files\n");
	snprintf(text, sizeof(text), "%s%.64s%s%s%.64s%s",
		 s->plan->dns4 ? "nameserver " : "", s->plan->dns4 ? s->plan->dns4 : "",
		 s->plan->dns4 ? "\n" : "", s->plan->dns6 ? "nameserver " : "",
		 s->plan->dns6 ? s->plan->dns6 : "", s->plan->dns6 ? "\n" : "");
	put(s, root, "etc/resolv.conf", text);
}

/* One file with n names. */
static void put_same(const struct jail_setup *s, int root, const char *const *paths, size_t n, const char *text)
{
	put(s, root, paths[0], text);
	for (size_t i = 1; i < n; i++) {
		if (linkat(root, paths[0], root, paths[i], 0) < 0)
			jail_fail(s, -errno, "cannot write /%s inside: %s", paths[i], strerror(errno));
	}
}

/*
 * Browsers put an encrypted ClientHello, or one that looks so, into every connection (GREASE, RFC 9849
 * s. 6.2), and the gateway refuses what it cannot read. Their own system-wide settings turn that off.
 */
static void write_browsers(const struct jail_setup *s, int root)
{
	static const char *const dirs[] = { "etc/chromium", "etc/chromium/policies",
		"etc/chromium/policies/managed", "etc/opt", "etc/opt/chrome", "etc/opt/chrome/policies",
		"etc/opt/chrome/policies/managed", "etc/opt/chrome_for_testing",
		"etc/opt/chrome_for_testing/policies", "etc/opt/chrome_for_testing/policies/managed",
		"etc/firefox", "etc/firefox/defaults", "etc/firefox/defaults/pref", "etc/firefox-esr" };
	static const char *const chromium[] = { "etc/chromium/policies/managed/sluice.json",
		"etc/opt/chrome/policies/managed/sluice.json",
		"etc/opt/chrome_for_testing/policies/managed/sluice.json" };
	/* Mozilla's place, and Debian's for either package. */
	static const char *const firefox[] = { "etc/firefox/defaults/pref/sluice.js",
		"etc/firefox/sluice.js", "etc/firefox-esr/sluice.js" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		make_dir(s, root, dirs[i]);
	put_same(s, root, chromium, sizeof(chromium) / sizeof(chromium[0]), "{\"EncryptedClientHelloEnabled\": false}\n");
	put_same(s, root, firefox, sizeof(firefox) / sizeof(firefox[0]),
		 "pref(\"security.tls.ech.grease_probability\", 0);\n");
}

void etc_build(const struct jail_setup *s, int root, bool base)
{
	static const char *const dirs[] = { "etc", "etc/ssl", "etc/pki", "etc/pki/tls" };
	static const char *const host[] = { "etc/ssl/certs", "etc/ssl/openssl.cnf", "etc/ssl/cert.pem",
		"etc/ca-certificates", "etc/ca-certificates.conf", "etc/pki/ca-trust",
		"etc/pki/tls/certs", "etc/pki/tls/cert.pem", "etc/pki/tls/openssl.cnf",
		"etc/crypto-policies", "etc/alternatives", "etc/ld.so.cache", "etc/ld.so.conf",
		"etc/ld.so.conf.d", "etc/localtime", "etc/timezone", "etc/mime.types",
		"etc/protocols", "etc/services", "etc/gai.conf", "etc/terminfo", "etc/inputrc",
		"etc/profile", "etc/bash.bashrc", "etc/chromium.d", "etc/debian_version", "etc/os-release",
		"etc/locale.alias", "etc/magic" };
	cleanup_close int etc = -1;

	for (size_t i = 0; i < (base ? 1 : sizeof(dirs) / sizeof(dirs[0])); i++)
		make_dir(s, root, dirs[i]);
	write_names(s, root);
	if (s->plan->dns4 || s->plan->dns6)	/* without a gateway nobody reads */
		write_browsers(s, root);
	for (size_t i = 0; !base && i < sizeof(host) / sizeof(host[0]); i++)
		take_over(s, root, host[i]);
	etc = openat(root, "etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (etc < 0)
		jail_fail(s, -errno, "cannot open /etc inside: %s", strerror(errno));
	landlock_allow_read(s, etc);	/* and with it the binds below */
	if (symlinkat("/proc/self/mounts", root, "etc/mtab") < 0)
		jail_fail(s, -errno, "cannot make /etc/mtab inside: %s", strerror(errno));
}
