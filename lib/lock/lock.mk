# libsluice-lock: one file, which needs libc alone; static and shared. Its filters are made like the jail's.
LOCK_SRC := lib/lock/lock.c
LOCK_HEADER := lib/lock/sluice_lock.h
LOCK_PROFILES := lock lock_files
LOCK_SO := libsluice-lock.so.1
LOCK_LIBS := $(BUILD)/libsluice-lock.a $(BUILD)/$(LOCK_SO)

$(BUILD)/lib/lock/lock_programs.h: $(PROFILE_MAKE) $(LOCK_PROFILES:%=lib/lock/%.seccomp)
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$< programs lib/lock $(LOCK_PROFILES) > $@
$(BUILD)/lib/lock/lock.o: $(BUILD)/lib/lock/lock_programs.h
$(BUILD)/lib/lock/lock.o: private BASE_CFLAGS += -fPIC -fvisibility=hidden
$(BUILD)/libsluice-lock.a: $(BUILD)/lib/lock/lock.o
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^
$(BUILD)/$(LOCK_SO): $(BUILD)/lib/lock/lock.o
	$(call say,LD,$@)
	$(Q)$(CC) $(filter-out -pie,$(BASE_LDFLAGS)) $(LDFLAGS) -shared -Wl,-soname,$(LOCK_SO) -o $@ $^
	$(Q)ln -sf $(LOCK_SO) $(BUILD)/libsluice-lock.so
# The example, linked as its reader would: header and library, nothing of the project's own.
EXAMPLES := $(BUILD)/examples/locked-sum
$(BUILD)/examples/locked-sum: examples/locked-sum.c $(LOCK_HEADER) $(BUILD)/libsluice-lock.a
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 $(WARN) -O2 -Ilib/lock $(addprefix -fsanitize=,$(SANITIZERS)) -o $@ $< $(BUILD)/libsluice-lock.a -lpthread
.PHONY: lock examples install-lock
lock: $(LOCK_LIBS)
examples: $(EXAMPLES)
# Builds nothing: `make install` has, and a test installs what was built.
install-lock:
	$(Q)install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include
	$(Q)install -m 644 $(LOCK_LIBS) $(DESTDIR)$(PREFIX)/lib/
	$(Q)ln -sf $(LOCK_SO) $(DESTDIR)$(PREFIX)/lib/libsluice-lock.so
	$(Q)sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(shell cat VERSION)|' lib/lock/sluice-lock.pc.in \
		>$(DESTDIR)$(PREFIX)/lib/pkgconfig/sluice-lock.pc
	$(Q)chmod 644 $(DESTDIR)$(PREFIX)/lib/pkgconfig/sluice-lock.pc
	$(Q)install -m 644 $(LOCK_HEADER) $(DESTDIR)$(PREFIX)/include/
