FUZZ_TARGETS += http
FUZZ_http := $(filter stack/inspect/%,$(STACK_SRC)) $(LIB_SRC)
FUZZ_http_LIBS = $(STACK_LIBS)
$(BUILD)/tests/fuzz/fuzz_http: $(LLHTTP_OBJ)
