# The XDP program: compiled for the kernel, its debug sections taken out by bpftool's linker (BTF
# stays), then wrapped in a header that carries its bytes.
# Users include "bpf/abi.h", then "bpf/gate.skel.h"; their objects need a line
#	$(BUILD)/netd/link.o: $(GATE_SKEL)
# because a first build has no dependency file yet that would tell.
GATE_SKEL := $(BUILD)/bpf/gate.skel.h
# Debian keeps asm/ in the multiarch folder, where clang does not look for a foreign target.
BPF_CFLAGS := -g -O2 -target bpf -std=gnu17 -Wall -Wextra -Wno-unused-parameter \
	$(if $(filter 1,$(WERROR)),-Werror) -ffile-prefix-map=$(CURDIR)=. -I. -idirafter /usr/include/$(shell $(CC) -print-multiarch 2>/dev/null)

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -o $@.tmp $<
	$(Q)$(BPFTOOL) gen object $@ $@.tmp
	$(Q)rm $@.tmp

# bpftool's code is not ours to warn about.
$(BUILD)/bpf/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q){ echo '#pragma GCC system_header'; $(BPFTOOL) gen skeleton $< name $*_bpf; } >$@.tmp
	$(Q)mv $@.tmp $@
