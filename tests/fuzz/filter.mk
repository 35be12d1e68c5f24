FUZZ_TARGETS += filter
FUZZ_filter = sandbox/seccomp.c sandbox/simulate.c $(FILTER_SRC)
FUZZ_filter_LIBS = $(FILTER_LIBS)
