#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Applies the differences between snapshots of a random history.

	diffs.py --seed N --snapshots N --pairs N --indexer FILE --exporter FILE --work DIR

Makes a history of snapshots from random changes of a folder. Then, for each snapshot
and the next and for random pairs, in both directions: the diff, applied to one, gives
the other; with --album it has the lines of that album, and no others; without --json
it has as many lines.
"""

import argparse
import os
import random
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import apply  # noqa: E402
from history import Failed, Folder, Programs  # noqa: E402


def make(options, rng, programs):
    """Makes the snapshots; returns their commits, the oldest first."""
    folder = Folder(rng, programs.data, lambda: None)
    wanted, made = options.snapshots, 0
    while made < wanted:
        for _ in range(rng.choice([1, 1, 1, 2, 8])):
            folder.step()
        programs.run("indexer", "scan", programs.index_arguments, [0, 3])
        programs.run("exporter", "export", programs.export_arguments, [0])
        made = int(programs.git("rev-list", "--count", "main"))
    return programs.git("rev-list", "--reverse", "main").split()


class Checker:
    def __init__(self, programs, commits):
        self.programs = programs
        self.commits = commits
        self.cache = {}
        self.lines = 0

    def files(self, commit):
        return apply.read_files(self.programs.repo, commit, self.cache)

    def diff(self, a, b, *more):
        arguments = ["--repo", self.programs.repo, a, b] + list(more)
        return self.programs.run("exporter", "diff", arguments, [0])

    def check(self, a, b, rng):
        before, after = self.files(a), self.files(b)
        output = self.diff(a, b, "--json")
        snapshot = apply.Snapshot(before)
        lines = apply.apply_lines(snapshot, output)
        wrong = apply.differences(snapshot.render(), after)
        if wrong:
            raise apply.Wrong(wrong)
        if self.diff(a, b).count(b"\n") != len(lines):
            raise apply.Wrong("as words there are other lines")
        self.lines += len(lines)
        self.check_album(a, b, rng, lines, apply.Snapshot(before), snapshot)

    def check_album(self, a, b, rng, lines, before, after):
        albums = {side.album(image) for side in (before, after) for image in side.images}
        if not albums:
            return
        album = rng.choice(sorted(albums))
        got = apply.split_lines(self.diff(a, b, "--json", "--album", album.decode()))
        want = apply.in_album(lines, album, before, after)
        if got != want:
            raise apply.Wrong(
                "--album %s: got\n%s\nwant\n%s"
                % (album.decode(), *(b"\n".join(side).decode() for side in (got, want)))
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--snapshots", type=int, default=40)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--indexer", required=True)
    parser.add_argument("--exporter", required=True)
    parser.add_argument("--work", required=True)
    options = parser.parse_args()
    os.mkdir(options.work)
    rng = random.Random(options.seed)
    programs = Programs(options, options.work)
    commits = make(options, rng, programs)
    pairs = list(zip(commits, commits[1:]))
    pairs += [(rng.choice(commits), rng.choice(commits)) for _ in range(options.pairs)]
    checker = Checker(programs, commits)
    for a, b in pairs:
        for one, other in ((a, b), (b, a)):
            try:
                checker.check(one, other, rng)
            except (apply.Wrong, Failed) as error:
                print("seed %d, diff %s %s: %s" % (options.seed, one, other, error))
                return 1
    print("%d diffs of %d snapshots, %d lines" % (2 * len(pairs), len(commits), checker.lines))
    shutil.rmtree(options.work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
