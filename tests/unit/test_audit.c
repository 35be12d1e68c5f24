/* SPDX-License-Identifier: Apache-2.0 */
/* sluice audit: from what a probe tells to layers and a score. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/audit/judge.h"
#include "cli/options.h"

/* The rest of that file belongs to the jail. */
int jail_landlock_abi(void)
{
	return 7;
}

/* A jail in which all that a probe can see is as it should be. */
static const char good[] =
	"ns\tuser\t11\nns\tmnt\t12\nns\tpid\t13\nns\tnet\t14\nns\tipc\t15\nns\tuts\t16\nns\tcgroup\t17\nns\ttime\t18\n"
	"root\t/\t5:1\n"
	"status\tCapInh\t0000000000000000\nstatus\tCapPrm\t0000000000000000\nstatus\tCapEff\t0000000000000000\n"
	"status\tCapBnd\t0000000000000000\nstatus\tCapAmb\t0000000000000000\nstatus\tNoNewPrivs\t1\nstatus\tSeccomp\t2\n"
	"status\tSeccomp_filters\t1\nstatus\tGroups\t\n"
	"interface\tlo\t0\ninterface\teth0\t0\n"
	"mount\t/\ttmpfs ro,nosuid,nodev rw\nmount\t/usr\text4 ro,nosuid,nodev rw\nmount\t/tmp\ttmpfs rw,nosuid,nodev rw\n"
	"mount\t/dev/pts\tdevpts rw,nosuid,noexec rw\nmount\t/data\text4 rw,nosuid,nodev ro\n"
	"device\t/dev/null\tc 1:3\ndevice\t/dev/console\tc 136:4\n"
	"fd\t0\t/dev/null\nfd\t1\tpipe:[1]\nfd\t2\tpipe:[2]\n"
	"processes\tseen\t2\nrlimit\tcore\t1\nsecurebits\tself\t207\nenv\tPATH\t10\n"
	"call\tunshare user\tEPERM\ncall\tbpf\tENOSYS\ncall\tacct\tsignal 31\ncall\tx32\tuntried\n"
	"socket\tAF_ALG\tEAFNOSUPPORT\nlandlock\tlayers\t1\n"
	"read\t/dev/kmsg\tENODATA\nwrite\t/proc/sysrq-trigger\tEROFS\ncreate\t/\tEROFS\ncreate\t/usr\tEACCES\n"
	"host\tloopback\tECONNREFUSED\nhost\tabstract\tEPERM\n"
	"end\tfacts\tok\n";

static const char outside[] =
	"ns\tuser\t1\nns\tmnt\t2\nns\tpid\t3\nns\tnet\t4\nns\tipc\t5\nns\tuts\t6\nns\tcgroup\t7\nns\ttime\t8\n"
	"root\t/\t1:2\nend\tfacts\tok\n";

static void parse_options(struct options *o, const char *option, const char *value)
{
	char *argv[16] = { "run", "--memory", "64M", "--cpu", "1", "--time", "9", "--uid", "77", "--quiet" };
	int n = 10;

	if (option) {
		argv[n++] = (char *)(uintptr_t)option;
		argv[n++] = (char *)(uintptr_t)value;
	}
	argv[n++] = "--";
	argv[n++] = "true";
	assert_int_equal(options_parse(o, OPTIONS_RUN, n, argv), 0);
}

/* text with the fact NAME<TAB>WHAT<TAB> taken for fact, which may be "" to leave it out, or added in front. */
static char *with(const char *text, const char *fact)
{
	const char *value = strrchr(fact, '\t');
	size_t key = value ? (size_t)(value + 1 - fact) : 0;
	char *out = calloc(1, strlen(text) + strlen(fact) + 2);
	size_t n = 0;

	assert_non_null(out);
	if (value && value[1])
		n = (size_t)sprintf(out, "%s\n", fact);
	while (*text) {
		size_t len = strcspn(text, "\n") + 1;

		if (!key || strncmp(text, fact, key) != 0) {
			memcpy(out + n, text, len);
			n += len;
		}
		text += len;
	}
	return out;
}

static unsigned int look(const char *fact, const struct options *o, struct layer layers[LAYER_COUNT])
{
	static struct facts in, out;
	char *text = with(good, fact), *text_out = strdup(outside);
	unsigned int score;

	assert_non_null(text_out);
	assert_int_equal(facts_parse(text, &in), 0);
	assert_int_equal(facts_parse(text_out, &out), 0);
	judge(&in, &out, o, layers);
	score = judge_score(layers);
	free(text);
	free(text_out);
	return score;
}

