/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text form of seccomp profiles: what becomes of calls under them, what is said about bad ones, that a printed profile is
 * read as itself; and that programs say what their rules say, for all three forms, which a changed program does not.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/filter_file.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define START "allow close_range execve exit_group getpid recvmsg rt_sigaction rt_sigprocmask sendmsg setpgid\n"
#define ERRNO(e) (SECCOMP_RET_ERRNO | (e))

#ifdef __x86_64__
static struct profile read_profile(const char *text)
{
	char why[FILTER_WHY_CAP] = "";
	struct profile p;

	if (profile_parse(text, strlen(text), &p, why) < 0)
		fail_msg("%s", why);
	return p;
}

static char *print(const struct profile *p)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	profile_print(p, f);
	fclose(f);
	return text;
}

enum { NATIVE = AUDIT_ARCH_X86_64, I386 = AUDIT_ARCH_I386, X32 = 0x40000000 };

static const char sample[] =
	"# a comment\n"
	"abis x86-64 i386 arm64\t# one of another machine\n"
	"default errno EPERM\r\n"
	"newer errno ENOSYS\n"
	START
	"allow read write lseek kill prctl fcntl dup\n"
	"log uname\n"
	"\n"
	"errno EACCES lseek if arg1 == 5\n"
	"errno 7 lseek if arg1:64 > 0x100000000 and arg2 & 0xf0|0x1 == 0x11\n"
	"kill kill if arg1 == SIGKILL\n"
	"kill-thread kill if arg1 >= 30\n"
	"trap prctl if arg0 & 0x30 != 0x10\n"
	"trace 9 prctl if arg0:64 != 0x10\n"
	"errno EINVAL fcntl if arg1 < 2\n"
	"errno EBADF fcntl if arg1 <= 3\n"
	"errno EBUSY dup if arg0 == 1\n"
	"errno EIO dup\n"
	"allow mount umount2\n"
	"forget umount2\n"
	"[i386]\n"
	"allow socketcall 20\n"
	"forget mount\n"
	"[all]\n"
	"allow ioctl\n";

