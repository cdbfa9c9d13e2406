#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One bucket of an S3 server, asked with the standard library alone (the signatures are written
from AWS's documentation, apart from the program's).

	s3.py ls [PREFIX]		keys, one a line: size, ETag, key
	s3.py get KEY			its body
	s3.py head KEY			status and headers, one a line
	s3.py put KEY [FILE] [HEADER:VALUE]...	prints the ETag; without FILE, standard input
	s3.py rm KEY
	s3.py mb | rb			makes the bucket; removes it and what is in it
	s3.py policy FILE		who may do what with the bucket
	s3.py mirror PREFIX FOLDER	writes every key below PREFIX/ into FOLDER
	s3.py upload FOLDER PREFIX	the reverse
	s3.py read [--any] PREFIX SITE...	see below

The environment says where: STORE_URL (else AWS_ENDPOINT_URL), AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION, BUCKET. The status is 1 and the server's answer is on standard
error, if it refuses.

`read` is a reader of a site that changes: SITE... are folders with the sites that the prefix shows
one after the other (one that it may show twice is named twice). It reads snapshot.json, every key
that is in any of them, and snapshot.json again, until it is ended, in random order. What it sees
must never be anything but:

- snapshot.json of one of the sites; then the same, or that of the next;
- each key whole, and of the sites from the one that snapshot.json named before it was asked to
  the one after that which it names afterwards (the next may be in the making).

With --any the sites come in any order, and each of them is next to any other.

