#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The programs, NEWS and the Debian package have one version, that of the Makefile.
. "$(dirname "$0")/lib.sh"

version=$(sed -n 's/^ALBUMEN_VERSION = //p' "$ROOT/Makefile")
for program in "$INDEXER" "$EXPORTER"; do
	is "${program##*/} --version" "$("$program" --version)" "${program##*/} $version"
done
is "the newest version of NEWS" "$(sed -n 's/^\([0-9][0-9.]*\) (.*)$/\1/p' "$ROOT/data/NEWS" | head -n 1)" "$version"
is "of the package" "$(sed -n '1s/^albumen (\([^)]*\)) .*/\1/p' "$ROOT/data/debian/changelog")" "$version"
# The packages that build the programs stand in the Makefile and in debian/control.
is "what the package is built with" \
	"$(sed -n '/^Build-Depends:/,/^Rules/{s/^Build-Depends://; s/,//; /^[ ]/p}' "$ROOT/data/debian/control" |
		grep -vE '^ *(debhelper-compat|$)' | xargs -n 1 | sort | xargs)" \
	"$(make -s -C "$ROOT" -f - print <<<$'include Makefile\nprint:\n\t@echo $(DEPS_BUILD)' |
		xargs -n 1 | grep -vxE 'gcc|libc6-dev|make' | sort | xargs)"
done_testing