static void test_decisions(void **state)
{
	static const struct {
		uint32_t arch;
		int nr;
		uint64_t args[3];
		uint32_t want;
	} t[] = {
		/*  1 */ { NATIVE, SYS_read, { 0 }, SECCOMP_RET_ALLOW },
		/*  2 */ { NATIVE, SYS_open, { 0 }, ERRNO(EPERM) },
		/*  3 */ { NATIVE, SYS_uname, { 0 }, SECCOMP_RET_LOG },
		/*  4 */ { NATIVE, SYS_lseek, { 0, 4 }, SECCOMP_RET_ALLOW },
		/*  5 */ { NATIVE, SYS_lseek, { 0, 5 }, ERRNO(EACCES) },
		/*  6 */ { NATIVE, SYS_lseek, { 0, 0x700000005 }, ERRNO(EACCES) },
		/* of two that match the lower errno */
		/*  7 */ { NATIVE, SYS_lseek, { 0, 0x700000005, 0x11 }, ERRNO(7) },
		/*  8 */ { NATIVE, SYS_lseek, { 0, 0x100000001, 0x1f }, ERRNO(7) },
		/*  9 */ { NATIVE, SYS_lseek, { 0, 0x100000001, 0xf1 }, SECCOMP_RET_ALLOW },
		/* 10 */ { NATIVE, SYS_lseek, { 0, 0x100000000, 0x11 }, SECCOMP_RET_ALLOW },
		/* the strictest, in whatever order */
		/* 11 */ { NATIVE, SYS_kill, { 0, 9 }, SECCOMP_RET_KILL_PROCESS },
		/* 12 */ { NATIVE, SYS_kill, { 0, 31 }, SECCOMP_RET_KILL_THREAD },
		/* 13 */ { NATIVE, SYS_kill, { 0, 29 }, SECCOMP_RET_ALLOW },
		/* 14 */ { NATIVE, SYS_prctl, { 0x10 }, SECCOMP_RET_ALLOW },
		/* 15 */ { NATIVE, SYS_prctl, { 0x11 }, SECCOMP_RET_TRACE | 9 },
		/* 16 */ { NATIVE, SYS_prctl, { 0x100000010 }, SECCOMP_RET_TRACE | 9 },
		/* 17 */ { NATIVE, SYS_prctl, { 0x20 }, SECCOMP_RET_TRAP },
		/* 18 */ { NATIVE, SYS_fcntl, { 0, 1 }, ERRNO(EBADF) },
		/* 19 */ { NATIVE, SYS_fcntl, { 0, 3 }, ERRNO(EBADF) },
		/* 20 */ { NATIVE, SYS_fcntl, { 0, 4 }, SECCOMP_RET_ALLOW },
		/* conditions count before none */
		/* 21 */ { NATIVE, SYS_dup, { 1 }, ERRNO(EBUSY) },
		/* 22 */ { NATIVE, SYS_dup, { 2 }, ERRNO(EIO) },
		/* 23 */ { NATIVE, SYS_mount, { 0 }, SECCOMP_RET_ALLOW },
		/* 24 */ { I386, 21, { 0 }, ERRNO(EPERM) },
		/* 25 */ { NATIVE, SYS_umount2, { 0 }, ERRNO(EPERM) },
		/* 26 */ { I386, 102, { 0 }, SECCOMP_RET_ALLOW },
		/* 27 */ { I386, 20, { 0 }, SECCOMP_RET_ALLOW },
		/* 28 */ { I386, 19, { 0 }, SECCOMP_RET_ALLOW },
		/* 29 */ { NATIVE, 20, { 0 }, ERRNO(EPERM) },
		/* 30 */ { NATIVE, SYS_ioctl, { 0 }, SECCOMP_RET_ALLOW },
		/* 31 */ { NATIVE, SYS_ioctl, { 0, 0x5412 }, ERRNO(EPERM) },
		/* 32 */ { NATIVE, SYS_close_range + 1, { 0 }, ERRNO(ENOSYS) },
		/* 33 */ { NATIVE, X32 | 0, { 0 }, ERRNO(ENOSYS) },
		/* 34 */ { NATIVE, -1, { 0 }, ERRNO(ENOSYS) },
	};
	char why[FILTER_WHY_CAP] = "";
	struct filter f;

	(void)state;
	if (filter_parse(sample, sizeof(sample) - 1, &f, why) < 0)
		fail_msg("%s", why);
	for (size_t i = 0; i < COUNT(t); i++) {
		struct seccomp_data d = { .arch = t[i].arch, .nr = t[i].nr };

		memcpy(d.args, t[i].args, sizeof(t[i].args));
		if (filter_simulate(&f, &d) != t[i].want)
			fail_msg("row %zu: 0x%x, not 0x%x", i + 1, filter_simulate(&f, &d), t[i].want);
	}
	filter_close(&f);
}

static void test_print(void **state)
{
	static const char want[] =
		"abis x86-64 i386\n"
		"default errno EPERM\n"
		"newer errno ENOSYS\n"
		"allow close_range execve exit_group fcntl getpid ioctl kill lseek prctl read recvmsg rt_sigaction\n"
		"allow rt_sigprocmask sendmsg setpgid write\n"
		"log uname\n"
		"errno EIO dup\n"
		"errno EBUSY dup if arg0 == 1\n"
		"errno EBADF fcntl if arg1 <= 3\n"
		"errno EINVAL fcntl if arg1 < 2\n"
		"errno EPERM ioctl if arg1 == 0x5412\n";
	struct profile p = read_profile(sample);
	char *text = print(&p), *again;

	(void)state;
	if (strncmp(text, want, sizeof(want) - 1) != 0)
		fail_msg("printed:\n%s", text);
	assert_non_null(strstr(text, "\n[x86-64]\nallow mount\n[i386]\nallow 20 socketcall\n"));
	profile_done(&p);
	p = read_profile(text);
	again = print(&p);
	assert_string_equal(text, again);
	profile_done(&p);
	free(text);
	free(again);
	/* Order does not matter, nor what another rule makes idle. */
	p = read_profile("allow read\nerrno EPERM read\nallow write if arg0 == 1\nallow write\nerrno EIO dup if arg1 == 1 and arg0 == 2\n");
	text = print(&p);
	assert_non_null(strstr(text, "newer errno ENOSYS\nallow write\nerrno EPERM read\nerrno EIO dup if arg0 == 2 and arg1 == 1\n"));
	profile_done(&p);
	free(text);
}

/* ---- the program against the rules ------------------------------------------------------------------- */

static void check(struct profile p, struct filter *ret_filter, const char *what)
{
	char why[FILTER_WHY_CAP] = "";
	size_t calls = 0;

	*ret_filter = (struct filter){ .name = what };
	assert_int_equal(profile_make(&p, &ret_filter->prog), 0);
	if (profile_check(&p, ret_filter, why, &calls) < 0)
		fail_msg("%s: %s", what, why);
	assert_true(calls > 3000);
}

