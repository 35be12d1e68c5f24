UNIT += hello tls
UNIT_hello := stack/inspect/hello.c
UNIT_tls := $(filter stack/inspect/%,$(STACK_SRC)) $(LIB_SRC)
UNIT_tls_OBJ = $(LLHTTP_OBJ)
UNIT_tls_LIBS = $(STACK_LIBS)
