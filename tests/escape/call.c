/* SPDX-License-Identifier: Apache-2.0 */
/* call: one raw system call by each way into the kernel, for the attacks of probe.c and attack.c. */
#include "tests/escape/probe.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { X32_BIT = 0x40000000 };

int say(long r)
{
	puts(r < 0 ? strerrorname_np(errno) : "ok");
	return r < 0;
}

int say_raw(long r)
{
	if (r >= 0 || r < -4095)
		puts("ok");
	else
		puts(strerrorname_np((int)-r));
	return 0;
}

static long call_int80(long nr, const long a[CALL_ARGS])
{
#if defined(__x86_64__)
	long r;

	/* The sixth argument (ebp) stays what it is. */
	__asm__ volatile("int $0x80" : "=a"(r)
			 : "a"(nr), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)r;
#else
	(void)nr;
	(void)a;
	return -ENOSYS;
#endif
}

/*
 * The same through a far jump into the 32-bit code segment: no instruction of a 64-bit program is left that
 * a filter on instructions could look for. A stub below 4 GiB: int $0x80, then back to 64-bit code.
 */
static long call_far(long nr, const long a[CALL_ARGS])
{
#if defined(__x86_64__)
	static const unsigned char stub[] = {
		0xcd, 0x80,		/* int $0x80 */
		0xcb,			/* lret: to the 64-bit segment */
	};
	struct {
		uint64_t nr, arg[5], stack;
	} in = { (uint64_t)nr, { 0 }, 0 };
	unsigned char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uintptr_t at = (uintptr_t)&in;
	uint64_t *stack;
	long r;

	if (page == MAP_FAILED)
		return -errno;
	for (int i = 0; i < 5; i++)
		in.arg[i] = (uint64_t)a[i];
	memcpy(page, stub, sizeof(stub));
	/* 64-bit code to come back to, below 4 GiB as well; the stack pointer is kept in r12. */
	memcpy(page + 64, (const unsigned char[]){ 0x4c, 0x89, 0xe4, 0xc3 }, 4); /* mov %r12,%rsp; ret */
	/* Popped by lretq: the stub and its segment; by lret: the way back and its segment. */
	stack = (uint64_t *)(page + 8192 - 64);
	stack[0] = (uint64_t)(uintptr_t)page;
	stack[1] = 0x23;
	stack[2] = (uint32_t)(uintptr_t)(page + 64) | 0x3300000000;
	in.stack = (uint64_t)(uintptr_t)stack;
	__asm__ volatile(
		"push %%rbx\n\t"
		"push %%rbp\n\t"
		"lea 1f(%%rip), %%rax\n\t"
		"push %%rax\n\t"
		"mov %%rsp, %%r12\n\t"
		"mov %%rdi, %%r13\n\t"
		"mov 0(%%r13), %%eax\n\t"
		"mov 8(%%r13), %%ebx\n\t"
		"mov 16(%%r13), %%ecx\n\t"
		"mov 24(%%r13), %%edx\n\t"
		"mov 32(%%r13), %%esi\n\t"
		"mov 40(%%r13), %%edi\n\t"
		"mov 48(%%r13), %%rsp\n\t"
		"lretq\n\t"
		"1:\n\t"
		"pop %%rbp\n\t"
		"pop %%rbx\n\t"
		: "=a"(r), "+D"(at)
		:
		: "memory", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
		  "cc");
	munmap(page, 8192);
	return (int)r;
#else
	(void)nr;
	(void)a;
	return -ENOSYS;
#endif
}

long call_one(const char *mode, long nr, const long a[CALL_ARGS])
{
	long r;

	if (!strcmp(mode, "int80"))
		return call_int80(nr, a);
	if (!strcmp(mode, "far"))
		return call_far(nr, a);
	if (!strcmp(mode, "x32"))
		nr |= X32_BIT;
	r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	return r < 0 ? -errno : r;
}
