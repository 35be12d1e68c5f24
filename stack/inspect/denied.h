/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denied: what does the client of a denied flow speak, and what is it told?
 *
 * Fed by nat/ with what the sandbox sends on a connection that ends in the worker. Pure: no descriptors,
 * no clock, no byte goes anywhere. TLS is known by the first byte of its record, HTTP by the first
 * letter of its method; of a request the head is read, for HEAD and Accept, and no more than 8 KiB of it.
 */
#ifndef STACK_INSPECT_DENIED_H
#define STACK_INSPECT_DENIED_H

#include "stack/inspect/inspect.h"

struct denied;

/* Strings are copied. */
struct denied_spec {
	enum drop_reason reason;
	const char *name;		/* what was asked for */
	const char *note;		/* the rule's own reason, or "" */
	uint16_t port;
};

/* The caller's to denied_free(). NULL on -ENOMEM. */
struct denied *denied_new(const struct denied_spec *spec);
void denied_free(struct denied *d);
/* The next bytes of the sandbox. True when enough was read: denied_refusal() then; more is ignored. */
bool denied_input(struct denied *d, const uint8_t *buf, size_t len);
/* What the client is told in its language, after whatever it has said. 0: none that we know. */
size_t denied_refusal(const struct denied *d, uint8_t *buf, size_t cap);

#endif
