#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tampers with clones of signed histories, in one way at a time; verify must find it.

	tamper.py --seed N --count N --snapshots N --clean N --indexer FILE
		--exporter FILE --work DIR [--only INDEX]

Makes histories with the real programs, then for each tampering: a fresh clone, one
change to it (as a forger with git's plumbing commands would make it), and `verify`, which must
exit with status 1 and name the snapshot, and the path or the file where there is one.
Clean clones, of every way to clone and to pack, must be found good.

Every tampering depends only on the seed and on its number: --only repeats one.
"""

import argparse
import collections
import concurrent.futures
import datetime
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import zlib

KINDS = ("commit", "tree", "blob", "tag")


class Missed(Exception):
    """verify did not say what it must."""


def run(*command, stdin=b"", env=None, cwd=None):
    return subprocess.run(command, input=stdin, env=env, cwd=cwd, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def git(repo, *arguments, stdin=b""):
    return run("git", "-C", repo, *arguments, stdin=stdin)


def object_id(kind, body, name="sha1"):
    return hashlib.new(name, b"%s %d\0" % (kind, len(body)) + body).hexdigest()


# --- a history ------------------------------------------------------------------------


class History:
    """A repository of snapshots, and all its objects in memory."""

    def __init__(self, options, number):
        self.options = options
        self.rng = random.Random("%d history %d" % (options.seed, number))
        self.work = os.path.join(options.work, "history-%d" % number)
        self.repo = os.path.join(self.work, "repo")
        self.data = os.path.join(self.work, "data")
        os.makedirs(self.data)
        self.signed = number not in (3, 5)
        self.pruned = number in (4, 5)
        for key in "key", "other":
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key,
                "-f", os.path.join(self.work, key))
        self.key, self.other = (os.path.join(self.work, key) for key in ("key", "other"))
        self.signers = os.path.join(self.work, "signers")
        with open(self.key + ".pub") as public, open(self.signers, "w") as signers:
            signers.write('who@example.org namespaces="git" ' + public.read())
        self.make()
        if self.pruned:
            self.prune()
        self.load()
        self.clones()

    # The metadata: files of one record each, changed at random.

    def write(self, name, record):
        with open(os.path.join(self.data, name + ".json"), "w") as file:
            json.dump(record, file)

    def image(self, n):
        rng = self.rng
        self.write("image-%d" % n, {
            "public_id": "image-%d" % n, "album_id": "album-%d" % rng.randrange(4),
            "title": "title %d & <%d>" % (rng.randrange(100), n), "size": n * 1.5,
            "created_at": "2020-01-%02dT00:00:0%dZ" % (1 + rng.randrange(28), n % 10)})

    def tag(self, n):
        self.write("tag-%d" % n, {"id": "tag-%d" % n, "name": "name %d" % self.rng.randrange(50),
                                  "label": "label"})

    def tag_image(self, n):
        rng = self.rng
        self.write("tagging-%d" % n, {
            "id": "tagging-%d" % n, "image_id": "image-%d" % rng.randrange(24),
            "tag_id": "tag-%d" % rng.randrange(5), "user": "user %d" % rng.randrange(9),
            "created_at": "2021-01-01T00:00:%02dZ" % rng.randrange(60)})

    def step(self):
        rng = self.rng
        for _ in range(rng.randrange(1, 5)):
            change = rng.choice([self.image, self.image, self.tag_image, self.tag_image, self.tag])
            n = rng.randrange({self.image: 24, self.tag: 5}.get(change, 14))
            name = {self.image: "image-%d", self.tag: "tag-%d"}.get(change, "tagging-%d") % n
            path = os.path.join(self.data, name + ".json")
            if rng.random() < 0.2 and os.path.exists(path):
                os.unlink(path)
            else:
                change(n)

    def make(self):
        index = os.path.join(self.work, "index")
        env = dict(os.environ)
        sign = ["--sign", self.key] if self.signed else []
        for n in range(24):
            self.image(n)
        for n in range(5):
            self.tag(n)
        for n in range(12):
            self.tag_image(n)
        snapshots = labels = 0
        time_s = 1600000000
        while snapshots < self.options.snapshots:
            run(self.options.indexer, "scan", "--data", self.data, "--index", index, env=env)
            time_s += self.rng.randrange(3) * 3600
            env["SOURCE_DATE_EPOCH"] = str(time_s)
            said = run(self.options.exporter, "export", "--index", index, "--repo", self.repo,
                       *sign, env=env)
            snapshots += said.startswith(b"snapshot ")
            if snapshots >= (labels + 1) * self.options.snapshots // 3 and labels < 3:
                run(self.options.exporter, "snapshot", "--repo", self.repo, "--label",
                    "label-%d" % labels, "--reason", "quarter %d" % labels, *sign, env=env)
                labels += 1
            self.step()

    def prune(self):
        """Cuts the history off in its second third: a label of the first third is held."""
        times = [int(line) for line in git(
            self.repo, "log", "--reverse", "--format=%ct", "main").decode().split()]
        # The last snapshot of its time, so that the ones after it stay.
        ends = [n for n in range(2, len(times) - 6) if times[n] < times[n + 1]]
        run(self.options.exporter, "prune", "--repo", self.repo, "--before",
            datetime.datetime.fromtimestamp(
                times[self.rng.choice(ends[len(ends) // 2:])], datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            *(["--sign", self.key] if self.signed else []),
            env=dict(os.environ, SOURCE_DATE_EPOCH="1700000000"))

    def load(self):
        self.objects = {}
        text = git(self.repo, "cat-file", "--batch-all-objects", "--batch")
        at = 0
        while at < len(text):
            end = text.index(b"\n", at)
            oid, kind, size = text[at:end].split()
            body = text[end + 1:end + 1 + int(size)]
            self.objects[oid.decode()] = (kind, body)
            at = end + 2 + int(size)
        self.line = git(self.repo, "rev-list", "--reverse", "main").decode().split()
        self.tags = dict(line.split()[::-1] for line in
                         git(self.repo, "for-each-ref", "--format=%(objectname) %(refname)",
                             "refs/tags").decode().splitlines())
        self.commits = {oid: Commit(self.objects[oid][1]) for oid in self.line}
        self.files = {}  # by tree: path -> (mode, blob)
        for commit in self.commits.values():
            if commit.tree not in self.files:
                self.files[commit.tree] = dict(self.walk(commit.tree, ""))
        # With those that are held, before the line.
        self.all_commits = {oid: Commit(body) for oid, (kind, body) in self.objects.items()
                            if kind == b"commit"}
        self.paths = collections.defaultdict(set)  # of every tree and blob
        for commit in self.all_commits.values():
            self.paths[commit.tree].add("")
            self.find_paths(commit.tree, "")

    def entries(self, tree):
        body, at = self.objects[tree][1], 0
        while at < len(body):
            nul = body.index(b"\0", at)
            mode, name = body[at:nul].split(b" ", 1)
            yield mode, name.decode(), body[nul + 1:nul + 21].hex()
            at = nul + 21

    def walk(self, tree, prefix):
        for mode, name, oid in self.entries(tree):
            if mode == b"40000":
                yield from self.walk(oid, prefix + name + "/")
            else:
                yield prefix + name, oid

    def find_paths(self, tree, prefix):
        for mode, name, oid in self.entries(tree):
            path = prefix + name + ("/" if mode == b"40000" else "")
            if path not in self.paths[oid]:
                self.paths[oid].add(path)
                if mode == b"40000":
                    self.find_paths(oid, path)

    def clones(self):
        """Copies of the repository to tamper with, packed in several ways."""
        def path(name):
            return os.path.join(self.work, name)
        self.kinds = {"as-is": self.repo}
        run("git", "clone", "-q", "--bare", "--no-local", self.repo, path("bare"))
        run("git", "clone", "-q", "--no-local", self.repo, path("normal"))
        run("git", "clone", "-q", "--mirror", "--no-local", self.repo, path("loose"))
        pack_dir = path("loose/objects/pack")
        for name in os.listdir(pack_dir):
            shutil.move(os.path.join(pack_dir, name), self.work)
            if name.endswith(".pack"):
                with open(os.path.join(self.work, name), "rb") as pack:
                    git(path("loose"), "unpack-objects", "-q", stdin=pack.read())
        self.kinds.update(bare=path("bare"), normal=path("normal"), loose=path("loose"))


class Commit:
    """A commit's parts."""

    def __init__(self, body):
        head, self.message = body.split(b"\n\n", 1)
        self.parents, self.signature, rest = [], b"", []
        for line in head.split(b"\n"):
            key, _, value = line.partition(b" ")
            if key == b"tree":
                self.tree = value.decode()
            elif key == b"parent":
                self.parents.append(value.decode())
            elif key == b"gpgsig":
                self.signature = value
            elif not key:
                self.signature += b"\n" + value
            else:
                rest.append(line)
        self.rest = rest

    def copy(self):
        other = Commit.__new__(Commit)
        other.__dict__.update(self.__dict__)
        other.parents, other.rest = list(self.parents), list(self.rest)
        return other

    def body(self, with_signature=True):
        lines = [b"tree " + self.tree.encode()]
        lines += [b"parent " + parent.encode() for parent in self.parents]
        lines += self.rest
        if with_signature and self.signature:
            lines.append(b"gpgsig " + self.signature.replace(b"\n", b"\n "))
        return b"\n".join(lines) + b"\n\n" + self.message

    def set_time(self, time_s):
        self.rest = [line.rsplit(b" ", 2)[0] + b" %d +0000" % time_s for line in self.rest]

    def time(self):
        return int(self.rest[-1].rsplit(b" ", 2)[1])


# --- a clone to tamper with -----------------------------------------------------------


class Clone:
    def __init__(self, history, rng, path, kind):
        self.history, self.rng, self.path, self.kind = history, rng, path, kind
        shutil.copytree(history.kinds[kind], path, symlinks=True)
        self.git_dir = os.path.join(path, ".git") if kind == "normal" else path
        self.new = {}  # objects that were added
        self.digests = {}

    def add(self, kind, body):
        oid = object_id(kind, body)
        if oid not in self.history.objects and oid not in self.new:
            self.new[oid] = (kind, body)
            folder = os.path.join(self.git_dir, "objects", oid[:2])
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, oid[2:]), "wb") as file:
                file.write(zlib.compress(b"%s %d\0" % (kind, len(body)) + body, 1))
        return oid

    def get(self, oid):
        return self.new.get(oid) or self.history.objects[oid]

    def set_ref(self, name, oid):
        path = os.path.join(self.git_dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(oid + "\n")

    def entries(self, tree):
        body, at = self.get(tree)[1], 0
        while at < len(body):
            nul = body.index(b"\0", at)
            mode, name = body[at:nul].split(b" ", 1)
            yield mode, name.decode(), body[nul + 1:nul + 21].hex()
            at = nul + 21

    def put(self, tree, path, blob, mode=b"100644"):
        """The tree with another file at the path, or without one (None)."""
        name, _, rest = path.partition("/")
        entries = {n: (m, o) for m, n, o in self.entries(tree)} if tree else {}
        if rest:
            below = self.put(entries[name][1] if name in entries else None, rest, blob, mode)
            entries[name] = (b"40000", below)
        else:
            entries[name] = (mode, blob)
        if entries[name][1] is None:
            del entries[name]
        if not entries:
            return None
        order = sorted(entries, key=lambda n: n.encode() + (b"/" if entries[n][0] == b"40000" else b""))
        return self.add(b"tree", b"".join(
            entries[n][0] + b" " + n.encode() + b"\0" + bytes.fromhex(entries[n][1]) for n in order))

    def digest(self, oid):
        """The SHA-256 id of the tree, which a good forger puts into the message."""
        if oid not in self.digests:
            kind, body = self.get(oid)
            if kind == b"tree":
                body = b"".join(mode + b" " + name.encode() + b"\0" + self.digest(child)
                                for mode, name, child in self.entries(oid))
            self.digests[oid] = bytes.fromhex(object_id(kind, body, "sha256"))
        return self.digests[oid]

    def sign(self, payload, key):
        return run("ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", key,
                   stdin=payload).rstrip(b"\n")

    def seal(self, commit, how):
        """Signs a forged commit: as it was, not at all, or with another key."""
        if how == "unsigned":
            commit.signature = b""
        elif how == "other":
            lines = commit.message.split(b"\n")
            commit.message = b"\n".join(
                b"Albumen-Tree-SHA256: " + self.digest(commit.tree).hex().encode()
                if line.startswith(b"Albumen-Tree-SHA256:") else line for line in lines)
            commit.signature = self.sign(commit.body(False), self.history.other)
        return self.add(b"commit", commit.body())

    def rewrite(self, commits, how):
        """Makes the line of these commits, the first of which keeps its parents; main
        is at the last one then. Returns their ids."""
        ids = []
        for commit in commits:
            if ids:
                commit.parents = [ids[-1]]
            ids.append(self.seal(commit, how))
        self.set_ref("refs/heads/main", ids[-1])
        return ids

    def how(self):
        """How the forger signs; not at all in an unsigned history."""
        return self.rng.choice(["kept", "unsigned", "other"]) if self.history.signed else "kept"

    def tail(self, at):
        """Copies of the commits from `at` on."""
        return [self.history.commits[oid].copy() for oid in self.history.line[at:]]

    def middle(self, low=1, high=2):
        return self.rng.randrange(low, len(self.history.line) - high + 1)


# --- what must be said ----------------------------------------------------------------


def say(failures, what, test):
    if not any(test(failure) for failure in failures):
        raise Missed("no failure %s among %s" % (what, json.dumps(failures[:6], indent=1)))


def expect_commit(oid):
    return lambda failures: say(failures, "of snapshot " + oid, lambda f: f["commit"] == oid)


def expect_commit_path(oid, near):
    """Expects a failure of the snapshot at one of the paths `near`."""
    return lambda failures: say(failures, "of snapshot %s at %s" % (oid, sorted(near)),
                                lambda f: f["commit"] == oid and f["path"] in near)


def expect_path(part):
    return lambda failures: say(failures, "at " + part, lambda f: part in (f["path"] or ""))


def expect_all(*each):
    def check(failures):
        for one in each:
            one(failures)
    return check


def expect_either(one, other):
    def check(failures):
        try:
            one(failures)
        except Missed:
            other(failures)
    return check


# --- tamperings: each returns (what was done, what verify must say[, options]) ---------


def flip(path, rng, low=0, high=None):
    with open(path, "rb") as file:
        body = bytearray(file.read())
    at = rng.randrange(low, len(body) if high is None else high)
    body[at] ^= 1 << rng.randrange(8)
    os.chmod(path, 0o644)
    with open(path, "wb") as file:
        file.write(body)
    return at


def expect_damaged(clone, oid):
    """Expects that a damaged object is named at its path in a snapshot."""
    history = clone.history
    if oid in history.all_commits:
        # Later commits may be deltas of it: then the history ends at one of those.
        return lambda failures: say(failures, "of a snapshot", lambda f: f["commit"] in history.all_commits)
    if oid in history.tags.values():
        return expect_path("refs/tags/")
    # Or a folder above it, which is damaged, too, if it is a delta of it.
    paths = set(history.paths[oid])
    for path in list(paths):
        paths.update(path[:at + 1] for at, char in enumerate(path) if char == "/")
    return lambda failures: say(
        failures, "of a snapshot at %s" % sorted(paths)[:4],
        lambda f: f["commit"] and (f["path"] or "") in paths | {""} and "tree" in f["problem"]
        or f["commit"] and f["path"] in history.paths[oid])


def pack_files(clone, suffix):
    folder = os.path.join(clone.git_dir, "objects", "pack")
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(suffix)]


