# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh - what the tests of the Worker source after tests/e2e/lib.sh or tests/system/lib.sh:
#
#	worker NAME OPTION... [-- BINDING...]	starts the Worker that `edge --for worker` prints
#			with these options, as the process NAME at $URL. A binding is NAME=TEXT,
#			or ALBUMEN_DISK=FOLDER
#	query NAME...		prints the request for the tag images of these images
#	joined SITE NAME...	prints what answers it, of the files of a site
#
# `make test-worker` gives the path of workerd in WORKERD.

[ -x "${WORKERD:-}" ] || {
	echo 'Bail out! WORKERD names no program: run `make test-worker`'
	exit 1
}

worker() {
	local name=$1 options=() bindings='' services=''
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	for binding in "${@:2}"; do
		case $binding in
		ALBUMEN_DISK=*)
			services="(name = \"disk\", disk = \"${binding#*=}\"),"
			bindings+='(name = "ALBUMEN_DISK", service = "disk"), '
			;;
		*) bindings+="(name = \"${binding%%=*}\", text = $(jq -n --arg text "${binding#*=}" '$text')), " ;;
		esac
	done
	"$EXPORTER" edge --for worker "${options[@]}" >"$T/$name.js" || return 1
	PORT=$(free_port)
	URL=http://127.0.0.1:$PORT
	cat >"$T/$name.capnp" <<-END
		using Workerd = import "/workerd/workerd.capnp";
		const config :Workerd.Config = (
		  services = [
		    (name = "main", worker = (
		      modules = [(name = "worker", esModule = embed "$name.js")],
		      compatibilityDate = "2026-01-01",
		      bindings = [$bindings])),
		    $services
		    (name = "internet", network = (allow = ["public", "private"])),
		  ],
		  sockets = [(name = "http", address = "127.0.0.1:$PORT", http = (), service = "main")],
		);
	END
	spawn "$name" "$WORKERD" serve "$T/$name.capnp"
	wait_until 30 curl -s "$URL/"
}

query() {
	local names
	names=$(printf '&image_ids[]=%s' "$@")
	echo "/api/v1/tag_images?${names:1}"
}

joined() {
	"$PYTHON" - "$@" <<-'EOF'
		import sys
		inner = (open(f"{sys.argv[1]}/api/v1/tag_images/{name}.json", "rb").read()[1:-1] for name in sys.argv[2:])
		sys.stdout.buffer.write(b"[" + b",".join(text for text in inner if text) + b"]")
	EOF
}
