FUZZ_TARGETS += denied
FUZZ_denied := stack/inspect/denied.c stack/inspect/refuse.c $(LIB_SRC)
