OPTIONS_SRC := cli/consent.c cli/device_list.c cli/devices.c cli/limits.c cli/mounts.c cli/source.c cli/view.c cli/option_values.c cli/options.c cli/path.c cli/profile.c cli/settings_print.c \
	cli/settings_read.c cli/settings_value.c cli/rules.c sandbox/ids.c sandbox/seccomp.c sandbox/simulate.c $(POLICY_SRC) $(POLICY_CLI_SRC) $(FILTER_SRC) $(LIB_SRC)
OPTIONS_LIBS := $(POLICY_LIBS) $(POLICY_CLI_LIBS) $(FILTER_LIBS) -lcap
UNIT += profile
UNIT_profile = $(OPTIONS_SRC)
UNIT_profile_LIBS = $(OPTIONS_LIBS)
