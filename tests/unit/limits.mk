UNIT += limits
UNIT_limits := cli/limits.c sandbox/cgroup_layout.c $(LIB_SRC)
