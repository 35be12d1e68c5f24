/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consent: what opens the jail wider than a person may have meant. Each way needs a word of its own (--let WORD),
 * is refused with one line that names it, and is told when it is taken.
 */
#ifndef CLI_CONSENT_H
#define CLI_CONSENT_H

#include <stdbool.h>

struct options;

enum consent {
	CONSENT_SOCKETS,	/* UNIX sockets of the host in a bind */
	CONSENT_SECRETS,	/* keys and passwords in a bind */
	CONSENT_HOST_WRITE,	/* what runs outside of the jail in a writable bind */
	CONSENT_HOST_PROC,	/* the host's processes in a bind */
	CONSENT_CONFIG_WRITE,	/* profile, policy or filter of this run in a writable bind */
	CONSENT_POWER,		/* capabilities that no container has by default */
	CONSENT_RAW_DEVICES,	/* nodes that hold a disk, all memory, or what others type and see */
	CONSENT_COUNT,
};

/* Their words, by number, NULL at the end. */
extern const char *const consent_words[];

/* For the options as a whole: 0, warnings told and counted, or -EINVAL with the line told. */
int consent_check(struct options *o, const char *place);

#endif