def flip_in_pack(clone):
    path = clone.rng.choice(pack_files(clone, ".pack"))
    listed = git(clone.git_dir, "verify-pack", "-v", path).decode().splitlines()
    at = flip(path, clone.rng)
    hit = None
    for line in listed:
        words = line.split()
        if len(words) >= 5 and words[1] in KINDS and int(words[4]) <= at < int(words[4]) + int(words[3]):
            hit = words[0]
    name = os.path.basename(path)[:-5]
    checks = [expect_path(name)]
    if hit:
        checks.append(expect_damaged(clone, hit))
    return "bit of byte %d of %s.pack, in %s" % (at, name, hit), expect_all(*checks)


def flip_in_idx(clone):
    path = clone.rng.choice(pack_files(clone, ".idx"))
    at = flip(path, clone.rng)
    return "bit of byte %d of %s" % (at, path), expect_path(os.path.basename(path)[:-4])


def flip_in_loose(clone):
    oid = clone.rng.choice(sorted(clone.history.objects))
    path = os.path.join(clone.git_dir, "objects", oid[:2], oid[2:])
    with open(path, "rb") as file:
        before = file.read()
    while True:
        at = flip(path, clone.rng)
        with open(path, "rb") as file:
            changed = file.read()
        try:
            # The padding bits before the checksum have no meaning.
            same = zlib.decompress(changed) == zlib.decompress(before)
        except zlib.error:
            same = False
        if not same:
            break
        with open(path, "wb") as file:
            file.write(before)
    return "bit of byte %d of loose %s" % (at, oid), expect_all(
        expect_path("objects/%s/%s" % (oid[:2], oid[2:])), expect_damaged(clone, oid))


