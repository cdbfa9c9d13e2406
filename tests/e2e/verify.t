#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What verify reports of good repositories and of bad ones (tamper.t has more forgeries).
. "$(dirname "$0")/lib.sh"

command -v ssh-keygen >"$T/out" || skip_all "ssh-keygen is not installed"
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org

verify() { # REPO OPTION...
	local repo=$1
	shift
	"$EXPORTER" verify --repo "$repo" "$@"
}
found() { # NAME PATTERN: passes if that failure was reported, and stderr is empty
	grep -qE "$2" "$T/out" && [ ! -s "$T/err" ]
	result $? "$1" || cat "$T/out" "$T/err" | diag
}
fresh() { # makes a new clone to damage
	rm -rf "$T/clone"
	git clone -q --bare --no-local "$T/repo" "$T/clone"
}
snapshot() { # N: a change, and a snapshot of it
	printf '{"public_id":"i%s","album_id":"a","title":"%s","created_at":"2020-01-01T00:00:00Z"}' \
		$(($1 % 3)) "$1" >"$T/data/$(($1 % 3)).json"
	printf '{"id":"ti","image_id":"i%s","tag_id":"t"}' $(($1 % 3)) >"$T/data/ti.json"
	scan >"$T/out" 2>&1
	SOURCE_DATE_EPOCH=$((1700000000 + 60 * $1)) "$EXPORTER" export --index "$T/index" --repo "$T/repo" \
		"${@:2}" >"$T/out" 2>&1
}

# A repository of seven snapshots: two unsigned, five signed.
mkdir "$T/data"
printf '{"id":"t","name":"tag","label":"l"}' >"$T/data/tag.json"
ssh-keygen -q -t ed25519 -N '' -C key -f "$T/key"
ssh-keygen -q -t ed25519 -N '' -C other -f "$T/other"
echo "who@example.org $(cat "$T/key.pub")" >"$T/signers"
for n in 1 2; do snapshot $n; done
exits "an unsigned repository is good" 0 verify "$T/repo"
exits "with --signers an unsigned repository is a failure" 1 verify "$T/repo" --signers "$T/signers"
found "the failure names the first snapshot" ': no snapshot is signed, from this one on$'
for n in 3 4 5 6 7; do snapshot $n --sign "$T/key"; done
"$EXPORTER" snapshot --repo "$T/repo" --label first --reason why --at HEAD~4 --sign "$T/key" >"$T/out"
tip=$(git -C "$T/repo" rev-parse main)
third=$(git -C "$T/repo" rev-parse main~4)

exits "a signed repository is good" 0 verify "$T/repo" --signers "$T/signers"
is "the report says what was checked" "$(sed -n '$s/[0-9]* objects/N objects/p' "$T/out")" \
	"7 snapshots, the last is $tip; N objects; 5 signed, all valid; 1 label; 0 failures"
exits "without --signers it is good, too" 0 verify "$T/repo" --json
is "signatures are counted, and not checked" \
	"$(jq -c '[.failures, .snapshots, .signed, .good, .labels, .to_commit]' "$T/out")" "[0,7,5,null,1,\"$tip\"]"
exits "a part of it is good" 0 verify "$T/repo" --from HEAD~3 --to HEAD~1 --json --signers "$T/signers"
is "only the part is checked" "$(jq -c '[.snapshots, .good, .from_commit, .to_commit]' "$T/out")" \
	"[3,3,\"$(git -C "$T/repo" rev-parse main~3)\",\"$(git -C "$T/repo" rev-parse main~1)\"]"
exits "--from after --to is refused" 2 verify "$T/repo" --from HEAD~1 --to HEAD~3
exits "a missing file of signers is an error" 1 verify "$T/repo" --signers "$T/nobody"
exits "so is a missing repository" 1 verify "$T/nowhere"

# A clone is all that it needs.
git clone -q "$T/repo" "$T/normal"
mkdir "$T/away"
mv "$T/data" "$T/index" "$T/repo" "$T/away"
exits "a clone alone is good" 0 verify "$T/normal" --signers "$T/signers"
mv "$T/away/"* "$T"

# What is no file of signers is not a forged signature.
for file in key key.pub signed nosigners; do
	case $file in
	signed) printf 'who@example.org\n# %s\n' "who@example.org $(cat "$T/key.pub")" >"$T/$file" ;;
	nosigners) : >"$T/$file" ;;
	esac
	exits "$file in place of the signers is an error" 1 verify "$T/repo" --signers "$T/$file"
	ok "the message names it" grep -q "error: '$T/$file' " "$T/err"
	is "no snapshot is accused" "$(<"$T/out")" ""
