/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluice_lock: a program that has opened what it needs gives up the rest of the machine, for good. See sluice_lock(3).
 *
 *	int in = open(argv[1], O_RDONLY);
 *	const char *why;
 *
 *	if (sluice_lock(NULL, &why) < 0)
 *		errx(1, "%s", why);
 *	parse(in);
 */
#ifndef SLUICE_LOCK_H
#define SLUICE_LOCK_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is in force afterwards, for every thread of the process. */
enum {
	SLUICE_LOCK_SYSCALLS = 1,	/* a seccomp filter: no new files, sockets, processes, programs */
	SLUICE_LOCK_CAPS = 2,		/* no capability is left */
	SLUICE_LOCK_FILES = 4,		/* Landlock: no file but those given, whatever the filter lets through */
};

/* All zero but for size: nothing more may be opened, every descriptor stays as it is. */
struct sluice_lock_options {
	size_t size;		/* sizeof(struct sluice_lock_options) */
	unsigned int require;	/* layers (SLUICE_LOCK_*) without which the call fails; SYSCALLS and CAPS always are */
	int close_from;		/* descriptors from here on are closed; 0: none */
	/*
	 * Files and directories, as descriptors (O_PATH will do), below which files may still be opened for reading, or for
	 * reading and writing. They may be closed afterwards. They need Landlock, and no other thread yet.
	 */
	const int *read_fds;
	size_t n_read_fds;
	const int *write_fds;
	size_t n_write_fds;
};

/*
 * options: NULL for all zero. The layers in force (> 0), or -errno with *why (unless why is NULL): a static text, what,
 * why, what to do. After a failure some rights may be gone already: a program should end then.
 * Thread-safe; the filter holds for threads that run already.
 */
int sluice_lock(const struct sluice_lock_options *options, const char **why);

#ifdef __cplusplus
}
#endif

#endif
