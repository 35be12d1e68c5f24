UNIT += policy
UNIT_policy := $(POLICY_SRC) $(LIB_SRC)
UNIT_policy_LIBS := $(POLICY_LIBS)
UNIT += policy_text
UNIT_policy_text := $(POLICY_SRC) $(POLICY_CLI_SRC) $(LIB_SRC)
UNIT_policy_text_LIBS := $(POLICY_LIBS) $(POLICY_CLI_LIBS)
UNIT += policy_cli
UNIT_policy_cli := cli/policy.c cli/rules.c $(POLICY_SRC) $(POLICY_CLI_SRC) $(LIB_SRC)
UNIT_policy_cli_LIBS := $(POLICY_LIBS) $(POLICY_CLI_LIBS)
UNIT += man
UNIT_man := $(POLICY_SRC) $(LIB_SRC)
UNIT_man_LIBS := $(POLICY_LIBS)
UNIT_man_CPPFLAGS = -DTOP='"$(CURDIR)"'
UNIT += policy_inspect
UNIT_policy_inspect := $(POLICY_SRC) $(LIB_SRC)
UNIT_policy_inspect_LIBS := $(POLICY_LIBS)
UNIT += policy_preset
UNIT_policy_preset := $(POLICY_SRC) $(POLICY_CLI_SRC) $(LIB_SRC)
UNIT_policy_preset_LIBS := $(POLICY_LIBS) $(POLICY_CLI_LIBS)
UNIT_policy_preset_CPPFLAGS = -DTOP='"$(CURDIR)"'
