FUZZ_TARGETS += quic
FUZZ_quic := $(filter stack/inspect/%,$(STACK_SRC)) $(LIB_SRC) tests/unit/quic_make.c
FUZZ_quic_LIBS = $(STACK_LIBS)
$(BUILD)/tests/fuzz/fuzz_quic: $(LLHTTP_OBJ)