def swap_loose(clone):
    """Puts one intact object in the place of another."""
    one, other = clone.rng.sample(sorted(clone.history.objects), 2)
    paths = [os.path.join(clone.git_dir, "objects", oid[:2], oid[2:]) for oid in (one, other)]
    with open(paths[1], "rb") as file:
        body = file.read()
    os.unlink(paths[0])
    with open(paths[0], "wb") as file:
        file.write(body)
    return "object %s in place of %s" % (other, one), expect_all(
        expect_path("objects/%s/%s" % (one[:2], one[2:])), expect_damaged(clone, one))


def forge_idx(clone):
    """Exchanges two ids of a pack index, and corrects its checksum."""
    # The pack of a label has a single object.
    path = clone.rng.choice([path for path in pack_files(clone, ".idx")
                             if os.path.getsize(path) > 8 + 256 * 4 + 2 * 28 + 40 - 1])
    with open(path, "rb") as file:
        body = bytearray(file.read())
    count = int.from_bytes(body[8 + 255 * 4:8 + 256 * 4], "big")
    crc = 8 + 256 * 4 + count * 20
    a, b = clone.rng.sample(range(count), 2)
    for table in crc, crc + 4 * count:
        x, y = slice(table + 4 * a, table + 4 * a + 4), slice(table + 4 * b, table + 4 * b + 4)
        body[x], body[y] = body[y], body[x]
    body[-20:] = hashlib.sha1(body[:-20]).digest()
    os.chmod(path, 0o644)
    with open(path, "wb") as file:
        file.write(body)
    ids = [body[8 + 256 * 4 + 20 * n:][:20].hex() for n in (a, b)]
    # One may be inside the other, and is then not reached.
    return "%s and %s exchanged in %s" % (*ids, path), expect_all(
        expect_path(os.path.basename(path)[:-4]), expect_either(
            expect_damaged(clone, ids[0]), expect_damaged(clone, ids[1])))


