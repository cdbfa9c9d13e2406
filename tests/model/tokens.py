#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What an edge that checks tokens must answer: once more, from TOKENS in albumen(7) alone.

    tokens.py make DATA KEYS
        writes metadata, and the file of keys
    tokens.py ask --url URL --site DIR [--seed N] [--random N] [--strange N] [--as-sent]
        asks the edge at URL, which serves DIR (made of that metadata, with --collections and
        --audit-page), with every kind of token, every damage and every request, and then at
        random; --strange: and so many times with what is hardly HTTP; prints what is answered
        wrongly, and a line with the count. --as-sent: the edge does not resolve `..` in a path
    tokens.py sign CLAIMS
        prints a token of these claims (JSON), with the issuer `us` and an hour to live unless
        they say otherwise

It reads and signs tokens by itself, with hmac.
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import random
import re
import socket
import sys
import time
import urllib.parse

KEYS = {"us": "s3cret", "them": "another s\u00e9cret", "__proto__": "proto"}
MOST = 8192
EVERYTHING = "albumen"
# Albums, and of each the images with tag images and those without.
ALBUMS = ["own", "other", "a/b", "__proto__", "constructor", "\u00e9 x", "0"]
TAGGED = {f"{kind}-{n}": album for n, album in enumerate(ALBUMS) for kind in ("t", "u")}
UNTAGGED = {f"n-{n}": album for n, album in enumerate(ALBUMS)}
# Images that are hard to find the album of, or impossible.
TAGGED |= {"deep": "own", "wide": "own", "late": "own"}
UNKNOWN_ALBUM = {"late", "huge"}

REFUSAL = [
    ("Cache-Control", "no-cache, no-store"),
    ("Pragma", "no-cache"),
    ("Expires", "Fri, 01 Jan 1990 00:00:00 GMT"),
    ("X-message", "Access denied"),
    ("Content-Type", "text/html"),
    ("Vary", "Accept-Encoding"),
    ("P3P", 'CP="NOI ADM DEV PSAi COM NAV OUR OTRo STP IND DEM"'),
    ("X-Request-Id", None),
    ("X-Runtime", None),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-XSS-Protection", "1; mode=block"),
    ("X-Download-Options", "noopen"),
    ("X-Permitted-Cross-Domain-Policies", "none"),
    ("Referrer-Policy", "origin-when-cross-origin, strict-origin-when-cross-origin"),
    ("Content-Length", "0"),
]


# --- the library ------------------------------------------------------------------------------

def write_library(folder, keys):
    decoy = {"image": {"album_id": "other"}, "y": '"image":{"album_id":"other"}', "z": ["image", {}]}
    nested = 1
    for _ in range(100):
        nested = {"album_id": nested}
    before = {
        "deep": {"x": decoy, "n": nested},
        "wide": {"x": "\u00e9\"\\{[" * 3000},
        "late": {"x": "x" * 70000},
    }
    lines = [{"id": "T", "name": "t", "label": "t"}]
    for image, album in (TAGGED | UNTAGGED).items():
        record = {"id": image, "public_id": "p " + image} | before.get(image, {}) | {"album_id": album}
        lines.append(record)
        if image in TAGGED:
            tag_image = {"id": "ti " + image} | ({"x": decoy, "album_id": "other"} if image == "deep" else {})
            lines.append(tag_image | {"image_id": image, "tag_id": "T"})
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "tokens.ndjson"), "w", encoding="utf-8") as out:
        for line in lines:
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
    with open(keys, "w", encoding="utf-8") as out:
        json.dump(KEYS, out)
    os.chmod(keys, 0o600)


# --- tokens -----------------------------------------------------------------------------------

def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(claims, secret="s3cret", header=None, hash="sha256"):
    """CLAIMS and HEADER are bytes, or something for JSON."""
    def part(value):
        return encode(value if isinstance(value, bytes) else json.dumps(value).encode())
    text = part({"typ": "JWT", "alg": "HS256"} if header is None else header) + "." + part(claims)
    return text + "." + encode(hmac.new(secret.encode(), text.encode(), hash).digest())


