UNIT += seccomp
UNIT_seccomp := sandbox/seccomp.c
UNIT_seccomp_LIBS := -lseccomp
UNIT_seccomp_CPPFLAGS = -DTOP='"$(CURDIR)"'
UNIT += filter_file
UNIT_filter_file = sandbox/seccomp.c $(FILTER_SRC)
UNIT_filter_file_LIBS = $(FILTER_LIBS)
