UNIT += seccomp
UNIT_seccomp := sandbox/seccomp.c
UNIT_seccomp_LIBS := -lseccomp
UNIT_seccomp_CPPFLAGS = -DTOP='"$(CURDIR)"'