def parse(part):
    if not re.fullmatch("[A-Za-z0-9_-]+", part) or len(part) % 4 == 1:
        raise ValueError
    def refuse(_):
        raise ValueError
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode(), parse_constant=refuse)


def is_time(value):
    return type(value) in (int, float) and value == value and abs(value) != float("inf")


def read(token):
    """The claims of a right token, or None."""
    if len(token) > MOST or token.count(".") != 2:
        return None
    head, body, signature = token.split(".")
    try:
        header, claims = parse(head), parse(body)
        parse_is_text = re.fullmatch("[A-Za-z0-9_-]+", signature)
    except (ValueError, RecursionError):
        return None
    if type(header) is not dict or type(claims) is not dict or not parse_is_text:
        return None
    if header.get("alg") != "HS256" or "crit" in header or type(claims.get("iss")) is not str:
        return None
    secret = KEYS.get(claims["iss"])
    if not secret:
        return None
    mac = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    if encode(mac) != signature:
        return None
    now = time.time()
    if not is_time(claims.get("exp")) or claims["exp"] <= now:
        return None
    if "nbf" in claims and (not is_time(claims["nbf"]) or claims["nbf"] > now):
        return None
    return claims


def given(headers, query):
    """The claims of the token that a request brings, or None."""
    found = []
    for name, value in headers:
        if name.lower() == "authorization":
            match = re.fullmatch(r'token +token="([^"]*)"|bearer +([^ ,="]*)', value, re.I)
            found.append(match and (match[1] or match[2]) or "")
    for pair in (query or "").split("&"):
        if pair.startswith("token="):
            found.append(pair[len("token="):])
    return read(found[0]) if len(found) == 1 else None


def has(claims, album, what):
    value = claims
    for name in ("abilities", album, "Access", what):
        if type(value) is not dict or name not in value:
            return False
        value = value[name]
    return value is True


def may_album(claims, album):
    return album != EVERYTHING and has(claims, album, "image_list")


# --- requests ---------------------------------------------------------------------------------

class Request:
    """A path as it is sent, its query or None, and what it means."""
    def __init__(self, path, query=None, kind="else", id=None, method="GET"):
        self.path, self.query, self.kind, self.id, self.method = path, query, kind, id, method

    def images(self):
        found = []
        for pair in (self.query or "").split("&"):
            key, _, value = pair.partition("=")
            if urllib.parse.unquote(key) == "image_ids[]" and key.startswith("image_ids"):
                found.append(urllib.parse.unquote_plus(value))
        return found


def file_name(id):
    return "".join(chr(b) if re.match(rb"[A-Za-z0-9_-]", bytes([b])) else f"%{b:02X}" for b in id.encode())


class Oracle:
    def __init__(self, site):
        self.site = site

    def body(self, path):
        try:
            with open(os.path.join(self.site, path), "rb") as file:
                return file.read()
        except OSError:
            return None

    def allowed(self, request, claims):
        if claims is None:
            return False
        if request.kind == "album":
            return may_album(claims, request.id)
        if request.kind == "tag_images" and request.images():
            if claims.get("thumbnail_tags") is True and claims.get("q", "*") == "*":
                return True
            return all(image not in UNKNOWN_ALBUM and may_album(claims, TAGGED[image])
                       for image in request.images() if image in TAGGED or image in UNKNOWN_ALBUM)
        return has(claims, EVERYTHING, "audit")

    def answer(self, request, headers):
        """The status, and the body or None if it does not matter."""
        if request.method not in ("GET", "HEAD"):
            return 405, b'{"error":"method not allowed"}'
        if request.kind == "bad":
            return 400, b'{"error":"bad request"}'
        images = request.images() if request.kind == "tag_images" else []
        if len(images) > 500 or (request.kind == "tag_images" and (request.query or "").count("&") >= 1000):
            return 400, b'{"error":"more than 500 image_ids or 1000 parameters"}'
        if request.kind == "health":
            return 503, None
        if not self.allowed(request, given(headers, request.query)):
            return 401, b""
        missing = (404, b'{"error":"not found"}')
        if request.kind == "redirect":
            return 301, None
        if request.kind == "tag_images" and images:
            if "huge" in images:
                return 503, b'{"error":"the response is larger than 256 MiB"}'
            bodies = [self.body(f"api/v1/tag_images/{file_name(image)}.json") for image in dict.fromkeys(images) if image]
            return 200, b"[" + b",".join(b[1:-1] for b in bodies if b and len(b) > 2) + b"]"
        body = self.body(request.id) if request.kind == "file" else None
        if request.kind == "album":
            path = "api/v1/albums/" + file_name(request.id) + request.path.rsplit("/images", 1)[1].join(["/images", ""])
            body = self.body(path.removesuffix(".json") + ".json")
        elif request.kind == "tag_images":
            body = self.body("api/v1/tag_images.json")
        return missing if body is None else (200, body)


