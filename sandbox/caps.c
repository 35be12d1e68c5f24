/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caps: all five capability sets to nothing, or to what the plan keeps, in an order in which every step is still
 * allowed. What is kept stays over an exec, as an ambient capability; it is one over the program's own user namespace,
 * which owns nothing but its ids.
 */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <linux/securebits.h>
#include <sys/capability.h>
#include <sys/prctl.h>

/*
 * KEEP_CAPS stays unlocked: it is harmless without capabilities, and programs that drop theirs end when
 * they cannot set it (ping, chronyd).
 */
#define BITS (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED)
#define NO_AMBIENT (SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static bool is_kept(uint64_t keep, cap_value_t c)
{
	return c < 64 && (keep & 1ull << c);
}

int caps_lock(uint64_t keep)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	/* Until the kernel knows no further number, so that newer ones than libcap's go as well. */
	for (cap_value_t c = 0;; c++) {
		if (is_kept(keep, c) || prctl(PR_CAPBSET_DROP, c, 0, 0, 0) == 0)
			continue;
		if (errno != EINVAL || c == 0)
			return -errno;
		break;
	}
	return prctl(PR_SET_SECUREBITS, keep ? BITS : BITS | NO_AMBIENT, 0, 0, 0) < 0 ? -errno : 0;
}

/* Raises what is kept in the ambient set, and then nothing more. */
static int raise_ambient(uint64_t keep)
{
	cap_t now = cap_get_proc();
	int r = now ? 0 : -errno;

	for (cap_value_t c = 0; r == 0 && c < 64; c++) {
		if (is_kept(keep, c) && cap_set_flag(now, CAP_INHERITABLE, 1, &c, CAP_SET) < 0)
			r = -errno;
	}
	if (r == 0 && cap_set_proc(now) < 0)
		r = -errno;
	for (cap_value_t c = 0; r == 0 && c < 64; c++) {
		if (is_kept(keep, c) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0) < 0)
			r = -errno;
	}
	if (r == 0 && prctl(PR_SET_SECUREBITS, BITS | NO_AMBIENT, 0, 0, 0) < 0)
		r = -errno;
	if (now)
		cap_free(now);
	return r;
}

int caps_clear(uint64_t keep)
{
	static const cap_flag_t flags[] = { CAP_EFFECTIVE, CAP_PERMITTED, CAP_INHERITABLE };
	cap_t want = cap_init(), now = NULL;
	int r = want ? 0 : -errno;

	if (r == 0 && keep)
		r = raise_ambient(keep);
	for (cap_value_t c = 0; r == 0 && c < 64; c++) {
		for (size_t i = 0; is_kept(keep, c) && i < 3; i++)
			r = cap_set_flag(want, flags[i], 1, &c, CAP_SET) < 0 ? -errno : r;
	}
	if (r == 0 && (cap_set_proc(want) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
		r = -errno;
	if (r == 0) {
		now = cap_get_proc();
		if (!now || cap_compare(now, want) != 0)
			r = -EPERM;
	}
	if (want)
		cap_free(want);
	if (now)
		cap_free(now);
	return r;
}
