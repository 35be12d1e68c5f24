FUZZ_TARGETS += vnet
FUZZ_vnet := stack/port/vnet.c
