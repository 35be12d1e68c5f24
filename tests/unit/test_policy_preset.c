/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Presets: how they are found, included and refused; and each one that we ship against a list of what it
 * allows. Warnings: which hosts are known to be shared with strangers. TOP is set by the build.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/policy/policy.h"

#define N(t) (sizeof(t) / sizeof((t)[0]))
#define V "version: 1\n"

static char dir[] = "/tmp/sluice-preset-XXXXXX";

static const struct {
	const char *name, *text;
} files[] = {
	{ "one", "# SPDX-License-Identifier: X\n#\n# the first\n# more\n" V "egress: [{allow: one.test}]\n" },
	{ "two", V "preset: one\negress: [{allow: two.test}]\n" },
	{ "both", "# both\n" V "presets: [one, two]\n" },
	{ "typo", V "egress:\n  - alow: x.test\n" },
	{ "uses-typo", V "preset: typo\n" },
	{ "uses-none", V "preset: nonesuch\n" },
	{ "self", V "preset: self\n" },
	{ "ring-a", V "egress: [{allow: a.test}]\npreset: ring-b\n" },
	{ "ring-b", V "preset: ring-a\n" },
	{ "limited", V "limits: {flows: 1}\n" },
	{ "denying", V "denied_names: refused\n" },
	{ "d1", V "preset: d2\n" },
	{ "d2", V "preset: d3\n" },
	{ "d3", V "preset: d4\n" },
	{ "d4", V "preset: d5\n" },
	{ "d5", V "preset: d6\n" },
	{ "d6", V "preset: d7\n" },
	{ "d7", V "preset: d8\n" },
	{ "d8", V "preset: d9\n" },
	{ "d9", V },
	{ "empty", "" },
};

static void path_of(const char *name, char buf[128])
{
	snprintf(buf, 128, "%s/%s.yaml", dir, name);
}

static int set_up(void **state)
{
	char path[128];

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	for (size_t i = 0; i < N(files); i++) {
		FILE *f;

		path_of(files[i].name, path);
		f = fopen(path, "w");
		fputs(files[i].text, f);
		fclose(f);
	}
	path_of("folder", path);
	return mkdir(path, 0700);
}

static int tear_down(void **state)
{
	char path[128];

	(void)state;
	for (size_t i = 0; i < N(files); i++) {
		path_of(files[i].name, path);
		unlink(path);
	}
	path_of("folder", path);
	rmdir(path);
	return rmdir(dir);
}

static void test_include(void **state)
{
	static const char text[] = V "egress: [{allow: mine.test}]\npreset: both\npresets: [two]\n";
	struct policy *p = policy_new();
	struct policy_error e;
	char *canon;

	(void)state;
	assert_int_equal(policy_set_presets(p, dir), 0);
	assert_int_equal(policy_add_yaml(p, text, strlen(text), "f.yaml", &e), 0);
	/* Each once, however often it is named, on whatever way. */
	assert_int_equal(policy_count(p), 3);
	assert_int_equal(policy_add_preset(p, "one", &e), 0);
	assert_int_equal(policy_count(p), 3);
	assert_int_equal(policy_compile(p), 0);
	assert_true(policy_judge_name(p, "one.test", IPPROTO_TCP, 443).allow);
	assert_true(policy_judge_name(p, "two.test", IPPROTO_TCP, 443).allow);
	/* The canonical text needs no preset. */
	canon = policy_print(p, NULL);
	assert_null(strstr(canon, "preset"));
	assert_non_null(strstr(canon, "  - allow: one.test\n"));
	free(canon);
	policy_free(p);
}

