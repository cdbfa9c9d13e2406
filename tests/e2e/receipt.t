#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Receipts: which requests have one, in which snapshots, and what is in it; with the digest
# store, without it, and with one that is damaged; and whether they hold. RECEIPTS and CHANGES say
# how many are drawn; SEED repeats.
. "$(dirname "$0")/lib.sh"

receipt() {
	"$EXPORTER" receipt --repo "$T/repo" "$@"
}
at() { # TIME [OPTION...]: makes a snapshot of $T/data
	local time=$1
	shift
	scan >/dev/null && SOURCE_DATE_EPOCH=$(date -d "$time" +%s) \
		"$EXPORTER" export --index "$T/index" --repo "$T/repo" "$@" >/dev/null
}
member() { # NAME FILE
	jq -r ".$1" "$2"
}
refused() { # NAME STATUS PATTERN REQUEST...: nothing is printed
	local name=$1 status=$2 pattern=$3
	shift 3
	exits "$name" "$status" receipt "$@"
	ok "... and says why" grep -q "$pattern" "$T/err"
	ok "... and prints nothing" [ ! -s "$T/out" ]
}

ssh-keygen -q -t ed25519 -N '' -f "$T/key"
mkdir "$T/data"
cp "$ROOT/data/samples/tag-images-of-an-image.json" \
	"$ROOT/data/samples/untagged-images-of-an-album.json" "$ROOT/data/samples/tags.json" "$T/data"
cp -r "$ROOT/data/samples/albums" "$T/data"
album=harbour-1931 image=HA-1931-0005
untag=/api/v1/albums/$album/images/untag
ok "a snapshot that is not signed" at 2026-01-01
echo '{"public_id":"first","album_id":"first"}' >"$T/data/first.json"
ok "a signed snapshot" at 2026-01-02 --sign "$T/key"
cp -r "$ROOT/data/samples/tagged" "$T/data"
ok "another one" at 2026-01-03 --sign "$T/key"
rm -r "$T/data/albums/$album.json" "$T/data/tagged"
ok "an album is gone" at 2026-01-04 --sign "$T/key"

# What is in it.
for when in 2026-01-02 2026-01-03; do
	exits "a receipt of $when" 0 receipt --at "$when" "$untag"
	cp "$T/out" "$T/$when"
	commit=$(git -C "$T/repo" rev-list -1 --before="$when 12:00" main)
	is "... is one line" "$(wc -l <"$T/out")" 1
	is "... of canonical JSON" "$(jq -cS . "$T/out" | wc -c)" "$(wc -c <"$T/out")"
	is "... with these members" "$(jq -r 'keys_unsorted | join(" ")' "$T/out")" \
		"request time commit signed_commit trees body"
	is "... of the request" "$(member request "$T/out")" "$untag"
	is "... of the time" "$(member time "$T/out")" "${when}T00:00:00Z"
	is "... of the commit" "$(member commit "$T/out")" "$commit"
	git -C "$T/repo" cat-file commit "$commit" >"$T/want"
	jq -rj .signed_commit "$T/out" | base64 -d >"$T/got"
	same "... with the commit" "$T/got" "$T/want"
	jq -j .body "$T/out" >"$T/got"
	"$EXPORTER" show --repo "$T/repo" --at "$when" "$untag" >"$T/want"
	same "... and with what show prints" "$T/got" "$T/want"
	is "... and with the trees from the root to the file" "$(jq -r '.trees | length' "$T/out")" 8
	is "... whose root the message names" \
		"$(jq -rj '.trees[0]' "$T/out" | base64 -d >"$T/root" &&
			{ printf 'tree %s\0' "$(wc -c <"$T/root")" && cat "$T/root"; } | sha256sum | cut -d' ' -f1)" \
		"$(git -C "$T/repo" log -1 --format='%(trailers:key=Albumen-Tree-SHA256,valueonly,separator=)' "$commit")"
