/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: the command line of `sluice run`, `sluice attach` and `sluice policy set`: text to complete struct, validated
 * whole. Policy files and rules are read here already, so that a bad one fails before anything starts.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/devices.h"
#include "cli/mounts.h"
#include "lib/addr.h"
#include "lib/proto.h"
#include "sandbox/filter.h"
#include "sandbox/jail.h"

struct policy;
struct settings;

enum options_net { OPTIONS_NET_GATEWAY = 0, OPTIONS_NET_NONE };

struct options {
	/* the gateway */
	struct policy *policy;		/* owned, compiled */
	unsigned int net;		/* enum options_net */
	const char *netd;		/* path; NULL: auto; "": embedded */
	enum proto_port port;
	unsigned int xdp_mode;		/* as proto_create */
	uint32_t mtu;			/* 0: the port's default */
	uint32_t flows_max;		/* 0: the default */
	struct proto_resolver resolvers[PROTO_RESOLVERS_MAX];	/* none: the host's */
	char name[PROTO_LABEL_CAP];
	bool named;			/* with --name */
	const char *events, *pcap;	/* paths or NULL */
	const char *device_log;		/* the same */
	int status_fd;			/* -1: none */
	bool quiet;
	/* attach */
	const char *netns;
	/* run; the arrays are owned, the texts are argv's, the profile's or the arrays' own */
	char **argv;
	struct mounts mounts;
	struct devices devices;
	struct jail_view view;
	char **env;
	size_t n_env;
	const char *chdir, *hostname;
	bool keep_env, seccomp_off, pty;
	enum jail_seccomp seccomp;
	enum jail_landlock landlock;
	struct jail_limits limits;
	struct filter filter;		/* --seccomp; no program: the default */
	uid_t uid;
	gid_t gid;
	struct settings *profile;	/* owned; NULL without --profile. Holds texts of the above */
	unsigned int let;		/* enum consent, a bit each */
	char **files;			/* owned: profiles, policies and filters that were read, absolute */
	size_t n_files;
	size_t n_warnings;		/* that were told */
	bool help;			/* --help was asked: nothing else is valid */
};

enum options_for { OPTIONS_RUN = 1, OPTIONS_ATTACH = 2, OPTIONS_SET = 4 };

/* The options of a command with what they do, on stdout. */
void options_help(enum options_for what);

/* Is it one: 1 to 63 letters, digits, '.', '_', '-'? */
bool options_is_name(const char *text);

/* 0, or -EINVAL with the one line told on stderr. options_done() in either case. */
int options_parse(struct options *o, enum options_for what, int argc, char **argv);
void options_done(struct options *o);

#endif
