/* SPDX-License-Identifier: Apache-2.0 */
/* cc: lwIP's view of the compiler and of the process it runs in. */
#ifndef STACK_LWIP_ARCH_CC_H
#define STACK_LWIP_ARCH_CC_H

#include <endian.h>
#include <stddef.h>

/* An assertion of lwIP that fails ends the worker: no network is better than a corrupt one. */
void lwip_assert_failed(const char *what, const char *file, int line) __attribute__((noreturn));
#define LWIP_PLATFORM_ASSERT(x) lwip_assert_failed(x, __FILE__, __LINE__)
#define LWIP_PLATFORM_DIAG(x) do { } while (0)

/* malloc() under a cap; NULL over it, which lwIP takes as being out of memory. */
void *lwip_heap_malloc(size_t size);
void *lwip_heap_calloc(size_t n, size_t size);
void lwip_heap_free(void *p);

#endif
