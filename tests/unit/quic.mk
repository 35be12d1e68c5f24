UNIT += quic
UNIT_quic := $(filter stack/inspect/%,$(STACK_SRC)) $(LIB_SRC) tests/unit/quic_make.c
UNIT_quic_OBJ = $(LLHTTP_OBJ)
UNIT_quic_LIBS = $(STACK_LIBS)
