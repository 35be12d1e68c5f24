UNIT += seccomp
UNIT_seccomp :=
UNIT_seccomp_DEPS = $(BUILD)/sandbox/seccomp_default.h
