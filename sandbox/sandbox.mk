SANDBOX_SRC := \
	sandbox/bind.c \
	sandbox/caps.c \
	sandbox/cgroup.c \
	sandbox/cgroup_layout.c \
	sandbox/deadline.c \
	sandbox/env.c \
	sandbox/etc.c \
	sandbox/ids.c \
	sandbox/init.c \
	sandbox/jail.c \
	sandbox/landlock.c \
	sandbox/program.c \
	sandbox/rlimit.c \
	sandbox/root.c \
	sandbox/seccomp.c \
	sandbox/wait.c
SANDBOX_LIBS := -lcap
# Profiles from files: the caller's part, which the jail itself does not need.
FILTER_SRC := \
	sandbox/filter_file.c \
	sandbox/filter_make.c \
	sandbox/filter_names.c
FILTER_LIBS := -ljansson -lseccomp

# The seccomp filter is made at build time by a program of its own (it needs libseccomp).
$(BUILD)/sandbox/profiles/default: $(BUILD)/sandbox/profiles/default.o $(BUILD)/sandbox/filter_make.o $(BUILD)/sandbox/filter_names.o
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) -o $@ $^ -lseccomp
$(BUILD)/sandbox/seccomp_default.h: $(BUILD)/sandbox/profiles/default
	$(call say,GEN,$@)
	$(Q)$< > $@
$(BUILD)/sandbox/seccomp.o: $(BUILD)/sandbox/seccomp_default.h