It prints `reading` after its first round, `at N` when snapshot.json is that of the Nth site
(from 1), and what is wrong, and then ends with status 1. On SIGTERM it ends after a last round.
"""

import base64
import datetime
import hashlib
import hmac
import http.client
import os
import random
import signal
import sys
import threading
import time
import urllib.parse
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

READERS = 4


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status} {body.decode(errors='replace')}")
        self.status = status


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def escape(text, also=""):
    return urllib.parse.quote(text, safe="-_.~" + also)


class Bucket:
    """Its methods may be called by several threads; each has a connection of its own."""

    def __init__(self, env=os.environ):
        self.url = urllib.parse.urlsplit(env.get("STORE_URL") or env["AWS_ENDPOINT_URL"])
        self.id, self.secret = env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]
        self.region = env.get("AWS_REGION", "us-east-1")
        self.name = env["BUCKET"]
        self.local = threading.local()

    def request(self, *args, good=(200, 204), **more):
        for pause in (0.1, 0.3, 1, 3, None):
            answer, content = self.once(*args, **more)
            if answer.status in good:
                return answer, content
            if answer.status != 503 or pause is None:  # "please reduce your request rate"
                raise Refused(answer.status, content)
            time.sleep(pause)

    def once(self, method, key="", query=(), body=b"", headers=()):
        path = "/" + self.name + ("/" + escape(key, "/") if key else "")
        query = "&".join(f"{escape(k)}={escape(v)}" for k, v in sorted(query))
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        head = {"host": self.url.netloc, "x-amz-date": now, "x-amz-content-sha256": digest,
                **{k.lower(): v for k, v in headers}}
        names = ";".join(sorted(head))
        canonical = "\n".join([method, path, query, *(f"{k}:{head[k]}" for k in sorted(head)), "",
                               names, digest])
        scope = f"{now[:8]}/{self.region}/s3/aws4_request"
        key_ = ("AWS4" + self.secret).encode()
        for part in scope.split("/"):
            key_ = mac(key_, part)
        signature = mac(key_, "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(
            canonical.encode()).hexdigest()])).hex()
        head["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.id}/{scope}, "
                                 f"SignedHeaders={names}, Signature={signature}")
        for attempt in range(2):  # a connection that was kept may have been closed meanwhile
            connection = getattr(self.local, "connection", None)
            fresh = connection is None
            if fresh:
                connection = self.local.connection = http.client.HTTPConnection(
                    self.url.hostname, self.url.port, timeout=60)
            try:
                connection.request(method, path + ("?" + query if query else ""), body, head)
                answer = connection.getresponse()
                content = answer.read()
                break
            except (OSError, http.client.HTTPException):
                connection.close()
                self.local.connection = None
                if fresh:
                    raise
        return answer, content

    def get(self, key):
        """None: there is no such key."""
        answer, body = self.request("GET", key, good=(200, 404))
        return body if answer.status == 200 else None

    def put(self, key, body, headers=()):
        return self.request("PUT", key, body=body, headers=headers)[0].getheader("ETag")

    def delete(self, key):
        self.request("DELETE", key)

    def list(self, prefix=""):
        """(key, ETag, size)…"""
        token = None
        while True:
            query = [("list-type", "2"), ("prefix", prefix), ("encoding-type", "url")]
            page = xml.fromstring(self.request(
                "GET", query=query + ([("continuation-token", token)] if token else []))[1])
            name = {e.tag.rpartition("}")[2]: e for e in page}
            for entry in page:
                if entry.tag.endswith("Contents"):
                    of = {e.tag.rpartition("}")[2]: e.text for e in entry}
                    yield (urllib.parse.unquote_plus(of["Key"]), of["ETag"].strip('"'),
                           int(of["Size"]))
            if "IsTruncated" not in name or name["IsTruncated"].text != "true":
                return
            token = name["NextContinuationToken"].text


def pool():
    return ThreadPoolExecutor(16)


# --- the reader -----------------------------------------------------------------------


class Wrong(Exception):
    pass


class Reader:
    def __init__(self, bucket, any_order, prefix, *folders):
        self.bucket, self.prefix = bucket, prefix
        self.sites = []
        for folder in folders:
            self.sites.append({str(path.relative_to(folder)): path.read_bytes()
                               for path in Path(folder).rglob("*")
                               if path.is_file() and path.relative_to(folder).parts[0] != ".albumen"})
        self.keys = sorted(set().union(*self.sites) - {"snapshot.json"})
        self.at = -1  # nothing yet
        self.any_order = any_order

    def get(self, key):
        return self.bucket.get(self.prefix + "/" + key)

    def look(self):
        """The site that snapshot.json names: that of the last time, or the next."""
        body = self.get("snapshot.json")
        for at in range(len(self.sites)) if self.any_order else (self.at, self.at + 1):
            if at < len(self.sites) and body == (self.sites[at]["snapshot.json"] if at >= 0 else None):
                if at != self.at:
                    print("at", at + 1, flush=True)
                self.at = at
                return at
        raise Wrong(f"snapshot.json, after that of site {self.at + 1}, is {body}")

    def round(self):
        first = self.look()
        random.shuffle(self.keys)
        with ThreadPoolExecutor(READERS) as readers:
            bodies = list(readers.map(self.get, self.keys))
        last = self.look()
        if self.any_order:
            first, last = 0, len(self.sites)
        for key, body in zip(self.keys, bodies):
            if body not in [self.sites[at].get(key) if at >= 0 else None
                            for at in range(first, min(last + 2, len(self.sites)))]:
                raise Wrong(f"{key}: {body!r} is not of the sites {first + 1} to {last + 2}")


def read(bucket, *args):
    any_order = args[0] == "--any"
    reader = Reader(bucket, any_order, *args[any_order:])
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    rounds = 0
    try:
        while True:
            last = ended.is_set()
            reader.round()
            rounds += 1
            if rounds == 1:
                print("reading", flush=True)
            if last:
                print(f"{rounds} rounds, nothing wrong", flush=True)
                return 0
    except Wrong as wrong:
        print("wrong:", wrong, flush=True)
        return 1


# --- the command line -----------------------------------------------------------------


def main(name, *args):
    bucket = Bucket()
    if name == "ls":
        for key, etag, size in bucket.list(*args):
            print(size, etag, key)
    elif name == "get":
        body = bucket.get(*args)
        if body is None:
            sys.exit(f"s3.py: no key {args[0]}")
        sys.stdout.buffer.write(body)
    elif name == "head":
        answer = bucket.request("HEAD", *args, good=range(600))[0]
        print(answer.status)
        for header in answer.getheaders():
            print(": ".join(header))
    elif name == "put":
        headers = [a.split(":", 1) for a in args[1:] if ":" in a]
        files = [a for a in args[1:] if ":" not in a]
        body = Path(files[0]).read_bytes() if files else sys.stdin.buffer.read()
        print(bucket.put(args[0], body, headers))
    elif name == "rm":
        bucket.delete(*args)
    elif name == "mb":
        bucket.request("PUT")
    elif name == "rb":
        with pool() as workers:
            list(workers.map(bucket.delete, [key for key, _, _ in bucket.list()]))
        bucket.request("DELETE")
    elif name == "policy":
        body = Path(args[0]).read_bytes()
        bucket.request("PUT", query=[("policy", "")], body=body, headers=[
            ("content-md5", base64.b64encode(hashlib.md5(body).digest()).decode())])
    elif name == "mirror":
        def fetch(key):
            path = Path(args[1]) / key[len(args[0]) + 1:]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bucket.get(key))
        with pool() as workers:
            list(workers.map(fetch, [key for key, _, _ in bucket.list(args[0] + "/")]))
    elif name == "upload":
        with pool() as workers:
            list(workers.map(
                lambda path: bucket.put(f"{args[1]}/{path.relative_to(args[0])}", path.read_bytes()),
                [path for path in Path(args[0]).rglob("*") if path.is_file()]))
    elif name == "read":
        return read(bucket, *args)
    else:
        sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:] or ["help"]))
    except Refused as refused:
        sys.exit(f"s3.py: {refused}")
