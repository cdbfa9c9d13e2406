#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Applies a diff to a snapshot, with nothing in common with the C code.

	apply.py REPO A B < LINES

reads the snapshot A with git, applies the lines of `albumen-exporter diff --json A B`
to its records, renders every file again, and compares with the tree of B. It also
checks that each line is canonical, in order, and correct for A. On any difference it
exits with status 1 and says what is wrong.

As a module: Snapshot (the records of a snapshot), read_files, apply_lines, in_album,
differences.
"""

import collections
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from model import ABSENT, Rejected, file_name, instant, parse, quote, sharded  # noqa: E402


class Wrong(Exception):
    pass


def git(repo, *arguments, data=None):
    command = ["git", "-C", repo] + list(arguments)
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def read_files(repo, rev, cache=None):
    """{path: body} of a snapshot; `cache` ({blob: body}) saves reading twice."""
    cache = {} if cache is None else cache
    blobs = {}
    for line in git(repo, "ls-tree", "-r", "-z", "--full-tree", rev).split(b"\0")[:-1]:
        meta, path = line.split(b"\t", 1)
        blobs[path.decode()] = meta.split()[2]
    missing = sorted(set(blobs.values()) - set(cache))
    out = git(repo, "cat-file", "--batch", data=b"".join(blob + b"\n" for blob in missing))
    at = 0
    for blob in missing:
        end = out.index(b"\n", at)
        size = int(out[at:end].split()[2])
        cache[blob] = out[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return {path: cache[blob] for path, blob in blobs.items()}


class Record:
    """One object: its canonical text, and its members' names and texts in order."""

    def __init__(self, text):
        value, parser = parse(text)
        if parser.canonical(value).encode() != text or value.kind != "object":
            raise Wrong("not the canonical text of an object: %r" % text[:200])
        self.text = text
        self.kinds = {name: member.kind for name, member in value.members}
        self.strings = {
            name: member.string.encode()
            for name, member in value.members
            if member.kind == "string"
        }
        self.members = [
            (name, parser.canonical(member).encode()) for name, member in value.members
        ]
        self.by_name = dict(self.members)

    def id(self):
        return self.strings["id"] if "id" in self.strings else self.strings["public_id"]

    def order(self):
        created = self.strings.get("created_at")
        return (ABSENT if created is None else instant(created.decode()), self.id())


def elements(body):
    value, parser = parse(body)
    if value.kind != "array":
        raise Wrong("not an array: %r" % body[:200])
    return [parser.canonical(item).encode() for item in value.items]


def own_text(record):
    """A tag image without the embedded objects: (text, image id, tag id)."""
    ids = {name: Record(record.by_name[name]).id() for name in ("image", "tag")}
    suffix = "" if "image_id" in record.by_name or "tag_id" in record.by_name else "_id"
    parts = []
    for name, text in record.members:
        if name in ids:
            name, text = name + suffix, quote(ids[name].decode()).encode()
        parts.append(quote(name).encode() + b":" + text)
    return b"{" + b",".join(parts) + b"}", ids["image"], ids["tag"]


def slots(record):
    return ("image", "tag") if "image" in record.by_name else ("image_id", "tag_id")


