# SPDX-License-Identifier: GPL-2.0-or-later
"""A metadata folder with its index, repository and site; a clean rebuild of it; and the
judge: are index, repository and site equal to the rebuild, whole, and without leftovers?"""

import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../model"))
sys.dont_write_bytecode = True
from library import Library  # noqa: E402

import disk  # noqa: E402

DEADLINE_S = 240  # then it hangs; on a busy machine everything takes long
ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
BUILD = os.path.realpath(os.environ.get("ALBUMEN_BUILD") or os.path.join(ROOT, "build"))
INDEXER = os.path.join(BUILD, "albumen-indexer")
EXPORTER = os.path.join(BUILD, "albumen-exporter")


class Loss(Exception):
    """The result is wrong."""


class Unable(Exception):
    """This machine cannot do it: reported at the end, and not a loss."""


def pause(seconds):
    select.select([], [], [], seconds)


def wait_until(condition, seconds=DEADLINE_S):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        pause(0.01)
    return True


def text(data):
    return data.decode("utf-8", "backslashreplace")


def environment(home, **more):
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return dict(kept, HOME=home, TZ="UTC", LC_ALL="C", GIT_CONFIG_NOSYSTEM="1",
                GIT_CONFIG_GLOBAL="/dev/null", GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b",
                GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b", **more)


class Ended:
    def __init__(self, argv, code, out, err):
        self.argv, self.code, self.out, self.err = argv, code, out, err

    def __str__(self):
        argv = self.argv
        for program in (INDEXER, EXPORTER):  # not strace's or git's part of it
            argv = argv[argv.index(program):] if program in argv else argv
        argv = " ".join([os.path.basename(argv[0])] + argv[1:])
        return "`%s` ended with %d: %s" % (argv, self.code,
                                           text(self.err or self.out)[-1200:].strip())


def run(argv, cwd, seconds=DEADLINE_S, **env):
    process = subprocess.Popen(argv, cwd=cwd, env=environment(cwd, **env),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise Loss("hangs: %s\n%s" % (" ".join(argv), text(out + err)[-2000:]))
    return Ended(argv, process.returncode, out, err)


def kind_of_ended(ended):
    """done, failed (with a message), killed (by -9) or crashed"""
    if ended.code in (-9, 137):
        return "killed"
    if ended.code < 0 or ended.code > 128:
        return "crashed"
    return "done" if ended.code in (0, 3) else "failed"


def copy(source, target):
    subprocess.run(["cp", "-a", source, target], check=True)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


class Running:
    """`watch` or `follow`, in its own session."""

    def __init__(self, world, argv, prefix=(), ready=True, **env):
        self.argv = argv
        self.started = time.monotonic()
        self.log_path = os.path.join(world.path, os.path.basename(argv[0]) + ".log")
        end, ready_write = os.pipe()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                list(prefix) + argv + ["--ready-fd", str(ready_write)], cwd=world.path,
                env=environment(world.path, **env), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, pass_fds=[ready_write], start_new_session=True)
        os.close(ready_write)
        self.end = end
        world.running.append(self)
        if ready:
            self.wait_ready()

    def wait_ready(self):
        readable, _, _ = select.select([self.end], [], [], DEADLINE_S)
        if not readable or not os.read(self.end, 1):
            raise Loss("never ready: %s\n%s" % (" ".join(self.argv), self.log()))

    def log(self):
        with open(self.log_path, "rb") as file:
            return text(file.read()[-3000:])

    def alive(self):
        return self.process.poll() is None

    def send(self, number):
        if self.alive():
            os.killpg(self.process.pid, number)

    def stop(self, number=signal.SIGTERM, world=None):
        """Ends it; its exit status."""
        self.send(number)
        self.send(signal.SIGCONT)
        try:
            code = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self.process.wait()
            raise Loss("does not stop on signal %d: %s\n%s" % (number, " ".join(self.argv),
                                                              self.log()))
        finally:
            if self.end is not None:
                os.close(self.end)
                self.end = None
            if world:
                world.running.remove(self)
        return code


class Rebuilt:
    """The result of a clean rebuild of a metadata folder."""

    def __init__(self, tree, site):
        self.tree, self.site = tree, site


def site_files(site):
    found = {}
    for folder, _, names in os.walk(os.path.join(site, "api")):
        for name in names:
            full = os.path.join(folder, name)
            try:
                with open(full, "rb") as file:
                    found[os.path.relpath(full, site)] = file.read()
            except FileNotFoundError:
                pass
    return found


class World:
    def __init__(self, path):
        self.path = path
        self.data, self.index = os.path.join(path, "data"), os.path.join(path, "index")
        self.repo, self.site = os.path.join(path, "repo"), os.path.join(path, "site")
        self.running = []
        os.makedirs(self.data, exist_ok=True)

    # The programs.

    def argv(self, command, *more):
        """The command line of a command on these folders."""
        folders = {"--data": self.data, "--index": self.index, "--repo": self.repo,
                   "--site": self.site}
        takes = {
            "scan": ("--data", "--index"), "watch": ("--data", "--index"),
            "check": ("--index",), "status": ("--index",),
            "export": ("--index", "--repo", "--site"),
            "follow": ("--index", "--repo", "--site"), "publish": ("--repo", "--site"),
        }.get(command, ("--repo",))
        program = INDEXER if command in ("scan", "watch", "check", "status") else EXPORTER
        return [program, command] + [a for t in takes for a in (t, folders[t])] + list(more)

    def run(self, command, *more, **env):
        return run(self.argv(command, *more), self.path, **env)

    def must(self, command, *more, good=(0,), what="", **env):
        ended = self.run(command, *more, **env)
        if ended.code not in good:
            raise Loss("%s%s" % (what, ended))
        return ended

    def start(self, command, *more, prefix=(), ready=True, **env):
        return Running(self, self.argv(command, *more), prefix, ready, **env)

    def git(self, *arguments, good=(0,), repo=None):
        ended = run(["git", "--git-dir", repo or self.repo] + list(arguments), self.path)
        if ended.code not in good:
            raise Loss(str(ended))
        return text(ended.out + ended.err).strip()

    def end(self):
        for running in list(self.running):
            running.send(signal.SIGKILL)
            running.stop(signal.SIGKILL, self)

    # The truth.

    def rebuilt(self):
        """A clean rebuild of the data, in temporary folders."""
        clean = World.__new__(World)
        clean.path, clean.data, clean.running = self.path, self.data, []
        scratch = os.path.join(self.path, "clean")
        remove(scratch)
        os.mkdir(scratch)
        clean.index, clean.repo, clean.site = (os.path.join(scratch, name)
                                               for name in ("index", "repo", "site"))
        clean.must("scan", good=(0, 3), what="clean rebuild: ")
        clean.must("export", what="clean rebuild: ")
        tree = clean.git("rev-parse", "main^{tree}")
        found = Rebuilt(tree, site_files(clean.site))
        remove(scratch)
        return found

    # The judgement.

    def judge(self, want, verify=True):
        """Raises Loss unless index, repository and site are at `want`, and whole."""
        tree = self.git("rev-parse", "main^{tree}")
        got = site_files(self.site)
        if got != want.site:
            raise Loss("the site differs from a clean rebuild's:\n" + differences(got, want.site))
        if tree != want.tree:
            raise Loss("the tree is %s, a clean rebuild's is %s" % (tree, want.tree))
        with open(os.path.join(self.site, "snapshot.json"), "rb") as file:
            told = json.load(file)["commit"]
        if told != self.git("rev-parse", "main"):
            raise Loss("snapshot.json names %s, main is another" % told)
        self.must("check", what="`check` finds: ")
        if verify:
            self.must("verify", what="`verify` finds: ")
            said = self.git("fsck", "--strict", "--no-progress", "--no-dangling")
            if said:
                raise Loss("git fsck says: " + said)

    def names(self):
        """The kinds of files in a folder, to find those that are left over."""
        found = set()
        for name, top in (("index", self.index), ("repo", self.repo), ("site", self.site)):
            for folder, _, files in os.walk(top):
                for file in files:
                    found.add(disk.kind(os.path.join(
                        name, os.path.relpath(os.path.join(folder, file), top))))
        pending = os.path.join(self.site, ".albumen/pending")
        if os.path.exists(pending):
            with open(pending, "rb") as file:
                found.add("pending says " + disk.kind(text(file.readline()).strip()))
        return found

    def remains(self):
        """Files that no program may leave, whatever happened before."""
        # Files that git itself leaves (a lock, a pack without an index) do not count.
        odd = re.compile(r"/(tmp_(pack|idx)_albumen_|_git2_)|\.lock$|/\.albumen/tmp/|\.new$")
        kept = {"index/albumen-indexer.lock", "repo/albumen-exporter.lock"}
        return sorted(name for name in self.names() - kept if odd.search(name))


def differences(got, want):
    lines = []
    for path in sorted(set(got) | set(want)):
        if got.get(path) != want.get(path):
            lines.append("  %s: %s, not %s" % (path, brief(got.get(path)), brief(want.get(path))))
    return "\n".join(lines[:6] + ["  ... %d in all" % len(lines)])


def brief(body):
    return "no file" if body is None else "%d bytes %r" % (len(body), body[:60])


# --- metadata ------------------------------------------------------------------------


class Metadata:
    """Random files in a folder, all of them good, because no rebuild can know the earlier
    claims of a rejected file."""

    def __init__(self, rng, path):
        self.rng, self.path = rng, path
        self.library = Library(rng)
        self.serial = 0

    def full(self, name):
        return os.path.join(self.path, name)

    def put(self, name, data):
        """Makes a whole file, by a rename."""
        os.makedirs(os.path.dirname(self.full(name)), exist_ok=True)
        scratch = os.path.join(os.path.dirname(self.full(name)), ".scratch")
        with open(scratch, "wb") as file:
            file.write(data)
        os.rename(scratch, self.full(name))

    def files(self):
        return sorted(os.path.relpath(os.path.join(folder, name), self.path)
                      for folder, _, names in os.walk(self.path) for name in names)

    def fill(self, count):
        """Makes random files with many collisions, and one that always stays."""
        self.put("keep.json", self.image(0, "keep"))
        for _ in range(count):
            self.add()

    def add(self):
        self.serial += 1
        folder = self.rng.choice(["", "a/", "b/", "b/c/"])
        name = "%sf%d%s" % (folder, self.serial, self.rng.choice([".json", ".ndjson"]))
        self.put(name, self.library.file(name))

    def change(self, count):
        for _ in range(count):
            files = [name for name in self.files() if name != "keep.json"]
            draw = self.rng.random()
            if draw < 0.35 or len(files) < 8:
                self.add()
            elif draw < 0.8:
                name = self.rng.choice(files)
                self.put(name, self.library.file(name))
            else:
                os.unlink(self.full(self.rng.choice(files)))

    def image(self, number, album, size=0, stamp="2020-01-01T00:00:00Z"):
        return ('{"public_id":"i%d","album_id":"%s","updated_at":"%s","x":"%s"}'
                % (number, album, stamp, "x" * size)).encode()

    def images(self, name, numbers, album="a", size=40, stamp="2020-01-01T00:00:00Z"):
        """A file of plain images."""
        self.put(name, b"\n".join(self.image(n, album, size, stamp) for n in numbers) + b"\n")


def rng_of(*parts):
    return random.Random("/".join(str(part) for part in parts))