static void test_good(void **state)
{
	struct layer layers[LAYER_COUNT];
	struct options o;

	(void)state;
	parse_options(&o, NULL, NULL);
	assert_int_equal(look("", &o, layers), 0);
	for (int i = 0; i < LAYER_COUNT; i++) {
		if (layers[i].open || !layers[i].evidence[0])
			fail_msg("%s: %u, %s", layer_words[i], layers[i].open, layers[i].evidence);
	}
	options_done(&o);
}

/* One fact is another: which layer is open then, how far, and what is said. No other layer is. */
static void test_facts(void **state)
{
	static const struct {
		const char *fact;
		enum audit_layer layer;
		unsigned int open;
		const char *evidence;
	} t[] = {
		/*  1 */ { "ns\tuser\t1", LAYER_USERNS, 100, "user:[1] is the caller's" },
		/*  2 */ { "ns\tmnt\t2", LAYER_MNTNS, 100, "the caller's" },
		/*  3 */ { "ns\tpid\t3", LAYER_PIDNS, 100, "the caller's" },
		/*  4 */ { "ns\tnet\t4", LAYER_NETNS, 100, "the caller's" },
		/*  5 */ { "ns\tipc\t5", LAYER_IPCNS, 100, "the caller's" },
		/*  6 */ { "ns\tuts\t6", LAYER_UTSNS, 100, "the caller's" },
		/*  7 */ { "ns\tcgroup\t7", LAYER_CGROUPNS, 100, "the caller's" },
		/*  8 */ { "ns\ttime\t8", LAYER_TIMENS, 100, "the caller's" },
		/*  9 */ { "ns\ttime\t", LAYER_TIMENS, 100, "time: not seen" },
		/* 10 */ { "root\t/\t1:2", LAYER_ROOT, 100, "1:2 inside" },
		/* 11 */ { "root\t/\t", LAYER_ROOT, 100, "" },
		/* 12 */ { "status\tCapEff\t0000000000200000", LAYER_CAPS, 100, "not empty: CapEff" },
		/* 13 */ { "status\tCapBnd\t000001ffffffffff", LAYER_CAPS, 25, "CapBnd" },
		/* 14 */ { "status\tCapAmb\t", LAYER_CAPS, 100, "CapAmb" },
		/* 15 */ { "status\tNoNewPrivs\t0", LAYER_NNP, 100, "not set" },
		/* 16 */ { "status\tSeccomp\t0", LAYER_SECCOMP, 100, "none" },
		/* 17 */ { "status\tGroups\t27 1000", LAYER_GROUPS, 100, "27 1000" },
		/* 18 */ { "securebits\tself\t0", LAYER_SECUREBITS, 100, "0x0" },
		/* 19 */ { "landlock\tlayers\t0", LAYER_LANDLOCK, 100, "0" },
		/* 20 */ { "landlock\tlayers\t", LAYER_LANDLOCK, 100, "none" },
		/* 21 */ { "call\tbpf\tEINVAL", LAYER_CALLS, 55, "1 of 4 calls are not refused: bpf" },
		/* 22 */ { "call\tbpf\tok", LAYER_CALLS, 55, "bpf" },
		/* 23 */ { "socket\tAF_ALG\tok", LAYER_FAMILIES, 100, "AF_ALG" },
		/* 24 */ { "read\t/proc/kcore\tok", LAYER_KERNEL, 100, "open: /proc/kcore" },
		/* 25 */ { "write\t/proc/sysrq-trigger\tok", LAYER_KERNEL, 100, "open: /proc/sysrq-trigger" },
		/* 26 */ { "create\t/usr\tok", LAYER_SYSTEM, 70, "/usr" },
		/* 27 */ { "host\tabstract\tok", LAYER_HOSTNET, 70, "abstract" },
		/* 28 */ { "mount\t/w\text4 rw,nosuid,nodev rw", LAYER_HOSTFILES, 50, "writable: /w" },
		/* 29 */ { "mount\t/tmp\ttmpfs rw,nodev rw", LAYER_FLAGS, 100, "/tmp" },
		/* 30 */ { "mount\t/tmp\ttmpfs rw,nosuid rw", LAYER_FLAGS, 100, "/tmp" },
		/* 31 */ { "device\t/dev/sda\tb 8:0", LAYER_DEVICES, 100, "/dev/sda" },
		/* 32 */ { "device\t/dev/mem\tc 1:1", LAYER_DEVICES, 100, "/dev/mem" },
		/* 33 */ { "device\t/dev/pts0\tc 136:0", LAYER_DEVICES, 100, "/dev/pts0" },
		/* 34 */ { "fd\t17\t/etc", LAYER_FDS, 100, "open: 17" },
		/* 35 */ { "env\tAWS_SECRET_ACCESS_KEY\t50", LAYER_ENV, 100, "AWS_SECRET_ACCESS_KEY" },
		/* 36 */ { "env\tgithub_token\t50", LAYER_ENV, 100, "github_token" },
		/* 37 */ { "processes\tseen\t212", LAYER_PROCESSES, 100, "212 processes" },
		/* 38 */ { "processes\tseen\t", LAYER_PROCESSES, 100, "no processes" },
		/* 39 */ { "interface\twlan0\t0", LAYER_LINKS, 100, "wlan0" },
		/* 40 */ { "rlimit\tcore\t-1", LAYER_CORE, 100, "-1" },
	};
	struct options o;

	(void)state;
	parse_options(&o, NULL, NULL);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct layer layers[LAYER_COUNT];
		unsigned int score = look(t[i].fact, &o, layers);

		for (int k = 0; k < LAYER_COUNT; k++) {
			if (layers[k].open != (k == (int)t[i].layer ? t[i].open : 0))
				fail_msg("fact %zu: %s is %u: %s", i + 1, layer_words[k], layers[k].open, layers[k].evidence);
		}
		if (!strstr(layers[t[i].layer].evidence, t[i].evidence) || score == 0)
			fail_msg("fact %zu: %u, %s", i + 1, score, layers[t[i].layer].evidence);
	}
	options_done(&o);
}