class Snapshot:
    """The records of a snapshot, by id; tag images without their embedded objects."""

    def __init__(self, files):
        self.images, self.tags, self.tag_images = {}, {}, {}
        for path, body in files.items():
            if path.startswith("api/v1/albums/") and path.endswith("/images.json"):
                for text in elements(body):
                    record = Record(text)
                    self.images[record.id()] = record
            elif path.startswith("audit/tags/"):
                record = Record(Record(body).by_name["tag"])
                self.tags[record.id()] = record
            elif path.startswith("api/v1/tag_images/") and path.endswith(".json"):
                for text in elements(body):
                    record = Record(own_text(Record(text))[0])
                    self.tag_images[record.id()] = record

    def album(self, ident):
        return self.images[ident].strings["album_id"]

    def joins(self, tag_image):
        """The image and the tag that a tag image joins."""
        record = self.tag_images[tag_image]
        return tuple(record.strings[slot] for slot in slots(record))

    def render_tag_image(self, record):
        image, tag = slots(record)
        parts = []
        for name, text in record.members:
            if name == image:
                name, text = "image", self.images[record.strings[image]].text
            elif name == tag:
                name, text = "tag", self.tags[record.strings[tag]].text
            parts.append(quote(name).encode() + b":" + text)
        return b"{" + b",".join(parts) + b"}"

    def render(self):
        """{path: body}"""
        albums, tagged = collections.defaultdict(list), collections.defaultdict(list)
        counts = collections.Counter()
        for ident in self.images:
            albums[self.album(ident)].append(ident)
        for ident in self.tag_images:
            image, tag = self.joins(ident)
            tagged[image].append(ident)
            counts[tag] += 1

        def array(records, idents, render=lambda record: record.text):
            ordered = sorted((records[ident] for ident in idents), key=Record.order)
            return b"[" + b",".join(render(record) for record in ordered) + b"]"

        files = {}
        for album, idents in albums.items():
            base = "api/v1/albums/%s/images" % sharded(album)
            files[base + ".json"] = array(self.images, idents)
            untagged = [ident for ident in idents if ident not in tagged]
            files[base + "/untag.json"] = array(self.images, untagged)
            for ident in idents:
                base = "api/v1/tag_images/%s" % sharded(ident)
                files[base + ".album"] = quote(album.decode()).encode()
                files[base + ".json"] = array(
                    self.tag_images, tagged.get(ident, []), self.render_tag_image
                )
        for ident, record in self.tags.items():
            files["audit/tags/%s.json" % sharded(ident)] = b'{"tag":%s,"tag_images":%d}' % (
                record.text,
                counts[ident],
            )
        return files


# --- lines --------------------------------------------------------------------------

VERSION = b'{"version":1,'
APPEARED = {"tag_appeared", "image_appeared", "tagged"}
DISAPPEARED = {"tag_disappeared", "image_disappeared", "untagged"}
# What each line is about, and the names of its members in their order.
LINES = {
    "tag_appeared": ("tag", "label record"),
    "tag_disappeared": ("tag", "label record"),
    "tag_renamed": ("tag", "members record"),
    "tag_changed": ("tag", "members record"),
    "image_appeared": ("image", "record"),
    "image_disappeared": ("image", "record"),
    "image_changed": ("image", "members record"),
    "tagged": ("tag_image", "record"),
    "untagged": ("tag_image", "record"),
    "tag_image_changed": ("tag_image", "members record"),
}
IDS = {"tag": ["tag"], "image": ["image", "album"], "tag_image": ["image", "tag_image", "tag"]}
GROUPS = ["tag", "image", "tag_image"]


def members_of(before, after):
    """The canonical text of "members", by its definition."""
    parts = []
    names = [name for name, _ in before.members]
    names += [name for name, _ in after.members if name not in before.by_name]
    for name in names:
        old, new = before.by_name.get(name), after.by_name.get(name)
        if old != new:
            part = b'{"member":' + quote(name).encode()
            part += b"" if old is None else b',"before":' + old
            part += b"" if new is None else b',"after":' + new
            parts.append(part + b"}")
    return b"[" + b",".join(parts) + b"]"


