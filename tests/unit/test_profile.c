/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: what is read, what is not and where, the canonical text, and what the command line does to them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/options_internal.h"
#include "cli/settings.h"
#include "lib/log.h"

static char dir[] = "/tmp/sluice-profile-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[4][96];
	static unsigned int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

#define V "version: 1\n"

static void test_errors(void **state)
{
	static const struct {
		const char *text, *why;		/* after "/p/x.yaml:" */
	} t[] = {
		/*  1 */ { "", "1:1: the profile is empty" },
		/*  2 */ { "quiet: true\n", "1:1: the version is missing" },
		/*  3 */ { "version: 2\n", "1:10: version 2 is not known" },
		/*  4 */ { "- version: 1\n", "1:1: a profile starts with \"version: 1\"" },
		/*  5 */ { V "memry: 1G\n", "2:1: unknown key \"memry\"; did you mean \"memory\"?" },
		/*  6 */ { V "what-is-this-option: 1\n", "2:1: unknown key \"what-is-this-option\"; the keys are" },
		/*  7 */ { V "memory: 1G\nmemory: 2G\n", "3:1: \"memory\" stands here twice" },
		/*  8 */ { V V, "2:1: \"version\" stands here twice" },
		/*  9 */ { V "memory: [1G]\n", "2:9: \"memory\" takes one value" },
		/* 10 */ { V "memory: {a: b}\n", "2:9: \"memory\" takes one value" },
		/* 11 */ { V "memory:\n", "2:8: \"memory\" has no value" },
		/* 12 */ { V "quiet: yes\n", "2:8: \"quiet\" is true or false" },
		/* 13 */ { V "env: []\n", "2:7: \"env\" is an empty list" },
		/* 14 */ { V "env: [[A=b]]\n", "2:7: \"env\" takes one value" },
		/* 15 */ { V "status-fd: 3\n", "2:1: \"status-fd\" is for the command line only" },
		/* 16 */ { V "profile: x\n", "2:1: \"profile\" is for the command line only" },
		/* 17 */ { V "help: true\n", "2:1: \"help\" is for the command line only" },
		/* 18 */ { V "--memory: 1G\n", "2:1: unknown key" },
		/* 19 */ { V "netns: /x\n", "2:1: unknown key \"netns\"" },
		/* 20 */ { V "chdir: ${PATH}\n", "2:8: ${PATH} stands for nothing here; ${HOME}, ${PWD}" },
		/* 21 */ { V "chdir: ${HOME\n", "2:8: ${HOME stands for nothing here" },
		/* 22 */ { V "chdir: \"a\\0b\"\n", "2:8: \"chdir\" has a NUL byte" },
		/* 23 */ { V "env: &a [A=b]\n", "2:6: an anchor" },
		/* 24 */ { V "env: !x [A=b]\n", "2:6: a tag" },
		/* 25 */ { V "---\n" V, "2:1: a second document" },
		/* 26 */ { V "policy:\n  egress: []\n", "3:3: the version is missing" },
		/* 27 */ { V "policy:\n  version: 1\n  egress:\n    - alow: a.test\n", "5:7: unknown key \"alow\"; did you" },
		/* 28 */ { V "policy: [a.yaml, {version: 1, egress: [{allow: 'a b'}]}]\n", "2:48: " },
		/* 29 */ { V "policy: [{version: 1, egress: [{allow: a.test, ports: [0]}]}]\n", "2:56: bad port" },
		/* 30: a character is one column, however many bytes */
		/* 30 */ { V "policy: # \xc3\xbc\xe2\x82\xac\n  version: 1 # \xc3\xbc\n  egres: []\n", "4:3: unknown key" },
		/* 31 */ { V "memory: 1G\ninclude: x.yaml\n", "3:10: \"include\" stands in front" },
		/* 32 */ { V "include: x.yaml\n", "2:10: nothing can be included here" },
		/* 33 */ { V "{a: b}: c\n", "2:1: a key must be a word" },
		/* 34 */ { V "allow: *.example.test\n", "2:8: a text that starts with * needs quotes" },
		/* 35 */ { "\xff\xfe", "1:1: " },
		/* 36 */ { V "a-very-long-key-that-no-option-of-this-program-has: 1\n", "2:1: unknown key" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct settings p = { .only_text = true };
		char why[SETTINGS_WHY_CAP] = "";
		int r = settings_add_text(&p, t[i].text, strlen(t[i].text), "/p/x.yaml", why);

		if (r == 0 || strncmp(why, "/p/x.yaml:", 10) != 0 || strncmp(why + 10, t[i].why, strlen(t[i].why)) != 0)
			fail_msg("fact %zu: %d, \"%s\"", i + 1, r, why);
		assert_int_equal(p.n, 0);
		settings_done(&p);
	}
}

static void test_print(void **state)
{
	static const struct {
		const char *text, *out;		/* after "version: 1\n" */
	} t[] = {
		/*  1 */ { V, "" },
		/*  2 */ { V "quiet: true\nmemory: 512M\n", "memory: \"512M\"\nquiet: true\n" },
		/*  3 */ { V "env: A=b\n", "env:\n  - \"A=b\"\n" },
		/*  4 */ { V "env: [A=b, \"C=\\\"\\\\\"]\n", "env:\n  - \"A=b\"\n  - \"C=\\U00000022\\U0000005C\"\n" },
		/*  5 */ { V "env: [\"A=\\x07\\u2028\\u20ac\"]\n", "env:\n  - \"A=\\U00000007\\U00002028\xe2\x82\xac\"\n" },
		/*  6 */ { V "env: [\"A=$${x}$y$$\"]\n", "env:\n  - \"A=$${x}$y$$\"\n" },
		/*  7: of two that nobody includes, the later */
		/*  7 */ { V "ro-bind: [data, ./x/../y:/y, /a//b/.]\n",
			   "ro-bind:\n  - \"/p/data\"\n  - \"/p/y:/y\"\n  - \"/a/b\"\n" },
		/*  8 */ { V "bind: [/a:/x, /b:/x/]\n", "bind:\n  - \"/b:/x/\"\n" },
		/*  9 */ { V "ro-bind: [/a:/x, /a]\nbind: /b:/x\n", "bind:\n  - \"/b:/x\"\nro-bind:\n  - \"/a\"\n" },
		/* 9b */ { V "overlay: [\"a:/o:noexec,upper=u/./x,work=/w\", \"b::upper=c,follow\"]\n",
			    "overlay:\n  - \"/p/a:/o:noexec,upper=/p/u/x,work=/w\"\n  - \"/p/b::upper=/p/c,follow\"\n" },
		/* 9c */ { V "bind: /a:/x\ntmpfs: [/x, /y:size=1M]\ndir: /y/\nfile: \"/z=a:b\"\nsymlink: t:/z\n",
			    "tmpfs:\n  - \"/x\"\ndir:\n  - \"/y/\"\nsymlink:\n  - \"t:/z\"\n" },
		/* 10 */ { V "seccomp: strict\n", "seccomp: \"strict\"\n" },
		/* 11 */ { V "seccomp: my.json\n", "seccomp: \"/p/my.json\"\n" },
		/* 12 */ { V "policy: [a.yaml, {version: 1}]\n",
			   "policy:\n  - \"/p/a.yaml\"\n  - version: 1\n    egress: []\n" },
		/* 13 */ { V "policy:\n  version: 1\n  egress:\n    - allow: a.test\n      ports: 443\n  limits:\n    flows: 7\n"
			   "time: 1\n",
			   "policy:\n  - version: 1\n    egress:\n      - allow: a.test\n        proto: tcp\n"
			   "        ports: [443]\n    limits:\n      flows: 7\ntime: \"1\"\n" },
		/* 14 */ { V "env: \xc3\xbc=1\npolicy: {version: 1, egress: [{allow: b.test}]}\n",
			   "policy:\n  - version: 1\n    egress:\n      - allow: b.test\n        proto: tcp\n"
			   "        ports: [80, 443]\nenv:\n  - \"\xc3\xbc=1\"\n" },
		/* 15 */ { V "keep-env: false\n", "keep-env: false\n" },
		/* 16 */ { V "chdir: ${HOME}/x\nname: u${UID}\n", "name: \"u0\"\nchdir: \"/home/of/me/x\"\n" },
	};

	(void)state;
	assert_int_equal(setenv("HOME", "/home/of/me", 1), 0);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct settings p = { .only_text = true }, again = { .only_text = true };
		char why[SETTINGS_WHY_CAP] = "", want[64], *out, *twice, *uid;

		if (settings_add_text(&p, t[i].text, strlen(t[i].text), "/p/x.yaml", why) < 0)
			fail_msg("fact %zu: %s", i + 1, why);
		out = settings_print(&p);
		assert_non_null(out);
		snprintf(want, sizeof(want), "u%u\"", getuid());
		uid = strstr(t[i].out, "u0\"");
		if (strncmp(out, V, strlen(V)) != 0 || (uid ? !strstr(out, want) : strcmp(out + strlen(V), t[i].out) != 0))
			fail_msg("fact %zu: %s", i + 1, out);
		if (settings_add_text(&again, out, strlen(out), "/q/x.yaml", why) < 0)
			fail_msg("fact %zu, printed: %s\n%s", i + 1, why, out);
		twice = settings_print(&again);
		assert_string_equal(out, twice);
		free(out);
		free(twice);
		settings_done(&p);
		settings_done(&again);
	}
}

