#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian package, in a fresh Debian 12 that systemd-nspawn boots: apt installs it, one file is
# edited, the units run, files are dropped and answered by nginx; an index and a repository of
# 0.1.0 go on; an upgrade restarts what runs; a purge leaves data only.
#
# The machine has no network but its loopback: it is an overlay over build/debian-12-*.ext4, in
# which apt's cache holds whatever the package and nginx need. That file is made once, with the
# Debian sources of this machine; `make clean` removes it.
. "$(dirname "$0")/lib.sh"

# --- the package, and a fresh Debian ---------------------------------------------------

fails() { # WHY LOG
	diag <"$2"
	ok "$1" false
	done_testing
}

make -C "$ROOT" deb BUILD="$T/build" >"$T/deb.log" 2>&1 || fails "make deb" "$T/deb.log"
deb=$(echo "$T"/build/albumen_*.deb)
is "it has the version and the name of the machine's kind" "${deb##*/}" \
	"albumen_$(sed -n 's/^ALBUMEN_VERSION = //p' "$ROOT/Makefile")_$(dpkg --print-architecture).deb"
is "lintian finds nothing" "$(lintian --allow-root "$deb" 2>&1)" ""

apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' \
	'Origin: Debian' | sort -u >"$T/sources"
apt-config dump | grep -E '^Acquire::(https?|Check|Retries)' >"$T/apt.conf"
base=$ROOT/build/debian-12-$({ dpkg-deb -f "$deb" Depends Recommends && cat "$T/sources"; } | sha256sum | cut -c 1-12).ext4
if [ ! -e "$base" ]; then
	mount_ext4 "$T/base" 2048
	mmdebstrap --quiet --variant=minbase --include=systemd-sysv,dbus --aptopt="$T/apt.conf" \
		--aptopt='Acquire::Languages "none"' --skip=cleanup/apt --customize-hook="
			chroot \"\$1\" apt-get clean && cp '$deb' \"\$1/tmp/albumen.deb\" &&
			chroot \"\$1\" apt-get install -qq -y --download-only -o APT::Install-Recommends=1 /tmp/albumen.deb \
				nginx libnginx-mod-http-js && rm \"\$1/tmp/albumen.deb\"" \
		bookworm "$T/base" - <"$T/sources" >"$T/base.log" 2>&1 ||
		fails "mmdebstrap makes a Debian 12" "$T/base.log"
	umount "$T/base"
	mkdir -p "$ROOT/build" && find "$ROOT/build" -maxdepth 1 -name 'debian-12-*' ! -name "${base##*/}" -delete
	cp --sparse=always "$T"/image.* "$base.$$" && mv "$base.$$" "$base" && rm "$T"/image.*
fi
mkdir -p "$T/base" && mount -o loop,ro "$base" "$T/base"
mount_tmpfs "$T/over" 2g
mkdir "$T/over/upper" "$T/over/work" "$T/machine"
mount -t overlay -o "lowerdir=$T/base,upperdir=$T/over/upper,workdir=$T/over/work" overlay "$T/machine"

# The package once more, as an older version of which it is the upgrade.
older=0.1.9
dpkg-deb -R "$deb" "$T/older" && sed -i "s/^Version:.*/Version: $older/" "$T/older/DEBIAN/control" &&
	dpkg-deb --root-owner-group -Zgzip -z1 -b "$T/older" "$T/machine/root/older.deb" >"$T/out"
cp "$deb" "$T/machine/root/newer.deb"

# --- the machine ------------------------------------------------------------------------

# systemd-nspawn makes its control groups beside its own, so it gets one of its own.
group=albumen-deb-$$
boot() {
	local dir
	for dir in /sys/fs/cgroup{,/systemd,/unified}; do
		[ ! -e "$dir/cgroup.procs" ] || { mkdir "$dir/$group" && echo "$BASHPID" >"$dir/$group/cgroup.procs"; }
	done
	exec systemd-nspawn --quiet --register=no --keep-unit --private-network --machine="$group" \
		--directory="$T/machine" --boot
}
end_machine() {
	local status=$? dir
	[ ! -e "$T/machine.pid" ] || stop machine
	for dir in /sys/fs/cgroup{,/systemd,/unified}; do
		[ ! -d "$dir/$group" ] || find "$dir/$group" -depth -type d -exec rmdir {} +
	done
	(exit "$status")
	unmount_all
}
trap end_machine EXIT
leader() { leader=$(pgrep -P "$(<"$T/machine.pid")"); }
m() { # COMMAND... - as root in the machine
	nsenter -t "$leader" -m -u -i -n -p -r -w env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}
