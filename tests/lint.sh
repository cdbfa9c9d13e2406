#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lint.sh FILE.c... - the rules of the house that a program can check. `make lint` runs it,
# and sets BUILD, CC and FLAGS. It prints what is wrong, and fails if anything is.
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
sources=("$@")
shopt -s nullglob
headers=(data/*/*.h indexer/*.h exporter/*/*.h exporter/*/*/*.h)
own=("${sources[@]}" "${headers[@]}")
all=("${own[@]}" tests/*/*.[ch] tests/unit/*/*.[ch])
scripts=(Makefile .ci/* data/debian/rules data/debian/albumen.p* data/recipes/*.jq
	data/recipes/mirror-live-api tests/*.sh tests/includes tests/manuals tests/check-receipt tests/tree-sha256
	tests/*/*.sh tests/*/*.t tests/*/*.py tests/*/run tests/mutants/list)
read -ra flags <<<"$FLAGS"
read -ra cc <<<"$CC" # it may be `ccache gcc`
failed=0
shopt -s lastpipe # complain, at the end of pipes, sets it

complain() { # RULE; the lines that break it come on stdin
	local lines
	lines=$(cat)
	[ -n "$lines" ] || return 0
	printf 'lint: %s\n%s\n' "$1" "$lines" >&2
	failed=1
}

include() { # HEADER FILE... - these files, and no others, include the library
	local pattern=$1
	shift
	diff <(printf '%s\n' "$@" | sort) \
		<(grep -lE "^#include <($pattern)" "${own[@]}" | sort) | grep '^[<>]' |
		complain "$* alone include <$pattern (<: does not; >: does, too)"
}

for tool in clang-tidy cppcheck shellcheck; do
	command -v "$tool" >/dev/null || echo "$tool"
done | complain 'not installed (make deps-ci)'

# --- includes -----------------------------------------------------------------------

include 'lmdb\.h' data/index/store.c
include 'cJSON\.h|cjson/' data/format/json.c
include 'inotifytools/|sys/inotify\.h' indexer/notify.c exporter/export/follow.c
include 'zstd\.h' data/index/codec.c
include 'git2' exporter/git/repo.c exporter/git/offline.c
include 'libdeflate\.h' exporter/git/pack/object.c
include 'curl/' exporter/s3/s3_wire.c
include 'expat\.h' exporter/s3/s3_xml.c
tests/includes | complain 'includes go down the picture in tests/README.md, and in no circle'
grep -nE '^#include "data/index/' "${own[@]}" | grep -E '^(indexer|exporter)/' |
	grep -vE '"data/index/(build|check|claim|facts|gate|index|query)\.h"$' |
	grep -v '^exporter/evidence/digest_keep\.c:.*/store\.h"$' | # it has an LMDB file of its own
	complain 'the programs do not use the internals of the index'
grep -nE '^#include "[^/"]*"' "${all[@]}" | complain 'includes are path-qualified'
grep -nE '\b(log_(error|warning|info|debug)|printf|fputs|puts|perror)\(' data/format/*.c data/index/*.c |
	complain 'data/ never prints'

# --- marks of unfinished or careless work ------------------------------------------

grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "${all[@]}" "${scripts[@]}" README.md data/README.md \
	tests/README.md | grep -v '^tests/lint\.sh:' | complain 'finish it, or file it'
grep -nE '(^|[;{}])[[:space:]]*//' "${all[@]}" | complain '/* */ comments only'
grep -nE '(^|[^_a-z])sleep +[0-9.]' "${scripts[@]}" | grep -v '^tests/lint\.sh:' |
	complain 'tests wait for something, never for the clock'
grep -L '^/\* SPDX-License-Identifier: GPL-2.0-or-later \*/$' "${all[@]}" | complain 'no SPDX line'
grep -L '^# SPDX-License-Identifier: GPL-2.0-or-later$' "${scripts[@]}" | complain 'no SPDX line'
wc -l "${all[@]}" | awk '$2 != "total" && $1 > 900' | complain 'over 900 lines: does it hold two things that change for different reasons?'
tests/mutants/run --check | complain 'tests/mutants/list does not fit the code and the tests'

# --- headers ------------------------------------------------------------------------

for header in "${headers[@]}"; do
	guard=$(tr 'a-z/.' 'A-Z__' <<<"$header")
	grep -qx "#define $guard" "$header" || echo "$header: $guard"
done | complain 'guards are made of the path'
for header in "${headers[@]}"; do
	"${cc[@]}" "${flags[@]}" -Werror -fsyntax-only -x c "$header" 2>&1
done | complain 'each header compiles on its own'

# --- symbols: the file stem (or its first word) is the prefix -----------------------

for source in "${sources[@]}"; do
	stem=${source##*/}
	stem=${stem%.c}
	allowed="$stem|${stem%%_*}"
	case $source in
	*/main.c) allowed=main ;;
	exporter/git/offline.c) allowed=git ;; # defines functions of libgit2
	data/base/buf.c) allowed='buf|x(re|z|m)?alloc(array)?|xgrow|xmemdup0|xstrdup|be(32|64)' ;;
	esac
	nm --defined-only -g "$BUILD/${source%.c}.o" |
		awk -v allowed="^($allowed)(_|\$)" -v file="$source" \
			'$3 !~ /^(__odr|_?_?asan|__sanitizer)/ && $3 !~ allowed { print file ": " $3 }'
done | complain 'global symbols begin with the name of their file'

# --- the analysers ------------------------------------------------------------------

report=$(mktemp "${TMPDIR:-/tmp}/albumen-lint.XXXXXX")
trap 'rm -f "$report" "$report.h"' EXIT
# The analyser sees one file at a time, so it needs to know what these functions return.
cat >"$report.h" <<'END'
#include "data/base/err.h"
#define err_set(err, code, ...) ((void)err_set(err, code, __VA_ARGS__), (code))
#define err_sys(...) ((void)err_sys(__VA_ARGS__), ERR_FAIL)
#define err_sys_find(...) ((void)err_sys_find(__VA_ARGS__), ERR_FAIL)
END
printf '%s\n' "${sources[@]}" | grep -vx data/base/err.c |
	xargs -P 2 -I{} clang-tidy --quiet {} -- -include "$report.h" "${flags[@]}" \
		>"$report" 2>/dev/null ||
	complain 'clang-tidy (.clang-tidy says what is checked)' <"$report"
cppcheck -q -j 2 --std=c11 --enable=warning,performance,portability --inline-suppr \
	--suppress=memleak:data/base/buf.c --error-exitcode=1 -I. -D_GNU_SOURCE '-DALBUMEN_VERSION="0"' "${sources[@]}" \
	>"$report" 2>&1 || complain cppcheck <"$report"
shellcheck -s bash -S warning -e SC2034,SC2120,SC2154 \
	.ci/run .ci/deps tests/*.sh tests/*/lib.sh tests/*/*.t |
	complain shellcheck
shellcheck -S warning data/recipes/mirror-live-api | complain shellcheck
shellcheck data/debian/albumen.p* | complain shellcheck
exit "$failed"
