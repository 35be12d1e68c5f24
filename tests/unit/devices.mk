UNIT += devices
UNIT_devices = cli/device_list.c sandbox/seccomp.c sandbox/simulate.c $(FILTER_SRC)
UNIT_devices_LIBS = $(FILTER_LIBS)
UNIT_devices_CPPFLAGS = -DTOP='"$(CURDIR)"'
