# SPDX-License-Identifier: GPL-2.0-or-later
"""Libraries in which one change makes a large response, or very many."""

import hashlib
import json
import os
import tempfile
from pathlib import Path

from library import ROOT, Library, quiet, say

TAGS = 300
SHAPES = ("image", "album", "tag")


class Wide(Library):
    """Records of 230 to 280 bytes:

    image   one image with `wide` tag images; a change is one more of them
    album   one album of `wide` images, half of them tagged; a change is a new instant of an
            image without tags
    tag     `wide` images with one tag image each, all of the same tag; a change is a new label
    """

    def __init__(self, wide, shape):
        self.images = 100 if shape == "image" else wide
        self.wide, self.shape = wide, shape
        self.dir = Path(tempfile.mkdtemp(prefix=f"wide-{shape}.", dir=self.work))
        self.data = self.dir / "data"
        self.runs, self.count = {}, 0
        say(f"generating the wide {shape} of {wide:,}")
        self.data.mkdir()
        self.write("tags", (tag(n) for n in range(TAGS)))
        self.write("images", (image(n, 0 if shape == "album" else n // 12)
                              for n in range(self.images)))
        self.write("tag_images", {
            "image": (tag_image(n, 0, n % TAGS) for n in range(wide)),
            "album": (tag_image(n, n, n % TAGS) for n in range(wide // 2)),
            "tag": (tag_image(n, n, 0) for n in range(wide))}[shape])

    def write(self, name, records):
        with open(self.data / f"{name}.ndjson", "w", encoding="utf-8") as out:
            out.writelines(json.dumps(r, separators=(",", ":")) + "\n" for r in records)

    def change(self):
        self.count += 1
        if self.shape == "image":
            record = tag_image(self.wide + self.count, 0, self.count % TAGS)
        elif self.shape == "album":
            record = image(self.wide - self.count, 0)
            record["updated_at"] = f"2031-01-01T00:00:00.{self.count:09d}Z"
        else:
            record = tag(0)
            record["label"] = f"label {self.count}"
            record["updated_at"] = f"2031-01-01T00:00:00.{self.count:09d}Z"
        self.arrive(json.dumps(record))

    def changed(self, site=None):
        """One change: seconds of scan and export, and the export's peak of memory."""
        self.change()
        scan = self.scan(self.index)
        export = self.export(self.repo, site)
        return scan.seconds + export.seconds, export.peak

    def largest(self):
        """The bytes of the largest response of the last change."""
        return max(int(line.split()[2]) for line in self.objects()[1])

    def objects(self):
        """What the last change made, as `git cat-file --batch` prints it: a file, and the
        lines of the objects."""
        out = self.dir / "objects"
        changed = quiet("git", "-C", self.repo, "diff-tree", "-r", "-t", "--no-commit-id",
                        "HEAD~1", "HEAD").decode().splitlines()
        ids = [line.split()[3] for line in changed]
        ids = [*sorted(set(ids)), "HEAD^{tree}", "HEAD"]
        asked = "\n".join(i for i in ids if set(i) != {"0"}).encode()
        argv = ["git", "-C", self.repo, "cat-file"]
        out.write_bytes(quiet(*argv, "--batch", input=asked))
        return out, quiet(*argv, "--batch-check", input=asked).decode().splitlines()

    def floor(self, site=None):
        """The seconds of wide_floor.c for the last change."""
        program = self.work / "wide_floor"
        if not program.exists():
            quiet("cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", program,
                  ROOT / "tests/bench/wide_floor.c", "-ldeflate", "-lnettle")
        folder = self.fresh("floor")
        folder.mkdir()
        argv = [program, self.objects()[0], folder / "pack", *([folder] if site else [])]
        os.sync()
        return float(quiet(*argv))


def digest(*parts):
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def uuid(*parts):
    h = digest(*parts)
    return "-".join((h[:8], h[8:12], h[12:16], h[16:20], h[20:32]))


def instant(*parts):
    n = int(digest(*parts)[:12], 16)
    return (f"20{n % 9 + 15}-{n % 12 + 1:02d}-{n % 28 + 1:02d}T"
            f"{n % 24:02d}:{n % 59:02d}:{n % 57:02d}.{n % 1000:03d}Z")


def image(number, album):
    n, at = int(digest("image", number)[:12], 16), instant("created", number)
    return {"public_id": uuid("image", number), "album_id": f"album-{album}",
            "created_at": at, "updated_at": at, "filename": f"Roof Kitchen {n % 9999}.jpg",
            "width": n % 4000, "height": n % 3000, "size": n % 8000000,
            "etag": digest("etag", number)[:32]}


def tag(number):
    return {"id": uuid("tag", number), "created_at": "2015-01-01T00:00:00Z",
            "name": f"tag {number}", "label": f"label {number}",
            "url": "/public_tags/" + uuid("tag", number), "public": False, "listed": True,
            "visible": False, "color": "#" + digest("color", number)[:6],
            "label_en": f"tag {number}", "label_fr": f"etiquette {number}"}


def tag_image(number, of_image, of_tag):
    return {"id": uuid("tag image", number), "created_at": instant("tagged", number),
            "user": uuid("user", number % 50), "image_id": uuid("image", of_image),
            "tag_id": uuid("tag", of_tag)}
