# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh - what the test of an edge sources after tests/e2e/lib.sh or tests/system/lib.sh:
#
#	edge_site DIR		makes a site that has all that cases.json asks for
#	edge_cases KIND URL [OPTION]...	asks the edge at URL every case; a result for each
#	edge_states KIND URL [CURL-OPTION]...	asks it while the site is in other states; the
#				answer that joins images is then of more than 64 MiB
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
	printf '["secret"]' | tee "$T/edge-elsewhere/secret.json" >"$T/edge-elsewhere/images.json"
	ln -s "$T/edge-elsewhere/secret.json" "$site/api/v1/tag_images/link.json"
	ln -s "$T/edge-elsewhere/secret.json" "$site/api/v1/tag_images/link2.json"
	ln -s "$T/edge-elsewhere" "$site/api/v1/albums/link"
	ln -s "$T/edge-elsewhere" "$site/audit/link"
	# Of a file that was written within the last second, Apache's ETag is a weak one.
	find "$site" -type f -exec touch -d '1 hour ago' {} +
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

edge_states() {
	local kind=$1 url=$2 curl status why when
	shift 2
	curl=(curl -s -g -o "$T/edge-body" -w '%{http_code}' "$@")
	edge_says() { # NAME PATH STATUS BODY
		status=$("${curl[@]}" "$url$2")
		is "$kind: $1" "$status $(sed 's/was [0-9]* s/was N s/' "$T/edge-body")" "$3 $4"
	}
	edge_ill() { # NAME ERROR: /healthz answers 503
		status=$("${curl[@]}" "$url/healthz")
		is "$kind: /healthz, $1" "$status $(jq -r .error "$T/edge-body" | sed 's/was [0-9]* s/was N s/')" "503 $2"
	}
	edge_health() { # TEXT: a health.json
		echo "$1" >"$SITE/health.new" && mv "$SITE/health.new" "$SITE/health.json"
	}

	cp "$SITE/health.json" "$T/edge-health"
	for when in '1 hour ago' '1 hour'; do
		edge_health "$(jq -c --arg at "$(date -u -d "$when" +%FT%TZ)" '.checked = $at' "$T/edge-health")"
		case $when in
		*ago) edge_ill "$when" 'the last check was N s ago, not less than 180' ;;
		*) edge_ill "in $when" 'the last check was in the future: compare the clocks' ;;
		esac
	done
	edge_health '{"version":1,"checked":"soon"}'
	edge_ill "of no time" 'health.json is not as albumen-exporter follow writes it'
	edge_health "$(printf '%5000s' '')"
	edge_ill "of something else" 'health.json is not as albumen-exporter follow writes it'
	rm "$SITE/health.json"
	edge_ill "of nothing" 'there is no health.json, which albumen-exporter follow writes'
	edge_health "$(<"$T/edge-health")"
	is "$kind: /healthz again" "$("${curl[@]}" "$url/healthz")" 200

	mv "$SITE/snapshot.json" "$T/edge-snapshot"
	why='{"error":"there is no complete site in this folder"}'
	edge_says "an album, without a whole site" /api/v1/albums/none/images 503 "$why"
	edge_says "an image, without a whole site" '/api/v1/tag_images?image_ids[]=none' 503 "$why"
	edge_says "a join, without a whole site" '/api/v1/tag_images?image_ids[]=none&image_ids[]=m1' 503 "$why"
	edge_says "what is there, without a whole site" '/api/v1/tag_images?image_ids[]=m1' 200 \
		"$(<"$SITE/api/v1/tag_images/m1.json")"
	mv "$T/edge-snapshot" "$SITE/snapshot.json"

	for why in large1 large2; do
		{
			printf '["'
			head -c $((33 << 20)) /dev/zero | tr '\0' x
			printf '"]'
		} >"$SITE/api/v1/tag_images/$why.json"
	done
	is "$kind: a large answer" "$("${curl[@]}" "$url/api/v1/tag_images?image_ids[]=large1")" 200
	ok "$kind: it is whole" cmp "$T/edge-body" "$SITE/api/v1/tag_images/large1.json"
	is "$kind: a join that is too large" "$("${curl[@]}" "$url/api/v1/tag_images?image_ids[]=large1&image_ids[]=large2")" 413
	ok "$kind: it says why" grep -q '^{"error":"the tag images of these images are larger than [0-9]* MiB; ask for fewer at a time"}$' "$T/edge-body"
	rm "$SITE/api/v1/tag_images"/large[12].json
}
