UNIT += view
UNIT_view := cli/limits.c cli/mounts.c cli/path.c cli/source.c cli/view.c sandbox/ids.c $(LIB_SRC)
UNIT_view_LIBS := -lcap
