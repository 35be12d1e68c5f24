/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_file: system call filters from files: our text form, or the JSON form of OCI, Docker and Podman (a file that
 * begins with "{"). Runs in the caller.
 */
#ifndef SANDBOX_FILTER_FILE_H
#define SANDBOX_FILTER_FILE_H

#include "sandbox/filter_profile.h"

/* Told of each file that is read, those that are included too; path is borrowed. 0, or -errno to give up. */
struct filter_reader {
	int (*on_file)(void *arg, const char *path);
	void *arg;
};

/*
 * what: a built-in profile's name, or a file; reader may be NULL. 0, or -errno with why (FILTER_WHY_CAP bytes): place, what, what to
 * do. ret_filter borrows `what` as its name; filter_close() it.
 */
int filter_open(const char *what, const struct filter_reader *reader, struct filter *ret_filter, char *why);
/* From text, which is in no file: it includes built-in profiles alone. */
int filter_parse(const char *text, size_t len, struct filter *ret_filter, char *why);
void filter_close(struct filter *f);

/* The rules that filter_open() and filter_parse() make their filters from; profile_done() them. */
int profile_open(const char *what, const struct filter_reader *reader, struct profile *ret_profile, char *why);
int profile_parse(const char *text, size_t len, struct profile *ret_profile, char *why);

#endif
