# SPDX-License-Identifier: GPL-2.0-or-later
#
# albumen. `make help` lists the targets. Everything built lies under $(BUILD).
#
# Knobs, all on the command line (`make WERROR=1 CC=clang BUILD=build/clang`):
#
#   BUILD=build        where everything is built
#   SANITIZE=          sanitizers, as in SANITIZE=address,undefined; BUILD is then
#                      build/sanitize unless it is given
#   WERROR=            1: a warning is an error
#   V=                 1: show the commands
#   CC=gcc             the compiler: gcc or clang
#   OPT=-O2 -g         optimisation and debugging
#   PREFIX=/usr/local  where `make install` puts things
#   DESTDIR=           a folder to install into instead of /
#   PORT=8080          where `make serve` listens (on 127.0.0.1)
#   TESTS=tests/e2e/*.t   the end-to-end tests of `make test`; if it is given, those
#                      of tests/system are not run
#   SYSTEM=            no: `make test` without tests/system, which needs root or
#                      passwordless sudo; else it fails where it has neither
#   TORTURE_S=3600     seconds of `make torture`
#   SOAK_S=1800        seconds of `make soak`
#   SEED=              repeats what a random test did; it prints its own
#   ROWS=              the rows of `make torture`: ROWS='fault stop:live' (all of them)
#   CASE=              one case of one row, as a loss is reported
#   WORKERS=1          how many cases of `make torture` run at once
#   KEEP=              1: `make torture` ends at the first loss and keeps its folder
#   FUZZ_S=60          seconds for each fuzz target of `make fuzz`

ALBUMEN_VERSION = 0.1.0

ifeq ($(origin CC),default)
CC = gcc
endif
BUILD = $(if $(SANITIZE),build/sanitize,build)
SANITIZE =
WERROR =
V =
OPT = -O2 -g
PREFIX = /usr/local
DESTDIR =
PORT = 8080
FUZZ_S = 60
SYSTEM =
TORTURE_S = 3600
SOAK_S = 1800
SEED ?=
ROWS ?=
CASE ?=
WORKERS = 1
KEEP ?=

Q = $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-6s %s\n')

# --- Debian packages: to build, to run, to test, to check -------------------------

DEPS_BUILD = gcc libc6-dev make pkg-config liblmdb-dev libgit2-dev libcjson-dev \
	libinotifytools0-dev libzstd-dev libdeflate-dev nettle-dev
DEPS_RUN = git openssh-client nginx libnginx-mod-http-js
DEPS_TEST = libcmocka-dev perl python3 curl jq strace chromium e2fsprogs mount util-linux
DEPS_CI = clang clang-tidy clang-format cppcheck valgrind mandoc shellcheck systemd

# --- sources ----------------------------------------------------------------------

DATA_SRC = \
	data/base/err.c data/base/buf.c data/base/set.c data/base/log.c \
	data/base/file.c data/base/cli.c data/base/stop.c data/base/ready.c \
	data/base/threads.c data/base/clock.c data/base/fault.c data/json.c data/json_canon.c data/secret.c \
	data/secret_text.c \
	data/stamp.c data/record.c data/name.c data/text.c data/store.c data/store_file.c data/row.c data/sum.c \
	data/index.c data/tables.c \
	data/version.c data/relate.c data/claim.c data/claim_file.c data/claim_loss.c data/claim_pack.c data/gate.c \
	data/build.c data/build_ids.c data/feed.c data/query.c data/check.c
INDEXER_SRC = \
	indexer/walk.c indexer/watch.c indexer/dirs.c indexer/folder.c \
	indexer/paths.c indexer/input.c indexer/batch.c indexer/take.c \
	indexer/writer.c indexer/ingest.c indexer/later.c indexer/withdraw.c indexer/scan.c \
	indexer/root.c indexer/room.c indexer/unmounted.c indexer/dirty.c indexer/live.c indexer/status.c