class Line:
    def __init__(self, text):
        record = Record(text)
        self.text = text
        self.change = record.strings["change"].decode()
        self.kind, rest = LINES[self.change]
        names = ["change"] + IDS[self.kind] + rest.split()
        if [name for name, _ in record.members] != names:
            raise Wrong("the members are not %s" % names)
        self.ids = {name: record.strings[name] for name in IDS[self.kind]}
        self.id = self.ids[self.kind]
        self.record = Record(record.by_name["record"])
        self.members = record.by_name.get("members")
        self.label = record.by_name.get("label")
        self.order = (GROUPS.index(self.kind), self.ids.get("image", b""), self.id)
        if self.record.id() != self.id:
            raise Wrong("the record has another id")
        if self.kind == "image" and self.record.strings["album_id"] != self.ids["album"]:
            raise Wrong("the record lies in another album")
        if self.kind == "tag_image" and tuple(
            self.record.strings[slot] for slot in slots(self.record)
        ) != (self.ids["image"], self.ids["tag"]):
            raise Wrong("the record joins something else")
        if self.label is not None and self.label != self.record.by_name["label"]:
            raise Wrong("the label is another one")

    def check_change(self, before):
        if self.members != members_of(before, self.record):
            raise Wrong("the members are not what differs")
        if before.text == self.record.text:
            raise Wrong("nothing differs")
        renamed = any(
            before.by_name[name] != self.record.by_name[name]
            for name in ("name", "label")
            if self.kind == "tag"
        )
        if self.kind == "tag" and renamed != (self.change == "tag_renamed"):
            raise Wrong("renamed or not?")


def split_lines(data):
    """The lines of an output, the first of which has the version of their form besides."""
    *lines, end = data.split(b"\n")
    if end:
        raise Wrong("the last line has no end")
    if lines and not lines[0].startswith(VERSION):
        raise Wrong("the first line has no version")
    return [b"{" + lines[0][len(VERSION) :], *lines[1:]] if lines else []


def apply_lines(snapshot, data):
    """Applies the lines to the snapshot; returns them."""
    lines = []
    for text in split_lines(data):
        try:
            lines.append(Line(text))
        except (Wrong, KeyError, Rejected) as error:
            raise Wrong("%s: %s" % (error, text.decode()))
    for one, next_one in zip(lines, lines[1:]):
        if one.order >= next_one.order:
            raise Wrong("out of order: %s" % next_one.text.decode())
    tables = {"tag": snapshot.tags, "image": snapshot.images}
    # By image and id, because one tag image may disappear and appear in one diff.
    tables["tag_image"] = {
        (snapshot.joins(ident)[0], ident): record
        for ident, record in snapshot.tag_images.items()
    }
    for line in lines:
        table = tables[line.kind]
        key = (line.ids["image"], line.id) if line.kind == "tag_image" else line.id
        try:
            if (line.change in APPEARED) != (key not in table):
                raise Wrong("it is there already, or not there")
            if line.change in DISAPPEARED:
                if table.pop(key).text != line.record.text:
                    raise Wrong("the record was another one")
                continue
            if line.change not in APPEARED:
                line.check_change(table[key])
            table[key] = line.record
        except Wrong as error:
            raise Wrong("%s: %s" % (error, line.text.decode()))
    snapshot.tag_images = {key[1]: record for key, record in tables["tag_image"].items()}
    if len(snapshot.tag_images) != len(tables["tag_image"]):
        raise Wrong("a tag image joins two images")
    return lines


def in_album(lines, album, before, after):
    """The texts of the lines that --album prints, by its definition."""
    images = {i for side in (before, after) for i in side.images if side.album(i) == album}
    tags = set()
    for side in (before, after):
        joins = [side.joins(ident) for ident in side.tag_images]
        tags |= {tag for image, tag in joins if image in images}

    def is_about_it(line):
        return line.id in tags if line.kind == "tag" else line.ids["image"] in images

    return [line.text for line in lines if is_about_it(line)]


def differences(got, want):
    """The paths that differ, as text for people; "" if none."""
    out = []
    for path in sorted(set(got) | set(want)):
        if got.get(path) != want.get(path):
            out.append("%s\n  got  %r\n  want %r" % (path, got.get(path), want.get(path)))
    return "\n".join(out[:10])


def main():
    repo, before, after = sys.argv[1:]
    cache = {}
    snapshot = Snapshot(read_files(repo, before, cache))
    try:
        apply_lines(snapshot, sys.stdin.buffer.read())
        wrong = differences(snapshot.render(), read_files(repo, after, cache))
    except Wrong as error:
        wrong = str(error)
    if wrong:
        print(wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
