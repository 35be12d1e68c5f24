/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace: what the filter refuses is reported. The program loads the filter with its refusals turned into notifications
 * (seccomp_unotify(2)) and hands the listener out; the caller takes each one, tells the run of it, and answers with the errno
 * that the filter itself would have given: the calls' numbers and arguments are those of the registers, which the
 * kernel has copied. So a traced program is refused what an untraced one is. When the caller dies, all of it is
 * refused (ENOSYS).
 *
 * Only in the mode that does not enforce (JAIL_SECCOMP_LOG) the answer is to go on with the call. It says nothing about
 * safety there, and is given for every call but those that write to others' terminals, which a filter of
 * their own refuses.
 *
 * What is watched (jail_plan.watch) is told and goes on in the same way. That decides nothing either: the profile's own
 * filter is loaded behind it, and of the answers of both the stricter one counts, so a call that is refused is not told.
 *
 * The program cannot get in between: a second listener is refused by the profiles, and by the kernel (EBUSY); a filter of its
 * own that says "notify" as well is asked first, has no listener, and is ENOSYS.
 */
#include "sandbox/jail.h"
#include "sandbox/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "sandbox/filter.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1ul << 5)	/* Linux 5.19 */
#endif

enum { NOTIF_ROOM = 512 };	/* kernels to come may have more to tell */

static bool is_reported(uint32_t action, enum jail_seccomp mode)
{
	action &= SECCOMP_RET_ACTION_FULL;
	return mode == JAIL_SECCOMP_LOG ? action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG :
		action == SECCOMP_RET_ERRNO;
}

/* The listener, or -errno. */
static int load(const struct sock_fprog *prog)
{
	const unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, prog);

	if (r < 0 && errno == EINVAL)
		r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
	return r < 0 ? -errno : (int)r;
}

int trace_watch(const struct filter *f)
{
	return load(&f->prog);
}

int trace_load(const struct filter *f, enum jail_seccomp mode)
{
	struct sock_fprog prog = { f->prog.len, malloc(f->prog.len * sizeof(*f->prog.filter)) };
	int r;

	if (!prog.filter)
		return -ENOMEM;
	if (mode == JAIL_SECCOMP_LOG && filter_load(filter_terminal()) < 0) {
		r = -errno;
		free(prog.filter);
		return r;
	}
	memcpy(prog.filter, f->prog.filter, f->prog.len * sizeof(*f->prog.filter));
	for (size_t i = 0; i < prog.len; i++) {
		if (prog.filter[i].code == (BPF_RET | BPF_K) && is_reported(prog.filter[i].k, mode))
			prog.filter[i].k = SECCOMP_RET_USER_NOTIF;
	}
	r = load(&prog);
	free(prog.filter);
	return r;
}

/* For people: the process may be another one, or gone, meanwhile. */
static void read_comm(pid_t pid, char comm[static JAIL_COMM_CAP])
{
	char path[40];
	cleanup_close int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, comm, JAIL_COMM_CAP - 1);
	comm[n > 0 ? n : 0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	for (char *c = comm; *c; c++)
		*c = *c >= ' ' && *c <= '~' ? *c : '?';
}

void trace_input(struct jail *j)
{
	union {
		struct seccomp_notif n;
		char room[NOTIF_ROOM];
	} in = { .room = { 0 } };
	union {
		struct seccomp_notif_resp r;
		char room[NOTIF_ROOM];
	} out = { .room = { 0 } };
	struct jail_violation v = { 0 };

	/* ENOENT: the caller of the call was ended. */
	if (ioctl(j->listener, SECCOMP_IOCTL_NOTIF_RECV, &in) < 0)
		return;
	v.call = in.n.data;
	v.pid = (pid_t)in.n.pid;
	v.action = j->on_watched ? SECCOMP_RET_USER_NOTIF : filter_simulate(j->filter, &in.n.data);
	v.let_through = j->on_watched || j->seccomp == JAIL_SECCOMP_LOG;
	read_comm(v.pid, v.comm);
	/* Told before the call goes on: its descriptor is what it was. */
	if (j->on_watched)
		j->on_watched(j->violation_arg, &v);
	out.r.id = in.n.id;
	if (v.let_through)
		out.r.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else
		out.r.error = (v.action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO ?
			-(int)(v.action & SECCOMP_RET_DATA) : -ENOSYS;
	/* A program that has called and died meanwhile has called all the same. */
	ioctl(j->listener, SECCOMP_IOCTL_NOTIF_SEND, &out);
	if (j->on_watched)
		return;
	j->result.violations++;
	if (j->on_violation)
		j->on_violation(j->violation_arg, &v);
}

void trace_until(struct jail *j, int fd)
{
	struct pollfd p[2] = { { fd, POLLIN, 0 }, { j->listener, POLLIN, 0 } };

	while (!p[0].revents && (poll(p, 2, -1) >= 0 || errno == EINTR)) {
		if (p[1].revents & POLLIN)
			trace_input(j);
		else if (p[1].revents)
			p[1].fd = -1;
	}
}
