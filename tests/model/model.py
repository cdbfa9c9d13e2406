#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A slow, independent model of albumen(7), from metadata files to paths.

It reads a metadata folder and computes what the site and the snapshot must hold,
with nothing in common with the C code: it keeps everything in memory, and each
reading of the folder computes everything again. The tests compare the programs
with it, byte for byte.

	model = Model()
	model.read_folder("photos")	(again after each change: see below)
	model.responses()		{site path: body}
	model.snapshot_files()		{snapshot path: body}
	model.git_tree_id()		the id that git gives to the snapshot's tree
	model.oversize()		the snapshot paths of bodies that are too large

A model remembers what each file claimed. A file that has become bad keeps its
earlier claims, so the responses depend on the history of the folder.

On the command line, `model.py DIR OUT` writes the site of DIR into the folder OUT,
and `model.py --tree DIR` prints the tree id.
"""

import collections
import hashlib
import os
import re
import stat
import sys
import unicodedata

ID_MAX = 200
NAME_MAX = 240
DEPTH_MAX = 512
RECORD_MAX = 16 << 20
LINE_MAX = RECORD_MAX + 4096
HOLE = bytes(4096)
BODY_MAX = 256 << 20  # a larger body is not in a snapshot


class NotJson(Exception):
    """The text is not JSON."""


class Rejected(Exception):
    """One record is rejected."""


# --- JSON: RFC 8259 to the letter, with the text of numbers kept --------------------

SPACE = re.compile(r"[ \t\r\n]*")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
STRING = re.compile(
    r'"([^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*)"'
)
ESCAPE = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
    r"|\\u([0-9a-fA-F]{4})|\\(.)"
)
SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
# The escapes of a canonical string; everything else is written as it is, in UTF-8.
CANONICAL = {i: "\\u%04x" % i for i in range(0x20)}
CANONICAL.update({ord(char): "\\" + letter for letter, char in SIMPLE.items()})
CANONICAL.update({ord('"'): '\\"', ord("\\"): "\\\\"})
CANONICAL.update({ord(char): "\\u%04x" % ord(char) for char in "&<>\u2028\u2029"})


class Value:
    """A JSON value: what it is, and where in the list of canonical tokens."""

    __slots__ = ("kind", "string", "members", "items", "depth", "half", "span", "tokens")

    def __init__(self, kind, begin):
        self.kind = kind  # object, array, string, number, true, false, null
        self.string = None  # the characters of a string
        self.members = []  # of an object: (name, Value)
        self.items = []  # of an array
        self.depth = 0  # of the arrays and objects in it, itself included
        self.half = False  # has a \u escape of half a surrogate pair somewhere
        self.span = (begin, begin)  # characters of the source
        self.tokens = (0, 0)

    def end(self, at, tokens):
        self.span = (self.span[0], at)
        self.tokens = (self.tokens[0], tokens)

    def adopt(self, child):
        self.depth = max(self.depth, child.depth + 1)
        self.half = self.half or child.half


def decode_string(raw):
    """The characters of a string's source text, and whether there is a half pair."""
    if "\\" not in raw:
        return raw, False
    half = False

    def one(match):
        nonlocal half
        high, low, single, letter = match.groups()
        if high:
            return chr(
                0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)
            )
        if single:
            code = int(single, 16)
            if 0xD800 <= code <= 0xDFFF:
                half = True
                return "\ufffd"
            return chr(code)
        return SIMPLE.get(letter, letter)

    return ESCAPE.sub(one, raw), half