done
exits "an album that is gone has a proof of that" 0 receipt "$untag"
is "... whose body is null" "$(jq -c .body "$T/out")" null
exits "an unknown image likewise" 0 receipt '/api/v1/tag_images?image_ids[]=nobody'
is "... whose body is an empty array" "$(jq -c .body "$T/out")" '"[]"'

# A request is written in one way.
exits "a request as a client may send it" 0 receipt --at 2026-01-03 \
	"https://api.example.org/api/v1/tag_images.json?x=1&Image_Ids%5b%5d=$image&image_ids[]=%ff&image_ids[]=a+b%2e&image_ids[]=$image#end"
is "... stands in its canonical form" "$(member request "$T/out")" \
	"/api/v1/tag_images?image_ids[]=$image&image_ids[]=a%20b%2E"
ok "... in which & is escaped" grep -q "$image"'\\u0026image_ids' "$T/out"
is "an answer of several images is joined" \
	"$(receipt --at 2026-01-03 "/api/v1/tag_images?image_ids[]=HA-1931-0004&image_ids[]=nobody&image_ids[]=$image" | jq -j .body)" \
	"$("$EXPORTER" show --repo "$T/repo" --at 2026-01-03 "/api/v1/tag_images?image_ids[]=HA-1931-0004&image_ids[]=$image")"

# What has no receipt.
refused "a snapshot that is not signed has no receipt" 1 "is not signed" --at 2026-01-01 "$untag"
refused "a collection has none" 1 "a collection has no receipt" /api/v1/tag_images
refused "so have tags" 1 "a collection has no receipt" /api/v1/tags
refused "a request without an id has none" 1 "nothing to prove" '/api/v1/tag_images?image_ids[]=%ff'
refused "what is no request has none" 1 "is not a request" /api/v1/nothing
refused "a time before the first snapshot has none" 1 "2025" --at 2025-01-01 "$untag"

# The store may be lost or damaged, and a clone has none: the receipt is the same.
same_receipt() { # NAME REPO
	exits "$1" 0 "$EXPORTER" receipt --repo "$2" --at 2026-01-02 "$untag"
	same "... it is the same" "$T/out" "$T/2026-01-02"
}
git clone -q --bare "$T/repo" "$T/clone"
same_receipt "a receipt of a clone" "$T/clone"
ok "... which gets no store by that" [ ! -e "$T/clone/albumen-exporter.digests" ]
git clone -q "$T/repo" "$T/checkout"
same_receipt "a receipt of a clone with files" "$T/checkout"
git clone -q --bare --depth 3 "file://$T/repo" "$T/shallow"
same_receipt "a receipt of a shallow clone" "$T/shallow"
cp -r "$T/repo" "$T/damaged"
truncate -s 8K "$T/damaged/albumen-exporter.digests/data.mdb"
same_receipt "a receipt beside a store that is cut short" "$T/damaged"
ok "... which is passed over" grep -q "passed over" "$T/err"
is "... and stays as it is" "$(stat -c %s "$T/damaged/albumen-exporter.digests/data.mdb")" 8192
head -c 65536 /dev/urandom >"$T/damaged/albumen-exporter.digests/data.mdb"
same_receipt "a receipt beside a store that is none" "$T/damaged"
rm -r "$T/damaged/albumen-exporter.digests"
same_receipt "a receipt of a repository that has lost its store" "$T/damaged"
rm -r "$T/repo/albumen-exporter.digests"
echo '{"public_id":"new","album_id":"new"}' >"$T/data/new.json"
ok "the next export makes the store again" at 2026-01-05 --sign "$T/key"
ok "... it is there" [ -s "$T/repo/albumen-exporter.digests/data.mdb" ]
same_receipt "a receipt of an older snapshot afterwards" "$T/repo"

