/* SPDX-License-Identifier: Apache-2.0 */
/* probe: what the files of the attacking program share. */
#ifndef TESTS_ESCAPE_PROBE_H
#define TESTS_ESCAPE_PROBE_H

enum { CALL_ARGS = 6 };

struct command {
	const char *name;	/* NULL: the end of the list */
	int (*run)(char **argv);
	int args;		/* at least */
};
extern const struct command attack_commands[];

/* Prints "ok", or for a negative result errno's name. Returns the exit status. */
int say(long r);
/* The same for a result as the kernel gives it; returns 0. */
int say_raw(long r);
/* mode: native, x32, int80 or far. The result, or a negative errno. */
long call_one(const char *mode, long nr, const long a[CALL_ARGS]);

#endif
