/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options_internal: one table of all options, from which come the command line, the keys of a profile
 * (sluice-profile(5): an option without its dashes) and the text of --help. Adding an option is a line in
 * options_list[] and, when a plain text, flag or word is not enough, a function that takes its value.
 */
#ifndef CLI_OPTIONS_INTERNAL_H
#define CLI_OPTIONS_INTERNAL_H

#include "cli/options.h"

struct parser {
	struct options *o;
	const char *place;	/* said first in every complaint: "run", or FILE:LINE:COLUMN */
	bool in_file;		/* the latter */
	const char *name;	/* of the option at hand, with its dashes */
	const char *value;	/* lives as long as o */
	const struct option *opt;
};

enum option_traits {
	OPTION_MANY = 1,	/* may be given again, and adds up; else the last one counts */
	OPTION_PATH = 2,	/* a file of the host; in a profile, relative to the profile's directory */
	OPTION_PATH_OR_WORD = 4,	/* the same, if there is a '/' in it */
	OPTION_NO_PROFILE = 8,	/* on the command line only */
	OPTION_PLACE = 16,	/* SOURCE[:PLACE...]: of two for one place the later counts */
	OPTION_FIRST = 32,	/* the place comes first: PLACE[:...], PLACE=... */
};

struct option {
	const char *name;	/* with its dashes; NULL: help is a headline */
	const char *value;	/* what help calls it; NULL: a flag, true or false in a profile */
	const char *help;	/* NULL: not told */
	/* The value into struct options: 0, or -EINVAL with the complaint made. */
	int (*take)(struct parser *p);
	unsigned short at;	/* offset in struct options, for take_flag(), take_text() and take_word() */
	const char *const *words;	/* for take_word(): its values from 0 up, NULL at the end */
	unsigned char for_whom;	/* enum options_for, or-ed */
	unsigned char traits;	/* enum option_traits, or-ed */
};

extern const struct option options_list[];
extern const size_t options_count;

#define complain(p, ...) (log_err(__VA_ARGS__), (void)(p), -EINVAL)

/* options.c */
/* Remembers a file of which this run was made. 0, or -EINVAL with the complaint made. */
int options_add_file(struct parser *p, const char *path);
const struct option *options_find(const char *name, size_t len, enum options_for what);

/* option_values.c: the general ones, */
int take_flag(struct parser *p);	/* a bool; value NULL or "true": set */
int take_text(struct parser *p);	/* a const char * */
int take_netd(struct parser *p);
int take_word(struct parser *p);	/* an enum or unsigned int */
/* and those of one option. */
int take_number(const struct parser *p, const char *text, uint64_t min, uint64_t max, uint64_t *ret_n);
int take_policy(struct parser *p);
int take_preset(struct parser *p);
int take_allow(struct parser *p);
int take_deny(struct parser *p);
int take_mtu(struct parser *p);
int take_max_flows(struct parser *p);
int take_resolver(struct parser *p);
int take_name(struct parser *p);
int take_status_fd(struct parser *p);
int take_mount(struct parser *p);
int take_view(struct parser *p);
int take_device(struct parser *p);
int take_chdir(struct parser *p);
int take_env(struct parser *p);
int take_uid(struct parser *p);
int take_hostname(struct parser *p);
int take_seccomp(struct parser *p);
int take_let(struct parser *p);
int take_limit(struct parser *p);
int take_profile(struct parser *p);

#endif
