/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit: `sluice audit [--json] [--max-score N] [OPTION]... [-- COMMAND]`. Starts the jail that sluice run would
 * start with these options, with a probe (probe.c) in the place of the command, and says for each layer whether it
 * is there, with evidence as seen from the inside. The command itself is looked for, and never run.
 *
 * Runs as the caller. The jail is a run like any other, in a child whose standard output is a pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/audit/judge.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/sibling.h"

enum { TEXT_MAX = 1 << 20, EXPOSED = 1 };

/* Where the probe appears inside: on the jail's own root, where nothing else is. */
#define PROBE_PLACE "/.sluice-probe"

struct audit {
	bool json;
	unsigned int max_score;		/* tenths */
	int n_options;			/* of the arguments that follow */
	char **options;
	const char *command;		/* or NULL */
	char port[8], name[32];		/* where this process listens */
	int listeners[2];
	struct options o;
};

static int usage(FILE *f)
{
	fputs("usage: sluice audit [--json] [--max-score N] [OPTION]... [-- COMMAND]\n"
	      "Starts the jail that sluice run would start with these options, with a probe in it, and says for each\n"
	      "layer whether it is there, as seen from the inside; then how much is exposed, 0.0 (least) to 10.0.\n"
	      "COMMAND is looked for in the jail, and not run.\n"
	      "\n"
	      "  --json                 one JSON object\n"
	      "  --max-score N          status 1 above this exposure, like 2.5\n"
	      "OPTION is one of sluice run --help.\n"
	      "\n"
	      "The status is 0, 1 above --max-score, 125 when the jail could not be started.\n",
	      f);
	return f == stdout ? 0 : CLI_FAILED;
}

/* ---- the outside ------------------------------------------------------------------------------------------ */

/* Facts of this process, as the probe tells its own. The texts are static. */
static void look_outside(struct facts *f)
{
	static const char *const types[] = { "user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time" };
	static char values[9][48];
	char path[64];
	struct stat st;

	f->n = 0;
	for (size_t i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", types[i]);
		if (stat(path, &st) < 0)
			continue;
		snprintf(values[i], sizeof(values[i]), "%lu", (unsigned long)st.st_ino);
		f->list[f->n++] = (struct fact){ "ns", types[i], values[i] };
	}
	if (stat("/", &st) == 0) {
		snprintf(values[8], sizeof(values[8]), "%lu:%lu", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
		f->list[f->n++] = (struct fact){ "root", "/", values[8] };
	}
}

/* Something on the host's loopback and in its abstract names that a program in the jail must not reach. */
static int listen_outside(struct audit *a)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(in);
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a->listeners[0] = tcp;
	a->listeners[1] = local;
	snprintf(a->name, sizeof(a->name), "sluice-audit-%d", (int)getpid());
	memcpy(un.sun_path + 1, a->name, strlen(a->name));
	if (tcp < 0 || bind(tcp, (struct sockaddr *)&in, sizeof(in)) < 0 || listen(tcp, 1) < 0 ||
	    getsockname(tcp, (struct sockaddr *)&in, &len) < 0)
		return -errno;
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(a->name));
	if (local < 0 || bind(local, (struct sockaddr *)&un, len) < 0 || listen(local, 1) < 0)
		return -errno;
	snprintf(a->port, sizeof(a->port), "%u", ntohs(in.sin_port));
	return 0;
}

/* ---- the jail ---------------------------------------------------------------------------------------------- */

