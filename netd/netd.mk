NETD_SRC := \
	netd/main.c \
	netd/control.c \
	netd/decider.c \
	netd/priv.c \
	netd/relay.c \
	netd/sandbox.c \
	netd/spawn.c
NETD_LIBS := -lcap
