# Unit tests: tests/unit/test_NAME.c; what each links is listed here as UNIT_NAME := sources.
# UNIT_NAME_LIBS and UNIT_NAME_CPPFLAGS are optional.
UNIT :=

define unit_rule
$(BUILD)/tests/unit/test_$(1): $(BUILD)/tests/unit/test_$(1).o $$(call obj,$$(UNIT_$(1)))
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(BASE_LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(UNIT_$(1)_LIBS) -lcmocka
$(BUILD)/tests/unit/test_$(1).o: CPPFLAGS += $$(UNIT_$(1)_CPPFLAGS)
endef
include $(wildcard tests/*/*.mk)
$(foreach t,$(UNIT),$(eval $(call unit_rule,$(t))))
.PHONY: unit
unit: $(patsubst %,$(BUILD)/tests/unit/test_%,$(UNIT))
