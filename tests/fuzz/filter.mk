FUZZ_TARGETS += filter
FUZZ_filter = sandbox/seccomp.c $(FILTER_SRC)
FUZZ_filter_LIBS = $(FILTER_LIBS)
