#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A bundle for an auditor: made from a clone, unpacked in an empty folder, and verified with
# the commands of its own README.txt, which need git, OpenSSH and Python only.
. "$(dirname "$0")/lib.sh"

image() { # NUMBER TITLE
	printf '{"public_id":"i%s","album_id":"a%s","title":"%s"}\n' "$1" "$(($1 % 3))" "$2" >"$T/data/$1.json"
}
offline() { # CMD: without a network, if the system allows that
	if unshare --net true 2>/dev/null; then unshare --net "$@"; else "$@"; fi
}
bundle() {
	offline "$EXPORTER" bundle --repo "$T/clone" "$@"
}
unpack() { # FILE FOLDER
	mkdir "$T/$2" && tar -xf "$T/$1" -C "$T/$2" && [ "$(ls "$T/$2")" = albumen-evidence ]
}
commands() { # STEP: prints the commands of that step of README.txt
	sed -n "/^$1\\. /,/^$(($1 + 1))\\. /p" README.txt | sed -n 's/^    //p'
}
follow() { # FOLDER STEP: runs them
	(cd "$T/$1/albumen-evidence" && commands "$2" >"../step-$2" && [ -s "../step-$2" ] && offline bash -eu "../step-$2")
}

ssh-keygen -q -t ed25519 -N '' -C exporter -f "$T/key"
echo "exporter@example.org $(cat "$T/key.pub")" >"$T/allowed"
mkdir "$T/data"
for n in {1..12}; do
	image $((n % 5)) "change $n"
	scan >"$T/out" && SOURCE_DATE_EPOCH=$((1700000000 + 60 * n)) "$EXPORTER" export --index "$T/index" \
		--repo "$T/repo" --sign "$T/key" >"$T/out"
	[ $((n % 4)) = 0 ] && "$EXPORTER" snapshot --repo "$T/repo" --label "label/$n" --reason "Number $n" --sign "$T/key" >"$T/out"
done
git clone -q "$T/repo" "$T/clone"
main=$(git -C "$T/repo" rev-parse main)
mv "$T/index" "$T/data" "$T/repo" "$T/allowed" "$T/key" "$T/key.pub" "$(mkdir "$T/away" && echo "$T/away")"
cp "$T/away/allowed" "$T/allowed"

# All of it.
exits "a clone can be bundled" 0 bundle "$T/all.tar" --signers "$T/allowed"
(cd "$T" && offline "$EXPORTER" bundle --repo clone here.tar --signers allowed >"$T/log" 2>&1)
is "a relative path gives the same bundle" "$(cmp "$T/here.tar" "$T/all.tar" 2>&1)" ""
rm -f "$T/here.tar"
is "no temporary folder is left" "$(find "$T" -name '.albumen-bundle*')" ""
sum=$(sha1sum <"$T/all.tar")
exits "a file that exists is not overwritten" 1 bundle "$T/all.tar" --to label/4
ok "the message says what to do" grep -q "all.tar' exists, and evidence is not overwritten; name a new file" "$T/err"
is "the file is as it was" "$(sha1sum <"$T/all.tar")" "$sum"
ln -s nowhere "$T/link.tar"
exits "nor is a link" 1 bundle "$T/link.tar"

# What a killed process leaves is removed by the next one, which knows it by its free lock.
mkdir -p "$T/sweep/.albumen-bundle.killed/git" "$T/sweep/.albumen-bundle.in-use" "$T/sweep/.albumen-bundle.other-name"
touch "$T/sweep/.albumen-bundle.killed/git/file"
ln -s "$T/clone" "$T/sweep/.albumen-bundle.link00"
ok "a bundle is made beside them" flock "$T/sweep/.albumen-bundle.in-use" "$EXPORTER" bundle --repo "$T/clone" "$T/sweep/new.tar"
is "only what is in use is left, and what is not ours" "$(cd "$T/sweep" && echo .[a-z]*)" \
	".albumen-bundle.in-use .albumen-bundle.link00 .albumen-bundle.other-name"
rm -r "$T/sweep"
ok "it unpacks into one folder" unpack all.tar all
is "the folder has the right files" "$(ls "$T/all/albumen-evidence" | tr '\n' ' ')" \
	"README.txt allowed_signers report.html snapshots.bundle tree-sha256 "
ok "step 1 of its README gets the snapshots" follow all 1
is "all of them, and the labels" "$(git -C "$T/all/albumen-evidence/snapshots.git" for-each-ref --format='%(refname)' | tr '\n' ' ')$(
	git -C "$T/all/albumen-evidence/snapshots.git" rev-list --count main)" \
	"refs/heads/main refs/tags/label/12 refs/tags/label/4 refs/tags/label/8 12"