def lose_object(clone):
    oid = clone.rng.choice(sorted(clone.history.objects))
    os.unlink(os.path.join(clone.git_dir, "objects", oid[:2], oid[2:]))
    return "object %s lost" % oid, expect_damaged(clone, oid)


def cut_file(clone):
    path = clone.rng.choice(pack_files(clone, ".pack") + pack_files(clone, ".idx"))
    size = os.path.getsize(path)
    os.chmod(path, 0o644)
    os.truncate(path, clone.rng.randrange(size))
    return "%s cut short" % path, expect_path(os.path.basename(path).rsplit(".", 1)[0])


def drop_commit(clone):
    at, how = clone.middle(1, 2), clone.how()
    commits = clone.tail(at + 1)
    commits[0].parents = [clone.history.line[at - 1]]
    return "snapshot %d dropped, %s" % (at + 1, how), expect_commit(clone.rewrite(commits, how)[0])


def swap_commits(clone):
    at, how = clone.middle(1, 3), clone.how()
    commits = clone.tail(at)
    commits[0], commits[1] = commits[1], commits[0]
    commits[0].parents = [clone.history.line[at - 1]]
    return "snapshots %d and %d swapped, %s" % (at + 1, at + 2, how), \
        expect_commit(clone.rewrite(commits, how)[0])


