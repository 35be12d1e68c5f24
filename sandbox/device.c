/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device: nodes of the host that the program was granted by name. Runs in init; the end of it in the caller.
 *
 * The node is opened as any source is, and must be the very device that the caller looked at and agreed to.
 * An ordinary user gets a bind of it, so that the host's permissions decide whether it can be opened. When
 * root grants it, that is the permission: the program's user would mostly have none, being nobody and in no group, so
 * it gets a node of its own, of the same number, on a mount that holds nothing else. Where root may make no nodes (in a
 * container) it is the bind again.
 *
 * Everything else in the jail is on nodev mounts, so a node that the program finds or makes elsewhere does not open.
 */
#include "sandbox/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/bind.h"

int device_open(const struct jail_setup *s, const struct jail_mount *m)
{
	struct stat st;
	int tree, fd = bind_source(s, m->source);

	if (fstat(fd, &st) < 0)
		jail_fail(s, -errno, "cannot look at %s: %s", m->source, strerror(errno));
	if ((st.st_mode & S_IFMT) != m->type || st.st_rdev != m->rdev)
		jail_fail(s, -ENODEV, "%s became another device meanwhile", m->source);
	tree = tree_clone(fd, "", DEVICE_ATTRS);
	if (tree < 0)
		jail_fail(s, tree, "cannot bind %s: %s", m->source, strerror(-tree));
	close(fd);
	return tree;
}

int device_give(const struct jail_setup *s, size_t i, int bind, int scratch)
{
	struct mount_attr a = { .attr_set = DEVICE_ATTRS, .attr_clr = MOUNT_ATTR_NODEV, .propagation = MS_PRIVATE };
	const struct jail_mount *m = &s->plan->mounts[i];
	char name[32];
	int tree;

	snprintf(name, sizeof(name), "mount%zu", i);
	if (!s->initial || mknodat(scratch, name, m->type | 0600, m->rdev) < 0)
		return bind;
	if (fchownat(scratch, name, s->uid.outside, s->gid.outside, AT_SYMLINK_NOFOLLOW) < 0)
		jail_fail(s, -errno, "cannot give %s to the program: %s", m->dest, strerror(errno));
	tree = tree_make(scratch, name, &a);
	if (tree < 0)
		jail_fail(s, tree, "cannot make %s: %s", m->dest, strerror(-tree));
	close(bind);
	return tree;
}

bool device_is_granted(const struct jail_plan *plan)
{
	for (size_t i = 0; i < plan->n_mounts; i++) {
		if (plan->mounts[i].kind == JAIL_DEVICE)
			return true;
	}
	return false;
}

int device_limit(const struct jail_plan *plan, const struct cgroup *c)
{
	struct cgroup_device list[CGROUP_DEVICES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < plan->n_mounts; i++) {
		if (plan->mounts[i].kind != JAIL_DEVICE)
			continue;
		if (n == CGROUP_DEVICES_MAX)
			return -E2BIG;
		list[n++] = (struct cgroup_device){ plan->mounts[i].type, plan->mounts[i].rdev };
	}
	return cgroup_allow_devices(c, list, n);
}
