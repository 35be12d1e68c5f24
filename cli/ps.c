/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ps: `sluice ps`. The sandboxes of the caller that run: one line for each door that answers, with the process
 * behind it. Runs as the caller, changes nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/door.h"
#include "cli/options.h"
#include "lib/cleanup.h"
#include "lib/log.h"

enum { COMMAND_CAP = 256, TIME_CAP = 32 };

static int usage(void)
{
	fputs("usage: sluice ps\n"
	      "Tells the names of your running sandboxes, the process, since when, and the command.\n",
	      stdout);
	return 0;
}

/* The command line of a process in one line, as far as it fits; "" when it cannot be read. */
static void read_command(pid_t pid, char *buf)
{
	char path[48];
	cleanup_close int fd = -1;
	ssize_t n;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, buf, COMMAND_CAP - 1);
	if (n <= 0)
		return;
	buf[n] = '\0';
	for (ssize_t i = 0; i < n - 1; i++) {
		unsigned char c = (unsigned char)buf[i];

		buf[i] = c == '\0' ? ' ' : c < ' ' || c == 0x7f ? '?' : buf[i];
	}
}

static void print_one(int dir, const char *name)
{
	char why[DOOR_WHY_CAP], command[COMMAND_CAP], since[TIME_CAP] = "";
	cleanup_close int door = -1;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct stat st;
	struct tm tm;

	if (!options_is_name(name) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(st.st_mode))
		return;
	door = door_connect(name, why);
	/* What a killed one left behind. */
	if (door < 0 || getsockopt(door, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return;
	read_command(peer.pid, command);
	if (localtime_r(&st.st_mtime, &tm))
		strftime(since, sizeof(since), "%F %T", &tm);
	printf("%-20s %8d  %s  %s\n", name, peer.pid, since, command);
}

int cmd_ps(int argc, char **argv)
{
	char path[DOOR_PATH_CAP], why[DOOR_WHY_CAP] = "";
	struct dirent **list = NULL;
	cleanup_close int dir = -1;
	int n = 0;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return usage();
	if (argc != 1) {
		log_err("ps: %s: takes no argument; see sluice ps --help", argv[1]);
		return CLI_FAILED;
	}
	if (door_dir(path, why) < 0) {
		log_err("ps: %s", why);
		return CLI_FAILED;
	}
	printf("%-20s %8s  %-19s  %s\n", "NAME", "PID", "SINCE", "COMMAND");
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		n = scandirat(dir, ".", &list, NULL, alphasort);
	else if (errno != ENOENT)
		n = -1;
	if (n < 0) {
		log_err("ps: %s: %s; check whose it is", path, strerror(errno));
		return CLI_FAILED;
	}
	for (int i = 0; i < n; i++) {
		print_one(dir, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return fflush(stdout) == 0 ? 0 : CLI_FAILED;
}