done
exits "so is a folder" 1 verify "$T/repo" --signers "$T/repo"
printf '\n# who\n\t"who@example.org"  namespaces="git" %s\r\n' "$(cat "$T/key.pub")" >"$T/odd"
ln -s odd "$T/link"
exits "options, tabs, and a link to the file are good" 0 verify "$T/repo" --signers "$T/link"

# Signers who have not signed.
echo "who@example.org $(cat "$T/other.pub")" >"$T/others"
exits "signers who have not signed are a failure" 1 verify "$T/repo" --signers "$T/others"
found "for each snapshot" "^$third: signed with a key that the signers' file does not allow"
found "and for each label" "^$third refs/tags/first: signed with a key that the signers' file does not"
snapshot 8 --accept unsigned
exits "an unsigned snapshot after signed ones is a failure" 1 verify "$T/repo" --signers "$T/signers"
found "that names the snapshot" "^$(git -C "$T/repo" rev-parse main): not signed$"
git -C "$T/repo" update-ref refs/heads/main "$tip"

# Clones that are cut off.
fresh
exits "a full disk is exit status 75" 75 bash -c "'$EXPORTER' verify --repo '$T/clone' >/dev/full"
git -C "$T/clone" update-ref refs/heads/main main~2
exits "a clone without the last snapshots is good" 0 verify "$T/clone" --signers "$T/signers"
exits "unless --to names a commit that it must have" 1 verify "$T/clone" --to "$tip"
found "which the failure names" "^$tip: the commit is not on main's line$"
git clone -q --bare --depth 2 "file://$T/repo" "$T/shallow"
exits "a shallow clone is a failure" 1 verify "$T/shallow"
found "that says so" '^shallow: the clone is shallow'
found "and where the history ends" ': the history ends here: the commit is missing$'

