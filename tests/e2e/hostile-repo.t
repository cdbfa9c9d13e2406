#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A repository that somebody hostile made: its configuration, hooks, attributes and alternates
# name a program wherever git could run one. No command runs it, whatever is missing.
. "$(dirname "$0")/lib.sh"

cat >"$T/program" <<EOF
#!/bin/sh
echo "\$0 \$*" >>"$T/RAN"
exit 1
EOF
chmod +x "$T/program"
P=$T/program
arm() { # REPO: every key of git's manuals that names a program
	local key hook
	for key in core.sshCommand core.gitProxy core.fsmonitor core.editor core.pager core.askPass \
		core.alternateRefsCommand sequence.editor credential.helper diff.external diff.d.command \
		diff.d.textconv filter.d.clean filter.d.smudge filter.d.process merge.d.driver gpg.program \
		gpg.ssh.program gpg.x509.program gpg.ssh.defaultKeyCommand gpg.openpgp.program \
		interactive.diffFilter uploadpack.packObjectsHook receive.procReceiveRefs trailer.t.command \
		trailer.t.cmd tar.tar.command web.browser man.viewer browser.b.cmd difftool.d.cmd \
		mergetool.d.cmd remote.o.uploadpack remote.o.receivepack sendemail.smtpServer \
		instaweb.httpd gui.pruneDuringFetch maintenance.auto imap.tunnel; do
		git config --file "$1" "$key" "$P"
	done
	for key in init for-each-ref merge-base bundle pack-objects rev-list ls-tree cat-file fsck gc repack log; do
		git config --file "$1" "alias.$key" "!$P"
		git config --file "$1" "pager.$key" "$P"
	done
	git config --file "$1" core.hooksPath "$T/hooks"
	git config --file "$1" remote.o.url "ext::$P"
	git config --file "$1" remote.o.promisor true
	git config --file "$1" protocol.ext.allow always
	git config --file "$1" submodule.s.update "!$P"
	git config --file "$1" gc.auto 1
	git config --file "$1" log.showSignature true
}
mkdir "$T/hooks"
for hook in applypatch-msg commit-msg fsmonitor-watchman post-checkout post-commit post-index-change post-merge \
	post-receive post-rewrite post-update pre-auto-gc pre-commit pre-push pre-rebase pre-receive prepare-commit-msg \
	proc-receive push-to-checkout reference-transaction sendemail-validate update; do
	ln -s "$P" "$T/hooks/$hook"
done

mkdir "$T/data"
ssh-keygen -q -t ed25519 -N '' -f "$T/key"
echo "exporter@example.org $(cat "$T/key.pub")" >"$T/allowed"
for n in 1 2 3 4; do
	echo "{\"public_id\":\"i$n\",\"album_id\":\"a\",\"title\":\"$n\"}" >"$T/data/$n.json"
	scan >"$T/out" && "$EXPORTER" export --index "$T/index" --repo "$T/honest" --sign "$T/key" >"$T/out"
done
"$EXPORTER" snapshot --repo "$T/honest" --label first --at HEAD~3 --reason r >"$T/out"
"$EXPORTER" bundle --repo "$T/honest" "$T/honest.tar"
first=$(git -C "$T/honest" rev-parse main~3)
second=$(git -C "$T/honest" rev-parse main~2)

hostile() { # NAME [INCLUDES]: $T/NAME
	local repo=$T/$1
	cp -r "$T/honest" "$repo"
	arm "$repo/config"
	cp -rP "$T/hooks" "$repo/hooks"
	printf '* diff=d filter=d merge=d\n' >"$repo/info.attributes"
	mkdir -p "$repo/info" && mv "$repo/info.attributes" "$repo/info/attributes"
	cp "$repo/config" "$repo/config.worktree"
	git config --file "$repo/config" extensions.worktreeConfig true
	if [ -n "${2:-}" ]; then
		arm "$T/included"
		git config --file "$repo/config" include.path "$T/included"
		git config --file "$repo/config" includeIf.gitdir:/.path "$T/included"
	fi
}
commands() { # REPO: prints the status of each command, and what git said if anything ran
	local repo=$1 command
	rm -rf "$T/out.tar" "$T/site" "$T/RAN"
	while read -r command; do
		# shellcheck disable=SC2086 # words
		timeout -k 5 60 "$EXPORTER" $command >"$T/out" 2>"$T/err"
		status=$?
		[ "$status" -lt 76 ] || echo "$command: exit status $status: $(<"$T/err")"
		[ ! -e "$T/RAN" ] || echo "$command ran the program: $(<"$T/RAN")"
		rm -f "$T/out.tar" "$T/RAN"
	done <<-EOF
		audit --repo $repo
		audit --repo $repo --format html
		show --repo $repo --at $first /api/v1/albums/a/images
		show --repo $repo --at first /api/v1/albums/a/images
		receipt --repo $repo --at first /api/v1/albums/a/images
		log --repo $repo
		log --repo $repo --image i1
		diff --repo $repo $first now
		verify --repo $repo
		verify --repo $repo --signers $T/allowed
		bundle --repo $repo $T/out.tar
		bundle --repo $repo --from $first $T/out.tar
		bundle --repo $repo --from first --to now $T/out.tar
		publish --repo $repo --site $T/site
		publish --repo $repo --site $T/site --check
		publish --repo $repo --site $T/site --repair
		maintain --repo $repo
		snapshot --repo $repo --label second --reason r
		export --index $T/index --repo $repo --site $T/site
		verify --repo $repo
		maintain --repo $repo
	EOF
	(cd "$repo" && timeout -k 5 60 "$ROOT/tests/tree-sha256" . main >"$T/out" 2>&1)
	(cd "$repo" && timeout -k 5 60 "$EXPORTER" bundle --repo . "$T/out.tar" --from "$first" >"$T/out" 2>&1)
	[ ! -e "$T/RAN" ] || echo "a command in the folder ran the program: $(<"$T/RAN")"
}

