/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_json: reads a seccomp profile in the JSON form that Docker and Podman keep theirs in (OCI runtime
 * specification, config-linux.md, "Seccomp"; with Docker's archMap, includes and excludes). The file is the
 * caller's; it is read before the jail starts.
 *
 * Where a container runtime and this differ: an argument that the kernel reads as an int is compared in its
 * low 32 bits (runtimes compare all 64, and are walked round by setting the others); of rules that overlap
 * the strictest counts; calls of other ABIs do not exist; typing into the terminal stays refused. As in runc,
 * calls newer than any that the profile names do not exist (ENOSYS), so that libraries fall back.
 */
#include "sandbox/filter_profile.h"

#include <errno.h>
#include <jansson.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>


#if defined(__x86_64__)
#define NATIVE_GO "amd64"
#elif defined(__aarch64__)
#define NATIVE_GO "arm64"
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_GO "riscv64"
#else
#error "this architecture has no profile yet"
#endif

enum { PLACE_CAP = 64, ERRNO_MAX = 4095 };

struct reader {
	struct profile *p;
	char place[PLACE_CAP];		/* "syscalls[3]" */
	char *why;
};

static int __attribute__((format(printf, 2, 3))) bad(struct reader *r, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(r->why, FILTER_WHY_CAP, "%s%s", r->place, r->place[0] ? ": " : "");

	va_start(ap, fmt);
	vsnprintf(r->why + n, FILTER_WHY_CAP - (size_t)n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* Every key of the object is one of these: what is not understood could change what the rest means. */
static int check_keys(struct reader *r, json_t *object, const char *const *keys)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return bad(r, "not an object; write { ... }");
	json_object_foreach(object, key, value) {
		const char *const *k = keys;

		while (*k && strcmp(*k, key) != 0)
			k++;
		if (!*k)
			return bad(r, "\"%.40s\" is not known here; remove it or correct its name", key);
	}
	return 0;
}

/* An array of strings, or nothing (NULL: missing, or null). */
static int get_words(struct reader *r, json_t *object, const char *key, json_t **ret_words)
{
	json_t *list = json_object_get(object, key), *word;
	size_t i;

	if (list && !json_is_array(list) && !json_is_null(list))
		return bad(r, "\"%s\" is not a list; write [ ... ]", key);
	json_array_foreach(list, i, word) {
		if (!json_is_string(word))
			return bad(r, "%s[%zu] is not a string; put it in quotes", key, i);
	}
	*ret_words = json_is_array(list) ? list : NULL;
	return 0;
}

static bool has_word(json_t *words, const char *want)
{
	json_t *word;
	size_t i;

	json_array_foreach(words, i, word) {
		if (strcmp(json_string_value(word), want) == 0)
			return true;
	}
	return false;
}

/* ---- actions ---------------------------------------------------------------------------------------- */

static int get_action(struct reader *r, json_t *object, const char *key, const char *errno_key, uint32_t *ret_action)
{
	static const struct {
		const char *name;
		uint32_t action;
		bool has_value;
	} list[] = {
		{ "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, false }, { "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, true },
		{ "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, false },
		{ "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, false },
		{ "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, false },
		{ "SCMP_ACT_TRAP", SECCOMP_RET_TRAP, false }, { "SCMP_ACT_LOG", SECCOMP_RET_LOG, false },
		{ "SCMP_ACT_TRACE", SECCOMP_RET_TRACE, true },
	};
	json_t *number = json_object_get(object, errno_key);
	const char *name = json_string_value(json_object_get(object, key));
	json_int_t value = EPERM;	/* the specification's default */

	if (!name)
		return bad(r, "\"%s\" is missing; give one, as in \"SCMP_ACT_ERRNO\"", key);
	if (number && !json_is_null(number)) {
		value = json_integer_value(number);
		if (!json_is_integer(number) || value < 0 || value > ERRNO_MAX)
			return bad(r, "\"%s\" is not a number from 0 to %d; give one", errno_key, ERRNO_MAX);
	}
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (strcmp(list[i].name, name) != 0)
			continue;
		*ret_action = list[i].action | (list[i].has_value ? (uint32_t)value : 0);
		return 0;
	}
	if (strcmp(name, "SCMP_ACT_NOTIFY") == 0)
		return bad(r, "SCMP_ACT_NOTIFY needs a process that answers, and there is none; use SCMP_ACT_ERRNO");
	return bad(r, "\"%.40s\" is no action; use SCMP_ACT_ALLOW, _ERRNO, _KILL_PROCESS, _KILL_THREAD, _TRAP, _TRACE or "
		   "_LOG", name);
}

static bool lets_through(uint32_t action)
{
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

/* ---- ABIs ------------------------------------------------------------------------------------------- */

static void add_abis(struct reader *r, json_t *words)
{
	for (size_t i = 0; i < profile_n_abis; i++) {
		if (has_word(words, profile_abis[i].oci))
			r->p->abis |= 1u << i;
	}
}

static int read_abis(struct reader *r, json_t *root)
{
	static const char *const keys[] = { "architecture", "subArchitectures", NULL };
	json_t *words, *map = json_object_get(root, "archMap"), *entry;
	size_t i;
	int e = get_words(r, root, "architectures", &words);

	r->p->abis = PROFILE_NATIVE;
	if (e < 0)
		return e;
	add_abis(r, words);
	if (map && !json_is_array(map) && !json_is_null(map))
		return bad(r, "\"archMap\" is not a list; write [ ... ]");
	json_array_foreach(map, i, entry) {
		const char *name;

		snprintf(r->place, sizeof(r->place), "archMap[%zu]", i);
		e = check_keys(r, entry, keys);
		if (e == 0)
			e = get_words(r, entry, "subArchitectures", &words);
		if (e < 0)
			return e;
		name = json_string_value(json_object_get(entry, "architecture"));
		if (!name)
			return bad(r, "\"architecture\" is missing; give one, as in \"%s\"", profile_abis[0].oci);
		if (strcmp(name, profile_abis[0].oci) == 0)
			add_abis(r, words);
	}
	r->place[0] = '\0';
	return 0;
}

/* ---- rules ------------------------------------------------------------------------------------------ */

/* Arguments that the kernel reads as 32 bits, or looks at only those of. One bit for each argument. */
static bool is_int(const char *call, unsigned int arg)
{
	static const struct {
		const char *name;
		unsigned int args;
	} list[] = {
		{ "bpf", 1 }, { "clone", 1 }, { "fcntl", 2 | 1 }, { "ioctl", 2 | 1 }, { "keyctl", 1 },
		{ "kill", 2 | 1 }, { "madvise", 4 }, { "memfd_create", 2 }, { "open", 2 | 4 },
		{ "openat", 1 | 4 | 8 }, { "personality", 1 }, { "prctl", 1 }, { "seccomp", 2 | 1 },
		{ "setns", 2 | 1 }, { "setsockopt", 1 | 2 | 4 }, { "getsockopt", 1 | 2 | 4 },
		{ "socket", 1 | 2 | 4 }, { "socketpair", 1 | 2 | 4 }, { "socketcall", 1 },
		{ "unshare", 1 },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (strcmp(list[i].name, call) == 0)
			return list[i].args >> arg & 1;
	}
	return false;
}

static int get_number(struct reader *r, json_t *object, const char *key, uint64_t max, uint64_t *ret_n)
{
	json_t *n = json_object_get(object, key);

	*ret_n = (uint64_t)json_integer_value(n);
	if (n && !json_is_null(n) && (!json_is_integer(n) || json_integer_value(n) < 0 || *ret_n > max))
		return bad(r, "args: \"%s\" is not a number from 0 to %llu; give one", key,
			   (unsigned long long)max);
	return 0;
}

static int read_cond(struct reader *r, json_t *arg, struct filter_cond *ret_cond)
{
	static const char *const keys[] = { "index", "value", "valueTwo", "op", NULL };
	static const char *const ops[] = {
		[FILTER_EQ] = "SCMP_CMP_EQ", [FILTER_NE] = "SCMP_CMP_NE", [FILTER_LT] = "SCMP_CMP_LT",
		[FILTER_LE] = "SCMP_CMP_LE", [FILTER_GE] = "SCMP_CMP_GE", [FILTER_GT] = "SCMP_CMP_GT",
		[FILTER_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
	};
	const char *op = json_string_value(json_object_get(arg, "op"));
	uint64_t index, value, two;
	int e = check_keys(r, arg, keys);

	if (e == 0)
		e = get_number(r, arg, "index", FILTER_CONDS_MAX - 1, &index);
	if (e == 0)
		e = get_number(r, arg, "value", INT64_MAX, &value);
	if (e == 0)
		e = get_number(r, arg, "valueTwo", INT64_MAX, &two);
	if (e < 0)
		return e;
	for (size_t i = 0; op && i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (strcmp(ops[i], op) != 0)
			continue;
		*ret_cond = (struct filter_cond){ .arg = (uint8_t)index, .op = (uint8_t)i, .value = value };
		if (i == FILTER_MASKED_EQ) {
			ret_cond->mask = value;
			ret_cond->value = two;
			if (two & ~value)
				return bad(r, "args: \"valueTwo\" has bits that \"value\", the mask, has not; correct one");
		}
		return 0;
	}
	return bad(r, "args: \"%.40s\" is no comparison; use SCMP_CMP_EQ, _NE, _LT, _LE, _GE, _GT or _MASKED_EQ",
		   op ? op : "");
}

static int add_rule(struct reader *r, const char *name, const struct profile_rule *like)
{
	struct profile_rule rule = *like;

	for (size_t i = 0; i < rule.n_conds; i++) {
		struct filter_cond *c = &rule.conds[i];

		c->wide = !is_int(name, c->arg);
		if (!c->wide && c->value > UINT32_MAX)
			return bad(r, "args: %.40s reads 32 bits of argument %u; give a value that has no more", name,
				   c->arg);
		c->mask &= c->wide ? UINT64_MAX : UINT32_MAX;
	}
	if (strlen(name) >= sizeof(rule.name) || !filter_call_exists(name)) {
		if (!lets_through(r->p->otherwise))
			return 0;	/* newer than the tables here: refused, as all without a rule */
		return bad(r, "there is no call \"%.40s\", and calls without a rule are let through; correct it", name);
	}
	snprintf(rule.name, sizeof(rule.name), "%s", name);
	return profile_add(r->p, &rule) < 0 ? bad(r, "out of memory; use a smaller profile") : 0;
}

/* Conditions on one argument more than once are alternatives, as runtimes take them. */
static int add_rules(struct reader *r, const char *name, json_t *args, const struct profile_rule *plain)
{
	struct profile_rule rule = *plain;
	unsigned int seen = 0;
	bool alternatives = false;
	json_t *arg;
	size_t i;

	if (json_array_size(args) > FILTER_CONDS_MAX)
		return bad(r, "args: more than %d conditions; make two rules", FILTER_CONDS_MAX);
	json_array_foreach(args, i, arg) {
		int e = read_cond(r, arg, &rule.conds[i]);

		if (e < 0)
			return e;
		alternatives = alternatives || (seen >> rule.conds[i].arg & 1);
		seen |= 1u << rule.conds[i].arg;
	}
	rule.n_conds = json_array_size(args);
	if (!alternatives)
		return add_rule(r, name, &rule);
	for (i = 0; i < rule.n_conds; i++) {
		struct profile_rule one = *plain;
		int e;

		one.n_conds = 1;
		one.conds[0] = rule.conds[i];
		e = add_rule(r, name, &one);
		if (e < 0)
			return e;
	}
	return 0;
}

static bool kernel_is(const char *min)
{
	unsigned int want_major = 0, want_minor = 0, major = 0, minor = 0;
	struct utsname u;

	if (sscanf(min, "%u.%u", &want_major, &want_minor) < 1 || uname(&u) < 0 ||
	    sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > want_major || (major == want_major && minor >= want_minor);
}

/*
 * "includes" (all must hold) or "excludes" (none may). The program has no capability, whatever the profile
 * would do for one that has.
 */
static int read_when(struct reader *r, json_t *call, bool includes, bool *ret_applies)
{
	static const char *const keys[] = { "caps", "arches", "minKernel", NULL };
	const char *key = includes ? "includes" : "excludes";
	json_t *when = json_object_get(call, key), *caps, *arches, *kernel;
	int e;

	if (!when || json_is_null(when))
		return 0;
	e = check_keys(r, when, keys);
	if (e == 0)
		e = get_words(r, when, "caps", &caps);
	if (e == 0)
		e = get_words(r, when, "arches", &arches);
	if (e < 0)
		return e;
	kernel = json_object_get(when, "minKernel");
	if (kernel && !json_is_string(kernel))
		return bad(r, "%s: \"minKernel\" is not a version in quotes; give one, as in \"4.8\"", key);
	if (includes && json_array_size(caps))
		*ret_applies = false;
	if (json_array_size(arches) && has_word(arches, NATIVE_GO) != includes)
		*ret_applies = false;
	if (kernel && json_string_value(kernel)[0] && kernel_is(json_string_value(kernel)) != includes)
		*ret_applies = false;
	return 0;
}

static int read_call(struct reader *r, json_t *call)
{
	static const char *const keys[] = { "names", "name", "action", "errnoRet", "errno", "args", "comment", "includes",
		"excludes", NULL };
	struct profile_rule rule = { .abis = PROFILE_ALL };
	json_t *names, *name, *args;
	bool applies = true;
	size_t i;
	int e = check_keys(r, call, keys);

	if (e == 0)
		e = get_words(r, call, "names", &names);
	if (e == 0)
		e = get_action(r, call, "action", "errnoRet", &rule.action);
	if (e == 0)
		e = read_when(r, call, true, &applies);
	if (e == 0)
		e = read_when(r, call, false, &applies);
	if (e < 0)
		return e;
	args = json_object_get(call, "args");
	if (args && !json_is_array(args) && !json_is_null(args))
		return bad(r, "\"args\" is not a list; write [ ... ]");
	name = json_object_get(call, "name");
	if (!json_array_size(names) && !json_is_string(name))
		return bad(r, "\"names\" is missing or empty; name at least one call");
	/* A rule that says what holds anyway is none, as in runtimes. */
	if (!applies || rule.action == r->p->otherwise)
		return 0;
	if (json_is_string(name))
		e = add_rules(r, json_string_value(name), args, &rule);
	json_array_foreach(names, i, name) {
		if (e < 0)
			return e;
		e = add_rules(r, json_string_value(name), args, &rule);
	}
	return e;
}

static int read_profile(struct reader *r, json_t *root)
{
	static const char *const keys[] = { "defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap",
		"syscalls", "flags", NULL };
	static const char *const flags[] = { "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
		"SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" };
	json_t *calls, *call, *words;
	size_t i, known = 0;
	int e = check_keys(r, root, keys);

	if (e == 0)
		e = get_action(r, root, "defaultAction", "defaultErrnoRet", &r->p->otherwise);
	if (e == 0)
		e = get_words(r, root, "flags", &words);
	if (e == 0)
		e = read_abis(r, root);
	if (e < 0)
		return e;
	/* None of them is needed: one thread, nothing to wait for, and speculation stays as safe as it is. */
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		known += has_word(words, flags[i]);
	if (known < json_array_size(words))
		return bad(r, "\"flags\" has one that is not known here; remove it");
	r->p->newer = (r->p->otherwise & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO ?
		SECCOMP_RET_ERRNO | ENOSYS : r->p->otherwise;
	calls = json_object_get(root, "syscalls");
	if (calls && !json_is_array(calls) && !json_is_null(calls))
		return bad(r, "\"syscalls\" is not a list; write [ ... ]");
	json_array_foreach(calls, i, call) {
		snprintf(r->place, sizeof(r->place), "syscalls[%zu]", i);
		e = read_call(r, call);
		if (e < 0)
			return e;
	}
	r->place[0] = '\0';
	return 0;
}

int profile_parse_json(struct profile *p, const char *text, size_t len, char *why)
{
	struct reader r = { .p = p, .why = why };
	json_error_t error;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	int e;

	if (!root) {
		snprintf(why, FILTER_WHY_CAP, "line %d, column %d: %.200s; correct it", error.line, error.column,
			 error.text);
		return -EINVAL;
	}
	e = read_profile(&r, root);
	json_decref(root);
	return e;
}
