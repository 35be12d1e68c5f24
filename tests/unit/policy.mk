UNIT += policy
UNIT_policy := $(POLICY_SRC) $(LIB_SRC)
UNIT_policy_LIBS := $(POLICY_LIBS)
