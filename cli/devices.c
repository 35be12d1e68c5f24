/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices: --device. A node becomes a mount, its list of ioctl commands a part of the one list that the system call
 * filter gets. Lists that come with sluice are files beside it, as its presets are. Runs as the caller.
 */
#include "cli/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/path.h"
#include "cli/source.h"
#include "lib/cleanup.h"
#include "lib/sibling.h"
#include "sandbox/filter_file.h"

enum { LIST_MAX = 1 << 18, NUMBER_LEN = 3 };

#define complain(why, ...) (snprintf(why, DEVICES_WHY_CAP, __VA_ARGS__), -EINVAL)

/* ---- lists -------------------------------------------------------------------------------------------- */

static int read_list(struct device_list *l, const char *path, bool with_paths, char *why)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	cleanup_free char *text = NULL;
	char inner[DEVICE_LIST_WHY_CAP] = "";
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return complain(why, "%.200s: %s; give a list that is there", path, strerror(errno));
	text = malloc(LIST_MAX + 1);
	n = text && S_ISREG(st.st_mode) ? read(fd, text, LIST_MAX + 1) : -1;
	if (n < 0 || n > LIST_MAX)
		return complain(why, "%.200s: not a file of at most %d KiB; give one", path, LIST_MAX >> 10);
	if (device_list_parse(l, text, (size_t)n, with_paths, inner) < 0)
		return complain(why, "%.200s: %s", path, inner);
	return 0;
}

static int read_preset(struct device_list *l, const char *name, char *why)
{
	char dir[SIBLING_PATH_CAP] = "/usr/share/sluice/devices";
	cleanup_free char *path = NULL;

	sibling_dir("devices", dir);
	if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] ||
	    asprintf(&path, "%s/%s.list", dir, name) < 0) {
		path = NULL;
		return complain(why, "%.40s: not a preset; give one of those in %.200s, or the path of a device", name, dir);
	}
	if (access(path, F_OK) < 0)
		return complain(why, "%.40s: no such preset; give one of those in %.200s, or the path of a device", name, dir);
	return read_list(l, path, true, why);
}

/* ---- nodes -------------------------------------------------------------------------------------------- */

static int add_mount(struct mounts *m, const struct jail_mount *one, char *why)
{
	struct jail_mount *more = one->source && one->dest ? reallocarray(m->list, m->n + 1, sizeof(*more)) : NULL;

	if (!more) {
		free((void *)(uintptr_t)one->source);
		free((void *)(uintptr_t)one->dest);
		return complain(why, "out of memory; use fewer");
	}
	m->list = more;
	m->list[m->n++] = *one;
	return 0;
}

static int add_node(struct mounts *m, const char *path, char *why)
{
	struct jail_mount one = { .kind = JAIL_DEVICE, .source = source_resolve(path, false, why) };
	struct stat st;

	if (!one.source)
		return -EINVAL;
	if (stat(one.source, &st) < 0 || !(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))) {
		free((void *)(uintptr_t)one.source);
		return complain(why, "not a device; show a file or directory with --bind");
	}
	one.type = st.st_mode & S_IFMT;
	one.rdev = st.st_rdev;
	one.dest = path_absolute(NULL, 0, path);
	return add_mount(m, &one, why);
}

static int add_seen(struct mounts *m, const char *path, char *why)
{
	struct jail_mount one = { .kind = JAIL_BIND, .noexec = true, .source = source_resolve(path, false, why) };

	if (!one.source)
		return -EINVAL;
	one.dest = strdup(path);
	return add_mount(m, &one, why);
}

static int add_path(struct mounts *m, const struct device_path *p, const char *path, char *why)
{
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return p->optional ? 0 : complain(why, "there is no %.200s here; load the device's driver, or leave it out", path);
	return p->node ? add_node(m, path, why) : add_seen(m, path, why);
}

