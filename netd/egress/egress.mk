EGRESS_OWN_SRC := \
	netd/egress/ask.c \
	netd/egress/community.c \
	netd/egress/dial.c \
	netd/egress/eflow.c \
	netd/egress/events.c \
	netd/egress/evlog.c \
	netd/egress/hosts.c \
	netd/egress/judge.c \
	netd/egress/lease.c \
	netd/egress/lookup.c \
	netd/egress/meter.c \
	netd/egress/names.c \
	netd/egress/own.c \
	netd/egress/query.c \
	netd/egress/reload.c \
	netd/egress/report.c \
	netd/egress/resolve.c \
	netd/egress/resolvconf.c \
	netd/egress/sandbox.c \
	netd/egress/slurp.c
EGRESS_SRC := netd/egress/main.c $(EGRESS_OWN_SRC) $(POLICY_SRC) $(CONFINE_SRC)
EGRESS_LIBS := $(POLICY_LIBS) -lnettle -lcap
