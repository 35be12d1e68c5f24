# The jail's attack suite: programs for tests/escape/*.t. `make escape` builds them.
ESCAPE := $(BUILD)/tests/escape
$(ESCAPE)/jailrun: $(call obj,tests/escape/jailrun.c $(SANDBOX_SRC) $(LIB_SRC))
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) -o $@ $(filter %.o,$^) $(SANDBOX_LIBS)
.PHONY: escape
escape: $(ESCAPE)/jailrun
