#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Another user's repository is opened only where git would open it: by the user whom sudo
# names, or if the user's or the system's configuration calls it safe.
. "$(dirname "$0")/lib.sh"

mkdir "$T/data"
echo '{"public_id":"i","album_id":"a"}' >"$T/data/1.json"
chmod 755 "$T"
scan >"$T/out" && "$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out"
git clone -q "$T/repo" "$T/clone"
git config --file "$T/repo/config" safe.directory '*'
chown -R 65534:65534 "$T/repo" "$T/clone"
mkdir "$T/empty" && chown 65534 "$T/empty"
unset SUDO_UID
export GIT_CONFIG_GLOBAL=$T/global
show() { "$EXPORTER" show --repo "$1" /api/v1/albums/a/images; }
git_opens() { # REPO: whether git does
	env -u GIT_CONFIG_NOSYSTEM GIT_CONFIG_SYSTEM="${GIT_CONFIG_SYSTEM:-/dev/null}" git -C "$1" log -1 --format=%H
}
both() { # NAME STATUS REPO
	exits "$1" "$2" show "$3"
	if [ "$2" = 0 ]; then ok "so git" git_opens "$3"; else ok "so git" not git_opens "$3"; fi
}

both "root does not open the repository of another user" 1 "$T/repo"
ok "the message says what to do" grep -q "git config --global --add safe.directory '$T/repo'" "$T/err"
both "nor a clone that is not bare" 1 "$T/clone"
ok "the message names the clone, as git does" grep -q "safe.directory '$T/clone'" "$T/err"
exits "nor does it write there" 1 "$EXPORTER" export --index "$T/index" --repo "$T/repo"
is "not even a lock" "$(find "$T/repo" -user 0)" ""
exits "nor into an empty folder" 1 "$EXPORTER" export --index "$T/index" --repo "$T/empty"
is "which stays empty" "$(ls -A "$T/empty")" ""
exits "verify says so, too" 1 "$EXPORTER" verify --repo "$T/repo"
exits "and bundle" 1 "$EXPORTER" bundle --repo "$T/repo" "$T/x.tar"
ln -s "$T/repo" "$T/link"
exits "a link of ours to it changes nothing" 1 show "$T/link"

# A site in another user's work tree, which ignores it with a file that nobody writes to.
mkfifo "$T/clone/.gitignore" && chown 65534 "$T/clone/.gitignore"
"$EXPORTER" export --index "$T/index" --repo "$T/own" >"$T/out"
exits "another user's work tree is not asked what it ignores" 1 timeout 60 "$EXPORTER" publish --repo "$T/own" --site "$T/clone/site"
ok "a site in it is refused" grep -q "among the files of the git work tree '$T/clone'" "$T/err"
rm "$T/clone/.gitignore"

export SUDO_UID=65534
both "root opens it for the user who called sudo" 0 "$T/repo"
export SUDO_UID=65533
both "but not for another" 1 "$T/repo"
export SUDO_UID=65534x
both "nor for no user at all" 1 "$T/repo"
unset SUDO_UID
# A service that is started with root's HOME.
mkdir -m 700 "$T/home"
mkdir -p "$T/home/.config/git"
"$EXPORTER" export --index "$T/index" --repo "$T/roots" >"$T/out"
exits "nobody does not open root's" 1 env -u GIT_CONFIG_GLOBAL HOME="$T/home" \
	setpriv --reuid 65534 --regid 65534 --clear-groups "$EXPORTER" audit --repo "$T/roots"
ok "the message says whose it is" grep -q "'$T/roots' belongs to root, and this process to nobody: run the command as root" "$T/err"
ok "and what HOME is" grep -q "HOME is '$T/home': .*'$T/home/" "$T/err"
exits "its owner opens it" 0 setpriv --reuid 65534 --regid 65534 --clear-groups cat "$T/repo/HEAD"

git config --file "$T/global" safe.directory "$T/repo"
both "a safe directory is opened" 0 "$T/repo"
exits "also by a link" 0 show "$T/link"
both "another is not" 1 "$T/clone"
git config --file "$T/global" --add safe.directory "$T/clone"
both "both may be named" 0 "$T/clone"
git config --file "$T/global" --add safe.directory ""
both "an empty value forgets the ones before" 1 "$T/repo"
git config --file "$T/global" --add safe.directory "*"
both "a star names all" 0 "$T/repo"
printf '[include]\n\tpath = %s\n' "$T/more" >"$T/global"
git config --file "$T/more" safe.directory "$T/repo"
both "the user's configuration may include a file" 0 "$T/repo"
rm "$T/global" "$T/more"
(
	unset GIT_CONFIG_NOSYSTEM
	export GIT_CONFIG_SYSTEM=$T/system
	git config --file "$T/system" safe.directory "$T/repo"
	show "$T/repo" >"$T/out" 2>&1
)
is "the system's configuration counts" $? 0
unset GIT_CONFIG_GLOBAL
# shellcheck disable=SC2088 # git expands it
git config --file "$T/.gitconfig" safe.directory '~/repo'
exits "so does ~/.gitconfig, and ~/ in it" 0 show "$T/repo"
rm "$T/.gitconfig" && mkdir -p "$T/.config/git" && git config --file "$T/.config/git/config" safe.directory "$T/repo"
exits "and ~/.config/git/config" 0 show "$T/repo"
exits "which its owner's configuration in the repository does not" 1 env HOME=/nonexistent "$EXPORTER" show --repo "$T/repo" /api/v1/albums/a/images
done_testing