def album_request(id, what="images", rng=None):
    encoded = urllib.parse.quote(id, safe="")
    if rng and rng.random() < 0.3:
        encoded = "".join(c if rng.random() < 0.5 else f"%{b:02x}" for b in id.encode() for c in
                          [chr(b) if re.match(rb"[A-Za-z0-9_-]", bytes([b])) else f"%{b:02X}"])
    return Request(f"/api/v1/albums/{encoded}/{what}", None, "album", id)


def tag_request(ids, rng=None):
    keys = ["image_ids[]", "image_ids%5B%5D", "image_ids%5b]"]
    pairs = [f"{rng.choice(keys) if rng else keys[0]}={urllib.parse.quote(id, safe='')}" for id in ids]
    if rng and rng.random() < 0.2:
        pairs.insert(rng.randrange(len(pairs) + 1), rng.choice(["x", "x=1", "image_ids=own", "", "tokens=x"]))
    return Request("/api/v1/tag_images" + (".json" if rng and rng.random() < 0.2 else ""),
                   "&".join(pairs) if pairs else None, "tag_images")


def requests(as_sent):
    """Every request of the matrix. AS_SENT: the edge takes a path as it was sent, and does not
    resolve `..` in it."""
    for album in ("own", "other", "a/b", "__proto__", "constructor", "\u00e9 x", "0", "unknown", "albumen"):
        yield album_request(album)
    yield album_request("own", "images/untag")
    yield album_request("other", "images/untag")
    yield album_request("own", "images/untag.json")
    for ids in (["t-0"], ["t-1"], ["t-0", "u-0"], ["t-0", "t-1"], ["t-1", "t-0"], ["t-0", "nobody", "n-1"], ["nobody"],
                ["n-1"], ["nobody", "n-1"], [""], ["deep"], ["wide"], ["late"], ["huge"], ["deep", "wide", "t-0"],
                ["t-0", "huge"], ["t-0", "t-2", "t-3"], ["t-0", "t-0"], [], ["x"] * 501):
        yield tag_request(ids)
    yield Request("/snapshot.json", None, "file", "snapshot.json")
    yield Request("/audit", None, "redirect")
    yield Request("/audit/", None, "file", "audit/index.html")
    yield Request("/audit/data/summary.js", None, "file", "audit/data/summary.js")
    yield Request("/audit/nothing.js")
    yield Request("/api/v1/tags", None, "file", "api/v1/tags.json")
    yield Request("/api/v1/tags/T/tag_images", None, "file", "api/v1/tags/T/tag_images.json")
    yield Request("/api/v1/tags/none/tag_images")
    yield Request("/healthz", None, "health")
    yield Request("/healthz/")
    for path in ("/", "/nope", "/api/v1/albums/own", "/api/v1/albums/own/images/", "//api/v1/albums/own/images",
                 "/api/v1/albums/own/images/untag/x", "/error/401", "//error/401", "//healthz/x",
                 "/api/v1/albums/own/..%2fother/images", "/.albumen/lock", "/api/v1/tag_images/t-0.json"):
        yield Request(path)
    # What nginx makes another path of than the one that was sent.
    for path, file in (("/api/v1/albums/..%2f..%2f..%2fsnapshot.json", "snapshot.json"),
                       ("/x/../snapshot.json", "snapshot.json"),
                       ("/api/v1/albums/own/images/../../../../../snapshot.json", "snapshot.json"),
                       ("/api/v1/albums/own/images/../../../../../audit/index.html", "audit/index.html")):
        yield Request(path) if as_sent else Request(path, None, "file", file)
    yield album_request("../../../audit") if as_sent else Request("/api/v1/albums/..%2f..%2f..%2faudit/images")
    yield Request("/%zz", None, "bad")
    for path in ("/api/v1/albums/own/images", "/snapshot.json", "/healthz"):
        yield Request(path, None, "else", None, "POST")
    yield Request("/api/v1/albums/own/images", None, "album", "own", "HEAD")


