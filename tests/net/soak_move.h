/* SPDX-License-Identifier: Apache-2.0 */
/* soak_move: see soak_move.c. Whatever goes wrong ends the process. */
#ifndef TESTS_NET_SOAK_MOVE_H
#define TESTS_NET_SOAK_MOVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BUF = 1 << 16,
	STALL_MS = 15000,		/* three lost SYNs: RFC 6298 s. 2.1 and 5.5 give 1 + 2 + 4 s */
	PAUSE_MS = 300,			/* of a slow reader */
};

struct tally {				/* shared with the parent */
	uint64_t n, up, down, longest_ms, lost;
};

struct way {				/* one direction of a connection */
	uint64_t seed, at, len;
	bool slow;			/* pauses of PAUSE_MS */
};

extern struct tally *tally;		/* NULL on the far side */
extern const char *me;
extern bool may_break;			/* the other side is expected to reset: then that is no failure */
extern uint64_t luck;

void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
uint64_t now_ms(void);
uint64_t mix(uint64_t z);
/* By chance, 0 to n - 1. */
uint64_t below(uint64_t n);

/* The bytes of a stream from a place on, made and compared. */
void make(uint8_t *buf, uint64_t seed, uint64_t at, size_t n);
void compare(const uint8_t *buf, uint64_t seed, uint64_t at, size_t n);

/* Events; longer than STALL_MS is a stall. */
short wait_for(int fd, short events, const char *for_what);
struct way way(uint64_t seed, uint64_t len);
/* False at the end of the stream. */
bool receive_some(int fd, struct way *w);
/* Moves both ways at once until both have moved whole. */
void move(int fd, struct way *out, struct way *in);
void one_way(int fd, struct way w, bool out);
void expect_end(int fd);
/* Closes with a RST. */
void reset(int fd);

#endif
