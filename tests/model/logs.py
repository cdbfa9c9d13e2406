#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the output of `log` and `show` for a random history with what there was.

	logs.py --seed N --snapshots N --indexer FILE --exporter FILE --work DIR

Makes a history of snapshots from random changes of a folder, and keeps every site.
Then, on a clone: for each snapshot `show` must print what the site had for every request
(and nothing where it had no file), and for every album, image and tag that ever existed,
`log` must list the snapshots in which it changed and no others. What changed from one
snapshot to the next comes from `diff`, which diffs.py checks.
"""

import argparse
import collections
import datetime
import json
import os
import random
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import apply  # noqa: E402
from history import Failed, Folder, Programs  # noqa: E402
from model import quote, sharded  # noqa: E402


class Step:
    """A snapshot: its commit, its files, the site's files, and the lines of its diff."""


def read_site(site):
    """{path: body} of a site's responses."""
    files = {}
    for folder, _, names in os.walk(os.path.join(site, "api")):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                files[os.path.relpath(path, site)] = file.read()
    return files


def make(options, rng, programs):
    """Makes the snapshots; returns the sites, the oldest first."""
    folder = Folder(rng, programs.data, lambda: None)
    sites, commit = [], None
    arguments = programs.export_arguments + ["--collections"]
    while len(sites) < options.snapshots:
        for _ in range(rng.choice([1, 1, 1, 2, 8])):
            folder.step()
        programs.run("indexer", "scan", programs.index_arguments, [0, 3])
        programs.run("exporter", "export", arguments, [0])
        tip = programs.git("rev-parse", "main")
        if tip != commit:
            sites.append(read_site(programs.site))
            commit = tip
    return sites


def first_lines(snapshot):
    """The lines of a diff from nothing."""
    lines = []
    for ident, record in sorted(snapshot.tags.items()):
        lines.append(
            b'{"change":"tag_appeared","tag":%s,"label":%s,"record":%s}'
            % (text(ident), record.by_name["label"], record.text)
        )
    for ident, record in sorted(snapshot.images.items()):
        lines.append(
            b'{"change":"image_appeared","image":%s,"album":%s,"record":%s}'
            % (text(ident), text(snapshot.album(ident)), record.text)
        )
    tag_images = sorted((snapshot.joins(i)[0], i) for i in snapshot.tag_images)
    for image, ident in tag_images:
        lines.append(
            b'{"change":"tagged","image":%s,"tag_image":%s,"tag":%s,"record":%s}'
            % (
                text(image),
                text(ident),
                text(snapshot.joins(ident)[1]),
                snapshot.tag_images[ident].text,
            )
        )
    return [apply.Line(line) for line in lines]


def text(ident):
    return quote(ident.decode()).encode()


def read_steps(programs, clone, sites):
    steps, cache, before = [], {}, apply.Snapshot({})
    log = programs.git("log", "--reverse", "--format=%H %ct %s", "main").strip()
    for line, site in zip(log.split("\n"), sites):
        step = Step()
        step.commit, seconds, step.subject = line.split(" ", 2)
        step.time = datetime.datetime.utcfromtimestamp(int(seconds)).isoformat() + "Z"
        step.site = site
        step.files = apply.read_files(clone, step.commit, cache)
        step.after, step.before = apply.Snapshot(step.files), before
        if steps:
            arguments = ["--repo", clone, "--json", steps[-1].commit, step.commit]
            output = programs.run("exporter", "diff", arguments, [0])
            step.lines = [apply.Line(line) for line in apply.split_lines(output)]
        else:
            step.lines = first_lines(step.after)
        before = step.after
        steps.append(step)
    return steps


# --- log ----------------------------------------------------------------------------

ALBUM_COUNTS = {
    "image_appeared": "appeared",
    "image_disappeared": "disappeared",
    "image_changed": "changed",
    "tagged": "tagged",
    "untagged": "untagged_now",
    "tag_image_changed": "tag_images_changed",
}


def begin(number, step):
    return b'{"commit":"%s","number":%d,"time":"%s"' % (
        step.commit.encode(),
        number,
        step.time.encode(),
    )


def events(lines):
    return b',"events":[%s]}' % b",".join(lines)


def want_image(number, step, image):
    sides = (step.before, step.after)
    tags = {
        side.joins(i)[1] for side in sides for i in side.tag_images if side.joins(i)[0] == image
    }
    lines = [
        line.text
        for line in step.lines
        if (line.id in tags if line.kind == "tag" else line.ids["image"] == image)
    ]
    return begin(number, step) + events(lines) if lines else None


def want_album(number, step, album):
    lines = set(apply.in_album(step.lines, album, step.before, step.after))
    if not lines:
        return None
    counts = collections.Counter(
        ALBUM_COUNTS.get(line.change, "tags_changed") for line in step.lines if line.text in lines
    )
    images = [i for i in step.after.images if step.after.album(i) == album]
    tagged = {step.after.joins(i)[0] for i in step.after.tag_images}
    out = begin(number, step) + b',"album":%s,"images":%d,"untagged":%d' % (
        text(album),
        len(images),
        len([i for i in images if i not in tagged]),
    )
    for name in list(ALBUM_COUNTS.values()) + ["tags_changed"]:
        out += b',"%s":%d' % (name.encode(), counts[name])
    return out + b"}"