# Contradictions, as a careless forger leaves them: one more
# snapshot, with another body at PATH, and the trailers of the last one except its number.
path_of() { # BEGINNING END
	git -C "$T/clone" ls-tree -r --name-only main | grep "^$1.*$2\$" | head -n 1
}
forge() { # PATH SCRIPT [MESSAGE-SCRIPT]
	fresh
	local tree parent=main
	body=$(git -C "$T/clone" cat-file blob "main:$1" 2>"$T/none" | sed "$2" | git -C "$T/clone" hash-object -w --stdin)
	export GIT_INDEX_FILE=$T/clone/index
	git -C "$T/clone" read-tree main
	git -C "$T/clone" update-index --add --cacheinfo "100644,$body,$1"
	tree=$(git -C "$T/clone" write-tree)
	unset GIT_INDEX_FILE
	GIT_AUTHOR_DATE="${DATE:-1800000000} +0000" GIT_COMMITTER_DATE="${DATE:-1800000000} +0000" \
		git -C "$T/clone" log -1 --format=%B main |
		sed "/^Albumen-Tree/d; s/^Albumen-Snapshot: 7/Albumen-Snapshot: 8/; ${3:-}" >"$T/message"
	commit=$(GIT_AUTHOR_DATE="${DATE:-1800000000} +0000" GIT_COMMITTER_DATE="${DATE:-1800000000} +0000" \
		git -C "$T/clone" commit-tree -p main -F "$T/message" "$tree")
	git -C "$T/clone" update-ref refs/heads/main "$commit"
	verify "$T/clone" >"$T/out" 2>"$T/err"
}
fresh
list=$(path_of api/v1/albums/ /images.json)
untagged=$(path_of api/v1/albums/ /untag.json)
tagged=$(path_of api/v1/tag_images/ /i1.json)
other=$(path_of api/v1/tag_images/ /i0.json)
album=$(path_of api/v1/tag_images/ /i0.album)
tag=$(path_of audit/tags/ .json)
at() { # PATH PROBLEM
	found "$2" "^$commit $1: $2"
}
forge "$untagged" 's/.*/[]/'
at "$untagged" "these are not the album's images that no tag image is of"
forge "$list" 's/"title":"6"/"title":"60"/'
at "$untagged" "these are not the album's images"
forge "$list" 's/"title":"7"/"title":"70"/'
at "$tagged" "it shows another text of the image"
forge "$list" 's/^\[\(.*\),\({.*\)\]$/[\2,\1]/'
at "$list" "image .* is out of order"
forge "$list" 's/,{"public_id":"i2".*\]/]/'
at "$(path_of api/v1/tag_images/ /i2.json)" "no album lists the image"
forge "$list" 's/\[.*/[]/'
at "$list" "it lists no image"
forge "$list" 's/^\[/[ /'
at "$list" "not in canonical text"
forge "$list" 's/"album_id":"a","title":"6"/"album_id":"b","title":"6"/'
at "$list" "image 'i0' is of the album 'b'"
forge "$list" 's/]$//'
at "$list" "not JSON"
forge "$tagged" 's/"public_id":"i1"/"public_id":"i0"/'
at "$tagged" "tag image 'ti' is of the image 'i0'"
forge "$tagged" 's/"name":"tag"/"name":"gat"/'
at "$tagged" "tag image 'ti' shows another text of the tag 't'"
forge "$tagged" 's/"id":"t",/"id":"u",/'
at "$tagged" "tag image 'ti' shows the tag 'u', which is not known"
forge "$tagged" 's/\[\(.*\)\]/[\1,\1]/'
at "$tagged" "tag image 'ti' stands twice"
forge "$tagged" 's/.*/[{}]/'
at "$tagged" "record 1: "
forge "$other" 's/.*/[1]/'
at "$other" "it has no tag image"
forge "$album" 's/a/b/'
at "$album" "it does not name the album that lists the image, 'a'"
forge "$tag" 's/"tag_images":1/"tag_images":2/'
at "$tag" "it counts 2 tag images; there are 1"
forge "$tag" 's/"name":"tag"/"name":"gat"/'
at "$tag" "1 tag images show another text of the tag"
forge "$tag" 's/"id":"t"/"id":"u"/'
at "$tag" "it is about the tag 'u'"
forge api/v1/albums/00/00/a/images.json 's/.*/[]/'
at api/v1/albums/00/00/a "the entry lies in the wrong shard"
forge api/v1/tag_images/00/00/new.txt 's/.*//'
at api/v1/tag_images/00/00/new.txt "the entry does not belong in a snapshot"
here() { # PROBLEM
	found "$1" "^$commit: $1"
}
forge "$tag" '' 's/^Albumen-Snapshot: .*/Albumen-Snapshot: 9/'
here "it says that it is snapshot 9; it is number 8 of the line"
forge "$tag" '' 's/^Albumen-Sequence: .*/Albumen-Sequence: 1/'
here "the index's sequence runs backwards"
forge "$tag" '' 's/^Albumen-Untagged: .*/Albumen-Untagged: 1/'
here "Albumen-Untagged says 1; there are 2 untagged images"
forge "$tag" '' '/^Albumen-In-Step/d'
here "the trailer Albumen-In-Step is not yes or no"
forge "$tag" '' '/^Albumen-Files/d'
here "the trailer Albumen-Files is missing"
forge "$tag" "" "s/^Albumen-Epoch: .*/Albumen-Epoch: x/"
here "the trailer Albumen-Epoch is not 16 hex digits"
forge "$tag" '' '$a Albumen-Tree-SHA256: 00'
here "it has the trailer Albumen-Tree-SHA256, but no signature"
DATE=1600000000 forge "$tag" ''
here "it is older than the snapshot before it"
forge "$tag" ''
ok "a snapshot that changes nothing is good" grep -q ' 0 failures$' "$T/out"
for line in 'encoding UTF-16' 'committer B <b@example.org> 1700000420 +0000'; do
	fresh
	commit=$(git -C "$T/clone" cat-file commit main | sed "0,/^committer/s/^committer.*/&\n$line/" |
		git -C "$T/clone" hash-object -t commit -w --literally --stdin)
	git -C "$T/clone" update-ref refs/heads/main "$commit"
	exits "a head with '$line' in it is a failure" 1 verify "$T/clone"
	found "that says so" "^$commit: its head has a line that no snapshot has\$"
done

# References.
fresh
git -C "$T/clone" tag moved main
exits "a tag that is not an object is a failure" 1 verify "$T/clone"
found "that names the tag" '^refs/tags/moved: not a label'
fresh
git -C "$T/clone" branch other main~1
exits "a second branch is a failure" 1 verify "$T/clone"
found "that names the branch" '^refs/heads/other: a branch beside main$'
fresh
git -C "$T/clone" replace main main~1
exits "a replacement is a failure" 1 verify "$T/clone"
found "that names it" '^refs/replace/.*: git shows another object in place of one$'
fresh
git -C "$T/clone" update-ref -d refs/heads/main
exits "a missing main is a failure" 1 verify "$T/clone"
found "that says so" '^refs/heads/main: there is no such branch$'

# What git would show in place of main, or of a label.
fresh
for name in main refs/main refs/first first; do
	echo "$third" >"$T/clone/$name"
	exits "$name in place of what is verified is a failure" 1 verify "$T/clone"
	found "that names it" "^$name: with the name '${name#refs/}' git shows this in place of refs/(heads/main|tags/first)\$"
	rm "$T/clone/$name"
