/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp: the built-in profiles, as profiles/make.c made them at build time, and their loading, in
 * the program's process.
 */
#include "sandbox/filter.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/filter_programs.h"

/* The arrays' names end in _prog: `default` alone is a word of the language. */
#define BUILTIN(name) { #name, { sizeof(name##_prog) / sizeof(name##_prog[0]), \
	(struct sock_filter *)(uintptr_t)name##_prog }, NULL }

const struct filter *filter_builtin(const char *name)
{
	static const struct filter list[] = {
		BUILTIN(default), BUILTIN(strict), BUILTIN(compute),
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	}
	return NULL;
}

const struct filter *filter_terminal(void)
{
	static const struct filter terminal = BUILTIN(terminal);

	return &terminal;
}

int filter_load(const struct filter *f)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &f->prog) < 0 ? -errno : 0;
}