EXPORTER_SRC = \
	exporter/git/edits.c exporter/git/offline.c exporter/git/tree.c \
	exporter/git/tree_merge.c exporter/git/object.c exporter/git/press.c \
	exporter/git/packfile.c exporter/git/packindex.c exporter/git/packset.c \
	exporter/git/pack.c exporter/git/snapshot.c exporter/git/snapshot_read.c \
	exporter/git/snapshot_edit.c exporter/git/snapshot_sign.c exporter/git/spill.c \
	exporter/git/snapshot_folder.c exporter/git/maintain.c \
	exporter/git/maintain_pack.c exporter/git/maintain_merge.c \
	exporter/git/pathset.c exporter/git/history.c exporter/git/reflock.c \
	exporter/git/snapshot_publish.c exporter/git/snapshot_making.c \
	exporter/site/place.c exporter/site/place_walk.c exporter/site/place_file.c \
	exporter/site/place_look.c exporter/git/mapped.c \
	exporter/site/site.c exporter/site/state.c exporter/site/relay.c exporter/site/collection.c \
	exporter/site/edge.c \
	exporter/page/page.c exporter/page/page_albums.c exporter/page/page_images.c \
	exporter/page/page_history.c exporter/page/page_report.c \
	exporter/page/page_site.c \
	exporter/lookback/when.c exporter/lookback/request.c exporter/lookback/show.c \
	exporter/lookback/labels.c exporter/lookback/trace.c \
	exporter/lookback/compare.c exporter/lookback/compare_body.c \
	exporter/lookback/compare_event.c exporter/lookback/compare_list.c \
	exporter/lookback/compare_print.c exporter/lookback/compare_scope.c \
	exporter/lookback/compare_tags.c \
	exporter/audit/audit.c exporter/audit/audit_collect.c \
	exporter/audit/audit_read.c exporter/audit/audit_count.c \
	exporter/audit/audit_since.c exporter/audit/audit_print.c \
	exporter/audit/audit_table.c \
	exporter/evidence/tool.c exporter/evidence/sign.c exporter/evidence/digest.c \
	exporter/evidence/digest_keep.c exporter/evidence/label.c \
	exporter/evidence/tar.c exporter/evidence/bundle.c \
	exporter/evidence/bundle_git.c exporter/evidence/bundle_readme.c \
	exporter/verify/verify.c exporter/verify/verify_report.c \
	exporter/verify/verify_unpack.c exporter/verify/verify_files.c \
	exporter/verify/verify_store.c exporter/verify/verify_refs.c \
	exporter/verify/verify_line.c exporter/verify/verify_trailers.c \
	exporter/verify/verify_ids.c exporter/verify/verify_body.c \
	exporter/verify/verify_tree.c exporter/verify/verify_state.c \
	exporter/verify/verify_settle.c exporter/verify/verify_sign.c \
	exporter/verify/verify_ahead.c exporter/verify/verify_label.c \
	exporter/response.c exporter/beside.c exporter/message.c exporter/redact.c \
	exporter/redact_path.c exporter/accept.c exporter/note.c exporter/export.c \
	exporter/follow.c \
	exporter/command_audit.c exporter/command_log.c exporter/command_show.c \
	exporter/command_diff.c exporter/command_snapshot.c exporter/command_verify.c \
	exporter/command_bundle.c exporter/command_publish.c
MAIN_SRC = indexer/main.c exporter/main.c
# What `albumen-exporter edge` makes its configuration of, found beside the program.
EDGE = albumen.js nginx.conf.in
# What the audit page is made of, found likewise.
PAGE = page.html page.css data.js table.js plot.js page.js
# What goes into an auditor's bundle, found likewise.
EVIDENCE = tree-sha256
BESIDE = $(EDGE:%=$(BUILD)/edge/%) $(PAGE:%=$(BUILD)/page/%) \
	$(EVIDENCE:%=$(BUILD)/evidence/%)

# One program per module: tests/unit/test_MODULE.c; and what several of them share.
UNIT_DATA = base json secret stamp record name cli store text claim relate relate_stale check feed query version build gate winner
UNIT_INDEXER = walk watch dirs ingest take later folder
UNIT_EXPORTER = verify_body verify_unpack compare redact response tree pack sign digest snapshot snapshot_edit maintain site collection edge page audit when request history export reflock relay label trace verify_state place
UNIT_SHARED_SRC = tests/unit/index_fixture.c
# Those of them that have threads (`make tsan`).
UNIT_THREADED = ingest take pack snapshot_edit site relay
FUZZ = json record secret stamp

