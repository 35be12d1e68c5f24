/* SPDX-License-Identifier: Apache-2.0 */
/* sluice: the command. Picks the subcommand; everything else is in the file of its name. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "lib/log.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "run", cmd_run },
	{ "attach", cmd_attach },
	{ "policy", cmd_policy },
	{ "profile", cmd_profile },
	{ "ps", cmd_ps },
	{ "stats", cmd_stats },
	{ "top", cmd_top },
	{ "doctor", cmd_doctor },
	{ "audit", cmd_audit },
	{ "seccomp", cmd_seccomp },
};

static int usage(void)
{
	fputs("usage: sluice run [OPTION]... -- COMMAND [ARGUMENT]...   run a program behind the gateway\n"
	      "       sluice attach --netns PATH [OPTION]...            the same for a namespace that exists\n"
	      "       sluice policy check|print FILE                    look at a policy\n"
	      "       sluice policy explain FILE SPEC                   is this allowed, and by which rule?\n"
	      "       sluice policy set NAME FILE                       give a running sandbox another policy\n"
	      "       sluice profile check|print FILE|NAME, list        options kept in files\n"
	      "       sluice ps                                         which sandboxes run\n"
	      "       sluice top [-n ROUNDS]                            what they do on the network, live\n"
	      "       sluice stats [--prometheus] [NAME]...             what their gateways have counted\n"
	      "       sluice doctor                                     what works on this machine\n"
	      "       sluice audit [OPTION]... [-- COMMAND]             what stands between a program and the machine\n"
	      "       sluice seccomp show|print|check|test|bench PROFILE   a filter of system calls, looked at\n"
	      "       sluice --version\n"
	      "Each command explains itself: sluice run --help\n",
	      stdout);
	return 0;
}

/*
 * Started with a standard stream closed, the first descriptor we open would take its place, and our
 * lines for people would go into a socket.
 */
static void fill_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			_exit(CLI_FAILED);
	} while (fd <= STDERR_FILENO);
	close(fd);
}

int main(int argc, char **argv)
{
	fill_streams();
	log_init("sluice", LOG_LEVEL_INFO);
	if (argc < 2) {
		log_err("no command; see sluice --help");
		return CLI_FAILED;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
		return usage();
	if (strcmp(argv[1], "--version") == 0) {
		printf("sluice %s\n", SLUICE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	log_err("%s: no such command; see sluice --help", argv[1]);
	return CLI_FAILED;
}