# --- tokens of the matrix ---------------------------------------------------------------------

LIST = {"Access": {"see": True, "image_list": True}}
AUDIT = {"albumen": {"Access": {"audit": True}}}


def kinds():
    """Claims, as the recorded tokens have them, and those of an auditor."""
    user = {"user_id": "34a02484-0a05-441f-9397-5d50530fc2d4"}
    return {
        "list": {"abilities": {"own": LIST}},
        "untag": user | {"abilities": {"own": {"Access": {"image_list": True}}}},
        "tags": {"thumbnail_tags": True, "q": "*"},
        "user": user | {"abilities": {}},
        "audit": {"abilities": AUDIT},
        "several": {"q": "x", "thumbnail_tags": True,
                    "abilities": AUDIT | {name: LIST for name in ("own", "a/b", "__proto__", "\u00e9 x", "albumen")}},
        "other": {"iss": "them", "abilities": {"other": LIST, "own": {"Access": {"image_list": "true"}}}},
    }


def damages():
    """How a token is made of claims, by name. Not all of them are damage."""
    now = int(time.time())
    def made(secret=None, header=None, hash="sha256", **more):
        def make(claims):
            all = {"iss": "us", "exp": now + 3600} | claims | more
            all = {key: value for key, value in all.items() if value is not Ellipsis}
            return sign(all, secret or KEYS.get(all.get("iss"), "s3cret") if type(all.get("iss")) is str else "s3cret",
                        header, hash)
        return make
    def cut(how):
        return lambda claims: how(made()(claims))
    def padded(size):
        def make(claims):
            token = made(x="")(claims)
            for n in range((size - len(token)) * 3 // 4 + 8, -1, -1):
                token = made(x="x" * n)(claims)
                if len(token) <= size:
                    return token
            return token
        return make
    def raw(text):
        return lambda claims: sign(text(json.dumps({"iss": "us", "exp": now + 3600} | claims).encode()))
    def bent(token):
        # The same bits but those that base64url does not use.
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]
    return {
        "right": made(), "started": made(nbf=now - 60), "a fraction": made(exp=now + 3600.5), "a kid": made(
            header={"alg": "HS256", "kid": "x"}),
        "expired": made(exp=now - 1), "long expired": made(exp=1), "not yet": made(nbf=now + 3600),
        "nbf a string": made(nbf=str(now - 60)), "nbf null": made(nbf=None), "no exp": made(exp=...),
        "exp a string": made(exp=str(now + 3600)), "exp null": made(exp=None), "exp true": made(exp=True),
        "exp a list": made(exp=[now + 3600]), "exp infinite": raw(lambda t: t[:-1] + b',"exp":1e999}'),
        "exp twice": raw(lambda t: t[:-1] + b',"exp":1}'),
        "alg none": made(header={"alg": "none"}), "alg none, unsigned": cut(
            lambda t: encode(b'{"alg":"none"}') + "." + t.split(".")[1] + "."),
        "alg HS512": made(header={"alg": "HS512"}, hash="sha512"), "alg HS512, signed as HS256": made(header={"alg": "HS512"}),
        "signed as HS512": made(hash="sha512"), "alg RS256": made(header={"alg": "RS256"}), "alg hs256": made(
            header={"alg": "hs256"}), "no alg": made(header={"typ": "JWT"}), "a list as header": made(header=["HS256"]),
        "crit": made(header={"alg": "HS256", "crit": ["b64"]}),
        "wrong key": made(secret="s3cret\n"), "empty key": made(secret="x", iss="nobody"), "issuer unknown": made(iss="nobody"),
        "another issuer": made(iss="them"), "another issuer, our key": made(secret="s3cret", iss="them"),
        "issuer __proto__": made(iss="__proto__"), "issuer __proto__, our key": made(secret="s3cret", iss="__proto__"),
        "issuer constructor": made(iss="constructor"), "issuer a list": made(iss=["us"]), "no issuer": made(iss=...),
        "cut by one": cut(lambda t: t[:-1]), "cut in half": cut(lambda t: t[:len(t) // 2]), "one more": cut(lambda t: t + "A"),
        "padded": cut(lambda t: t + "="), "bent": cut(bent), "four parts": cut(lambda t: t + ".x"), "a dot": cut(lambda t: "." + t),
        "no signature": cut(lambda t: t.rsplit(".", 1)[0] + "."), "empty": lambda claims: "", "dots": lambda claims: "..",
        "8192": padded(8192), "9000": padded(9000),
        "not JSON": raw(lambda t: t[:-1]), "a list": raw(lambda t: b"[" + t + b"]"), "spaces": raw(lambda t: b" " + t + b"\n"),
        "not UTF-8": raw(lambda t: t[:-1] + b',"x":"\xff"}'), "a BOM": raw(lambda t: b"\xef\xbb\xbf" + t),
        "control": raw(lambda t: t[:-1] + b',"x":"\x01"}'),
    }


def carriers():
    """How a token comes: headers, and what is added to the query."""
    h = "Authorization"
    return {
        "token": lambda t: ([(h, f'Token token="{t}"')], None),
        "bearer": lambda t: ([(h, f"Bearer {t}")], None),
        "query": lambda t: ([], f"token={t}"),
        "small letters": lambda t: ([("authorization", f'token  token="{t}"')], None),
        "small bearer": lambda t: ([(h, f"bearer {t}")], None),
        "none": lambda t: ([], None),
        "both": lambda t: ([(h, f"Bearer {t}")], f"token={t}"),
        "both, one empty": lambda t: ([(h, f"Bearer {t}")], "token="),
        "twice": lambda t: ([(h, f"Bearer {t}"), (h, f"Bearer {t}")], None),
        "twice, one other": lambda t: ([(h, f'Token token="{t}"'), ("Authorization", "Basic eDp5")], None),
        "one after the other": lambda t: ([(h, f"Bearer {t}, Bearer {t}")], None),
        "query twice": lambda t: ([], f"token={t}&token={t}"),
        "basic and query": lambda t: ([(h, "Basic eDp5")], f"token={t}"),
        "no scheme": lambda t: ([(h, t)], None),
        "another scheme": lambda t: ([(h, f"Basic {t}")], None),
        "without quotes": lambda t: ([(h, f"Token token={t}")], None),
        "more": lambda t: ([(h, f'Token token="{t}", x="y"')], None),
        "another name": lambda t: ([], f"Token={t}"),
        "escaped name": lambda t: ([], f"to%6ben={t}"),
        "escaped": lambda t: ([], "token=" + t.replace(".", "%2E")),
        "list": lambda t: ([], f"token[]={t}"),
        "other header": lambda t: ([("X-Token", t)], None),
    }


# --- asking -----------------------------------------------------------------------------------

class Client:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.address = parts.hostname, parts.port
        self.host = parts.netloc
        self.file = self.socket = None

    def close(self):
        if self.file:
            self.file.close()
            self.socket.close()
        self.file = None

    def ask(self, request, headers):
        target = request.path + ("" if request.query is None else "?" + request.query)
        lines = [f"{request.method} {target} HTTP/1.1", f"Host: {self.host}", *(f"{k}: {v}" for k, v in headers)]
        data = ("\r\n".join(lines) + "\r\n\r\n").encode()
        for attempt in (1, 2):
            try:
                if not self.file:
                    self.socket = socket.create_connection(self.address, timeout=60)
                    self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.file = self.socket.makefile("rb")
                self.socket.sendall(data)
                status = self.file.readline()
                if status:
                    break
            except ConnectionError:
                pass
            # A kept connection may have been closed meanwhile.
            self.close()
            if attempt == 2:
                raise ConnectionError(f"no answer to {target}")
        found = []
        while (line := self.file.readline().decode("latin-1").rstrip("\r\n")):
            found.append(tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), ""))
        lower = {name.lower(): value for name, value in found}
        body = b"" if request.method == "HEAD" else self.file.read(int(lower["content-length"])) \
            if "content-length" in lower else self.chunks()
        if lower.get("connection") == "close":
            self.close()
        return int(status.split()[1]), found, body

    def chunks(self):
        body = b""
        while (size := int(self.file.readline(), 16)):
            body += self.file.read(size)
            self.file.readline()
        self.file.readline()
        return body


