/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_text: reads a seccomp profile in our own form, one statement per line ("#" begins a comment):
 *
 *	include NAME			the rules of a built-in profile, or of a file beside this one
 *	abis ABI...			what programs may be: x86-64, i386, ...; or native, compat
 *	default ACTION			for calls without a rule
 *	newer ACTION			for calls newer than any that has one
 *	[ABI] or [all]			the lines below are for that ABI alone, or for all again
 *	ACTION CALL... [if COND [and COND]...]
 *	forget CALL...			take back what was said of these calls so far
 *
 *	ACTION	allow, log, errno NAME, trace NUMBER, trap, kill-thread or kill
 *	COND	ARG [& BITS] OP VALUE; ARG: arg0 to arg5, the lower 32 bits, or arg0:64; OP: == != < <= > >=
 *	VALUE	a number, a constant of the C headers, or several with | between them
 *
 * The file is the caller's, or the build's own; what it includes is read by the caller of this.
 */
#include "sandbox/filter_profile.h"

#include <ctype.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

enum { WORD_CAP = 64, ERRNO_MAX = 4095, TRACE_MAX = 0xffff, CALLS_MAX = 4096, RULES_MAX = 20000 };

struct text {
	const char *at, *end;
	const char *line;		/* its start */
	unsigned int n_line;
	unsigned int section;		/* the ABIs that rules are for */
	const struct profile_source *source;
	struct profile *p;
	char *why;
};

/* A word or a sign; len 0: the end of the line. */
struct token {
	const char *at;
	size_t len;
};

static int __attribute__((format(printf, 3, 4))) bad(struct text *t, const char *at, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(t->why, FILTER_WHY_CAP, "line %u, column %zu: ", t->n_line, (size_t)(at - t->line) + 1);

	va_start(ap, fmt);
	vsnprintf(t->why + n, FILTER_WHY_CAP - (size_t)n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- tokens ------------------------------------------------------------------------------------------- */

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_-:./+", c));
}

static struct token peek(struct text *t)
{
	struct token k;
	const char *p;

	while (t->at < t->end && (*t->at == ' ' || *t->at == '\t' || *t->at == '\r'))
		t->at++;
	if (t->at < t->end && *t->at == '#') {
		while (t->at < t->end && *t->at != '\n')
			t->at++;
	}
	p = t->at;
	k = (struct token){ p, 0 };
	if (p == t->end || *p == '\n')
		return k;
	while (p < t->end && is_word_char(*p))
		p++;
	if (p > t->at)
		k.len = (size_t)(p - t->at);
	else
		k.len = t->end - p >= 2 && strchr("=!<>", *p) && *p && p[1] == '=' ? 2 : 1;
	return k;
}

static struct token next(struct text *t)
{
	struct token k = peek(t);

	t->at += k.len;
	return k;
}

static bool is(struct token k, const char *word)
{
	return k.len == strlen(word) && memcmp(k.at, word, k.len) == 0;
}

static bool take(struct text *t, const char *word)
{
	if (!is(peek(t), word))
		return false;
	next(t);
	return true;
}

/* A word of the line as a string; -EINVAL, with what is expected said, where there is none. */
static int get_word(struct text *t, const char *expected, char ret_word[static WORD_CAP], const char **ret_at)
{
	struct token k = peek(t);

	*ret_at = k.at;
	if (!k.len)
		return bad(t, k.at, "the line ends; %s is missing", expected);
	if (!is_word_char(*k.at) || k.len >= WORD_CAP)
		return bad(t, k.at, "%s is expected here", expected);
	next(t);
	memcpy(ret_word, k.at, k.len);
	ret_word[k.len] = '\0';
	return 0;
}

static int end_line(struct text *t)
{
	struct token k = peek(t);

	return k.len ? bad(t, k.at, "the line should end here; remove the rest or begin a new line") : 0;
}

/* The whole word; no sign, no blanks. */
static bool number(const char *word, uint64_t max, uint64_t *ret_value)
{
	char *end;
	uint64_t v;

	if (!isdigit((unsigned char)*word))
		return false;
	errno = 0;
	v = strtoull(word, &end, 0);
	if (*end || errno || v > max)
		return false;
	*ret_value = v;
	return true;
}

/* ---- actions and ABIs ----------------------------------------------------------------------------------- */

static int get_action(struct text *t, const char *word, const char *at, uint32_t *ret_action)
{
	static const struct {
		const char *word;
		uint32_t action;
	} plain[] = {
		{ "allow", SECCOMP_RET_ALLOW }, { "log", SECCOMP_RET_LOG }, { "trap", SECCOMP_RET_TRAP },
		{ "kill", SECCOMP_RET_KILL_PROCESS }, { "kill-thread", SECCOMP_RET_KILL_THREAD },
	};
	char arg[WORD_CAP] = "";
	uint64_t value;
	int e;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (strcmp(plain[i].word, word) == 0) {
			*ret_action = plain[i].action;
			return 0;
		}
	}
	if (strcmp(word, "errno") == 0) {
		e = get_word(t, "the name of an error, as in EPERM,", arg, &at);
		if (e < 0)
			return e;
		e = profile_errno(arg);
		if (e < 0 && !number(arg, ERRNO_MAX, &value))
			return bad(t, at, "%s is no error; write one as in EPERM, or its number, at most %d", arg, ERRNO_MAX);
		*ret_action = SECCOMP_RET_ERRNO | (e < 0 ? (uint32_t)value : (uint32_t)e);
		return 0;
	}
	if (strcmp(word, "trace") == 0) {
		e = get_word(t, "a number for the tracer", arg, &at);
		if (e < 0)
			return e;
		if (!number(arg, TRACE_MAX, &value))
			return bad(t, at, "%s is not a number from 0 to %d; write one", arg, TRACE_MAX);
		*ret_action = SECCOMP_RET_TRACE | (uint32_t)value;
		return 0;
	}
	return bad(t, at, "%s is not known; write allow, log, errno, trace, trap, kill-thread, kill, include, abis, default, "
			  "newer, forget or [ABI]", word);
}

