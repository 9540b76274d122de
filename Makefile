# SPDX-License-Identifier: GPL-2.0-only
# `make help` lists what there is to make. Everything that is built goes to build/.

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
V       ?= 0
# such as aarch64-linux-gnu-: for another machine, in build-aarch64/
CROSS_COMPILE ?=
MACHINE := $(or $(firstword $(subst -, ,$(notdir $(CROSS_COMPILE)))),$(shell uname -m))
B       ?= build$(if $(CROSS_COMPILE),-$(MACHINE))

FUZZ_SECONDS ?= 60
KERNEL       ?= 6.12
VM           ?= all

CC      := $(if $(CROSS_COMPILE),$(CROSS_COMPILE)gcc,$(CC))
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
CFLAGS  ?= -O2 -g

TOOLS := connsnoop proctop flowattr
ARCH  := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(MACHINE)))

WARNINGS   := -Wall -Wextra -Werror
ALL_CFLAGS := -std=gnu17 $(WARNINGS) -I. -I$(B) -D_GNU_SOURCE -DVERSION='"$(VERSION)"' $(CFLAGS)
LDLIBS     := -lbpf -lelf -lz -lcap-ng
BPF_CFLAGS := -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_$(ARCH) -Ivmlinux/$(ARCH) -Ivmlinux -Ibpf \
	-fms-extensions $(WARNINGS) -Wno-microsoft-anon-tag -Wno-unused-parameter \
	-Wno-missing-declarations -Wno-gnu-variable-sized-type-not-at-end
SANITIZE   := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

