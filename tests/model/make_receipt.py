#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Receipts, good and forged, made from the section RECEIPTS of albumen(7) alone.

	make_receipt.py cases FOLDER	writes receipts, and prints one line for each:
					good|bad, its file, its signers, what is printed, its name
	make_receipt.py flips FOLDER CHECKER SEED COUNT
					flips COUNT single bits of a receipt of FOLDER, one at
					a time; fails if the checker accepts one, or breaks
	make_receipt.py again REPO COMMIT
					reads receipts, one a line; fails if one is not what the
					page says about this signed snapshot

Only the last needs git, and none needs albumen. What is printed (a regular expression) keeps
a forgery from being refused for another reason than its own.
"""

import base64
import datetime
import hashlib
import json
import os
import random
import re
import runpy
import subprocess
import sys

TIME = 1588677002  # 2020-05-05T11:10:02Z: later the key expires
ROOTS = "Albumen-Tree-SHA256"


# --- a snapshot ---------------------------------------------------------------------


def encode(text):
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    return "".join(chr(b) if b in plain else "%%%02X" % b for b in text.encode())


def shard(name):
    digest = hashlib.sha1(b"blob %d\0" % len(name) + name.encode()).hexdigest()
    return digest[:2] + "/" + digest[2:4]


def image_path(text):
    name = encode(text)
    return f"api/v1/tag_images/{shard(name)}/{name}.json"


def album_path(text, what="images"):
    name = encode(text)
    return f"api/v1/albums/{shard(name)}/{name}/{what}.json"


def neighbour(text):
    """Another id in the same shard."""
    number = 0
    while shard(f"n{number}") != shard(encode(text)):
        number += 1
    return f"n{number}"


def sha256(kind, data):
    return hashlib.sha256(b"%s %d\0" % (kind, len(data)) + data).digest()


def entry(mode, name, identity):
    return mode.encode() + b" " + name.encode() + b"\0" + identity


class Snapshot:
    """Trees of files. `change` gets each tree's path and entries (mode, name, id) before they are
    written, and may spoil them."""

    def __init__(self, files, change=None):
        self.files = dict(files)
        self.trees = {}  # bodies by id
        self.root = self.write("", sorted(self.files), change)

    def write(self, path, below, change):
        entries = {}
        for file in below:
            name, slash, _ = file[len(path) :].partition("/")
            if slash and name + "/" not in entries:
                start = path + name + "/"
                inner = [other for other in below if other.startswith(start)]
                entries[name + "/"] = ("40000", name, self.write(start, inner, change))
            elif not slash:
                entries[name] = ("100644", name, sha256(b"blob", self.files[file].encode()))
        rows = [entries[key] for key in sorted(entries, key=str.encode)]
        rows = change(path, rows) if change else rows
        body = b"".join(row if isinstance(row, bytes) else entry(*row) for row in rows)
        identity = sha256(b"tree", body)
        self.trees[identity] = body
        return identity

    def way(self, path):
        """The ids of the trees that prove a path."""
        here, way = self.root, []
        for part in path.split("/"):
            body = self.trees.get(here)
            if body is None:
                break
            way.append(here)
            at = 0
            here = None
            while at < len(body):
                end = body.find(b"\0", at)
                if end < 0:
                    break
                if body[at:end].partition(b" ")[2] == part.encode() and here is None:
                    here = body[end + 1 : end + 33]
                at = end + 33
        return way


# --- a signed commit ----------------------------------------------------------------


class Signers:
    """A folder of keys and of files of allowed signers."""

    def __init__(self, folder):
        self.folder = folder
        self.keys = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def key(self, name):
        if name not in self.keys:
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name]
            subprocess.run([*command, "-f", self.path(name)], check=True)
            with open(self.path(name + ".pub"), encoding="ascii") as file:
                self.keys[name] = " ".join(file.read().split()[:2])
        return self.keys[name]

    def allow(self, name, *lines):
        """Writes a file; a line is (names, options, key)."""
        with open(self.path(name), "w", encoding="ascii") as file:
            for names, options, key in lines:
                file.write(" ".join(filter(None, (names, options, self.key(key)))) + "\n")
        return name

    def sign(self, data, key="key", namespace="git"):
        self.key(key)
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", self.path(key)]
        return subprocess.run(command, input=data, capture_output=True, check=True).stdout


class Commit:
    """Headers and message as lists of lines, so that tests can spoil them."""

    def __init__(self, root, seconds=TIME):
        self.headers = [
            "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
            "parent 1111111111111111111111111111111111111111",
            f"author Clerk <clerk@example.org> {seconds} +0000",
            f"committer Clerk <clerk@example.org> {seconds} +0200",
        ]
        self.message = ["Snapshot 7", "", "Albumen-Snapshot: 7", f"{ROOTS}: {root.hex()}"]
        self.end = "\n"

    def signed(self):
        return "\n".join(self.headers + ["", *self.message]).encode() + self.end.encode()

    def write(self, signers, gpgsig=lambda lines: lines, **options):
        """The commit with its signature. `gpgsig` may spoil the lines of that header."""
        lines = signers.sign(self.signed(), **options).decode().splitlines()
        lines = gpgsig(["gpgsig " + lines[0]] + [" " + line for line in lines[1:]])
        return "\n".join(self.headers + lines + ["", *self.message]).encode() + self.end.encode()


# --- a receipt ----------------------------------------------------------------------


def string(text):
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    out = []
    for character in text:
        code = ord(character)
        if character in short:
            out.append(short[character])
        elif code < 0x20 or character in "&<>\u2028\u2029":
            out.append("\\u%04x" % code)
        else:
            out.append(character)
    return '"' + "".join(out) + '"'


def b64(data):
    return base64.b64encode(data).decode()


class Receipt:
    """The members of a receipt, honest when it is made. `line` writes them."""

    def __init__(self, snapshot, commit, request):
        self.request = request
        self.time = "2020-05-05T11:10:02Z"
        self.data = commit
        self.commit = hashlib.sha1(b"commit %d\0" % len(commit) + commit).hexdigest()
        images = re.findall(r"image_ids\[\]=([^&]*)", request)
        if images:
            paths = [f"api/v1/tag_images/{shard(name)}/{name}.json" for name in images]
            inner = [snapshot.files.get(path, "[]")[1:-1] for path in paths]
            self.body = "[" + ",".join(filter(None, inner)) + "]"
        else:
            name, _, what = request.removeprefix("/api/v1/albums/").partition("/")
            paths = [f"api/v1/albums/{shard(name)}/{name}/{what}.json"]
            self.body = snapshot.files.get(paths[0])
        ids = dict.fromkeys(identity for path in paths for identity in snapshot.way(path))
        self.trees = [snapshot.trees[identity] for identity in ids]

    def members(self):
        return {
            "request": string(self.request),
            "time": string(self.time),
            "commit": string(self.commit),
            "signed_commit": string(b64(self.data)),
            "trees": "[" + ",".join(string(b64(tree)) for tree in self.trees) + "]",
            "body": "null" if self.body is None else string(self.body),
        }

    def line(self):
        return write(self.members())


def write(members):
    return ("{" + ",".join(f'"{name}":{text}' for name, text in members.items()) + "}\n").encode()


def images_request(*ids):
    return "/api/v1/tag_images?" + "&".join("image_ids[]=" + encode(text) for text in ids)


def album_request(text, what="images"):
    return f"/api/v1/albums/{encode(text)}/{what}"


# --- what is in the snapshot --------------------------------------------------------

ODD = "a/b.\u00e9 &\U0001f4f7"  # an id that needs encoding
HTML = "\\u003cscript\\u003e \\u2028 \x7f \u00e9\U0001f4f7 \\\\ \\\" \\u0001 \\n"


def tag_image(number, image):
    return f'{{"id":"t{number}","image":{image},"tag":{{"id":"g","name":"n","label":"{HTML}"}}}}'


def image(text, more=""):
    written = text.replace("&", "\\u0026")
    return f'{{"id":"{written}","public_id":"other","album_id":"al"{more}}}'


def library():
    deep = "[" * 510 + "]" * 510
    more = ',"x":{"same":1,"same":2},"n":0.0,"long":' + "9" * 5000 + ',"far":1e999'
    files = {
        image_path("one"): "[" + tag_image(1, image("one")) + "]",
        image_path("two"): "[" + tag_image(2, image("two", more)) + "," + tag_image(3, image("two")) + "]",
        image_path("none"): "[]",
        image_path("deep"): "[" + tag_image(4, image("deep", f',"d":{deep}')) + "]",
        image_path(ODD): "[" + tag_image(5, image(ODD)) + "]",
        image_path("public"): '[{"image":{"id":5,"public_id":"public"}}]',
        image_path("escaped"): '[{"image":{"public_id":"esc\\u0061ped"}}]',
        album_path("al"): "[" + image("one") + "," + image("two", ',"h":"' + HTML + '"') + "]",
        album_path("al", "images/untag"): "[]",
        album_path(ODD): "[" + image(ODD) + "]",
        album_path(ODD, "images/untag"): "[]",
        album_path("large", "images/untag"): "[]",
        "api/v1/tag_images/00/notes.json": "{}",
        "audit/tags/00/00/g.json": "{}",
    }
    for number in range(500):
        files[image_path(f"i{number}")] = "[" + tag_image(number, image(f"i{number}")) + "]"
    return files


# --- cases --------------------------------------------------------------------------


class Cases:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        self.signers = Signers(folder)
        self.signers.allow("allowed", ("clerk@example.org", "", "key"))
        self.snapshot = Snapshot(library())
        commit = Commit(self.snapshot.root)
        commit.message[2:2] = [f"Albumen-Oversize: {album_path('large')}"]
        commit.message[2:2] = [f"Albumen-Oversize: {image_path('vast')}"]
        self.commit = commit.write(self.signers)

    def case(self, kind, data, printed, name, signers="allowed"):
        self.count += 1
        path = os.path.join(self.folder, f"{self.count:03}")
        with open(path, "wb") as file:
            file.write(data)
        print(kind, path, os.path.join(self.folder, signers), printed, name, sep="\t")

    def good(self, name, receipt, printed="was answered with", **more):
        self.case("good", receipt.line(), printed, name, **more)

    def bad(self, name, printed, receipt, **more):
        data = receipt if isinstance(receipt, bytes) else receipt.line()
        self.case("bad", data, printed, name, **more)

    def make(self, honest, **spoilt):
        receipt = Receipt(self.snapshot, self.commit, honest)
        for member, value in spoilt.items():
            setattr(receipt, member, value)
        return receipt

    def other(self, request, files=None, change=None, commit=None, **options):
        """A receipt of another snapshot: of these files, with trees or a commit that are spoilt,
        and signed like that."""
        snapshot = Snapshot(library() if files is None else files, change)
        made = Commit(snapshot.root)
        if commit:
            commit(made)
        return Receipt(snapshot, made.write(self.signers, **options), request)


ONE = images_request("one")
BOTH = images_request("one", "two")
ALBUM = album_request("al")
SMALL = {image_path("one"): library()[image_path("one")]}


def good(cases):
    unknown = neighbour("one")
    cases.good("an image", cases.make(ONE))
    cases.good("several images", cases.make(images_request("two", "none", unknown, "one")))
    cases.good("an id that is encoded", cases.make(images_request(ODD)))
    cases.good("an album", cases.make(ALBUM), "with the body in it, [0-9]+ bytes")
    cases.good("the untagged images of an album", cases.make(album_request("al", "images/untag")))
    cases.good("an album whose id is encoded", cases.make(album_request(ODD)))
    cases.good("an unknown album", cases.make(album_request("nobody")), "null: .*unknown")
    untagged = album_request("nobody", "images/untag")
    cases.good("an unknown album, untagged", cases.make(untagged), "null: .*unknown")
    cases.good("an image without tags", cases.make(images_request("none")), "2 bytes$")
    lone = images_request("nobody")
    cases.good("an unknown image", cases.make(lone), "2 bytes; 1 of 1 images were unknown")
    cases.good("one in the same shard as another", cases.make(images_request(unknown)))
    cases.good("500 images", cases.make(images_request(*(f"i{n}" for n in range(500)))))
    cases.good("a record that is 512 deep", cases.make(images_request("deep")))
    cases.good("an image whose id is no string", cases.make(images_request("public")))
    cases.good("an image whose id is escaped", cases.make(images_request("escaped")))
    cases.good("a file where another path has a tree", cases.make(images_request("one", "none")))
    cases.good("the other file of an album of which one was too large",
               cases.make(album_request("large", "images/untag")))
    cases.good("an empty snapshot", cases.other(BOTH, {}), "2 of 2 images were unknown")
    cases.good("an empty file", cases.other(ALBUM, {album_path("al"): ""}), " 0 bytes$")
    cases.good("the longest ids", cases.make(images_request("x" * 200, "y" * 180 + "\u00e9" * 10)))
    same = {image_path("one"): "[]", image_path("two"): "[]"}
    cases.good("two images with the same file", cases.other(BOTH, same))
    slash = {ALBUM[1:] + ".json": "[]", **SMALL}
    cases.good("trees that nobody asks for", cases.other(ONE, slash))

    keys = cases.signers
    until = keys.allow("until", ("clerk@example.org", 'valid-before="20200505111003Z"', "key"))
    cases.good("a key that expired a second later", cases.make(ONE), "clerk@example.org", signers=until)
    several = keys.allow("several", ("no@x", "", "other"), ("a@x,b@x", 'namespaces="git"', "key"))
    cases.good("a key of two names, after another", cases.make(ONE), "signed by a@x", signers=several)

    def longer(commit):
        commit.headers.insert(0, "mergetag object 1\n committer in a continued line\n gpgsig, too\n ")
        commit.message[:0] = [f"{ROOTS}: in another paragraph", ""]
        commit.message += ["Other-Trailer:", "no trailer", "albumen-tree-sha256: x"]
        commit.end = "\n\n \n"

    cases.good("other headers, other trailers", cases.other(ONE, commit=longer))

    def spaces(commit):
        commit.message[-1] = f"{ROOTS}:{commit.message[-1][-64:]}   "

    cases.good("spaces around the value of a trailer", cases.other(ONE, commit=spaces))
    cases.good("a commit whose last line has no end",
               cases.other(ONE, commit=lambda commit: setattr(commit, "end", "")))


def bad_lines(cases):
    """The text of the line."""
    honest = cases.make(BOTH)
    line = honest.line()
    members = honest.members()

    def changed(**texts):
        return write({**members, **texts})

    for name, data, printed in (
        ("an empty file", b"", "does not begin"),
        ("no newline", line[:-1], "does not begin }"),
        ("two newlines", line + b"\n", "something follows"),
        ("bytes after the line", line + b" ", "something follows"),
        ("two receipts", line + line, "something follows"),
        ("a carriage return", line[:-1] + b"\r\n", "does not begin }"),
        ("a byte order mark", b"\xef\xbb\xbf" + line, "character 0 "),
        ("UTF-16", line.decode().encode("utf-16"), "UTF-8"),
        ("a space before", b" " + line, "character 0 "),
        ("a space after a colon", line.replace(b'"time":', b'"time": '), "begin a string"),
        ("a space in trees", line.replace(b'"trees":[', b'"trees":[ '), "begin a string"),
        ("a space before the end", line[:-2] + b" }\n", "does not begin }"),
        ("a byte that is not UTF-8", line.replace(b"}\n", b"\xff}\n"), "is not UTF-8"),
        ("a surrogate in UTF-8", line.replace(b'"}\n', b'\xed\xa0\x80"}\n'), "is not UTF-8"),
        ("half of a surrogate pair", line.replace(b'"}\n', b'\\ud800"}\n'), "surrogate"),
        ("a raw control character", line.replace(b'"}\n', b'\x01"}\n'), "is not JSON"),
        ("an unknown escape", line.replace(b'"}\n', b'\\x"}\n'), "is not JSON"),
        ("an escape that is not needed", line.replace(b'"/api', b'"\\u002fapi'), "another way"),
        ("an escaped slash", line.replace(b'"/api', b'"\\/api'), "another way"),
        ("a raw ampersand", line.replace(b"\\u0026", b"&"), "another way"),
        ("an escape in upper case", line.replace(b"\\\\u003c", b"\\u005Cu003c"), "another way"),
        ("a letter as an escape", line.replace("\u00e9".encode(), b"\\u00e9"), "another way"),
        ("a character as two escapes",
         line.replace("\U0001f4f7".encode(), b"\\ud83d\\udcf7"), "another way"),
        ("DEL as an escape", line.replace(b"\x7f", b"\\u007f"), "another way"),
        ("a member of another name", line.replace(b'"time"', b'"Time"'), 'begin ,"time"'),
        ("an escaped name", line.replace(b'"time"', b'"tim\\u0065"'), 'begin ,"time"'),
        ("no body", write({n: t for n, t in members.items() if n != "body"}), 'begin \\],"body"'),
        ("another member", changed(more="1"), "does not begin }"),
        ("a member twice", line.replace(b',"time"', b',"request":"x","time"'), 'begin ,"time"'),
        ("another order", write(dict(sorted(members.items()))), 'begin {"request"'),
        ("a number as request", changed(request="1" * 10000), "begin a string"),
        ("null as commit", changed(commit="null"), "begin a string"),
        ("trees that are null", changed(trees="null"), "begin ,\"trees\":\\["),
        ("a tree that is null", changed(trees="[null]"), "begin a string"),
        ("a body that is false", changed(body="false"), "begin a string"),
        ("a body that is an array", changed(body=honest.body), "begin a string"),
        ("an array around it", b"[" + line[:-1] + b"]\n", "character 0 "),
        ("a deep array", b"[" * 1000000, "character 0 "),
        ("a deep array within", changed(body="[" * 1000000), "begin a string"),
        ("a string without an end", line[:-3], "is not JSON"),
        ("too many trees", changed(trees="[" + ",".join(['""'] * 5000) + "]"), "more trees than"),
        ("zeros", bytes(100000), "character 0 "),
        ("all bytes", bytes(range(256)), "is not UTF-8"),
    ):
        cases.bad(name, printed, data)

    commit, tree = b64(honest.data), b64(honest.trees[0])
    assert commit.endswith("=")
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    bits = re.sub("(.)(=+)$", lambda end: digits[digits.index(end[1]) + 1] + end[2], commit)
    for name, text in (
        ("base64 without its padding", commit.rstrip("=")),
        ("base64 with more padding", commit + "="),
        ("base64 in lines", commit[:76] + "\n" + commit[76:]),
        ("base64 with bits that mean nothing", bits),
        ("base64 with a space", commit + " "),
        ("base64 of two parts", b64(honest.data[:1]) + b64(honest.data[1:])),
        ("base64 with letters of others", "\u00e9" + commit),
        ("base64 for addresses", commit.replace("/", "_").replace("+", "-")),
        ("signed_commit in hex", honest.data.hex()),
    ):
        cases.bad(name, "signed_commit is not base64|id of signed_commit",
                  changed(signed_commit=string(text)))
    cases.bad("a tree that is not base64", "tree 1 is not base64",
              line.replace(tree.encode(), tree.rstrip("=").encode() + b"%"))


def bad_requests(cases):
    form = "none of those that have receipts"
    encoded = "not encoded as it must"
    needless = "needs no encoding"
    more = "other than image_ids"
    for name, request, printed in (
        ("lower case hex digits", "/api/v1/tag_images?image_ids[]=a%2eb", encoded),
        ("a raw dot", "/api/v1/tag_images?image_ids[]=a.b", encoded),
        ("a letter that is encoded", "/api/v1/tag_images?image_ids[]=%6Fne", needless),
        ("a plus", "/api/v1/tag_images?image_ids[]=a+b", encoded),
        ("a percent sign alone", "/api/v1/tag_images?image_ids[]=a%", encoded),
        ("a raw letter of others", "/api/v1/tag_images?image_ids[]=\u00e9", encoded),
        ("a raw newline", "/api/v1/tag_images?image_ids[]=one\n", encoded),
        ("an empty id", "/api/v1/tag_images?image_ids[]=", encoded),
        ("an id that is not UTF-8", "/api/v1/tag_images?image_ids[]=%FF", "not UTF-8"),
        ("a surrogate as an id", "/api/v1/tag_images?image_ids[]=%ED%A0%80", "not UTF-8"),
        ("an overlong id", "/api/v1/tag_images?image_ids[]=%C0%AF", "not UTF-8"),
        ("a control character", "/api/v1/tag_images?image_ids[]=%0A", "control"),
        ("DEL", "/api/v1/tag_images?image_ids[]=%7F", "control"),
        ("U+0085", "/api/v1/tag_images?image_ids[]=%C2%85", "control"),
        ("an id of 201 bytes", images_request("x" * 201), "too long"),
        ("a name of 241 bytes", images_request("x" * 190 + "." * 17), "too long"),
        ("an id twice", images_request("one", "one"), "twice"),
        ("501 ids", images_request(*(f"i{n}" for n in range(501))), "more than 500"),
        ("encoded brackets", ONE.replace("[]", "%5B%5D"), more),
        ("no brackets", ONE.replace("[]", ""), more),
        ("another parameter", ONE + "&page=1", more),
        ("an ampersand at the end", ONE + "&", more),
        ("no parameter", "/api/v1/tag_images?", more),
        ("the collection", "/api/v1/tag_images", form),
        ("an answer of a site", "/api/v1/tag_images.json?image_ids[]=one", form),
        ("a host", "http://localhost" + ONE, form),
        ("a method", "GET " + ONE, form),
        ("two slashes", "/" + ONE, form),
        ("a fragment", ONE + "#x", encoded),
        ("tags", "/api/v1/tags", form),
        ("an album itself", "/api/v1/albums/al", form),
        ("an album with .json", "/api/v1/albums/al/images.json", form),
        ("an album with a slash", "/api/v1/albums/al/images/", form),
        ("an album with a query", "/api/v1/albums/al/images?x=1", form),
        ("an album without an id", "/api/v1/albums//images", encoded),
        ("an album of two parts", "/api/v1/albums/al/x/images", form),
        ("an album above", "/api/v1/albums/../images", encoded),
        ("a newline at the end", "/api/v1/albums/al/images\n", form),
        ("an empty request", "", form),
    ):
        cases.bad("request: " + name, printed, cases.make(request))
    cases.bad("another request", "tree 4 is", cases.make(ALBUM, request=ONE))
    wide = cases.make(BOTH, request=images_request("two", "one"))
    cases.bad("the same ids in another order", "tree 5 is", wide)
    narrow = cases.make(BOTH, request=ONE)
    cases.bad("an id less", "whose turn|are needed", narrow)
    added = cases.make(BOTH, request=images_request("one", "two", "none"))
    cases.bad("an id more", "is missing", added)


def bad_commits(cases):
    honest = cases.make(ONE)
    cases.bad("another commit", "the id of signed_commit is", cases.make(ONE, commit="0" * 40))
    cases.bad("commit in upper case", "the id of", cases.make(ONE, commit=honest.commit.upper()))
    for name, instant in (
        ("another time", "2020-05-05T11:10:03Z"),
        ("a time in another zone", "2020-05-05T13:10:02+02:00"),
        ("a time with a fraction", "2020-05-05T11:10:02.0Z"),
        ("a time in lower case", "2020-05-05t11:10:02z"),
        ("a time in seconds", str(TIME)),
    ):
        cases.bad(name, "the time of the commit is 2020-05-05T11:10:02Z", cases.make(ONE, time=instant))

    def refused(name, printed, **more):
        cases.bad(name, printed, cases.other(ONE, SMALL, **more))

    def header(line, at=4):
        return lambda commit: commit.headers.insert(at, line)

    def committer(value):
        return lambda commit: commit.headers.__setitem__(3, f"committer {value}")

    def message(change):
        return lambda commit: setattr(commit, "message", change(commit.message))

    def paragraph(*lines):
        return message(lambda old: [old[0], "", *(line.replace("ROOT", old[3][-64:]) for line in lines)])

    refused("two committers", "2 headers committer", commit=header("committer A <a> 5 +0000"))
    refused("the same committer twice", "2 headers committer",
            commit=lambda commit: commit.headers.append(commit.headers[3]))
    refused("no committer", "0 headers committer", commit=lambda commit: commit.headers.pop(3))
    refused("two signatures", "2 headers gpgsig", gpgsig=lambda lines: lines * 2)
    refused("a signed signature", "2 headers gpgsig", commit=header("gpgsig x"))
    refused("no signature", "0 headers gpgsig", gpgsig=lambda lines: [])
    refused("a signature of another name", "0 headers gpgsig",
            gpgsig=lambda lines: ["gpgsig-sha256" + lines[0][6:], *lines[1:]])
    refused("a signature in the message", "0 headers gpgsig", gpgsig=lambda lines: ["", *lines])
    refused("a line that is no header", "begin a header", commit=header("header"))
    refused("a header without a name", "begin a header", commit=header(" tree", 0))
    only = hashlib.sha1(b"commit 5\0tree ").hexdigest()
    cases.bad("a commit without a message", "no empty line", cases.make(ONE, data=b"tree ", commit=only))
    none = hashlib.sha1(b"commit 0\0").hexdigest()
    cases.bad("an empty commit", "no empty line", cases.make(ONE, data=b"", commit=none))
    for name, value in (
        ("a committer without a time", "Clerk <clerk@example.org>"),
        ("a committer without a zone", f"Clerk <clerk@example.org> {TIME}"),
        ("a committer without an address", f"Clerk {TIME} +0000"),
        ("a time before 1970", "Clerk <c@x> -1 +0000"),
        ("a time after 9999", "Clerk <c@x> 253402300800 +0000"),
        ("an endless time", f"Clerk <c@x> {'9' * 5000} +0000"),
        ("a time with zeros before it", f"Clerk <c@x> 0{TIME} +0000"),
        ("a time with a sign", f"Clerk <c@x> +{TIME} +0000"),
        ("a time in digits of others", f"Clerk <c@x> \u0661{TIME} +0000"),
        ("two spaces before the time", f"Clerk <c@x>  {TIME} +0000"),
        ("a zone that is none", f"Clerk <c@x> {TIME} UTC"),
        ("something after the zone", f"Clerk <c@x> {TIME} +0000 x"),
        ("a committer of two lines", f"Clerk <c@x> {TIME} +0000\n <c@x> {TIME} +0000"),
    ):
        refused(name, "has no time", commit=committer(value))

    root = f"{ROOTS}: ROOT"
    refused("the trailer twice", "2 trailers", commit=paragraph(root, root))
    refused("two trailers", "2 trailers", commit=paragraph(root, f"{ROOTS}: {'0' * 64}"))
    refused("no trailer", "0 trailers", commit=paragraph("Albumen-Snapshot: 7"))
    refused("a trailer in lower case", "0 trailers", commit=paragraph(root.lower().replace("root", "ROOT")))
    refused("a trailer with a space before its colon", "0 trailers", commit=paragraph(f"{ROOTS} : ROOT"))
    refused("a trailer that is indented", "0 trailers", commit=paragraph(f" {ROOTS}: ROOT"))
    refused("a trailer in a paragraph before the last", "0 trailers", commit=paragraph(root, "", "end"))
    refused("a trailer after a line of one space", "0 trailers",
            commit=message(lambda old: [old[0], " ", old[3]]))
    refused("a trailer in the only paragraph", "0 trailers", commit=message(lambda old: old[3:]))
    for name, value in (("in upper case", lambda old: old[:-64] + old[-64:].upper()),
                        ("that is short", lambda old: old[:-1]),
                        ("with more behind it", lambda old: old + " x"),
                        ("with a tab", lambda old: old + "\t")):
        refused("a root " + name, "is not an id",
                commit=message(lambda old, value=value: old[:3] + [value(old[3])]))
    refused("a root that is not there", "tree 1 is",
            commit=message(lambda old: old[:3] + [f"{ROOTS}: {'0' * 64}"]))


def bad_signatures(cases):
    keys = cases.signers
    finds, valid = "finds no signer who is allowed", "finds no valid signature"

    def refused(name, printed, **more):
        cases.bad(name, printed, cases.other(ONE, SMALL, **more))

    refused("another signer", finds, key="stranger")
    refused("another namespace", valid, namespace="file")
    armor = "not just an SSH signature"
    refused("a line after the signature", armor, gpgsig=lambda lines: [*lines, " hidden"])
    refused("an empty line after the signature", armor, gpgsig=lambda lines: [*lines, " "])
    refused("a line before the signature", armor, gpgsig=lambda lines: ["gpgsig x", " " + lines[0][7:], *lines[1:]])
    refused("a signature cut short", armor, gpgsig=lambda lines: lines[:-1])
    refused("a signature twice in one header", armor,
            gpgsig=lambda lines: [*lines, " " + lines[0][7:], *lines[1:]])
    refused("an empty signature", armor, gpgsig=lambda lines: [lines[0], lines[-1]])
    refused("a signature of OpenPGP", armor,
            gpgsig=lambda lines: [line.replace("SSH", "PGP") for line in lines])
    refused("a signature that is none", "ssh-keygen finds no",
            gpgsig=lambda lines: [lines[0], " AAAA", lines[-1]])

    snapshot = Snapshot(SMALL)
    other = Commit(snapshot.root, TIME + 1)
    stolen = keys.sign(Commit(snapshot.root).signed()).decode().splitlines()
    data = other.write(keys, lambda _: ["gpgsig " + stolen[0]] + [" " + line for line in stolen[1:]])
    receipt = Receipt(snapshot, data, ONE)
    receipt.time = "2020-05-05T11:10:03Z"
    cases.bad("the signature of another commit", valid, receipt)
    own = Commit(Snapshot({image_path("one"): "[]"}).root)
    data = own.write(keys, key="stranger")
    forged = Receipt(Snapshot({image_path("one"): "[]"}), data, ONE)
    cases.bad("another answer, signed by a stranger", finds, forged)

    honest = cases.make(ONE)
    for name, options, printed in (
        ("expired", 'valid-before="20200505111001Z"', finds),
        ("not-yet", 'valid-after="20200505111003Z"', finds),
        ("files", 'namespaces="file"', valid),
    ):
        allowed = keys.allow(name, ("clerk@example.org", options, "key"))
        cases.bad(f"signers: {name}", printed, honest, signers=allowed)
    cases.bad("signers: a stranger", finds, honest, signers=keys.allow("stranger-only", ("x@x", "", "stranger")))
    cases.bad("signers: nobody", finds, honest, signers=keys.allow("nobody"))
    cases.bad("signers: no such file", "No such file", honest, signers="missing")
    epoch = cases.other(ONE, SMALL, commit=lambda commit: commit.headers.__setitem__(
        3, "committer C <c@x> 0 +0000"))
    epoch.time = "1970-01-01T00:00:00Z"
    cases.bad("a time that ssh-keygen does not know", finds, epoch)


def bad_trees(cases):
    unknown = neighbour("one")
    honest = cases.make(BOTH)
    trees = honest.trees
    foreign = Snapshot(SMALL).trees
    for number in range(len(trees)):
        without = trees[:number] + trees[number + 1 :]
        cases.bad(f"without tree {number + 1}", "tree [0-9]+ is|is missing", cases.make(BOTH, trees=without))
        twice = trees[: number + 1] + trees[number:]
        cases.bad(f"tree {number + 1} twice", "tree [0-9]+ is|are needed", cases.make(BOTH, trees=twice))
    for number in range(len(trees) - 1):
        swapped = [*trees]
        swapped[number : number + 2] = reversed(swapped[number : number + 2])
        cases.bad(f"trees {number + 1} and {number + 2} swapped", "tree [0-9]+ is", cases.make(BOTH, trees=swapped))
    cases.bad("no trees", "is missing", cases.make(BOTH, trees=[]))
    cases.bad("a tree more", "only [0-9]+ are needed", cases.make(BOTH, trees=trees + [b""]))
    cases.bad("trees in reverse", "tree 1 is", cases.make(BOTH, trees=trees[::-1]))
    cases.bad("a tree of another snapshot", "tree 1 is",
              cases.make(BOTH, trees=[*foreign.values()][-1:] + trees[1:]))
    shorter = trees[:-1] + [b""]
    cases.bad("an empty tree in place of the last", "tree [0-9]+ is", cases.make(BOTH, trees=shorter))

    # Absence and presence.
    cases.bad("a present album is said to be unknown", "there is no body", cases.make(ALBUM, body=None))
    cases.bad("so, with fewer trees", "is missing", cases.make(ALBUM, body=None, trees=cases.make(ALBUM).trees[:4]))
    cases.bad("an absent album is said to be empty", "there is a body", cases.make(album_request("no"), body="[]"))
    one = library()[image_path("one")]
    cases.bad("a present image is said to be unknown", "the body of", cases.make(ONE, body="[]"))
    other = cases.make(images_request(unknown), body=one)
    cases.bad("an absent image is said to have tags", "whose turn", other)
    own = one.replace('"id":"one"', f'"id":"{unknown}"')
    cases.bad("so, with tag images of its own", "is not in the snapshot", cases.make(images_request(unknown), body=own))
    for path, request in ((image_path("vast"), images_request("vast")), (album_path("large"), album_request("large"))):
        cases.bad(f"{path} was too large", "there is no answer", cases.make(request))
    cases.bad("one of several was too large", "there is no answer", cases.make(images_request("one", "vast")))

    # Trees that are signed, but are none.
    folder = image_path("one").rpartition("/")[0] + "/"
    inner = {**SMALL, folder + "a.json": "[]", folder + "zz.json": "[]"}

    def refused(name, printed, change, at=folder, files=inner):
        def spoil(path, rows):
            return change(rows) if path == at else rows
        cases.bad(name, printed, cases.other(ONE, files, change=spoil))

    begin, order = "does not begin an entry", "out of order"
    refused("entries out of order", order, lambda rows: rows[::-1])
    refused("an entry twice", "twice", lambda rows: [rows[0], *rows])
    refused("a file and a tree of one name", "twice",
            lambda rows: [*rows, ("40000", rows[-1][1], rows[-1][2])])
    refused("a file and a tree of one name, not side by side", "twice",
            lambda rows: [*rows, ("100644", "zz.json.x", rows[0][2]), ("40000", "zz.json", rows[0][2])])
    refused("a file in the order of a tree", order,
            lambda rows: [("100644", "a.json0", rows[0][2]), ("100644", "a.json", rows[0][2]), *rows[1:]])
    refused("a tree in the order of a file", order,
            lambda rows: [("40000", "Z", rows[0][2]), ("100644", "Z.x", rows[0][2]), *rows])
    for mode in "100755", "120000", "160000", "040000", "0100644", "100664", "":
        refused(f"mode {mode}", begin, lambda rows, mode=mode: [(mode, *rows[0][1:]), *rows[1:]])
    refused("an entry without a name", begin, lambda rows: [("100644", "", rows[0][2]), *rows])
    refused("a name with a slash", begin, lambda rows: [("100644", "a/b", rows[0][2]), *rows])
    refused("an id of 20 bytes", begin, lambda rows: [*rows[:-1], (*rows[-1][:2], rows[-1][2][:20])])
    refused("bytes after the entries", begin, lambda rows: [*rows, b"\0"])
    refused("a header in the body", begin, lambda rows: [b"tree 40\0", *rows])
    refused("a file as a tree", "is no file", lambda rows: [
        row if row[1] != "one.json" else ("40000", *row[1:]) for row in rows])
    refused("a tree as a file", "is no tree", lambda rows: [("100644", *row[1:]) for row in rows], at="api/v1/")
    refused("a disorder in a folder above", order, lambda rows: rows[::-1], at="",
            files={**inner, "audit/x": "{}"})


def bad_bodies(cases):
    files = library()
    one, two = (files[image_path(text)] for text in ("one", "two"))
    second, third = [part for part in re.split(r',(?={"id":"t3")', two[1:-1])]
    first = one[1:-1]
    turn, content = "whose turn", "the body of"
    for name, body, printed in (
        ("elements in another order", f"[{first},{third},{second}]", content),
        ("images in another order", f"[{second},{third},{first}]", content),
        ("an element of the second before the first", f"[{second},{first},{third}]", content),
        ("an element less", f"[{first},{second}]", content),
        ("an element twice", f"[{first},{first},{second},{third}]", content),
        ("the last twice", f"[{first},{second},{third},{third}]", content),
        ("an element more", f"[{first},{second},{third},{first}]", turn),
        ("an element of another image", f"[{first},{second},{third},{files[image_path(ODD)][1:-1]}]", turn),
        ("a space between elements", f"[{first}, {second},{third}]", "begins no element"),
        ("a space at the end", f"[{first},{second},{third} ]", "character [0-9]+ of the body is"),
        ("a space after the array", f"[{first},{second},{third}] ", "character [0-9]+ of the body is"),
        ("a space in an element", f"[{first},{second},{third}]".replace('"image":', '"image": '), content),
        ("a comma at the end", f"[{first},{second},{third},]", "begins no element"),
        ("an array without an end", f"[{first},{second},{third}", "of the body is wrong"),
        ("an array without elements between commas", f"[{first},,{second},{third}]", "begins no element"),
        ("arrays in an array", f"[{one},{two}]", "without an image"),
        ("arrays one after the other", one + two, "of the body is wrong"),
        ("an empty array", "[]", content),
        ("the end of an array", "]", "of the body is wrong"),
        ("the beginning of an array", "[", "begins no element"),
        ("an empty body", "", "of the body is wrong"),
        ("null in a string", "null", "of the body is wrong"),
        ("a body that is null", None, "there is no body"),
        ("an object", first, "of the body is wrong"),
        ("numbers", "[1,2]", "without an image"),
        ("no number", "[NaN]", "begins no element"),
        ("an image that is none", '[{"image":"one"}]', "without an image"),
        ("an element without an image", '[{"id":"one"}]', "without an image"),
        ("an image without an id", '[{"image":{"id":1}}]', "image without an id"),
        ("two images", '[{"image":{"id":"one"},"image":{"id":"one"}}]', "two members image"),
        ("two ids", '[{"image":{"id":"one","id":"two"}}]', "two members id"),
        ("half a surrogate pair as an id", '[{"image":{"id":"\\ud800"}}]', content),
        ("a deep element", "[" + '{"image":' * 100000, "begins no element"),
        ("a deep array", "[" * 100000, "begins no element"),
        ("a long number", "[" + "9" * 100000 + "]", "without an image"),
    ):
        cases.bad("body: " + name, printed, cases.make(BOTH, body=body))
    for name, body in (
        ("another one", "[]"),
        ("a newline more", files[album_path("al")] + "\n"),
        ("a byte less", files[album_path("al")][:-1]),
        ("empty", ""),
    ):
        cases.bad("album: " + name, content, cases.make(ALBUM, body=body))

    # What the signer put into the wrong file proves nothing about the image.
    wrong = {image_path("one"): f"[{first},{second}]", image_path("two"): f"[{third}]"}
    cases.bad("a file with an element of the next image", content, cases.other(BOTH, wrong))
    cases.bad("a file with an element of another image", content,
              cases.other(ONE, {image_path("one"): f"[{second}]"}))
    cases.bad("a file with a space", "of the body is wrong", cases.other(ONE, {image_path("one"): f"[{first} ]"}))
    twice = first.replace('"id":"one"', '"id":"one","id":"one"')
    cases.bad("a file with an id twice", "two members id", cases.other(ONE, {image_path("one"): f"[{twice}]"}))


# --- flipped bits -------------------------------------------------------------------


def flips(folder, checker, seed, count):
    module = runpy.run_path(checker)
    with open(os.path.join(folder, "002"), "rb") as file:
        data = file.read()
    with open(os.path.join(folder, "allowed"), "rb") as file:
        allowed = file.read()
    module["check"](data, allowed)
    rng = random.Random(seed)
    for _ in range(count):
        bit = rng.randrange(8 * len(data))
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            module["check"](bytes(flipped), allowed)
        except module["Refused"]:
            continue
        sys.exit(f"accepted, though bit {bit % 8} of byte {bit // 8} is flipped")


# --- the receipts of others ---------------------------------------------------------


def again(repo, commit):
    def git(*command, **options):
        run = subprocess.run(["git", "-C", repo, *command], check=True, stdout=subprocess.PIPE, **options)
        return run.stdout

    rows = [row.split(b"\t") for row in git("ls-tree", "-rz", commit).split(b"\0")[:-1]]
    blobs = git("cat-file", "--batch", input=b"".join(row[0].split()[2] + b"\n" for row in rows))
    files, at = {}, 0
    for _, path in rows:
        end = blobs.index(b"\n", at)
        length = int(blobs[at:end].split()[2])
        files[path.decode()] = blobs[end + 1 : end + 1 + length].decode()
        at = end + 1 + length + 1
    snapshot, data = Snapshot(files), git("cat-file", "commit", commit)
    seconds = re.search(rb"^committer .*> ([0-9]+) ", data, re.MULTILINE)[1]
    instant = datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)
    for line in sys.stdin.buffer:
        request = json.loads(line)["request"]
        receipt = Receipt(snapshot, data, request)
        receipt.time = instant.strftime("%Y-%m-%dT%H:%M:%SZ")
        if receipt.line() != line:
            sys.exit(f"{request}: this is not the receipt that the page describes")
        print(request)


def main(arguments):
    if arguments[0] == "again":
        again(*arguments[1:])
        return
    if arguments[0] == "flips":
        flips(arguments[1], arguments[2], int(arguments[3]), int(arguments[4]))
        return
    os.mkdir(arguments[1])
    cases = Cases(arguments[1])
    for part in good, bad_lines, bad_requests, bad_commits, bad_signatures, bad_trees, bad_bodies:
        part(cases)


if __name__ == "__main__":
    main(sys.argv[1:])
