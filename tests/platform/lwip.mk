TESTS += platform/lwip
TEST_platform/lwip := stack/lwip/glue.c lib/addr.c lib/log.c
TEST_platform/lwip_OBJ := $(LWIP_OBJ)
TEST_platform/lwip_CPPFLAGS := $(LWIP_CPPFLAGS)
TEST_platform/lwip_DEPS := $(LWIP_DIR)/fetched