SKELETONS  := $(foreach s,.skel.h _plain.skel.h,$(patsubst bpf/%.bpf.c,$(B)/%$(s),$(wildcard bpf/*.bpf.c)))
LIB_SRCS   := $(filter-out lib/screen.c,$(wildcard lib/*.c))
LIB_OBJS   := $(LIB_SRCS:%.c=$(B)/%.o)
SCREENS    := proctop flowattr # tools that have one: lib/screen.c and ncurses
CAPTURES   := flowattr # tools that take tcpdump's expressions: libpcap
UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
ASAN_TESTS := $(patsubst tests/unit/%.c,$(B)/tests/asan/%,$(wildcard tests/unit/test_*.c))
FUZZERS    := $(patsubst tests/fuzz/%.c,$(B)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
HELPERS    := $(patsubst tests/e2e/%.c,$(B)/tests/%,$(wildcard tests/e2e/*.c))
PART_OBJS  := $(patsubst %.c,$(B)/%.o,$(wildcard tests/generator/*.c))
BENCHES    := $(patsubst tests/bench/%.c,$(B)/tests/%,$(wildcard tests/bench/*.c))
SCRIPTS    := $(wildcard tests/*.sh tests/*/*.sh vmlinux/*.sh)
SOURCES    := $(wildcard bpf/*.c bpf/*.h lib/*.c lib/*.h tools/*.c tools/*.h tests/*/*.c tests/*/*.h)

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' '$(1)' '$(2)')

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all tests check check-vm matrix check-arm64 demo bench fuzz install clean format lint help

all: $(TOOLS:%=$(B)/%) $(TOOLS:%=$(B)/%.8)

# Name the package before the compiler stumbles over what it holds. Nothing is installed here.
$(B)/dependencies: tests/dependencies.sh
	@mkdir -p $(B)
	$(Q)bash tests/dependencies.sh build $(if $(CROSS_COMPILE),cross-$(ARCH))
	$(Q)touch $@

# BPF: C -> object -> object without DWARF -> skeleton. Each twice: for kernels where programs can
# cast, and plain, for the others: lib/skeleton.h
$(B)/%.bpf.o: bpf/%.bpf.c vmlinux/vmlinux.h | $(B)/dependencies
	$(call say,CLANG,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -DCAN_CAST -MMD -MP -c $< -o $@

$(B)/%_plain.bpf.o: bpf/%.bpf.c vmlinux/vmlinux.h | $(B)/dependencies
	$(call say,CLANG,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(B)/%.skel.h: $(B)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen object $(B)/$*.linked.o $<
	$(Q)$(BPFTOOL) gen skeleton $(B)/$*.linked.o name $*_bpf > $@

$(B)/%.o: %.c | $(B)/dependencies
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# A tool: tools/<tool>.c and what begins with its name or with that of a part it shares, the
# skeletons, the library
connsnoop_PARTS := connsnoop connection
proctop_PARTS   := proctop
flowattr_PARTS  := flowattr connection packets
define tool
$(1)_OBJS := $(patsubst %.c,$(B)/%.o,$(foreach p,$($(1)_PARTS),$(wildcard tools/$(p).c tools/$(p)_*.c)))
$$($(1)_OBJS): | $(SKELETONS)
$(B)/$(1): $$($(1)_OBJS) $(LIB_OBJS) $(if $(filter $(1),$(SCREENS)),$(B)/lib/screen.o)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(LDFLAGS) $$^ $$(LDLIBS) \
		$(if $(filter $(1),$(SCREENS)),-lncursesw) $(if $(filter $(1),$(CAPTURES)),-lpcap) -o $$@
endef
$(foreach t,$(TOOLS),$(eval $(call tool,$(t))))

$(B)/%.8: tools/%.8.scd | $(B)/dependencies
	$(call say,SCDOC,$@)
	$(Q)scdoc < $< > $@

# Unit tests see the library and the pure parts of the tools.
PURE_SRCS := $(LIB_SRCS) $(wildcard tools/*_row.c tools/*_counts.c tools/*_split.c tools/*_words.c tools/*_fields.c tools/*_table.c tools/*_pairs.c tools/*_sort.c tools/*_nat.c tools/*_senders.c tools/*_choice.c tools/*_holders.c tools/*_pending.c tools/*_list.c tools/*_open.c tools/*_options.c tools/*_stream.c \
	tools/*_ledger.c tools/*_accounts.c tools/*_lines.c tools/*_tree.c tools/*_run.c tools/packets_queue.c \
	tools/packets_match.c tools/packets_comment.c tools/packets_owner.c tools/packets_event.c tools/packets_file.c)
PURE_OBJS := $(patsubst %.c,$(B)/%.o,$(PURE_SRCS))
ASAN_OBJS := $(patsubst %.c,$(B)/asan/%.o,$(PURE_SRCS))

$(B)/asan/%.o: %.c | $(B)/dependencies
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(SANITIZE) -MMD -MP -c $< -o $@

$(B)/tests/asan/%: tests/unit/%.c $(ASAN_OBJS)
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(SANITIZE) -MMD -MP $< $(ASAN_OBJS) $(LDLIBS) -lcmocka -o $@

$(B)/tests/test_%: tests/unit/test_%.c $(PURE_OBJS)
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $< $(PURE_OBJS) $(LDLIBS) -lcmocka -o $@

$(HELPERS): $(B)/tests/%: tests/e2e/%.c | $(B)/dependencies
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $< $(filter %.o,$^) -pthread -o $@

# Helpers of several files: what begins with their name in tests/generator/, and what both share
$(B)/tests/traffic: $(filter-out $(B)/tests/generator/datagram_%,$(PART_OBJS))
$(B)/tests/datagram: $(filter-out $(B)/tests/generator/traffic_%,$(PART_OBJS))

$(BENCHES): $(B)/tests/%: tests/bench/%.c $(PURE_OBJS)
	$(call say,BENCH,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $< $(PURE_OBJS) $(LDLIBS) -pthread -o $@

$(FUZZERS): $(B)/tests/%: tests/fuzz/%.c $(PURE_SRCS) | $(B)/dependencies
	$(call say,FUZZER,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(ALL_CFLAGS) -fsanitize=fuzzer $(SANITIZE) $(filter %.c,$^) $(LDLIBS) -o $@

tests: all $(UNIT_TESTS) $(ASAN_TESTS) $(HELPERS)

check: ## install what is missing, build, run every test; VM= without virtual machines (root)
	@bash tests/dependencies.sh install test
	@bash tests/dependencies.sh install vm
	@$(MAKE) --no-print-directory -j"$$(nproc)" tests
	@BUILD=$(abspath $(B)) VM="$(VM)" bash tests/run.sh

check-vm: ## the end-to-end tests in a virtual machine (KERNEL=6.12, all; see tests/vm/kernels)
	@bash tests/dependencies.sh install vm
	@$(MAKE) --no-print-directory -j"$$(nproc)" all $(HELPERS)
	@BUILD=$(abspath $(B)) bash tests/vm/matrix.sh $(KERNEL)

matrix: ## what the last runs have found, kernel by kernel, as tables
	@BUILD=$(abspath $(B)) bash tests/vm/report.sh

check-arm64: ## the end-to-end tests on Debian's arm64 kernel, emulated (installs packages of arm64)
	@bash tests/dependencies.sh install vm-arm64
	@$(MAKE) --no-print-directory -j"$$(nproc)" CROSS_COMPILE=aarch64-linux-gnu- all \
		$(HELPERS:$(B)/%=build-aarch64/%)
	@BUILD=$(abspath build-aarch64) bash tests/vm/matrix.sh arm64

demo: ## install what is missing, build, show connsnoop at work (root)
	@bash tests/dependencies.sh install build
	@$(MAKE) --no-print-directory -j"$$(nproc)" all $(HELPERS)
	@BUILD=$(abspath $(B)) bash tests/demo.sh

bench: ## measure against ss, lsof, tcpdump, nethogs, top, htop, atop, and with the tools off (root, some minutes)
	@bash tests/dependencies.sh install bench
	@$(MAKE) --no-print-directory -j"$$(nproc)" all $(HELPERS) $(BENCHES)
	@BUILD=$(abspath $(B)) bash tests/bench/run.sh
	@BUILD=$(abspath $(B)) bash tests/bench/datagram.sh
	@BUILD=$(abspath $(B)) bash tests/bench/proctop.sh
	@BUILD=$(abspath $(B)) bash tests/bench/flowattr.sh

fuzz: $(FUZZERS) ## fuzz for a minute each (needs clang's runtime); FUZZ_SECONDS=60
	@for fuzzer in $^; do \
		echo "  FUZZ     $$fuzzer"; \
		mkdir -p $$fuzzer.corpus; \
		$$fuzzer -max_total_time=$(FUZZ_SECONDS) -timeout=10 -verbosity=0 \
			-artifact_prefix=$$fuzzer. $$fuzzer.corpus || exit 1; \
	done

install: all ## PREFIX=/usr/local DESTDIR=
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 755 $(TOOLS:%=$(B)/%) $(DESTDIR)$(PREFIX)/sbin
	install -m 644 $(TOOLS:%=$(B)/%.8) $(DESTDIR)$(PREFIX)/share/man/man8

clean: ## remove build/
	rm -rf $(B)

format: ## rewrite the sources in the project's style
	clang-format -i $(SOURCES)

lint: $(SKELETONS) ## style, layers, shell and C checks; changes nothing
	@BUILD=$(abspath $(B)) bash tests/lint.sh

help: ## this list
	@echo 'make             build $(TOOLS) into $(B)/ (V=1: show the commands)'
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1|\2/p' Makefile | \
		while IFS='|' read -r name text; do printf '%-16s %s\n' "$$name" "$$text"; done

-include $(shell find $(B) -name '*.d' 2>/dev/null)