class Parser:
    """Reads JSON values out of a text; canonical tokens go into self.out."""

    def __init__(self, text):
        self.text = text
        self.out = []

    def canonical(self, value):
        return "".join(self.out[value.tokens[0] : value.tokens[1]])

    def space(self, at):
        return SPACE.match(self.text, at).end()

    def string(self, at):
        match = STRING.match(self.text, at)
        if not match:
            raise NotJson("string at %d" % at)
        value = Value("string", at)
        value.tokens = (len(self.out), len(self.out) + 1)
        value.string, value.half = decode_string(match.group(1))
        self.out.append('"' + value.string.translate(CANONICAL) + '"')
        value.span = (at, match.end())
        return value, match.end()

    def scalar(self, at):
        if self.text.startswith('"', at):
            return self.string(at)
        for word in ("true", "false", "null"):
            if self.text.startswith(word, at):
                kind, end = word, at + len(word)
                break
        else:
            match = NUMBER.match(self.text, at)
            if not match:
                raise NotJson("value at %d" % at)
            kind, end = "number", match.end()
        value = Value(kind, at)
        value.tokens = (len(self.out), len(self.out) + 1)
        value.span = (at, end)
        self.out.append(self.text[at:end])
        return value, end

    def value(self, at):
        """The value at `at` (after white space), and where it ends. No recursion."""
        text, out = self.text, self.out
        stack = []  # open arrays and objects, each with the name that waits
        at = self.space(at)
        while True:
            # Here a value begins.
            char = text[at : at + 1]
            if char in ("[", "{"):
                value = Value("array" if char == "[" else "object", at)
                value.depth = 1
                value.tokens = (len(out), 0)
                out.append(char)
                at = self.space(at + 1)
                closing = "]" if char == "[" else "}"
                if not text.startswith(closing, at):
                    name = None
                    if char == "{":
                        name, at = self.name(at)
                    stack.append((value, name))
                    continue
                out.append(closing)
                at += 1
                value.end(at, len(out))
            else:
                value, at = self.scalar(at)
            # Here a value has ended.
            while stack:
                parent, name = stack.pop()
                parent.adopt(value)
                if parent.kind == "object":
                    parent.half = parent.half or name.half
                    parent.members.append((name.string, value))
                else:
                    parent.items.append(value)
                at = self.space(at)
                if text.startswith(",", at):
                    out.append(",")
                    at = self.space(at + 1)
                    if parent.kind == "object":
                        name, at = self.name(at)
                    stack.append((parent, name))
                    break
                closing = "}" if parent.kind == "object" else "]"
                if not text.startswith(closing, at):
                    raise NotJson("expected , or %s at %d" % (closing, at))
                out.append(closing)
                at += 1
                parent.end(at, len(out))
                value = parent
            else:
                return value, at

    def name(self, at):
        """The name of a member, and where its value begins."""
        name, at = self.string(at)
        at = self.space(at)
        if not self.text.startswith(":", at):
            raise NotJson("expected : at %d" % at)
        self.out.append(":")
        return name, self.space(at + 1)


def parse(data):
    """The one value that the bytes are, and its parser."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJson("invalid UTF-8") from error
    parser = Parser(text)
    value, at = parser.value(0)
    if parser.space(at) != len(text):
        raise NotJson("something follows the value")
    return value, parser


# --- instants -----------------------------------------------------------------------

ABSENT = -(10**30)  # earlier than every instant
INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{1,9}))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)


def days(year, month, day):
    """Days from 0000-01-01 of the proleptic Gregorian calendar."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    if not 1 <= month <= 12 or not 1 <= day <= lengths[month - 1]:
        raise Rejected("no such day")
    before = year * 365 + (year + 3) // 4 - (year + 99) // 100 + (year + 399) // 400
    return before + sum(lengths[: month - 1]) + day - 1


def instant(text):
    """Nanoseconds since the year 0; every digit counts, nothing is rounded."""
    match = INSTANT.fullmatch(text)
    if not match:
        raise Rejected("not an RFC 3339 instant")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, off_hour, off_minute = match.groups()[6:]
    offset = 0
    if sign:
        if int(off_hour) > 23 or int(off_minute) > 59:
            raise Rejected("no such offset")
        offset = (int(off_hour) * 60 + int(off_minute)) * (-1 if sign == "-" else 1)
    if hour > 23 or minute > 59 or second > 60:
        raise Rejected("no such time")
    minutes = days(year, month, day) * 1440 + hour * 60 + minute - offset
    if second == 60 and minutes % 1440 != 1439:
        raise Rejected("a leap second that is not 23:59:60 UTC")
    return (minutes * 60 + second) * 10**9 + int((fraction or "").ljust(9, "0"))


# --- records ------------------------------------------------------------------------


def file_name(ident):
    """An id (bytes) as a file name."""
    return "".join(
        chr(byte) if re.match(rb"[A-Za-z0-9_-]", bytes([byte])) else "%%%02X" % byte
        for byte in ident
    )


def good_id(text):
    """The bytes of an id."""
    ident = text.encode("utf-8")
    if not 1 <= len(ident) <= ID_MAX:
        raise Rejected("length of an id")
    if any(unicodedata.category(char) == "Cc" for char in text):
        raise Rejected("control character in an id")
    if len(file_name(ident)) > NAME_MAX:
        raise Rejected("an id too long as a file name")
    return ident


