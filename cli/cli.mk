CLI_SRC := \
	cli/attach.c \
	cli/doctor.c \
	cli/gateway.c \
	cli/main.c \
	cli/options.c \
	cli/policy.c \
	cli/run.c \
	cli/status.c \
	cli/summary.c \
	cli/userns.c \
	$(POLICY_SRC) \
	$(CONFINE_SRC)
CLI_LIBS := $(POLICY_LIBS) -lcap
