# The worker without lwIP (tests/unit/world.h), and what is tested with it.
WORLD_SRC := tests/unit/world.c $(LIB_SRC)
WORLD_SRC += stack/ask.c stack/drop.c stack/flow.c stack/intake.c stack/stack.c stack/stats.c
WORLD_SRC += stack/port/mem.c stack/port/pool.c stack/record/record.c
WORLD_SRC += $(addprefix stack/ip/,arp.c csum.c dhcp.c eth.c frag.c icmp.c icmp_error.c ip.c nd.c output.c)
WORLD_SRC += $(addprefix stack/nat/,dgram.c dgram_error.c hold.c ping.c udp.c)
WORLD_SRC += $(addprefix stack/dns/,dns.c dns_msg.c dns_tcp.c)
WORLD_SRC += $(filter stack/inspect/%,$(STACK_SRC))
WORLD_LIBS = $(STACK_LIBS)

define world_test
UNIT += $(1)
UNIT_$(1) := $$(WORLD_SRC) $(2)
UNIT_$(1)_OBJ = $$(LLHTTP_OBJ)
UNIT_$(1)_LIBS = $$(WORLD_LIBS)
endef
$(foreach t,ip icmp output nd_dhcp dns record,$(eval $(call world_test,$(t))))
$(foreach t,ask dgram ping,$(eval $(call world_test,$(t),tests/unit/far.c)))
$(eval $(call world_test,dgram_quic,tests/unit/far.c tests/unit/quic_make.c))
