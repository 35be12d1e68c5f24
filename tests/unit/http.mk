UNIT += http refuse
UNIT_http := $(filter stack/inspect/%,$(STACK_SRC)) $(LIB_SRC)
UNIT_http_OBJ = $(LLHTTP_OBJ)
UNIT_http_LIBS = $(STACK_LIBS)
UNIT_refuse := stack/inspect/refuse.c $(LIB_SRC)
