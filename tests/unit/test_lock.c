/* SPDX-License-Identifier: Apache-2.0 */
/* libsluice-lock: what a locked process can still do, and what not. Each case is a process of its own. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/lock/sluice_lock.h"

enum { NOBODY = 65534, ALL = SLUICE_LOCK_SYSCALLS | SLUICE_LOCK_CAPS | SLUICE_LOCK_FILES };

static char dir[] = "/tmp/sluice-lock.XXXXXX";

/* In the child: the line that is not as it should be is its status. */
#define NEED(what) do { if (!(what)) _exit(__LINE__ % 255 + 1); } while (0)
#define REFUSED(what, err) NEED((what) < 0 && errno == (err))

static void child(void (*run)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		fail_msg("status 0x%x: line %d, or that modulo 255", status, WEXITSTATUS(status) - 1);
}

static int has_landlock(void)
{
	return syscall(444 /* landlock_create_ruleset */, NULL, 0, 1) > 0;
}

static void be_nobody(void)
{
	if (geteuid() == 0)
		NEED(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
}

static void break_out(void)
{
	static char *const argv[] = { (char *)"true", NULL };
	struct stat st;

	REFUSED(open("/etc/passwd", O_RDONLY), EPERM);
	REFUSED(syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0), EPERM);
	REFUSED(stat("/", &st), EPERM);
	REFUSED(socket(AF_UNIX, SOCK_STREAM, 0), EPERM);
	REFUSED(execve("/bin/true", argv, NULL), EPERM);
	REFUSED(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0ul), EPERM);
	REFUSED(syscall(SYS_clone3, NULL, 0), ENOSYS);
	REFUSED(kill(getppid(), 0), EPERM);
	REFUSED(syscall(SYS_tgkill, getpid(), getpid(), 0), EPERM);
	REFUSED(prctl(PR_SET_DUMPABLE, 1), ENOSYS);
	REFUSED(fcntl(0, F_SETOWN, 1), EPERM);
	REFUSED(syscall(SYS_io_uring_setup, 1, NULL), EPERM);
	REFUSED(syscall(SYS_seccomp, 1, 0, NULL), EPERM);
	REFUSED(syscall(SYS_memfd_create, "x", 0), EPERM);
	REFUSED(syscall(1000), ENOSYS);
	NEED(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EPERM);
}

static void *in_thread(void *arg)
{
	(void)arg;
	break_out();
	return arg;
}