is "with the same ids" "$(git -C "$T/all/albumen-evidence/snapshots.git" rev-parse HEAD)" "$main"
is "step 2 finds nothing wrong" "$(follow all 2 2>&1)" ""
ok "step 3 verifies signatures" follow all 3
is "of 12 snapshots, 3 labels, and 3 again in the log" \
	"$(follow all 3 2>&1 | grep -c 'Good "git" signature for exporter@example.org')" 18
follow all 4 >"$T/out"
ok "step 4 prints two ids" [ "$(grep -cE '^[0-9a-f]{64}$' "$T/out")" = 2 ]
is "the two are equal" "$(sort -u "$T/out" | wc -l)" 1
same "the script is a copy of tests/tree-sha256" "$T/all/albumen-evidence/tree-sha256" "$ROOT/tests/tree-sha256"
ok "the report is an HTML page" grep -qi '<!doctype html' "$T/all/albumen-evidence/report.html"
ok "albumen's commands work on it" "$EXPORTER" audit --repo "$T/all/albumen-evidence/snapshots.git"

# The same again, and to stdout.
exits "a second bundle is made" 0 bundle "$T/again.tar" --signers "$T/allowed"
ok "it has the same bytes" cmp "$T/all.tar" "$T/again.tar"
bundle - --signers "$T/allowed" >"$T/stdout.tar"
ok "so has one on standard output" cmp "$T/all.tar" "$T/stdout.tar"

# A part.
exits "a part of a signed history cannot be bundled without a key" 1 bundle "$T/some.tar" --from label/4 --to label/8
ok "the message names the option" grep -q 'error: snapshot 4 is signed, so the label in the bundle that declares that its history begins there must be signed, too: name the key with --sign KEY$' "$T/err"
ok "nothing was begun" [ ! -e "$T/some.tar" -a -z "$(find "$T" -name '.albumen-bundle*')" ]
export SOURCE_DATE_EPOCH=1900000000
exits "some snapshots can be bundled" 0 bundle "$T/some.tar" --from label/4 --to label/8 --sign "$T/away/key"
exits "twice" 0 bundle "$T/some2.tar" --from label/4 --to label/8 --sign "$T/away/key"
ok "at one time with the same bytes" cmp "$T/some.tar" "$T/some2.tar"
ok "that bundle unpacks" unpack some.tar some
is "it has no keys, and a file that says where it begins" "$(ls "$T/some/albumen-evidence" | tr '\n' ' ')" \
	"README.txt report.html shallow snapshots.bundle tree-sha256 "
ok "step 1 gets these snapshots" follow some 1
is "from the first to the last" "$(git -C "$T/some/albumen-evidence/snapshots.git" log --format=%H main | tr '\n' ' ')" \
	"$(git -C "$T/clone" log --format=%H -5 label/8 | tr '\n' ' ')"
is "with their labels, and that of the beginning" "$(git -C "$T/some/albumen-evidence/snapshots.git" tag | tr '\n' ' ')" \
	"label/4 label/8 pruned/20300317T174640Z "
is "which is not in the repository" "$(git -C "$T/clone" tag -l 'pruned/*')" ""
is "step 2 finds nothing wrong" "$(follow some 2 2>&1)" ""
git -C "$T/some/albumen-evidence/snapshots.git" rev-parse main >>"$T/some/albumen-evidence/snapshots.git/shallow"
ok "it compares the file with the label" [ "$(follow some 2 2>&1)" ]
sed -i '$d' "$T/some/albumen-evidence/snapshots.git/shallow"
ok "no earlier snapshot is in it" not git -C "$T/some/albumen-evidence/snapshots.git" cat-file -e label/4~1
cp "$T/allowed" "$T/some/albumen-evidence/allowed_signers"
ok "step 3 verifies signatures with the keys from elsewhere" follow some 3
is "of 5 snapshots and 3 labels" "$(follow some 3 2>&1 | grep -c 'Good "git" signature for exporter@example.org')" 8
follow some 4 >"$T/out"
is "the SHA-256 is right" "$(sort -u "$T/out" | grep -cE '^[0-9a-f]{64}$') $(wc -l <"$T/out")" "1 2"
ok "albumen's commands work on it" "$EXPORTER" log --repo "$T/some/albumen-evidence/snapshots.git"
exits "verify finds nothing wrong" 0 "$EXPORTER" verify --repo "$T/some/albumen-evidence/snapshots.git" --signers "$T/allowed"
ok "and says where it begins" grep -q '^complete from snapshot 4 on, as the label pruned/20300317T174640Z declares$' "$T/out"
git clone -q --mirror "file://$T/some/albumen-evidence/snapshots.git" "$T/mirror"
exits "nor in a clone of it" 0 "$EXPORTER" verify --repo "$T/mirror" --signers "$T/allowed"
exits "what was unpacked can be bundled" 0 offline "$EXPORTER" bundle --repo "$T/some/albumen-evidence/snapshots.git" "$T/part.tar"
ok "that bundle unpacks, too" unpack part.tar part
ok "its step 1 gets the snapshots" follow part 1
is "all five" "$(git -C "$T/part/albumen-evidence/snapshots.git" rev-list --count main)" 5
exits "verify finds nothing wrong with them" 0 "$EXPORTER" verify --repo "$T/part/albumen-evidence/snapshots.git" --signers "$T/allowed"
exits "a part of the part has its own label" 0 offline "$EXPORTER" bundle --repo "$T/part/albumen-evidence/snapshots.git" \
	--from label/8 --sign "$T/away/key" "$T/less.tar"