static void test_errors(void **state)
{
	static const struct {
		const char *text;
		const char *origin;
		unsigned int line, column;
		const char *piece;
	} t[] = {
		/*  1 */ { V "preset: ones\n", "", 2, 9, "no preset ones; did you mean one?" },
		/*  2 */ { V "preset: something\n", "", 2, 9, "sluice policy presets lists them" },
		/*  3 */ { V "preset: ../one\n", "", 2, 9, "not the name of a preset" },
		/*  4 */ { V "preset: One\n", "", 2, 9, "not the name of a preset" },
		/*  5 */ { V "preset: /etc/passwd\n", "", 2, 9, "not the name of a preset" },
		/*  6 */ { V "preset: \"one\\0\"\n", "", 2, 9, "not the name of a preset" },
		/*  7 */ { V "preset: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", "", 2, 9, "1 to 32" },
		/*  8 */ { V "presets: []\n", "", 2, 11, "empty list" },
		/*  9 */ { V "presets: [one, [two]]\n", "", 2, 16, "takes one value" },
		/* 10 */ { V "preset: {one: two}\n", "", 2, 9, "takes one value" },
		/* 11 */ { V "preset:\n", "", 2, 8, "no value" },
		/* 12 */ { V "presets: [one, onne]\n", "", 2, 16, "did you mean one?" },
		/* 13 */ { V "preset: typo\n", "preset typo", 3, 5, "did you mean \"allow\"" },
		/* 14 */ { V "preset: uses-typo\n", "preset typo", 3, 5, "did you mean \"allow\"" },
		/* 15 */ { V "preset: uses-none\n", "preset uses-none", 2, 9, "no preset nonesuch" },
		/* 16 */ { V "preset: self\n", "preset self", 2, 9, "leads back to itself" },
		/* 17 */ { V "egress: [{allow: x.test}]\npreset: ring-a\n", "preset ring-b", 2, 9, "ring-a leads back" },
		/* 18 */ { V "preset: limited\n", "preset limited", 2, 1, "move \"limits\" to the policy" },
		/* 19 */ { V "preset: denying\n", "preset denying", 2, 1, "move \"denied_names\"" },
		/* 20 */ { V "preset: d1\n", "preset d8", 2, 9, "more than 8 deep" },
		/* 21 */ { V "preset: empty\n", "preset empty", 1, 1, "is empty" },
		/* 22 */ { V "preset: folder\n", "", 2, 9, "cannot read the preset folder" },
		/* 23 */ { V "preset: one\npreset: two\n", "", 3, 1, "stands here twice" },
		/* 24 */ { V "pressets: one\n", "", 2, 1, "did you mean \"presets\"" },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		struct policy *p = policy_new();
		struct policy_error e;
		int r;

		assert_int_equal(policy_set_presets(p, dir), 0);
		r = policy_add_yaml(p, t[i].text, strlen(t[i].text), "f.yaml", &e);
		if (r != -EINVAL || strcmp(e.origin, t[i].origin) != 0 || e.line != t[i].line ||
		    e.column != t[i].column || !strstr(e.text, t[i].piece) || policy_count(p))
			fail_msg("fact %zu: %d \"%s\" %u:%u: %s", i + 1, r, e.origin, e.line, e.column, e.text);
		/* Nothing is left over: the good one still counts as unread. */
		assert_int_equal(policy_add_preset(p, "two", &e), 0);
		assert_int_equal(policy_count(p), 2);
		policy_free(p);
	}
}

/* Without a directory, as in egress. */
static void test_off(void **state)
{
	struct policy *p = policy_new();
	struct policy_error e;

	(void)state;
	assert_int_equal(policy_add_preset(p, "pypi", &e), -EINVAL);
	assert_non_null(strstr(e.text, "not known here"));
	assert_int_equal(policy_add_yaml(p, V "preset: pypi\n", 24, "f", &e), -EINVAL);
	assert_true(e.line == 2 && e.column == 9);
	assert_int_equal(policy_set_presets(p, "/nonexistent"), 0);
	assert_int_equal(policy_add_preset(p, "pypi", &e), -EINVAL);
	policy_free(p);
}

static void collect(void *arg, const char *name, const char *about)
{
	char *list = arg;

	snprintf(list + strlen(list), 1024 - strlen(list), "%s=%s|", name, about);
}