static void __attribute__((noreturn)) run_probe(const struct audit *a, int out)
{
	static char run[] = "run", quiet[] = "--quiet", bind_option[] = "--ro-bind", end[] = "--", place[] = PROBE_PLACE;
	char path[SIBLING_PATH_CAP], *bind_value = NULL;
	char **argv = calloc((size_t)a->n_options + 12, sizeof(*argv));
	int n = 0, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (!argv || sibling_find("sluice-probe", path) < 0 || asprintf(&bind_value, "%s:" PROBE_PLACE, path) < 0) {
		log_err("audit: sluice-probe is not beside sluice nor in ../libexec/sluice; install it there");
		_exit(CLI_FAILED);
	}
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(CLI_FAILED);
	argv[n++] = run;
	for (int i = 0; i < a->n_options; i++)
		argv[n++] = a->options[i];
	argv[n++] = quiet;
	argv[n++] = bind_option;
	argv[n++] = bind_value;
	argv[n++] = end;
	argv[n++] = place;
	argv[n++] = (char *)(uintptr_t)a->port;
	argv[n++] = (char *)(uintptr_t)a->name;
	if (a->command)
		argv[n++] = (char *)(uintptr_t)a->command;
	n = cmd_run(n, argv);
	fflush(NULL);
	_exit(n);
}

/* What the probe wrote. Heap, or NULL with the line told. */
static char *ask_probe(const struct audit *a)
{
	char *text = malloc(TEXT_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;
	int out[2], status = 0;
	pid_t pid = -1;

	if (!text || pipe2(out, O_CLOEXEC) < 0) {
		log_err("audit: %s; free some memory or descriptors", strerror(errno));
		free(text);
		return NULL;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run_probe(a, out[1]);
	close(out[1]);
	while (pid > 0 && n > 0 && len < TEXT_MAX) {
		n = read(out[0], text + len, TEXT_MAX - len);
		len += n > 0 ? (size_t)n : 0;
		n = n < 0 && errno == EINTR ? 1 : n;
	}
	close(out[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	text[len] = '\0';
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return text;
	if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != CLI_FAILED)
		log_err("audit: the probe did not get to its end (status %d); give it more time, processes or memory",
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	free(text);
	return NULL;
}

/* ---- what is told ------------------------------------------------------------------------------------------- */

static const char *state(const struct layer *l)
{
	return !l->open ? "active" : l->open < 100 ? "partial" : "absent";
}

static const char *rating(unsigned int score)
{
	return score <= 20 ? "good" : score <= 50 ? "fair" : "exposed";
}

static const char *find_command(const struct facts *f, bool *ret_found)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->list[i].name, "command") == 0) {
			*ret_found = strcmp(f->list[i].value, "ok") == 0;
			return f->list[i].what;
		}
	}
	return NULL;
}

static void print_text(const struct layer *layers, const struct facts *f, unsigned int score)
{
	bool is_there = false;
	const char *command = find_command(f, &is_there);

	for (int i = 0; i < LAYER_COUNT; i++)
		printf("%-8s %u.%u  %-18s  %s\n", state(&layers[i]), layer_weights[i] * layers[i].open / 100,
		       layer_weights[i] * layers[i].open / 10 % 10, layer_words[i], layers[i].evidence);
	printf("\n");
	if (command)
		printf("command  %s: %s\n", command, is_there ? "found" : "not found inside");
	printf("exposure %u.%u of 10: %s\n", score / 10, score % 10, rating(score));
	for (int i = 0; i < LAYER_COUNT; i++) {
		if (layers[i].open)
			printf("  not there%s: %s\n", layers[i].open < 100 ? " in full" : "", layer_texts[i]);
	}
}

