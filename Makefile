# SPDX-License-Identifier: MIT
# One Makefile, no recursion, no lists of files: a .c put into a folder is built. A folder of
# services/ is a binary, shared/ is one archive, gateway/ is a binary, tests/unit mirrors them and
# gives one test binary per area. What a folder cannot say, the libraries it needs, is listed here.
#
#   make            everything, in MODE=debug (release, asan, tsan)
#   make run        what is missing is installed, then a whole Parley on this machine, until Ctrl-C
#   make test       every test there is        make check   the fast subset: C tests, tables, seeds
#   make lint fmt   the gates of style         make bench   the figures
#   make fuzz       libFuzzer binaries         make tables  the contract, as the binaries print it
#   make check-faults SEEDS=n START=seed       the randomised checker; check-planted proves it

MODE  ?= $(if $(filter run bench,$(MAKECMDGOALS)),release,$(if $(filter fuzz,$(MAKECMDGOALS)),fuzz,debug))
BUILD ?= build
B     := $(BUILD)/$(MODE)

# As many at a time as there are processors; a -j of the command line wins.
MAKEFLAGS += -j$(shell nproc)

# --- how ---------------------------------------------------------------------------------------
ifeq ($(origin CC),default)
CC := $(if $(filter fuzz,$(MODE)),clang,gcc)
endif

WARN     := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum
SANITIZE := -fno-sanitize-recover=all -fno-omit-frame-pointer

CFLAGS_debug   := -O1 -g -Werror
CFLAGS_release := -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
# gcc 12 sees truncation in vsnprintf(NULL, 0, ...) once the sanitizers are on.
CFLAGS_asan    := -O1 -g -Werror -fsanitize=address,undefined $(SANITIZE) -Wno-format-truncation
CFLAGS_tsan    := -O1 -g -Werror -fsanitize=thread $(SANITIZE) -Wno-format-truncation
CFLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined $(SANITIZE)
# The sanitizers have a crypt_r of their own that needs libcrypt's, which the linker would then drop
# as unused.
NEED_CRYPT     := -Wl,--no-as-needed -lcrypt -Wl,--as-needed
LDFLAGS_asan   := -fsanitize=address,undefined $(NEED_CRYPT)
LDFLAGS_tsan   := -fsanitize=thread $(NEED_CRYPT)
LDFLAGS_fuzz   := -fsanitize=address,undefined
ifndef CFLAGS_$(MODE)
$(error MODE is debug, release, asan, tsan or fuzz, not "$(MODE)")
endif

# Asked late, because `make run` may only be about to install pkg-config.
CPPFLAGS = -I. -D_GNU_SOURCE $(shell pkg-config --cflags libpq)
CFLAGS   = -std=gnu11 -pthread $(WARN) $(CFLAGS_$(MODE))
LDFLAGS  = -pthread -Wl,--as-needed $(LDFLAGS_$(MODE))
LDLIBS   = -lnats -lpq -lhiredis -lev -lmicrohttpd -ljansson -ljwt -lsodium -lcrypto -lcrypt -lm

# `make V=1` shows the commands whole.
Q     := $(if $(V),,@)
quiet  = $(if $(V),,@echo "  $(1)")

# What one binary needs beyond that.
LIBS_gateway := -lwebsockets
LIBS_media   := -lmagic
LIBS_messaging := -licuuc