def refusal_is_recorded(headers):
    found = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value)
    for name, value in REFUSAL:
        got = found.get(name.lower(), [])
        if len(got) != 1 or (value is not None and got[0] != value) or not got[0]:
            return f"{name}: {got}, not {value}"
    for name in ("WWW-Authenticate", "Set-Cookie", "X-token", "ETag", "Last-Modified"):
        if name.lower() in found:
            return f"{name} is there"
    return None


class Asker:
    def __init__(self, url, site, as_sent):
        self.as_sent = as_sent
        self.client, self.oracle = Client(url), Oracle(site)
        self.count, self.wrong, self.seen = 0, 0, {}

    def ask(self, what, request, headers, more):
        sent = Request(request.path, "&".join(filter(None, [request.query, more])) or request.query,
                       request.kind, request.id, request.method)
        status, body = self.oracle.answer(sent, headers)
        got, got_headers, got_body = self.client.ask(sent, headers)
        why = None
        if got == 400 and len([name for name, _ in headers if name.lower() == "authorization"]) > 1:
            pass  # nginx takes no header of this name twice
        elif got != status:
            why = f"status {got}, not {status}"
        elif request.method != "HEAD" and body is not None and got_body != body:
            why = f"body {got_body[:100]!r}, not {body[:100]!r}"
        elif status == 401:
            why = refusal_is_recorded(got_headers)
        elif status == 301 and dict(got_headers).get("Location") != "/audit/" + ("?" + sent.query if sent.query else ""):
            why = "redirected to " + str(dict(got_headers).get("Location"))
        self.count += 1
        self.seen[status] = self.seen.get(status, 0) + 1
        if why:
            self.wrong += 1
            if self.wrong <= 20:
                print(f"wrong: {what}: {request.method} {sent.path[:100]}?{(sent.query or '')[:200]}: {why}")

    def matrix(self):
        right = damages()["right"]
        calls = list(requests(self.as_sent))
        ways = ("token", "bearer", "query")
        for kind, claims in kinds().items():
            for damage, make in damages().items():
                token = make(claims)
                for n, request in enumerate(calls):
                    carrier = ways[(n + len(damage) + len(kind)) % 3]
                    headers, more = carriers()[carrier](token)
                    self.ask(f"{kind}, {damage}, {carrier}", request, headers, more)
            for carrier, carry in carriers().items():
                headers, more = carry(right(claims))
                for request in calls:
                    self.ask(f"{kind}, {carrier}", request, headers, more)

    def random(self, count, seed):
        rng = random.Random(seed)
        albums = ALBUMS + ["unknown", "albumen", "OWN", "own "]
        images = list(TAGGED) + list(UNTAGGED) + ["nobody", "huge", ""]
        makers, calls, ways = list(damages().items()), list(requests(self.as_sent)), list(carriers().items())

        def truth():
            return True if rng.random() < 0.8 else rng.choice([False, 1, "true", None, [], {}, {"true": True}])

        def claims():
            made = {}
            if rng.random() < 0.85:
                made["abilities"] = {rng.choice(albums): rng.choice([
                    {"Access": {"image_list": truth()}}, {"Access": {"image_list": truth(), "audit": truth()}},
                    {"Access": {"audit": truth()}}, {"Access": {}}, {"access": {"image_list": True}}, True, None, []])
                    if rng.random() < 0.3 else {"Access": {"image_list": truth()}} for _ in range(rng.randrange(9))}
                if rng.random() < 0.2:
                    made["abilities"]["albumen"] = {"Access": {"audit": truth()}}
            if rng.random() < 0.3:
                made["thumbnail_tags"] = truth()
            if rng.random() < 0.3:
                made["q"] = rng.choice(["*", "*", "", "own", None, ["*"]])
            if rng.random() < 0.1:
                made["abilities"] = rng.choice([None, [], "own", {"own": LIST}])
            return made

        for n in range(count):
            what = rng.random()
            if what < 0.35:
                request = album_request(rng.choice(albums[:9]), rng.choice(
                    ["images", "images/untag", "images.json", "images/untag.json"]), rng)
            elif what < 0.8:
                request = tag_request([rng.choice(images) for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3, 5, 20]))], rng)
            else:
                request = rng.choice(calls)
            damage, make = makers[0] if rng.random() < 0.75 else rng.choice(makers)
            carrier, carry = rng.choice(ways[:3]) if rng.random() < 0.8 else rng.choice(ways)
            headers, more = carry(make(claims()))
            self.ask(f"seed {seed}, number {n}, {damage}, {carrier}", request, headers, more)

    def strange(self, count, seed):
        """What is hardly HTTP, without a token: never more than an error, except of /healthz."""
        rng = random.Random(seed)
        forms = ["GET {} HTTP/1.1", "GET {} HTTP/1.0", "get {} HTTP/1.1", "HEAD {} HTTP/1.1", "GET http://x{} HTTP/1.1",
                 "POST {} HTTP/1.1\r\nContent-Length: 0", "OPTIONS {} HTTP/1.1", "PROPFIND {} HTTP/1.1",
                 "GET {} HTTP/1.1\r\nAuthorization:", "GET {} HTTP/1.1\r\nauthorization: \tBearer x",
                 "GET {} HTTP/1.1\r\nRange: bytes=0-1", "GET {} HTTP/1.1\r\nX-Original-URL: /healthz",
                 "GET {} HTTP/1.1\r\nIf-None-Match: *", "GET {} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0"]
        pieces = ["..", "/", "//", "%2f", "%2e%2e", "?", "#", "%23", "%3f", ";", "&", "token=", "token=x", "own", "healthz",
                  "/healthz", "/healthz/../", "healthz%2f..%2f", "error/", "//error/404", "%00", "\\", "/./", "/../", " ",
                  "snapshot.json", "/audit/", "%61udit/", "albums", "images", ".json", "+", "http://x", "@"]
        calls = [call.path + ("?" + call.query if call.query else "") for call in requests(self.as_sent) if len(call.query or "") < 1000]
        for n in range(count):
            target = rng.choice(calls)
            for _ in range(rng.randrange(4)):
                at = rng.randrange(len(target) + 1)
                target = target[:at] + rng.choice(pieces) + target[at + (rng.randrange(6) if rng.random() < 0.3 else 0):]
            text = rng.choice(forms).format(target) + "\r\nHost: x\r\nConnection: close\r\n\r\n"
            with socket.create_connection(self.client.address, timeout=60) as connection:
                connection.sendall(text.encode())
                got = b""
                while (more := connection.recv(65536)):
                    got += more
            status = int(got.split()[1]) if got.startswith(b"HTTP/") else 0
            self.count += 1
            if status not in (400, 401, 405) and not (status == 503 and b"\r\nCache-Control: no-store\r\n" in got):
                self.wrong += 1
                print(f"wrong: strange, seed {seed}, number {n}: {text!r}: {got[:200]!r}")


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make")
    make.add_argument("data")
    make.add_argument("keys")
    ask = commands.add_parser("ask")
    ask.add_argument("--url", required=True)
    ask.add_argument("--site", required=True)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--random", type=int, default=10000)
    ask.add_argument("--as-sent", action="store_true")
    ask.add_argument("--strange", type=int, default=0)
    one = commands.add_parser("sign")
    one.add_argument("claims")
    args = parser.parse_args()
    if args.command == "make":
        write_library(args.data, args.keys)
    elif args.command == "sign":
        print(sign({"iss": "us", "exp": int(time.time()) + 3600} | json.loads(args.claims)))
    else:
        asker = Asker(args.url, args.site, args.as_sent)
        asker.matrix()
        asker.random(args.random, args.seed)
        asker.strange(args.strange, args.seed)
        print(f"{asker.count} requests, {asker.wrong} answered wrongly; by status: {sorted(asker.seen.items())}")
        return 1 if asker.wrong else 0
    return 0


sys.exit(main())