/* The first line of errors. */
static int parse(struct options *o, char *argv[], char why[1024])
{
	int argc = 0, r, fd = open(path_of("err"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), saved = dup(2);
	ssize_t n;

	while (argv[argc])
		argc++;
	fflush(NULL);
	dup2(fd, 2);
	r = options_parse(o, OPTIONS_RUN, argc, argv);
	fflush(NULL);
	dup2(saved, 2);
	close(saved);
	n = pread(fd, why, 1023, 0);
	why[n > 0 ? n : 0] = '\0';
	close(fd);
	return r;
}

static void test_includes(void **state)
{
	static const struct {
		const char *name, *text, *why;	/* "" for none */
	} t[] = {
		/*  1 */ { "base.yaml", V "memory: 1G\nenv: A=1\nro-bind: /usr:/x\n", "" },
		/*  2 */ { "over.yaml", V "include: base.yaml\nmemory: 2G\nenv: [B=2]\n", "" },
		/*  3 */ { "twice.yaml", V "include: [base.yaml, over.yaml]\n", "" },
		/*  4 */ { "self.yaml", V "include: ./self.yaml\n", "self.yaml:2:10: this leads back to itself" },
		/*  5 */ { "ping.yaml", V "include: pong.yaml\n", "ping.yaml:2:10: " },
		/*  6 */ { "pong.yaml", V "include: ping.yaml\n", "ping.yaml:2:10: this leads back to itself" },
		/*  7 */ { "none.yaml", V "include: nothere.yaml\n", "nothere.yaml: cannot read the profile: No such" },
		/*  8 */ { "dir.yaml", V "include: ./.\n", "cannot read the profile: Is a directory" },
		/*  9 */ { "name.yaml", V "include: nosuchprofile\n", "sluice profile list" },
		/* 10 */ { "bad.yaml", V "memory: 5\n", "bad.yaml:2:9: --memory 5: not a size" },
		/* 11 */ { "far.yaml", V "\ninclude: bad.yaml\nmemory: 1G\n", "bad.yaml:2:9: --memory 5: not a size" },
		/* 12 */ { "spec.yaml", V "allow: [a.test, 'b..test']\n", "spec.yaml:2:17: --allow b..test: " },
		/* 13 */ { "file.yaml", V "policy: nothere\n", "cannot open the policy" },
		/* 14 */ { "bind.yaml", V "ro-bind: nothere\n", "bind.yaml:2:10: --ro-bind " },
		/* 15 */ { "mtu.yaml", V "mtu: 5\n", "mtu.yaml:2:6: --mtu 5: not a number from" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		put(t[i].name, t[i].text);
	put("pong.yaml", V "include: ping.yaml\n");
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char *argv[] = { "run", "--profile", (char *)(uintptr_t)path_of(t[i].name), "--", "true", NULL };
		char why[1024];
		struct options o;
		int r;

		if (strcmp(t[i].name, "ping.yaml") == 0)
			continue;	/* fact 6 is about the two */
		r = parse(&o, argv, why);
		if ((r == 0) != !t[i].why[0] || !strstr(why, t[i].why))
			fail_msg("fact %zu: %d, %s", i + 1, r, why);
		options_done(&o);
	}
}

/* What a file includes goes first, then the file, then the command line; lists add up. */
static void test_order(void **state)
{
	char over[96], why[1024];
	struct options o;

	(void)state;
	snprintf(over, sizeof(over), "%s", path_of("over.yaml"));
	char *argv[] = { "run", "--env", "C=3", "--pids", "7", "--profile", over, "--bind", "/usr/share/doc:/x", "--", "true", NULL };

	assert_int_equal(parse(&o, argv, why), 0);
	assert_true(o.limits.memory == 2ull << 30);
	assert_int_equal(o.limits.pids, 7);
	assert_int_equal(o.n_env, 3);
	assert_string_equal(o.env[0], "A=1");
	assert_string_equal(o.env[1], "B=2");
	assert_string_equal(o.env[2], "C=3");
	assert_int_equal(o.mounts.n, 2);
	assert_false(o.mounts.list[0].writable);
	assert_true(o.mounts.list[1].writable);
	options_done(&o);

	char *more[] = { "run", "--memory=3G", "--profile", over, "--bind", "/usr/share/doc:/x/share", "--ro-bind", "/usr:/", "--",
			 "true", NULL };

	assert_int_equal(parse(&o, more, why), 0);
	assert_true(o.limits.memory == 3ull << 30);
	assert_string_equal(o.mounts.list[0].dest, "/");
	assert_string_equal(o.mounts.list[1].dest, "/x");
	assert_string_equal(o.mounts.list[2].dest, "/x/share");
	options_done(&o);
}

/* Nine files in a row are one too many, seventy beside each other as well. */
static void test_bounds(void **state)
{
	char name[32], text[4096] = V "include: [n1.yaml", why[1024];
	char *argv[] = { "run", "--profile", NULL, "--", "true", NULL };
	struct options o;

	(void)state;
	for (int i = 1; i < 70; i++) {
		snprintf(name, sizeof(name), "n%d.yaml", i);
		put(name, V);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ", n%d.yaml", i);
	}
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "]\n");
	put("many.yaml", text);
	argv[2] = (char *)(uintptr_t)path_of("many.yaml");
	assert_true(parse(&o, argv, why) < 0);
	assert_non_null(strstr(why, "more than 64 files"));
	options_done(&o);
	for (int i = 1; i < 9; i++) {
		snprintf(name, sizeof(name), "n%d.yaml", i);
		snprintf(text, sizeof(text), V "include: n%d.yaml\n", i + 1);
		put(name, text);
	}
	argv[2] = (char *)(uintptr_t)path_of("n2.yaml");
	assert_int_equal(parse(&o, argv, why), 0);
	options_done(&o);
	argv[2] = (char *)(uintptr_t)path_of("n1.yaml");
	assert_true(parse(&o, argv, why) < 0);
	assert_non_null(strstr(why, "more than 8 deep"));
	options_done(&o);
}

