UNIT += denied
UNIT_denied := stack/inspect/denied.c stack/inspect/refuse.c $(LIB_SRC)
