TESTS += net/egress
TEST_net/egress := tests/net/egress_world.c tests/net/egress_internet.c $(LIB_SRC)
