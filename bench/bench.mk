.PHONY: bench
bench: programs
	$(Q)SLUICE_BUILD=$(abspath $(BUILD)) bench/run.sh $(BENCH_ARGS)

.PHONY: bench-policy
bench-policy: $(BUILD)/bench/policy
	$(Q)bench/policy.sh $(BUILD)/bench/policy $(BENCH_ARGS)
$(BUILD)/bench/policy: $(call obj,bench/policy.c $(POLICY_SRC) $(LIB_SRC))
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(POLICY_LIBS)
