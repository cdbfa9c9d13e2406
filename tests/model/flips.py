#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Flips one random bit of an index, and checks the consequences.

	flips.py BUILD FLIPS [SEED]

Each flip is made in a copy of the same index, which is then exported into a new
repository. In another copy the folder changes, the index is brought up to it,
and the export goes on from the one before. Either the tree is the one that an
undamaged index gives, or a command fails. Anything else is reported as WRONG, with
exit status 1.
"""
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

SECONDS = 60  # for one command; a longer run counts as a hang


def image(i, note):
    return {"public_id": f"image-{i}", "album_id": f"album {i % 9}", "width": i * 7 % 4000,
            "created_at": f"2021-03-{1 + i % 28:02}T10:00:{i % 60:02}Z", "note": note}


def tag(i, label):
    return {"id": f"tag-{i}", "name": "n", "label": label, "color": f"#{i * 7919 % 4096:03x}"}


def join(i, images, tags):
    return {"id": f"join-{i}", "image_id": f"image-{i * 31 % images}",
            "tag_id": f"tag-{i * 17 % tags}", "created_at": f"2021-04-01T00:00:{i % 60:02}Z"}


def write(folder, name, records):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
        json.dump(records, out)


def fill(folder, rng, images=500, tags=30, joins=400):
    """Several hundred images, most of them tagged, some by embedded objects."""
    noise = [f"{rng.getrandbits(160):040x}" for _ in range(images)]
    os.mkdir(folder)
    for part in range(5):
        write(folder, f"images-{part}.json",
              [image(i, noise[i]) for i in range(part, images, 5)])
    write(folder, "tags.json", [tag(i, f"label {i}") for i in range(tags)])
    write(folder, "joins-0.json", [join(i, images, tags + 2) for i in range(0, joins, 2)])
    write(folder, "joins-1.json", [join(i, images, tags + 2) for i in range(1, joins, 2)])
    write(folder, "embedded.json",
          [{"id": f"whole-{i}", "image": image(i, "other"), "tag": tag(i, f"label {i}")}
           for i in range(20)])
    return noise


def change(folder, noise, images=500, tags=30, joins=400):
    """Makes one change of each kind: a text, a move, a tag, a new file, a removed one."""
    records = [image(i, noise[i]) for i in range(0, images, 5)]
    records[3]["note"] = "changed"
    records[7]["album_id"] = "album new"
    del records[11]
    write(folder, "images-0.json", records)
    write(folder, "tags.json",
          [tag(i, f"label {i}" if i != 5 else "changed") for i in range(tags + 1) if i != 9])
    os.unlink(os.path.join(folder, "joins-1.json"))
    write(folder, "joins-2.json", [join(i, images, tags + 2) for i in range(joins, joins + 20)])


class Flips:
    def __init__(self, build, work):
        self.work = work
        self.indexer = os.path.join(build, "albumen-indexer")
        self.exporter = os.path.join(build, "albumen-exporter")
        self.said = collections.Counter()

    def path(self, name):
        return os.path.join(self.work, name)

    def run(self, *argv):
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return "hung"
        if done.returncode < 0 or b"Assertion" in done.stderr or b"Sanitizer" in done.stderr:
            self.said[done.stderr[-120:]] += 1
            return "crashed"
        if done.returncode == 0:
            return "clean"
        return "refused" if b"error: " in done.stderr else "WRONG"  # or it prints nothing

    def scan(self, data, index):
        return self.run(self.indexer, "scan", "--data", self.path(data),
                        "--index", self.path(index))

    def export(self, index, repo):
        return self.run(self.exporter, "export", "--index", self.path(index),
                        "--repo", self.path(repo))

    def tree(self, repo):
        done = subprocess.run(["git", "-C", self.path(repo), "rev-parse", "HEAD^{tree}"],
                              capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def copy(self, index, bit=None):
        shutil.rmtree(self.path("index"), ignore_errors=True)
        os.mkdir(self.path("index"))
        data = bytearray(index)
        if bit is not None:
            data[bit // 8] ^= 1 << bit % 8
        with open(self.path("index/data.mdb"), "wb") as out:
            out.write(data)

    def whole(self, want):
        shutil.rmtree(self.path("repo"), ignore_errors=True)
        result = self.export("index", "repo")
        if result == "clean" and self.tree("repo") != want:
            result = "WRONG"
        return result

    def onward(self, want):
        shutil.rmtree(self.path("repo"), ignore_errors=True)
        shutil.copytree(self.path("before"), self.path("repo"))
        result = self.scan("after", "index")
        if result == "clean":
            result = self.export("index", "repo")
        if result == "clean" and self.tree("repo") != want:
            result = "WRONG"
        return result


def main():
    build, count = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().getrandbits(32)
    rng = random.Random(seed)
    counts = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="albumen-flips-") as work:
        flips = Flips(os.path.abspath(build), work)
        noise = fill(flips.path("data"), random.Random(1))
        assert flips.scan("data", "whole") == "clean"
        assert flips.export("whole", "before") == "clean"
        with open(flips.path("whole/data.mdb"), "rb") as file:
            index = file.read()
        # The files that do not change must keep their times.
        os.rename(flips.path("data"), flips.path("after"))
        change(flips.path("after"), noise)
        flips.copy(index)
        assert flips.whole(None) == "WRONG"  # there is a tree
        want = {"whole": flips.tree("repo")}
        assert want["whole"] == flips.tree("before")
        assert flips.onward(None) == "WRONG"
        want["onward"] = flips.tree("repo")
        print(f"# seed {seed}, an index of {len(index)} bytes", flush=True)
        for _ in range(count):
            bit = rng.randrange(len(index) * 8)
            for how in ("whole", "onward"):
                flips.copy(index, bit)
                result = getattr(flips, how)(want[how])
                counts[how, result] += 1
                if result in ("WRONG", "hung", "crashed"):
                    print(f"# {how}: bit {bit} (page {bit // 32768}, byte "
                          f"{bit // 8 % 4096}): {result}", flush=True)
    for how in ("whole", "onward"):
        print(f"# {how}: " + ", ".join(
            f"{counts[how, result]} {result}"
            for result in ("clean", "refused", "crashed", "hung", "WRONG")))
    for said, times in flips.said.most_common(10):
        print(f"# {times} times: {said.decode(errors='replace').strip()}")
    return 1 if any(counts[how, bad] for how in ("whole", "onward")
                    for bad in ("WRONG", "hung")) else 0


if __name__ == "__main__":
    sys.exit(main())
