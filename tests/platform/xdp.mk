TESTS += platform/xdp
TEST_platform/xdp_LIBS := -lbpf
TEST_platform/xdp_DEPS := $(GATE_SKEL)