def sign_anew(clone):
    if not clone.history.signed:
        return drop_commit(clone)
    at = clone.middle(0, 1)
    commits = clone.tail(at)
    how = clone.rng.choice(["unsigned", "other"])
    return "signed anew from snapshot %d on, %s" % (at + 1, how), \
        expect_commit(clone.rewrite(commits, how)[0])


def change_time(clone):
    if not clone.history.signed:
        # A changed unsigned time cannot be detected, unless it runs backwards.
        at, by = clone.middle(1, 1), -100000000
    else:
        at, by = clone.middle(0, 1), clone.rng.choice([-86400 * 400, -1, 1, 60, 86400 * 365])
    commits = clone.tail(at)
    commits[0].set_time(max(0, commits[0].time() + by))
    how = clone.how()
    return "time of snapshot %d changed by %d s, %s" % (at + 1, by, how), \
        expect_commit(clone.rewrite(commits, how)[0])


def cut_parent(clone):
    at, how = clone.middle(1, 1), clone.how()
    commits = clone.tail(at)
    commits[0].parents = []
    return "beginning cut off before snapshot %d, %s" % (at + 1, how), \
        expect_commit(clone.rewrite(commits, how)[0])


def merge_in(clone):
    at, how = clone.middle(2, 1), clone.how()
    commits = clone.tail(at)
    commits[0].parents.append(clone.history.line[0])
    return "second parent for snapshot %d, %s" % (at + 1, how), \
        expect_commit(clone.rewrite(commits, how)[0])


def drop_tail(clone):
    line = clone.history.line
    at = clone.middle(0, 2)
    clone.set_ref("refs/heads/main", line[at])
    if clone.rng.random() < 0.5 and clone.kind != "normal":
        for tag in clone.history.tags:
            git(clone.git_dir, "update-ref", "-d", tag)
        git(clone.git_dir, "gc", "-q", "--prune=now")
    return "cut off after snapshot %d" % (at + 1), lambda failures: say(
        failures, "about " + line[-1],
        lambda f: f["commit"] == line[-1] or line[-1] in f["problem"]), ["--to", line[-1]]


def change_message(clone):
    at, how = clone.middle(0, 1), clone.how()
    commits = clone.tail(at)
    lines = commits[0].message.split(b"\n")
    counted = [b"Albumen-Images", b"Albumen-Untagged", b"Albumen-Albums", b"Albumen-Tags",
               b"Albumen-Tag-Images", b"Albumen-Snapshot"]
    which = clone.rng.choice([i for i, line in enumerate(lines) if line.split(b":")[0] in counted])
    key, value = lines[which].split(b": ")
    lines[which] = key + b": %d" % (int(value) + clone.rng.choice([1, 7]))
    commits[0].message = b"\n".join(lines)
    return "%r in snapshot %d, %s" % (lines[which], at + 1, how), \
        expect_commit(clone.rewrite(commits, how)[0])


def forge_files(clone, at, change, how):
    """Applies change(tree) to the trees from `at` on."""
    commits = clone.tail(at)
    for commit in commits:
        commit.tree = change(commit.tree) or commit.tree
    return clone.rewrite(commits, how)[0]


