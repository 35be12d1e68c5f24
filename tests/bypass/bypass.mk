# The corpus of attacks on an egress allowlist: `make bypass` runs it against every gateway that there is an
# adapter for and that works on this machine. BYPASS_ARGS="--case 27 --adapter sluice" picks.
.PHONY: bypass bypass-run
bypass:
	@echo "bypass: packages that are missing, then the programs, then tests/bypass/run"
	$(call deps,build bypass)
	$(variant) programs net-programs
	$(variant) bypass-run
bypass-run:
	$(Q)SLUICE_BUILD=$(abspath $(BUILD)) tests/bypass/run $(BYPASS_ARGS)
