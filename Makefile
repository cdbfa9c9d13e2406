# SPDX-License-Identifier: GPL-2.0-or-later
#
# albumen. `make help` lists the targets. Everything that is built is below $(BUILD).
#
# Variables to set on the command line (`make WERROR=1 CC=clang BUILD=build/clang`):
#
#   BUILD=build        where everything is built
#   SANITIZE=          sanitizers, as in SANITIZE=address,undefined; BUILD is then
#                      build/sanitize unless it is given
#   WERROR=            1: a warning is an error
#   V=                 1: show the commands
#   CC=gcc             the compiler: gcc or clang
#   OPT=-O2 -g         optimisation and debugging
#   LIBGIT2=           how albumen-exporter is linked with libgit2: `static` starts faster,
#                      and most other libraries are then static, too; `shared` gets the
#                      distribution's security updates; without it, `make` builds static
#                      and `make install` installs shared
#   PREFIX=/usr/local  where `make install` puts things
#   DESTDIR=           a folder to install into instead of /
#   PORT=8080          where `make serve` listens (on 127.0.0.1)
#   TESTS=tests/e2e/*.t   the end-to-end tests of `make test`; if it is set, the tests
#                      of tests/system are not run
#   SYSTEM=            no: leave out tests/system, which needs root or passwordless
#                      sudo; otherwise `make test` fails without either
#   TORTURE_S=3600     how many seconds `make torture` runs
#   SOAK_S=1800        how many seconds `make soak` runs
#   SEED=              the seed of a random test, to repeat it; each test prints its own
#   ROWS=              the rows of `make torture`, as in ROWS='fault stop:live'; default: all
#   CASE=              run one case of one row of `make torture`
#   WORKERS=1          how many cases of `make torture` run at once
#   KEEP=              1: `make torture` stops at the first loss and keeps its folder
#   FUZZ=              the targets of `make fuzz`, as in FUZZ='tree unpack'; default: all
#   FUZZ_S=60          how many seconds `make fuzz` spends on each target

# NEWS and debian/changelog have it, too; tests/e2e/version.t compares them.
ALBUMEN_VERSION = 0.2.0

ifeq ($(origin CC),default)
CC = gcc
endif
BUILD = $(if $(SANITIZE),build/sanitize,build)
SANITIZE =
WERROR =
V =
OPT = -O2 -g
LIBGIT2 =
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
	libinotifytools0-dev libzstd-dev libdeflate-dev nettle-dev libexpat1-dev \
	libcurl4-openssl-dev
# libcurl4: for object stores alone (exporter/s3/s3_wire.h)
DEPS_RUN = git openssh-client libcurl4
# to serve a site, as `make serve` does
DEPS_SERVE = nginx libnginx-mod-http-js
DEPS_TEST = libcmocka-dev perl python3 curl jq njs strace chromium e2fsprogs mount util-linux \
	libimage-exiftool-perl miller csvkit zsh fish python3-jsonschema $(DEPS_DEB) lintian \
	mmdebstrap systemd-container wrk
# for tests/system alone: object stores, other web servers
DEPS_SYSTEM = apache2 caddy openssl radosgw ceph-mon ceph-osd ceph-common swift-proxy \
	swift-account swift-container swift-object memcached
# to make the Debian package
DEPS_DEB = build-essential debhelper
DEPS_CI = clang clang-tidy clang-format cppcheck valgrind mandoc groff-base shellcheck systemd prometheus

# --- sources ----------------------------------------------------------------------

