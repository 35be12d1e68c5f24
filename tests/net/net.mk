# Programs that the network tests run beside the real ones. The peer is never sanitized: it runs inside
# the jail, where LeakSanitizer's ptrace is refused.
NET_PROGRAMS := $(BUILD)/tests/net/peer $(BUILD)/tests/net/soak $(BUILD)/bench/wire
$(BUILD)/tests/net/peer: tests/net/peer.c
$(BUILD)/tests/net/soak: tests/net/soak.c tests/net/soak_move.c tests/net/soak_move.h
$(BUILD)/tests/net/peer $(BUILD)/tests/net/soak:
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -I. -D_GNU_SOURCE -std=gnu17 -O2 -g $(WARN) -o $@ $(filter %.c,$^)
.PHONY: net-programs
net-programs: $(NET_PROGRAMS)

# Ten minutes of mixed load over a bad wire; make test has half a minute of it.
.PHONY: soak
SOAK_SECONDS ?= 600
soak:
	$(call deps,build test)
	$(variant) programs net-programs
	$(Q)SLUICE_BUILD=$(abspath $(BUILD_TOP)) SOAK_SECONDS=$(SOAK_SECONDS) tests/net/soak.t
