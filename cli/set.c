/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set: `sluice policy set NAME [FILE] [OPTION]...`. Reads and checks the new policy here, with the caller's
 * rights and every error with its place, and only then knocks at the door of the running sandbox. Runs as the
 * caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/door.h"
#include "cli/gateway.h"
#include "cli/options.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/policy/policy.h"

enum { ANSWER_MS = 35000 };		/* netd gives egress 30 s */

static int usage(void)
{
	fputs("usage: sluice policy set NAME [FILE] [OPTION]...\n"
	      "Replaces the policy of the running sandbox NAME (sluice run --name, see sluice ps) by FILE and the\n"
	      "rules of the options, whole or not at all. Connections that it does not allow are cut.\n"
	      "\n", stdout);
	options_help(OPTIONS_SET);
	return 0;
}

/* Our policy, and proof of where we are: see door.h. */
static int send_request(int door, const struct policy *p)
{
	cleanup_close int policy = -1;
	cleanup_close int user_ns = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	cleanup_close int pid_ns = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	struct proto_policy_set m;
	int r;

	if (user_ns < 0 || pid_ns < 0)
		return -errno;
	r = gateway_seal_policy(p, &policy);
	if (r < 0)
		return r;
	PROTO_INIT(&m, PROTO_POLICY_SET);
	return msg_send(door, &m, sizeof(m), (int[]){ policy, user_ns, pid_ns }, 3);
}

/* The answer, or what is wrong in m->text with state PROTO_FAILED. */
static void hear_answer(int door, struct proto_policy_state *m)
{
	static _Alignas(8) char buf[PROTO_MSG_MAX];
	struct pollfd p = { .fd = door, .events = POLLIN };
	ssize_t len;

	PROTO_INIT(m, PROTO_POLICY_STATE);
	m->state = PROTO_FAILED;
	if (poll(&p, 1, ANSWER_MS) <= 0) {
		snprintf(m->text, sizeof(m->text), "no answer in %d s, so nobody knows which policy is in force; is "
			 "its sluice stopped? continue or end it", ANSWER_MS / 1000);
		return;
	}
	len = msg_recv(door, buf, sizeof(buf), NULL, NULL);
	/* A refusal that did not wait for our request: the reset is told before what was said (net/unix). */
	if (len == -ECONNRESET)
		len = msg_recv(door, buf, sizeof(buf), NULL, NULL);
	if (len > 0 && proto_check(buf, (size_t)len) == 0 && proto_type(buf) == PROTO_POLICY_STATE)
		memcpy(m, buf, sizeof(*m));
	else if (len > 0 && proto_check(buf, (size_t)len) == 0 && proto_type(buf) == PROTO_ERROR)
		snprintf(m->text, sizeof(m->text), "%.400s; the old policy stays",
			 ((const struct proto_error *)buf)->text);
	else
		snprintf(m->text, sizeof(m->text), "the sandbox ended before it had the policy");
}

static int set(const char *name, const struct options *o)
{
	char why[DOOR_WHY_CAP] = "";
	cleanup_close int door = door_connect(name, why);
	size_t rules = policy_count(o->policy);
	struct proto_policy_state m;
	int r;

	if (door < 0) {
		log_err("policy set: %s: %s", name, why);
		return CLI_FAILED;
	}
	r = send_request(door, o->policy);
	/* One that refused us at once has said why. */
	if (r < 0 && r != -EPIPE) {
		log_err("policy set: %s: cannot be asked: %s; try again", name, strerror(-r));
		return CLI_FAILED;
	}
	hear_answer(door, &m);
	if (m.state != PROTO_READY) {
		log_err("policy set: %s: %s", name, m.text);
		return CLI_FAILED;
	}
	if (o->quiet)
		return 0;
	printf("policy of %s replaced: %zu rule%s, %u flow%s cut\n", name, rules, rules == 1 ? "" : "s", m.cut,
	       m.cut == 1 ? "" : "s");
	return fflush(stdout) == 0 ? 0 : CLI_FAILED;
}

/* FILE is --policy FILE: the same words in front of the options. Heap, or NULL. */
static char **as_options(int argc, char **argv, int *ret_argc)
{
	static char policy[] = "--policy";
	bool has_file = argc > 2 && strncmp(argv[2], "--", 2) != 0 && strcmp(argv[2], "-h") != 0;
	char **args = calloc((size_t)argc + 2, sizeof(*args));
	int n = 0;

	if (!args)
		return NULL;
	args[n++] = argv[0];
	if (has_file)
		args[n++] = policy;
	for (int i = 2; i < argc; i++)
		args[n++] = argv[i];
	*ret_argc = n;
	return args;
}

int cmd_policy_set(int argc, char **argv)
{
	cleanup_free char **args = NULL;
	int n_args, status = CLI_FAILED;
	static struct options o;	/* large */

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return usage();
	if (argc < 3) {
		log_err("policy set: a name and a policy are needed; see sluice policy set --help");
		return CLI_FAILED;
	}
	if (!options_is_name(argv[1])) {
		log_err("policy set: %s: not a name; see sluice ps", argv[1]);
		return CLI_FAILED;
	}
	args = as_options(argc, argv, &n_args);
	if (!args) {
		log_err("policy set: out of memory; free some");
		return CLI_FAILED;
	}
	if (options_parse(&o, OPTIONS_SET, n_args, args) == 0)
		status = o.help ? usage() : set(argv[1], &o);
	options_done(&o);
	return status;
}
