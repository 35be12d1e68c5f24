UNIT += seccomp
UNIT_seccomp := sandbox/seccomp.c sandbox/simulate.c
UNIT_seccomp_LIBS := -lseccomp
UNIT_seccomp_CPPFLAGS = -DTOP='"$(CURDIR)"'
UNIT += filter_file
UNIT_filter_file = sandbox/seccomp.c sandbox/simulate.c $(FILTER_SRC)
UNIT_filter_file_LIBS = $(FILTER_LIBS)
UNIT += filter_text
UNIT_filter_text = sandbox/seccomp.c sandbox/simulate.c $(FILTER_SRC)
UNIT_filter_text_LIBS = $(FILTER_LIBS)
UNIT_filter_text_CPPFLAGS = -DTOP='"$(CURDIR)"'
