/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: the subcommands of sluice(1). Each takes its own argument vector (argv[0] is its name) and
 * returns the exit status. cli/main.c dispatches.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

enum { CLI_FAILED = 125 };	/* sluice itself failed; one line on stderr says what, why, what to do */

/* Names of enum proto_port. */
extern const char *const cli_port_names[];

int cmd_run(int argc, char **argv);
int cmd_attach(int argc, char **argv);
int cmd_policy(int argc, char **argv);
/* argv[0] is "set" */
int cmd_policy_set(int argc, char **argv);
int cmd_profile(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_seccomp(int argc, char **argv);

#endif