class Record:
    """One claim: what it is about, when it was said, and its text."""

    def __init__(self, kind, ident, value, parser):
        self.kind = kind  # image, tag, tag image
        self.id = ident
        self.text = parser.canonical(value).encode("utf-8")
        self.album = None  # of an image
        self.image = self.tag = None  # of a tag image
        self.slots = None  # the names of the two members that say so
        # A tag image's members: (name, canonical text of `"name":value`)
        self.parts = [
            (name, (quote(name) + ":" + parser.canonical(member)).encode("utf-8"))
            for name, member in value.members
        ]
        self.created = stamp_of(value, "created_at")
        updated = stamp_of(value, "updated_at")
        self.stamp = self.created if updated == ABSENT else updated

    def strength(self):
        """What decides between claims on one record."""
        return (self.stamp, self.text)


def quote(string):
    return '"' + string.translate(CANONICAL) + '"'


def member(value, name):
    for other, found in value.members:
        if other == name:
            return found
    return None


def string_of(value, name):
    found = member(value, name)
    return found.string if found is not None and found.kind == "string" else None


def is_object(value, name):
    found = member(value, name)
    return found is not None and found.kind == "object"


def stamp_of(value, name):
    found = member(value, name)
    if found is None:
        return ABSENT
    if found.kind == "string":
        return instant(found.string)
    if found.kind == "null":
        return ABSENT
    raise Rejected("%s is neither a string nor null" % name)


def shape(value):
    """The kind of a record, by the first shape that matches; None if none does."""
    if value.kind != "object":
        return None

    def string(name):
        return string_of(value, name) is not None

    if string("id") and (is_object(value, "image") and is_object(value, "tag")):
        return "tag image"
    if string("id") and (string("image_id") and string("tag_id")):
        return "tag image"
    if string("public_id") and string("album_id"):
        return "image"
    if string("id") and string("name") and string("label"):
        return "tag"
    return None


def plain_record(value, parser):
    """The record that an object is, whatever is embedded in it."""
    kind = shape(value)
    if kind is None:
        raise Rejected("neither an image, nor a tag, nor a tag image")
    names = [name for name, _ in value.members]
    if len(set(names)) != len(names):
        raise Rejected("a member stands twice")
    ident = string_of(value, "id")
    if kind == "image" and ident is None:
        ident = string_of(value, "public_id")
    record = Record(kind, good_id(ident), value, parser)
    if kind == "image":
        record.album = good_id(string_of(value, "album_id"))
    return record


def records_of(value, parser):
    """The claims that one JSON value makes: one, or the three of a tag image."""
    if value.half:
        raise Rejected("half a surrogate pair")
    if value.depth > DEPTH_MAX:
        raise Rejected("nested too deep")
    begin, end = value.span
    if len(parser.text[begin:end].encode("utf-8")) > RECORD_MAX:
        raise Rejected("too large")
    record = plain_record(value, parser)
    if record.kind != "tag image":
        return [record]
    if string_of(value, "image_id") is not None and string_of(value, "tag_id") is not None:
        if member(value, "image") is not None or member(value, "tag") is not None:
            raise Rejected("both ids and objects")
        record.image = good_id(string_of(value, "image_id"))
        record.tag = good_id(string_of(value, "tag_id"))
        record.slots = ("image_id", "tag_id")
        return [record]
    image = plain_record(member(value, "image"), parser)
    tag = plain_record(member(value, "tag"), parser)
    if image.kind != "image" or tag.kind != "tag":
        raise Rejected("what is embedded is not an image and a tag")
    record.image, record.tag = image.id, tag.id
    record.slots = ("image", "tag")
    return [record, image, tag]


# --- files --------------------------------------------------------------------------


SUFFIXES = (b".json", b".ndjson", b".jsonl")


def eligible(name):
    return not name.startswith(b".") and not name.endswith(b"~")


def files_below(folder, known):
    """The paths (bytes, below the folder) of all metadata files; those that are
    known stay where their folder cannot be read."""
    found = set()
    waiting = [b""]
    while waiting:
        prefix = waiting.pop()
        try:
            entries = list(os.scandir(os.path.join(folder, prefix)))
        except PermissionError:
            found.update(path for path in known if path.startswith(prefix))
            continue
        for entry in entries:
            if not eligible(entry.name):
                continue
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                waiting.append(prefix + entry.name + b"/")
            elif stat.S_ISREG(mode) and entry.name.endswith(SUFFIXES):
                found.add(prefix + entry.name)
    return found


