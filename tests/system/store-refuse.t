#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is refused on an object store, why, with which status, and that nothing was changed then: a store
# without conditions (Swift), rights that are missing, keys of somebody else, a lease of somebody else,
# answers that no S3 server gives.
. "$(dirname "$0")/lib.sh"

publish() { # PREFIX [OPTION]...
	local prefix=$1
	shift
	"$EXPORTER" publish --repo "$T/repo" --site "s3://$BUCKET/$prefix" "$@"
}
keys() { s3 ls | sort; }
unchanged() { # NAME: the bucket is as it was
	keys >"$T/keys.now"
	same "$1" "$T/keys.now" "$T/keys"
}
says() { # NAME PATTERN...: each is in the message, which is one line
	local name=$1 pattern
	shift
	for pattern; do
		grep -qi -- "$pattern" "$T/err" || { result 1 "$name: $pattern"; diag <"$T/err"; return; }
	done
	result 0 "$name"
}
publication() { # HOLDER EXPIRES [PENDING]
	jq -nc --arg holder "$1" --arg expires "$(date -u -d "$2" +%FT%TZ)" --argjson pending "[${3-}]" \
		'{v:1, holder:$holder, expires:$expires, pending:$pending, conditional:true}'
}

store ceph && proxy || exit 1
ok "there are three snapshots" three_sites
ok "a site" publish p --at one
keys >"$T/keys"

# --- rights
exits "a wrong secret is denied" 77 env AWS_SECRET_ACCESS_KEY=SKWRONG "$EXPORTER" publish \
	--repo "$T/repo" --site "s3://$BUCKET/p" --at two
says "with the reason, the key and what to look at" "$BUCKET/p/" SignatureDoesNotMatch 'secret.*AKTEST'
exits "an unknown key" 77 env AWS_ACCESS_KEY_ID=AKNOBODY "$EXPORTER" publish \
	--repo "$T/repo" --site "s3://$BUCKET/p" --at two
exits "another user" 77 env AWS_ACCESS_KEY_ID=AKOTHER AWS_SECRET_ACCESS_KEY=SKOTHER "$EXPORTER" publish \
	--repo "$T/repo" --site "s3://$BUCKET/p" --at two
says "with the reason" "$BUCKET/p/" AccessDenied
jq -nc --arg all "arn:aws:s3:::$BUCKET" '{Version: "2012-10-17", Statement: [{Effect: "Allow",
	Principal: {AWS: ["arn:aws:iam:::user/other"]}, Action: ["s3:GetObject", "s3:ListBucket"],
	Resource: [$all, $all + "/*"]}]}' >"$T/policy"
ok "a policy" s3 policy "$T/policy"
exits "who may only read" 77 env AWS_ACCESS_KEY_ID=AKOTHER AWS_SECRET_ACCESS_KEY=SKOTHER "$EXPORTER" \
	publish --repo "$T/repo" --site "s3://$BUCKET/p" --at two
says "is told which right is missing" "$BUCKET/p/" PutObject
AWS_ACCESS_KEY_ID=AKOTHER AWS_SECRET_ACCESS_KEY=SKOTHER \
	exits "can compare" 0 publish p --check
proxy 'PUT *api/* 3 status 403'
exits "a right that ends while a publication runs" 77 publish p --at two
proxy
unchanged_but() { grep -v "$1" "$T/keys" | diff - <(keys | grep -v "$1"); }
ok "and comes back" publish p --at one
ok "no file has changed" unchanged_but publication.json
keys >"$T/keys"
proxy '* * * status 403 RequestTimeTooSkewed'
exits "a clock that is wrong" 77 publish p --at two
says "is said to be" clock
proxy

# --- nobody there, nothing there
exits "a server that does not listen: try again" 75 publish p --at two --endpoint-url \
	"http://127.0.0.1:$(free_port)"
says "and which" 127.0.0.1
exits "a bucket that does not exist" 1 "$EXPORTER" publish --repo "$T/repo" --site "s3://no-$BUCKET/p"
says "is named" "no-$BUCKET" "NoSuchBucket\|no such bucket\|does not exist"
exits "without a key" 1 env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY "$EXPORTER" publish \
	--repo "$T/repo" --site "s3://$BUCKET/p"
says "the variables and files are named" AWS_ACCESS_KEY_ID credentials
for url in s3:// s3:///p s3://b/a//b s3://b/../c; do
	exits "$url is no place" 2 "$EXPORTER" publish --repo "$T/repo" --site "$url"
done
unchanged "nothing has changed"

# --- somebody else's
s3 upload "$ROOT/data/samples" foreign
keys >"$T/keys"
exits "a prefix with other things" 1 publish foreign --at one
says "is refused, with one of them, and what says that it is meant" "s3://$BUCKET/foreign" '--accept site'
unchanged "nothing has changed"
library_at one | sed 's/same/elsewhere/' >"$T/data/all.ndjson"
"$INDEXER" scan --data "$T/data" --index "$T/index2" >"$T/out" 2>&1
ok "another library" "$EXPORTER" export --index "$T/index2" --repo "$T/repo2" --site "s3://$BUCKET/q"
keys >"$T/keys"
exits "a site of another repository" 1 publish q --at one
says "is refused" '--accept site'
unchanged "nothing has changed"

