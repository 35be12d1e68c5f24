/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_file: from a profile's name or file to its rules, and to the filter that the jail loads. The built-in ones'
 * programs were made at build time; their texts are here to be included and printed. Runs in the caller,
 * with the caller's rights.
 */
#include "sandbox/filter_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "sandbox/filter_texts.h"

enum { FILE_MAX = 1 << 20 };

static const char *builtin_text(const char *name)
{
	for (size_t i = 0; i < sizeof(filter_texts) / sizeof(filter_texts[0]); i++) {
		if (strcmp(filter_texts[i].name, name) == 0)
			return filter_texts[i].text;
	}
	return NULL;
}

static int read_file(const struct filter_reader *reader, const char *path, char **ret_text, size_t *ret_len, char *why)
{
	cleanup_free char *text = NULL;
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n;
	int e;

	if (fd < 0 || fstat(fd, &st) < 0) {
		e = -errno;
		snprintf(why, FILTER_WHY_CAP, "%s; use default, strict, compute or a file",
			 e == -ENOENT ? "no such profile and no such file" : strerror(-e));
		return e;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		snprintf(why, FILTER_WHY_CAP, "not a file of at most 1 MiB; give one");
		return -EINVAL;
	}
	text = malloc((size_t)st.st_size + 1);
	n = text ? read(fd, text, (size_t)st.st_size) : -1;
	if (n < 0) {
		snprintf(why, FILTER_WHY_CAP, "%s; give a file that can be read", strerror(errno));
		return -EIO;
	}
	e = reader ? reader->on_file(reader->arg, path) : 0;
	if (e < 0) {
		snprintf(why, FILTER_WHY_CAP, "%s; use fewer files", strerror(-e));
		return e;
	}
	*ret_text = text;
	*ret_len = (size_t)n;
	text = NULL;
	return 0;
}

/* What a profile includes: a built-in one, or a file; a relative name is looked up beside the including file. */
static int read_included(void *arg, const char *from, const char *name, char **ret_text, size_t *ret_len, char *why)
{
	const char *builtin = builtin_text(name), *slash = from ? strrchr(from, '/') : NULL;
	cleanup_free char *path = NULL;

	if (builtin) {
		*ret_text = strdup(builtin);
		*ret_len = strlen(builtin);
		return *ret_text ? 0 : -ENOMEM;
	}
	if (!from) {
		snprintf(why, FILTER_WHY_CAP, "no such profile; include default, strict, compute or terminal");
		return -ENOENT;
	}
	if (asprintf(&path, "%.*s%s", slash && *name != '/' ? (int)(slash - from + 1) : 0, from, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return read_file(arg, path, ret_text, ret_len, why);
}

static int parse(const struct filter_reader *reader, const char *from, const char *text, size_t len,
		 struct profile *ret_profile, char *why)
{
	const struct profile_source source = { from, read_included, (void *)(uintptr_t)reader, 0 };
	struct profile p = PROFILE_EMPTY;
	size_t start = 0;
	int e;

	while (start < len && isspace((unsigned char)text[start]))
		start++;
	if (start < len && text[start] == '{')
		e = profile_parse_json(&p, text, len, why);
	else
		e = profile_parse_text(&p, text, len, &source, why);
	/* Whatever it allows, nobody types for the user. */
	if (e == 0)
		e = profile_parse_text(&p, builtin_text("terminal"), strlen(builtin_text("terminal")), &source, why);
	if (e < 0) {
		profile_done(&p);
		return e;
	}
	profile_complete(&p);
	*ret_profile = p;
	return 0;
}

int profile_parse(const char *text, size_t len, struct profile *ret_profile, char *why)
{
	return parse(NULL, NULL, text, len, ret_profile, why);
}

int profile_open(const char *what, const struct filter_reader *reader, struct profile *ret_profile, char *why)
{
	const char *builtin = filter_builtin(what) ? builtin_text(what) : NULL;
	cleanup_free char *text = NULL;
	size_t len;
	int e;

	if (builtin)
		return parse(reader, NULL, builtin, strlen(builtin), ret_profile, why);
	e = read_file(reader, what, &text, &len, why);
	return e < 0 ? e : parse(reader, what, text, len, ret_profile, why);
}

/* What the jail itself calls between the filter and the program. */
static int check_start(const struct filter *f, char *why)
{
	static const char *const needed[] = { "close_range", "execve", "exit_group", "getpid", "recvmsg", "rt_sigaction",
		"rt_sigprocmask", "sendmsg", "setpgid" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		struct seccomp_data d = { .arch = profile_abis[0].abi.arch };
		uint32_t nr, action;

		if (filter_call_number(&profile_abis[0].abi, needed[i], &nr) < 0)
			continue;
		d.nr = (int)nr;
		action = filter_simulate(f, &d);
		if (action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG)
			continue;
		snprintf(why, FILTER_WHY_CAP, "it refuses %s, without which no program is started; allow it", needed[i]);
		return -EINVAL;
	}
	return 0;
}

static int make(struct profile *p, struct filter *ret_filter, char *why)
{
	struct filter f = { .name = "file" };
	int e = profile_make(p, &f.prog);

	profile_done(p);
	if (e < 0) {
		snprintf(why, FILTER_WHY_CAP, "%s; use fewer rules",
			 e == -E2BIG ? "more instructions than the kernel takes" : strerror(-e));
		return e;
	}
	f.owned = f.prog.filter;
	e = check_start(&f, why);
	if (e < 0)
		filter_close(&f);
	else
		*ret_filter = f;
	return e;
}

int filter_parse(const char *text, size_t len, struct filter *ret_filter, char *why)
{
	struct profile p;
	int e = profile_parse(text, len, &p, why);

	return e < 0 ? e : make(&p, ret_filter, why);
}

int filter_open(const char *what, const struct filter_reader *reader, struct filter *ret_filter, char *why)
{
	const struct filter *builtin = filter_builtin(what);
	struct profile p;
	int e;

	if (builtin) {
		*ret_filter = *builtin;
		return 0;
	}
	e = profile_open(what, reader, &p, why);
	if (e == 0)
		e = make(&p, ret_filter, why);
	if (e == 0)
		ret_filter->name = what;
	return e;
}

void filter_close(struct filter *f)
{
	free(f->owned);
	*f = (struct filter){ 0 };
}