ok "it unpacks" unpack less.tar less
ok "its step 1 gets the snapshot" follow less 1
is "and its labels" "$(git -C "$T/less/albumen-evidence/snapshots.git" tag | tr '\n' ' ')" "label/8 pruned/20300317T174640Z "
exits "verify finds nothing wrong with that" 0 "$EXPORTER" verify --repo "$T/less/albumen-evidence/snapshots.git" --signers "$T/allowed"

# A history that begins late, and holds a snapshot of before (the very first: it has no parent).
cp -r "$T/away/repo" "$T/late"
first=$(git -C "$T/clone" rev-parse main~11)
"$EXPORTER" snapshot --repo "$T/late" --label held --reason why --at "$first" --sign "$T/away/key" >"$T/out"
exits "a repository is pruned" 0 "$EXPORTER" prune --repo "$T/late" --before 2023-11-14T22:17:20Z --sign "$T/away/key"
exits "what is pruned verifies" 0 "$EXPORTER" verify --repo "$T/late"
exits "it can be bundled" 0 offline "$EXPORTER" bundle --repo "$T/late" "$T/late.tar"
ok "the bundle unpacks" unpack late.tar latebundle
ok "step 1 gets the snapshots" follow latebundle 1
is "with the held one, and all labels" "$(git -C "$T/latebundle/albumen-evidence/snapshots.git" tag | tr '\n' ' ')$(
	git -C "$T/latebundle/albumen-evidence/snapshots.git" cat-file -t "$first")" "held label/12 label/4 label/8 pruned/20300317T174640Z commit"
is "step 2 finds nothing wrong" "$(follow latebundle 2 2>&1)" ""
exits "verify finds nothing wrong" 0 "$EXPORTER" verify --repo "$T/latebundle/albumen-evidence/snapshots.git"
ok "and finds the held one" grep -q '; held besides: 1$' "$T/out"
git -C "$T/late" tag -d pruned/20300317T174640Z >"$T/none"
exits "what no label declares cannot be bundled" 1 offline "$EXPORTER" bundle --repo "$T/late" "$T/none.tar"
ok "the message says what mends it" grep -q "is cut off before the commit [0-9a-f]*, and no label pruned/ declares that, so a bundle of it could not be verified; clone the whole repository, or let the bundle declare it: --from [0-9a-f]*$" "$T/err"
unset SOURCE_DATE_EPOCH

# verify on the file itself.
verify() { # FILE OPTION...
	TMPDIR=$T offline "$EXPORTER" verify --bundle "$@"
}
nothing_left() { [ -z "$(find "$T" -name '.albumen-bundle*')" ]; }
exits "verify takes a bundle as it is" 0 verify "$T/all.tar" --signers "$T/allowed"
ok "and reports what is in it" grep -q "^12 snapshots, the last is $main; .*; 12 signed, all valid; 3 labels; 0 failures$" "$T/out"
ok "nothing is left" nothing_left
exits "a part, too" 0 verify "$T/some.tar" --signers "$T/allowed"
ok "which says where it begins" grep -q '^complete from snapshot 4 on, as the label pruned/20300317T174640Z declares$' "$T/out"
exits "one with a held snapshot, too" 0 verify "$T/late.tar" --json
is "which is counted" "$(jq -c '[.failures, .held, .begin.held[0].number]' "$T/out")" "[0,1,1]"
exits "a bundle may come from standard input" 0 bash -c "TMPDIR='$T' '$EXPORTER' verify --bundle - <'$T/some.tar'"
exits "or from a pipe" 0 bash -c "cat '$T/some.tar' | TMPDIR='$T' '$EXPORTER' verify --bundle /dev/stdin"
exits "a part of it can be verified" 0 verify "$T/all.tar" --from label/4 --to label/8 --json
is "by itself" "$(jq -c '[.snapshots, .from_number]' "$T/out")" "[5,4]"
tar -C "$T/some" -cf "$T/packed.tar" albumen-evidence/README.txt albumen-evidence/snapshots.bundle albumen-evidence/shallow
exits "one that tar made again is as good" 0 verify "$T/packed.tar" --signers "$T/allowed"
(cd "$T/some" && rm -rf again && mkdir -p again/albumen-evidence && cp albumen-evidence/{shallow,snapshots.bundle} again/albumen-evidence &&
	tar -C again -cf "$T/packed.tar" ./albumen-evidence)
