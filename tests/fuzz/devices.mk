FUZZ_TARGETS += device_list
FUZZ_device_list = cli/device_list.c sandbox/seccomp.c sandbox/simulate.c $(FILTER_SRC)
FUZZ_device_list_LIBS = $(FILTER_LIBS)
