NETD_SRC := \
	netd/main.c \
	netd/control.c \
	netd/decider.c \
	netd/gate.c \
	netd/inside.c \
	netd/link.c \
	netd/listen.c \
	netd/netns.c \
	netd/priv.c \
	netd/psock.c \
	netd/relay.c \
	netd/rtnl.c \
	netd/sandbox.c \
	netd/spare.c \
	netd/spawn.c \
	netd/tap.c \
	netd/xsk.c
NETD_LIBS := -lcap -lmnl -lxdp -lbpf
# A first build has no dependency file yet that would tell.
$(BUILD)/netd/gate.o: $(GATE_SKEL)
