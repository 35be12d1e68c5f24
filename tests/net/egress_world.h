/* SPDX-License-Identifier: Apache-2.0 */
/*
 * egress_world: what test_egress needs around the real sluice-egress: a host, an Internet with a witness,
 * and the two peers of egress, netd and a worker, played by the test.
 *
 *	 the test and egress ("the host")            child process ("the Internet")
 *	┌──────────────────────────────┐            ┌──────────────────────────────────────────────┐
 *	│ 203.0.113.2  2001:db8:113::2 │ up0  down0 │ 203.0.113.53 resolver, echo on TCP and UDP 7001,  │
 *	│ 192.168.7.1 (a second own)   ├────────────┤ 7002, 443 of every address, a witness that counts │
 *	└──────────────────────────────┘            │ each frame that is neither DNS nor housekeeping   │
 *	                                            └──────────────────────────────────────────────┘
 */
#ifndef TESTS_NET_EGRESS_WORLD_H
#define TESTS_NET_EGRESS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/proto.h"

enum { WITNESS_ASKED = 4096 };

/* One question as it came to the name server. */
struct asked {
	uint16_t port, id;
	bool tcp;
	uint8_t server;			/* last byte of the address that was asked */
	uint8_t wire[64];		/* the name, its case kept */
};

/* Shared with the Internet's process. */
struct witness {
	volatile uint64_t frames;	/* towards the Internet, DNS and housekeeping left out */
	volatile uint64_t questions;	/* at the resolver */
	volatile uint64_t tcp_questions;
	volatile bool ready;
	volatile bool moved;		/* moved.test has */
	struct asked asked[WITNESS_ASKED];	/* by question number, modulo */
	char last_question[256];
};
extern struct witness *witness;

/* 0, or a reason to skip. */
const char *world_up(void);
void world_down(void);

/* The two builds of sluice-egress that are tested, as shipped and sanitized; NULL where there is none. */
const char *world_program(int i);

struct egress_proc {
	pid_t pid;
	int up;			/* netd's end */
};

void egress_start(struct egress_proc *e, const char *program);
/* Closes netd's end and waits: exit status, or 128 + signal. */
int egress_stop(struct egress_proc *e);

struct jail {			/* one sandbox, as netd and its worker see it */
	uint32_t number;
	int ask, report, events;
};

/* policy: YAML. resolver: addresses with spaces between; NULL: the host's. Returns the state netd was told. */
enum proto_state jail_add(struct egress_proc *e, uint32_t number, const char *policy,
			  const char *resolver, struct jail *ret_jail);
/* Ends it in order; PROTO_GONE must come. */
void jail_end(struct egress_proc *e, struct jail *j);
/* The next message on netd's socket. */
struct proto_sandbox_state netd_hears(struct egress_proc *e);

struct proto_ask_flow flow_question(uint64_t id, const char *dst, uint8_t proto, uint16_t port);
void say(int fd, const void *msg, size_t len);
void say_name(struct jail *j, uint64_t id, uint16_t qtype, const char *name);
/* Next message; *ret_fd gets its descriptor or -1. Fails the test after 25 s. 0: the peer closed. */
size_t hear(int fd, void *buf, size_t cap, int *ret_fd);
struct proto_answer ask_name(struct jail *j, const char *name, uint16_t qtype);
/* *ret_fd may be NULL when no descriptor may come. */
struct proto_verdict_msg ask_flow(struct jail *j, const char *dst, uint8_t proto, uint16_t port, int *ret_fd);
void end_flow(struct jail *j, uint64_t id, uint64_t up, uint64_t down);
/* The id of the newest ask_flow(). */
uint64_t last_id(void);
/* Sends a line and reads it back. */
bool echoes(int fd);

#endif
