# Tests. Every test program prints TAP; prove runs them through tests/tap, which watches over skips.
#
# A test program FOLDER/NAME is tests/FOLDER/test_NAME.c, listed in tests/FOLDER/*.mk as
#	TESTS += FOLDER/NAME
#	TEST_FOLDER/NAME := sources it links
# UNIT += NAME with UNIT_NAME := sources is the short form for tests/unit/. TEST_..._LIBS, _OBJ, _CPPFLAGS, _DEPS
# are optional. A script is any executable tests/FOLDER/NAME.t; it finds the programs in SLUICE_BUILD.
#
# unit and path need no root (make check), all others do. Unit tests, path, bpf and platform are built
# with sanitizers; net and escape run the programs as they are shipped (SLUICE_BUILD, SLUICE_RELEASE),
# a sanitized build of them is in SLUICE_SAN.
UNIT :=
TESTS :=
NET_PROGRAMS :=
FUZZ_TARGETS :=
include $(wildcard tests/*/*.mk)

test_bin = $(foreach t,$(1),$(BUILD)/tests/$(dir $(t))test_$(notdir $(t)))

# test_rule PROGRAM,PREFIX OF ITS VARIABLES
define test_rule
$(1): $(1).o $$(call obj,$$($(2))) $$($(2)_OBJ)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(BASE_LDFLAGS) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$($(2)_LIBS) -lcmocka
$(1).o: CPPFLAGS += $$($(2)_CPPFLAGS)
$(1).o: | $$($(2)_DEPS)
endef
$(foreach t,$(UNIT),$(eval $(call test_rule,$(BUILD)/tests/unit/test_$(t),UNIT_$(t))))
$(foreach t,$(TESTS),$(eval $(call test_rule,$(call test_bin,$(t)),TEST_$(t))))

UNIT_BIN := $(patsubst %,$(BUILD)/tests/unit/test_%,$(UNIT))
TEST_BIN := $(call test_bin,$(TESTS))
CHECK_BIN := $(UNIT_BIN) $(filter $(BUILD)/tests/path/%,$(TEST_BIN))
ROOT_BIN := $(filter-out $(CHECK_BIN),$(TEST_BIN))
# In the order in which a failure tells most: small before large.
SCRIPTS := $(foreach f,platform bpf net escape bypass,$(sort $(wildcard tests/$(f)/*.t)))

.PHONY: unit test-programs check test check-run test-run
unit: $(UNIT_BIN)
test-programs: $(UNIT_BIN) $(TEST_BIN)

check:
	@echo "check: the tests that need no root, built with sanitizers"
	$(variant) SAN=1 check-run

test:
	@echo "test: packages that are missing, then both builds, then prove"
	$(call deps,build test)
	$(variant) programs net-programs escape-programs examples
	$(variant) SAN=1 programs test-programs
	$(variant) SAN=1 test-run

# prove closes the run with its own summary.
PROVE = $(Q)SLUICE_BUILD=$(abspath $(BUILD_TOP)) SLUICE_RELEASE=$(abspath $(BUILD_TOP)) \
	SLUICE_SAN=$(abspath $(BUILD)) prove --exec tests/tap
check-run: $(CHECK_BIN)
	$(PROVE) $(CHECK_BIN)
test-run: test-programs
	$(PROVE) $(or $(T),$(CHECK_BIN) $(ROOT_BIN) $(SCRIPTS))

# ---- fuzzing -----------------------------------------------------------------------------------------
# A target is tests/fuzz/fuzz_NAME.c with LLVMFuzzerTestOneInput(), listed in tests/fuzz/*.mk as
#	FUZZ_TARGETS += NAME
#	FUZZ_NAME := sources it links (nothing when it includes the parser)
# Seeds, if any, are in tests/fuzz/corpus/NAME; what a run finds stays in the build folder.
define fuzz_rule
$(BUILD)/tests/fuzz/fuzz_$(1): $(BUILD)/tests/fuzz/fuzz_$(1).o $$(call obj,$$(FUZZ_$(1)))
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(BASE_LDFLAGS) -fsanitize=fuzzer $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(FUZZ_$(1)_LIBS)
$(BUILD)/tests/fuzz/fuzz_$(1).o: CPPFLAGS += $$(FUZZ_$(1)_CPPFLAGS)
$(BUILD)/tests/fuzz/fuzz_$(1).o: WARN += -Wno-missing-prototypes
endef
$(foreach t,$(sort $(FUZZ_TARGETS)),$(eval $(call fuzz_rule,$(t))))
FUZZ_BIN := $(foreach t,$(sort $(FUZZ_TARGETS)),$(BUILD)/tests/fuzz/fuzz_$(t))

.PHONY: fuzz fuzz-programs fuzz-run
fuzz:
	@echo "fuzz: every parser, $(FUZZ_SECONDS) s each"
	$(variant) FUZZ=1 CC=$(CLANG) fuzz-programs
	$(variant) FUZZ=1 CC=$(CLANG) fuzz-run
fuzz-programs: $(FUZZ_BIN)
fuzz-run: $(FUZZ_BIN)
	$(Q)tests/fuzz/run.sh $(BUILD)/tests/fuzz $(FUZZ_SECONDS) $(sort $(FUZZ_TARGETS))