# A new source file needs no line here. Each program and each unit test links what it uses
# from three archives.
DATA_SRC = $(wildcard data/*/*.c)
INDEXER_SRC = $(filter-out indexer/main.c,$(wildcard indexer/*.c))
EXPORTER_SRC = $(filter-out $(OFFLINE_SRC),$(wildcard exporter/*/*.c exporter/*/*/*.c))
OFFLINE_SRC = exporter/git/offline.c
MAIN_SRC = indexer/main.c exporter/main.c
# Files that a program reads at run time, from below its own folder: the parts of the
# configuration that `albumen-exporter edge` prints,
EDGE = $(notdir $(filter-out %.c %.h,$(wildcard exporter/edge/*.*)))
# the parts of the audit page,
PAGE = page.html page.css data.js words.js table.js plot.js list.js page.js
# and the scripts for auditors, of which bundles contain the first.
EVIDENCE = tree-sha256 check-receipt
BESIDE = $(EDGE:%=$(BUILD)/edge/%) $(PAGE:%=$(BUILD)/page/%) \
	$(EVIDENCE:%=$(BUILD)/evidence/%)

# One program for each module, tests/unit/PART/test_MODULE.c, and the files that they share.
UNIT_SRC = $(wildcard tests/unit/*/test_*.c)
UNIT_SHARED_SRC = $(wildcard tests/unit/*.c)
# The unit tests that use threads, for `make tsan`.
UNIT_THREADED = $(foreach m,store query build ingest apply pack snapshot_edit site relay,$(or $(filter %/test_$(m),$(UNIT_BIN)),$(error no test_$(m))))
FUZZ = commit delta json pack record request s3_xml secret stamp tree unpack untar

SRC = $(DATA_SRC) $(INDEXER_SRC) $(EXPORTER_SRC) $(OFFLINE_SRC) $(MAIN_SRC)
UNIT_BIN = $(UNIT_SRC:%.c=$(BUILD)/%)
C_FILES = $(wildcard $(foreach d,data/* indexer exporter exporter/* exporter/*/* tests/* \
	tests/unit/*,$(d)/*.[ch]))
TESTS = tests/e2e/*.t
# The tests that need root, mounts or sysctls.
SYSTEM_TESTS = $(if $(filter file,$(origin TESTS)),$(wildcard tests/system/*.t))

# --- flags ------------------------------------------------------------------------

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wformat=2 -Wundef -Wwrite-strings $(if $(WERROR),-Werror)
# -fvisibility=hidden, because libinotifytools exports names such as `initialized` and
# `create_watch`: a visible symbol of ours with the same name would replace the library's.
HARDEN = -fstack-protector-strong -fstack-clash-protection -fPIE \
	$(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
SANFLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer)
CPPFLAGS_ALL = -I. -D_GNU_SOURCE -DALBUMEN_VERSION='"$(ALBUMEN_VERSION)"' $(CPPFLAGS)
CFLAGS_ALL = -std=c11 -pthread $(OPT) $(WARN) -fvisibility=hidden $(HARDEN) $(SANFLAGS) \
	$(CFLAGS)
LDFLAGS_ALL = -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(SANFLAGS) $(LDFLAGS)

# pkg-config runs when a variable is first used, so that `make deps` works without it.
pkg = $(if $(shell pkg-config --exists $(2) 2>/dev/null && echo yes),$(shell \
	pkg-config $(1) $(2)),$(error missing libraries or pkg-config: run `make deps`))
LIBS = lmdb libcjson libzstd libdeflate nettle expat
# Debian 12's archive of libgit2 without the network: exporter/git/offline.c says why.
GIT_LIBS_static = $(OFFLINE) -Wl,-Bstatic -lgit2 -lmbedcrypto -lhttp_parser -lpcre2-8 -lz \
	-llmdb -lzstd -ldeflate -lnettle -lexpat -Wl,-Bdynamic
GIT_LIBS_shared = $(call pkg,--libs,libgit2)
LIBS_CFLAGS = $(eval LIBS_CFLAGS := $(patsubst -I%,-isystem %,$(call pkg,--cflags,$(LIBS))))$(LIBS_CFLAGS)
LIBS_LIBS = $(eval LIBS_LIBS := $(call pkg,--libs,$(LIBS)))$(LIBS_LIBS)
CMOCKA_LIBS = $(eval CMOCKA_LIBS := $(call pkg,--libs,cmocka))$(CMOCKA_LIBS)
COMPILE = $(CC) $(CPPFLAGS_ALL) $(LIBS_CFLAGS) $(CFLAGS_ALL)

# --- programs ---------------------------------------------------------------------

INDEXER = $(BUILD)/albumen-indexer
EXPORTER = $(BUILD)/albumen-exporter
SHARED = $(BUILD)/shared/albumen-exporter
DATA_A = $(BUILD)/data.a
INDEXER_A = $(BUILD)/indexer.a
EXPORTER_A = $(BUILD)/exporter.a
obj = $(patsubst %.c,$(BUILD)/%.o,$(1))
OFFLINE = $(call obj,$(OFFLINE_SRC))

.DEFAULT_GOAL = all
.PHONY: all deps deps-ci run test prove units serve bench bench-million golden asan valgrind \
	torture mutants soak page-check test-worker \
	tsan fuzz lint format format-check install uninstall deb clean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(INDEXER) $(EXPORTER) $(BESIDE) ## build both programs (the default)

$(INDEXER): $(BUILD)/indexer/main.o $(INDEXER_A) $(DATA_A)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -linotifytools $(LIBS_LIBS)

$(EXPORTER): LINKED = $(or $(LIBGIT2),static)
$(SHARED): LINKED = shared
$(EXPORTER) $(SHARED): $(BUILD)/exporter/main.o $(EXPORTER_A) $(DATA_A) $(OFFLINE)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter-out $(OFFLINE),$^) $(GIT_LIBS_$(LINKED)) \
		$(LIBS_LIBS)

$(BUILD)/edge/%: exporter/edge/%
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

# This file changes only when the compiler or its flags change; then all is built again.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) $(LIBGIT2))' \
		>$@.new
	@if cmp -s $@.new $@; then rm -f $@.new; else mv $@.new $@; fi

-include $(patsubst %.c,$(BUILD)/%.d,$(SRC) $(UNIT_SRC) $(UNIT_SHARED_SRC))

# --- unit tests -------------------------------------------------------------------

units: $(UNIT_BIN)
UNIT_A = $(BUILD)/unit.a
of = $(filter $(BUILD)/tests/unit/$(1)/%,$(UNIT_BIN))
$(UNIT_A): $(call obj,$(UNIT_SHARED_SRC))
$(call of,data): $(UNIT_A) $(DATA_A)
$(call of,indexer): $(UNIT_A) $(INDEXER_A) $(DATA_A)
$(call of,exporter): $(UNIT_A) $(EXPORTER_A) $(DATA_A) $(OFFLINE)
$(call of,indexer): UNIT_LIBS = -linotifytools
$(call of,exporter): UNIT_LIBS = $(GIT_LIBS_$(or $(LIBGIT2),static))
$(UNIT_BIN): $(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $< $(filter %.a,$^) $(UNIT_LIBS) $(LIBS_LIBS) $(CMOCKA_LIBS)

# --- run and test -----------------------------------------------------------------

deps: ## install the Debian packages that are missing (to build, run and test)
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_SERVE) $(DEPS_TEST)

deps-ci: ## the same, and the packages that only .ci/run needs
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_SERVE) $(DEPS_TEST) $(DEPS_CI)

# `run` and `serve` install what they need, and nothing for tests.
run: ## index and export data/samples, and show the result
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN)
	@$(MAKE) --no-print-directory all
	@ALBUMEN_BUILD=$(BUILD) tests/run-demo.sh

serve: ## answer the API from that site, with nginx on 127.0.0.1:PORT
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_SERVE)
	@$(MAKE) --no-print-directory all
	@ALBUMEN_BUILD=$(BUILD) tests/run-demo.sh --serve 127.0.0.1:$(PORT)

test: deps ## run all unit, end-to-end and system tests
	@if [ -z '$(SYSTEM_TESTS)' ] || [ '$(SYSTEM)' = no ]; then \
		exec $(MAKE) --no-print-directory prove; \
	elif [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then \
		.ci/deps $(DEPS_SYSTEM) && \
		exec $(MAKE) --no-print-directory prove TESTS='$(TESTS) $(SYSTEM_TESTS)'; \
		exit 1; \
	fi; \
	$(MAKE) --no-print-directory prove; status=$$?; \
	echo 'not run, because they need root or passwordless sudo (SYSTEM=no leaves them out):' >&2; \
	printf '    %s\n' $(SYSTEM_TESTS) >&2; \
	exit $$((status ? status : 1))

# Only the tests, on the programs of $(BUILD): for CI, and for other builds.
prove: all $(UNIT_BIN)
	ALBUMEN_BUILD=$(BUILD) prove -j2 --exec '' $(UNIT_BIN) $(TESTS)

# axe-core in the version of the lock file, which has its digest. `make deps-ci` does not install
# npm: Debian's would remove a newer Node.js.
AXE = $(BUILD)/axe/node_modules/axe-core/axe.min.js
$(AXE): tests/page/package.json tests/page/package-lock.json
	@command -v npm >/dev/null || { echo 'axe-core comes with npm: install it' >&2; exit 1; }
	@mkdir -p $(BUILD)/axe && cp $^ $(BUILD)/axe
	npm ci --prefix $(BUILD)/axe --ignore-scripts --no-audit --no-fund --silent
	@touch $@

page-check: all $(AXE) ## look at every view of the audit page with axe-core (SHOTS=FOLDER)
	ALBUMEN_BUILD=$(BUILD) AXE=$(abspath $(AXE)) SHOTS=$(abspath $(SHOTS)) prove tests/page/views.t

# workerd and miniflare, which is R2, in the versions of the lock file. npm installs programs for
# this machine alone.
MINIFLARE = $(BUILD)/workerd/node_modules/miniflare/package.json
$(MINIFLARE): tests/worker/package.json tests/worker/package-lock.json
	@command -v npm >/dev/null || { echo 'miniflare comes with npm: install it' >&2; exit 1; }
	@mkdir -p $(BUILD)/workerd && cp $^ $(BUILD)/workerd
	npm ci --prefix $(BUILD)/workerd --ignore-scripts --no-audit --no-fund --silent
	@touch $@

STORE_WORKER = $(wildcard tests/worker/store*.t)
# Over Ceph only with SYSTEM and the rights that tests/system needs, as `make test`.
test-worker: all $(MINIFLARE) ## ask the Worker that `edge --for worker` prints, under workerd
	@export WORKERD="$$(ls $(abspath $(BUILD))/workerd/node_modules/@cloudflare/workerd-*/bin/workerd)"; \
	export MINIFLARE='$(abspath $(MINIFLARE))'; \
	set -- $(filter-out $(STORE_WORKER),$(wildcard tests/worker/*.t)); status=0; \
	if [ '$(SYSTEM)' != no ]; then \
		if [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then \
			.ci/deps $(DEPS_SYSTEM) || exit 1; \
			set -- "$$@" $(STORE_WORKER); \
		else \
			status=1; \
		fi; \
	fi; \
	ALBUMEN_BUILD=$(BUILD) prove -j2 "$$@" || exit 1; \
	[ $$status = 0 ] || echo 'not run, because it needs root or passwordless sudo (SYSTEM=no leaves it out):' $(STORE_WORKER) >&2; \
	exit $$status

golden: all ## rewrite the golden files; review them with git diff
	ALBUMEN_BUILD=$(BUILD) GOLDEN=write prove tests/e2e/golden.t tests/e2e/recipes.t

bench: all $(SHARED) ## time both programs against jq, git fast-import and tar
	ALBUMEN_BUILD=$(BUILD) tests/bench/run 1000 10000 100000

bench-million: all $(SHARED) ## the same with a million images (some minutes, some GB)
	ALBUMEN_BUILD=$(BUILD) tests/bench/run 1000000

torture: all ## run both under faults for TORTURE_S, as root (ROWS, SEED, CASE)
	ALBUMEN_BUILD=$(BUILD) tests/torture/run --seconds $(TORTURE_S) --workers $(WORKERS) \
		$(if $(SEED),--seed $(SEED)) $(if $(ROWS),--rows '$(ROWS)') \
		$(if $(CASE),--case $(CASE)) $(if $(KEEP),--keep)

mutants: all ## put faults into the code, one at a time: a test must notice each
	tests/mutants/run

soak: all ## run both under 200 changes a second for SOAK_S: nothing may grow
	ALBUMEN_BUILD=$(BUILD) tests/soak/run --seconds $(SOAK_S) $(if $(SEED),--seed $(SEED))

asan: ## run all tests under the address and undefined behaviour sanitizers
	@$(MAKE) --no-print-directory BUILD=build/asan SANITIZE=address,undefined prove

tsan: ## run the tests that use threads under the thread sanitizer
	@$(MAKE) --no-print-directory BUILD=build/tsan SANITIZE=thread prove-threaded

.PHONY: prove-threaded
prove-threaded: all $(UNIT_THREADED)
	TSAN_OPTIONS="suppressions=$(CURDIR)/tests/tsan.supp" ALBUMEN_BUILD=$(BUILD) \
		prove -j2 --exec '' $(UNIT_THREADED) \
		tests/e2e/first-scan.t

VALGRIND = valgrind -q --leak-check=full --show-leak-kinds=definite \
	--errors-for-leak-kinds=definite --error-exitcode=99 --suppressions=tests/valgrind.supp
# Debian 12's valgrind does not know openat2(2) and pidfd_open(2), which these tests need.
UNIT_VALGRIND = $(filter-out %_walk %_ingest %_apply %_folder %_sign %_sign_agent %_digest %_receipt,$(UNIT_BIN))
valgrind: all $(UNIT_BIN) ## run the unit tests under valgrind
	prove -j2 --exec '$(VALGRIND)' $(UNIT_VALGRIND)

# The code is built once more for the fuzzers, below $(BUILD)/fuzz. `fuzz` runs in this make,
# `fuzz-run` in that one.
fuzz: ## fuzz the code that reads untrusted bytes (FUZZ_S each; FUZZ='json unpack'; clang)
	@$(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)/fuzz OPT='-O1 -g' \
		SANITIZE=fuzzer-no-link,address,undefined fuzz-run

FUZZ_BIN = $(FUZZ:%=$(BUILD)/fuzz_%)
.PHONY: fuzz-run
fuzz-run: $(FUZZ_BIN)
	$(Q)set -e; for f in $^; do \
		mkdir -p $$f.corpus; \
		tests/fuzz/seeds $${f##*/fuzz_} $$f.seeds; \
		$$f -max_total_time=$(FUZZ_S) -max_len=65536 -verbosity=0 -print_funcs=0 \
			-print_final_stats=1 -detect_leaks=0 -artifact_prefix=$$f. $$f.corpus $$f.seeds data/samples; \
	done

$(FUZZ_BIN): $(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(EXPORTER_A) $(DATA_A) $(OFFLINE)
	$(say) LINK $@
	$(Q)$(CC) -fsanitize=fuzzer $(LDFLAGS_ALL) -o $@ $(filter-out $(OFFLINE),$^) \
		$(GIT_LIBS_static) $(LIBS_LIBS)

# --- style ------------------------------------------------------------------------

lint: export FLAGS = -std=c11 $(subst ',,$(CPPFLAGS_ALL)) $(LIBS_CFLAGS) $(WARN)
lint: all ## check the rules of the house: clang-tidy, cppcheck, includes, names, headers
	@BUILD='$(BUILD)' CC='$(CC)' tests/lint.sh $(SRC)

format: ## format every C file in place, with clang-format
	clang-format -i $(C_FILES)

format-check: ## fail if clang-format would change a file
	clang-format --dry-run -Werror $(C_FILES)

# --- install ----------------------------------------------------------------------

UNITDIR = $(PREFIX)/lib/systemd/system
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/albumen
# Where the shells look for completion; zsh of Debian's packages: /usr/share/zsh/vendor-completions.
BASHDIR = $(PREFIX)/share/bash-completion/completions
ZSHDIR = $(PREFIX)/share/zsh/site-functions
FISHDIR = $(PREFIX)/share/fish/vendor_completions.d

# `make install` links libgit2 as LIBGIT2 says, by default shared.
INSTALLED = $(if $(LIBGIT2),$(EXPORTER),$(SHARED))
UNITS = $(notdir $(wildcard data/systemd/*))

install: all $(INSTALLED) ## install programs, manual pages, completion, examples, units below DESTDIR/PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/albumen/edge \
		$(DESTDIR)$(PREFIX)/share/albumen/page \
		$(DESTDIR)$(PREFIX)/share/albumen/evidence \
		$(DESTDIR)$(PREFIX)/share/albumen/recipes \
		$(DESTDIR)$(PREFIX)/share/albumen/schema \
		$(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man7 \
		$(DESTDIR)$(DOCDIR)/examples $(DESTDIR)$(UNITDIR) \
		$(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(FISHDIR)
	install -m 755 $(INDEXER) $(INSTALLED) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(EDGE:%=exporter/edge/%) $(DESTDIR)$(PREFIX)/share/albumen/edge
	install -m 644 $(PAGE:%=exporter/page/%) $(DESTDIR)$(PREFIX)/share/albumen/page
	install -m 755 $(EVIDENCE:%=tests/%) $(DESTDIR)$(PREFIX)/share/albumen/evidence
	install -m 644 data/schema/*.json $(DESTDIR)$(PREFIX)/share/albumen/schema
	install -m 644 data/recipes/*.jq $(DESTDIR)$(PREFIX)/share/albumen/recipes
	install -m 755 data/recipes/mirror-live-api $(DESTDIR)$(PREFIX)/share/albumen/recipes
	cp -r --no-preserve=mode,ownership data/recipes/samples \
		$(DESTDIR)$(PREFIX)/share/albumen/recipes
	install -m 644 indexer/albumen-indexer.1 exporter/albumen-exporter.1 \
		$(DESTDIR)$(MANDIR)/man1
	install -m 644 data/albumen.7 $(DESTDIR)$(MANDIR)/man7
	install -m 644 data/COPYING data/NEWS $(DESTDIR)$(DOCDIR)
	install -m 644 $(UNITS:%=data/systemd/%) $(DESTDIR)$(UNITDIR)
	sed -i 's|/usr/local/bin/|$(PREFIX)/bin/|' $(UNITS:%=$(DESTDIR)$(UNITDIR)/%)
	install -m 644 data/examples/* $(DESTDIR)$(DOCDIR)/examples
	set -e; for program in $(INDEXER) $(EXPORTER); do \
		name=$${program##*/}; \
		$$program completion bash | install -m 644 /dev/stdin $(DESTDIR)$(BASHDIR)/$$name; \
		$$program completion zsh | install -m 644 /dev/stdin $(DESTDIR)$(ZSHDIR)/_$$name; \
		$$program completion fish | install -m 644 /dev/stdin $(DESTDIR)$(FISHDIR)/$$name.fish; \
	done

uninstall: ## remove what `make install` installed
	rm -f $(DESTDIR)$(PREFIX)/bin/albumen-indexer $(DESTDIR)$(PREFIX)/bin/albumen-exporter \
		$(DESTDIR)$(MANDIR)/man1/albumen-indexer.1 \
		$(DESTDIR)$(MANDIR)/man1/albumen-exporter.1 $(DESTDIR)$(MANDIR)/man7/albumen.7 \
		$(UNITS:%=$(DESTDIR)$(UNITDIR)/%) \
		$(foreach p,albumen-indexer albumen-exporter,$(DESTDIR)$(BASHDIR)/$(p) \
			$(DESTDIR)$(ZSHDIR)/_$(p) $(DESTDIR)$(FISHDIR)/$(p).fish)
	rm -rf $(DESTDIR)$(PREFIX)/share/albumen $(DESTDIR)$(DOCDIR)

# dpkg-buildpackage wants debian/ on top, so it gets a copy of the sources. What was set for this
# make (BUILD, WERROR) is not meant for that one.
DEB = albumen_$(ALBUMEN_VERSION)_$$(dpkg --print-architecture).deb
deb: ## make the Debian package, $(BUILD)/albumen_VERSION_ARCHITECTURE.deb
	@.ci/deps $(DEPS_BUILD) $(DEPS_DEB)
	rm -rf $(BUILD)/deb
	mkdir -p $(BUILD)/deb/albumen
	tar -c --exclude=./build --exclude=./.git . | tar -x -C $(BUILD)/deb/albumen
	cp -r data/debian $(BUILD)/deb/albumen
	cd $(BUILD)/deb/albumen && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS CC='$(CC)' \
		dpkg-buildpackage -b -us -uc
	mv $(BUILD)/deb/$(DEB) $(BUILD)
	rm -rf $(BUILD)/deb/albumen

clean: ## remove everything that was built
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		awk -F'|' '{ printf "%-22s %s\n", $$1, $$2 }'
	@echo "The variables are explained at the top of the Makefile."
