.PHONY: bench
bench: programs
	$(Q)SLUICE_BUILD=$(abspath $(BUILD)) bench/run.sh $(BENCH_ARGS)