SRC = $(DATA_SRC) $(INDEXER_SRC) $(EXPORTER_SRC) $(MAIN_SRC)
UNIT = $(UNIT_DATA:%=test_%) $(UNIT_INDEXER:%=test_%) $(UNIT_EXPORTER:%=test_%)
UNIT_SRC = $(UNIT:%=tests/unit/%.c) $(UNIT_SHARED_SRC)
# For clang-format; the shell expands it.
C_FILES = data/*.[ch] data/base/*.[ch] indexer/*.[ch] exporter/*.[ch] \
	exporter/*/*.[ch] tests/*/*.[ch]
TESTS = tests/e2e/*.t
# Those that need root, mounts, sysctls.
SYSTEM_TESTS = $(if $(filter file,$(origin TESTS)),$(wildcard tests/system/*.t))

# --- flags ------------------------------------------------------------------------

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wformat=2 -Wundef -Wwrite-strings $(if $(WERROR),-Werror)
# Hidden symbols: libinotifytools exports names such as `initialized` and
# `create_watch`, and a program's own visible symbol of that name would replace them.
HARDEN = -fstack-protector-strong -fstack-clash-protection -fPIE \
	$(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
SANFLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer)
CPPFLAGS_ALL = -I. -D_GNU_SOURCE -DALBUMEN_VERSION='"$(ALBUMEN_VERSION)"' $(CPPFLAGS)
CFLAGS_ALL = -std=c11 -pthread $(OPT) $(WARN) -fvisibility=hidden $(HARDEN) $(SANFLAGS) \
	$(CFLAGS)
LDFLAGS_ALL = -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(SANFLAGS) $(LDFLAGS)

# Asked for when first needed, so that a make file can be read before `make deps`.
pkg = $(if $(shell pkg-config --exists $(2) 2>/dev/null && echo yes),$(shell \
	pkg-config $(1) $(2)),$(error missing libraries or pkg-config: run `make deps`))
LIBS = lmdb libcjson libzstd libdeflate nettle
# libgit2 without its network, which its shared library loads (exporter/git/offline.h).
GIT_LIBS = -Wl,-Bstatic -lgit2 -lmbedcrypto -lhttp_parser -Wl,-Bdynamic -lpcre2-8 -lz
LIBS_CFLAGS = $(eval LIBS_CFLAGS := $(patsubst -I%,-isystem %,$(call pkg,--cflags,$(LIBS))))$(LIBS_CFLAGS)
LIBS_LIBS = $(eval LIBS_LIBS := $(call pkg,--libs,$(LIBS)))$(LIBS_LIBS)
CMOCKA_LIBS = $(eval CMOCKA_LIBS := $(call pkg,--libs,cmocka))$(CMOCKA_LIBS)
COMPILE = $(CC) $(CPPFLAGS_ALL) $(LIBS_CFLAGS) $(CFLAGS_ALL)

# --- programs ---------------------------------------------------------------------

INDEXER = $(BUILD)/albumen-indexer
EXPORTER = $(BUILD)/albumen-exporter
DATA_A = $(BUILD)/data.a
INDEXER_A = $(BUILD)/indexer.a
EXPORTER_A = $(BUILD)/exporter.a
obj = $(patsubst %.c,$(BUILD)/%.o,$(1))

.DEFAULT_GOAL = all
.PHONY: all deps deps-ci run test prove units serve bench bench-million golden asan valgrind \
	torture mutants soak \
	tsan fuzz lint format format-check install uninstall clean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(INDEXER) $(EXPORTER) $(BESIDE) ## build both programs (the default)

$(INDEXER): $(BUILD)/indexer/main.o $(INDEXER_A) $(DATA_A)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -linotifytools $(LIBS_LIBS)

$(EXPORTER): $(BUILD)/exporter/main.o $(EXPORTER_A) $(DATA_A)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(GIT_LIBS) $(LIBS_LIBS)

$(BUILD)/edge/%: exporter/site/edge/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(BUILD)/evidence/%: tests/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(BUILD)/page/%: exporter/page/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(DATA_A): $(call obj,$(DATA_SRC))
$(INDEXER_A): $(call obj,$(INDEXER_SRC))
$(EXPORTER_A): $(call obj,$(EXPORTER_SRC))
$(BUILD)/%.a: Makefile
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

# Changes only when the compiler or its flags do; then everything is built again.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL))' \
		>$@.new
	@if cmp -s $@.new $@; then rm -f $@.new; else mv $@.new $@; fi

-include $(patsubst %.c,$(BUILD)/%.d,$(SRC) $(UNIT_SRC))

# --- unit tests -------------------------------------------------------------------

UNIT_BIN = $(UNIT:%=$(BUILD)/tests/unit/%)
units: $(UNIT_BIN)
UNIT_A = $(BUILD)/unit.a
$(UNIT_A): $(call obj,$(UNIT_SHARED_SRC))
$(UNIT_DATA:%=$(BUILD)/tests/unit/test_%): $(UNIT_A) $(DATA_A)
$(UNIT_INDEXER:%=$(BUILD)/tests/unit/test_%): $(UNIT_A) $(INDEXER_A) $(DATA_A)
$(UNIT_EXPORTER:%=$(BUILD)/tests/unit/test_%): $(UNIT_A) $(EXPORTER_A) $(DATA_A)
$(UNIT_INDEXER:%=$(BUILD)/tests/unit/test_%): UNIT_LIBS = -linotifytools
$(UNIT_EXPORTER:%=$(BUILD)/tests/unit/test_%): UNIT_LIBS = $(GIT_LIBS)
$(BUILD)/tests/unit/test_%: $(BUILD)/tests/unit/test_%.o
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $< $(filter %.a,$^) $(UNIT_LIBS) $(LIBS_LIBS) $(CMOCKA_LIBS)

# --- run and test -----------------------------------------------------------------

deps: ## install the Debian packages that are missing (to build, run and test)
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_TEST)

deps-ci: ## the same, and what .ci/run needs besides
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_TEST) $(DEPS_CI)

run: deps ## do the main job on data/samples, and show what was made
	@$(MAKE) --no-print-directory all
	@ALBUMEN_BUILD=$(BUILD) tests/run-demo.sh

serve: deps ## answer the API from that, over nginx on 127.0.0.1:PORT
	@$(MAKE) --no-print-directory all
	@ALBUMEN_BUILD=$(BUILD) tests/run-demo.sh --serve 127.0.0.1:$(PORT)

test: deps ## all unit, end-to-end and system tests
	@if [ -z '$(SYSTEM_TESTS)' ] || [ '$(SYSTEM)' = no ]; then \
		exec $(MAKE) --no-print-directory prove; \
	elif [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then \
		exec $(MAKE) --no-print-directory prove TESTS='$(TESTS) $(SYSTEM_TESTS)'; \
	fi; \
	$(MAKE) --no-print-directory prove; status=$$?; \
	echo 'left out, as they need root or passwordless sudo (or say SYSTEM=no):' >&2; \
	printf '    %s\n' $(SYSTEM_TESTS) >&2; \
	exit $$((status ? status : 1))

# The tests alone, on the programs of $(BUILD): for CI and for variants of the build.
prove: all $(UNIT_BIN)
	ALBUMEN_BUILD=$(BUILD) prove -j2 --exec '' $(UNIT_BIN) $(TESTS)

golden: all ## write the golden files anew; review them with git diff
	ALBUMEN_BUILD=$(BUILD) GOLDEN=write prove tests/e2e/golden.t

bench: all ## time both programs against jq, git fast-import and tar
	ALBUMEN_BUILD=$(BUILD) tests/bench/run 1000 10000 100000

bench-million: all ## the same with a million images (some minutes, some GB)
	ALBUMEN_BUILD=$(BUILD) tests/bench/run 1000000

torture: all ## both programs under faults for TORTURE_S, as root (ROWS, SEED, CASE)
	ALBUMEN_BUILD=$(BUILD) tests/torture/run --seconds $(TORTURE_S) --workers $(WORKERS) \
		$(if $(SEED),--seed $(SEED)) $(if $(ROWS),--rows '$(ROWS)') \
		$(if $(CASE),--case $(CASE)) $(if $(KEEP),--keep)

mutants: all ## about fifty faults in the code, one at a time: does a test notice each?
	tests/mutants/run

soak: all ## watch and follow under 200 changes a second for SOAK_S: nothing may grow
	ALBUMEN_BUILD=$(BUILD) tests/soak/run --seconds $(SOAK_S) $(if $(SEED),--seed $(SEED))

asan: ## all tests under the address and undefined behaviour sanitizers
	@$(MAKE) --no-print-directory BUILD=build/asan SANITIZE=address,undefined prove

tsan: ## what has threads under the thread sanitizer: unit tests, a first scan
	@$(MAKE) --no-print-directory BUILD=build/tsan SANITIZE=thread prove-threaded

.PHONY: prove-threaded
prove-threaded: all $(UNIT_THREADED:%=$(BUILD)/tests/unit/test_%)
	TSAN_OPTIONS="suppressions=$(CURDIR)/tests/tsan.supp" ALBUMEN_BUILD=$(BUILD) \
		prove -j2 --exec '' $(UNIT_THREADED:%=$(BUILD)/tests/unit/test_%) \
		tests/e2e/first-scan.t

VALGRIND = valgrind -q --leak-check=full --show-leak-kinds=definite \
	--errors-for-leak-kinds=definite --error-exitcode=99 --suppressions=tests/valgrind.supp
# Debian 12's valgrind does not know openat2(2) and pidfd_open(2), which these need.
UNIT_VALGRIND = $(filter-out %_walk %_ingest %_take %_folder %_sign %_digest,$(UNIT_BIN))
valgrind: all $(UNIT_BIN) ## the unit tests under valgrind
	prove -j2 --exec '$(VALGRIND)' $(UNIT_VALGRIND)

$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(DATA_SRC)
	@mkdir -p $(@D)
	$(say) FUZZ $@
	$(Q)clang $(CPPFLAGS_ALL) $(LIBS_CFLAGS) -std=c11 -pthread -O1 -g $(WARN) \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-o $@ $< $(DATA_SRC) $(LIBS_LIBS)

fuzz: $(FUZZ:%=$(BUILD)/fuzz/fuzz_%) ## fuzz what reads untrusted bytes (FUZZ_S each; clang)
	$(Q)set -e; for f in $^; do \
		mkdir -p $$f.corpus; \
		$$f -max_total_time=$(FUZZ_S) -max_len=65536 -verbosity=0 -print_funcs=0 \
			-artifact_prefix=$$f. $$f.corpus data/samples; \
	done

# --- style ------------------------------------------------------------------------

lint: export FLAGS = -std=c11 $(subst ',,$(CPPFLAGS_ALL)) $(LIBS_CFLAGS) $(WARN)
lint: all ## clang-tidy, cppcheck, include rules, symbol prefixes, headers on their own
	@BUILD='$(BUILD)' CC='$(CC)' tests/lint.sh $(SRC)

format: ## clang-format every C file in place
	clang-format -i $(C_FILES)

format-check: ## fail if clang-format would change a file
	clang-format --dry-run -Werror $(C_FILES)

# --- install ----------------------------------------------------------------------

UNITDIR = $(PREFIX)/lib/systemd/system
MANDIR = $(PREFIX)/share/man

install: all ## install below DESTDIR/PREFIX: programs, man pages, systemd units
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/albumen/edge \
		$(DESTDIR)$(PREFIX)/share/albumen/page \
		$(DESTDIR)$(PREFIX)/share/albumen/evidence \
		$(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(UNITDIR)
	install -m 755 $(INDEXER) $(EXPORTER) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(EDGE:%=exporter/site/edge/%) $(DESTDIR)$(PREFIX)/share/albumen/edge
	install -m 644 $(PAGE:%=exporter/page/%) $(DESTDIR)$(PREFIX)/share/albumen/page
	install -m 755 $(EVIDENCE:%=tests/%) $(DESTDIR)$(PREFIX)/share/albumen/evidence
	install -m 644 indexer/albumen-indexer.1 exporter/albumen-exporter.1 \
		$(DESTDIR)$(MANDIR)/man1
	install -m 644 data/albumen.7 $(DESTDIR)$(MANDIR)/man7
	for unit in indexer/albumen-indexer.service exporter/albumen-exporter.service; do \
		sed 's|/usr/local/bin/|$(PREFIX)/bin/|' $$unit \
			>$(DESTDIR)$(UNITDIR)/$${unit##*/} && \
		chmod 644 $(DESTDIR)$(UNITDIR)/$${unit##*/} || exit 1; \
	done

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/albumen-indexer $(DESTDIR)$(PREFIX)/bin/albumen-exporter \
		$(DESTDIR)$(MANDIR)/man1/albumen-indexer.1 \
		$(DESTDIR)$(MANDIR)/man1/albumen-exporter.1 $(DESTDIR)$(MANDIR)/man7/albumen.7 \
		$(DESTDIR)$(UNITDIR)/albumen-indexer.service \
		$(DESTDIR)$(UNITDIR)/albumen-exporter.service
	rm -rf $(DESTDIR)$(PREFIX)/share/albumen

clean: ## remove everything built
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		awk -F'|' '{ printf "%-22s %s\n", $$1, $$2 }'
	@echo "Knobs are explained at the top of the Makefile."
