FUZZ_TARGETS += addr
FUZZ_addr := lib/addr.c
FUZZ_TARGETS += proto
FUZZ_proto := lib/proto.c