static void run_all(void)
{
	const int want = has_landlock() ? ALL : ALL & ~SLUICE_LOCK_FILES;
	const char *why = "";
	pthread_t thread;
	int fds[2], pair[2];
	char c = 0;

	NEED(pipe(fds) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	NEED(sluice_lock(NULL, &why) == want);
	break_out();
	/* What is open still works, memory and threads too. */
	NEED(write(fds[1], "x", 1) == 1 && read(fds[0], &c, 1) == 1 && c == 'x');
	NEED(send(pair[0], "y", 1, 0) == 1 && recv(pair[1], &c, 1, 0) == 1 && c == 'y');
	REFUSED(sendto(pair[0], "y", 1, 0, (struct sockaddr *)&c, 1), EPERM);
	NEED(pthread_create(&thread, NULL, in_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
	NEED(sluice_lock(NULL, &why) == -EALREADY && strstr(why, "already"));
}

static void test_all(void **state)
{
	(void)state;
	child(run_all);
}

/* ---- threads that run already -------------------------------------------------------------------------- */

static sem_t ready, locked;

static void *before(void *arg)
{
	sem_post(&ready);
	sem_wait(&locked);
	break_out();
	return arg;
}

static void run_threads(void)
{
	struct sluice_lock_options o = { .size = sizeof(o), .require = SLUICE_LOCK_FILES };
	pthread_t threads[3];
	const char *why = "";

	be_nobody();
	sem_init(&ready, 0, 0);
	sem_init(&locked, 0, 0);
	for (int i = 0; i < 3; i++)
		NEED(pthread_create(&threads[i], NULL, before, NULL) == 0 && sem_wait(&ready) == 0);
	if (syscall(444, NULL, 0, 1) < 8)	/* Landlock that locks other threads, too */
		NEED(sluice_lock(&o, &why) == (has_landlock() ? -EBUSY : -EOPNOTSUPP) && *why);
	o.require = 0;
	NEED((sluice_lock(&o, &why) & ~SLUICE_LOCK_FILES) == (SLUICE_LOCK_SYSCALLS | SLUICE_LOCK_CAPS));
	break_out();
	for (int i = 0; i < 3; i++)
		sem_post(&locked);
	for (int i = 0; i < 3; i++)
		NEED(pthread_join(threads[i], NULL) == 0);
}

static void run_threads_of_root(void)
{
	const char *why = "";
	pthread_t thread;

	sem_init(&ready, 0, 0);
	sem_init(&locked, 0, 0);
	NEED(pthread_create(&thread, NULL, before, NULL) == 0 && sem_wait(&ready) == 0);
	NEED(sluice_lock(NULL, &why) == -EBUSY && strstr(why, "capabilities"));
}

static void test_threads(void **state)
{
	(void)state;
	child(run_threads);
	if (geteuid() == 0)
		child(run_threads_of_root);
}

/* ---- files, descriptors, capabilities ------------------------------------------------------------------- */

static void run_files(void)
{
	const int in = open("/etc/passwd", O_PATH), out = open(dir, O_PATH | O_DIRECTORY);
	const struct sluice_lock_options o = { .size = sizeof(o), .read_fds = &in, .n_read_fds = 1, .write_fds = &out,
		.n_write_fds = 1, .close_from = 3 };
	char path[64];
	int fd;

	NEED(in >= 0 && out >= 0 && sluice_lock(&o, NULL) == ALL);
	REFUSED(fcntl(in, F_GETFD), EBADF);
	fd = open("/etc/passwd", O_RDONLY);
	NEED(fd >= 0);
	close(fd);
	REFUSED(open("/etc/passwd", O_WRONLY), EACCES);
	REFUSED(open("/etc/group", O_RDONLY), EACCES);
	snprintf(path, sizeof(path), "%s/new", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	NEED(fd >= 0 && write(fd, "x", 1) == 1 && unlink(path) == 0);
	snprintf(path, sizeof(path), "%s/../sluice-lock-new", dir);
	REFUSED(open(path, O_WRONLY | O_CREAT, 0600), EACCES);
	REFUSED(chmod(dir, 0777), EPERM);
	REFUSED(symlink("/", path), EPERM);
	REFUSED(socket(AF_INET, SOCK_DGRAM, 0), EPERM);
}

static void run_caps(void)
{
	NEED(sluice_lock(NULL, NULL) > 0);
	/* capget(2) is not there any more: what only root may do tells. */
	REFUSED(setpriority(0, 0, -20), ENOSYS);
}

static void test_files(void **state)
{
	(void)state;
	if (has_landlock())
		child(run_files);
	child(run_caps);
}

static void test_complaints(void **state)
{
	struct sluice_lock_options o = { 0 };
	const char *why = "";
	const int bad_fd = 1000;

	(void)state;
	assert_int_equal(sluice_lock(&o, &why), -EINVAL);
	assert_non_null(strstr(why, "sizeof"));
	assert_int_equal(sluice_lock(&o, NULL), -EINVAL);
	o = (struct sluice_lock_options){ .size = sizeof(o), .require = 64 };
	assert_int_equal(sluice_lock(&o, &why), -EINVAL);
	o = (struct sluice_lock_options){ .size = sizeof(o), .close_from = -1 };
	assert_int_equal(sluice_lock(&o, &why), -EINVAL);
	if (!has_landlock())
		return;
	/* Told before anything is in force but no_new_privs. */
	o = (struct sluice_lock_options){ .size = sizeof(o), .read_fds = &bad_fd, .n_read_fds = 1 };
	assert_int_equal(sluice_lock(&o, &why), -EBADF);
	assert_non_null(strstr(why, "correct the list"));
	assert_int_equal(close(open("/etc/passwd", O_RDONLY)), 0);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_threads),
		cmocka_unit_test_setup_teardown(test_files, make_dir, remove_dir),
		cmocka_unit_test(test_complaints),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
