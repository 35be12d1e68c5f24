# Programs that the network tests run beside the real ones. The peer is never sanitized: it runs inside
# the jail, where LeakSanitizer's ptrace is refused.
NET_PROGRAMS := $(BUILD)/tests/net/peer $(BUILD)/bench/wire
$(BUILD)/tests/net/peer: tests/net/peer.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -I. -D_GNU_SOURCE -std=gnu17 -O2 -g $(WARN) -o $@ $<
.PHONY: net-programs
net-programs: $(NET_PROGRAMS)
