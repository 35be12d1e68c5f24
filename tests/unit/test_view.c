/* SPDX-License-Identifier: Apache-2.0 */
/* The options that say what a program sees, text for text: mounts, clocks, ids, sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/mounts.h"
#include "cli/source.h"
#include "cli/view.h"

static void test_mounts(void **state)
{
	static const struct {
		const char *name, *value, *why;		/* NULL: right */
		struct jail_mount want;
	} t[] = {
		/* 1 */ { "--bind", "/usr", NULL, { .kind = JAIL_BIND, .source = "/usr", .dest = "/usr", .writable = true } },
		/* 2 */ { "--ro-bind", "/usr:/x", NULL, { .kind = JAIL_BIND, .source = "/usr", .dest = "/x" } },
		/* 3 */ { "--bind", "/usr::ro,noexec", NULL,
			  { .kind = JAIL_BIND, .source = "/usr", .dest = "/usr", .noexec = true } },
		/* 4 */ { "--bind", "/usr:/x:nosymfollow,slave,idmap,rw", NULL, { .kind = JAIL_BIND, .source = "/usr",
			  .dest = "/x", .writable = true, .nosymfollow = true, .slave = true, .idmap = true } },
		/* 5 */ { "--tmpfs", "/x:size=1M,inodes=7,mode=1777", NULL, { .kind = JAIL_TMPFS, .dest = "/x", .writable = true,
			  .size = 1 << 20, .inodes = 7, .mode = 01777 } },
		/* 6 */ { "--dir", "/x", NULL, { .kind = JAIL_TMPFS, .dest = "/x", .writable = true } },
		/* 7 */ { "--symlink", "../a:/x", NULL, { .kind = JAIL_SYMLINK, .source = "../a", .dest = "/x" } },
		/* 8 */ { "--file", "/x=a=b:c,d\n", NULL, { .kind = JAIL_FILE, .dest = "/x", .text = "a=b:c,d\n", .text_len = 8 } },
		/* 9 */ { "--overlay", "/usr:/x", NULL,
			  { .kind = JAIL_OVERLAY, .source = "/usr", .dest = "/x", .writable = true } },
		/* 10 */ { "--overlay", "/usr:/x:upper=/var,work=/tmp", NULL, { .kind = JAIL_OVERLAY, .source = "/usr",
			   .dest = "/x", .writable = true, .upper = "/var", .work = "/tmp" } },
		/* 11 */ { "--image", "/usr", NULL, { .kind = JAIL_IMAGE, .source = "/usr", .dest = "/" } },
		/* 12 */ { "--bind", "/no/such", "No such file", { 0 } },
		/* 13 */ { "--bind", "", "missing", { 0 } },
		/* 14 */ { "--bind", "/usr:x", "not absolute", { 0 } },
		/* 15 */ { "--bind", "/usr:/x:size=1M", "there is ro, rw, noexec", { 0 } },
		/* 16 */ { "--bind", "/usr:/x:noexec=1", "no option", { 0 } },
		/* 17 */ { "--dir", "/x:size=1M", "no option", { 0 } },
		/* 18 */ { "--tmpfs", "x", "not absolute", { 0 } },
		/* 19 */ { "--tmpfs", "/x:size=1", "4K or more", { 0 } },
		/* 20 */ { "--tmpfs", "/x:mode=4755", "octal", { 0 } },
		/* 21 */ { "--tmpfs", "/x:mode=9", "octal", { 0 } },
		/* 22 */ { "--symlink", "a", "missing", { 0 } },
		/* 23 */ { "--file", "/x", "no text", { 0 } },
		/* 24 */ { "--file", "x=y", "no absolute place", { 0 } },
		/* 25 */ { "--file-fd", "x:/y", "no descriptor", { 0 } },
		/* 26 */ { "--overlay", "/usr:/x:upper=var,work=/tmp", "not absolute", { 0 } },
		/* 27 */ { "--overlay", "/usr:/x:upper=/var,upper=/var,work=/tmp", "twice", { 0 } },
		/* 28 */ { "--overlay", "/usr:/x:upper=/var", "go together", { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct mounts m = { NULL, 0 };
		char why[MOUNTS_WHY_CAP] = "";
		int r = mounts_add(&m, t[i].name, t[i].value, why);
		const struct jail_mount *w = &t[i].want, *g = m.list;

		if ((r == 0) != !t[i].why || (r < 0 && !strstr(why, t[i].why)))
			fail_msg("fact %zu: %d, %s", i + 1, r, why);
		if (r == 0 && (g->kind != w->kind || g->writable != w->writable || g->noexec != w->noexec ||
		    g->nosymfollow != w->nosymfollow || g->slave != w->slave || g->idmap != w->idmap || g->size != w->size ||
		    g->inodes != w->inodes || g->mode != w->mode || g->text_len != w->text_len ||
		    strcmp(g->dest, w->dest) != 0 || !g->source != !w->source || (g->source && strcmp(g->source, w->source) != 0) ||
		    !g->upper != !w->upper || (g->upper && (strcmp(g->upper, w->upper) != 0 || strcmp(g->work, w->work) != 0)) ||
		    (g->text && memcmp(g->text, w->text, g->text_len) != 0)))
			fail_msg("fact %zu: not what is wanted", i + 1);
		mounts_done(&m);
	}
}

static void test_view(void **state)
{
	static const struct {
		const char *name, *value;
		bool right;
		struct jail_view want;
	} t[] = {
		/* 1 */ { "--time-offset", "monotonic=1.5", true, { .monotonic_ns = 1500000000 } },
		/* 2 */ { "--time-offset", "boottime=-0.25,monotonic=+7", true, { .monotonic_ns = 7000000000, .boottime_ns = -250000000 } },
		/* 3 */ { "--time-offset", "", false, { .caps = 0 } },
		/* 4 */ { "--time-offset", "monotonic", false, { .caps = 0 } },
		/* 5 */ { "--time-offset", "monotonic=--1", false, { .caps = 0 } },
		/* 6 */ { "--time-offset", "realtime=1", false, { .caps = 0 } },
		/* 7 */ { "--time-offset", "monotonic=5000000000", false, { .caps = 0 } },
		/* 8 */ { "--proc", "subset=pid", true, { .proc_subset = true } },
		/* 9 */ { "--proc", "hidepid", false, { .caps = 0 } },
		/* 10 */ { "--proc", "hidepid=2", false, { .caps = 0 } },
		/* 11 */ { "--uid-map", "0:100000:65536", true, { .uids = { 1, { { 0, 100000, 65536 } } } } },
		/* 12 */ { "--gid-map", "5:6:1", true, { .gids = { 1, { { 5, 6, 1 } } } } },
		/* 13 */ { "--uid-map", "0:1", false, { .caps = 0 } },
		/* 14 */ { "--uid-map", "0:1:0", false, { .caps = 0 } },
		/* 15 */ { "--uid-map", "0:1:2:3", false, { .caps = 0 } },
		/* 16 */ { "--uid-map", "1:4294967290:6", false, { .caps = 0 } },
		/* 17 */ { "--uid-map", "-1:0:1", false, { .caps = 0 } },
		/* 18 */ { "--cap-add", "setuid", true, { .caps = 1 << 7 } },
		/* 19 */ { "--cap-add", "cap_chown", true, { .caps = 1 } },
		/* 20 */ { "--cap-add", "all", false, { .caps = 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct jail_view v;
		char why[VIEW_WHY_CAP] = "";
		int r;

		memset(&v, 0, sizeof(v));
		r = view_set(&v, t[i].name, t[i].value, why);
		if ((r == 0) != t[i].right || (r < 0 && !why[0]))
			fail_msg("fact %zu: %d, %s", i + 1, r, why);
		if (r == 0 && (v.monotonic_ns != t[i].want.monotonic_ns || v.boottime_ns != t[i].want.boottime_ns ||
		    v.proc_subset != t[i].want.proc_subset || v.caps != t[i].want.caps ||
		    memcmp(&v.uids, &t[i].want.uids, sizeof(v.uids)) != 0 || memcmp(&v.gids, &t[i].want.gids, sizeof(v.gids)) != 0))
			fail_msg("fact %zu: not what is wanted", i + 1);
	}
}

/* Where paths lead: the system's links are followed, others are not, and a loop ends. */
static void test_source(void **state)
{
	char dir[] = "/tmp/sluice-source.XXXXXX", path[96], other[96], why[SOURCE_WHY_CAP], *to;

	(void)state;
	assert_non_null(mkdtemp(dir));
	to = source_resolve("/usr/../usr/./bin//", false, why);
	assert_string_equal(to, "/usr/bin");
	free(to);
	to = source_resolve("/proc/self/../../usr", false, why);
	assert_string_equal(to, "/usr");
	free(to);
	to = source_resolve("/", false, why);
	assert_string_equal(to, "/");
	free(to);

	snprintf(path, sizeof(path), "%s/link", dir);
	assert_int_equal(symlink("/usr/bin", path), 0);
	if (geteuid() == 0)
		assert_int_equal(lchown(path, 4242, 4242), 0);
	assert_null(source_resolve(path, false, why));
	assert_non_null(strstr(why, "the option follow"));
	to = source_resolve(path, true, why);
	assert_string_equal(to, "/usr/bin");
	free(to);

	snprintf(other, sizeof(other), "%s/loop", dir);
	assert_int_equal(symlink("loop", other), 0);
	assert_null(source_resolve(other, false, why));
	assert_null(source_resolve(other, true, why));
	unlink(path);
	unlink(other);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mounts), cmocka_unit_test(test_view), cmocka_unit_test(test_source),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
