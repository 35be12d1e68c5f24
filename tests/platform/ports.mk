TESTS += platform/ports
TEST_platform/ports := \
	tests/platform/ports_world.c \
	netd/gate.c netd/inside.c netd/link.c netd/netns.c netd/psock.c netd/rtnl.c netd/tap.c netd/xsk.c \
	stack/port/packet.c stack/port/pool.c stack/port/tap.c stack/port/txq.c stack/port/vnet.c stack/port/xdp.c \
	lib/addr.c lib/log.c
TEST_platform/ports_LIBS := -lmnl -lxdp -lbpf
