/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start: how long a command takes from being started to its end, for bench/start.sh.
 *
 *	start [-m MIB] -- COMMAND...		once, from a parent of that size: prints microseconds
 *	start -c N -t SECONDS -- COMMAND...	N at a time, for so long: prints starts per second
 *
 * The command's streams are /dev/null. Another end than status 0 is told, and is ours, too.
 */
#include <err.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"

extern char **environ;

static void spawn(char *const argv[])
{
	posix_spawn_file_actions_t streams;
	pid_t pid;
	int r;

	posix_spawn_file_actions_init(&streams);
	posix_spawn_file_actions_addopen(&streams, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&streams, 0, 1);
	posix_spawn_file_actions_adddup2(&streams, 0, 2);
	r = posix_spawnp(&pid, argv[0], &streams, NULL, argv, environ);
	if (r)
		errx(1, "%s: %s", argv[0], strerror(r));
	posix_spawn_file_actions_destroy(&streams);
}

static void reap(const char *name)
{
	int status;

	if (wait(&status) < 0)
		err(1, "wait");
	if (status)
		errx(1, "%s: wait status %#x", name, status);
}

/* Memory that is really there. */
static void grow(size_t mib)
{
	size_t len = mib << 20;
	char *m;

	if (!mib)
		return;
	m = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		err(1, "no memory");
	for (size_t i = 0; i < len; i += 4096)
		m[i] = 1;
}

static double rate(char *const argv[], unsigned int at_a_time, unsigned int seconds)
{
	uint64_t start = clock_mono_ns(), now = start, end = start + seconds * NS_PER_S;
	unsigned int running = 0, done = 0;

	while (now < end || running) {
		for (; now < end && running < at_a_time; running++)
			spawn(argv);
		reap(argv[0]);
		running--;
		done++;
		now = clock_mono_ns();
	}
	return done / ((double)(now - start) / 1e9);
}

int main(int argc, char **argv)
{
	unsigned int at_a_time = 0, seconds = 1;
	uint64_t start;
	int o;

	while ((o = getopt(argc, argv, "+m:c:t:")) != -1) {
		switch (o) {
		case 'm':
			grow(strtoul(optarg, NULL, 10));
			break;
		case 'c':
			at_a_time = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 't':
			seconds = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (!argv[optind])
		errx(2, "no command");
	if (at_a_time) {
		printf("%.0f\n", rate(&argv[optind], at_a_time, seconds));
		return 0;
	}
	start = clock_mono_ns();
	spawn(&argv[optind]);
	reap(argv[optind]);
	printf("%llu\n", (unsigned long long)((clock_mono_ns() - start) / 1000));
	return 0;
}
