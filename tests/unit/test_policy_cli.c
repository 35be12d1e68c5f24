/* SPDX-License-Identifier: Apache-2.0 */
/* `sluice policy`: exit statuses, and what is said on which stream. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* Needs a sandbox that runs; see tests/net/reload.t. */
int cmd_policy_set(int argc, char **argv)
{
	(void)argc, (void)argv;
	return CLI_FAILED;
}

static char dir[] = "/tmp/sluice-policy-XXXXXX";
static char good[64], bad[64], wide[64], out_path[64], err_path[64];

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(good, sizeof(good), "%s/good.yaml", dir);
	snprintf(bad, sizeof(bad), "%s/bad.yaml", dir);
	snprintf(wide, sizeof(wide), "%s/wide.yaml", dir);
	snprintf(out_path, sizeof(out_path), "%s/out", dir);
	snprintf(err_path, sizeof(err_path), "%s/err", dir);
	put(good, "version: 1\negress:\n  - allow: a.test\n");
	put(wide, "version: 1\negress:\n  - allow: '*.github.io'\n");
	put(bad, "version: 1\negress:\n  - alow: a.test\n");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(good);
	unlink(bad);
	unlink(wide);
	unlink(out_path);
	unlink(err_path);
	return rmdir(dir);
}

static void slurp(const char *path, char buf[1024])
{
	FILE *f = fopen(path, "r");
	size_t n = fread(buf, 1, 1023, f);

	buf[n] = '\0';
	fclose(f);
}

/* Runs with stdout (to out_to) and stderr in files. */
static int run(const char *out_to, char *argv[], char out[1024], char err[1024])
{
	int argc = 0, status, saved_out = dup(1), saved_err = dup(2);

	while (argv[argc])
		argc++;
	fflush(NULL);
	dup2(open(out_to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), 1);
	dup2(open(err_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), 2);
	status = cmd_policy(argc, argv);
	fflush(NULL);
	clearerr(stdout);
	dup2(saved_out, 1);
	dup2(saved_err, 2);
	close(saved_out);
	close(saved_err);
	if (out)
		slurp(out_path, out);
	slurp(err_path, err);
	return status;
}

static void test_statuses(void **state)
{
	static const struct {
		char *argv[6];
		int status;
		const char *out, *err;	/* pieces; "" = nothing may be said */
	} t[] = {
		/*  1 */ { { "policy", "check", good }, 0, "OK, 1 rule\n", "" },
		/*  2 */ { { "policy", "check", bad }, 125, "", "bad.yaml:3:5: unknown key \"alow\"; did you mean" },
		/*  3 */ { { "policy", "check", "/nonexistent" }, 125, "", "sluice: /nonexistent: cannot open" },
		/*  4 */ { { "policy", "check", "/" }, 125, "", "cannot read" },
		/*  5 */ { { "policy", "print", good }, 0, "  - allow: a.test\n    proto: tcp\n", "" },
		/*  6 */ { { "policy", "explain", good, "a.test" }, 0, "allowed: a.test tcp 443", "" },
		/*  7 */ { { "policy", "explain", good, "b.test" }, 1, "denied: b.test", "" },
		/*  8 */ { { "policy", "explain", good, "b.test:0" }, 2, "", "sluice: b.test:0: bad port" },
		/*  9 */ { { "policy", "explain", bad, "b.test" }, 125, "", "unknown key" },
		/* 10 */ { { "policy", "explain", good }, 125, "", "usage" },
		/* 11 */ { { "policy", "check", good, good }, 125, "", "usage" },
		/* 12 */ { { "policy", "chek", good }, 125, "", "usage" },
		/* 13 */ { { "policy" }, 125, "", "usage" },
		/* 14 */ { { "policy", "--help" }, 0, "usage", "" },
		/* 15 */ { { "policy", "check", "--strict", good }, 0, "OK, 1 rule\n", "" },
		/* 16 */ { { "policy", "check", wide }, 0, "OK, 1 rule\n", "wide.yaml:3:12: warning: *.github.io" },
		/* 17 */ { { "policy", "check", "--strict", wide }, 1, "OK, 1 rule\n", "warning" },
		/* 18 */ { { "policy", "print", "--strict", good }, 125, "", "usage" },
		/* 19 */ { { "policy", "check", "--strict" }, 125, "", "usage" },
		/* 20 */ { { "policy", "explain", "--resolve", good, "a.test:444" }, 1, "policy-port", "" },
		/* 21 */ { { "policy", "explain", good, "A.Test.:443" }, 0, "A.Test. is looked up and compared as a.test\n", "" },
		/* 22 */ { { "policy", "explain", good, "a.test:443" }, 0, "  read    TLS; its server name must be a.test\n", "" },
		/* 23: beside this test there are none */
		/* 23 */ { { "policy", "presets" }, 125, "", "presets: No such file" },
		/* 24 */ { { "policy", "presets", good }, 125, "", "usage" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		static char out[1024], err[1024];
		char *argv[6];
		int status;

		memcpy(argv, t[i].argv, sizeof(argv));
		status = run(out_path, argv, out, err);
		if (status != t[i].status || !strstr(out, t[i].out) || !strstr(err, t[i].err) ||
		    (!t[i].out[0] && out[0]) || (!t[i].err[0] && err[0]))
			fail_msg("fact %zu: %d, out \"%s\", err \"%s\"", i + 1, status, out, err);
	}
}

static void test_full_disk(void **state)
{
	char *argv[] = { "policy", "print", good, NULL }, err[1024];

	(void)state;
	assert_int_equal(run("/dev/full", argv, NULL, err), 125);
	assert_non_null(strstr(err, "cannot write the output"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_full_disk),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