class Reading:
    """What one reading of one file gave: its claims, and how many rejects."""

    def __init__(self, path, data):
        self.claims = {}  # (kind, id): Record, the strongest of this reading
        self.rejects = 0
        if path.endswith(b".json"):
            self.read_document(data)
        else:
            self.read_lines(data)

    def read_document(self, data):
        try:
            value, parser = parse(data)
        except NotJson:
            self.rejects += 1
            return
        for item in value.items if value.kind == "array" else [value]:
            self.take(item, parser)

    def read_lines(self, data):
        for line in data.split(b"\n"):
            if not line.strip(b" \t\r"):
                continue
            if len(line) > LINE_MAX:
                self.rejects += 1
                return
            try:
                self.take(*parse(line))
            except NotJson:
                self.rejects += 1
                if HOLE in line:
                    return

    def take(self, value, parser):
        try:
            records = records_of(value, parser)
        except Rejected:
            self.rejects += 1
            return
        for record in records:
            keep_stronger(self.claims, record)


def keep_stronger(claims, record):
    key = (record.kind, record.id)
    if key not in claims or claims[key].strength() < record.strength():
        claims[key] = record


# --- the model ----------------------------------------------------------------------


class Model:
    def __init__(self):
        self.claims = {}  # path: {(kind, id): Record}
        self.rejects = {}  # path: how many, of those that have any
        self.readings = {}  # (suffix, hash): Reading; parsing is the slow part
        self.images, self.tags, self.tag_images = {}, {}, {}

    def as_it_is(self):
        """A copy of what is known, without the files that say so."""
        copy = Model()
        copy.images, copy.tags = dict(self.images), dict(self.tags)
        copy.tag_images = dict(self.tag_images)
        return copy

    def read_folder(self, folder):
        """Reads the folder as it is now."""
        folder = os.fsencode(folder)
        found = files_below(folder, self.claims)
        for path in set(self.claims) - found:
            del self.claims[path]
        self.rejects = {}
        for path in found:
            earlier = self.claims.setdefault(path, {})
            try:
                with open(os.path.join(folder, path), "rb") as file:
                    data = file.read()
            except OSError:
                self.rejects[path] = 1
                continue
            reading = self.reading(path, data)
            if reading.rejects:
                self.rejects[path] = reading.rejects
                for record in reading.claims.values():
                    keep_stronger(earlier, record)
            else:
                self.claims[path] = dict(reading.claims)
        self.elect()

    def reading(self, path, data):
        key = (path.endswith(b".json"), hashlib.sha256(data).digest())
        if key not in self.readings:
            self.readings[key] = Reading(path, data)
        return self.readings[key]

    def elect(self):
        winners = {}
        for claims in self.claims.values():
            for record in claims.values():
                keep_stronger(winners, record)

        def of_kind(kind):
            return {key[1]: record for key, record in winners.items() if key[0] == kind}

        self.images, self.tags = of_kind("image"), of_kind("tag")
        self.tag_images = of_kind("tag image")

    def live(self):
        return [
            record
            for record in self.tag_images.values()
            if record.image in self.images and record.tag in self.tags
        ]

    def render_tag_image(self, record):
        parts = []
        for name, text in record.parts:
            if name == record.slots[0]:
                text = b'"image":' + self.images[record.image].text
            elif name == record.slots[1]:
                text = b'"tag":' + self.tags[record.tag].text
            parts.append(text)
        return b"{" + b",".join(parts) + b"}"

    def bodies(self):
        """Every response but the collections: ((row, id), body); None: it is too large."""
        live = self.live()
        tagged = {}
        for record in live:
            tagged.setdefault(record.image, []).append(record)
        albums = {}
        for image in self.images.values():
            albums.setdefault(image.album, []).append(image)
        for ident in self.images:
            records = tagged.get(ident, [])
            yield ("tag_images", ident), array(records, self.render_tag_image, BODY_MAX)
        for ident, images in albums.items():
            untagged = [image for image in images if image.id not in tagged]
            yield ("untag", ident), array(untagged, lambda image: image.text, BODY_MAX)
            yield ("images", ident), array(images, lambda image: image.text, BODY_MAX)

    def responses(self, collections=False):
        """{path in the site: body}"""
        site, lost = {}, set()

        def put(path, body):
            if body is None:
                path, body = path.removesuffix(".json") + ".oversize", b""
            site[path] = body

        for (row, ident), body in self.bodies():
            put(path_of(row, file_name(ident)), body)
            if body is None and row == "tag_images":
                lost.add(ident)

        def collect(path, records):
            # Collections are made of the snapshot's files: where one is not there, neither
            # is what it would be in.
            whole = not any(record.image in lost for record in records)
            put(path, array(records, self.render_tag_image) if whole else None)

        if collections:
            collect(path_of("all_tag_images"), self.live())
            site[path_of("all_tags")] = array(self.tags.values(), lambda tag: tag.text)
            for ident in self.tags:
                of_tag = [record for record in self.live() if record.tag == ident]
                collect(path_of("tag_images_of_tag", file_name(ident)), of_tag)
        return site

    def oversize(self):
        """Where in the snapshot the bodies would be that are too large for it, sorted."""
        return sorted(
            path_of(row, sharded(ident))
            for (row, ident), body in self.bodies()
            if body is None
        )

    def snapshot_files(self):
        """{path in the snapshot: body}"""
        files = {}
        for (row, ident), body in self.bodies():
            if body is not None:
                files[path_of(row, sharded(ident))] = body
        # What audits need beside the responses: the album of an image, and the tags.
        for ident, image in self.images.items():
            album = quote(image.album.decode()).encode()
            files[path_of("album_of", sharded(ident))] = album
        counts = collections.Counter(record.tag for record in self.live())
        for ident, tag in self.tags.items():
            files[path_of("tag", sharded(ident))] = (
                b'{"tag":%s,"tag_images":%d}' % (tag.text, counts[ident])
            )
        return files

    def counts(self):
        """What `albumen-indexer status` counts."""
        tagged = {record.image for record in self.live()}
        return {
            "files": len(self.claims),
            "rejected_files": len(self.rejects),
            "rejects": sum(self.rejects.values()),
            "images": len(self.images),
            "tags": len(self.tags),
            "tag_images": len(self.tag_images),
            "live_tag_images": len(self.live()),
            "albums": len({image.album for image in self.images.values()}),
            "untagged": sum(ident not in tagged for ident in self.images),
            "claims": sum(len(claims) for claims in self.claims.values()),
        }

    def git_tree_id(self):
        """The id of the snapshot's tree, in hex."""
        root = {}
        for path, body in self.snapshot_files().items():
            folder = root
            *folders, name = path.split("/")
            for part in folders:
                folder = folder.setdefault(part, {})
            folder[name] = git_id("blob", body)
        return tree_id(root).hex()


