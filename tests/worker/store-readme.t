#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# README.md's walk to an object store behind the Worker, as it is written there, over Ceph. Only
# the addresses, the keys and where workerd comes from are others here.
. "$(dirname "$0")/../system/lib.sh"
. "$ROOT/tests/worker/lib.sh"

PORT=$(free_port)
URL=http://127.0.0.1:$PORT
mkdir -p "$T/build/mine/node_modules/.bin"
ln -s "$ROOT/data" "$T/data"
ln -s "$EXPORTER" "$T/build/"
ln -s "$WORKERD" "$T/build/mine/node_modules/.bin/workerd"
cd "$T" || exit 1
ok "the samples are indexed" "$INDEXER" scan --data data/samples --index index
ok "and exported" "$EXPORTER" export --index index --repo build/mine/repo --site site
ok "Ceph runs" store ceph

readme_script token worker | sed "s|s3://photos|s3://$BUCKET|; s|:7480|:${AWS_ENDPOINT_URL##*:}|
	s|=KEY |=$AWS_ACCESS_KEY_ID |; s|=SECRET\$|=$AWS_SECRET_ACCESS_KEY|; /^npm/d" >walk
serve=$(grep 'workerd serve' walk | sed 's/ &$//')
ok "every command of the walk works" bash -euo pipefail -c "$(grep -v '^curl\|workerd serve' walk)
	echo \"\$token\" >token"
sed -i "s/:8080/:$PORT/" build/mine/worker.capnp
ok "workerd has a line" [ -n "$serve" ]
spawn worker bash -c "${serve/build\/mine\/node_modules/exec build\/mine\/node_modules}"
token=$(<token)
export token
answers() { # runs the request of the walk
	eval "$(sed -n "s/^curl \(.*\):8080/curl -o answer \1:$PORT/p" walk)"
}
ok "the holder of the token gets an answer" wait_until 30 answers
same "which is the site's" answer site/api/v1/albums/harbour-1931/images/untag.json
is "nobody else does" "$(ask /api/v1/albums/harbour-1931/images/untag)" 401
done_testing
