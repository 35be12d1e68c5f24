# The worker without lwIP (tests/unit/world.h), and what is tested with it.
WORLD_SRC := tests/unit/world.c $(LIB_SRC)
WORLD_SRC += stack/ask.c stack/drop.c stack/flow.c stack/stack.c
WORLD_SRC += stack/port/mem.c stack/port/pool.c stack/record/record.c
WORLD_SRC += $(addprefix stack/ip/,arp.c csum.c dhcp.c eth.c frag.c icmp.c icmp_error.c ip.c nd.c output.c)
WORLD_SRC += $(addprefix stack/nat/,dgram.c hold.c ping.c udp.c)
WORLD_SRC += $(addprefix stack/dns/,dns.c dns_msg.c dns_tcp.c)

UNIT += ip icmp output nd_dhcp dns record dgram ping
UNIT_ip := $(WORLD_SRC)
UNIT_icmp := $(WORLD_SRC)
UNIT_output := $(WORLD_SRC)
UNIT_nd_dhcp := $(WORLD_SRC)
UNIT_dns := $(WORLD_SRC)
UNIT_record := $(WORLD_SRC)
UNIT_dgram := $(WORLD_SRC) tests/unit/far.c
UNIT_ping := $(WORLD_SRC) tests/unit/far.c