# --- a lease
holder=11111111-2222-4333-8444-555555555555
publication $holder 'now + 100 seconds' | s3 put p/.albumen/publication.json >"$T/out"
keys >"$T/keys"
exits "another publishes: try again" 75 publish p --at two
says "until when" 'lock\|publish' "s3://$BUCKET/p"
exits "nor is it repaired now" 75 publish p --repair
unchanged "nothing has changed"
publication $holder '60 seconds ago' | s3 put p/.albumen/publication.json >"$T/out"
exits "a lease that has ended may still have requests under way" 75 publish p --at two
publication $holder '70 seconds ago' "\"$(git -C "$T/repo" rev-parse three)\"" |
	s3 put p/.albumen/publication.json >"$T/out"
printf '[]' | s3 put "p/$(diff -rq -x .albumen "$T/two" "$T/three" |
	sed -n 's/.* and .*\/three\/\(api[^ ]*\) differ/\1/p' | head -n 1)" >"$T/out"
ok "later it is taken" publish p --at two
ok "and what was begun is undone" store_holds p "$T/two"
for text in '' '{' '[]' '{"v":1}'; do
	printf '%s' "$text" | s3 put p/.albumen/publication.json >"$T/out"
	exits "a lease that nobody can read ($text) may be somebody's" 75 publish p --at one
done
printf '{"v":1,"holder":null,"pending":["%040d"],"conditional":true}' 1 |
	s3 put p/.albumen/publication.json >"$T/out"
printf '[]' | s3 put "p/$(cd "$T/one" && find api -type f | sort | tail -n 1)" >"$T/out"
ok "what somebody began with a commit that nobody knows may have changed everything" publish p --at one
ok "and all is written again" store_holds p "$T/one"
printf '{"v":2,"holder":null,"pending":[]}' | s3 put p/.albumen/publication.json >"$T/out"
keys >"$T/keys"
exits "one of a later version" 1 publish p --at one
says "is said to be" version
unchanged "nothing has changed"
s3 rm p/.albumen/publication.json
ok "one that is lost is made again" publish p --at one
ok "and the site is right" publish p --check

# --- answers that no server of S3 gives
keys >"$T/keys"
printf '<html><body>Please log in</body></html>' >"$T/portal"
printf '{"commit":"%040d"}' 1 >"$T/other-state"
for rule in "GET *publication.json * answer $T/portal" "GET *snapshot.json * answer $T/portal"; do
	proxy "$rule"
	publish p --at two >"$T/out" 2>"$T/err"
	ok "a page in place of a key (${rule%% \**}...) is no success" test $? != 0
	unchanged "nothing has changed"
done
head -c 40000 /dev/urandom >"$T/noise"
printf '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ListBucketResult><Contents><Key>&a;</Key></Contents></ListBucketResult>' >"$T/entity"
printf '<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken></ListBucketResult>' >"$T/endless"
page='<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x@N@</NextContinuationToken>'
printf '%s</ListBucketResult>' "$page" >"$T/empty"
printf '%s<Contents><Key>p/api/a.json</Key></Contents></ListBucketResult>' "$page" >"$T/again"
printf '<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>q/snapshot.json</Key><ETag>"0"</ETag><Size>1</Size></Contents></ListBucketResult>' >"$T/outside"
printf '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult' >"$T/torn"
for body in portal noise entity endless empty again outside torn; do
	proxy "GET [?]* * answer $T/$body"
	publish p --repair >"$T/out" 2>"$T/err"
	ok "a listing that is none ($body) is no success" test $? = 1
	unchanged "nothing has changed"
done
proxy
for status in 301 307 304 204 206; do
	proxy "GET *publication.json * status $status"
	publish p --at two >"$T/out" 2>"$T/err"
	ok "status $status is no success" test $? != 0
	unchanged "nothing has changed"
done
proxy

proxy 'PUT *api/* 3 endless 403'
exits "a refusal that does not end" 77 publish p --at two
says "is one all the same" 403
proxy
ok "and later" publish p --at one
head -c 100000 /dev/zero | s3 put p/snapshot.json >"$T/out"
exits "a snapshot.json that is larger than any" 1 publish p --at one --check
ok "is written again" publish p --at one --repair
ok "and the store holds the site" store_holds p "$T/one"

# --- a store without conditions
s3 rb
kill "$(<"$T/proxy.pid")" && rm "$T/proxy.pid"
store swift && proxy || exit 1
exits "a store that does not know conditions" 1 publish p --at one
says "is refused, with what to do" --single-publisher condition
is "and nothing is written" "$(keys | grep -v ' p/.albumen/probe$')" ""
ok "told that there is one publisher, it is taken" publish p --at one --single-publisher
ok "the store holds the site" store_holds p "$T/one"
exits "but not without being told" 1 publish p --at two
proxy 'PUT *api/* 3 status 500' 'PUT * %5 drop-after'
ok "faults are got over there" publish p --at two --single-publisher
ok "too" store_holds p "$T/two"
proxy "* * 9 drop kill -9 \$(<$T/victim)"
(bash -c 'echo $$ >"$1"; shift; exec "$@"' - "$T/victim" "$EXPORTER" publish --repo "$T/repo" \
	--site "s3://$BUCKET/p" --at three --single-publisher; exit $?) >"$T/out" 2>&1
is "killed there" $? 137
proxy_idle
proxy
# Swift has been seen to answer 200 without an ETag here, which is refused.
ok "it goes on" wait_until 60 publish p --at one --single-publisher
ok "and finishes" store_holds p "$T/one"
ok "it compares there" publish p --check --single-publisher
done_testing
