/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: what may leave a sandbox. Text to complete struct, validated whole; lookup; canonical text.
 *
 * The language is sluice-policy(5). Deny wins over allow; no rule, no way. sluice(1) parses what the
 * user wrote and hands the canonical text on; egress parses that text again in its own process.
 */
#ifndef LIB_POLICY_POLICY_H
#define LIB_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/drop.h"
#include "lib/addr.h"
#include "lib/proto.h"

struct policy;

/* Where a text was wrong; line and column start at 1, 0 = not a place in a text. */
struct policy_error {
	unsigned int line, column;
	char origin[48];		/* "preset NAME" when the place is in a preset; "": in the given text */
	char text[PROTO_TEXT_CAP];	/* what, why, what to do; no place, no newline */
};

struct policy_limits {
	uint64_t flows;			/* 0 = default */
	uint64_t new_flows_per_s;	/* 0 = none */
	uint64_t up_bytes, down_bytes;	/* 0 = none */
	uint64_t names;			/* names below wildcards looked up in the sandbox's life; 0 = default */
	uint64_t queries_per_s;		/* DNS questions; 0 = default */
};

/* What a question for a name that no rule allows is answered with. */
enum policy_denied_names {
	POLICY_NAMES_ANSWER = 0,	/* an address of the denied pool, so that the flow meets a clear refusal */
	POLICY_NAMES_NXDOMAIN,
	POLICY_NAMES_REFUSED,
};

/* An empty policy: nothing may leave. NULL on -ENOMEM. */
struct policy *policy_new(void);
void policy_free(struct policy *p);

/*
 * Adds the rules of a YAML text (need not be NUL-terminated; up to 64 MiB). origin is the file's name for
 * explain. 0, or -EINVAL with *ret_err filled and p unchanged, or -ENOMEM.
 */
int policy_add_yaml(struct policy *p, const char *text, size_t len, const char *origin,
		    struct policy_error *ret_err);
/*
 * The same from a file; "-" is standard input. -errno (not -EINVAL) when it cannot be read, with
 * ret_err->text filled and no place.
 */
int policy_add_file(struct policy *p, const char *path, struct policy_error *ret_err);
/* Adds one command-line rule: SPEC = [tcp://|udp://|icmp://]HOST[:PORTS]; see sluice(1). */
int policy_add_spec(struct policy *p, bool allow, const char *spec, struct policy_error *ret_err);
/*
 * Presets are files DIR/NAME.yaml that come with sluice; a NAME is [a-z0-9-]{1,32}. Without a directory,
 * as in egress, naming one is an error. dir is copied; NULL: none. 0 or -ENOMEM.
 */
int policy_set_presets(struct policy *p, const char *dir);
/* Adds one, as `preset: NAME` does. Errors as policy_add_yaml(). */
int policy_add_preset(struct policy *p, const char *name, struct policy_error *ret_err);
/*
 * Calls tell for each preset of the directory, by name, with its first line of comment, or what is
 * wrong with its file. 0 or -errno.
 */
int policy_list_presets(const char *dir, void (*tell)(void *arg, const char *name, const char *about), void *arg);
/* Call once after the last add and before any lookup; builds the tables. 0 or -ENOMEM. */
int policy_compile(struct policy *p);
/* Number of rules. */
size_t policy_count(const struct policy *p);

/* Something that is allowed and may not have been meant; see sluice-policy(5), WARNINGS. */
struct policy_warning {
	const char *origin;		/* a file, "preset NAME" or an option */
	unsigned int line, column;	/* 0 = not a place in a text */
	char text[2 * PROTO_TEXT_CAP];	/* what, why, what to do */
};

/* How many there are; calls tell for each. In sluice only: egress does not link it. */
size_t policy_warn(const struct policy *p, void (*tell)(void *arg, const struct policy_warning *w), void *arg);

/* Canonical YAML; parsing it gives the same policy and the same text. Malloc'ed, NULL on -ENOMEM. */
char *policy_print(const struct policy *p, size_t *ret_len);

const struct policy_limits *policy_get_limits(const struct policy *p);
enum policy_denied_names policy_denied_names(const struct policy *p);

struct policy_verdict {
	bool allow;
	enum drop_reason reason;	/* DROP_NONE when allowed */
	uint32_t rule;			/* the deciding rule's line in the canonical text, 0 = none */
	/* What the worker must read of the flow: from the rule's `tls` and `http`, or the port's default. */
	enum proto_inspect inspect;	/* PROTO_INSPECT_NONE for addresses, and when denied */
	const char *note;		/* the rule's own `reason`; "" when it has none; lives as long as p */
	/* Set when a CIDR or address rule (not a name rule) allowed it: then refused ranges are allowed too. */
	bool by_range;
	/* Set by policy_judge_lookup() when only wildcards allow the name: the sandbox has made it up. */
	bool below_wildcard;
};

/*
 * Reasons: POLICY_DENY a rule denies it; POLICY_PORT, POLICY_PROTO a rule allows another port or
 * protocol of this host; POLICY_RANGE the only rule that allows it is a prefix wider than the private,
 * loopback, link-local, metadata ... range that holds the address, so it does not name that range;
 * else POLICY_NAME for a name and POLICY_DEFAULT for an address.
 *
 * Who dials an address that a name resolved to must also refuse it when policy_judge_addr() says
 * DROP_POLICY_DENY, and when addr_is_refused() unless policy_names_range() and allowed here.
 */

/*
 * When several rules allow a flow, the one with the narrowest host decides what is read and which rule and
 * note are given. Among rules of one host: one whose key speaks about the port before one without, the
 * stricter before the looser, then the first. A denial is the first one of the narrowest host.
 */

/* proto: IPPROTO_TCP, IPPROTO_UDP or IPPROTO_ICMP; port 0 with ICMP. name is normalised (policy_name()). */
struct policy_verdict policy_judge_name(const struct policy *p, const char *name, uint8_t proto,
					uint16_t port);
struct policy_verdict policy_judge_addr(const struct policy *p, const struct addr *a, uint8_t proto,
					uint16_t port);
/* Could any flow to this name be allowed (any port, any protocol)? Decides whether it is resolved. */
struct policy_verdict policy_judge_lookup(const struct policy *p, const char *name);
/* For a name whose answer holds refused addresses: does an allow rule name a range that holds a, for any port? */
bool policy_names_range(const struct policy *p, const struct addr *a);

/*
 * Normal form of a name: lower case, IDNA 2008 A-labels, no trailing dot, labels of 1..63 bytes from
 * [a-z0-9_-], 1..253 bytes in all, the last label no number ("127.1" is refused). buf holds
 * PROTO_NAME_CAP bytes. 0 or -EINVAL.
 */
int policy_name(const char *text, char *buf);

/* The one-line value for --allow that would permit this; "" when none can. proto 0: only looked up. */
void policy_spec_for(const char *host, uint8_t proto, uint16_t port, char *buf, size_t cap);

/*
 * "which rule, line, why" for people. resolve: look the name up on this host, and say for each address
 * whether it would be dialled. Returns the exit status: 0 allowed, 1 denied, 2 bad spec. In sluice only.
 */
int policy_explain(const struct policy *p, const char *spec, bool resolve, FILE *out, struct policy_error *ret_err);

#endif
