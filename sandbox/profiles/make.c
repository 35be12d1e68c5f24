/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make: the build-time program that turns the built-in profiles (*.seccomp in this folder) into C, so that starting
 * pays for loading a filter only. Every program is held against its rules here (filter_check.c); the build
 * fails where one call differs.
 *
 *	make programs FOLDER NAME...	the programs, as arrays NAME_prog of struct sock_filter
 *	make texts FOLDER NAME...	the profiles' texts, as filter_texts[]
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/filter_profile.h"

static const char *folder;

/* include NAME is FOLDER/NAME.seccomp. */
static int read_profile(void *arg, const char *from, const char *name, char **ret_text, size_t *ret_len, char *why)
{
	char *path = NULL, *text = NULL;
	size_t cap = 0;
	ssize_t n;
	FILE *f;

	(void)arg;
	(void)from;
	if (asprintf(&path, "%s/%s.seccomp", folder, name) < 0)
		return -ENOMEM;
	f = fopen(path, "r");
	n = f ? getdelim(&text, &cap, '\0', f) : -1;
	snprintf(why, FILTER_WHY_CAP, "%s", n < 0 ? strerror(errno) : "");
	if (f)
		fclose(f);
	free(path);
	if (n < 0) {
		free(text);
		return -EIO;
	}
	*ret_text = text;
	*ret_len = (size_t)n;
	return 0;
}

static int print_program(const char *name, const char *text, size_t len, char *why)
{
	const struct profile_source source = { name, read_profile, NULL, 0 };
	struct profile p = PROFILE_EMPTY;
	struct filter f = { .name = name };
	size_t calls;
	int e = profile_parse_text(&p, text, len, &source, why);

	if (strcmp(name, "terminal") == 0) {
		p.otherwise = SECCOMP_RET_ALLOW;
		p.abis = PROFILE_ALL >> (32 - profile_n_abis);
	}
	if (e == 0) {
		profile_complete(&p);
		e = profile_make(&p, &f.prog);
		if (e < 0)
			snprintf(why, FILTER_WHY_CAP, "%s", strerror(-e));
	}
	if (e == 0)
		e = profile_check(&p, &f, why, &calls);
	if (e == 0) {
		printf("static const struct sock_filter %s_prog[] = {\n", name);
		for (size_t i = 0; i < f.prog.len; i++)
			printf("\t{ 0x%04x, %u, %u, 0x%08x },\n", f.prog.filter[i].code, f.prog.filter[i].jt,
			       f.prog.filter[i].jf, f.prog.filter[i].k);
		printf("};\n");
	}
	free(f.prog.filter);
	profile_done(&p);
	return e;
}

static void print_text(const char *name, const char *text)
{
	printf("\t{ \"%s\", \"", name);
	for (const char *p = text; *p; p++) {
		if (*p == '\n')
			printf("\\n\"\n\t\t\"");
		else if (*p == '\t')
			printf("\\t");
		else
			printf(*p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
	}
	printf("\" },\n");
}

int main(int argc, char **argv)
{
	char why[FILTER_WHY_CAP] = "";
	int texts, e;

	if (argc < 4)
		return 2;
	texts = strcmp(argv[1], "texts") == 0;
	folder = argv[2];
	printf("/* Made by sandbox/profiles/make.c. */\n");
	if (texts)
		printf("static const struct {\n\tconst char *name, *text;\n} filter_texts[] = {\n");
	for (int i = 3; i < argc; i++) {
		char *text;
		size_t len;

		e = read_profile(NULL, NULL, argv[i], &text, &len, why);
		if (e == 0 && texts)
			print_text(argv[i], text);
		else if (e == 0)
			e = print_program(argv[i], text, len, why);
		if (e < 0) {
			fprintf(stderr, "%s/%s.seccomp: %s\n", folder, argv[i], why);
			return 1;
		}
		free(text);
	}
	if (texts)
		printf("};\n");
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