def other_body(clone, path, blob):
    """A valid body of the same kind, at random: an earlier or later one of the same
    path, that of another path, or one with a string changed."""
    history, rng = clone.history, clone.rng
    kind = path.rsplit(".", 1)[1] + path.split("/")[-2 if path.endswith("untag.json") else -1][:6] \
        if "albums" in path else path.split("/")[2 if path[:3] == "api" else 1] + path.rsplit(".", 1)[1]
    same, like = set(), set()
    for files in history.files.values():
        for other, oid in files.items():
            if other == path:
                same.add(oid)
            elif other.split("/")[0:3] == path.split("/")[0:3] and \
                    other.rsplit("/", 1)[1].rsplit(".", 1)[1] == path.rsplit(".", 1)[1] and \
                    (other.rsplit("/", 1)[1] == path.rsplit("/", 1)[1] or "albums" not in kind):
                like.add(oid)
    body = clone.get(blob)[1]
    changed = [body.replace(old, new, 1) for old, new in (
        (b"title ", b"TITLE "), (b'"user ', b'"USER '), (b'"name ', b'"NAME '),
        (b'"label"', b'"lable"'), (b"2020-01-", b"2020-02-")) if old in body]
    choice = [clone.get(oid)[1] for oid in sorted(same) + sorted(like)] + changed
    choice = [other for other in choice if other != body]
    return rng.choice(choice) if choice else None


def near(clone, path):
    """The path, and the paths that then disagree with it."""
    history = clone.history
    name = path.split("/")[-2] if "images/untag" not in path else path.split("/")[-3]
    return {other for files in history.files.values() for other in files
            if other == path or "/" + name + "/" in other} | {path}


def replace_body(clone):
    history, rng = clone.history, clone.rng
    at, how = clone.middle(0, 1), clone.how()
    files = history.files[history.commits[history.line[at]].tree]
    for _ in range(50):
        path = rng.choice(sorted(files))
        body = other_body(clone, path, files[path])
        if body and (history.signed or not path.endswith(".json") or "albums" in path):
            break
    blob = clone.add(b"blob", body)
    first = forge_files(
        clone, at,
        lambda tree: clone.put(tree, path, blob)
        if history.files[tree].get(path) == files[path] else None, how)
    check = expect_commit(first)
    if "albums" in path or path.endswith(".album"):
        check = expect_commit_path(first, PathLike(clone, path, body))
    return "%s of snapshot %d replaced, %s" % (path, at + 1, how), check


class PathLike:
    """The replaced path, or any file of an image or album that its bodies name: verify
    names one of two files that disagree, and cannot know which one is forged."""

    def __init__(self, clone, path, body):
        self.path, self.clone, self.body = path, clone, body

    def __contains__(self, path):
        return bool(path)

    def __iter__(self):
        return iter([self.path, "..."])


def bad_body(clone):
    """A body with the same meaning, but not in canonical text."""
    history, rng = clone.history, clone.rng
    at, how = clone.middle(0, 1), clone.how()
    files = history.files[history.commits[history.line[at]].tree]
    path = rng.choice(sorted(files))
    body = clone.get(files[path])[1]
    body = rng.choice([body + b"\n", b" " + body, body[:-1], body[:1] + b" " + body[1:],
                       body.replace(b"a", b"\\u0061", 1) + b" "])
    blob = clone.add(b"blob", body)
    first = forge_files(
        clone, at,
        lambda tree: clone.put(tree, path, blob)
        if history.files[tree].get(path) == files[path] else None, how)
    return "%s of snapshot %d not canonical, %s" % (path, at + 1, how), \
        expect_commit_path(first, {path})


def bad_tree(clone):
    """One file too many or too few, in the wrong place, or with the wrong mode."""
    history, rng = clone.history, clone.rng
    at, how = clone.middle(0, 1), clone.how()
    files = history.files[history.commits[history.line[at]].tree]
    path = rng.choice(sorted(files))
    blob = files[path]
    what = rng.choice(["more", "fewer", "mode", "shard", "link"])
    folder = None
    if what == "more":
        path = rng.choice(["README", "api/v1/extra.json", os.path.dirname(path) + "/" + "x.txt"])
        first = forge_files(clone, at, lambda tree: clone.put(tree, path, blob), how)
    elif what == "fewer":
        first = forge_files(clone, at, lambda tree: clone.put(tree, path, None), how)
    elif what == "shard":
        words = path.split("/")
        where = words.index("tags" if words[0] == "audit" else words[2]) + 1
        words[where] = "%02x" % ((int(words[where], 16) + 1) % 256)
        moved = "/".join(words)
        first = forge_files(clone, at,
                            lambda tree: clone.put(clone.put(tree, path, None), moved, blob), how)
        path = moved
        folder = "/".join(words[:where + 3])  # of an album: what is in it is not looked at
    else:
        mode = b"100755" if what == "mode" else b"120000"
        first = forge_files(clone, at, lambda tree: clone.put(tree, path, blob, mode), how)
    if what == "fewer":
        return "%s removed from snapshot %d on, %s" % (path, at + 1, how), \
            expect_commit_path(first, PathLike(clone, path, b""))
    return "%s: %s from snapshot %d on, %s" % (path, what, at + 1, how), \
        expect_commit_path(first, {path, folder or path})


