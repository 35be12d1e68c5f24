FUZZ_TARGETS += cgroup limits
FUZZ_cgroup := sandbox/cgroup_layout.c
FUZZ_limits := cli/limits.c $(LIB_SRC)
