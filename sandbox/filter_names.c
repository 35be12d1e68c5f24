/* SPDX-License-Identifier: Apache-2.0 */
/* filter_names: names and numbers of system calls, from libseccomp's tables. */
#include "sandbox/filter_make.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

enum { NR_MAX = 1024 };

char *filter_call_name(const struct filter_abi *abi, uint32_t nr)
{
	return nr > INT32_MAX ? NULL : seccomp_syscall_resolve_num_arch(abi->scmp, (int)nr);
}

/*
 * For calls that i386 once had in socketcall(2) and ipc(2) only, libseccomp gives a number of its own making;
 * the kernel's, which came later, is found from the other side.
 */
static int search_number(const struct filter_abi *abi, const char *name, uint32_t *ret_nr)
{
	for (uint32_t nr = 0; nr < NR_MAX; nr++) {
		uint32_t whole = nr | (abi->x32 ? FILTER_X32_BIT : 0);
		char *found = filter_call_name(abi, whole);
		bool same = found && strcmp(found, name) == 0;

		free(found);
		if (same) {
			*ret_nr = whole;
			return 0;
		}
	}
	return -ENOSYS;
}

int filter_call_number(const struct filter_abi *abi, const char *name, uint32_t *ret_nr)
{
	int nr = seccomp_syscall_resolve_name_arch(abi->scmp, name);

	if (nr == __NR_SCMP_ERROR)
		return -ENOENT;
	if (nr < 0)
		return search_number(abi, name, ret_nr);
	*ret_nr = (uint32_t)nr;
	return 0;
}

bool filter_call_exists(const char *name)
{
	return seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR;
}