static void test_list(void **state)
{
	char list[1024] = "", empty[] = "/tmp/sluice-preset-XXXXXX";

	(void)state;
	assert_int_equal(policy_list_presets(dir, collect, list), 0);
	assert_int_equal(strncmp(list, "both=both|d1=|d2=|", 18), 0);
	assert_non_null(strstr(list, "|empty=|folder=Is a directory|limited=|one=the first|"));
	assert_int_equal(policy_list_presets("/nonexistent", collect, list), -ENOENT);
	assert_non_null(mkdtemp(empty));
	list[0] = '\0';
	assert_int_equal(policy_list_presets(empty, collect, list), 0);
	assert_string_equal(list, "");
	rmdir(empty);
}

/* ---- the ones we ship ------------------------------------------------------------------------------------- */

/* What each allows, whole: "HOST:PORTS ...". A preset that is not here fails. */
static const struct {
	const char *name, *allows;
	bool marked;			/* shared with strangers, and says so */
} shipped[] = {
	{ "alpine", "dl-cdn.alpinelinux.org:80,443", false },
	{ "anthropic", "api.anthropic.com:443", false },
	{ "crates", "index.crates.io:443 static.crates.io:443 crates.io:443", false },
	{ "debian", "deb.debian.org:80,443 security.debian.org:80,443 ftp.debian.org:80,443 "
		    "snapshot.debian.org:80,443", false },
	{ "dockerhub", "registry-1.docker.io:443 auth.docker.io:443 index.docker.io:443 "
		       "production.cloudflare.docker.com:443 production.cloudfront.docker.com:443 "
		       "docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com:443", false },
	{ "gemini", "generativelanguage.googleapis.com:443", false },
	{ "github", "github.com:443 api.github.com:443 codeload.github.com:443 raw.githubusercontent.com:443 "
		    "objects.githubusercontent.com:443 release-assets.githubusercontent.com:443 "
		    "media.githubusercontent.com:443", true },
	{ "go", "proxy.golang.org:443 sum.golang.org:443", false },
	{ "go-storage", "proxy.golang.org:443 sum.golang.org:443 storage.googleapis.com:443", true },
	{ "huggingface", "huggingface.co:443 hf.co:443 *.hf.co:443", true },
	{ "llm", "api.anthropic.com:443 api.openai.com:443 generativelanguage.googleapis.com:443 "
		 "api.mistral.ai:443", false },
	{ "maven", "repo.maven.apache.org:443 repo1.maven.org:443 plugins.gradle.org:443 "
		   "plugins-artifacts.gradle.org:443", false },
	{ "mistral", "api.mistral.ai:443", false },
	{ "npm", "registry.npmjs.org:443 registry.yarnpkg.com:443", false },
	{ "openai", "api.openai.com:443", false },
	{ "pypi", "pypi.org:443 files.pythonhosted.org:443", false },
	{ "rubygems", "rubygems.org:443 index.rubygems.org:443", false },
	{ "rustup", "static.rust-lang.org:443 sh.rustup.rs:443", false },
	{ "ubuntu", "archive.ubuntu.com:80,443 security.ubuntu.com:80,443 ports.ubuntu.com:80,443", false },
};

/* "  - allow: HOST\n    proto: tcp\n    ports: [80, 443]\n" for each, as it is printed. */
static void expect_text(const char *allows, bool marked, char *buf, size_t cap)
{
	char list[1024], *save, *host;

	snprintf(list, sizeof(list), "%s", allows);
	snprintf(buf, cap, V "egress:\n");
	for (host = strtok_r(list, " ", &save); host; host = strtok_r(NULL, " ", &save)) {
		char *ports = strchr(host, ':');
		const char *quote = *host == '*' ? "\"" : "";
		/* In a marked one all but what only the operator has names in. */
		bool mark = marked && *host != '*' && strcmp(ports - 10, "golang.org:443") != 0;

		*ports++ = '\0';
		snprintf(buf + strlen(buf), cap - strlen(buf), "  - allow: %s%s%s\n    proto: tcp\n    ports: [%s]\n",
			 quote, host, quote, strcmp(ports, "443") == 0 ? "443" : "80, 443");
		if (mark)
			snprintf(buf + strlen(buf), cap - strlen(buf), "    tenants: any\n");
	}
}

