/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup: one cgroup for one jail, on v1, v2 or both at once (each controller is in one of them).
 * Made by the caller before the jail, entered by the program's process, emptied and removed by the caller.
 */
#ifndef SANDBOX_CGROUP_H
#define SANDBOX_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/limits.h"

enum cgroup_controller {
	CGROUP_MEMORY,
	CGROUP_PIDS,
	CGROUP_CPU,
	CGROUP_CPUACCT,		/* v2: part of every cgroup */
	CGROUP_IO,
	CGROUP_DEVICES,		/* v2: part of every cgroup */
	CGROUP_CONTROLLERS,
};

enum {
	CGROUP_PATH_CAP = 768,
	CGROUP_DIRS_MAX = CGROUP_CONTROLLERS + 1,
	CGROUP_DEVICES_MAX = 64,	/* rules */
};

/* The cgroups of this process as directories. Empty: there is none, or it cannot be seen from here. */
struct cgroup_layout {
	char v1[CGROUP_CONTROLLERS][CGROUP_PATH_CAP];
	char v2[CGROUP_PATH_CAP];
	char v2_top[CGROUP_PATH_CAP];	/* where v2 is mounted, the end of the way up */
};

/* The texts are those of /proc/self/cgroup and /proc/self/mountinfo. What it does not know it passes over. */
void cgroup_layout_parse(const char *cgroup, const char *mountinfo, struct cgroup_layout *ret_layout);

/* Descriptors that go with init, close-on-exec, CGROUP_FD_MIN or above. */
enum { CGROUP_FD_MIN = 16 };
struct cgroup_entry {
	int procs[CGROUP_DIRS_MAX];
	size_t n_procs;
	int usage;		/* of processor time; -1 when there is no limit on it */
};

struct cgroup;

/* want: bits of enum cgroup_controller. 0, or -errno with why (512 bytes): what, why, what to do. */
int cgroup_new(const struct jail_limits *l, unsigned int want, struct cgroup **ret_cgroup, char *why);

struct cgroup_device {
	mode_t type;		/* S_IFCHR or S_IFBLK */
	dev_t rdev;
};

/*
 * With CGROUP_DEVICES: these devices and what every jail has are opened, no others, and no nodes are made. 0 or -errno, and
 * then nothing is limited, or too much.
 */
int cgroup_allow_devices(const struct cgroup *c, const struct cgroup_device *list, size_t n);
/* cgroup_devices.c: the same for the directory of a cgroup. */
int cgroup_devices_limit(int dir, bool v2, const struct cgroup_device *list, size_t n);
void cgroup_entry_get(const struct cgroup *c, struct cgroup_entry *ret_entry);
/* Closes what only init needs. */
void cgroup_entry_drop(struct cgroup *c);
/* Fills what the cgroup counted, after the jail's end. */
void cgroup_read(const struct cgroup *c, struct jail_result *result);
/* Kills what is left inside, removes the cgroup. c may be NULL. */
void cgroup_free(struct cgroup *c);

/* Moves a process in: -errno on failure. Then nothing of e is needed but usage. */
int cgroup_enter(const struct cgroup_entry *e, pid_t pid);
/* Nanoseconds of processor time from the text of cpuacct.usage or cpu.stat; -EBADMSG. */
int64_t cgroup_usage_parse(const char *text);
int64_t cgroup_usage(int fd);

#endif
