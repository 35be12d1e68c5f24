# The jail's attack suite: the programs that tests/escape/*.t run, and the battery, which `make escape` points at
# every jail that there is an adapter for. ESCAPE_ARGS="--jail sluice --attack '44*' --verbose" picks.
ESCAPE := $(BUILD)/tests/escape
$(ESCAPE)/jailrun: $(call obj,tests/escape/jailrun.c cli/limits.c cli/mounts.c cli/path.c cli/source.c cli/userns.c cli/view.c $(SANDBOX_SRC) $(LIB_SRC))
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(SANDBOX_LIBS)
# The same with a hole in its mounts: what then still holds is Landlock.
$(ESCAPE)/holerun: $(call obj,tests/escape/jailrun.c tests/escape/hole.c cli/limits.c cli/mounts.c cli/path.c cli/source.c cli/userns.c cli/view.c $(SANDBOX_SRC) $(LIB_SRC))
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -Wl,--wrap=root_build,--wrap=ids_write -o $@ $(filter %.o,$^) $(SANDBOX_LIBS)
# One file that needs no other, so that it runs in whatever jail there is.
PROBE_SRC := $(addprefix tests/escape/,probe.c call.c attack.c)
$(ESCAPE)/probe: $(call obj,$(PROBE_SRC))
	$(call say,LD,$@)
	$(Q)$(CC) $(filter-out -pie,$(BASE_LDFLAGS)) -static-pie $(LDFLAGS) -o $@ $(filter %.o,$^)
$(ESCAPE)/ptyrun: $(BUILD)/tests/escape/ptyrun.o
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -o $@ $< -lutil
# The same attacks as a 32-bit program; only where the compiler can make one, the tests skip otherwise.
$(ESCAPE)/probe32: $(PROBE_SRC) tests/escape/probe.h
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)gcc -m32 -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O1 -I. -o $@ $(PROBE_SRC) 2>/dev/null || rm -f $@
# Threads of another C library, where its compiler is installed.
$(ESCAPE)/threads-musl: tests/escape/threads.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)musl-gcc -static -std=gnu17 -O1 -o $@ $< 2>/dev/null || rm -f $@
ESCAPE_PROGRAMS := $(addprefix $(ESCAPE)/,jailrun holerun probe ptyrun)
NET_PROGRAMS += $(ESCAPE_PROGRAMS)
.PHONY: escape escape-run escape-programs
escape:
	@echo "escape: packages that are missing, then the programs, then tests/escape/battery"
	$(call deps,build escape)
	$(variant) programs escape-programs
	$(variant) escape-run
escape-run:
	$(Q)SLUICE_BUILD=$(abspath $(BUILD)) tests/escape/battery $(ESCAPE_ARGS)
net-programs escape-programs: $(ESCAPE_PROGRAMS) $(ESCAPE)/probe32 $(ESCAPE)/threads-musl
