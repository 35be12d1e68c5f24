UNIT += netd
UNIT_netd := netd/control.c netd/decider.c netd/relay.c netd/sandbox.c netd/spare.c netd/spawn.c $(LIB_SRC)
