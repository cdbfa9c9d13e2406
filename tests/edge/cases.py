#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks an edge what cases.json has, and prints one line a case: 0 or 1, a tab, its name.

    cases.py --url http://127.0.0.1:8080 --site DIR --edge KIND [--host NAME] [--ca FILE]

lib.sh makes the site and turns these lines into results of a test. What a case says:

    name
    get         the URL as it is sent; <TEXT*N> is that text N times, <host> the
                server's name
    repeat      [FORMAT, FROM, TO, BETWEEN]: is appended to it, with each of these numbers
    method      if it is not GET
    send        the body of the request
    file        the answer is this file of the site, with status 200
    join        the answer is the tag images of these images, joined; or [FORMAT, FROM, TO]
    body        the answer is this text; with status 200, or that of `error`
    error       the status of an error (or one of several), with the members of errors
    plain       true: the server answers so before it asks us; only the status is as in `error`
    status, location    of a redirect, which has no other member
    health      the answer is that of /healthz
    either      or one of these files
    headers     the answer has these, each once: a name in `headers` of cases.json
    except      {KIND: {...}}: members that are otherwise for this edge, and `why`

Every GET is asked again as HEAD, which must have the same headers and nothing else; as
compressed, which must hold the same; and with the ETag of its answer, if it has one.
"""
import argparse
import gzip
import http.client
import json
import os
import re
import socket
import ssl
import sys
import urllib.parse

ERRORS = {400: "bad request", 404: "not found", 405: "method not allowed"}
# What differs between two answers to one request.
VARIES = {"date", "x-request-id", "x-runtime", "age", "connection", "keep-alive"}
# What no edge may send: the live API's credentials, and who serves in which version.
NEVER = ("Set-Cookie", "X-token", "X-Powered-By")


def expand(text):
    return re.sub(r"<([^<>]*)\*(\d+)>", lambda m: m[1] * int(m[2]), text)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.getheaders()
        self.body = response.read()

    def get(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def stable(self):
        headers = ((key.lower(), value) for key, value in self.headers)
        return sorted(h for h in headers if h[0] not in VARIES and h != ("content-length", "0"))


class Edge:
    def __init__(self, args):
        url = urllib.parse.urlsplit(args.url)
        self.address = url.hostname, url.port
        self.host = args.host or url.netloc
        self.tls = None
        if url.scheme == "https":
            self.tls = ssl.create_default_context(cafile=args.ca)

    def ask(self, url, method="GET", send=None, headers=()):
        lines = [f"{method} {url} HTTP/1.1", f"Host: {self.host}", "Connection: close", *headers]
        if send is not None:
            lines.append(f"Content-Length: {len(send)}")
        text = "\r\n".join([*lines, "", send or ""])
        with socket.create_connection(self.address, timeout=60) as connection:
            if self.tls:
                name = self.host.rsplit(":", 1)[0]
                connection = self.tls.wrap_socket(connection, server_hostname=name)
            connection.sendall(text.encode())
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
            return Answer(response)


class Case:
    def __init__(self, case, args, headers, host):
        self.case = {**case, **case.get("except", {}).get(args.edge, {})}
        self.site = args.site
        self.headers = headers
        self.url = expand(self.case["get"]).replace("<host>", host)
        if "repeat" in self.case:
            form, first, last, between = self.case["repeat"]
            form = form if "%" in form else form + "%.0s"
            self.url += between.join(expand(form % n) for n in range(first, last + 1))
        self.faults = []

    def read(self, path):
        with open(os.path.join(self.site, expand(path)), "rb") as file:
            return file.read()

    def joined(self):
        names = self.case["join"]
        if len(names) == 3 and isinstance(names[1], int):
            names = [names[0] % n for n in range(names[1], names[2] + 1)]
        inner = (self.read(f"api/v1/tag_images/{name}.json")[1:-1] for name in names)
        return b"[" + b",".join(text for text in inner if text) + b"]"

    def expect(self, what, got, want):
        if got != want:
            self.faults.append(f"{what}: got {str(got)[:300]}, want {str(want)[:300]}")

    def has(self, answer, name):
        for key, value in self.headers[name].items():
            self.expect(key, answer.get(key), [value])

    def check(self, answer):
        case, either = self.case, case_either(self.case)
        errors = case.get("error") or []
        errors = errors if isinstance(errors, list) else [errors]
        for name in NEVER:
            self.expect(name, answer.get(name), [])
        if re.search(r"\d+\.\d", " ".join(answer.get("Server"))):
            self.faults.append(f"Server: {answer.get('Server')} names a version")
        if "location" in case:
            self.expect("status", answer.status, case["status"])
            where = answer.get("Location")
            path = [re.sub(r"^https?://[^/]*", "", text) for text in where]
            self.expect("Location", path, [case["location"]])
        elif answer.status in errors and case.get("plain"):
            return
        elif answer.status in errors:
            text = case.get("body") or f'{{"error":"{ERRORS.get(answer.status)}"}}'
            self.expect("body", answer.body, text.encode())
            self.has(answer, "error")
            if answer.status == 405:
                self.expect("Allow", answer.get("Allow"), ["GET, HEAD"])
        elif errors and not either:
            self.expect("status", answer.status, case["error"])
        elif case.get("health"):
            self.expect("status", answer.status, 200)
            self.expect("healthy", json.loads(answer.body)["healthy"], True)
        else:
            self.expect("status", answer.status, 200)
            want = [self.read(path) for path in either]
            if "join" in case:
                want.append(self.joined())
            if case.get("body"):
                want.append(case["body"].encode())
            if answer.body not in want:
                self.expect("body", answer.body, want[0])
        if case.get("headers"):
            self.has(answer, case["headers"])
        if not answer.get("Transfer-Encoding"):
            self.expect("Content-Length", answer.get("Content-Length"), [str(len(answer.body))])
        elif case.get("length", True):
            self.faults.append("Content-Length: none")


def case_either(case):
    return [*case.get("either", []), *([case["file"]] if "file" in case else [])]


def run(case, edge):
    method = case.case.get("method", "GET")
    answer = edge.ask(case.url, method, case.case.get("send"))
    case.check(answer)
    if method != "GET" or case.faults or (case.case.get("plain") and answer.status != 200):
        return
    head = edge.ask(case.url, "HEAD")
    case.expect("HEAD: status", head.status, answer.status)
    case.expect("HEAD: body", head.body, b"")
    if case.case.get("head", True):
        case.expect("HEAD: headers", head.stable(), answer.stable())
    if answer.status != 200:
        return
    packed = edge.ask(case.url, headers=["Accept-Encoding: gzip"])
    body = gzip.decompress(packed.body) if packed.get("Content-Encoding") else packed.body
    if not case.case.get("health"):
        case.expect("compressed", body, answer.body)
    if "headers" in case.case:
        case.has(packed, case.case["headers"])
    for etag in answer.get("ETag"):
        same = edge.ask(case.url, headers=[f"If-None-Match: {etag}"])
        case.expect("If-None-Match", (same.status, same.body), (304, b""))
    ranged = edge.ask(case.url, headers=["Range: bytes=1-2"])
    case.expect("Range", ranged.status, 200)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--site", required=True)
    parser.add_argument("--edge", required=True)
    parser.add_argument("--host")
    parser.add_argument("--ca")
    parser.add_argument("--only", help="the cases whose names have this text")
    args = parser.parse_args()
    edge = Edge(args)
    with open(os.path.join(os.path.dirname(__file__), "cases.json"), encoding="utf-8") as file:
        suite = json.load(file)
    for item in suite["cases"]:
        if args.only and args.only not in item["name"]:
            continue
        case = Case(item, args, suite["headers"], edge.host)
        try:
            run(case, edge)
        except (OSError, http.client.HTTPException, EOFError, ValueError) as error:
            case.faults.append(f"{type(error).__name__}: {error}")
        for fault in case.faults:
            print("#", ascii(fault)[1:-1])
        print(f"{1 if case.faults else 0}\t{args.edge}: {item['name']}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