/* The mask of an ABI's name: 0 for one of other machines, -1 where there is none of that name. */
static int abi_mask(const char *word)
{
	static const char *const others[] = { "x86-64", "i386", "x32", "arm64", "arm", "riscv64", "compat" };

	if (strcmp(word, "native") == 0)
		return PROFILE_NATIVE;
	if (strcmp(word, "compat") == 0 && profile_n_abis > 1)
		return PROFILE_NATIVE << 1;
	for (size_t i = 0; i < profile_n_abis; i++) {
		if (strcmp(profile_abis[i].name, word) == 0)
			return 1 << i;
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(others[i], word) == 0)
			return 0;
	}
	return -1;
}

static int read_abis(struct text *t)
{
	const char *start = t->at;
	unsigned int abis = 0;

	while (peek(t).len) {
		char word[WORD_CAP] = "";
		const char *at;
		int mask, e = get_word(t, "an ABI", word, &at);

		if (e < 0)
			return e;
		mask = abi_mask(word);
		if (mask < 0)
			return bad(t, at, "there is no ABI %s; write native, compat, x86-64, i386, x32, arm64, arm or riscv64",
				   word);
		abis |= (unsigned int)mask;
	}
	if (!(abis & PROFILE_NATIVE))
		return bad(t, start, "no program could run; name %s as well", profile_abis[0].name);
	t->p->abis = abis;
	return 0;
}

static int read_section(struct text *t)
{
	char word[WORD_CAP] = "";
	const char *at;
	int mask, e = get_word(t, "an ABI, or all,", word, &at);

	if (e < 0)
		return e;
	mask = abi_mask(word);
	if (strcmp(word, "all") != 0 && mask < 0)
		return bad(t, at, "there is no ABI %s; write all, native, compat, x86-64, i386, x32, arm64, arm or riscv64", word);
	if (!take(t, "]"))
		return bad(t, t->at, "] is missing; write [%s]", word);
	t->section = mask < 0 ? PROFILE_ALL : (unsigned int)mask;
	return 0;
}

/* ---- rules ------------------------------------------------------------------------------------------- */

static int get_value(struct text *t, bool wide, uint64_t *ret_value)
{
	uint64_t sum = 0, value;
	char word[WORD_CAP] = "";
	const char *at;

	do {
		int e = get_word(t, "a value", word, &at);

		if (e < 0)
			return e;
		if (!profile_constant(word, &value) && !number(word, UINT64_MAX, &value))
			return bad(t, at, "%s is no value known here; write a number, as in 2 or 0x5412", word);
		if (!wide && value > UINT32_MAX)
			return bad(t, at, "%s has more than 32 bits; compare all 64 with arg0:64, or take a smaller one", word);
		sum |= value;
	} while (take(t, "|"));
	*ret_value = sum;
	return 0;
}

