TESTS += net/egress net/egress_worker net/egress_names
TEST_net/egress := tests/net/egress_world.c tests/net/egress_internet.c tests/net/egress_dns.c $(LIB_SRC)
TEST_net/egress_worker := $(TEST_net/egress)
TEST_net/egress_names := $(TEST_net/egress)
TESTS += net/egress_reload
TEST_net/egress_reload := $(TEST_net/egress)
