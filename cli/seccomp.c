/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp: `sluice seccomp show | print | check | test | bench`. Looks at a system call filter, a built-in one or a
 * file's, without loading it: prints its program or its rules, or says what becomes of one call
 * and what it costs. Runs as the caller.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/seccomp.h"
#include "lib/log.h"
#include "sandbox/filter_file.h"

enum { WORD_CAP = SECCOMP_WORD_CAP, REFUSED = 1 };

static int usage(FILE *to)
{
	fputs("usage: sluice seccomp show PROFILE                          its program, readable\n"
	      "       sluice seccomp print PROFILE                         its rules, in our text form\n"
	      "       sluice seccomp check PROFILE                         does the program say what the rules say?\n"
	      "       sluice seccomp test PROFILE [--abi ABI] CALL [ARG]...   what becomes of this call?\n"
	      "       sluice seccomp bench PROFILE [--json]                what does it cost per call?\n"
	      "PROFILE is default, strict, compute or a file, in our text form (sluice-seccomp(5)) or in the JSON\n"
	      "form of Docker. CALL is a name or a number, missing ARGs are 0. The status of test: 0 the call gets\n"
	      "through, 1 it does not.\n"
	      "ABI is", to);
	for (size_t i = 0; i < profile_n_abis; i++)
		fprintf(to, " %s%s", profile_abis[i].name, i == 0 ? " (default)" : "");
	fputs(".\n", to);
	return to == stdout ? 0 : CLI_FAILED;
}

void seccomp_action_text(uint32_t action, char out[static SECCOMP_WORD_CAP])
{
	unsigned int value = action & SECCOMP_RET_DATA;
	const char *name = strerrorname_np((int)value);

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		snprintf(out, SECCOMP_WORD_CAP, "allow");
		break;
	case SECCOMP_RET_LOG:
		snprintf(out, SECCOMP_WORD_CAP, "allow and log");
		break;
	case SECCOMP_RET_ERRNO:
		if (name)
			snprintf(out, SECCOMP_WORD_CAP, "refuse with %s", name);
		else
			snprintf(out, SECCOMP_WORD_CAP, "refuse with errno %u", value);
		break;
	case SECCOMP_RET_TRACE:
		snprintf(out, SECCOMP_WORD_CAP, "ask the tracer, without one refuse with ENOSYS");
		break;
	case SECCOMP_RET_TRAP:
		snprintf(out, SECCOMP_WORD_CAP, "refuse with SIGSYS");
		break;
	case SECCOMP_RET_KILL_THREAD:
		snprintf(out, SECCOMP_WORD_CAP, "kill the thread");
		break;
	default:
		snprintf(out, SECCOMP_WORD_CAP, "kill the process");
	}
}

/* ---- show --------------------------------------------------------------------------------------------- */

static void operand_text(uint32_t offset, char out[static WORD_CAP])
{
	size_t args = offsetof(struct seccomp_data, args);

	if (offset == offsetof(struct seccomp_data, nr))
		snprintf(out, WORD_CAP, "number");
	else if (offset == offsetof(struct seccomp_data, arch))
		snprintf(out, WORD_CAP, "architecture");
	else if (offset >= args)
		snprintf(out, WORD_CAP, "argument %zu, %s half", (offset - args) / 8,
			 (offset - args) % 8 ? "upper" : "lower");
	else
		snprintf(out, WORD_CAP, "offset %u", offset);
}

static void show_insn(const struct sock_filter *insn, size_t at)
{
	const char *sign = NULL;
	char word[WORD_CAP];

	printf("%5zu  ", at);
	switch (insn->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		operand_text(insn->k, word);
		printf("look at the %s\n", word);
		return;
	case BPF_ALU | BPF_AND | BPF_K:
		printf("keep the bits 0x%x\n", insn->k);
		return;
	case BPF_RET | BPF_K:
		seccomp_action_text(insn->k, word);
		printf("%s\n", word);
		return;
	case BPF_JMP | BPF_JA:
		printf("go to %zu\n", at + 1 + insn->k);
		return;
	case BPF_JMP | BPF_JEQ | BPF_K:
		sign = "==";
		break;
	case BPF_JMP | BPF_JGE | BPF_K:
		sign = ">=";
		break;
	case BPF_JMP | BPF_JGT | BPF_K:
		sign = ">";
		break;
	default:
		printf("code 0x%x, 0x%x\n", insn->code, insn->k);
		return;
	}
	printf("if it is %s 0x%x (%u) go to %zu, else to %zu\n", sign, insn->k, insn->k, at + 1 + insn->jt,
	       at + 1 + insn->jf);
}

static int show(const struct filter *f)
{
	printf("%u instructions\n", f->prog.len);
	for (size_t at = 0; at < f->prog.len; at++)
		show_insn(&f->prog.filter[at], at);
	return fflush(stdout) == 0 ? 0 : CLI_FAILED;
}

/* ---- print, check ------------------------------------------------------------------------------------- */

