/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_bench: `sluice seccomp bench`. The same harmless calls in a child under the filter and in one without, by turns;
 * the medians of many turns are compared. How many instructions a call takes is counted by simulation.
 *
 * Both children know neither files nor each other: they write their times into shared memory, for the filter may
 * allow them nothing but to end.
 */
#include "cli/seccomp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "sandbox/filter_profile.h"

enum { TURNS = 25, CALLS = 20000, WITHOUT = 0, UNDER = 1, CALL_ARGS = 3 };

/* Each is over at once, whatever becomes of it, and changes nothing. */
static const struct probe {
	const char *text;
	long nr;
	long args[CALL_ARGS];
} probes[] = {
	{ "getppid()", SYS_getppid, { 0 } },
	{ "read(-1)", SYS_read, { -1 } },
	{ "futex(0, -1)", SYS_futex, { 0, -1 } },
	{ "ioctl(-1, TCGETS)", SYS_ioctl, { -1, 0x5401 } },
	{ "unshare(0)", SYS_unshare, { 0 } },
	{ "personality(-1)", SYS_personality, { 0xffffffff } },
	{ "socket(AF_UNIX, -1, 0)", SYS_socket, { 1, -1, 0 } },
	{ "socket(AF_VSOCK, -1, 0)", SYS_socket, { 40, -1, 0 } },
	{ "mount(0, 0, 0)", SYS_mount, { 0 } },
	{ "keyctl(-1)", SYS_keyctl, { -1 } },
	{ "call 1000", 1000, { 0 } },
};

enum { PROBES = sizeof(probes) / sizeof(probes[0]) };

struct times {
	uint64_t call[2][PROBES][TURNS];	/* for CALLS calls, ns */
	uint64_t load[TURNS];
	int done[2];				/* turns */
};

static bool is_safe(uint32_t action)
{
	action &= SECCOMP_RET_ACTION_FULL;
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_ERRNO;
}

static uint32_t decide(const struct filter *f, const struct probe *p, struct filter_cost *ret_cost)
{
	struct seccomp_data d = { .nr = (int)p->nr, .arch = profile_abis[0].abi.arch };

	for (int i = 0; i < CALL_ARGS; i++)
		d.args[i] = (uint64_t)p->args[i];
	return filter_simulate_cost(f, &d, ret_cost);
}

static void measure(struct times *t, const struct filter *f, int which, int turn)
{
	struct filter_cost cost;
	uint64_t start;

	if (which == UNDER) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			_exit(1);
		start = clock_mono_ns();
		if (filter_load(f) < 0)
			_exit(1);
		t->load[turn] = clock_mono_ns() - start;
	}
	for (size_t i = 0; i < PROBES; i++) {
		const struct probe *p = &probes[i];

		if (!is_safe(decide(f, p, &cost)))
			continue;
		start = clock_mono_ns();
		for (int n = 0; n < CALLS; n++)
			syscall(p->nr, p->args[0], p->args[1], p->args[2], 0L, 0L, 0L);
		t->call[which][i][turn] = clock_mono_ns() - start;
	}
	t->done[which]++;
	_exit(0);
}

static int compare_u64(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double median(uint64_t v[static TURNS])
{
	qsort(v, TURNS, sizeof(v[0]), compare_u64);
	const int middle = TURNS / 2;

	return (double)v[middle];
}

/* json.h has no fractions: tenths of a nanosecond would say more than is known. */
static void put_json(const struct filter *f, const struct probe *p, const char *answer, const double ns[2])
{
	struct filter_cost cost;
	struct json j;
	char buf[512];

	decide(f, p, &cost);
	json_init(&j, buf, sizeof(buf));
	json_object_start(&j, NULL);
	json_str(&j, "profile", f->name);
	json_str(&j, "call", p->text);
	json_str(&j, "answer", answer);
	json_u64(&j, "instructions", cost.insns);
	json_bool(&j, "looks_at_arguments", cost.looked_at_args);
	json_u64(&j, "plain_ps", (uint64_t)(ns[WITHOUT] * 1000));
	json_u64(&j, "filtered_ps", (uint64_t)(ns[UNDER] * 1000));
	json_object_end(&j);
	if (json_finish(&j) > 0)
		puts(buf);
}

static void put_row(const struct filter *f, size_t i, struct times *t, bool json)
{
	char answer[SECCOMP_WORD_CAP], insns[16];
	struct filter_cost cost;
	uint32_t action = decide(f, &probes[i], &cost);
	double ns[2];

	seccomp_action_text(action, answer);
	if (!is_safe(action))
		return;
	for (int which = 0; which < 2; which++)
		ns[which] = median(t->call[which][i]) / CALLS;
	if (json) {
		put_json(f, &probes[i], answer, ns);
		return;
	}
	snprintf(insns, sizeof(insns), "%zu%s", cost.insns,
		 action == SECCOMP_RET_ALLOW && !cost.looked_at_args ? "*" : "");
	printf("%-24s %-20s %6s %8.0f %8.0f %+7.0f\n", probes[i].text, answer, insns, ns[WITHOUT], ns[UNDER],
	       ns[UNDER] - ns[WITHOUT]);
}

static int run_turns(struct times *t, const struct filter *f)
{
	for (int i = 0; i < 2 * TURNS; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (pid == 0)
			measure(t, f, i % 2, i / 2);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return t->done[WITHOUT] == TURNS && t->done[UNDER] == TURNS ? 0 : -ECHILD;
}

int seccomp_bench(const struct filter *f, bool json)
{
	struct times *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int e;

	if (t == MAP_FAILED) {
		log_err("seccomp bench: out of memory");
		return -ENOMEM;
	}
	e = run_turns(t, f);
	if (e < 0)
		log_err("seccomp bench: %s; run sluice doctor", e == -ECHILD ? "a child was ended by the filter" : strerror(-e));
	else if (!json)
		printf("%u instructions, loaded in %.0f us\n\n%-24s %-20s %6s %8s %8s %7s\n", f->prog.len, median(t->load) / 1000,
		       "call", "answer", "insns", "plain", "filter", "cost ns");
	for (size_t i = 0; e == 0 && i < PROBES; i++)
		put_row(f, i, t, json);
	if (e == 0 && !json)
		puts("\n* the kernel remembers the answer and runs none of them");
	munmap(t, sizeof(*t));
	return e == 0 && fflush(stdout) != 0 ? -EIO : e;
}
