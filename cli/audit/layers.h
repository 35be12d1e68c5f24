/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers: what stands between a program and the machine, as `sluice audit` counts it. The weight says how much its
 * absence adds to the exposure, beside the others'. sluice(1) has this table, held to it by a test.
 */
#ifndef CLI_AUDIT_LAYERS_H
#define CLI_AUDIT_LAYERS_H

/* X(NAME, word, weight, what it means to be there) */
#define AUDIT_LAYERS(X)                                                                                       \
	X(USERNS, "user-namespace", 5, "a user namespace of its own")                                         \
	X(MNTNS, "mount-namespace", 4, "a mount namespace of its own")                                        \
	X(PIDNS, "pid-namespace", 4, "a pid namespace of its own")                                            \
	X(NETNS, "network-namespace", 6, "a network namespace of its own")                                    \
	X(IPCNS, "ipc-namespace", 2, "an ipc namespace of its own")                                           \
	X(UTSNS, "uts-namespace", 1, "a uts namespace of its own")                                            \
	X(CGROUPNS, "cgroup-namespace", 1, "a cgroup namespace of its own")                                   \
	X(TIMENS, "time-namespace", 1, "a time namespace of its own")                                         \
	X(ROOT, "root", 5, "a root directory that is not the host's")                                         \
	X(SYSTEM, "read-only-system", 4, "nothing can be made in /, /usr, /etc, /bin and /lib")               \
	X(HOSTFILES, "host-files", 5, "no file of the host is writable")                                      \
	X(FLAGS, "mount-flags", 2, "writable mounts take no set-user-id programs and no devices")             \
	X(KERNEL, "kernel-files", 4, "the kernel's memory, keys, logs and settings are closed")               \
	X(DEVICES, "devices", 3, "no devices but harmless ones and terminals")                                \
	X(UID, "user", 4, "not the host's root")                                                              \
	X(CAPS, "capabilities", 8, "all five sets of capabilities are empty")                                 \
	X(NNP, "no-new-privileges", 4, "no program gives more rights when it is started")                     \
	X(SECUREBITS, "securebits", 1, "being root gives no capability")                                      \
	X(GROUPS, "groups", 2, "no supplementary groups")                                                     \
	X(SECCOMP, "seccomp", 8, "a filter of system calls")                                                  \
	X(CALLS, "dangerous-calls", 6, "calls that have opened jails before are refused")                     \
	X(FAMILIES, "socket-families", 3, "sockets of rare families are refused")                             \
	X(NESTED, "nested-namespaces", 3, "no further user namespaces")                                       \
	X(LANDLOCK, "landlock", 4, "a second wall around files")                                              \
	X(FDS, "descriptors", 3, "no descriptors but the standard streams")                                   \
	X(ENV, "environment", 2, "no variables that look like secrets")                                       \
	X(PROCESSES, "processes", 2, "only its own processes are seen")                                       \
	X(LINKS, "links", 3, "no network link but lo and the gateway's")                                      \
	X(HOSTNET, "host-network", 5, "listeners on the host's loopback and abstract sockets do not answer")  \
	X(POLICY, "policy", 4, "nothing may leave")                                                           \
	X(MEMORY, "memory-limit", 2, "a limit on memory")                                                     \
	X(PIDS, "process-limit", 2, "a limit on processes")                                                   \
	X(CPU, "cpu-limit", 1, "a limit on processors")                                                       \
	X(TIME, "time-limit", 1, "a limit on time")                                                           \
	X(CORE, "core-dumps", 1, "no core dumps, which the host's handler would get")

enum audit_layer {
#define X(name, word, weight, text) LAYER_##name,
	AUDIT_LAYERS(X)
#undef X
	LAYER_COUNT
};

#endif
