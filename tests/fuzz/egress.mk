FUZZ_TARGETS += hosts ask query
FUZZ_query := netd/egress/query.c $(LIB_SRC)
FUZZ_hosts := netd/egress/hosts.c netd/egress/resolvconf.c $(POLICY_SRC) $(LIB_SRC)
FUZZ_hosts_LIBS := $(POLICY_LIBS)
FUZZ_ask := $(EGRESS_OWN_SRC) $(POLICY_SRC) $(LIB_SRC)
FUZZ_ask_LIBS := $(EGRESS_LIBS)