static int print_json(const struct layer *layers, const struct facts *f, unsigned int score)
{
	static char buf[32768];
	char text[16];
	struct json j;
	bool is_there = false;
	const char *command = find_command(f, &is_there);

	json_init(&j, buf, sizeof(buf));
	json_object_start(&j, NULL);
	snprintf(text, sizeof(text), "%u.%u", score / 10, score % 10);
	json_str(&j, "exposure", text);
	json_str(&j, "rating", rating(score));
	if (command) {
		json_str(&j, "command", command);
		json_bool(&j, "command_found", is_there);
	}
	json_array_start(&j, "layers");
	for (int i = 0; i < LAYER_COUNT; i++) {
		json_object_start(&j, NULL);
		json_str(&j, "layer", layer_words[i]);
		json_str(&j, "state", state(&layers[i]));
		json_u64(&j, "weight", layer_weights[i]);
		json_u64(&j, "open_percent", layers[i].open);
		json_str(&j, "what", layer_texts[i]);
		json_str(&j, "evidence", layers[i].evidence);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	if (json_finish(&j) < 0)
		return -ENOSPC;
	puts(buf);
	return 0;
}

static int report(const struct audit *a, char *text)
{
	static struct facts inside, outside;
	static struct layer layers[LAYER_COUNT];
	unsigned int score;
	int r = 0;

	if (facts_parse(text, &inside) < 0) {
		log_err("audit: the probe did not get to its end; give it more time, processes or memory");
		return CLI_FAILED;
	}
	look_outside(&outside);
	judge(&inside, &outside, &a->o, layers);
	score = judge_score(layers);
	if (a->json)
		r = print_json(layers, &inside, score);
	else
		print_text(layers, &inside, score);
	if (r < 0 || fflush(stdout) != 0 || ferror(stdout)) {
		log_err("audit: cannot write the output; check where it goes");
		return CLI_FAILED;
	}
	return score > a->max_score ? EXPOSED : 0;
}

/* ---- the command line ------------------------------------------------------------------------------------------ */

/* "2.5" in tenths. */
static int take_score(struct audit *a, const char *text)
{
	size_t n = strspn(text, "0123456789");
	unsigned long whole = strtoul(text, NULL, 10);

	if (!n || n > 2 || whole > 10 || (text[n] && (text[n] != '.' || text[n + 1] < '0' || text[n + 1] > '9' || text[n + 2]))) {
		log_err("audit: --max-score %s: not a score; give one from 0 to 10, like 2.5", text);
		return -EINVAL;
	}
	a->max_score = (unsigned int)whole * 10 + (text[n] ? (unsigned int)(text[n + 1] - '0') : 0);
	return 0;
}

/* Our own options, which come first. The place of the first that is not ours, or -EINVAL. */
static int take_own(struct audit *a, int argc, char **argv)
{
	int i = 1, r = 0;

	for (; r == 0 && i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			a->json = true;
		else if (strncmp(argv[i], "--max-score=", 12) == 0)
			r = take_score(a, argv[i] + 12);
		else if (strcmp(argv[i], "--max-score") == 0 && i + 1 < argc)
			r = take_score(a, argv[++i]);
		else
			break;
	}
	return r < 0 ? r : i;
}

/* Those of run, which want a command: one is added behind whatever there is. */
static int take_options(struct audit *a, int argc, char **argv)
{
	static char run[] = "run", end[] = "--", none[] = "true";
	char **args = calloc((size_t)argc + 4, sizeof(*args));
	int n = 1, at, r;

	if (!args) {
		log_err("audit: out of memory; free some");
		return -ENOMEM;
	}
	a->options = args + 1;
	args[0] = run;
	if (argc > 0 && strcmp(argv[argc - 1], "--") == 0)
		argc--;
	for (int i = 0; i < argc; i++)
		args[n++] = argv[i];
	args[n] = end;
	args[n + 1] = none;
	r = options_parse(&a->o, OPTIONS_RUN, n + 2, args);
	if (r < 0 || a->o.help)
		return r;
	at = (int)(a->o.argv - args);
	a->command = at < n ? args[at] : NULL;
	a->n_options = at - 1 - (strcmp(args[at - 1], "--") == 0);
	return 0;
}

int cmd_audit(int argc, char **argv)
{
	static struct audit a = { .max_score = 100, .listeners = { -1, -1 } };
	cleanup_free char *text = NULL;
	int status = CLI_FAILED, r;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return usage(stdout);
	r = take_own(&a, argc, argv);
	if (r >= 0)
		r = take_options(&a, argc - r, argv + r);
	if (r == 0 && a.o.help) {
		status = usage(stdout);
	} else if (r == 0 && listen_outside(&a) < 0) {
		log_err("audit: cannot listen on the loopback: %s; bring lo up", strerror(errno));
	} else if (r == 0) {
		text = ask_probe(&a);
		if (text)
			status = report(&a, text);
	}
	fd_close(&a.listeners[0]);
	fd_close(&a.listeners[1]);
	options_done(&a.o);
	if (a.options)
		free(a.options - 1);
	return status;
}