/* Every option of run is a key, but for three; none is what the language keeps for itself. */
static void test_table(void **state)
{
	size_t n = 0;

	(void)state;
	for (const struct option *o = options_list; o < options_list + options_count; o++) {
		struct settings p = { .only_text = true };
		char text[128], why[SETTINGS_WHY_CAP] = "", *out;
		const char *key;

		if (!o->name || strncmp(o->name, "--", 2) != 0 || !(o->for_whom & OPTIONS_RUN))
			continue;
		key = o->name + 2;
		assert_ptr_equal(options_find(o->name, strlen(o->name), OPTIONS_RUN), o);
		assert_string_not_equal(key, "version");
		assert_string_not_equal(key, "include");
		snprintf(text, sizeof(text), V "%s: %s\n", key, o->value ? "/a" : "true");
		if (settings_add_text(&p, text, strlen(text), "/p/x.yaml", why) < 0) {
			if (!(o->traits & OPTION_NO_PROFILE) || !strstr(why, "for the command line only"))
				fail_msg("%s: %s", key, why);
			settings_done(&p);
			continue;
		}
		out = settings_print(&p);
		if (!out || strncmp(out + strlen(V), key, strlen(key)) != 0)
			fail_msg("%s: %s", key, out);
		free(out);
		settings_done(&p);
		n++;
	}
	assert_true(n > 35);
}

static int set_up(void **state)
{
	(void)state;
	log_init("sluice", LOG_LEVEL_INFO);
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_includes),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_bounds),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
