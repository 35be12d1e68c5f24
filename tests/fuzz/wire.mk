FUZZ_TARGETS += ip dns dhcp
FUZZ_ip = $(WORLD_SRC)
FUZZ_ip_LIBS := -lcmocka
FUZZ_dns = $(WORLD_SRC)
FUZZ_dns_LIBS := -lcmocka
FUZZ_dhcp = $(WORLD_SRC)
FUZZ_dhcp_LIBS := -lcmocka
