UNIT += lease egress query
UNIT_query := netd/egress/query.c $(LIB_SRC)
UNIT_lease := netd/egress/lease.c $(LIB_SRC)
UNIT_egress := $(filter-out netd/egress/dial.c,$(EGRESS_OWN_SRC)) $(POLICY_SRC) $(LIB_SRC)
UNIT_egress_LIBS := $(EGRESS_LIBS)
