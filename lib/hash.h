/* SPDX-License-Identifier: Apache-2.0 */
/* hash: SipHash-2-4, for tables keyed by hostile bytes and for initial sequence numbers (RFC 6528). */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { HASH_KEY_LEN = 16 };

uint64_t hash_sip(const uint8_t key[HASH_KEY_LEN], const void *buf, size_t len);

/* Fills buf from getrandom(2); the process ends when the kernel has none to give. */
void hash_random(void *buf, size_t len);

#endif
