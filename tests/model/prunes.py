#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One random history that is pruned again and again, and what must be left of it.

	prunes.py --seed N --steps N --indexer FILE --exporter FILE --work DIR [--sample N]

As evidence.py, but now and then a snapshot gets a label, and now and then the history before
a random time goes. Right after each prune, exactly what git reaches is on the disk; at the end,
every answer, audit, log and difference of what stays is what the model says, in the repository
and in a clone, and nothing else is known.
"""

import argparse
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import evidence  # noqa: E402
from evidence import History, State, ever, expect, rfc3339  # noqa: E402
from history import Failed  # noqa: E402


class Pruned(History):
    def __init__(self, options):
        super().__init__(options)
        self.begin = 1  # the number of the first snapshot
        self.labels = {}  # name: number
        self.made = self.prunes = 0  # labels that were made; prunes that dropped something

    def git(self, *arguments):
        return subprocess.run(
            ["git", "-C", self.repo, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
        ).stdout.decode()

    # --- what is left ---

    def kept_before(self):
        return {n for n in self.labels.values() if n < self.begin}

    def kept(self):
        before = self.kept_before()
        return [s for s in self.snapshots if s.number >= self.begin or s.number in before]

    def upto(self, at):
        begin = self.begin if at.number >= self.begin else at.number
        return self.snapshots[begin - 1 : at.number]

    def log(self, at, want, *scope):
        done = self.ask("log", "--json", "--at", at.commit, *scope, allowed=(0, 1))
        return [dict(evidence.pairs(entry)) for entry in evidence.lines(done.stdout)]

    # --- labels and prunes ---

    def label(self):
        at = self.rng.choice(self.kept())
        self.made += 1
        name = "label/%d" % self.made
        self.ask("snapshot", "--at", at.commit, "--label", name, "--reason", "kept")
        self.labels[name] = at.number

    def unlabel(self):
        if self.labels:
            name = self.rng.choice(sorted(self.labels))
            if self.labels[name] >= self.begin:
                self.git("tag", "-d", name)
                del self.labels[name]

    def prune(self):
        line = self.upto(self.snapshots[-1])
        at = self.rng.choice(line)
        last = at is line[-1]
        until = at.seconds + 1 if last else self.snapshots[at.number].seconds
        when = self.rng.choice(
            [rfc3339(self.rng.randrange(at.seconds, max(until, at.seconds + 1))), at.commit]
        )
        whole = at.number == self.begin
        before = {s.number for s in self.kept()}
        self.begin = at.number
        self.held = [s for s in self.kept() if s.number < self.begin]
        gone = before - {s.number for s in self.kept()}
        dry = ["--dry-run"] if self.rng.random() < 0.3 else []
        for option in ([dry] if dry else []) + [[]]:
            # By the clock of the last snapshot.
            ask = ["prune", "--before", when, "--json", *option]
            said = json.loads(self.ask(*ask, seconds=self.snapshots[-1].seconds).stdout)
            what = "prune --before %s" % when
            expect(what + ", first", said["first"]["number"], at.number)
            expect(what + ", id", said["first"]["commit"], at.commit)
            expect(what + ", held", {h["number"] for h in said["held"]}, self.kept_before())
            expect(what + ", snapshots", said["snapshots"], len(gone))
            expect(what + ", done", said["done"], not whole and not option)
        self.prunes += not whole
        if not whole:  # otherwise a label that was removed is still on the disk
            self.check_disk()

    def check_disk(self):
        there = self.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
        reached = self.git("rev-list", "--objects", "--all")
        tags = self.git("for-each-ref", "--format=%(objectname)", "refs/tags")
        reached = {line[:40] for line in reached.split("\n")} | set(tags.split("\n"))
        expect("objects on the disk", set(there.split("\n")), reached | {""})
        expect("fsck", self.git("fsck", "--full", "--strict", "--no-progress"), "")
        line = [s.commit for s in reversed(self.upto(self.snapshots[-1]))]
        expect("git log", self.git("rev-list", "main").split(), line)

    def make(self, steps):
        while len(self.snapshots) < steps:
            self.step(len(self.snapshots) + 1)
            chance = self.rng.random()
            if chance < 0.1:
                self.ask("maintain")
            elif chance < 0.3:
                self.label()
            elif chance < 0.35:
                self.unlabel()
            elif chance < 0.35 + 3 / steps:
                self.prune()
        if not self.prunes:
            self.prune()


def check(history, sample):
    rng, kept = history.rng, history.kept()
    asked = rng.sample(kept, min(sample, len(kept))) if sample else kept
    for at in asked:
        evidence.observe(history.upto(at))
        evidence.check_show(history, at)
        evidence.check_audit(history, at)
        evidence.check_diff(history, at, rng.choice(kept))
        evidence.check_log(history, at)
        evidence.check_log_of_image(history, at, rng.choice(ever(history, lambda s: s.images)))
        evidence.check_log_of_tag(history, at, rng.choice(ever(history, lambda s: s.tags)))
        evidence.check_log_of_album(history, at, rng.choice(ever(history, State.albums)))
    last = history.snapshots[-1]
    history.ask("verify")
    numbers = {s.number for s in kept}
    for at in rng.sample(history.snapshots, min(5, len(history.snapshots))):
        if at.number not in numbers:
            for when in (at.commit, rfc3339(at.seconds), "HEAD~%d" % (last.number - at.number)):
                done = history.ask("audit", "--at", when, allowed=(1,))
                if b"history begins with snapshot %d, " % history.begin not in done.stderr:
                    raise Failed("audit --at %s: %s" % (when, done.stderr.decode()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--indexer", required=True)
    parser.add_argument("--exporter", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--sample", type=int, default=0)
    options = parser.parse_args()
    history = Pruned(options)
    try:
        history.make(options.steps)
        check(history, options.sample)
        clone = os.path.join(history.work, "clone")
        subprocess.run(["git", "clone", "-q", "--bare", history.repo, clone], check=True)
        history.repo = clone
        check(history, options.sample)
    except Failed as failure:
        print("seed %d: %s" % (options.seed, failure))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