static void test_programs(void **state)
{
	static const char *const files[] = { "default", "strict", "compute", TOP "/tests/fuzz/corpus/filter/docker.json",
		TOP "/tests/fuzz/corpus/filter/text.seccomp" };
	static const char *const texts[] = { sample, "default allow\n", "abis native x32\ndefault kill\nallow read\n[x32]\nallow 600\n",
		"allow read if arg0:64 >= 0x100000002\nerrno 1 read if arg0:64 < 3\nerrno 2 read if arg5:64 <= 0xffffffff\n",
		"trap write if arg0:64 & 0x100000001 != 0x100000000\nallow write if arg0 & 3 == 0\n" };
	char why[FILTER_WHY_CAP] = "";
	struct profile p;
	struct filter f;

	(void)state;
	for (size_t i = 0; i < COUNT(files) + COUNT(texts); i++) {
		if (i >= COUNT(files))
			p = read_profile(texts[i - COUNT(files)]);
		else if (profile_open(files[i], NULL, &p, why) < 0)
			fail_msg("%s: %s", files[i], why);
		check(p, &f, i < COUNT(files) ? files[i] : texts[i - COUNT(files)]);
		profile_done(&p);
		free(f.prog.filter);
	}
}

/* The check itself: it takes notice of every answer that is changed, and of every jump that is turned round. */
static void test_check(void **state)
{
	struct profile p = read_profile("abis native\nallow read if arg0 == 1 and arg1:64 > 7\nerrno EIO write if arg2:64 & 0x700000000 != 0\n"
					"allow write close\n");
	char why[FILTER_WHY_CAP];
	struct filter f;
	size_t calls;

	(void)state;
	check(p, &f, "small");
	for (size_t i = 0; i < f.prog.len; i++) {
		struct sock_filter *insn = &f.prog.filter[i], old = *insn;

		if (BPF_CLASS(insn->code) == BPF_RET) {
			insn->k ^= 1;
		} else if (BPF_CLASS(insn->code) == BPF_JMP && BPF_OP(insn->code) != BPF_JA) {
			insn->jt = old.jf;
			insn->jf = old.jt;
		} else {
			continue;
		}
		if (profile_check(&p, &f, why, &calls) != -EINVAL && memcmp(insn, &old, sizeof(old)) != 0)
			fail_msg("instruction %zu was changed, and nothing noticed", i);
		*insn = old;
	}
	profile_done(&p);
	free(f.prog.filter);
}
#endif

/* ---- complaints, files ---------------------------------------------------------------------------------- */