static void keep(void *arg, const struct policy_warning *w)
{
	snprintf(arg, 512, "%s:%u:%u %.400s", w->origin, w->line, w->column, w->text);
}

static void seen(void *arg, const char *name, const char *about)
{
	size_t *n = arg;

	assert_true(*n < N(shipped));
	assert_string_equal(name, shipped[*n].name);
	if (strlen(about) < 10 || strlen(about) > 80)
		fail_msg("%s: its first line of comment is \"%s\"", name, about);
	++*n;
}

static void test_shipped(void **state)
{
	size_t listed = 0;

	(void)state;
	assert_int_equal(policy_list_presets(TOP "/presets", seen, &listed), 0);
	assert_int_equal(listed, N(shipped));
	for (size_t i = 0; i < N(shipped); i++) {
		struct policy *p = policy_new();
		struct policy_error e;
		char want[4096], warning[512] = "";
		char *got;

		assert_int_equal(policy_set_presets(p, TOP "/presets"), 0);
		if (policy_add_preset(p, shipped[i].name, &e) != 0)
			fail_msg("%s: %s:%u:%u: %s", shipped[i].name, e.origin, e.line, e.column, e.text);
		if (policy_warn(p, keep, warning))
			fail_msg("%s", warning);
		expect_text(shipped[i].allows, shipped[i].marked, want, sizeof(want));
		got = policy_print(p, NULL);
		assert_string_equal(got, want);
		free(got);
		policy_free(p);
	}
}

/* All at once do not get in each other's way. */
static void test_together(void **state)
{
	static const struct {
		const char *name;
		uint16_t port;
		bool allow;
	} t[] = {
		/*  1 */ { "pypi.org", 443, true },
		/*  2 */ { "pypi.org", 80, false },
		/*  3 */ { "upload.pypi.org", 443, false },
		/*  4 */ { "evilpypi.org", 443, false },
		/*  5 */ { "deb.debian.org", 80, true },
		/*  6 */ { "gist.github.com", 443, false },
		/*  7 */ { "gist.githubusercontent.com", 443, false },
		/*  8 */ { "cas-server.xethub.hf.co", 443, true },
		/*  9 */ { "xhf.co", 443, false },
		/* 10 */ { "aiplatform.googleapis.com", 443, false },
		/* 11 */ { "other.r2.cloudflarestorage.com", 443, false },
		/* 12 */ { "evil.openai.azure.com", 443, false },
	};
	struct policy *p = policy_new();
	struct policy_error e;

	(void)state;
	assert_int_equal(policy_set_presets(p, TOP "/presets"), 0);
	for (size_t i = 0; i < N(shipped); i++)
		assert_int_equal(policy_add_preset(p, shipped[i].name, &e), 0);
	assert_int_equal(policy_compile(p), 0);
	for (size_t i = 0; i < N(t); i++) {
		struct policy_verdict v = policy_judge_name(p, t[i].name, IPPROTO_TCP, t[i].port);

		if (v.allow != t[i].allow)
			fail_msg("fact %zu, %s", i + 1, t[i].name);
		/* No preset turns the reading off. */
		if (v.allow && v.inspect != (t[i].port == 80 ? PROTO_INSPECT_HTTP : PROTO_INSPECT_TLS))
			fail_msg("fact %zu, %s: read %u", i + 1, t[i].name, v.inspect);
	}
	policy_free(p);
}

/* ---- warnings ----------------------------------------------------------------------------------------------- */