is_up() { leader && [[ $(m systemctl is-system-running) =~ running|degraded ]]; }
says() { m journalctl --no-pager -o cat -p warning -u "$1" | grep -q -- "$2"; } # UNIT WARNING
get() { nsenter -t "$leader" -n curl -sS "$@"; }
answers() { get -fo "$T/answer" "http://127.0.0.1:$1"; } # PORT/PATH
answer_is() { answers "$1" && cmp -s "$T/answer" "$2"; } # PORT/PATH FILE

spawn machine bash -c "$(declare -p T group); $(declare -f boot); boot"
wait_until 60 is_up || fails "the machine boots" "$T/machine.log"

# --- installed -------------------------------------------------------------------------

ok "apt installs it, and nginx" m apt-get -qq -y install /root/older.deb nginx libnginx-mod-http-js || done_testing
is "it starts nothing" "$(m systemctl list-units --all --plain --no-legend 'albumen*')" ""
is "no unit of the machine has failed" "$(m systemctl --failed --plain --no-legend)" ""
is "there is a user albumen that cannot log in" \
	"$(m getent passwd albumen | cut -d: -f 1,6,7)" "albumen:/var/lib/albumen:/usr/sbin/nologin"
is "the folders are root's" "$(m stat -c '%A %U %n' /etc/albumen /var/lib/albumen | xargs)" \
	"drwxr-xr-x root /etc/albumen drwxr-xr-x root /var/lib/albumen"
for file in bin/albumen-indexer bin/albumen-exporter share/man/man1/albumen-indexer.1.gz \
	share/man/man1/albumen-exporter.1.gz share/man/man7/albumen.7.gz share/doc/albumen/COPYING \
	share/doc/albumen/copyright share/doc/albumen/changelog.gz share/doc/albumen/NEWS.gz \
	share/doc/albumen/examples/library.conf share/doc/albumen/examples/alerts.yml \
	share/bash-completion/completions/albumen-indexer share/zsh/vendor-completions/_albumen-exporter \
	share/fish/vendor_completions.d/albumen-indexer.fish share/albumen/recipes/mirror-live-api \
	share/albumen/schema/health.schema.json; do
	ok "there is /usr/$file" m test -e "/usr/$file"
done
ok "the exporter uses the shared libgit2" m sh -c 'ldd /usr/bin/albumen-exporter | grep -q libgit2'

# --- a library ---------------------------------------------------------------------------

units=(albumen-{indexer,exporter,edge}@harbour.service)
samples=$ROOT/data/samples
m sed 's/^#ALBUMEN_NAME=.*/ALBUMEN_NAME="The harbour"/' /usr/share/doc/albumen/examples/library.conf >"$T/harbour.conf"
m tee /etc/albumen/harbour.conf <"$T/harbour.conf" >"$T/out"
ok "one file is edited, and the units start" m systemctl enable --quiet --now --no-block "${units[@]}" \
	albumen-maintain@harbour.timer
ok "the indexer waits for the metadata folder, and says so" \
	wait_until 30 says albumen-indexer@harbour "no metadata folder '/srv/albumen/harbour/metadata' yet"
m mkdir -p /srv/albumen/harbour/metadata
cp "$samples/tags.json" "$samples"/albums/*.json "$T/machine/srv/albumen/harbour/metadata"
untag=8080/api/v1/albums/harbour-1931/images/untag
ok "files are dropped, and nginx answers" wait_until 60 answers "$untag"
for unit in "${units[@]}" albumen-maintain@harbour.timer; do
	is "$unit is active" "$(m systemctl is-active "$unit")" active
done
is "the index and the repository are closed to others, the site is open to the web server" \
	"$(m stat -c '%A %U %G' /var/lib/albumen/harbour{,/index,/repo,/site} | xargs)" \
	"drwxr-x--x albumen albumen drwxr-x--- albumen albumen drwxr-x--- albumen albumen drwxr-s--- albumen www-data"
mkdir "$T/machine/srv/albumen/harbour/metadata/more"
cp -r "$samples"/. "$T/machine/srv/albumen/harbour/metadata/more"
ok "more files are dropped, and the answer changes" wait_until 60 answer_is "$untag" \
	"$ROOT/tests/golden/albums-harbour-1931-images-untag.json"
ok "the recorded call is answered to the byte" answer_is \
	'8080/api/v1/tag_images?image_ids[]=885999a5-58a5-406a-bc8e-2ac5420d60a3' \
	"$ROOT/tests/golden/tag_images-885999a5-58a5-406a-bc8e-2ac5420d60a3.json"

# A library without a configuration, as when its name is misspelt.
fails_for_good() { # UNIT
	[ "$(m systemctl show -P ActiveState "$1")" = failed ] && [ "$(m systemctl show -P NRestarts "$1")" = 0 ]
}
for unit in albumen-{indexer,exporter,edge}@harbor.service; do
	ok "$unit has no configuration, and does not start" not m systemctl start "$unit"
	ok "nor is it tried again" fails_for_good "$unit"
	ok "the journal names the file that is missing" says "$unit" 'Failed to start .*/etc/albumen/harbor\.conf'
