# SPDX-License-Identifier: Apache-2.0
# One Makefile, no recursion into folders. Each folder's sources are listed in its own .mk file.
#
#	make            build the four programs into build/
#	make demo       install what is missing, build, show a sandbox at work (root)
#	make test       install what is missing, build with sanitizers, run every test (root)
#	make check      the tests that need no root
#	make bench bench-policy fuzz lint install uninstall deps clean
#
#	V=1 shows commands, SAN=1 builds with ASan and UBSan, WERROR=1 makes warnings errors,
#	CC=clang takes the other compiler, BUILD=dir builds elsewhere, FUZZ=1 is set by make fuzz,
#	DEPS=0 installs nothing, ARCHIVES=0 links sluice with shared libraries only, T="tests/net/x.t ..." picks
#	tests, CFLAGS and LDFLAGS come last.

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh

V ?= 0
SAN ?= 0
FUZZ ?= 0
WERROR ?= 0
DEPS ?= 1
ARCHIVES ?= 1
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 10
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)

# Every variant has a folder of its own below BUILD, so that none meets another's objects.
BUILD ?= build
BUILD_TOP := $(BUILD)
override BUILD := $(BUILD_TOP)$(if $(filter 1,$(FUZZ)),/fuzz,$(if $(filter 1,$(SAN)),/san)$(if \
	$(findstring clang,$(CC)),/clang))
variant = +$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD_TOP)
LWIP_DIR ?= $(BUILD_TOP)/lwip

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-5s %s\n' $(1) $(2))
MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null)
# A shared library costs every start of a program 50 us, so `sluice`, whose start is waited for, takes archives where
# they are, with what they need. libc stays shared. ARCHIVES=0 is for distributions.
find_archive = $(findstring /,$(shell $(CC) -print-file-name=lib$(1).a))
NEEDS_idn2 := unistring
archive = $(if $(and $(call find_archive,$(1)),$(if $(NEEDS_$(1)),$(call find_archive,$(NEEDS_$(1))),1)),$(patsubst \
	%,-l:lib%.a,$(1) $(NEEDS_$(1))),-l$(1))
archives = $(if $(filter 0,$(ARCHIVES)),$(1),$(foreach l,$(1:-l%=%),$(call archive,$(l))))

WARN := -Wall -Wextra -Wshadow -Wvla -Wswitch-enum -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wformat=2 -Wconversion -Wdate-time \
	-Wframe-larger-than=$(if $(filter 1,$(SAN) $(FUZZ)),16384,2048) \
	$(if $(filter 1,$(WERROR)),-Werror)
CPPFLAGS += -I. -I$(BUILD) -D_GNU_SOURCE -DSLUICE_VERSION='"$(shell cat VERSION)"'
# The prefix map keeps the folder one builds in out of the programs: same source, same bytes.
BASE_CFLAGS := -std=gnu17 -g -ffile-prefix-map=$(CURDIR)=. -fno-strict-aliasing -fno-common \
	-fstack-protector-strong -fPIE -MMD -MP
ifeq ($(FUZZ),1)
SANITIZERS := address,undefined
BASE_CFLAGS += -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,$(SANITIZERS) \
	-fno-sanitize-recover=undefined
BASE_LDFLAGS := -pie -fsanitize=$(SANITIZERS)
CPPFLAGS += -DSLUICE_SANITIZED -DSLUICE_FUZZING
else ifeq ($(SAN),1)
SANITIZERS := address,undefined
BASE_CFLAGS += -O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZERS) -fno-sanitize-recover=undefined
BASE_LDFLAGS := -pie -fsanitize=$(SANITIZERS)
CPPFLAGS += -DSLUICE_SANITIZED
else
BASE_CFLAGS += -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-clash-protection \
	$(if $(filter x86_64%,$(MACHINE)),-fcf-protection) \
	$(if $(filter aarch64%,$(MACHINE)),-mbranch-protection=standard)
BASE_LDFLAGS := -pie -Wl,-z,relro,-z,now,-z,noexecstack
endif
ALL_CFLAGS = $(BASE_CFLAGS) $(WARN) $(CFLAGS)

.PHONY: all
all: programs

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))