def array(records, render, most=None):
    """The body with these records; None: it has more than `most` bytes."""
    texts, size = [], 1
    for record in sorted(records, key=lambda record: (record.created, record.id)):
        texts.append(render(record))
        size += len(texts[-1]) + 1
        if most is not None and size > most:
            return None
    return b"[" + b",".join(texts) + b"]"


def sharded(ident):
    """xx/yy/N"""
    name = file_name(ident)
    shard = git_id("blob", name.encode()).hex()
    return "%s/%s/%s" % (shard[:2], shard[2:4], name)


# Where a site has the responses; `*` is an id as a file name, which in a snapshot has its
# shard in front. (tests/e2e/edge.t compares this with exporter/snapshot/response.c.)
PATHS = {
    "tag_images": "api/v1/tag_images/*.json",
    "untag": "api/v1/albums/*/images/untag.json",
    "images": "api/v1/albums/*/images.json",
    "album_of": "api/v1/tag_images/*.album",
    "tag": "audit/tags/*.json",
    "all_tag_images": "api/v1/tag_images.json",
    "all_tags": "api/v1/tags.json",
    "tag_images_of_tag": "api/v1/tags/*/tag_images.json",
}


def path_of(row, name=""):
    return PATHS[row].replace("*", name)


def git_id(kind, data):
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data).digest()


def tree_id(folder):
    # git sorts a folder as if its name ended in a slash.
    entries = []
    for name, entry in folder.items():
        is_folder = isinstance(entry, dict)
        ident = tree_id(entry) if is_folder else entry
        mode = b"40000" if is_folder else b"100644"
        sort = name.encode() + (b"/" if is_folder else b"")
        entries.append((sort, mode + b" " + name.encode() + b"\0" + ident))
    return git_id("tree", b"".join(entry for _, entry in sorted(entries)))


def write_site(model, folder):
    for path, body in model.responses().items():
        target = os.path.join(folder, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(body)


def main(arguments):
    model = Model()
    if len(arguments) == 2 and arguments[0] == "--tree":
        model.read_folder(arguments[1])
        print(model.git_tree_id())
        return 0
    if len(arguments) == 2:
        model.read_folder(arguments[0])
        write_site(model, arguments[1])
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
