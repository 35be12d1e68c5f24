CLI_SRC := \
	cli/attach.c \
	cli/audit/audit.c \
	cli/audit/judge.c \
	cli/consent.c \
	cli/device_list.c \
	cli/device_log.c \
	cli/devices.c \
	cli/doctor.c \
	cli/doctor_try.c \
	cli/door.c \
	cli/gateway.c \
	cli/limits.c \
	cli/main.c \
	cli/netd.c \
	cli/mounts.c \
	cli/option_values.c \
	cli/options.c \
	cli/path.c \
	cli/policy.c \
	cli/profile.c \
	cli/ps.c \
	cli/rules.c \
	cli/run.c \
	cli/seccomp.c \
	cli/seccomp_bench.c \
	cli/set.c \
	cli/settings_print.c \
	cli/settings_read.c \
	cli/settings_value.c \
	cli/source.c \
	cli/stats.c \
	cli/status.c \
	cli/summary.c \
	cli/top.c \
	cli/userns.c \
	cli/violations.c \
	cli/view.c \
	$(POLICY_SRC) \
	$(POLICY_CLI_SRC) \
	$(CONFINE_SRC) \
	$(FILTER_SRC)
CLI_LIBS := $(POLICY_CLI_LIBS) $(POLICY_LIBS) $(FILTER_LIBS) -lcap

# What sluice audit puts into a jail: static, so that it runs whatever the jail shows, and without sanitizers, whose
# own calls and files it would find.
PROBE := $(BUILD)/sluice-probe
$(PROBE): cli/audit/probe.c $(FLAGS_FILE)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -D_GNU_SOURCE -O2 $(WARN) -fstack-protector-strong -static -o $@ $<