# Objects are made anew when the flags or the version change. Warnings are left out: WERROR=1 after a
# build without it looks at what changed only.
FLAGS_FILE := $(BUILD)/flags
FLAGS := $(subst ','\'',$(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(CFLAGS))
ifneq ($(shell cat $(FLAGS_FILE) 2>/dev/null),$(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(CFLAGS))
.PHONY: $(FLAGS_FILE)
endif
$(FLAGS_FILE):
	$(Q)mkdir -p $(@D)
	$(Q)printf '%s\n' '$(FLAGS)' >$@

# ---- sources, by folder -------------------------------------------------------------------------
include lib/lib.mk
include bpf/bpf.mk
include stack/stack.mk
include netd/netd.mk
include netd/egress/egress.mk
include sandbox/sandbox.mk
include lib/lock/lock.mk
include cli/cli.mk
include tests/tests.mk
include bench/bench.mk

PROGRAMS := $(BUILD)/sluice $(BUILD)/sluice-netd $(BUILD)/sluice-egress $(BUILD)/sluice-stack
.PHONY: programs
programs: $(PROGRAMS) $(PROBE) presets lock

# Where the program looks for them, as after an installation.
PRESETS := $(wildcard presets/*.yaml)
RUN_PROFILES := $(wildcard profiles/*.yaml)
DEVICE_LISTS := $(wildcard devices/*.list)
.PHONY: presets
presets: $(patsubst %,$(BUILD)/%,$(PRESETS) $(RUN_PROFILES) $(DEVICE_LISTS)) $(BUILD)/apparmor/sluice
$(BUILD)/apparmor/sluice: packaging/apparmor/sluice
	$(Q)mkdir -p $(@D)
	$(Q)cp $< $@
$(patsubst %,$(BUILD)/%,$(PRESETS) $(RUN_PROFILES) $(DEVICE_LISTS)): $(BUILD)/%: %
	$(Q)mkdir -p $(@D)
	$(Q)cp $< $@

$(BUILD)/sluice: $(call obj,$(CLI_SRC) $(SANDBOX_SRC) $(LIB_SRC))
$(BUILD)/sluice: LDLIBS = $(call archives,$(CLI_LIBS))
$(BUILD)/sluice-netd: $(call obj,$(NETD_SRC) $(LIB_SRC))
$(BUILD)/sluice-netd: LDLIBS = $(NETD_LIBS)
$(BUILD)/sluice-egress: $(call obj,$(EGRESS_SRC) $(LIB_SRC))
$(BUILD)/sluice-egress: LDLIBS = $(EGRESS_LIBS)
$(BUILD)/sluice-stack: $(call obj,$(STACK_SRC) $(LIB_SRC)) $(LWIP_OBJ) $(LLHTTP_OBJ)
$(BUILD)/sluice-stack: LDLIBS = $(STACK_LIBS)

$(PROGRAMS):
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LDLIBS)

$(BUILD)/%.o: %.c $(FLAGS_FILE)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# ---- set-up, demonstration, installation ----------------------------------------------------------
deps = $(if $(filter 1,$(DEPS)),$(Q)packaging/deps.sh $(1))

.PHONY: deps demo install uninstall clean lint
deps:
	$(call deps,build test demo bench)

demo:
	@echo "demo: packages that are missing, then the programs, then demo/run.sh"
	$(call deps,build demo)
	$(variant) programs net-programs
	$(Q)SLUICE_BUILD=$(abspath $(BUILD)) demo/run.sh

MAN := $(wildcard man/*.[1-8])
install: programs
	$(variant) install-lock
	$(Q)install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/sluice
	$(Q)install -m 755 $(BUILD)/sluice $(DESTDIR)$(PREFIX)/bin/
	$(Q)install -m 755 $(filter-out %/sluice,$(PROGRAMS)) $(PROBE) $(DESTDIR)$(PREFIX)/libexec/sluice/
	$(Q)install -d $(DESTDIR)$(PREFIX)/share/sluice/presets
	$(Q)install -m 644 $(PRESETS) $(DESTDIR)$(PREFIX)/share/sluice/presets/
	$(Q)install -d $(DESTDIR)$(PREFIX)/share/sluice/profiles
	$(Q)install -m 644 $(RUN_PROFILES) $(DESTDIR)$(PREFIX)/share/sluice/profiles/
	$(Q)install -d $(DESTDIR)$(PREFIX)/share/sluice/devices
	$(Q)install -m 644 $(DEVICE_LISTS) $(DESTDIR)$(PREFIX)/share/sluice/devices/
	$(Q)install -D -m 644 packaging/apparmor/sluice $(DESTDIR)$(PREFIX)/share/sluice/apparmor/sluice
	$(Q)install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	$(Q)for u in socket service; do sed 's#@PREFIX@#$(PREFIX)#' packaging/sluice-netd.$$u \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/sluice-netd.$$u || exit 1; done
	$(Q)for m in $(MAN); do \
		install -D -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/} || exit 1; done

uninstall:
	$(Q)rm -f $(DESTDIR)$(PREFIX)/bin/sluice
	$(Q)rm -rf $(DESTDIR)$(PREFIX)/libexec/sluice $(DESTDIR)$(PREFIX)/share/sluice
	$(Q)rm -f $(DESTDIR)$(PREFIX)/lib/systemd/system/sluice-netd.socket \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/sluice-netd.service
	$(Q)rm -f $(addprefix $(DESTDIR)$(PREFIX)/,lib/libsluice-lock.a lib/libsluice-lock.so lib/$(LOCK_SO) \
		lib/pkgconfig/sluice-lock.pc include/sluice_lock.h)
	$(Q)for m in $(MAN); do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/}; done

clean:
	$(Q)rm -rf $(BUILD)

# Our own C, without lwIP. The build comes first, for its generated headers. Which checks are off, and why,
# is in .clang-tidy and tests/lint.cppcheck.
LINT_SRC := $(sort $(LIB_SRC) $(STACK_SRC) $(NETD_SRC) $(EGRESS_SRC) $(SANDBOX_SRC) $(CLI_SRC) cli/audit/probe.c $(LOCK_SRC))
LINT_CPPFLAGS = $(CPPFLAGS) $(LWIP_CPPFLAGS) $(LLHTTP_CPPFLAGS) -std=gnu17
lint: programs
	$(call say,LINT,cppcheck)
	$(Q)cppcheck --quiet --std=c11 --language=c --library=bsd --enable=warning,performance,portability --inline-suppr \
		--error-exitcode=1 --suppressions-list=tests/lint.cppcheck -j2 -I. -D_GNU_SOURCE \
		-D__linux__ -D__$(firstword $(subst -, ,$(MACHINE)))__ $(LINT_SRC)
	$(call say,LINT,clang-tidy)
	$(Q)printf '%s\n' $(LINT_SRC) | xargs -P2 -n1 sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$$@" -- \
		$(subst ','\'',$(LINT_CPPFLAGS)) 2>/dev/null' lint

-include $(shell find $(BUILD) \( -path $(BUILD)/san -o -path $(BUILD)/clang -o -path $(BUILD)/fuzz \
	-o -path $(LWIP_DIR)/src-tree \) -prune -o -name '*.d' -print 2>/dev/null)