hostile whole
git -C "$T/whole" fsck >"$T/out" 2>&1
git -C "$T/whole" cat-file -e 1111111111111111111111111111111111111111 >"$T/out" 2>&1
ok "git itself runs the program: the trap is armed" [ -s "$T/RAN" ]
is "no command runs it in a complete repository" "$(commands "$T/whole")" ""
exits "its bundle is made" 0 "$EXPORTER" bundle --repo "$T/whole" --to main "$T/whole.tar"

hostile includes yes
is "no command runs it in one that includes other files" "$(commands "$T/includes")" ""
exits "nothing is exported to it" 1 "$EXPORTER" export --index "$T/index" --repo "$T/includes"
ok "the message names the file" grep -q "config' includes other files" "$T/err"

# What makes git fetch: an object that is missing.
hostile grafted
echo "$second 1111111111111111111111111111111111111111" >"$T/grafted/info/grafts"
is "no command runs it where a graft names a missing parent" "$(commands "$T/grafted")" ""
exits "grafts do not change what is bundled" 0 "$EXPORTER" bundle --repo "$T/grafted" --from "$first" --to main~1 "$T/grafted.tar"

hostile removed
mv "$T/removed/objects/pack" "$T/packs" && mkdir "$T/removed/objects/pack"
for pack in "$T/packs"/*.pack; do
	GIT_OBJECT_DIRECTORY=$T/removed/objects git -C "$T" --git-dir="$T/honest" unpack-objects -q <"$pack"
done
touch "$T/removed/objects/pack/pack-1111111111111111111111111111111111111111.promisor"
rm -f "$T/removed/objects/${second:0:2}/${second:2}"
is "no command runs it where a commit is missing" "$(commands "$T/removed")" ""
exits "no bundle is made of it" 1 "$EXPORTER" bundle --repo "$T/removed" --from "$first" "$T/out.tar"
ok "the message names the commit" grep -q "${second}" "$T/err"
ok "and no file is left" [ ! -e "$T/out.tar" ]

hostile tagged
for name in a b/c; do
	mkdir -p "$T/tagged/refs/tags/b"
	echo 1111111111111111111111111111111111111111 >"$T/tagged/refs/tags/$name"
done
is "no command runs it where a tag's object is missing" "$(commands "$T/tagged")" ""

# Objects and references from elsewhere.
cp -r "$T/honest" "$T/borrows"
mkdir -p "$T/borrows/objects/info"
echo "$T/whole/objects" >"$T/borrows/objects/info/alternates"
for command in "show --repo $T/borrows /api/v1/albums/a/images" "verify --repo $T/borrows" "maintain --repo $T/borrows" \
	"bundle --repo $T/borrows $T/out.tar" "export --index $T/index --repo $T/borrows"; do
	# shellcheck disable=SC2086 # words
	exits "borrowed objects are refused by ${command%% *}" 1 "$EXPORTER" $command
	ok "with what to do" grep -q 'objects/info/alternates.*repack -a -d' "$T/err"
done
is "tree-sha256 refuses them" "$("$ROOT/tests/tree-sha256" "$T/borrows" 2>&1 | grep -c alternates)" 1
cp -r "$T/honest" "$T/part"
echo ../honest >"$T/part/commondir"
exits "a part of another repository is refused" 1 "$EXPORTER" verify --repo "$T/part"
ok "the message names the file" grep -q commondir "$T/err"

# A configuration that is no file to be read.
for kind in fifo folder; do
	cp -r "$T/honest" "$T/$kind" && rm "$T/$kind/config"
	if [ $kind = fifo ]; then mkfifo "$T/$kind/config"; else mkdir "$T/$kind/config"; fi
	exits "a $kind as configuration does not disturb a reader" 0 timeout -k 5 60 "$EXPORTER" bundle --repo "$T/$kind" "$T/$kind.tar"
	exits "a writer refuses it" 1 timeout -k 5 60 "$EXPORTER" maintain --repo "$T/$kind"
done

# A work tree above a site is asked for what it ignores, and for nothing else.
git init -q "$T/tree" && rm "$T/tree/.git/config" && mkfifo "$T/tree/.git/config" && echo site/ >"$T/tree/.gitignore"
exits "a site is made in a work tree that ignores it, whatever its configuration" 0 \
	timeout -k 5 60 "$EXPORTER" publish --repo "$T/whole" --site "$T/tree/site"
exits "and refused in one that does not" 1 timeout -k 5 60 "$EXPORTER" publish --repo "$T/whole" --site "$T/tree/other"

same "an honest repository's bundle stays what it was, byte for byte" \
	<(tar -xOf "$T/fifo.tar" albumen-evidence/snapshots.bundle | base64) \
	<(tar -xOf "$T/honest.tar" albumen-evidence/snapshots.bundle | base64)

# Whose it is.
if [ "$(id -u)" = 0 ]; then
	chown -h 65534 "$T/honest"
	theirs=$T/honest
else
	theirs=/
fi
exits "the repository of another user is refused" 1 "$EXPORTER" show --repo "$theirs" /api/v1/albums/a/images
ok "the message says whose it is, and what to do" grep -q "belongs to .*safe.directory '$theirs'" "$T/err"
done_testing
