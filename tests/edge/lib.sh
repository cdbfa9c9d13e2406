# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh - what the test of an edge sources after tests/e2e/lib.sh or tests/system/lib.sh:
#
#	edge_site DIR		makes a site that has all that cases.json asks for
#	edge_cases KIND URL [OPTION]...	asks the edge at URL every case; a result for each
#
# The site is open to every user, as that of a service is: no worker runs as root.

EDGE=$ROOT/tests/edge

edge_site() {
	local site=$1 i
	mkdir -p "$T/edge-data"
	# What a web server may search and read.
	chmod 755 "$T"
	cp "$ROOT/data/samples/tag-images-of-an-image.json" \
		"$ROOT/data/samples/untagged-images-of-an-album.json" "$EDGE/records.ndjson" "$T/edge-data"
	{
		printf '{"public_id":"in L","album_id":"%s"}\n' "$(printf '%200s' '' | tr ' ' L)"
		for i in {1..501}; do
			printf '{"public_id":"m%s","album_id":"many"}\n' "$i"
			printf '{"id":"tm%s","image_id":"m%s","tag_id":"T"}\n' "$i" "$i"
		done
	} >"$T/edge-data/many.ndjson"
	"$INDEXER" scan --data "$T/edge-data" --index "$T/edge-index" >/dev/null &&
		start edge-follow "$EXPORTER" follow --index "$T/edge-index" --repo "$T/edge-repo" \
			--site "$site" --collections --audit-page && stop edge-follow || return 1
	# What is in no snapshot: what stands for a response that was too large, and links.
	: >"$site/api/v1/tag_images/huge.oversize"
	mkdir -p "$site/api/v1/albums/huge/images" "$T/edge-elsewhere/images"
	: >"$site/api/v1/albums/huge/images/untag.oversize"
	echo '["secret"]' | tee "$T/edge-elsewhere/secret.json" >"$T/edge-elsewhere/images.json"
	ln -s "$T/edge-elsewhere/secret.json" "$site/api/v1/tag_images/link.json"
	ln -s "$T/edge-elsewhere/secret.json" "$site/api/v1/tag_images/link2.json"
	ln -s "$T/edge-elsewhere" "$site/api/v1/albums/link"
	ln -s "$T/edge-elsewhere" "$site/audit/link"
}

edge_cases() {
	local kind=$1 url=$2 failed name
	shift 2
	"$PYTHON" "$EDGE/cases.py" --site "$SITE" --edge "$kind" --url "$url" "$@" >"$T/edge-cases" 2>&1
	ok "$kind: every case was asked" test $? = 0
	while IFS=$'\t' read -r failed name; do
		case $failed in
		0 | 1) result "$failed" "$name" ;;
		*) echo "$failed" | diag ;;
		esac
	done <"$T/edge-cases"
}
