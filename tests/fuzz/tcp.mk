FUZZ_TARGETS += tcp
FUZZ_tcp = $(PATH_SRC)
FUZZ_tcp_CPPFLAGS = $(LWIP_CPPFLAGS)
FUZZ_tcp_LIBS = $(STACK_LIBS) -lcmocka
$(BUILD)/tests/fuzz/fuzz_tcp: $(LWIP_OBJ) $(LLHTTP_OBJ)
$(BUILD)/tests/fuzz/fuzz_tcp.o: | $(LWIP_DIR)/fetched
FUZZ_TARGETS += tcp_check
FUZZ_tcp_check := stack/ip/tcp_check.c
FUZZ_TARGETS += tcp_inspect
FUZZ_tcp_inspect = $(PATH_SRC)
FUZZ_tcp_inspect_CPPFLAGS = $(LWIP_CPPFLAGS)
FUZZ_tcp_inspect_LIBS = $(STACK_LIBS) -lcmocka
$(BUILD)/tests/fuzz/fuzz_tcp_inspect: $(LWIP_OBJ) $(LLHTTP_OBJ)
$(BUILD)/tests/fuzz/fuzz_tcp_inspect.o: | $(LWIP_DIR)/fetched
