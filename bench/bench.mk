# What makes and takes the load of bench/run.sh.
BENCH_TOOLS := udp flows flood start open
BENCH_PROGRAMS := $(BENCH_TOOLS:%=$(BUILD)/bench/%)
$(BENCH_PROGRAMS): $(BUILD)/bench/%: $(BUILD)/bench/%.o
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -o $@ $^

# A long link between two interfaces, for the rows with a far side and for the soak.
$(BUILD)/bench/wire: $(call obj,bench/wire.c bench/wire_cut.c)
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^)

.PHONY: bench bench-programs
bench-programs: $(BENCH_PROGRAMS) $(BUILD)/bench/wire
bench:
	@echo "bench: packages that are missing, then the programs, then bench/run.sh"
	$(call deps,build bench)
	$(variant) programs bench-programs
	$(Q)SLUICE_BUILD=$(abspath $(BUILD)) bench/run.sh $(BENCH_ARGS)

.PHONY: bench-start
bench-start: programs $(BUILD)/bench/start
	$(Q)SLUICE_BUILD=$(abspath $(BUILD)) bench/start.sh $(BENCH_ARGS)

.PHONY: bench-policy
bench-policy: $(BUILD)/bench/policy
	$(Q)bench/policy.sh $(BUILD)/bench/policy $(BENCH_ARGS)
$(BUILD)/bench/policy: $(call obj,bench/policy.c $(POLICY_SRC) $(LIB_SRC))
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(POLICY_LIBS)