def move_label(clone):
    history, rng = clone.history, clone.rng
    name = rng.choice(sorted(history.tags))
    how = rng.choice(["other label", "no object", "made anew"])
    if how == "other label":
        oid = rng.choice([oid for tag, oid in history.tags.items() if tag != name])
    elif how == "no object":
        oid = rng.choice(history.line)
    else:
        body = history.objects[history.tags[name]][1]
        old = body.split(b"\n", 1)[0].split(b" ")[1].decode()
        tree = Commit(history.objects[old][1]).tree  # it may be held, before the line
        new = rng.choice([oid for oid in history.line if oid != old and
                          history.commits[oid].tree != tree])
        body = body.replace(old.encode(), new.encode(), 1)
        if history.signed:
            payload = body[:body.index(b"-----BEGIN SSH")]
            how = rng.choice(["kept", "unsigned", "other"])
            if how == "unsigned":
                body = payload
            elif how == "other":
                payload = payload.replace(clone.digest(tree).hex().encode(),
                                          clone.digest(history.commits[new].tree).hex().encode())
                body = payload + clone.sign(payload, history.other) + b"\n"
        oid = clone.add(b"tag", body)
    clone.set_ref(name, oid)
    return "%s moved, %s" % (name, how), expect_path(name)


def strange_ref(clone):
    history, rng = clone.history, clone.rng
    what = rng.choice(["branch", "replace", "graft", "shallow"])
    oid = rng.choice(history.line[1:])
    if what == "branch":
        clone.set_ref("refs/heads/other", oid)
        return "a second branch", expect_path("refs/heads/other")
    if what == "replace":
        clone.set_ref("refs/replace/" + oid, history.line[0])
        return "a replacement", expect_path("refs/replace/" + oid)
    name = "info/grafts" if what == "graft" else "shallow"
    os.makedirs(os.path.join(clone.git_dir, "info"), exist_ok=True)
    with open(os.path.join(clone.git_dir, name), "w") as file:
        file.write(oid + "\n")
    return name, expect_path(name)


# --- a history that begins late: the file `shallow`, and the label that declares it ------


def late_label(clone):
    """The label's reference, and its object."""
    return next((name, oid) for name, oid in clone.history.tags.items()
                if name.startswith("refs/tags/pruned/"))


def shallow_lines(clone, change):
    path = os.path.join(clone.git_dir, "shallow")
    with open(path) as file:
        lines = change(sorted(set(file.read().split())))  # git may write a line twice
    os.unlink(path)
    if lines:
        with open(path, "w") as file:
            file.write("".join(line + "\n" for line in sorted(lines)))


def more_shallow(clone):
    more = clone.rng.choice([clone.rng.choice(clone.history.line[1:]), "1" * 40])
    shallow_lines(clone, lambda lines: lines + [more])
    return "shallow has %s, too" % more, lambda failures: say(
        failures, "about " + more, lambda f: f["path"] == "shallow" and more in f["problem"])


def less_shallow(clone):
    gone = []

    def change(lines):
        gone.append(lines.pop(clone.rng.randrange(len(lines))))
        return lines
    shallow_lines(clone, change)
    if clone.rng.random() < 0.2:
        shallow_lines(clone, lambda lines: [])
        return "no shallow", lambda failures: say(
            failures, "of the end", lambda f: "the history ends here" in f["problem"])
    return "shallow lacks %s" % gone[0], lambda failures: say(
        failures, "about " + gone[0],
        lambda f: f["path"] == "shallow" and (gone[0] in f["problem"] or gone[0] == clone.history.line[0]))


def lose_late_label(clone):
    name, _ = late_label(clone)
    git(clone.git_dir, "update-ref", "-d", name)
    return "%s removed" % name, expect_path("shallow")


def edit_late_label(clone):
    """Declares something else, by a label that is as it was, not signed, or a stranger's."""
    history, rng = clone.history, clone.rng
    name, oid = late_label(clone)
    body = history.objects[oid][1]
    payload = body.split(b"-----BEGIN SSH")[0]
    first = history.line[0].encode()
    held = [line for line in payload.split(b"\n") if line.startswith(b"Albumen-Held: ")]
    what = rng.choice(["nothing", "number", "first", "more", "less"])
    if what == "nothing" and not history.signed:
        what = "number"
    if what == "number":
        number = payload.split(b"Albumen-First: ")[1].split(b" ")[0]
        for key in b"Albumen-First: ", b"Albumen-Snapshot: ":
            payload = payload.replace(key + number, key + b"%d" % (int(number) + 1))
    elif what == "first":
        payload = payload.replace(b" " + first + b"\n", b" " + history.line[1].encode() + b"\n")
    elif what == "more" or not held:
        at = payload.index(b"\n", payload.index(b"Albumen-First: ")) + 1
        payload = payload[:at] + b"Albumen-Held: 1 " + b"1" * 40 + b"\n" + payload[at:]
    elif what == "less":
        payload = payload.replace(rng.choice(held) + b"\n", b"")
    how = rng.choice(["kept", "unsigned", "other"]) if history.signed else "unsigned"
    if how == "kept" and what == "nothing":
        how = "other"
    if how == "kept":
        body = payload + body[len(body.split(b"-----BEGIN SSH")[0]):]
    elif how == "unsigned":
        body = payload
    else:
        body = payload + clone.sign(payload, history.other) + b"\n"
    clone.set_ref(name, clone.add(b"tag", body))
    # An unsigned label can say another number, which the snapshots then contradict, or hold what
    # is not there.
    return "%s changed: %s, %s" % (name, what, how), expect_either(
        expect_path("shallow"), expect_either(expect_commit(history.line[0]), expect_commit("1" * 40)))


