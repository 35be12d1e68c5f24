# Injects a system call into a running process, for tests/escape/hijack.t.
$(BUILD)/tests/escape/hijack: $(BUILD)/tests/escape/hijack.o
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -o $@ $<
NET_PROGRAMS += $(BUILD)/tests/escape/hijack
net-programs escape-programs: $(BUILD)/tests/escape/hijack