static void test_warnings(void **state)
{
	static const struct {
		const char *host, *piece;	/* piece NULL: no warning */
	} t[] = {
		/*  1 */ { "*.blob.core.windows.net", "many customers" },
		/*  2 */ { "*.windows.net", "many customers" },
		/*  3 */ { "mine.blob.core.windows.net", NULL },
		/*  4 */ { "*.amazonaws.com", "many customers" },
		/*  5 */ { "*.s3.amazonaws.com", "many customers" },
		/*  6 */ { "*.eu-west-1.amazonaws.com", "many customers" },
		/*  7 */ { "*.compute.amazonaws.com", "many customers" },
		/*  8 */ { "bucket.s3.amazonaws.com", NULL },
		/*  9 */ { "*.bucket.s3.amazonaws.com", NULL },
		/* 10 */ { "s3.amazonaws.com", "takes and serves" },
		/* 11 */ { "s3.eu-west-1.amazonaws.com", "takes and serves" },
		/* 12 */ { "sts.amazonaws.com", NULL },
		/* 13 */ { "*.googleapis.com", "many customers" },
		/* 14 */ { "storage.googleapis.com", "takes and serves" },
		/* 15 */ { "generativelanguage.googleapis.com", NULL },
		/* 16 */ { "*.cloudfront.net", "many customers" },
		/* 17 */ { "d111111abcdef8.cloudfront.net", NULL },
		/* 18 */ { "*.github.io", "many customers" },
		/* 19 */ { "me.github.io", NULL },
		/* 20 */ { "*.workers.dev", "many customers" },
		/* 21 */ { "*.vercel.app", "many customers" },
		/* 22 */ { "*.herokuapp.com", "many customers" },
		/* 23 */ { "*.ngrok.io", "many customers" },
		/* 24 */ { "*.ngrok-free.app", "many customers" },
		/* 25 */ { "*.digitaloceanspaces.com", "many customers" },
		/* 26 */ { "*.fra1.digitaloceanspaces.com", "many customers" },
		/* 27 */ { "*.com", "anyone registers below com" },
		/* 28 */ { "*.co.uk", "anyone registers below co.uk" },
		/* 29 */ { "*.ck", "anyone registers below ck" },
		/* 30 */ { "*.example.com", NULL },
		/* 31: in a network's own zone nobody registers anything */
		/* 31 */ { "*.internal", NULL },
		/* 32 */ { "*.corp.example.com", NULL },
		/* 33 */ { "raw.githubusercontent.com", "takes and serves" },
		/* 34 */ { "gist.github.com", "takes and serves" },
		/* 35 */ { "pastebin.com", "takes and serves" },
		/* 36 */ { "*.openai.azure.com", "many customers" },
		/* 37 */ { "mine.openai.azure.com", NULL },
		/* 38 */ { "*.google.com", "many customers" },
		/* 39 */ { "pypi.org", NULL },
		/* 40 */ { "*.xn--p1ai", "anyone registers below" },
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++) {
		char text[512], warning[512] = "";
		struct policy_error e;
		struct policy *p = policy_new();
		size_t n;

		/* Denied, said to be known, or on a line of its own: no further warning. */
		snprintf(text, sizeof(text), V "egress:\n  - {deny: '%s'}\n  - {allow: '%s', tenants: any}\n"
			 "  - ports: 443\n    allow: '%s'\n    reason: because\n", t[i].host, t[i].host, t[i].host);
		assert_int_equal(policy_add_yaml(p, text, strlen(text), "f.yaml", &e), 0);
		n = policy_warn(p, keep, warning);
		if (n != (t[i].piece != NULL) || (n && !strstr(warning, t[i].piece)) ||
		    (n && (strncmp(warning, "f.yaml:5:5 ", 11) != 0 || !strstr(warning, "(its reason: because)"))))
			fail_msg("fact %zu, %s: %zu %s", i + 1, t[i].host, n, warning);
		policy_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_include), cmocka_unit_test(test_errors),	 cmocka_unit_test(test_off),
		cmocka_unit_test(test_list),	cmocka_unit_test(test_shipped),	 cmocka_unit_test(test_together),
		cmocka_unit_test(test_warnings),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
