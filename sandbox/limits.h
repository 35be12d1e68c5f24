/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits: how much a jail may use, and what it used. All zero: the defaults. Who holds what:
 *
 *	memory, pids, cpu, io	a cgroup (cgroup.h), made by the caller before anything starts
 *	wall, cpu time		init, which the program can neither stop nor starve; the caller as well
 *	rlimits			the program's process, before exec
 *	tmpfs			the file system of the writable places (root.c)
 */
#ifndef SANDBOX_LIMITS_H
#define SANDBOX_LIMITS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

enum {
	JAIL_PIDS_DEFAULT = 4096,
	JAIL_NOFILE_DEFAULT = 65536,
};

struct jail_rlimit {
	bool set;
	rlim_t soft, hard;
};

struct jail_limits {
	uint64_t memory;		/* bytes, swap included; 0: none */
	uint64_t pids;			/* processes and threads; 0: JAIL_PIDS_DEFAULT */
	uint32_t cpu_milli;		/* thousandths of a processor; 0: none */
	uint32_t io_weight;		/* 1 to 10000; 0: none */
	uint64_t wall_ns, cpu_ns;	/* 0: none */
	uint64_t grace_ns;		/* between SIGTERM and SIGKILL when a time is up; 0: SIGKILL at once */
	uint64_t tmpfs_size;		/* bytes; 0: a quarter of the memory */
	uint64_t tmpfs_inodes;		/* 0: 400000 */
	struct jail_rlimit rlimit[RLIM_NLIMITS];	/* by number; a hard limit is never raised */
};

enum jail_limit {
	JAIL_LIMIT_NONE,
	JAIL_LIMIT_WALL,
	JAIL_LIMIT_CPU,
	JAIL_LIMIT_MEMORY,
};

struct jail_result {
	enum jail_limit struck;		/* what ended the program */
	int signal;			/* that ended the program; 0: it exited */
	uint64_t wall_ns;
	uint64_t user_us, system_us;	/* of all processes */
	uint64_t rss_peak;		/* bytes, of the largest process */
	bool has_memory, has_pids;	/* the next lines were measured */
	uint64_t memory_peak;		/* bytes, of the cgroup */
	uint64_t oom_kills;
	uint64_t pids_refused;
	uint64_t violations;		/* of the filter of system calls, when they are reported */
};

#endif
