# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows with folders that others changed: restored from a copy, full, damaged, edited by a
person, maintained by git; and with a clock that ran ahead."""

import os
import shutil
import subprocess
import time

from live import Row, settle
from world import DEADLINE_S, EXPORTER, Loss, Metadata, Unable, copy, differences, environment, kind_of_ended, \
    pause, remove, run, site_files, text


def checked(ended, what):
    """Raises Loss if the command crashed, or failed without a message."""
    if kind_of_ended(ended) in ("crashed", "killed"):
        raise Loss("%s: it crashed: %s" % (what, ended))
    if ended.code and not (ended.err + ended.out).strip():
        raise Loss("%s: it failed without a word: %s" % (what, ended))
    return ended


def offers(command, option):
    return option in text(run([EXPORTER, command, "--help"], "/").out)


class Restore(Row):
    share = 2
    scenes = ["index", "index", "all"]

    def history(self, world, rng, kept):
        """A few rounds; copies of the folders `kept` are made and restored."""
        metadata = Metadata(rng, world.data)
        metadata.fill(12)
        copies, refused = [], None
        for round_ in range(rng.randrange(5, 12)):
            draw = rng.random()
            if draw < 0.35:
                name = rng.choice(kept)
                target = os.path.join(world.path, "copy%d" % round_)
                if os.path.exists(os.path.join(world.path, name)):
                    copy(os.path.join(world.path, name), target)
                    copies.append((name, target))
            elif draw < 0.7 and copies:
                name, source = rng.choice(copies)
                remove(os.path.join(world.path, name))
                copy(source, os.path.join(world.path, name))
            if rng.random() < 0.8:
                metadata.change(rng.randrange(1, 6))
            if rng.random() < 0.8:
                world.must("scan", good=(0, 3))
            if rng.random() < 0.6 and os.path.exists(world.index):
                refused = self.export(world) or refused
        world.must("scan", good=(0, 3))
        refused = self.export(world) or refused
        world.judge(world.rebuilt())
        return refused

    def export(self, world):
        accepted = []
        while True:
            before = world.git("for-each-ref", good=(0, 128)), site_files(world.site)
            ended = checked(world.run("export", *accepted), "export")
            if ended.code == 0:
                return "refused" if accepted else None
            if (world.git("for-each-ref", good=(0, 128)), site_files(world.site)) != before:
                raise Loss("refused, and yet something changed: %s" % ended)
            for what in ("history", "site"):
                if b"--accept " + what.encode() in ended.err and what not in accepted:
                    accepted += ["--accept", what]
                    break
            else:
                raise Loss(str(ended))

    def index(self, world, rng):
        return self.history(world, rng, ["index"])

    def all(self, world, rng):
        return self.history(world, rng, ["index", "site"] +
                            (["repo"] if offers("export", "--accept") else []))


class Full(Row):
    share = 2
    scenes = ["tmpfs", "ext4"]

    def tmpfs(self, world, rng):
        disk = os.path.join(world.path, "disk")
        os.mkdir(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk],
                          stderr=subprocess.DEVNULL).returncode:
            raise Unable("mount of a tmpfs")
        return self.fill(world, rng, disk)

    def ext4(self, world, rng):
        disk, image = (os.path.join(world.path, name) for name in ("disk", "image"))
        os.mkdir(disk)
        with open(image, "wb") as file:
            file.truncate(16 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        if subprocess.run(["mount", "-o", "loop", image, disk],
                          stderr=subprocess.DEVNULL).returncode:
            raise Unable("a loop-mounted file system")
        os.rmdir(os.path.join(disk, "lost+found"))
        return self.fill(world, rng, disk)

    def fill(self, world, rng, disk):
        """One of the folders on a disk with a few pages free, then with enough."""
        place = rng.choice(["index", "repo", "site"])
        inside = os.path.join(disk, place)
        setattr(world, place, inside)
        metadata = Metadata(rng, world.data)
        metadata.fill(20)
        first = rng.random() < 0.5
        if not first:
            world.must("scan")
            world.must("export")
            metadata.change(12)
            metadata.images("m.ndjson", range(rng.randrange(800)), "m", 400)
        filler = os.path.join(disk, ".filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 65536)
            except OSError:
                pass
            os.ftruncate(file.fileno(), max(0, file.tell() - 4096 * rng.choice(
                [0, 1, 2, 3, rng.randrange(4, 40), rng.randrange(40, 200)])))
            os.fsync(file.fileno())
        refused = None
        for command in ("scan", "export"):
            ended = checked(world.run(command), "full disk of the " + place)
            if ended.code == 0:
                continue
            refused = "refused"
            if ended.code != 75:
                raise Loss("a full disk of the %s is not told as one (75): %s" % (place, ended))
            if command == "scan":
                break
        os.unlink(filler)
        world.must("scan", what="with space again, ")
        world.must("export", what="with space again, ")
        world.judge(world.rebuilt())
        left = world.remains()
        if left:
            raise Loss("left behind: " + ", ".join(left))
        return refused


class Bits(Row):
    share = 3
    scenes = ["index", "index", "pending", "pack", "short_index", "short_pack"]

    def prepared(self, world, rng):
        metadata = Metadata(rng, world.data)
        metadata.fill(30)
        metadata.images("m.ndjson", range(rng.randrange(50, 800)), "m", 200)
        world.must("scan")
        world.must("export")
        return metadata

    def flip(self, rng, path):
        os.chmod(path, 0o644)
        size = os.path.getsize(path)
        with open(path, "r+b") as file:
            for _ in range(rng.choice([1, 1, 1, 2, 8])):
                at = rng.randrange(size)
                file.seek(at)
                byte = file.read(1)[0] ^ (1 << rng.randrange(8))
                file.seek(at)
                file.write(bytes([byte]))

    def cut(self, rng, path):
        os.chmod(path, 0o644)
        size = os.path.getsize(path)
        os.truncate(path, rng.choice([0, size // 2, size - 1, rng.randrange(size),
                                      max(0, size - 4096)]))

    def equal(self, world, want, commands):
        """Runs the commands; "refused" if one fails, else the result must be equal."""
        for command in commands:
            ended = checked(world.run(command), "damaged")
            if ended.code not in (0, 3):
                return "refused"
        got = site_files(world.site)
        if got != want.site:
            raise Loss("damage was published, exit 0:\n" + differences(got, want.site))
        if world.git("rev-parse", "main^{tree}") != want.tree:
            raise Loss("damage was exported, exit 0")
        return None

    def elsewhere(self, world):
        """A new repository and site, so that everything is rendered."""
        world.repo, world.site = world.repo + ".2", world.site + ".2"

    def index(self, world, rng, damage=None):
        self.prepared(world, rng)
        want = world.rebuilt()
        (damage or self.flip)(rng, os.path.join(world.index, "data.mdb"))
        checked(world.run("check"), "damaged")
        checked(world.run("status"), "damaged")
        self.elsewhere(world)
        return self.equal(world, want, ["export"])

    def pending(self, world, rng):
        """A scan with changes to read meets the damage."""
        metadata = self.prepared(world, rng)
        metadata.change(15)
        want = world.rebuilt()
        self.flip(rng, os.path.join(world.index, "data.mdb"))
        return self.equal(world, want, ["scan", "export"])

    def short_index(self, world, rng):
        return self.index(world, rng, self.cut)

    def packs(self, world):
        folder = os.path.join(world.repo, "objects/pack")
        return sorted(os.path.join(folder, name) for name in os.listdir(folder)
                      if name.endswith((".pack", ".idx")))

    def pack(self, world, rng, damage=None):
        metadata = self.prepared(world, rng)
        for _ in range(rng.randrange(2)):
            metadata.change(5)
            world.must("scan")
            world.must("export")
        before = world.rebuilt()
        (damage or self.flip)(rng, rng.choice(self.packs(world)))
        for command in (["verify"], ["log"], ["audit"]):
            checked(world.run(*command), "damaged")
        site = world.site
        world.site += ".2"
        refused = self.equal(world, before, ["publish"]) if self.tree_is_good(world) else None
        world.site = site
        metadata.change(8)
        world.must("scan")
        want = world.rebuilt()
        ended = checked(world.run("export"), "damaged")
        if ended.code:
            return "refused"
        got = site_files(world.site)
        if got != want.site:
            raise Loss("damage was published, exit 0:\n" + differences(got, want.site))
        # Another tree that git can read is a loss. One that it cannot read is the old
        # damage, which verify and fsck report.
        tree = run(["git", "--git-dir", world.repo, "rev-parse", "main^{tree}"], world.path)
        if tree.code == 0 and text(tree.out).strip() != want.tree:
            raise Loss("damage was exported, exit 0")
        return refused

    def tree_is_good(self, world):
        return run(["git", "--git-dir", world.repo, "rev-parse", "main^{tree}"],
                   world.path).code == 0

    def short_pack(self, world, rng):
        return self.pack(world, rng, self.cut)


class Clock(Row):
    share = 0.5
    scenes = ["ahead"]

    def ahead(self, world, rng):
        """Snapshots of a clock that ran ahead, then of the right one."""
        metadata = Metadata(rng, world.data)
        metadata.fill(8)
        for _ in range(rng.randrange(2, 6)):
            stamp = int(time.time()) + rng.choice([-100000, -5, 0, 5, 86400, 300000000])
            world.must("scan")
            world.must("export", SOURCE_DATE_EPOCH=str(stamp))
            metadata.change(4)
        world.must("scan")
        world.must("export")
        want = world.rebuilt()
        world.judge(want)
        remove(world.site)
        world.must("publish", "--rev", "main")
        world.judge(want, verify=False)
        path = rng.choice(sorted(p for p in want.site if "%" not in p and "untag" not in p
                                 and "/albums/" in p))
        ended = world.must("show", "--at", "now", "/" + path[:-len(".json")])
        if ended.out != want.site[path]:
            raise Loss("`show --at now` is not the last snapshot: %r" % ended.out[:80])


class Git(Row):
    share = 2
    scenes = ["beside", "widened"]
    widened_calls = "rename,renameat,renameat2,link,linkat,unlink,unlinkat"

    def beside(self, world, rng, prefix=()):
        """Ordinary git commands on the repository, beside watch and follow."""
        metadata = Metadata(rng, world.data)
        metadata.fill(12)
        world.must("scan")
        world.must("export")
        mirror, clone = os.path.join(world.path, "mirror"), os.path.join(world.path, "clone")
        for target in (mirror, clone):
            run(["git", "clone", "-q", "--bare", world.repo, target], world.path)
        world.start("watch")
        follow = world.start("follow")
        commands = [
            ["gc", "-q"], ["repack", "-q", "-ad"], ["repack", "-q", "-A", "-d"],
            ["repack", "-q", "-d"], ["pack-refs", "--all"], ["push", "-q", "--mirror", mirror],
            ["fetch", "-q", clone, "main"], ["fsck"], ["commit-graph", "write"],
            ["multi-pack-index", "write"],
        ]
        commits = 0
        for _ in range(rng.randrange(3, 9)):
            metadata.change(4)
            argv = list(prefix) + ["git", "--git-dir", world.repo] + rng.choice(commands)
            process = subprocess.Popen(argv, env=environment(world.path), cwd=world.path,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(rng.randrange(4)):
                pause(rng.random() * 0.1)
                metadata.change(2)
                if rng.random() < 0.5:
                    follow.stop(world=world)
                    follow = world.start("follow", ready=False)
            try:
                process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise Loss("git hangs: " + " ".join(argv))
            now = world.git("rev-list", "--count", "main")
            if int(now) < commits:
                raise Loss("history is shorter: %s of %d snapshots" % (now, commits))
            commits = int(now)
        settle(world)
        count = world.git("rev-list", "--count", "main")
        message = world.git("log", "-1", "--format=%B", "main")
        if "Albumen-Snapshot: %s\n" % count not in message + "\n":
            raise Loss("there are %s snapshots; the last says:\n%s" % (count, message))

    def widened(self, world, rng):
        """The same, with git slowed down between the steps of a change."""
        return self.beside(world, rng, ["strace", "-f", "-qq", "-o", "/dev/null", "-e",
                                        "trace=" + self.widened_calls, "-e", "inject=%s:delay_exit=%d"
                                        % (self.widened_calls, rng.choice([20000, 100000]))])


class People(Row):
    share = 2
    scenes = ["ref_removed", "ref_set_back", "ref_foreign", "site_edited", "site_removed",
              "pack_removed", "index_removed"]

    def prepared(self, world, rng):
        metadata = Metadata(rng, world.data)
        metadata.fill(15)
        for _ in range(3):
            world.must("scan")
            world.must("export")
            metadata.change(6)
        return metadata

    def history(self, world, rng, edit):
        """An edit of the branch is refused, and nothing changed; undone, all goes on."""
        metadata = self.prepared(world, rng)
        main = world.git("rev-parse", "main")
        edit()
        refs = world.git("for-each-ref")
        site = site_files(world.site)
        if rng.random() < 0.7:
            world.must("scan")
        ended = checked(world.run("export"), "edited history")
        if ended.code == 0:
            raise Loss("a history changed by a person was built on")
        if world.git("for-each-ref") != refs or site_files(world.site) != site:
            raise Loss("refused, and yet something changed: %s" % ended)
        if rng.random() < 0.5 and offers("export", "--accept"):
            world.must("scan")
            world.must("export", "--accept", "history")
        else:
            world.git("update-ref", "refs/heads/main", main)
        metadata.change(3)
        world.must("scan")
        world.must("export")
        world.judge(world.rebuilt(), verify=False)
        return "refused"

    def ref_removed(self, world, rng):
        return self.history(world, rng, lambda: os.unlink(
            os.path.join(world.repo, "refs/heads/main")))

    def ref_set_back(self, world, rng):
        return self.history(world, rng, lambda: world.git(
            "update-ref", "refs/heads/main", "main~1"))

    def ref_foreign(self, world, rng):
        def edit():
            parents = rng.choice([["-p", "main"], [], ["-p", "main~1"]])
            commit = world.git("commit-tree", "main^{tree}", *parents, "-m", "a person's")
            world.git("update-ref", "refs/heads/main", commit)
        return self.history(world, rng, edit)

    def site_edited(self, world, rng):
        if not offers("publish", "--repair"):
            raise Unable("publish has no --repair")
        self.prepared(world, rng)
        world.must("scan")
        world.must("export")
        want = world.rebuilt()
        files = sorted(want.site)
        for name in rng.sample(files, rng.randrange(1, 6)):
            full = os.path.join(world.site, name)
            draw = rng.random()
            if draw < 0.4:
                os.unlink(full)
            elif draw < 0.6:
                with open(full, "ab") as file:
                    file.write(b" ")
            elif draw < 0.8:
                with open(full, "r+b") as file:
                    byte = file.read(1) or b"x"
                    file.seek(0)
                    file.write(bytes([byte[0] ^ 1]))
            else:
                os.unlink(full)
                os.mkdir(full)
        if rng.random() < 0.2:
            shutil.rmtree(os.path.join(world.site, "api"))
        ended = checked(world.run("publish", "--check"), "edited site")
        if ended.code != 1:
            raise Loss("an edited site passes: %s" % ended)
        world.must("publish", "--repair")
        world.must("publish", "--check")
        world.judge(want, verify=False)
        return "refused"

    def site_removed(self, world, rng):
        self.prepared(world, rng)
        remove(os.path.join(world.site, rng.choice(["", ".albumen", "snapshot.json"])))
        world.must("scan")
        refused = None
        ended = checked(world.run("export"), "site removed")
        if ended.code:
            refused = "refused"
            remove(world.site)
            world.must("export")
        world.judge(world.rebuilt())
        return refused

    def pack_removed(self, world, rng):
        metadata = self.prepared(world, rng)
        folder = os.path.join(world.repo, "objects/pack")
        name = os.path.join(folder, rng.choice(sorted(os.listdir(folder))))
        os.rename(name, os.path.join(world.path, "kept"))
        world.must("scan")
        want = world.rebuilt()
        ended = checked(world.run("export"), "pack removed")
        if ended.code == 0 and site_files(world.site) != want.site:
            raise Loss("without %s the site differs, exit 0" % os.path.basename(name))
        if name.endswith(".idx"):
            pack = name[:-len(".idx")] + ".pack"
            if not os.path.exists(pack):
                raise Loss("the pack whose index was lost is gone, too")
        os.rename(os.path.join(world.path, "kept"), name)
        metadata.change(3)
        world.must("scan")
        world.must("export")
        world.judge(world.rebuilt())
        return "refused" if ended.code else None

    def index_removed(self, world, rng):
        """The folder of the index is removed or replaced under both programs."""
        metadata = self.prepared(world, rng)
        world.start("watch")
        world.start("follow")
        metadata.change(4)
        moved = world.index + ".moved"
        os.rename(world.index, moved)
        if rng.random() < 0.5:
            remove(moved)
        if rng.random() < 0.3:
            world.must("scan")
        end = time.monotonic() + DEADLINE_S
        metadata.change(4)
        watch, follow = world.running
        while watch.alive() and time.monotonic() < end:
            pause(0.1)
            metadata.change(1)
        if watch.alive():
            raise Loss("watch goes on without its index")
        if watch.stop(world=world) < 0 or not watch.log().strip():
            raise Loss("watch crashed, or said nothing: " + watch.log())
        if not follow.alive():
            if follow.stop(world=world) < 0 or not follow.log().strip():
                raise Loss("follow crashed, or said nothing: " + follow.log())
            world.start("follow", ready=False)
        world.start("watch")
        settle(world)
        return "refused"


ROWS = {"restore": Restore, "full": Full, "clock": Clock, "bits": Bits, "git": Git,
        "people": People}
