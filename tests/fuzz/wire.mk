FUZZ_TARGETS += ip dns dhcp
FUZZ_ip = $(WORLD_SRC)
FUZZ_ip_LIBS = -lcmocka $(WORLD_LIBS)
FUZZ_dns = $(WORLD_SRC)
FUZZ_dns_LIBS = -lcmocka $(WORLD_LIBS)
FUZZ_dhcp = $(WORLD_SRC)
FUZZ_dhcp_LIBS = -lcmocka $(WORLD_LIBS)
$(patsubst %,$(BUILD)/tests/fuzz/fuzz_%,ip dns dhcp): $(LLHTTP_OBJ)