done
m systemctl reset-failed
m sed 's/8080/9/; s/@NAME/@low/; s/^#ALBUMEN_LISTEN/ALBUMEN_LISTEN/; s/^#ALBUMEN_SIGN/ALBUMEN_SIGN/' /usr/share/doc/albumen/examples/library.conf >"$T/low.conf"
m tee /etc/albumen/low.conf <"$T/low.conf" >"$T/out"
ok "nginx may not listen where it wants to" not m systemctl start albumen-edge@low
ok "which the journal has as what needs a look" says albumen-edge@low 'bind() to 127.0.0.1:9 failed'
ok "a key that is to sign is missing" not m systemctl start albumen-exporter@low
ok "the journal names its file" says albumen-exporter@low 'there is no /etc/albumen/NAME\.key'
m systemctl stop albumen-indexer@low
m rm -r /etc/albumen/low.conf /var/lib/albumen/low
m systemctl reset-failed

# What the programs say of themselves.
as_albumen() { m setpriv --reuid albumen --regid albumen --clear-groups "$@"; }
status() { as_albumen albumen-indexer status --index /var/lib/albumen/harbour/index --json | jq "$1"; }
metric() { # FILE NAME: its value in the metrics file
	sed -n "s/^$2{.*} //p" "$T/machine/var/lib/albumen/harbour/$1.prom"
}
metrics_are_right() {
	[ "$(metric indexer albumen_images)" = "$(status .images)" ] &&
		[ "$(metric indexer albumen_sequence)" = "$(status .sequence)" ] &&
		[ "$(metric exporter albumen_snapshot_sequence)" = "$(status .sequence)" ] &&
		[ "$(metric exporter albumen_sequence_lag)" = 0 ]
}
ok "the metrics become right" wait_until 60 metrics_are_right
is "the node exporter may read them" "$(m stat -c %a /var/lib/albumen/harbour/{indexer,exporter}.prom | xargs)" "644 644"
healthy() {
	answers 8080/healthz && [ "$(jq .sequence "$T/answer")" = "$(status .sequence)" ] &&
		[ "$(jq -r .commit "$T/answer")" = "$(jq -r .commit "$T/machine/var/lib/albumen/harbour/site/snapshot.json")" ]
}
ok "/healthz says that the site is at the last snapshot" wait_until 60 healthy
exits "the exporter's status finds nothing but that nobody signs" 0 as_albumen albumen-exporter status \
	--index /var/lib/albumen/harbour/index --repo /var/lib/albumen/harbour/repo \
	--site /var/lib/albumen/harbour/site --fail-on rejects,damaged,failed,lag=60s

# --- a library of 0.1.0 ------------------------------------------------------------------

tar -xzf "$ROOT/tests/fixtures/released-0.1.0.tar.gz" -C "$T" data index repo --no-same-owner
m mkdir -p /srv/albumen/old /var/lib/albumen/old
mv "$T/data" "$T/machine/srv/albumen/old/metadata"
mv "$T/index" "$T/repo" "$T/machine/var/lib/albumen/old"
m chown -R albumen:albumen /var/lib/albumen/old
old=$T/machine/var/lib/albumen/old/repo
in_old() { git -c safe.directory='*' --git-dir "$old" "$@"; }
last=$(in_old rev-parse main)
ssh-keygen -q -t ed25519 -N '' -C '' -f "$T/machine/etc/albumen/old.key"
m tee /etc/albumen/old.conf <<'END' >"$T/out"
ALBUMEN_LISTEN=127.0.0.1:8081
ALBUMEN_SIGN=/run/credentials/albumen-exporter@old.service/key
END
m mkdir /etc/systemd/system/albumen-indexer@old.service.d
m tee /etc/systemd/system/albumen-indexer@old.service.d/mount.conf <<<$'[Unit]\nRequiresMountsFor=/srv' >"$T/out"
m systemctl daemon-reload
ok "the units start over an index and a repository of 0.1.0" \
	m systemctl enable --quiet --now --no-block albumen-{indexer,exporter,edge}@old.service
