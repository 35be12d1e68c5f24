UNIT += hello tls
UNIT_hello := stack/inspect/hello.c
UNIT_tls := $(filter stack/inspect/%,$(STACK_SRC)) $(LIB_SRC)