done
git -C "$T/clone" tag -a -m why main main~1
exits "so is a label that is called as the branch is" 1 verify "$T/clone"
found "that names it" "^refs/tags/main: with the name 'main' git shows this in place of refs/heads/main\$"
git -C "$T/clone" tag -d main >"$T/none"
for name in "${tip::12}" "${tip::7}"; do
	git -C "$T/clone" tag -a -m why "$name" main~1
	exits "a label $name that is called as another snapshot is a failure" 1 verify "$T/clone"
	found "that names it" "^$(git -C "$T/clone" rev-parse main~1) refs/tags/$name: the label's name is the beginning of another snapshot's id\$"
	git -C "$T/clone" tag -d "$name" >"$T/none"
done
git -C "$T/clone" tag -a -m why "$tip" "$tip"
exits "its own id may be a label's name" 0 verify "$T/clone"
fresh
git -C "$T/clone" pack-refs --all
sed -i "/ refs.heads.main\$/p; s/^$tip/$third/" "$T/clone/packed-refs"
ok "with two of a name, git shows one" [ "$(git -C "$T/clone" rev-parse main)" = "$tip" -o "$(git -C "$T/clone" rev-parse main)" = "$third" ]
exits "two references of one name are a failure" 1 verify "$T/clone"
found "that names it" '^refs/heads/main: the reference is there twice$'
fresh
git -C "$T/clone" pack-refs --all
{
	cat "$T/clone/packed-refs"
	echo "$third refs/heads/a"
} >"$T/clone/packed-refs.new"
mv "$T/clone/packed-refs.new" "$T/clone/packed-refs"
exits "packed references that are not sorted are a failure" 1 verify "$T/clone"
found "that says so" "^packed-refs: the file says that it is sorted, and is not, at 'refs/heads/a'\$"
fresh
echo "$third nowhere" >>"$T/clone/packed-refs"
exits "a packed reference outside of refs/ is a failure" 1 verify "$T/clone"
found "that names it" "^packed-refs: 'nowhere' is no name of a reference\$"
fresh
git -C "$T/clone" config core.repositoryFormatVersion 1
printf '#\0\n[extensions]\n\trefStorage = reftable\n' >>"$T/clone/config"
exits "references that newer versions of git read from elsewhere are a failure" 1 verify "$T/clone"
found "that says why" "^config: git reads references from elsewhere because of 'refStorage = reftable'\$"

# Hostile repositories: verify never crashes, and never waits.
fresh
for pack in "$T/clone/objects/pack"/*.pack; do
	chmod u+w "$pack"
	head -c 100 /dev/urandom | dd of="$pack" bs=1 seek=60 conv=notrunc status=none
done
exits "a pack with random bytes in it is a failure" 1 timeout 60 "$EXPORTER" verify --repo "$T/clone"
found "that names the pack" '^objects/pack/pack-[0-9a-f]*\.pack: the file is damaged: it does not end with its SHA-1$'
fresh
rm -f "$T/clone/objects/pack"/*.idx
exits "a pack without its index is a failure" 1 timeout 60 "$EXPORTER" verify --repo "$T/clone"
found "the history ends there" "^$tip: the history ends here: the commit is missing$"
fresh
mkfifo "$T/clone/objects/pack/pack-0123456789012345678901234567890123456789.idx" "$T/clone/shallow" \
	"$T/clone/refs/heads/fifo" "$T/clone/packed-refs.new"
exits "FIFOs in place of files are a failure" 1 timeout 60 "$EXPORTER" verify --repo "$T/clone"
fresh
name=$'a\e[31mred\nline'
blob=$(printf x | git -C "$T/clone" hash-object -w --stdin)
tree=$(printf '100644 blob %s\t%s\0' "$blob" "$name" | git -C "$T/clone" mktree -z)
commit=$(git -C "$T/clone" commit-tree -m x -p main "$tree")
git -C "$T/clone" update-ref refs/heads/main "$commit"
exits "names with control characters are a failure" 1 verify "$T/clone"
found "that escapes them" "^$commit a\\\\x1b\\[31mred\\\\x0aline: the entry does not belong in a snapshot\$"
exits "so it is in JSON" 1 verify "$T/clone" --json
is "in which each line is an object" "$(jq -s 'all(type == "object")' "$T/out")" true
fresh
id=$(git -C "$T/clone" rev-parse main:audit/tags)
tree=$({ printf '40000 audit/tags\0' && printf "$(sed 's/../\\x&/g' <<<"$id")"; } |
	git -C "$T/clone" hash-object -t tree -w --literally --stdin)
commit=$(git -C "$T/clone" commit-tree -m x -p main "$tree")
git -C "$T/clone" update-ref refs/heads/main "$commit"
exits "a name with a slash in it is a failure" 1 verify "$T/clone"
found "that names it" "^$commit audit/tags: the entry does not belong in a snapshot\$"
done_testing