static void test_complaints(void **state)
{
	static const struct {
		const char *text, *want;
	} t[] = {
		/*  1 */ { "", "it refuses close_range" },
		/*  2 */ { "alow read", "line 1, column 1: alow is not known" },
		/*  3 */ { "\n  allow", "line 2, column 8: the line names no call" },
		/*  4 */ { "allow read raed", "line 1, column 12: there is no call raed" },
		/*  5 */ { "errno read", "line 1, column 7: read is no error" },
		/*  6 */ { "errno", "line 1, column 6: the line ends; the name of an error" },
		/*  7 */ { "errno 4096 read", "is no error" },
		/*  8 */ { "trace 65536 read", "not a number from 0 to 65535" },
		/*  9 */ { "allow read if", "line 1, column 14: the line ends; an argument" },
		/* 10 */ { "allow read if arg6 == 1", "column 15: arg6 is no argument" },
		/* 11 */ { "allow read if arg0:32 == 1", "arg0:32 is no argument" },
		/* 12 */ { "allow read if arg0 = 1", "column 20: a comparison is expected" },
		/* 13 */ { "allow read if arg0 == AF_X", "AF_X is no value" },
		/* 14 */ { "allow read if arg0 == 0x100000000", "more than 32 bits" },
		/* 15 */ { "allow read if arg0:64 == 0x10000000000000000", "is no value" },
		/* 16 */ { "allow read if arg0 & 1 > 0", "compared with == or !=" },
		/* 17 */ { "allow read if arg0 & 1 == 2", "column 27: bits that the left side does not keep" },
		/* 18 */ { "allow read if arg0 == 1 or arg1 == 2", "column 25: the line should end here" },
		/* 19 */ { "allow read if arg0 == 1 and arg0 == 1 and arg0 == 1 and arg0 == 1 and arg0 == 1 and arg0 == 1 and arg0 == 1",
			   "more than 6 conditions" },
		/* 20 */ { "allow 3", "column 7: a number means a call of one ABI only" },
		/* 21 */ { "[native]\nallow 0x3", "line 2, column 7: a number means" },
		/* 22 */ { "[native", "] is missing" },
		/* 23 */ { "[mips]", "column 2: there is no ABI mips" },
		/* 24 */ { "abis i386", "no program could run" },
		/* 25 */ { "abis native vax", "there is no ABI vax" },
		/* 26 */ { "default", "the line ends; an action" },
		/* 27 */ { "default allow read", "column 15: the line should end here" },
		/* 28 */ { "include", "the line ends; a profile's name" },
		/* 29 */ { "include none", "column 9: none: no such profile" },
		/* 30 */ { "allow read \"", "column 12: a call is expected" },
		/* 31 */ { "allow \xff", "a call is expected" },
		/* 32 */ { "forget", "names no call" },
		/* 33 */ { "default allow\nforget execve\nerrno EPERM execve", "it refuses execve" },
		/* 34 */ { "allow aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "a call is expected" },
	};
	char why[FILTER_WHY_CAP];
	struct filter f;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		why[0] = '\0';
		assert_int_equal(filter_parse(t[i].text, strlen(t[i].text), &f, why), -EINVAL);
		if (!strstr(why, t[i].want))
			fail_msg("row %zu: said \"%s\"", i + 1, why);
	}
	assert_int_equal(filter_parse("allow read\0x", 12, &f, why), -EINVAL);
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int told(void *arg, const char *path)
{
	assert_non_null(strstr(path, ".seccomp"));
	++*(int *)arg;
	return 0;
}

/* Files include each other by names beside them; one that includes itself ends. */
static void test_files(void **state)
{
	char dir[] = "/tmp/sluice-test.XXXXXX", path[200], why[FILTER_WHY_CAP] = "";
	static const char *const names[] = { "a.seccomp", "b c.seccomp", "loop.seccomp", "bad.seccomp" };
	struct seccomp_data d = { .arch = profile_abis[0].abi.arch, .nr = SYS_reboot };
	int n_told = 0;
	const struct filter_reader reader = { told, &n_told };
	struct filter f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	put(dir, names[0], "include b c.seccomp # and this\nforget reboot\nallow reboot\n");
	put(dir, names[1], "include default\n");
	put(dir, names[2], "include loop.seccomp\n");
	put(dir, names[3], "include b c.seccomp\n\ninclude loop\n");
	snprintf(path, sizeof(path), "%s/%s", dir, names[0]);
	if (filter_open(path, &reader, &f, why) < 0)
		fail_msg("%s", why);
	assert_int_equal(n_told, 2);
	assert_int_equal(filter_simulate(&f, &d), SECCOMP_RET_ALLOW);
	d.nr = SYS_swapon;
	assert_int_equal(filter_simulate(&f, &d), ERRNO(EPERM));
	filter_close(&f);
	snprintf(path, sizeof(path), "%s/%s", dir, names[2]);
	assert_int_equal(filter_open(path, NULL, &f, why), -EINVAL);
	assert_non_null(strstr(why, "line 1, column 9: loop.seccomp: line 1"));
	snprintf(path, sizeof(path), "%s/%s", dir, names[3]);
	assert_int_equal(filter_open(path, NULL, &f, why), -EINVAL);
	assert_non_null(strstr(why, "line 3, column 9: loop: no such profile"));
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

/* The example of the manual page is a profile. */
static void test_manual(void **state)
{
	FILE *f = fopen(TOP "/man/sluice-seccomp.5", "r");
	char *page = NULL, *start, *end, why[FILTER_WHY_CAP] = "";
	struct filter filter;
	size_t cap = 0;

	(void)state;
	assert_non_null(f);
	assert_true(getdelim(&page, &cap, '\0', f) > 0);
	fclose(f);
	start = strstr(page, ".Bd -literal -offset indent\n");
	assert_non_null(start);
	start = strchr(start, '\n') + 1;
	end = strstr(start, ".Ed");
	assert_non_null(end);
	if (filter_parse(start, (size_t)(end - start), &filter, why) < 0)
		fail_msg("%s", why);
	filter_close(&filter);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_check),
#endif
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_manual),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
