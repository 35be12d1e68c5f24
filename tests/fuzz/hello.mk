FUZZ_TARGETS += hello tls
FUZZ_hello := stack/inspect/hello.c
FUZZ_tls := $(filter stack/inspect/%,$(STACK_SRC)) $(LIB_SRC)