exits "with its folder, too" 0 verify "$T/packed.tar"
exits "neither repository nor bundle is refused" 2 "$EXPORTER" verify
exits "so are both" 2 "$EXPORTER" verify --repo "$T/clone" --bundle "$T/all.tar"
exits "the environment does not count" 0 env ALBUMEN_REPO="$T/nosuch" TMPDIR="$T" "$EXPORTER" verify --bundle "$T/all.tar"

# A signal ends the git that it runs, too, and nothing is left.
mkdir "$T/slow"
cat >"$T/slow/git" <<-END
	#!/bin/sh
	case "\$*" in *index-pack*) echo \$\$ >"$T/git.pid" && exec tail -f /dev/null ;; esac
	exec "$(command -v git)" "\$@"
END
chmod +x "$T/slow/git"
PATH=$T/slow:$PATH TMPDIR=$T "$EXPORTER" verify --bundle "$T/all.tar" >"$T/out" 2>"$T/err" &
verifier=$!
ok "git is at work" wait_until 30 [ -s "$T/git.pid" ]
kill -TERM $verifier
wait $verifier
is "a signal ends verify" $? 1
ok "which says so" grep -q 'stopped by a signal' "$T/err"
ok "git has ended, too" not kill -0 "$(<"$T/git.pid")"
ok "and nothing is left" nothing_left

