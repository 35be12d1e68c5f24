UNIT += confine
UNIT_confine := $(CONFINE_SRC) $(LIB_SRC)
UNIT_confine_LIBS := -lcap