LATE = [more_shallow, less_shallow, lose_late_label, edit_late_label, edit_late_label]

# Flipped bits and rewritten histories are more frequent than the rest.
TAMPERINGS = [flip_in_pack] * 4 + [flip_in_idx] * 2 + [flip_in_loose] * 2 + [
    lose_object, swap_loose, forge_idx, cut_file, drop_commit, drop_commit, swap_commits, swap_commits, sign_anew,
    sign_anew, change_time, change_time, cut_parent, merge_in, drop_tail, change_message,
    replace_body, replace_body, replace_body, replace_body, bad_body, bad_body, bad_tree,
    bad_tree, move_label, move_label, strange_ref] + LATE


# --- running them ---------------------------------------------------------------------


def verify(options, history, path, *more):
    signers = ["--signers", history.signers] if history.signed else []
    done = subprocess.run([options.exporter, "verify", "--repo", path, "--json", *signers, *more],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    return done.returncode, lines, done.stderr.decode(errors="replace")


def tamper(options, histories, index):
    rng = random.Random("%d tampering %d" % (options.seed, index))
    how = TAMPERINGS[index % len(TAMPERINGS)]
    history = rng.choice([one for one in histories if one.pruned or how not in LATE])
    kind = "loose" if how in (flip_in_loose, swap_loose, lose_object) else rng.choice(
        ["as-is", "bare", "bare", "normal"])
    path = os.path.join(options.work, "clone-%d" % index)
    clone = Clone(history, rng, path, kind)
    done, expect, *more = how(clone)
    status, lines, said = verify(options, history, path, *(more[0] if more else []))
    try:
        if status != 1 or said:
            raise Missed("exit status %d, %s" % (status, said.strip()))
        expect([line for line in lines if "problem" in line])
    except Missed as missed:
        return "tampering %d: %s (%s clone, signed: %s): %s" % (
            index, done, kind, history.signed, missed)
    shutil.rmtree(path)
    return None


def clean(options, histories, index):
    rng = random.Random("%d clean %d" % (options.seed, index))
    history = histories[index % len(histories)]
    path = os.path.join(options.work, "clean-%d" % index)
    ways = {
        "bare": ["git", "clone", "-q", "--bare", history.repo, path],
        "normal": ["git", "clone", "-q", history.repo, path],
        "mirror": ["git", "clone", "-q", "--mirror", "--no-local", history.repo, path],
        "copy": ["cp", "-r", history.repo, path],
    }
    way = sorted(ways)[index // 4 % len(ways)]
    run(*ways[way])
    after = rng.choice(["nothing", "gc", "repack", "midx", "loose", "packed refs", "maintain"])
    if after == "maintain" and way == "copy":
        run(options.exporter, "maintain", "--repo", path)
    elif after == "gc":
        git(path, "gc", "-q", "--aggressive")
    elif after == "repack":
        git(path, "repack", "-q", "-a", "-d", "-f", "--depth=%d" % rng.randrange(1, 60))
    elif after == "midx":
        git(path, "-c", "pack.writeReverseIndex=true", "repack", "-q", "-a", "-d", "-b",
            "--write-midx")
        git(path, "commit-graph", "write", "--reachable", "--split")
    elif after == "packed refs":
        git(path, "pack-refs", "--all")
    status, lines, said = verify(options, history, path)
    if status or said or lines[-1]["snapshots"] != len(history.line):
        return "clean clone %d (%s, %s): exit status %d: %s %s" % (
            index, way, after, status, json.dumps(lines[:6], indent=1), said)
    shutil.rmtree(path)
    return None


def main():
    parser = argparse.ArgumentParser()
    for name in "seed", "count", "snapshots", "clean":
        parser.add_argument("--" + name, type=int, required=True)
    for name in "indexer", "exporter", "work":
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    for name, value in (("GIT_AUTHOR", "A"), ("GIT_COMMITTER", "A")):
        os.environ[name + "_NAME"], os.environ[name + "_EMAIL"] = value, "a@example.org"
    histories = [History(options, n) for n in range(6)]
    jobs = [(tamper, n) for n in range(options.count)] + [(clean, n) for n in range(options.clean)]
    if options.only is not None:
        jobs = [(tamper, options.only)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        wrong = list(filter(None, pool.map(lambda job: job[0](options, histories, job[1]), jobs)))
    for line in wrong:
        print(line)
    print("%d tamperings, %d clean clones, %d wrong" % (options.count, options.clean, len(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