ok "a drop-in may name a mount" m sh -c \
	"systemctl show -P RequiresMountsFor albumen-indexer@old.service | tr ' ' '\\n' | grep -qx /srv"
ok "nginx answers" wait_until 60 answers 8081/api/v1/albums/a0/images
ok "the indexer says that it made the index again" says albumen-indexer@old 'made by an earlier version: it is made again'
is "the same metadata is the same snapshot" "$(in_old rev-parse main)" "$last"
echo '{"public_id":"more","album_id":"a0"}' >"$T/machine/srv/albumen/old/metadata/more.json"
has_more() { answers 8081/api/v1/albums/a0/images && grep -q '"more"' "$T/answer"; }
ok "a file more is answered" wait_until 60 has_more
is "by one snapshot more" "$(in_old rev-list --count main)" 68
"$INDEXER" scan --data "$T/machine/srv/albumen/old/metadata" --index "$T/index" >"$T/out" 2>&1
"$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out" 2>&1
is "which is that of a clean rebuild" "$(in_old rev-parse 'main^{tree}')" \
	"$(git --git-dir "$T/repo" rev-parse 'main^{tree}')"
echo "* $(cat "$T/machine/etc/albumen/old.key.pub")" >"$T/machine/root/signers"
ok "and signed with the key that root alone may read" m sh -c \
	'git -c safe.directory="*" -c gpg.ssh.allowedSignersFile=/root/signers -C /var/lib/albumen/old/repo verify-commit main'
ok "verify finds nothing" as_albumen albumen-exporter verify --repo /var/lib/albumen/old/repo
ok "maintenance" m systemctl start albumen-maintain@old.service

# --- an upgrade ---------------------------------------------------------------------------

running=$(echo albumen-{indexer,exporter,edge}@{harbour,old}.service)
pids() { for unit in $running; do m systemctl show -P MainPID "$unit"; done | sort; }
pids >"$T/before"
ok "an upgrade" m apt-get -qq -y install /root/newer.deb
is "to this version" "$(m dpkg-query -W -f '${Version}' albumen)" "$(dpkg-deb -f "$deb" Version)"
pids >"$T/after"
is "every unit runs again, with the new programs" \
	"$(comm -13 "$T/before" "$T/after" | grep -vcx 0)" 6
echo '{"public_id":"after","album_id":"a0"}' >"$T/machine/srv/albumen/old/metadata/after.json"
has_after() { answers 8081/api/v1/albums/a0/images && grep -q '"after"' "$T/answer"; }
ok "a file more is answered" wait_until 60 has_after
ok "and the other library answers" answer_is "$untag" \
	"$ROOT/tests/golden/albums-harbour-1931-images-untag.json"
is "no unit has failed" "$(m systemctl --failed --plain --no-legend)" ""

# --- removed, and purged ------------------------------------------------------------------

ok "it is removed" m apt-get -qq -y remove albumen
is "nothing of it runs" "$(m systemctl list-units --plain --no-legend 'albumen*'; m find /proc -maxdepth 1 -user albumen)" ""
ok "and nothing answers" not answers "$untag"
is "the configuration stays" "$(m sh -c 'echo /etc/albumen/*.conf')" "/etc/albumen/harbour.conf /etc/albumen/old.conf"
ok "it is purged" m apt-get -qq -y purge albumen
is "keys, metadata, repositories and what is made of them stay, and nothing else" \
	"$(m find / /run -xdev -path '*albumen*' -not -path '/*/albumen/*/*/*' | sort | xargs)" \
	"$(printf '%s ' /etc/albumen /etc/albumen/old.key /etc/albumen/old.key.pub /srv/albumen \
		/srv/albumen/{harbour,harbour/metadata,old,old/metadata} /var/lib/albumen \
		/var/lib/albumen/{harbour,old}{,/exporter.prom,/index,/indexer.prom,/repo,/site} | sed 's/ $//')"
ok "git reads the history without it" in_old fsck --strict
ok "the user stays, whose they are" m getent passwd albumen
[ "$tests_failed" = 0 ] || m journalctl --no-pager -u 'albumen-*' | tail -n 50 | diag
done_testing
