SANDBOX_SRC := \
	sandbox/base.c \
	sandbox/bind.c \
	sandbox/caps.c \
	sandbox/cgroup.c \
	sandbox/cgroup_devices.c \
	sandbox/cgroup_layout.c \
	sandbox/deadline.c \
	sandbox/device.c \
	sandbox/env.c \
	sandbox/etc.c \
	sandbox/idmap.c \
	sandbox/ids.c \
	sandbox/image.c \
	sandbox/init.c \
	sandbox/jail.c \
	sandbox/landlock.c \
	sandbox/mounts.c \
	sandbox/netns.c \
	sandbox/overlay.c \
	sandbox/place.c \
	sandbox/program.c \
	sandbox/pty.c \
	sandbox/rlimit.c \
	sandbox/root.c \
	sandbox/seccomp.c \
	sandbox/simulate.c \
	sandbox/trace.c \
	sandbox/wait.c
SANDBOX_LIBS := -lcap
# Profiles as rules: the build's and the caller's part, which the jail itself does not need.
PROFILE_SRC := \
	sandbox/filter_check.c \
	sandbox/filter_make.c \
	sandbox/filter_names.c \
	sandbox/filter_print.c \
	sandbox/filter_profile.c \
	sandbox/filter_text.c \
	sandbox/filter_words.c
FILTER_SRC := \
	sandbox/filter_file.c \
	sandbox/filter_ioctl.c \
	sandbox/filter_json.c \
	$(PROFILE_SRC)
FILTER_LIBS := -ljansson -lseccomp

# The built-in profiles are made into programs at build time, by a program that is itself built for it.
PROFILES := default strict compute terminal
PROFILE_MAKE := $(BUILD)/sandbox/profiles/make
$(PROFILE_MAKE): $(call obj,sandbox/profiles/make.c sandbox/simulate.c $(PROFILE_SRC))
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -o $@ $^ -lseccomp
$(BUILD)/sandbox/filter_%.h: $(PROFILE_MAKE) $(PROFILES:%=sandbox/profiles/%.seccomp)
	$(call say,GEN,$@)
	$(Q)$< $* sandbox/profiles $(PROFILES) > $@
$(BUILD)/sandbox/seccomp.o: $(BUILD)/sandbox/filter_programs.h
$(BUILD)/sandbox/filter_file.o: $(BUILD)/sandbox/filter_texts.h
