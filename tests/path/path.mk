# The whole worker in one process: tests/path/lab.h.
PATH_SRC = tests/path/lab.c tests/path/peer.c $(filter-out stack/main.c,$(STACK_SRC)) $(LIB_SRC)
define path_test
TESTS += path/$(1)
TEST_path/$(1) = $$(PATH_SRC)
TEST_path/$(1)_OBJ = $$(LWIP_OBJ) $$(LLHTTP_OBJ)
TEST_path/$(1)_LIBS = $$(STACK_LIBS)
TEST_path/$(1)_DEPS = $$(LWIP_DIR)/fetched
endef
PATH_TESTS := tcp_life tcp_bytes tcp_hostile tcp_dns limits inspect
$(foreach t,$(PATH_TESTS),$(eval $(call path_test,$(t))))