static int get_op(struct text *t, bool masked, uint8_t *ret_op)
{
	static const struct {
		const char *sign;
		enum filter_op op;
	} ops[] = {
		{ "==", FILTER_EQ }, { "!=", FILTER_NE }, { "<", FILTER_LT }, { "<=", FILTER_LE }, { ">", FILTER_GT },
		{ ">=", FILTER_GE },
	};
	struct token k = next(t);

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (!is(k, ops[i].sign))
			continue;
		if (masked && ops[i].op != FILTER_EQ && ops[i].op != FILTER_NE)
			return bad(t, k.at, "bits are compared with == or != alone");
		*ret_op = (uint8_t)(!masked ? ops[i].op : ops[i].op == FILTER_EQ ? FILTER_MASKED_EQ : FILTER_MASKED_NE);
		return 0;
	}
	return bad(t, k.at, "a comparison is expected here; write ==, !=, <, <=, > or >=");
}

static int get_cond(struct text *t, struct filter_cond *ret_cond)
{
	struct filter_cond c = { 0 };
	char word[WORD_CAP] = "";
	const char *at;
	bool masked;
	int e = get_word(t, "an argument, as in arg0,", word, &at);

	if (e < 0)
		return e;
	if (strncmp(word, "arg", 3) != 0 || word[3] < '0' || word[3] > '5' || (word[4] && strcmp(word + 4, ":64") != 0))
		return bad(t, at, "%s is no argument; write arg0 to arg5, for all 64 bits arg0:64", word);
	c.arg = (uint8_t)(word[3] - '0');
	c.wide = word[4];
	masked = take(t, "&");
	if (masked)
		e = get_value(t, c.wide, &c.mask);
	if (e == 0)
		e = get_op(t, masked, &c.op);
	at = peek(t).at;
	if (e == 0)
		e = get_value(t, c.wide, &c.value);
	if (e == 0 && masked && (c.value & ~c.mask))
		return bad(t, at, "bits that the left side does not keep; correct one of them");
	if (e == 0)
		*ret_cond = c;
	return e;
}

static int get_conds(struct text *t, struct profile_rule *rule)
{
	do {
		int e;

		if (rule->n_conds == FILTER_CONDS_MAX)
			return bad(t, t->at, "more than %d conditions; make two rules", FILTER_CONDS_MAX);
		e = get_cond(t, &rule->conds[rule->n_conds]);
		if (e < 0)
			return e;
		rule->n_conds++;
	} while (take(t, "and"));
	return 0;
}

/* The calls of a line; their first is given to ret_list and copied on. */
static int get_calls(struct text *t, struct token **ret_list, size_t *ret_n)
{
	struct token *list = NULL;
	size_t n = 0;
	int e = 0;

	while (e == 0 && peek(t).len && !is(peek(t), "if")) {
		char word[WORD_CAP] = "";
		const char *at;
		uint64_t nr;
		bool one = t->section != PROFILE_ALL;

		if ((n & (n - 1)) == 0) {
			struct token *more = reallocarray(list, n ? 2 * n : 1, sizeof(*list));

			if (!more) {
				e = bad(t, t->at, "out of memory; use a smaller profile");
				break;
			}
			list = more;
		}
		e = get_word(t, "a call", word, &at);
		if (e < 0)
			break;
		if (isdigit((unsigned char)*word) && !(one && number(word, FILTER_X32_BIT - 1, &nr) && *word != '0'))
			e = bad(t, at, "a number means a call of one ABI only; write it in decimal, below a line [ABI]");
		else if (!isdigit((unsigned char)*word) && (strlen(word) >= PROFILE_NAME_CAP || !filter_call_exists(word)))
			e = bad(t, at, "there is no call %s; correct its name", word);
		list[n++] = (struct token){ at, strlen(word) };
		if (e == 0 && n > CALLS_MAX)
			e = bad(t, at, "too many calls on one line; begin a new line");
	}
	if (e == 0 && !n)
		e = bad(t, t->at, "the line names no call; name at least one");
	if (e < 0) {
		free(list);
		return e;
	}
	*ret_list = list;
	*ret_n = n;
	return 0;
}

