FUZZ_TARGETS += policy
FUZZ_policy := $(POLICY_SRC) $(LIB_SRC)
FUZZ_policy_LIBS := $(POLICY_LIBS)
