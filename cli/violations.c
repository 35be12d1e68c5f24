/* SPDX-License-Identifier: Apache-2.0 */
/* violations: see violations.h. Runs as the caller, while the program waits for its answer or goes on. */
#include "cli/violations.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/seccomp.h"
#include "cli/status.h"
#include "lib/log.h"
#include "sandbox/filter_profile.h"

enum { TOLD_EACH = 8, NAME_CAP = 48 };

static const struct profile_abi *abi_of(uint32_t arch, uint32_t nr)
{
	for (size_t i = 0; i < profile_n_abis; i++) {
		const struct filter_abi *abi = &profile_abis[i].abi;

		if (abi->arch == arch && abi->x32 == (arch == profile_abis[0].abi.arch && profile_n_abis > 2 &&
						      nr >= FILTER_X32_BIT))
			return &profile_abis[i];
	}
	return NULL;
}

static const char *name_text(uint32_t arch, uint32_t nr, char out[static NAME_CAP])
{
	const struct profile_abi *abi = abi_of(arch, nr);
	char *name = abi ? filter_call_name(&abi->abi, nr) : NULL;

	if (name)
		snprintf(out, NAME_CAP, "%s%s%s", name, abi == profile_abis ? "" : " of ", abi == profile_abis ? "" : abi->name);
	else
		snprintf(out, NAME_CAP, "call %" PRIu32 " of %s", nr & ~(uint32_t)FILTER_X32_BIT, abi ? abi->name : "an unknown ABI");
	free(name);
	return out;
}

static uint64_t count(struct violations *vs, const struct jail_violation *v)
{
	size_t i = 0;

	while (i < vs->n && (vs->calls[i].arch != v->call.arch || vs->calls[i].number != (uint32_t)v->call.nr))
		i++;
	if (i == VIOLATIONS_CALLS) {
		vs->others++;
		return UINT64_MAX;
	}
	if (i == vs->n) {
		vs->calls[i].arch = v->call.arch;
		vs->calls[i].number = (uint32_t)v->call.nr;
		vs->n++;
	}
	return ++vs->calls[i].count;
}

void violations_take(struct violations *vs, const struct jail_violation *v, int status_fd, bool quiet)
{
	const struct profile_abi *abi = abi_of(v->call.arch, (uint32_t)v->call.nr);
	char name[NAME_CAP], answer[SECCOMP_WORD_CAP], *plain;
	struct status_violation line = { .of = v, .answer = answer, .number = (uint32_t)v->call.nr & ~(uint32_t)FILTER_X32_BIT,
		.abi = abi ? abi->name : "unknown" };

	if (count(vs, v) > TOLD_EACH)
		return;
	seccomp_action_text(v->action, answer);
	if (!quiet)
		log_info("seccomp: %s(0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 "): %s%s; pid %d, %s",
			 name_text(v->call.arch, (uint32_t)v->call.nr, name), (uint64_t)v->call.args[0], (uint64_t)v->call.args[1],
			 (uint64_t)v->call.args[2], v->let_through ? "let through; would " : "", answer, v->pid, v->comm);
	plain = abi ? filter_call_name(&abi->abi, (uint32_t)v->call.nr) : NULL;
	line.name = plain ? plain : "unknown";
	status_violation(status_fd, &line);
	free(plain);
}

void violations_end(const struct violations *vs, bool quiet)
{
	char name[NAME_CAP];

	for (size_t i = 0; !quiet && i < vs->n; i++) {
		if (vs->calls[i].count > TOLD_EACH)
			log_info("seccomp: %s: %" PRIu64 " times in all", name_text(vs->calls[i].arch, vs->calls[i].number, name),
				 vs->calls[i].count);
	}
	if (!quiet && vs->others)
		log_info("seccomp: %" PRIu64 " more, of other calls", vs->others);
}