static void test_nested(void **state)
{
	struct layer layers[LAYER_COUNT];
	struct options o;

	(void)state;
	parse_options(&o, NULL, NULL);
	look("call\tunshare user\tok", &o, layers);
	assert_int_equal(layers[LAYER_NESTED].open, 100);
	assert_true(layers[LAYER_CALLS].open > 0);
	options_done(&o);
}

/* What only the options know. */
static void test_options(void **state)
{
	static const struct {
		const char *option, *value;
		enum audit_layer layer;
		unsigned int open;
		const char *evidence;
	} t[] = {
		/* 1 */ { "--uid", "0", LAYER_UID, 100, "user 0 of the host" },
		/* 2 */ { "--allow", "a.test", LAYER_POLICY, 50, "1 rule" },
		/* 3 */ { "--allow", "0.0.0.0/0:443", LAYER_POLICY, 100, "any host is allowed" },
		/* 4 */ { "--bind", "/usr/share/doc:/w", LAYER_HOSTFILES, 50, "writable: /w" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct layer layers[LAYER_COUNT];
		struct options o;

		parse_options(&o, t[i].option, t[i].value);
		look("", &o, layers);
		if (layers[t[i].layer].open != t[i].open || !strstr(layers[t[i].layer].evidence, t[i].evidence))
			fail_msg("fact %zu: %u, %s", i + 1, layers[t[i].layer].open, layers[t[i].layer].evidence);
		options_done(&o);
	}
}

/* Nothing is known: nothing is there. */
static void test_parse(void **state)
{
	static struct facts f;
	struct layer layers[LAYER_COUNT];
	char none[] = "", torn[] = "ns\tuser\t1\nno tabs\nx\ty\n", tiny[] = "end\tfacts\tok\n";
	static char more[16 * (FACTS_MAX + 8)];
	struct options o;
	size_t n = 0;

	(void)state;
	assert_true(facts_parse(none, &f) < 0);
	assert_true(facts_parse(torn, &f) < 0);
	assert_int_equal(f.n, 1);
	for (int i = 0; i < FACTS_MAX + 4; i++)
		n += (size_t)sprintf(more + n, "a\tb\t%d\n", i);
	assert_true(facts_parse(more, &f) < 0);
	assert_int_equal(f.n, FACTS_MAX);
	assert_int_equal(facts_parse(tiny, &f), 0);
	parse_options(&o, NULL, NULL);
	judge(&f, &f, &o, layers);
	assert_int_equal(layers[LAYER_CAPS].open, 100);
	assert_int_equal(layers[LAYER_CALLS].open, 100);
	assert_true(judge_score(layers) > 65);
	options_done(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_parse),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