/* A path with "{}" once for each of the numbers "0,2". */
static int add_numbered(struct mounts *m, const struct device_path *p, const char *numbers, char *why)
{
	const char *braces = strstr(p->path, "{}");
	int r = 0;

	if (!braces)
		return add_path(m, p, p->path, why);
	for (const char *at = numbers; r == 0; at++) {
		int n = (int)strspn(at, "0123456789");
		cleanup_free char *path = NULL;

		if (n < 1 || n > NUMBER_LEN || (at[n] && at[n] != ','))
			return complain(why, "%.40s: not numbers; give them as in NAME:0 or NAME:0,1", numbers);
		if (asprintf(&path, "%.*s%.*s%s", (int)(braces - p->path), p->path, n, at, braces + 2) < 0) {
			path = NULL;
			return complain(why, "out of memory; use fewer");
		}
		r = add_path(m, p, path, why);
		at += n;
		if (!*at)
			break;
	}
	return r;
}

static int add_preset(struct devices *d, struct mounts *m, const char *value, char *why)
{
	const char *colon = strchr(value, ':');
	cleanup_free char *name = strndup(value, strcspn(value, ":"));
	size_t first = d->list.n_paths;
	bool numbered = false;
	int r = name ? read_preset(&d->list, name, why) : complain(why, "out of memory; use fewer");

	for (size_t i = first; r == 0 && i < d->list.n_paths; i++)
		numbered |= strstr(d->list.paths[i].path, "{}") != NULL;
	if (r == 0 && first == d->list.n_paths)
		r = complain(why, "it names no device; use it as the list of one, as in /dev/NODE:%.40s", name);
	else if (r == 0 && numbered != (colon != NULL))
		r = complain(why, colon ? "there is one of it only; leave the number out" :
			     "there may be several; say which, as in %.40s:0 or %.40s:0,1", name, name);
	for (size_t i = first; r == 0 && i < d->list.n_paths; i++)
		r = add_numbered(m, &d->list.paths[i], colon ? colon + 1 : NULL, why);
	d->listed = true;
	return r;
}

int devices_add(struct devices *d, struct mounts *m, const char *value, const char **ret_file, char *why)
{
	const char *colon = strrchr(value, ':'), *list = NULL;
	cleanup_free char *node = NULL;
	int r;

	*ret_file = NULL;
	if (value[0] != '/')
		return add_preset(d, m, value, why);
	/* There are nodes with a colon in their name. */
	if (colon && access(value, F_OK) < 0)
		list = colon + 1;
	node = strndup(value, list ? (size_t)(colon - value) : strlen(value));
	if (!node)
		return complain(why, "out of memory; use fewer");
	r = add_node(m, node, why);
	if (r < 0 || !list)
		return r;
	d->listed = true;
	if (strchr(list, '/')) {
		*ret_file = list;
		return read_list(&d->list, list, false, why);
	}
	return read_preset(&d->list, list, why);
}

int devices_filter(struct devices *d, struct filter *f, char *why)
{
	const struct filter *from = f->prog.len ? f : filter_builtin("default");
	struct filter limited;
	int r;

	if (!d->listed)
		return 0;
	r = read_preset(&d->list, "basic", why);
	if (r < 0)
		return r;
	r = filter_limit_ioctl(from, d->list.commands, d->list.n_commands, SECCOMP_RET_ERRNO | EPERM, &limited);
	if (r < 0)
		return complain(why, "%s; use fewer commands", r == -E2BIG ? "more instructions than the kernel takes" : strerror(-r));
	filter_close(f);
	*f = limited;
	return 0;
}

int devices_watch(struct devices *d, char *why)
{
	static struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	static const struct filter all = { "watch", { 1, allow }, NULL };
	struct device_list basic = { 0 };
	int r = read_preset(&basic, "basic", why);

	if (r == 0) {
		r = filter_limit_ioctl(&all, basic.commands, basic.n_commands, SECCOMP_RET_USER_NOTIF, &d->watch);
		if (r < 0)
			r = complain(why, "%s; free some memory", strerror(-r));
	}
	device_list_done(&basic);
	return r;
}

void devices_done(struct devices *d)
{
	filter_close(&d->watch);
	device_list_done(&d->list);
}
