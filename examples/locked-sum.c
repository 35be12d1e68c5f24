/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locked-sum: adds up the numbers in a file, one a line, without trusting its own parser: the file is opened first, then
 * the program locks itself, then it reads. Whatever the file makes the parser do, it can do no more than print.
 *
 *	cc -o locked-sum locked-sum.c $(pkg-config --cflags --libs sluice-lock)
 *	locked-sum FILE			prints the sum
 *	locked-sum --prove FILE		tries to break out first, in this thread and in one that ran before
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sluice_lock.h"

static sem_t locked;

static void try(const char *who, const char *what, int r)
{
	printf("%s: %s: %s\n", who, what, r < 0 ? strerror(errno) : "done, which it should not be");
}

static void break_out(const char *who)
{
	static char *const argv[] = { (char *)"sh", NULL };

	try(who, "open", open("/etc/passwd", O_RDONLY));
	try(who, "socket", socket(AF_INET, SOCK_STREAM, 0));
	try(who, "execve", execve("/bin/sh", argv, NULL));
	try(who, "fork", (int)fork());
	try(who, "new code", mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
}

static void *other_thread(void *arg)
{
	(void)arg;
	sem_wait(&locked);
	break_out("thread");
	return NULL;
}

static int sum(int fd)
{
	FILE *f = fdopen(fd, "r");
	char line[64];
	long total = 0;

	while (f && fgets(line, sizeof(line), f))
		total += strtol(line, NULL, 10);
	printf("%ld\n", total);
	return fflush(stdout) != 0;
}

int main(int argc, char **argv)
{
	int prove = argc == 3 && strcmp(argv[1], "--prove") == 0, fd;
	const struct sluice_lock_options options = { .size = sizeof(options), .close_from = 4 };
	const char *why;
	pthread_t thread;

	if (argc != 2 + prove) {
		fprintf(stderr, "usage: locked-sum [--prove] FILE\n");
		return 2;
	}
	fd = open(argv[1 + prove], O_RDONLY);
	if (fd < 0 || dup2(fd, 3) < 0) {
		perror(argv[1 + prove]);
		return 1;
	}
	sem_init(&locked, 0, 0);
	if (prove && pthread_create(&thread, NULL, other_thread, NULL) != 0)
		return 1;
	if (sluice_lock(&options, &why) < 0) {
		fprintf(stderr, "locked-sum: %s\n", why);
		return 1;
	}
	if (prove) {
		break_out("main");
		sem_post(&locked);
		pthread_join(thread, NULL);
	}
	return sum(3);
}
