TESTS += bpf/gate
TEST_bpf/gate_LIBS := -lbpf
TEST_bpf/gate_DEPS := $(GATE_SKEL)