static void set_name(struct profile_rule *rule, struct token call)
{
	memset(rule->name, 0, sizeof(rule->name));
	memcpy(rule->name, call.at, call.len);
}

static int read_rule(struct text *t, uint32_t action)
{
	struct profile_rule rule = { .action = action, .abis = t->section };
	cleanup_free struct token *calls = NULL;
	size_t n;
	int e = get_calls(t, &calls, &n);

	if (e == 0 && take(t, "if"))
		e = get_conds(t, &rule);
	if (e < 0 || !t->section)
		return e;
	for (size_t i = 0; i < n; i++) {
		set_name(&rule, calls[i]);
		if (t->p->n_rules >= RULES_MAX || profile_add(t->p, &rule) < 0)
			return bad(t, calls[i].at, "more rules than there is room for; use a smaller profile");
	}
	return 0;
}

static int read_forget(struct text *t)
{
	cleanup_free struct token *calls = NULL;
	struct profile_rule name;
	size_t n;
	int e = get_calls(t, &calls, &n);

	if (e < 0)
		return e;
	for (size_t i = 0; i < n; i++) {
		set_name(&name, calls[i]);
		profile_forget(t->p, name.name, t->section);
	}
	return 0;
}

/* ---- statements --------------------------------------------------------------------------------------- */

/* The name is the rest of the line, without a comment: paths may hold anything else. */
static int read_include(struct text *t)
{
	struct profile_source source = { .depth = t->source->depth + 1, .read = t->source->read, .arg = t->source->arg };
	const char *at = peek(t).at, *to = at;
	cleanup_free char *name = NULL, *text = NULL;
	char why[FILTER_WHY_CAP] = "";
	size_t len;
	int e;

	while (to < t->end && *to != '\n' && *to != '#')
		to++;
	t->at = to;
	while (to > at && isspace((unsigned char)to[-1]))
		to--;
	if (to == at)
		return bad(t, at, "the line ends; a profile's name is missing");
	if (source.depth > PROFILE_DEPTH_MAX)
		return bad(t, at, "more than %d files within one another; does one include itself?", PROFILE_DEPTH_MAX);
	name = strndup(at, (size_t)(to - at));
	if (!name)
		return bad(t, at, "out of memory; use a smaller profile");
	e = strlen(name) != (size_t)(to - at) ? -EINVAL :
		source.read(source.arg, t->source->name, name, &text, &len, why);
	if (e < 0)
		return bad(t, at, "%.100s: %.200s", name, why[0] ? why : "not a name");
	source.name = name;
	e = profile_parse_text(t->p, text, len, &source, why);
	return e < 0 ? bad(t, at, "%.100s: %.250s", name, why) : 0;
}

static int read_statement(struct text *t)
{
	char word[WORD_CAP] = "";
	const char *at;
	uint32_t action;
	int e;

	if (take(t, "["))
		return read_section(t);
	e = get_word(t, "a statement", word, &at);
	if (e < 0)
		return e;
	if (strcmp(word, "include") == 0)
		return read_include(t);
	if (strcmp(word, "abis") == 0)
		return read_abis(t);
	if (strcmp(word, "forget") == 0)
		return read_forget(t);
	if (strcmp(word, "default") == 0 || strcmp(word, "newer") == 0) {
		char name[WORD_CAP];
		const char *name_at;

		e = get_word(t, "an action", name, &name_at);
		if (e == 0)
			e = get_action(t, name, name_at, &action);
		if (e == 0)
			*(*word == 'd' ? &t->p->otherwise : &t->p->newer) = action;
		return e;
	}
	e = get_action(t, word, at, &action);
	return e < 0 ? e : read_rule(t, action);
}

int profile_parse_text(struct profile *p, const char *text, size_t len, const struct profile_source *source, char *why)
{
	struct text t = { .at = text, .end = text + len, .line = text, .n_line = 1, .section = PROFILE_ALL,
		.source = source, .p = p, .why = why };

	for (;;) {
		if (peek(&t).len) {
			int e = read_statement(&t);

			if (e == 0)
				e = end_line(&t);
			if (e < 0)
				return e;
		}
		if (t.at == t.end)
			return 0;
		t.line = ++t.at;
		t.n_line++;
	}
}