# Bundles of strangers.
made() { # NAME FILE... - an archive of these files, by other names: FILE=NAME
	rm -rf "$T/made" && mkdir -p "$T/made/albumen-evidence"
	local part
	for part in "${@:2}"; do cp "${part%%=*}" "$T/made/albumen-evidence/${part#*=}"; done
	(cd "$T/made" && tar --format=ustar -cf "$T/$1" albumen-evidence/*)
}
evidence=$T/some/albumen-evidence
refused() { # NAME STATUS PATTERN
	exits "$1" "$2" verify "$T/bad.tar" --signers "$T/allowed"
	grep -qE "$3" "$T/out" "$T/err"
	result $? "$1: it is said" || cat "$T/out" "$T/err" | diag
	ok "$1: nothing is left" nothing_left
}
made bad.tar "$evidence/snapshots.bundle=snapshots.bundle"
refused "a part without its shallow" 1 "^[0-9a-f]{40}: the history ends here: the commit is missing$"
{
	cat "$evidence/shallow"
	git -C "$T/clone" rev-parse label/8^{}
} >"$T/shallow"
made bad.tar "$evidence/snapshots.bundle=snapshots.bundle" "$T/shallow=shallow"
refused "one line more in it" 1 "^shallow: the history is cut off at the commit [0-9a-f]{40}, which the label"
made bad.tar "$evidence/shallow=shallow"
refused "no snapshots" 1 "error: '$T/bad.tar' is no bundle: it has no file 'snapshots.bundle'$"
made bad.tar "$evidence/snapshots.bundle=snapshots.bundle" "$evidence/shallow=shallow" "$T/allowed=config"
refused "a file too many" 1 "is no bundle: it has the file 'albumen-evidence/config'$"
(cd "$T/some" && tar -cf "$T/bad.tar" --transform='s,albumen-evidence,../up,' albumen-evidence/shallow 2>"$T/none")
refused "a file of another folder" 1 "is no bundle: it has the file '.*up/shallow'$"
rm -rf "$T/made" && mkdir -p "$T/made/albumen-evidence" && ln -s /etc/passwd "$T/made/albumen-evidence/shallow"
tar -C "$T/made" -cf "$T/bad.tar" albumen-evidence/shallow
refused "a link" 1 "has an entry that no bundle has"
(cd "$T/some" && tar --hard-dereference -cf "$T/bad.tar" albumen-evidence/shallow albumen-evidence/shallow)
refused "a file twice" 1 "is no bundle: it has the file 'albumen-evidence/shallow'$"
gzip -c "$T/some.tar" >"$T/bad.tar"
refused "a compressed one" 1 "is no tar archive, and no bundle \\(a compressed one must be decompressed first\\)$"
head -c 100 "$T/some.tar" >"$T/bad.tar"
refused "a few bytes of one" 1 "is cut short"
head -c -20000 "$T/some.tar" >"$T/bad.tar"
refused "one that is cut short" 1 "is cut short|is damaged"
: >"$T/bad.tar"
refused "an empty file" 1 "is cut short"
cp "$evidence/snapshots.bundle" "$T/bad.tar"
refused "the git bundle in it" 1 "is no tar archive"
truncate -s 1T "$T/bad.tar"
refused "a terabyte of holes" 1 "it is a file of holes$"
cp "$evidence/snapshots.bundle" "$T/broken"
printf '\xff\xff\xff\xff' | dd of="$T/broken" bs=1 seek=$(($(stat -c %s "$T/broken") - 400)) conv=notrunc status=none
made bad.tar "$T/broken=snapshots.bundle" "$evidence/shallow=shallow"
refused "a pack with other bytes in it" 1 "error: 'git index-pack' failed: .*; the bundle is damaged$"
sed '2s/^/-/' "$evidence/snapshots.bundle" >"$T/broken"
made bad.tar "$T/broken=snapshots.bundle"
refused "one that wants other objects" 1 "is not complete: it wants objects of before it$"
sed '0,/refs.heads.main/s/refs.heads.main/refs\/heads\/more/' "$evidence/snapshots.bundle" >"$T/broken"
made bad.tar "$T/broken=snapshots.bundle" "$evidence/shallow=shallow"
refused "one with another branch" 1 "^refs/heads/more: a branch beside main$"
sed "0,/refs.heads.main/s,^\(.*\) refs/heads/main,&\n$(git -C "$T/clone" rev-parse label/4^{}) refs/heads/main," "$evidence/snapshots.bundle" >"$T/broken"
made bad.tar "$T/broken=snapshots.bundle" "$evidence/shallow=shallow"
refused "one with two of the name main" 1 "^refs/heads/main: the reference is there twice$"
sed "0,/refs.heads.main/s,^\(.*\) refs/heads/main,&\n$(git -C "$T/clone" rev-parse label/4^{}) refs/main," "$evidence/snapshots.bundle" >"$T/broken"
made bad.tar "$T/broken=snapshots.bundle" "$evidence/shallow=shallow"
refused "one with another main beside the branch" 1 "^refs/main: with the name 'main' git shows this in place of refs/heads/main$"
printf '# v2 git bundle\n%s HEAD\n\n' "$main" >"$T/broken"
made bad.tar "$T/broken=snapshots.bundle"
refused "one without a pack" 1 "the bundle is damaged$"
mkfifo "$T/fifo"
exits "a FIFO that nobody writes is no bundle" 1 timeout 60 "$EXPORTER" verify --bundle "$T/fifo"

# What is refused.
exits "--from after --to is refused" 2 bundle "$T/none.tar" --from label/8 --to label/4
ok "the message says why" grep -q -- '--from must come before --to' "$T/err"
exits "a missing file of signers is refused" 1 bundle "$T/none.tar" --signers "$T/nosuch"
exits "a private key in place of the signers is refused" 1 bundle "$T/none.tar" --signers "$T/away/key"
ok "the message says why" grep -q "'$T/away/key' holds a private key, which belongs in no evidence" "$T/err"
{
	cat "$T/allowed"
	cat "$T/away/key"
} >"$T/both"
exits "so is one among them" 1 bundle "$T/none.tar" --signers "$T/both"
exits "a public key without a name is refused" 1 bundle "$T/none.tar" --signers "$T/away/key.pub"
ok "the message says what a line is" grep -q "'$T/away/key.pub' names no signer: no line of it has a name and a public key, as in 'exporter@example.org ssh-ed25519 AAAA" "$T/err"
exits "a missing folder is refused" 1 bundle "$T/nosuch/none.tar"
exits "an unknown snapshot is refused" 1 bundle "$T/none.tar" --to nosuch
exits "without git no bundle is made" 1 env PATH=/nonexistent "$EXPORTER" bundle --repo "$T/clone" "$T/none.tar"
ok "the message names git" grep -q "cannot run 'git'" "$T/err"
ok "a failed bundle leaves no files" [ ! -e "$T/none.tar" -a -z "$(find "$T" -name '.albumen-bundle*')" ]
done_testing
