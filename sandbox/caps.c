/* SPDX-License-Identifier: Apache-2.0 */
/* caps: all five capability sets to nothing, in an order in which every step is still allowed. */
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <linux/securebits.h>
#include <sys/capability.h>
#include <sys/prctl.h>

int caps_lock(void)
{
	/*
	 * KEEP_CAPS stays unlocked: it is harmless without capabilities, and programs that drop theirs
	 * end when they cannot set it (ping, chronyd).
	 */
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
		SECBIT_NO_SETUID_FIXUP_LOCKED |
		SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	/* Until the kernel knows no further number, so that newer ones than libcap's go as well. */
	for (cap_value_t c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++) {
		if (cap_drop_bound(c) < 0)
			return -errno;
	}
	return prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0 ? -errno : 0;
}

int caps_clear(void)
{
	cap_t none = cap_init(), now = NULL;
	int r = 0;

	if (!none)
		return -errno;
	if (cap_set_proc(none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r == 0) {
		now = cap_get_proc();
		if (!now || cap_compare(now, none) != 0)
			r = -EPERM;
	}
	cap_free(none);
	if (now)
		cap_free(now);
	return r;
}
