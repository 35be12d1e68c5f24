# SPDX-License-Identifier: Apache-2.0
# One Makefile, no recursion. Each folder's sources are listed in its own .mk file.
#
#	make            build the four programs into build/
#	make demo       install what is missing, build, show a sandbox at work (root)
#	make test       install what is missing, build with sanitizers, run every test (root)
#	make check      the tests that need no root
#	make bench fuzz lint install clean
#
#	V=1 shows commands, SAN=1 builds with ASan and UBSan, WERROR=1 makes warnings errors,
#	CC=clang takes the other compiler, BUILD=dir builds elsewhere, FUZZ=1 with libFuzzer.

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh

V ?= 0
SAN ?= 0
WERROR ?= 0
BUILD ?= build$(if $(filter 1,$(SAN)),/san)$(if $(filter clang%,$(CC)),/clang)
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PREFIX ?= /usr/local
DESTDIR ?=
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-5s %s\n' $(1) $(2))

WARN := -Wall -Wextra -Wshadow -Wvla -Wswitch-enum -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wformat=2 -Wconversion -Wframe-larger-than=$(if $(filter 1,$(SAN)),16384,2048) \
	$(if $(filter 1,$(WERROR)),-Werror)
CPPFLAGS += -I. -I$(BUILD) -D_GNU_SOURCE -DSLUICE_VERSION='"$(shell cat VERSION)"'
BASE_CFLAGS := -std=gnu17 -g -fno-strict-aliasing -fno-common -fstack-protector-strong -fPIE -MMD -MP
ifeq ($(SAN),1)
BASE_CFLAGS += -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
BASE_LDFLAGS := -pie -fsanitize=address,undefined
CPPFLAGS += -DSLUICE_SANITIZED
else
BASE_CFLAGS += -O2 -D_FORTIFY_SOURCE=2 -fstack-clash-protection -fcf-protection
BASE_LDFLAGS := -pie -Wl,-z,relro,-z,now,-z,noexecstack
endif
ALL_CFLAGS = $(BASE_CFLAGS) $(WARN) $(CFLAGS)

.PHONY: all
all: programs

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))

# ---- sources, by folder -------------------------------------------------------------------------
include lib/lib.mk
include bpf/bpf.mk
include stack/stack.mk
include netd/netd.mk
include netd/egress/egress.mk
include sandbox/sandbox.mk
include cli/cli.mk
include tests/tests.mk
include bench/bench.mk

PROGRAMS := $(BUILD)/sluice $(BUILD)/sluice-netd $(BUILD)/sluice-egress $(BUILD)/sluice-stack
.PHONY: programs
programs: $(PROGRAMS)

$(BUILD)/sluice: $(call obj,$(CLI_SRC) $(SANDBOX_SRC) $(LIB_SRC))
$(BUILD)/sluice: LDLIBS = $(CLI_LIBS)
$(BUILD)/sluice-netd: $(call obj,$(NETD_SRC) $(LIB_SRC))
$(BUILD)/sluice-netd: LDLIBS = $(NETD_LIBS)
$(BUILD)/sluice-egress: $(call obj,$(EGRESS_SRC) $(LIB_SRC))
$(BUILD)/sluice-egress: LDLIBS = $(EGRESS_LIBS)
$(BUILD)/sluice-stack: $(call obj,$(STACK_SRC) $(LIB_SRC)) $(LWIP_OBJ)
$(BUILD)/sluice-stack: LDLIBS = $(STACK_LIBS)

$(PROGRAMS):
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LDLIBS)

$(BUILD)/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

.PHONY: clean
clean:
	$(Q)rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