# --- what --------------------------------------------------------------------------------------
objs      = $(patsubst %.c,$(B)/%.o,$(wildcard $(1)))
but_main  = $(filter-out %/main.o,$(call objs,$(1)))
SERVICES := $(patsubst services/%/main.c,%,$(wildcard services/*/main.c))
GATEWAY  := $(patsubst %/main.c,%,$(wildcard gateway/main.c))
SHARED   := $(B)/libshared.a
GATES    := $(B)/libgateway.a

PROGRAMS := $(SERVICES:%=$(B)/bin/%) $(GATEWAY:%=$(B)/bin/%)
TOLD     := $(SERVICES:%=$(B)/share/%.routes.json) $(SERVICES:%=$(B)/share/%.events.json)
DOCUMENTS := $(if $(GATEWAY),$(B)/share/openapi.json $(B)/share/asyncapi.json)
AREAS    := $(notdir $(patsubst %/,%,$(sort $(dir $(wildcard tests/unit/services/*/*_test.c)))))
UNITS    := $(AREAS:%=$(B)/bin/unit-%)
UNITS    += $(if $(wildcard tests/unit/shared/*/*_test.c),$(B)/bin/unit-shared)
UNITS    += $(if $(wildcard tests/unit/gateway/*_test.c),$(B)/bin/unit-gateway)
UNITS    += $(if $(wildcard tests/tables/*_test.c),$(B)/bin/unit-tables)
FUZZERS  := $(patsubst tests/fuzz/%_fuzz.c,$(B)/bin/fuzz-%,$(wildcard tests/fuzz/*_fuzz.c))
BENCHES  := $(patsubst tests/bench/%.c,$(B)/bin/bench-%,$(wildcard tests/bench/*.c))

# Goals that promise to work on a bare machine install first.
SETUP    := $(if $(filter run test check check-faults check-planted bench fuzz lint,$(MAKECMDGOALS)),setup)

.PHONY: all programs units run test check lint gates fmt bench fuzz tables clean setup
.PHONY: check-faults check-planted migrate-up migrate-down migrate-status
.DELETE_ON_ERROR:
.SECONDARY:

all: programs units
programs: $(PROGRAMS) $(DOCUMENTS)
units: $(UNITS)

define link
@mkdir -p $(@D)
$(call quiet,LD $@)
$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS)
endef

define archive
@mkdir -p $(@D)
@rm -f $@
$(call quiet,AR $@)
$(Q)$(AR) rcs $@ $^
endef

$(SHARED): $(call objs,shared/*/*.c)
	$(archive)
$(GATES): $(call but_main,gateway/*.c)
	$(archive)

define service
$(B)/bin/$(1): $(call objs,services/$(1)/*.c) $(SHARED)
	$$(link)
$(B)/bin/$(1): LDLIBS += $(LIBS_$(1))
endef
$(foreach s,$(SERVICES),$(eval $(call service,$(s))))

$(B)/bin/gateway: $(call objs,gateway/*.c) $(SHARED)
	$(link)
$(B)/bin/gateway: LDLIBS += $(LIBS_gateway)

# The same programs with a gateway that loses an event now and then: the checker must notice.
PLANTED := $(B)/planted/bin/gateway
$(B)/planted/channel.o: gateway/channel.c $(B)/gateway/channel.o
	@mkdir -p $(@D)
	$(call quiet,CC $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -DPLANT_DROP_EVENT -c -o $@ $<
$(PLANTED): $(filter-out $(B)/gateway/channel.o,$(call objs,gateway/*.c)) $(B)/planted/channel.o $(SHARED)
	$(link)
	$(Q)ln -sf $(SERVICES:%=../../bin/%) $(@D) && ln -sfn ../share $(@D)/../share
$(PLANTED): LDLIBS += $(LIBS_gateway)

# The API's documents, made of what the programs say of themselves.
$(B)/share/%.routes.json: $(B)/bin/%
	@mkdir -p $(@D)
	$(Q)ASAN_OPTIONS=detect_leaks=0 $< --routes >$@
$(B)/share/%.events.json: $(B)/bin/%
	@mkdir -p $(@D)
	$(Q)ASAN_OPTIONS=detect_leaks=0 $< --events >$@
$(B)/share/%api.json: $(B)/bin/gateway $(TOLD)
	$(Q)ASAN_OPTIONS=detect_leaks=0 $< --$*api $(TOLD) >$@

# A service's tests link the service itself, without its main.c.
define unit_service
$(B)/bin/unit-$(1): $(call objs,tests/unit/services/$(1)/*.c tests/*.c) \
                    $(call but_main,services/$(1)/*.c) $(SHARED)
	$$(link)
$(B)/bin/unit-$(1): LDLIBS += $(LIBS_$(1))
endef
$(foreach s,$(AREAS),$(eval $(call unit_service,$(s))))

$(B)/bin/unit-shared: $(call objs,tests/unit/shared/*/*.c tests/*.c) $(SHARED)
	$(link)

$(B)/bin/unit-gateway: $(call objs,tests/unit/gateway/*.c tests/*.c) $(call but_main,gateway/*.c) $(SHARED)
	$(link)
$(B)/bin/unit-gateway: LDLIBS += $(LIBS_gateway)

$(B)/bin/unit-tables: $(call objs,tests/tables/*.c tests/*.c) $(GATES) $(SHARED)
	$(link)
$(B)/bin/unit-tables: LDLIBS += $(LIBS_gateway)

# A fuzz entry gets libFuzzer's main in MODE=fuzz; everywhere else it replays its seeds.
FUZZ_MAIN := $(if $(filter fuzz,$(MODE)),,$(call objs,tests/fuzz/replay.c))
$(B)/bin/fuzz-%: $(B)/tests/fuzz/%_fuzz.o $(FUZZ_MAIN) $(GATES) $(SHARED)
	$(link)
$(B)/bin/fuzz-%: LDLIBS += $(LIBS_gateway)
$(B)/bin/fuzz-image: $(B)/services/media/image.o
$(B)/bin/fuzz-filename: $(B)/services/media/filename.o
$(FUZZERS): LDFLAGS += $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer)

$(B)/bin/bench-%: $(B)/tests/bench/%.o $(call objs,tests/bench/lib/*.c) $(SHARED)
	$(link)
$(B)/bin/bench-%: LDLIBS += -lwebsockets

$(B)/%.o: %.c | $(SETUP)
	@mkdir -p $(@D)
	$(call quiet,CC $<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(shell find $(B) -name '*.d' 2>/dev/null)

# --- doing -------------------------------------------------------------------------------------
export MODE BUILD

setup:
	@deploy/setup.sh $(if $(filter run,$(MAKECMDGOALS)),run,test)

run: programs
	@BIN=$(B)/bin deploy/stack.sh run

test: all $(FUZZERS) $(PLANTED)
	@BIN=$(B)/bin tests/run.sh all

check: all $(FUZZERS)
	@BIN=$(B)/bin tests/run.sh fast

check-faults: programs
	@BIN=$(B)/bin tests/checker/run.sh

check-planted: programs $(PLANTED)
	@BIN=$(B)/planted/bin tests/checker/planted.sh

bench: all $(BENCHES)
	@BIN=$(B)/bin tests/bench/run.sh

fuzz: $(FUZZERS)

# clang-tidy and cppcheck look again at a file only when it, or a header it reads, has changed.
# cppcheck 2.10 knows neither the cleanup attribute nor linker sections, takes every address of a
# local for an escape, evaluates arguments from the
# left and dies of a _Generic inside a compound literal: hence what is left out; the sanitizers and
# clang's analyzer look for the same.
SOURCES := $(wildcard shared/*/*.c services/*/*.c gateway/*.c tests/*.c tests/*/*.c tests/*/*/*.c \
                       tests/unit/*/*/*.c)
CHECKED := $(SOURCES:%.c=$(B)/%.checked)
CPPCHECK := --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
            --error-exitcode=1 --suppress=missingInclude --suppress=unknownMacro \
            --suppress=resourceLeak --suppress=memleak \
            --suppress=comparePointers --suppress=uninitvar --suppress=autoVariables -I. -UKV -ULOG -UP

$(B)/%.checked: %.c $(B)/%.o .clang-tidy tests/.clang-tidy
	@echo "checking $<"
	@clang-tidy --quiet $< -- -std=gnu11 $(CPPFLAGS) 2>$@.log || { cat $@.log; exit 1; }
	@cppcheck $(CPPCHECK) $<
	@touch $@

gates: programs
	@BIN=$(B)/bin tests/lint/lint.sh

lint: gates $(CHECKED)

fmt:
	@git ls-files -z '*.c' '*.h' | xargs -0 -r clang-format -i

tables: programs
	@for program in $(PROGRAMS); do for table in routes events settings statements; do \
	    echo "== $${program##*/} --$$table"; $$program --$$table; done; done

# The database of a running `make run`.
migrate-up migrate-down migrate-status:
	@deploy/stack.sh $@

clean:
	rm -rf $(BUILD)