static int print(const struct profile *p)
{
	profile_print(p, stdout);
	return fflush(stdout) == 0 ? 0 : CLI_FAILED;
}

static int check(const struct profile *p, const struct filter *f)
{
	char why[FILTER_WHY_CAP] = "";
	size_t calls;

	if (profile_check(p, f, why, &calls) < 0) {
		log_err("seccomp check: %s", why);
		return REFUSED;
	}
	printf("%u instructions decide %zu calls as the %zu rules do\n", f->prog.len, calls, p->n_rules);
	return fflush(stdout) == 0 ? 0 : CLI_FAILED;
}

/* ---- test --------------------------------------------------------------------------------------------- */

static int argument(const char *text, uint64_t *ret_value)
{
	char *end;

	errno = 0;
	*ret_value = strtoull(text, &end, 0);
	if (!*text || *end || errno) {
		log_err("seccomp test: %s: not a number; give one, as in 2, 0x5412 or -1", text);
		return -EINVAL;
	}
	return 0;
}

static int answer(const struct filter *f, const struct seccomp_data *d, const char *abi, const char *name)
{
	uint32_t action = filter_simulate(f, d);
	bool passes = action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
	char word[WORD_CAP];

	seccomp_action_text(action, word);
	printf("%s (%u) on %s: %s\n", name ? name : "no known call", (uint32_t)d->nr & ~(uint32_t)FILTER_X32_BIT, abi, word);
	return fflush(stdout) != 0 ? CLI_FAILED : passes ? 0 : REFUSED;
}

static int test(const struct filter *f, int argc, char **argv)
{
	struct seccomp_data d = { 0 };
	size_t abi = 0;
	uint32_t nr = 0;
	uint64_t value;
	char *name, *end;
	int status;

	if (argc > 1 && strcmp(argv[0], "--abi") == 0) {
		while (abi < profile_n_abis && strcmp(profile_abis[abi].name, argv[1]) != 0)
			abi++;
		if (abi == profile_n_abis) {
			log_err("seccomp test: --abi %s: no such ABI here; see sluice seccomp --help", argv[1]);
			return CLI_FAILED;
		}
		argc -= 2;
		argv += 2;
	}
	if (argc < 1 || argc > 7)
		return usage(stderr);
	nr = (uint32_t)strtoul(argv[0], &end, 0);
	if (*end && filter_call_number(&profile_abis[abi].abi, argv[0], &nr) < 0) {
		log_err("seccomp test: %s: %s has no such call; give a name or a number", argv[0], profile_abis[abi].name);
		return CLI_FAILED;
	}
	d.arch = profile_abis[abi].abi.arch;
	d.nr = (int)(nr | (profile_abis[abi].abi.x32 ? FILTER_X32_BIT : 0));
	for (int i = 1; i < argc; i++) {
		if (argument(argv[i], &value) < 0)
			return CLI_FAILED;
		d.args[i - 1] = value;
	}
	name = filter_call_name(&profile_abis[abi].abi, (uint32_t)d.nr);
	status = answer(f, &d, profile_abis[abi].name, name);
	free(name);
	return status;
}

/* The verbs that look at the rules, which a filter alone no longer has. */
static int with_rules(const char *verb, const char *what, const struct filter *f)
{
	char why[FILTER_WHY_CAP] = "";
	struct profile p;
	int status;

	if (profile_open(what, NULL, &p, why) < 0) {
		log_err("seccomp: %s: %s", what, why);
		return CLI_FAILED;
	}
	status = strcmp(verb, "print") == 0 ? print(&p) : check(&p, f);
	profile_done(&p);
	return status;
}

int cmd_seccomp(int argc, char **argv)
{
	static const char *const verbs[] = { "show", "print", "check", "test", "bench" };
	char why[FILTER_WHY_CAP] = "";
	struct filter f = { 0 };
	size_t verb = 0;
	bool json = argc == 4 && strcmp(argv[1], "bench") == 0 && strcmp(argv[3], "--json") == 0;
	int status;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return usage(stdout);
	while (argc > 1 && verb < sizeof(verbs) / sizeof(verbs[0]) && strcmp(verbs[verb], argv[1]) != 0)
		verb++;
	if (argc < 3 || verb == sizeof(verbs) / sizeof(verbs[0]) || (argc > 3 && strcmp(argv[1], "test") != 0 && !json))
		return usage(stderr);
	if (filter_open(argv[2], NULL, &f, why) < 0) {
		log_err("seccomp: %s: %s", argv[2], why);
		return CLI_FAILED;
	}
	if (strcmp(argv[1], "show") == 0)
		status = show(&f);
	else if (strcmp(argv[1], "test") == 0)
		status = test(&f, argc - 3, argv + 3);
	else if (strcmp(argv[1], "bench") == 0)
		status = seccomp_bench(&f, json) < 0 ? CLI_FAILED : 0;
	else
		status = with_rules(argv[1], argv[2], &f);
	filter_close(&f);
	return status;
}
