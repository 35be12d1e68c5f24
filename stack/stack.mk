STACK_SRC :=
STACK_SRC += stack/ask.c
STACK_SRC += stack/drop.c
STACK_SRC += stack/flow.c
STACK_SRC += stack/intake.c
STACK_SRC += stack/main.c
STACK_SRC += stack/stack.c
STACK_SRC += stack/stats.c
STACK_SRC += stack/lwip/glue.c
STACK_SRC += stack/ip/tcp.c
STACK_SRC += stack/ip/tcp_check.c
STACK_SRC += stack/ip/tcp_rx.c
STACK_SRC += stack/ip/tcp_tx.c
STACK_SRC += stack/ip/tcp_world.c
STACK_SRC += stack/nat/chunk.c
STACK_SRC += stack/nat/tcp_conn.c
STACK_SRC += stack/nat/tcp_down.c
STACK_SRC += stack/nat/tcp_inspect.c
STACK_SRC += stack/nat/tcp_up.c
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
STACK_SRC += stack/nat/dgram_error.c
STACK_SRC += stack/nat/udp.c
STACK_SRC += stack/nat/ping.c
STACK_SRC += stack/dns/dns.c
STACK_SRC += stack/dns/dns_msg.c
STACK_SRC += stack/dns/dns_tcp.c
STACK_SRC += stack/ip/dhcp.c
STACK_SRC += stack/inspect/denied.c
STACK_SRC += stack/inspect/hello.c
STACK_SRC += stack/inspect/http.c
STACK_SRC += stack/inspect/http_head.c
STACK_SRC += stack/inspect/inspect.c
STACK_SRC += stack/inspect/refuse.c
STACK_SRC += stack/inspect/tls.c
STACK_SRC += stack/inspect/quic.c
STACK_SRC += stack/inspect/quic_packet.c
STACK_SRC += stack/record/record.c
STACK_SRC += $(CONFINE_SRC)
STACK_LIBS = -lcap -lnettle $(LLHTTP_LIBS)

# ---- llhttp: a library of its own in later Debian, three sources in a package of Debian 12 -----------
LLHTTP_DIR ?= /usr/share/llhttp
LLHTTP_INCLUDE ?= /usr/share/include/llhttp
LLHTTP_LIBS := $(shell pkg-config --libs libllhttp 2>/dev/null)
ifeq ($(LLHTTP_LIBS),)
LLHTTP_OBJ := $(patsubst %,$(BUILD)/llhttp/%.o,llhttp api http)
LLHTTP_CPPFLAGS := -I$(LLHTTP_INCLUDE) -DLLHTTP_STRICT_MODE=1
else
LLHTTP_OBJ :=
LLHTTP_CPPFLAGS := $(shell pkg-config --cflags libllhttp)
endif

# Upstream's code is built with our hardening and its own warnings.
$(BUILD)/llhttp/%.o: $(LLHTTP_DIR)/%.c $(FLAGS_FILE)
	$(call say,CC,llhttp/$*)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(LLHTTP_CPPFLAGS) $(BASE_CFLAGS) $(CFLAGS) -w -c -o $@ $<

$(BUILD)/stack/inspect/http.o: CPPFLAGS += $(LLHTTP_CPPFLAGS)

# ---- lwIP, unmodified, from Debian's signed source package --------------------------------------
# LWIP_DIR is shared by all build variants; vendor/lwip/fetch.sh verifies what it fetches.
LWIP_DIR ?= build/lwip
LWIP_TREE := $(LWIP_DIR)/src-tree
LWIP_NAMES := def mem memp pbuf tcp tcp_in tcp_out ipv4/ip4_addr ipv6/ip6_addr
LWIP_OBJ := $(patsubst %,$(BUILD)/lwip/%.o,$(LWIP_NAMES))
LWIP_CPPFLAGS := -Istack/lwip -isystem $(LWIP_TREE)/src/include

$(LWIP_DIR)/fetched: vendor/lwip/fetch.sh vendor/lwip/SHA256SUMS
	$(call say,FETCH,lwip)
	$(Q)sh vendor/lwip/fetch.sh $(LWIP_DIR)
	$(Q)touch $@

# Upstream's code is built with our options header and our hardening, but with its own warnings.
$(BUILD)/lwip/%.o: $(LWIP_DIR)/fetched $(FLAGS_FILE) $(wildcard stack/lwip/*.h stack/lwip/arch/*.h)
	$(call say,CC,lwip/$*)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(LWIP_CPPFLAGS) $(BASE_CFLAGS) $(CFLAGS) -w -c -o $@ $(LWIP_TREE)/src/core/$*.c

# Only what talks to lwIP sees its headers.
LWIP_USERS := $(call obj,$(filter stack/lwip/% stack/ip/tcp% stack/nat/tcp%,$(STACK_SRC)))
$(LWIP_USERS) $(BUILD)/tests/path/%.o: CPPFLAGS += $(LWIP_CPPFLAGS)
$(LWIP_USERS): | $(LWIP_DIR)/fetched
# init.c is compiled for its checks of our options, and not linked.
$(BUILD)/stack/lwip/glue.o: | $(BUILD)/lwip/init.o
