#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Indexes and exports data/samples (`make run`), and serves the site (`make serve`):
#
#	tests/run-demo.sh [--serve ADDR:PORT]
#
# Everything that it makes is in $ALBUMEN_BUILD/demo. It can be run again at any time.
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."
build=${ALBUMEN_BUILD:-build}
unset "${!ALBUMEN_@}" # they would stand in for options
demo=$build/demo
indexer=$build/albumen-indexer
exporter=$build/albumen-exporter
# The recorded calls: the tag images of one image, the untagged images of one album.
recorded_image=api/v1/tag_images/885999a5-58a5-406a-bc8e-2ac5420d60a3.json
recorded_album=api/v1/albums/00324000005TXjIAAW/images/untag.json

show() { # prints a command as one could type it, then runs it
	printf '\n$ %s\n' "$*"
	"$@"
}

expect_size() { # FILE BYTES
	local size
	size=$(stat -c %s "$demo/site/$1")
	printf '%6s bytes  %s\n' "$size" "$1"
	[ "$size" = "$2" ] || {
		echo "run-demo: that should be $2 bytes, as recorded" >&2
		exit 1
	}
}

mkdir -p "$demo"
show "$indexer" scan --data data/samples --index "$demo/index"
show "$exporter" export --index "$demo/index" --repo "$demo/repo" --site "$demo/site"

if [ "${1-}" = --serve ]; then
	mkdir -p "$demo/nginx"
	"$exporter" edge --site "$demo/site" --listen "$2" >"$demo/nginx.conf"
	cat <<-END

	Serving $demo/site on http://$2 until Ctrl-C. In another terminal:

	  curl 'http://$2/api/v1/albums/harbour-1931/images/untag'
	  curl -g 'http://$2/api/v1/tag_images?image_ids[]=HA-1931-0001&image_ids[]=HA-1931-0005'
	END
	PATH=$PATH:/usr/sbin:/sbin
	exec nginx -p "$PWD/$demo/nginx" -c "$PWD/$demo/nginx.conf" -g 'daemon off;'
fi

show "$indexer" status --index "$demo/index"
show git --git-dir "$demo/repo" log --stat=90 --stat-count=5 -n 3
printf '\nThe site, one file a response:\n'
(cd "$demo/site" && find api snapshot.json -type f | sort | sed 's/^/  /' | sed '12,$!b; 12s/.*/  .../; 13,$d')
printf '  (%s files)\n' "$(cd "$demo/site" && find api snapshot.json -type f | wc -l)"
printf '\nThe two recorded calls, to the byte:\n'
expect_size "$recorded_image" 3436
expect_size "$recorded_album" 723
printf '\nWhat is still untagged in the album harbour-1931, and since when:\n'
show "$exporter" audit --repo "$demo/repo" --album harbour-1931 --images
cat <<END

What to try next:
  make serve                  answer the API from this site, over nginx
  git --git-dir $demo/repo log -p    how the answers changed, and when
  $indexer watch --data DIR --index $demo/index2
                              follow a folder of your own, as it changes
  make test                   all tests
  man data/albumen.7          how it works (with man's option -l)
END