# Commits that albumen did not make.
sha256=$(git -C "$T/repo" log -1 --format='%(trailers:key=Albumen-Tree-SHA256,valueonly,separator=)' main)
path=api/v1/tag_images/$(printf nobody | git hash-object --stdin | sed 's,\(..\)\(..\).*,\1/\2,')/nobody.json
craft() { # LINE...: prints the id of a signed commit of main's tree with these lines at its end
	GIT_COMMITTER_DATE=2026-01-06T00:00:00Z git -C "$T/repo" -c gpg.format=ssh -c user.signingkey="$T/key" -c user.name=a \
		-c user.email=a@example.org commit-tree -S -m subject -m "$(printf '%s\n' "$@")" 'main^{tree}'
}
nobody='/api/v1/tag_images?image_ids[]=nobody'
crafted=$(craft "Albumen-Tree-SHA256: $sha256")
exits "any signed commit of a snapshot has receipts" 0 receipt --at "$crafted" "$nobody"
cp "$T/out" "$T/unknown"
echo "a@example.org $(cat "$T/key.pub")" >"$T/signers"
ok "... which hold" "$ROOT/tests/check-receipt" "$T/unknown" "$T/signers"
refused "one that states another SHA-256 has none" 1 "has not the SHA-256" \
	--at "$(craft "Albumen-Tree-SHA256: ${sha256//[0-7]/8}")" "$nobody"
refused "... which states two" 1 "one trailer" \
	--at "$(craft "Albumen-Tree-SHA256: $sha256" "Albumen-Tree-SHA256: $sha256")" "$nobody"
refused "... or none" 1 "one trailer" --at "$(craft "Albumen-Snapshot: 9")" "$nobody"
large=$(craft "Albumen-Oversize: $path" "Albumen-Tree-SHA256: $sha256")
refused "an answer that was too large for the snapshot has none" 1 "larger than 256 MiB.*'$path'" \
	--at "$large" "$nobody"
refused "... nor has a join with it" 1 "larger than 256 MiB.*'$path'" --at "$large" \
	"/api/v1/tag_images?image_ids[]=$image&image_ids[]=nobody"
"$PYTHON" - "$T/unknown" "$large" "$(git -C "$T/repo" cat-file commit "$large" | base64 -w 0)" >"$T/forged" <<-'END'
	import json, sys
	receipt = json.load(open(sys.argv[1], encoding="utf-8"))
	receipt["commit"], receipt["signed_commit"] = sys.argv[2:]
	print(json.dumps(receipt, separators=(",", ":")))
END
exits "... and one that says it was unknown does not hold" 1 "$ROOT/tests/check-receipt" "$T/forged" "$T/signers"
ok "... for this reason" grep -q "too large" "$T/err"

# A history that begins late.
ok "a label" "$EXPORTER" snapshot --repo "$T/repo" --label held --reason Held --at 2026-01-02 --sign "$T/key"
for when in held 2026-01-04 2026-01-05; do
	receipt --at "$when" "$untag" >"$T/before-$when"
done
for store in with without; do
	cp -r "$T/repo" "$T/pruned-$store"
	[ "$store" = with ] || rm -r "$T/pruned-$store/albumen-exporter.digests"
	ok "the history before a date is pruned, $store the store" "$EXPORTER" prune \
		--repo "$T/pruned-$store" --before 2026-01-04T12:00:00Z --sign "$T/key"
	for when in held 2026-01-04 2026-01-05; do
		exits "the receipt of $when afterwards" 0 "$EXPORTER" receipt --repo "$T/pruned-$store" --at "$when" "$untag"
		same "... is the same" "$T/out" "$T/before-$when"
	done
	exits "what is not known any more has none" 1 "$EXPORTER" receipt --repo "$T/pruned-$store" --at 2026-01-03 "$untag"
done
ok "prune leaves the store" [ -e "$T/pruned-with/albumen-exporter.digests/data.mdb" ]

# Random requests at random times, and random changes of their receipts.
seed=${SEED:-$(((RANDOM << 15) + RANDOM))}
many=1000
grep -qa __asan_init "$EXPORTER" && many=100
ok "${RECEIPTS:=$many} receipts hold, ${CHANGES:=$many} changed ones do not, SEED=$seed" \
	"$PYTHON" "$ROOT/tests/model/receipts.py" --seed "$seed" --steps 20 --receipts "$RECEIPTS" \
	--changes "$CHANGES" --indexer "$INDEXER" --exporter "$EXPORTER" --work "$T/random"
done_testing
