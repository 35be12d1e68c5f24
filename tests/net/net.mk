# Programs that the network tests run beside the real ones.
NET_PROGRAMS += $(BUILD)/tests/net/peer
$(BUILD)/tests/net/peer: $(BUILD)/tests/net/peer.o
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) -o $@ $<
.PHONY: net-programs
net-programs: $(NET_PROGRAMS)
