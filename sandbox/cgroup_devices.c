/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_devices: which devices a cgroup may open, whatever nodes its processes come by. On v1 a list that the kernel
 * keeps, on v2 a program of ours that it asks (cgroup-v2.rst, "Device controller"). Runs as the caller; needs root.
 *
 * A wall behind the mounts: all else in the jail is nodev. Nodes are made in neither case.
 */
#include "sandbox/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/cleanup.h"

enum {
	PTS_MAJOR = 136,	/* and the seven above */
	PTS_MAJORS = 8,
	INSNS_EACH = 5,
	INSNS_MAX = 8 + INSNS_EACH * CGROUP_DEVICES_MAX,
	ANY = -1,
};

struct rule {
	bool block;
	int major, minor;	/* minor: or ANY */
};

/* What the jail itself puts into /dev, the terminals of its own, and the streams that it hands over. */
static size_t basic_rules(struct rule *to)
{
	static const struct rule nodes[] = { { false, 1, 3 }, { false, 1, 5 }, { false, 1, 7 }, { false, 1, 8 },
		{ false, 1, 9 }, { false, 5, 0 }, { false, 5, 2 } };
	size_t n = sizeof(nodes) / sizeof(nodes[0]);
	struct stat st;

	memcpy(to, nodes, sizeof(nodes));
	for (int i = 0; i < PTS_MAJORS; i++)
		to[n++] = (struct rule){ false, PTS_MAJOR + i, ANY };
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fstat(fd, &st) == 0 && (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
			to[n++] = (struct rule){ S_ISBLK(st.st_mode), (int)major(st.st_rdev), (int)minor(st.st_rdev) };
	}
	return n;
}

static int write_rule(int dir, const char *name, const char *text)
{
	cleanup_close int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int limit_v1(int dir, const struct rule *list, size_t n)
{
	char text[48], any[] = "*";
	int r = write_rule(dir, "devices.deny", "a");

	for (size_t i = 0; r == 0 && i < n; i++) {
		char minor_text[16];

		snprintf(minor_text, sizeof(minor_text), "%d", list[i].minor);
		snprintf(text, sizeof(text), "%c %d:%s rw", list[i].block ? 'b' : 'c', list[i].major,
			 list[i].minor == ANY ? any : minor_text);
		r = write_rule(dir, "devices.allow", text);
	}
	return r;
}

#define INSN(c, d, s, o, i) ((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

/* 1 when one of the rules names the device and no node is to be made, else 0. */
static size_t write_program(struct bpf_insn *to, const struct rule *list, size_t n)
{
	enum { ARG = BPF_REG_1, ACCESS, TYPE, MAJOR, MINOR };
	size_t k = 0;

	to[k++] = INSN(BPF_LDX | BPF_MEM | BPF_W, ACCESS, ARG, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	to[k++] = INSN(BPF_LDX | BPF_MEM | BPF_W, MAJOR, ARG, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	to[k++] = INSN(BPF_LDX | BPF_MEM | BPF_W, MINOR, ARG, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
	to[k++] = INSN(BPF_ALU64 | BPF_MOV | BPF_X, TYPE, ACCESS, 0, 0);
	to[k++] = INSN(BPF_ALU64 | BPF_AND | BPF_K, TYPE, 0, 0, 0xffff);
	to[k++] = INSN(BPF_JMP | BPF_JSET | BPF_K, ACCESS, 0, (short)(n * INSNS_EACH), BPF_DEVCG_ACC_MKNOD << 16);
	for (size_t i = 0; i < n; i++) {
		bool any = list[i].minor == ANY;

		to[k++] = INSN(BPF_JMP | BPF_JNE | BPF_K, TYPE, 0, 4, list[i].block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
		to[k++] = INSN(BPF_JMP | BPF_JNE | BPF_K, MAJOR, 0, 3, list[i].major);
		to[k++] = any ? INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0) : INSN(BPF_JMP | BPF_JNE | BPF_K, MINOR, 0, 2, list[i].minor);
		to[k++] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1);
		to[k++] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	}
	to[k++] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
	to[k++] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return k;
}

/* The cgroup holds the program from then on. Every cgroup above may refuse as well. */
static int limit_v2(int dir, const struct rule *list, size_t n)
{
	cleanup_free struct bpf_insn *insns = calloc(INSNS_MAX, sizeof(*insns));
	union bpf_attr load = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .license = (uintptr_t)"Apache-2.0" };
	union bpf_attr attach = { .attach_type = BPF_CGROUP_DEVICE, .attach_flags = BPF_F_ALLOW_MULTI };
	cleanup_close int prog = -1;

	if (!insns)
		return -ENOMEM;
	load.insns = (uintptr_t)insns;
	load.insn_cnt = (unsigned int)write_program(insns, list, n);
	prog = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	if (prog < 0)
		return -errno;
	attach.target_fd = (unsigned int)dir;
	attach.attach_bpf_fd = (unsigned int)prog;
	return syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)) < 0 ? -errno : 0;
}

int cgroup_devices_limit(int dir, bool v2, const struct cgroup_device *list, size_t n)
{
	struct rule rules[CGROUP_DEVICES_MAX];
	size_t k = basic_rules(rules);

	for (size_t i = 0; i < n; i++) {
		if (k == CGROUP_DEVICES_MAX)
			return -E2BIG;
		rules[k++] = (struct rule){ S_ISBLK(list[i].type), (int)major(list[i].rdev), (int)minor(list[i].rdev) };
	}
	return v2 ? limit_v2(dir, rules, k) : limit_v1(dir, rules, k);
}
