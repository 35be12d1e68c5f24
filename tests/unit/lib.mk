UNIT += lib
UNIT_lib := $(LIB_SRC)
