#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Audits of every snapshot of a random history, computed slowly.

	audit.py --seed N --snapshots N --indexer FILE --exporter FILE --work DIR

Makes a history in which images are tagged, untagged and tagged again, move between
albums, disappear and come back. Then it reads every snapshot with git, computes the
audit from the images of albums and the tag images of images only (not from the files
that snapshots hold for audits), and compares: JSON and CSV, everything and each album,
the repository and a clone.
"""

import argparse
import csv
import datetime
import io
import json
import os
import random
import re
import subprocess
import sys
from fractions import Fraction

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from history import Failed, Programs  # noqa: E402
from library import Library  # noqa: E402
from model import instant  # noqa: E402

SLOTS = 90  # files in the folder; from 100 on the brake is stricter
LIBRARIES = ["Harbour", "=1+1, \u00e9t\u00e9", 'a "library"']
NAMES = ["", None, 7, "a.png", "\u00e9" * 60, "\u00e9" * 61, 'q"' * 60, 'q"' * 61, "x\U0001f600" * 30]
UNIX_EPOCH = instant("1970-01-01T00:00:00Z")
USERS = ["plain", 'quo"te, comma', "caf\u00e9 <b>", "", None, 7, ["x"], {"name": "y"}]


# --- a history ----------------------------------------------------------------------


class World:
    """A folder with one record in each file. A file keeps the kind of its record, and ids
    are few, so that most changes concern records that were there before."""

    def __init__(self, rng, path):
        self.rng = rng
        self.path = path
        self.now = 1700000000
        self.library = Library(rng)
        self.library.images = self.library.images[:24] + ["a/b", "\u00e9t\u00e9", ".hid"]
        self.library.tags = self.library.tags[:4] + ['q"u;o,t=e']
        self.library.tag_images = self.library.tag_images[:40]
        os.mkdir(path)
        for slot in range(SLOTS):
            self.write(slot)

    def record(self, slot):
        if slot < 8:
            return self.library.tag()
        if slot < 50:
            return self.library.image()
        members = [("id", self.rng.choice(self.library.tag_images))] + self.library.stamps()
        members += [("image_id", self.rng.choice(self.library.images))]
        members += [("tag_id", self.rng.choice(self.library.tags))]
        if self.rng.random() < 0.8:
            members.append(("user", self.rng.choice(USERS)))
        return self.library.shuffled(members)

    def file(self, slot):
        return os.path.join(self.path, "r%d.json" % slot)

    def write(self, slot):
        record = dict(self.record(slot))
        if slot >= 8 and self.rng.random() < 0.3:
            record["filename"] = self.rng.choice(NAMES)
        for name, value in record.items():
            # The library's own objects are lists of pairs, and its numbers are text.
            if name in ("infos",):
                record[name] = {"original_filename": self.rng.choice(NAMES)}
            elif name in ("gps", "crop_x"):
                record[name] = 0
            elif name == "created_at" and value and self.rng.random() < 0.3:
                record[name] = utc(self.now - self.rng.randrange(-90000, 900000))
            elif name == "id" and slot >= 8 and slot < 50 and value == "7":
                record[name] = 7
        with open(self.file(slot) + ".new", "w", encoding="utf-8") as file:
            json.dump(record, file, ensure_ascii=self.rng.random() < 0.5)
        os.rename(self.file(slot) + ".new", self.file(slot))

    def step(self):
        slot = self.rng.randrange(SLOTS)
        if os.path.exists(self.file(slot)) and self.rng.random() < 0.4:
            os.unlink(self.file(slot))
        else:
            self.write(slot)


def make(options, rng, programs):
    world = World(rng, programs.data)
    made = 0
    while made < options.snapshots:
        os.environ["SOURCE_DATE_EPOCH"] = str(world.now)
        programs.run("indexer", "scan", programs.index_arguments, [0])
        name = ["--name", rng.choice(LIBRARIES), "--accept", "name"] if rng.random() < 0.1 else []
        programs.run("exporter", "export", programs.export_arguments + name, [0])
        made = int(programs.git("rev-list", "--count", "main"))
        if rng.random() < 0.03:
            programs.run("exporter", "maintain", ["--repo", programs.repo], [0])
        world.now += rng.choice([0, 1, 3600, 86400, 400000])
        for _ in range(rng.choice([1, 1, 1, 2, 6])):
            world.step()
    del os.environ["SOURCE_DATE_EPOCH"]
    return programs.git("rev-list", "--reverse", "main").split()


# --- what the snapshots say ---------------------------------------------------------


class Blobs:
    def __init__(self, repo):
        self.process = subprocess.Popen(
            ["git", "--git-dir", repo, "cat-file", "--batch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.cache = {}

    def read(self, blob):
        if blob not in self.cache:
            self.process.stdin.write(blob.encode() + b"\n")
            self.process.stdin.flush()
            size = int(self.process.stdout.readline().split()[2])
            self.cache[blob] = json.loads(self.process.stdout.read(size))
            self.process.stdout.read(1)
        return self.cache[blob]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def file_name(ident):
    other = rb"[^A-Za-z0-9_-]"
    return re.sub(other, lambda c: b"%%%02X" % ord(c.group(0)), ident.encode()).decode()


def own_id(image):
    return image["id"] if isinstance(image.get("id"), str) else image["public_id"]


def order(record, ident):
    at = record.get("created_at")
    return (instant(at) if at else -1, ident.encode())


class Snapshot:
    """One snapshot: {album: {image: record}}, {image: its tag images}."""

    def __init__(self, programs, blobs, commit):
        self.commit = commit
        name = programs.git("log", "-1", "--format=%(trailers:key=Albumen-Name,valueonly)", commit)
        self.library = name.strip() or None
        self.time_s = int(programs.git("log", "-1", "--format=%ct", commit))
        self.albums, self.tag_images, named = {}, {}, {}
        for line in programs.git("ls-tree", "-r", commit).split("\n"):
            head, path = line.split("\t")
            blob = head.split()[2]
            match = re.fullmatch(r"api/v1/(.*)/../../([^/.]+)(/images)?\.json", path)
            if not match:
                continue
            if match.group(1) == "albums":
                images = {own_id(image): image for image in blobs.read(blob)}
                album = next(iter(images.values()))["album_id"]
                self.albums[album] = images
            else:
                named[match.group(2)] = blobs.read(blob)
        for images in self.albums.values():
            for ident in images:
                self.tag_images[ident] = named.pop(file_name(ident))
        if named:
            raise Failed("images of no album: %s" % sorted(named))

    def is_untagged(self, image):
        return self.tag_images.get(image) == []


def title(record):
    """What an image is called."""
    infos = record.get("infos")
    names = [record.get("title"), record.get("filename")]
    names.append(infos.get("original_filename") if isinstance(infos, dict) else None)
    return next((name for name in names if isinstance(name, str) and name), None)


def utc(time_s):
    """An instant; one outside the years 1000 to 9999 is their first or last second."""
    time_s = min(max(time_s, -30610224000), 253402300799)
    at = datetime.datetime.fromtimestamp(time_s, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Auditor:
    def __init__(self, snapshots, count_from="created"):
        self.snapshots = snapshots
        self.count_from = count_from

    def observed(self, at, image):
        first = at
        while first > 0 and self.snapshots[first - 1].is_untagged(image):
            first -= 1
        return first

    def since(self, at, image, record):
        """The instant that counts, and whether it is that of the creation."""
        first = self.observed(at, image)
        seconds = self.snapshots[first].time_s
        created = record.get("created_at")
        new = not any(image in s.tag_images for s in self.snapshots[:first])
        if self.count_from == "created" and created and new:
            created = (instant(created) - UNIX_EPOCH) // 10**9
            if created < seconds:
                return created, True
        return seconds, False

    def age_order(self, at, image, record):
        return self.since(at, image, record)[0], order(record, image)

    def untagged_image(self, at, image, record):
        observed = self.snapshots[self.observed(at, image)]
        since, from_created = self.since(at, image, record)
        return {
            "image": image,
            "title": title(record),
            "created_at": record.get("created_at"),
            "since": utc(since),
            "counted_from": "created" if from_created else "observed",
            "observed_since": utc(observed.time_s),
            "or_earlier": False,
            "observed_commit": observed.commit,
        }

    def counts(self, at, images):
        """The counts of {image: record}, and its untagged images, the oldest first."""
        snapshot = self.snapshots[at]
        untagged = [image for image in images if snapshot.is_untagged(image)]
        untagged.sort(key=lambda image: self.age_order(at, image, images[image]))
        untagged = [self.untagged_image(at, image, images[image]) for image in untagged]
        tags, taggings, shown = {}, [], {}
        for image in images:
            for tagging in snapshot.tag_images[image]:
                tag = tagging["tag"]
                tags[tag["id"]] = tag
                shown.setdefault(tag["id"], set()).add(image)
                taggings.append((order(tagging, tagging["id"]), image, tagging))
        last = None
        if taggings:
            _, image, tagging = max(taggings, key=lambda item: item[0])
            user = tagging.get("user")
            last = {
                "image": image,
                "tag_image": tagging["id"],
                "created_at": tagging.get("created_at"),
                "by": user if isinstance(user, str) else "unknown",
            }
        share = (20000 * len(untagged) + len(images)) // (2 * len(images)) if images else 0
        result = {
            "images": len(images),
            "tagged": len(images) - len(untagged),
            "untagged": len(untagged),
            "share": "@%d.%04d@" % divmod(share, 10000),
            "oldest_untagged": untagged[0] if untagged else None,
            "last_tagged": last,
            "tags": [
                {
                    "tag": tag,
                    "name": tags[tag]["name"],
                    "label": tags[tag]["label"],
                    "images": len(shown[tag]),
                }
                for tag in sorted(tags, key=lambda tag: (-len(shown[tag]), tag.encode()))
            ],
        }
        return result, untagged

    def last_tag(self, at, image):
        """The last tag image of the last snapshot that has the image tagged."""
        for snapshot in reversed(self.snapshots[:at]):
            taggings = snapshot.tag_images.get(image)
            if not taggings:
                continue
            last = max(taggings, key=lambda tagging: order(tagging, tagging["id"]))
            if len(taggings) > 1 and not last.get("created_at"):
                return None
            user = last.get("user")
            return {
                "tag": last["tag"]["id"],
                "name": last["tag"]["name"],
                "label": last["tag"]["label"],
                "created_at": last.get("created_at"),
                "by": user if isinstance(user, str) else "unknown",
            }
        return None

    def images(self, at, only, as_of, by):
        """The audit with a list of all untagged images in place of the albums."""
        audit = self.audit(at, only, as_of)
        snapshot, rows = self.snapshots[at], []
        for album in audit.pop("albums"):
            for image in album["untagged_images"]:
                record = snapshot.albums[album["album"]][image["image"]]
                created = order(record, image["image"])[0]
                row = {"album": album["album"], **image}
                row["last_tag"] = self.last_tag(at, image["image"])
                keys = {
                    "since": (),
                    "created": (created == -1, created),
                    "album": album["album"].encode(),
                    "image": image["image"].encode(),
                }
                age = self.age_order(at, image["image"], record)
                rows.append((keys[by], age, row))
        audit["untagged_images"] = [row for _, _, row in sorted(rows, key=lambda row: row[:2])]
        return audit

    def audit(self, at, only, as_of):
        snapshot = self.snapshots[at]
        albums = {only: snapshot.albums[only]} if only else snapshot.albums
        rows = []
        for album, images in albums.items():
            result, untagged = self.counts(at, images)
            rows.append({"album": album, **result, "untagged_images": untagged})
        rows.sort(key=lambda row: (-row["untagged"], row["album"].encode()))
        everything = {}
        for images in albums.values():
            everything.update(images)
        total, _ = self.counts(at, everything)
        return {
            "version": 1,
            "commit": snapshot.commit,
            "number": at + 1,
            "time": utc(snapshot.time_s),
            "library": snapshot.library,
            "as_of": as_of,
            "count_from": self.count_from,
            "oversize": [],
            "all": {**total, "albums": len(albums)},
            "albums": rows,
        }


def field(text):
    """What a spreadsheet could take for a formula gets an apostrophe."""
    return "'" + text if re.match("[\t\r\n']|[ \t\r\n]*[=+@\uff1d\uff0b\uff0d\uff20-]", text) else text


def as_rows(audit):
    yield (
        "scope,album,images,tagged,untagged,share,oldest_untagged,oldest_since,"
        "last_tagged_at,last_tagged_by,tags,oldest_created_at,oldest_counted_from,"
        "oldest_observed_since,oldest_or_earlier,oldest_commit,commit,time,library"
    ).split(",")
    for scope, row in [("all", audit["all"])] + [("album", row) for row in audit["albums"]]:
        oldest, last = row["oldest_untagged"] or {}, row["last_tagged"] or {}
        yield [
            scope,
            field(row.get("album", "")),
            str(row["images"]),
            str(row["tagged"]),
            str(row["untagged"]),
            row["share"].strip("@"),
            field(oldest.get("image", "")),
            oldest.get("since", ""),
            last.get("created_at") or "",
            field(last.get("by", "")),
            ";".join("%s=%d" % (field(tag["tag"]), tag["images"]) for tag in row["tags"]),
            oldest.get("created_at") or "",
            oldest.get("counted_from", ""),
            oldest.get("observed_since", ""),
            {True: "yes", False: "no"}.get(oldest.get("or_earlier"), ""),
            oldest.get("observed_commit", ""),
            audit["commit"],
            audit["time"],
            field(audit["library"] or ""),
        ]


def as_image_rows(audit):
    yield (
        "album,image,title,since,age_days,created_at,counted_from,observed_since,or_earlier,"
        "observed_commit,last_tag,last_tag_label,last_tagged_at,last_tagged_by,commit,time,"
        "library"
    ).split(",")
    for row in audit["untagged_images"]:
        last = row["last_tag"] or {}
        age_s = (instant(audit["as_of"]) - instant(row["since"])) // 10**9
        yield [
            field(row["album"]),
            field(row["image"]),
            field(row["title"] or ""),
            row["since"],
            str(max(age_s, 0) // 86400),
            row["created_at"] or "",
            row["counted_from"],
            row["observed_since"],
            "no",
            row["observed_commit"],
            field(last.get("tag", "")),
            field(last.get("label", "")),
            last.get("created_at") or "",
            field(last.get("by", "")),
            audit["commit"],
            audit["time"],
            field(audit["library"] or ""),
        ]


ALBUM_ORDERS = {
    "untagged": lambda row: (),
    "share": lambda row: -Fraction(row["untagged"], row["images"]),
    "images": lambda row: -row["images"],
    "album": lambda row: row["album"].encode(),
}


# --- the comparison -----------------------------------------------------------------


def exact(text):
    """Parses JSON, and keeps the order of members and the digits of numbers."""
    return json.loads(text, object_pairs_hook=list, parse_float=str)


def first_difference(got, want):
    got, want = (json.dumps(side, indent=1).split("\n") for side in (got, want))
    for line, (a, b) in enumerate(zip(got + [""] * len(want), want + [""] * len(got))):
        if a != b:
            near = slice(max(0, line - 8), line + 4)
            return "\n".join(["got:"] + got[near] + ["want:"] + want[near])
    return "no difference"


class Checker:
    def __init__(self, programs, auditor, repo, rng):
        self.rng = rng
        self.programs = programs
        self.auditor = auditor
        self.repo = repo

    def run(self, form, snapshot, only, *more):
        arguments = ["--repo", self.repo, "--format", form, "--at", snapshot.commit, *more]
        arguments += ["--album", only] if only else []
        if self.auditor.count_from != "created":
            arguments += ["--count-from", self.auditor.count_from]
        return self.programs.run("exporter", "audit", arguments, [0]).decode("utf-8")

    def check(self, at, only):
        snapshot = self.auditor.snapshots[at]
        want = self.auditor.audit(at, only, utc(snapshot.time_s))
        self.compare(want, as_rows, snapshot, only)
        self.check_images(at, only)
        by = self.rng.choice(sorted(ALBUM_ORDERS))
        want["albums"].sort(key=ALBUM_ORDERS[by])
        top = self.rng.randrange(len(want["albums"]) + 2)
        del want["albums"][top:]
        self.compare(want, as_rows, snapshot, only, "--sort", by, "--top", str(top))

    def check_images(self, at, only):
        snapshot = self.auditor.snapshots[at]
        by = self.rng.choice(["since", "since", "created", "album", "image"])
        want = self.auditor.images(at, only, utc(snapshot.time_s), by)
        arguments = ["--images"] + (["--sort", by] if by != "since" else [])
        if self.rng.random() < 0.5:
            top = self.rng.randrange(len(want["untagged_images"]) + 2)
            del want["untagged_images"][top:]
            arguments += ["--top", str(top)]
        self.compare(want, as_image_rows, snapshot, only, *arguments)

    def compare(self, want, rows_of, snapshot, only, *arguments):
        text = re.sub('"@(.*?)@"', r"\1", json.dumps(want))
        got = exact(self.run("json", snapshot, only, *arguments))
        if got != exact(text):
            raise Failed(first_difference(got, exact(text)))
        output = self.run("csv", snapshot, only, *arguments)
        rows = list(csv.reader(io.StringIO(output, newline=""), strict=True))
        if rows != list(rows_of(want)):
            raise Failed(first_difference(rows, list(rows_of(want))))


def run(options):
    rng = random.Random(options.seed)
    os.mkdir(options.work)
    programs = Programs(options, options.work)
    commits = make(options, rng, programs)
    blobs = Blobs(programs.repo)
    snapshots = [Snapshot(programs, blobs, commit) for commit in commits]
    auditors = [Auditor(snapshots, count_from) for count_from in ("created", "observed")]
    blobs.close()
    clone = os.path.join(options.work, "clone")
    subprocess.run(["git", "clone", "-q", "--no-local", programs.repo, clone], check=True)
    audits, since = 0, set()
    for at, snapshot in enumerate(snapshots):
        auditor = rng.choice(auditors)
        checker = Checker(programs, auditor, rng.choice([programs.repo, clone]), rng)
        for only in [None] + sorted(snapshot.albums):
            checker.check(at, only)
            audits += 1
        for images in snapshot.albums.values():
            since |= {row["observed_commit"] for row in auditor.counts(at, images)[1]}
    print("%d snapshots, %d audits" % (len(commits), audits), end="")
    print(", untagged since %d of them" % len(since))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--snapshots", type=int, default=60)
    parser.add_argument("--indexer", required=True)
    parser.add_argument("--exporter", required=True)
    parser.add_argument("--work", required=True)
    options = parser.parse_args()
    try:
        run(options)
    except Failed as failure:
        print("seed %d: %s" % (options.seed, failure))
        sys.exit(1)


if __name__ == "__main__":
    main()
