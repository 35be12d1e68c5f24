UNIT += port
UNIT_port := stack/port/mem.c stack/port/packet.c stack/port/pool.c stack/port/tap.c stack/port/txq.c \
	stack/port/vnet.c
