INSPECT_SRC := $(filter stack/inspect/%,$(STACK_SRC)) $(LIB_SRC)

UNIT += http
UNIT_http := $(INSPECT_SRC)
UNIT_http_OBJ = $(LLHTTP_OBJ)
UNIT_http_LIBS = $(STACK_LIBS)
