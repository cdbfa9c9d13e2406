#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One random history of a metadata folder, compared with the model.

	history.py once|live --seed N --steps N --indexer FILE --exporter FILE --work DIR

`once`: after every few steps, scan and export (sometimes killed half way, then run
again), and sometimes `maintain`; site and snapshot must equal those of the model.

`live`: `watch` and `follow` run all the time, except when they are killed
with -9. When they are idle the site must equal the model's. At the end so must the
snapshot, and a rebuild from nothing must have the same tree id.

A file that becomes bad keeps its earlier claims, so the result depends on which of its
states the programs read. Before and after a step that concerns a bad file,
a live history therefore waits until the programs have read everything.
"""

import argparse
import json
import os
import random
import select
import shutil
import signal
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from library import Library  # noqa: E402
from model import Model  # noqa: E402

DEADLINE_S = 60
GARBAGE = [b"", b"\n", b"\xff\xfe", b"[" * 100000, b"not JSON", b'{"a":1', b'[{"id":"\xe9"}]']
MAX_FILES = 40  # from 100 on the brake against mass withdrawal is stricter


class Failed(Exception):
    pass


def pause(seconds):
    select.select([], [], [], seconds)


class Folder:
    """The metadata folder and the steps that change it."""

    def __init__(self, rng, path, sync):
        self.rng = rng
        self.path = path
        self.library = Library(rng)
        self.sync = sync  # called before and after each step that concerns a bad file
        self.bad = set()  # paths whose content has rejects
        self.folders = [""]
        self.serial = 0
        os.mkdir(path)
        # The folder is never empty, because the brake refuses to withdraw all of ten files.
        self.put("keep.json", self.library.file("keep.json"))

    def full(self, path):
        return os.path.join(self.path, path)

    def files(self):
        found = []
        for folder, _, names in os.walk(self.path):
            for name in names:
                full = os.path.join(folder, name)
                if stat.S_ISREG(os.lstat(full).st_mode):
                    found.append(os.path.relpath(full, self.path))
        return sorted(path for path in found if path not in ("keep.json", "sync.json"))

    def new_path(self):
        self.serial += 1
        suffix = self.rng.choice([".json", ".json", ".json", ".ndjson", ".jsonl"])
        name = self.rng.choice(["f%d%s", "f%d%s", "f%d \u00e9%s"]) % (self.serial % 60, suffix)
        return os.path.join(self.rng.choice(self.folders), name)

    def put(self, path, data):
        """Makes a whole file: writes it elsewhere, then renames or links it into place."""
        self.serial += 1
        scratch = self.path + ".scratch-%d" % self.serial
        with open(scratch, "wb") as file:
            file.write(data)
        full = self.full(path)
        if not os.path.lexists(full) and self.rng.random() < 0.2:
            os.link(scratch, full)
            os.unlink(scratch)
        else:
            os.rename(scratch, full)

    def write_in_place(self, path, data):
        cut = self.rng.randrange(len(data) + 1)
        with open(self.full(path), "wb") as file:
            file.write(data[:cut])
            file.flush()
            file.write(data[cut:])

    # A step returns what it did, for the report of a failure.

    def step(self):
        files = self.files()
        steps = [
            (self.add, 10 if len(files) < MAX_FILES else 0),
            (self.add_ignored, 1),
            (self.replace, 10),
            (self.remove, 5),
            (self.spoil, 4),
            (self.repair, 4 if self.bad else 0),
            (self.rename, 4),
            (self.touch, 1),
            (self.odd, 1),
            (self.make_folder, 3 if len(self.folders) < 8 else 0),
            (self.rename_folder, 3 if len(self.folders) > 1 else 0),
            (self.remove_folder, 1 if len(self.folders) > 1 else 0),
            (self.swap_folder_out_and_in, 1 if len(self.folders) > 1 else 0),
        ]
        what = self.rng.choices([s for s, _ in steps], [weight for _, weight in steps])[0]
        if what in (self.replace, self.remove, self.spoil, self.rename, self.touch, self.odd):
            return what(self.rng.choice(files)) if files else self.add()
        return what()

    def around_bad(self, paths, change):
        """Calls `change`; the programs are idle if one of the paths is or becomes bad."""
        if any(path in self.bad for path in paths):
            self.sync()
            change()
            self.sync()
        else:
            change()

    def add(self):
        path = self.new_path()
        if os.path.lexists(self.full(path)):
            return self.replace(path) if path in self.files() else "nothing"
        self.put(path, self.library.file(path))
        return "add " + path

    def add_ignored(self):
        path = os.path.join(
            self.rng.choice(self.folders), self.rng.choice([".hid.json", "b.json~", "note.txt"])
        )
        if os.path.isdir(self.full(path)):
            return "nothing"
        self.put(path, self.library.file("x.json"))
        return "add ignored " + path

    def replace(self, path):
        data = self.library.file(path)
        if self.rng.random() < 0.5:
            self.around_bad([path], lambda: self.put(path, data))
        else:
            # Half a list of lines may be a clean file: at rest if it was bad before.
            self.around_bad([path], lambda: self.write_in_place(path, data))
        self.bad.discard(path)
        return "replace " + path

    def remove(self, path):
        self.around_bad([path], lambda: os.unlink(self.full(path)))
        self.bad.discard(path)
        return "remove " + path

    def spoil(self, path):
        how = self.rng.randrange(4)
        self.bad.add(path)
        with open(self.full(path), "rb") as file:
            data = file.read()
        if how == 0:
            data = data[: self.rng.randrange(len(data) + 1)]
        elif how == 1:
            data = self.rng.choice(GARBAGE)
        else:
            data = self.library.file(path, bad=how - 1)
        self.around_bad([path], lambda: self.put(path, data))
        return "spoil %s (%d)" % (path, how)

    def repair(self):
        path = self.rng.choice(sorted(self.bad))
        data = self.library.file(path)
        self.around_bad([path], lambda: self.put(path, data))
        self.bad.discard(path)
        return "repair " + path

    def rename(self, path):
        new = self.new_path()
        if os.path.splitext(path)[1] != os.path.splitext(new)[1]:
            # One format read as the other is probably bad.
            new = os.path.splitext(new)[0] + os.path.splitext(path)[1]
        if os.path.isdir(self.full(new)) or os.path.islink(self.full(new)):
            return "nothing"
        self.around_bad([path, new], lambda: os.rename(self.full(path), self.full(new)))
        self.bad.discard(new)
        if path in self.bad:
            self.bad.remove(path)
            self.bad.add(new)
        return "rename %s to %s" % (path, new)

    def touch(self, path):
        os.utime(self.full(path))
        return "touch " + path

    def odd(self, path):
        """Puts something else in the place of a file, or removes it again."""
        full = self.full(path)

        def change():
            os.unlink(full)
            kind = self.rng.randrange(3)
            if kind == 0:
                os.symlink("keep.json", full)
            elif kind == 1:
                os.mkfifo(full)
            else:
                os.mkdir(full)

        self.around_bad([path], change)
        self.bad.discard(path)
        return "put something odd at " + path

    # Folders.

    def below(self, folder):
        return [path for path in self.bad if path.startswith(folder + "/")]

    def forget_below(self, folder):
        self.bad -= set(self.below(folder))
        self.folders = [
            f for f in self.folders if f != folder and not f.startswith(folder + "/")
        ]

    def make_folder(self):
        self.serial += 1
        parent = self.rng.choice(self.folders)
        folder = os.path.join(parent, "d%d" % self.serial)
        os.mkdir(self.full(folder))
        self.folders.append(folder)
        for i in range(self.rng.randrange(3)):
            path = os.path.join(folder, "n%d.json" % i)
            self.put(path, self.library.file(path))
        if self.rng.random() < 0.3:
            inner = os.path.join(folder, "inner")
            os.mkdir(self.full(inner))
            self.folders.append(inner)
            path = os.path.join(inner, "m.ndjson")
            self.put(path, self.library.file(path))
        return "make folder " + folder

    def rename_folder(self):
        folder = self.rng.choice(self.folders[1:])
        parents = [f for f in self.folders if f != folder and not f.startswith(folder + "/")]
        self.serial += 1
        new = os.path.join(self.rng.choice(parents), "r%d" % self.serial)
        self.around_bad(
            self.below(folder), lambda: os.rename(self.full(folder), self.full(new))
        )
        self.bad = {new + p[len(folder) :] if p in self.below(folder) else p for p in self.bad}
        self.folders = [
            new + f[len(folder) :] if f == folder or f.startswith(folder + "/") else f
            for f in self.folders
        ]
        return "rename folder %s to %s" % (folder, new)

    def remove_folder(self):
        folder = self.rng.choice(self.folders[1:])
        self.around_bad(self.below(folder), lambda: shutil.rmtree(self.full(folder)))
        self.forget_below(folder)
        return "remove folder " + folder

    def swap_folder_out_and_in(self):
        """A folder leaves the tree, changes outside, and comes back."""
        folder = self.rng.choice(self.folders[1:])
        outside = self.path + ".outside"

        def change():
            os.rename(self.full(folder), outside)
            name = "w%d.json" % self.serial
            with open(os.path.join(outside, name), "wb") as file:
                file.write(self.library.file(name))
            if self.rng.random() < 0.5:
                pause(self.rng.random() * 0.02)
            os.rename(outside, self.full(folder))

        if self.below(folder):
            return "nothing"  # whether its bad files were gone is a matter of timing
        change()
        return "move folder %s out and in" % folder

    def repair_all(self):
        while self.bad:
            self.repair()


class Programs:
    """The two programs over one folder."""

    def __init__(self, options, work):
        self.options = options
        self.data = os.path.join(work, "data")
        self.index = os.path.join(work, "index")
        self.repo = os.path.join(work, "repo")
        self.site = os.path.join(work, "site")
        self.work = work
        self.running = {}  # program: (process, the end of a pipe that its readiness comes from)
        self.index_arguments = ["--data", self.data, "--index", self.index]
        self.export_arguments = ["--index", self.index, "--repo", self.repo, "--site", self.site]

    def run(self, program, command, arguments, allowed, kill_after=None):
        """Runs a command to its end, or kills it with -9; returns its output."""
        path = getattr(self.options, program)
        process = subprocess.Popen(
            [path, command] + arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            output, log = process.communicate(timeout=kill_after or DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            output, log = process.communicate()
            if not kill_after:
                raise Failed("%s %s hangs:\n%s" % (program, command, text(output + log)))
        if process.returncode not in allowed:
            raise Failed(
                "%s %s: exit status %d:\n%s"
                % (program, command, process.returncode, text(output + log))
            )
        return output

    def start(self, program, wait=False):
        if program == "indexer":
            arguments = [self.options.indexer, "watch"] + self.index_arguments
        else:
            arguments = [self.options.exporter, "follow"] + self.export_arguments
        log = open(os.path.join(self.work, program + ".log"), "ab")
        ready, ready_write = os.pipe()
        process = subprocess.Popen(
            arguments + ["--ready-fd", str(ready_write)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[ready_write],
        )
        os.close(ready_write)
        log.close()
        self.running[program] = (process, ready)
        if wait:
            readable, _, _ = select.select([ready], [], [], DEADLINE_S)
            if not readable or not os.read(ready, 1):
                raise Failed("%s is not ready:\n%s" % (program, self.log(program)))

    def kill(self, program, sig=signal.SIGKILL):
        process, ready = self.running.pop(program)
        os.close(ready)
        process.send_signal(sig)
        try:
            return process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed("%s does not stop:\n%s" % (program, self.log(program)))

    def check_running(self):
        for program, (process, _) in self.running.items():
            if process.poll() is not None:
                raise Failed(
                    "%s ended by itself (%d):\n%s" % (program, process.returncode, self.log(program))
                )

    def log(self, program):
        with open(os.path.join(self.work, program + ".log"), "rb") as file:
            return text(file.read()[-4000:])

    def site_files(self):
        found = {}
        for folder, _, names in os.walk(os.path.join(self.site, "api")):
            for name in names:
                full = os.path.join(folder, name)
                try:
                    with open(full, "rb") as file:
                        found[os.path.relpath(full, self.site)] = file.read()
                except FileNotFoundError:
                    pass  # removed since it was listed
        return found

    def status(self):
        arguments = ["--json", "--index", self.index]
        return json.loads(self.run("indexer", "status", arguments, [0]))

    def git(self, *arguments, repo=None):
        result = subprocess.run(
            ["git", "--git-dir", repo or self.repo] + list(arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=DEADLINE_S,
        )
        if result.returncode != 0:
            raise Failed("git %s:\n%s" % (" ".join(arguments), text(result.stdout)))
        return text(result.stdout).strip()


def text(data):
    return data.decode("utf-8", "backslashreplace")


def differences(got, want):
    """The first few differences between two {path: bytes}, for people."""
    lines = []
    for path in sorted(set(got) | set(want)):
        if got.get(path) == want.get(path):
            continue
        lines.append(path)
        for name, side in (("got", got), ("want", want)):
            body = side.get(path)
            lines.append("  %s %s" % (name, "no file" if body is None else text(body[:600])))
        if len(lines) > 15:
            lines.append("...")
            break
    return "\n".join(lines)


class History:
    def __init__(self, options):
        self.rng = random.Random(options.seed)
        self.options = options
        self.model = Model()
        self.programs = Programs(options, options.work)
        self.syncs = 0
        self.story = []  # what was done, for the report of a failure
        live = options.mode == "live"
        self.folder = Folder(self.rng, self.programs.data, self.sync if live else self.nothing)

    def nothing(self):
        pass

    def compare(self, got, what):
        want = self.model.responses()
        if got != want:
            raise Failed("%s is not the model's:\n%s" % (what, differences(got, want)))

    def wrong_counts(self):
        status = self.programs.status()
        return [
            "status counts %d %s, not %d" % (status[name], name, want)
            for name, want in self.model.counts().items()
            if status[name] != want
        ]

    def compare_all(self):
        if self.wrong_counts():
            raise Failed("\n".join(self.wrong_counts()))
        self.compare(self.programs.site_files(), "the site")
        self.same_tree("the snapshot", self.programs.git("rev-parse", "HEAD^{tree}"))
        extra = set(os.listdir(self.programs.site)) - {
            "api", "snapshot.json", "health.json", ".albumen"}
        if extra:
            raise Failed("left over in the site: %s" % extra)

    def same_tree(self, what, got):
        want = self.model.git_tree_id()
        if got != want:
            raise Failed("%s has the tree %s; the model, %s" % (what, got, want))

    def finish(self):
        programs = self.programs
        output = programs.git("fsck", "--strict", "--no-progress")
        if output:
            raise Failed("git fsck says:\n" + output)
        programs.run("indexer", "check", ["--index", programs.index], [0])
        programs.run("exporter", "verify", ["--repo", programs.repo], [0])
        clone = programs.repo + ".clone"
        programs.git("clone", "-q", "--bare", "--no-local", programs.repo, clone)
        self.same_tree("a clone", programs.git("rev-parse", "HEAD^{tree}", repo=clone))

    # One-shot.

    def once(self):
        steps = 0
        while steps < self.options.steps:
            for _ in range(self.rng.randrange(1, 8)):
                self.done(self.folder.step())
                steps += 1
            self.scan_and_export()
            self.compare_all()
        self.finish()

    def scan_and_export(self):
        programs = self.programs
        self.model.read_folder(programs.data)
        if self.rng.random() < 0.2:
            programs.run(
                "indexer", "scan", programs.index_arguments, [0, 3, -9],
                kill_after=0.001 + self.rng.random() * 0.02,
            )
        programs.run(
            "indexer", "scan", programs.index_arguments, [3 if self.model.rejects else 0]
        )
        if self.rng.random() < 0.2:
            programs.run(
                "exporter", "export", programs.export_arguments, [0, -9],
                kill_after=0.001 + self.rng.random() * 0.02,
            )
        programs.run("exporter", "export", programs.export_arguments, [0])
        if self.rng.random() < 0.15:
            self.maintain()

    def maintain(self):
        """Packs the repository again, or is killed on the way."""
        self.done("maintain")
        arguments = ["--repo", self.programs.repo]
        if self.rng.random() < 0.5:
            after = 0.001 + self.rng.random() * 0.03
            self.programs.run("exporter", "maintain", arguments, [0, -9], kill_after=after)
        else:
            self.programs.run("exporter", "maintain", arguments, [0])

    # Live.

    def live(self):
        self.programs.start("indexer", wait=True)
        self.programs.start("exporter", wait=True)
        try:
            for _ in range(self.options.steps):
                self.disturb()
                self.done(self.folder.step())
                pause(self.rng.choice([0, 0, 0.001, 0.01, 0.03]))
                if self.rng.random() < 0.03:
                    self.sync()
                    self.maintain()
            self.end_live()
        finally:
            for program in list(self.programs.running):
                self.programs.kill(program)

    def disturb(self):
        for program in ("indexer", "exporter"):
            draw = self.rng.random()
            if program not in self.programs.running:
                if draw < 0.4:
                    self.programs.start(program)
            elif draw < 0.08:
                self.done("kill " + program)
                self.programs.kill(program)
                if self.rng.random() < 0.6:
                    self.programs.start(program)

    def sync(self):
        """Waits until the programs have read everything, and compares."""
        programs = self.programs
        self.syncs += 1
        marker = '{"public_id":"sync-%d","album_id":"sync"}' % self.syncs
        self.folder.put("sync.json", marker.encode())
        self.model.read_folder(programs.data)
        want = self.model.responses()
        for program in ("indexer", "exporter"):
            if program not in programs.running:
                programs.start(program)
        wrong = []
        end = time.monotonic() + DEADLINE_S
        shown = os.path.join(programs.site, "api/v1/tag_images/sync-%d.json" % self.syncs)
        while True:
            programs.check_running()
            # The marker shows cheaply when it is time to compare.
            if os.path.exists(shown) and programs.site_files() == want:
                wrong = self.wrong_counts()
                if not wrong:
                    break
            if time.monotonic() > end:
                self.compare(programs.site_files(), "after %d s the site" % DEADLINE_S)
                raise Failed("\n".join(wrong))
            pause(0.005)
        self.done("sync %d" % self.syncs)

    def end_live(self):
        programs = self.programs
        self.sync()
        self.folder.repair_all()
        self.sync()
        for program in ("indexer", "exporter"):
            status = programs.kill(program, signal.SIGTERM)
            if status != 0:
                raise Failed(
                    "%s ends with %d on SIGTERM:\n%s" % (program, status, programs.log(program))
                )
        self.compare_all()
        self.finish()
        # A rebuild from nothing has the same tree.
        index, repo = programs.index + ".new", programs.repo + ".new"
        programs.run("indexer", "scan", ["--data", programs.data, "--index", index], [0])
        programs.run("exporter", "export", ["--index", index, "--repo", repo], [0])
        self.same_tree("a rebuild", programs.git("rev-parse", "HEAD^{tree}", repo=repo))

    def done(self, what):
        self.story.append(what)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["once", "live"])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--indexer", required=True)
    parser.add_argument("--exporter", required=True)
    parser.add_argument("--work", required=True)
    options = parser.parse_args()
    os.mkdir(options.work)
    history = History(options)
    try:
        getattr(history, options.mode)()
    except Failed as failure:
        print("%s history, seed %d: %s" % (options.mode, options.seed, failure))
        print("the last steps were:")
        print("\n".join("  " + step for step in history.story[-25:]))
        return 1
    shutil.rmtree(options.work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
