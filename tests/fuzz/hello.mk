FUZZ_TARGETS += hello tls
FUZZ_hello := stack/inspect/hello.c
FUZZ_tls := $(filter stack/inspect/%,$(STACK_SRC)) $(LIB_SRC)
FUZZ_tls_LIBS = $(STACK_LIBS)
$(BUILD)/tests/fuzz/fuzz_tls: $(LLHTTP_OBJ)
