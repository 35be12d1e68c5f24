FUZZ_TARGETS += view
FUZZ_view := cli/limits.c cli/mounts.c cli/path.c cli/source.c cli/view.c sandbox/ids.c $(LIB_SRC)
FUZZ_view_LIBS := -lcap
