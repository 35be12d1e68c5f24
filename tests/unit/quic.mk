define quic_test
UNIT += $(1)
UNIT_$(1) := $$(filter stack/inspect/%,$$(STACK_SRC)) $$(LIB_SRC) tests/unit/quic_make.c
UNIT_$(1)_OBJ = $$(LLHTTP_OBJ)
UNIT_$(1)_LIBS = $$(STACK_LIBS)
endef
$(foreach t,quic quic_keys,$(eval $(call quic_test,$(t))))
