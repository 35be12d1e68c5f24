STACK_SRC :=
STACK_SRC += stack/ask.c
STACK_SRC += stack/drop.c
STACK_SRC += stack/flow.c
STACK_SRC += stack/stack.c
STACK_SRC += stack/port/mem.c
STACK_SRC += stack/port/packet.c
STACK_SRC += stack/port/pool.c
STACK_SRC += stack/port/port.c
STACK_SRC += stack/port/tap.c
STACK_SRC += stack/port/txq.c
STACK_SRC += stack/port/vnet.c
STACK_SRC += stack/port/xdp.c
STACK_SRC += stack/ip/arp.c
STACK_SRC += stack/ip/csum.c
STACK_SRC += stack/ip/eth.c
STACK_SRC += stack/ip/frag.c
STACK_SRC += stack/ip/icmp.c
STACK_SRC += stack/ip/icmp_error.c
STACK_SRC += stack/ip/ip.c
STACK_SRC += stack/ip/nd.c
STACK_SRC += stack/ip/output.c
STACK_SRC += stack/nat/hold.c
STACK_SRC += stack/nat/dgram.c
STACK_SRC += stack/nat/udp.c
STACK_SRC += stack/nat/ping.c
STACK_SRC += stack/dns/dns.c
STACK_SRC += stack/dns/dns_msg.c
STACK_SRC += stack/dns/dns_tcp.c
STACK_SRC += stack/ip/dhcp.c
STACK_SRC += stack/record/record.c
STACK_LIBS := -lseccomp -lcap

# ---- lwIP, unmodified, from Debian's signed source package --------------------------------------
# LWIP_DIR is shared by all build variants; vendor/lwip/fetch.sh verifies what it fetches.
LWIP_DIR ?= build/lwip
LWIP_TREE := $(LWIP_DIR)/src-tree
LWIP_NAMES := init def inet_chksum ip mem memp netif pbuf stats sys tcp tcp_in tcp_out timeouts \
	ipv4/ip4 ipv4/ip4_addr ipv6/ip6 ipv6/ip6_addr
LWIP_OBJ := $(patsubst %,$(BUILD)/lwip/%.o,$(LWIP_NAMES))
LWIP_CPPFLAGS := -Istack/lwip -isystem $(LWIP_TREE)/src/include

$(LWIP_DIR)/fetched: vendor/lwip/fetch.sh vendor/lwip/SHA256SUMS
	$(call say,FETCH,lwip)
	$(Q)sh vendor/lwip/fetch.sh $(LWIP_DIR)
	$(Q)touch $@

# Upstream's code is built with our options header and our hardening, but with its own warnings.
$(BUILD)/lwip/%.o: $(LWIP_DIR)/fetched stack/lwip/lwipopts.h
	$(call say,CC,lwip/$*)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(LWIP_CPPFLAGS) $(BASE_CFLAGS) $(CFLAGS) -w -c -o $@ $(LWIP_TREE)/src/core/$*.c

# Only what talks to lwIP sees its headers.
$(BUILD)/stack/lwip/%.o $(BUILD)/stack/ip/tcp%.o $(BUILD)/tests/path/%.o: CPPFLAGS += $(LWIP_CPPFLAGS)
$(BUILD)/stack/lwip/%.o $(BUILD)/stack/ip/tcp%.o: | $(LWIP_DIR)/fetched