def want_tag(number, step, tag, previous):
    path = "audit/tags/%s.json" % sharded(tag)
    body = step.files.get(path)
    if body == previous.get(path):
        return None
    label, count = b"null", 0
    if body is not None:
        record = apply.Record(body)
        label = apply.Record(record.by_name["tag"]).by_name["label"]
        count = int(record.by_name["tag_images"])
    lines = [line.text for line in step.lines if line.kind == "tag" and line.id == tag]
    return (
        begin(number, step)
        + b',"tag":%s,"label":%s,"tag_images":%d' % (text(tag), label, count)
        + events(lines)
    )


class Checker:
    def __init__(self, programs, clone, steps):
        self.programs, self.clone, self.steps = programs, clone, steps
        self.requests = self.entries = 0

    def log(self, *arguments):
        arguments = ["--repo", self.clone] + list(arguments)
        return self.programs.run("exporter", "log", arguments, [0])

    def check_log(self, kind, ident, wanted):
        wanted = [line for line in reversed(wanted) if line]
        arguments = ["--" + kind, ident.decode()]
        got = apply.split_lines(self.log("--json", *arguments))
        if got != wanted:
            raise apply.Wrong(
                "log --%s %s: got\n%s\nwant\n%s"
                % (kind, ident.decode(), b"\n".join(got).decode(), b"\n".join(wanted).decode())
            )
        words = [line for line in self.log(*arguments).split(b"\n") if line and line[:1] != b"\t"]
        if len(words) != len(wanted):
            raise apply.Wrong("log --%s %s has other words" % (kind, ident.decode()))
        self.entries += len(got)

    def check_logs(self):
        numbered = list(enumerate(self.steps, 1))
        images = {i for step in self.steps for i in step.after.images}
        albums = {step.after.album(i) for step in self.steps for i in step.after.images}
        tags = {i for step in self.steps for i in step.after.tags}
        for ident in sorted(images):
            self.check_log("image", ident, [want_image(n, s, ident) for n, s in numbered])
        for ident in sorted(albums):
            self.check_log("album", ident, [want_album(n, s, ident) for n, s in numbered])
        for ident in sorted(tags):
            previous, wanted = {}, []
            for number, step in numbered:
                wanted.append(want_tag(number, step, ident, previous))
                previous = step.files
            self.check_log("tag", ident, wanted)
        self.check_plain(numbered)

    def check_plain(self, numbered):
        got = [json.loads(line) for line in apply.split_lines(self.log("--json"))]
        wanted = []
        for number, step in reversed(numbered):
            after = step.after
            wanted.append(
                {
                    "commit": step.commit,
                    "number": number,
                    "time": step.time,
                    "subject": step.subject,
                    "images": len(after.images),
                    "untagged": len(
                        set(after.images) - {after.joins(i)[0] for i in after.tag_images}
                    ),
                    "albums": len({after.album(i) for i in after.images}),
                    "tags": len(after.tags),
                    "tag_images": len(after.tag_images),
                    "labels": [],
                    "begins": False,
                    "held": False,
                    "notes": [],
                }
            )
        if got != wanted:
            raise apply.Wrong("log: got\n%s\nwant\n%s" % (got, wanted))

    # --- show -----------------------------------------------------------------------

    def check_show(self, step, url, body):
        command = ["--repo", self.clone, "--at", step.commit, url]
        got = self.programs.run("exporter", "show", command, [0] if body is not None else [1])
        if got != (body or b""):
            raise apply.Wrong("show --at %s '%s': got\n%r\nwant\n%r" % (step.commit, url, got, body))
        self.requests += 1

    def check_shows(self, rng):
        paths = sorted({path for step in self.steps for path in step.site})
        for step in self.steps:
            for path in paths:
                name = path.rpartition("/")[2][: -len(".json")]
                if path.startswith("api/v1/tag_images/"):
                    # An unknown image has no file, but an answer.
                    url = "/api/v1/tag_images?image_ids[]=" + name
                    self.check_show(step, url, step.site.get(path, b"[]"))
                elif path != "api/v1/tag_images.json" or rng.random() < 0.5:
                    self.check_show(step, path, step.site.get(path))
            self.check_joined(step, rng, paths)

    def check_joined(self, step, rng, paths):
        images = [path for path in paths if path.startswith("api/v1/tag_images/")]
        asked = rng.choices(images, k=rng.randint(2, 9)) if images else []
        parts = [step.site[path][1:-1] for path in dict.fromkeys(asked) if path in step.site]
        names = [path.rpartition("/")[2][: -len(".json")] for path in asked]
        if asked:
            self.check_show(
                step,
                "http://host/api/v1/tag_images?" + "&".join("image_ids%5B%5D=" + n for n in names),
                b"[%s]" % b",".join(part for part in parts if part),
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--snapshots", type=int, default=30)
    parser.add_argument("--indexer", required=True)
    parser.add_argument("--exporter", required=True)
    parser.add_argument("--work", required=True)
    options = parser.parse_args()
    os.mkdir(options.work)
    rng = random.Random(options.seed)
    programs = Programs(options, options.work)
    sites = make(options, rng, programs)
    clone = os.path.join(options.work, "clone")
    subprocess.run(["git", "clone", "-q", programs.repo, clone], check=True)
    shutil.rmtree(programs.data)
    shutil.rmtree(programs.index)
    try:
        checker = Checker(programs, clone, read_steps(programs, clone, sites))
        checker.check_logs()
        checker.check_shows(rng)
    except (apply.Wrong, Failed) as error:
        print("seed %d: %s" % (options.seed, error))
        return 1
    print(
        "%d snapshots, %d entries of logs, %d requests"
        % (len(sites), checker.entries, checker.requests)
    )
    shutil.rmtree(options.work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
