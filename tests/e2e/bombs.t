#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A repository of a few hundred kilobytes that says that it holds more than can ever be gone
# through keeps no command busy: bombs.py says what the kinds are.
. "$(dirname "$0")/lib.sh"

cp -r "$ROOT/data/samples" "$T/data"
ok "a library is scanned" scan
ok "and exported" export_all
cp -r "$T/repo" "$T/good"
# Another snapshot, so that there is something to compare with.
cp -r "$ROOT/data/samples/corrections" "$T/data/more"

bounded() { # COMMAND... - not killed, by time or by memory; output in $T/out, $T/err
	(
		limit_memory -v 4000000
		exec timeout -k 1 200 "$EXPORTER" "$@" </dev/null >"$T/out" 2>"$T/err"
	)
	ended=$?
	[ "$ended" -lt 124 ] && return
	echo "status $ended: $*"
	return 1
}

# KIND STATUS-OF-VERIFY [WHAT-IT-SAYS]
bomb() {
	local kind=$1 repo=$T/$1 command
	cp -r "$T/good" "$repo"
	"$PYTHON" "$ROOT/tests/e2e/bombs.py" "$kind" "$repo" || exit
	ok "$kind: verify ends" bounded verify --repo "$repo"
	is "$kind: with this status" "$ended" "$2"
	if [ -n "${3-}" ]; then
		ok "$kind: and says why" grep -qE "$3" "$T/out" "$T/err"
	fi
	for command in "diff --repo $repo HEAD~1 now" \
		"publish --repo $repo --site $T/site-$kind --audit-page --collections" \
		"audit --repo $repo" "log --repo $repo --album harbour-1931" \
		"show --repo $repo /api/v1/albums/harbour-1931/images" \
		"receipt --repo $repo /api/v1/albums/harbour-1931/images" \
		"snapshot --repo $repo --label l --reason r" "bundle --repo $repo $T/bundle-$kind.tar" \
		"export --index $T/index --repo $repo --wait 0" "maintain --repo $repo --wait 0"; do
		# The words of a command have no spaces in them.
		ok "$kind: ${command%% *} ends" bounded $command
	done
	rm -rf "$repo" "$T/site-$kind" "$T/bundle-$kind.tar"
}
# The pack of a bomb in a bundle, which git has to index.
bundled() { # KIND
	local repo=$T/bundled pack
	cp -r "$T/good" "$repo"
	"$PYTHON" "$ROOT/tests/e2e/bombs.py" "$1" "$repo" || exit
	mkdir -p "$T/albumen-evidence"
	for pack in "$repo"/objects/pack/*.pack; do
		[ -e "$T/good/objects/pack/${pack##*/}" ] || break
	done
	{
		printf '# v2 git bundle\n%s refs/heads/main\n\n' "$(git -C "$repo" rev-parse main)"
		cat "$pack"
	} >"$T/albumen-evidence/snapshots.bundle"
	tar -C "$T" -cf "$T/bomb.tar" albumen-evidence
	ok "$1: verify of a bundle ends" bounded verify --bundle "$T/bomb.tar"
	is "$1: with this status" "$ended" 1
	rm -rf "$repo"
}

bomb levels 1 ' bomb: the entry does not belong in a snapshot$'
bomb signed 1 ' bomb: the entry does not belong in a snapshot$'
bomb shard 1 ' api/v1/tag_images/00/00/00: the entry does not belong in a snapshot$'
bomb shards 1 'verification ends here, after 1000 failures'
bomb albums 1 'verification ends here, after 1000 failures'
bomb empty 1 'verification ends here, after 1000 failures'
bomb twins 1 'twin.json: the entry is out of order, or stands twice$'
bomb depth 1 ' api/v1/albums/d: the entry does not belong in a snapshot$'
bomb parents 1 'it has 1000000 parents: the history is not one line$'
bomb refs 1 'verification ends here, after 1000 failures'
bomb tags 1
bomb head 1
bomb cycle 1 'it is a delta of a delta without end'
bomb chain 1 'it is a delta of more than 255 others, and too large for that'
bomb claims 1 'its size is out of bounds'
bundled cycle
bundled chain
bundled claims
done_testing
