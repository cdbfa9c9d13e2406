# SPDX-License-Identifier: GPL-2.0-or-later
"""Row `fault`: each call of each command that changes something, in turn, fails or is the
last one of the process; then the command runs again. strace(1) makes the calls fail."""

import collections
import os
import re
import tarfile

import disk
from world import Loss, Metadata, World, copy, kind_of_ended, pause, remove, rng_of, run

ERRORS = {
    "EIO": disk.WRITING + disk.SYNCING + disk.NAMING + disk.REMOVING + disk.OPENING,
    "ENOSPC": disk.WRITING + disk.SYNCING[:2] + disk.NAMING + disk.OPENING,
    "EDQUOT": disk.WRITING + disk.SYNCING[:2] + disk.NAMING + disk.OPENING,
    "EINTR": ["write", "pwrite64", "writev", "pwritev", "ftruncate", "fallocate", "fsync",
              "fdatasync"] + disk.OPENING,
    "EMFILE": disk.OPENING,
}
FULL = ("ENOSPC", "EDQUOT")

# The state that each command starts from, and whether `scan` or `export` follows it.
SCENES = {
    "scan": ("scan", [("index1", "index"), ("repo1", "repo"), ("site1", "site")]),
    "first-scan": ("scan", []),
    "export": ("export", [("index2", "index"), ("repo1", "repo"), ("site1", "site")]),
    "first-export": ("export", [("index2", "index")]),
    "first-export-alone": ("export", [("index2", "index")]),
    "publish": ("publish", [("index2", "index"), ("repo2", "repo"), ("site1", "site")]),
    "first-publish": ("publish", [("index2", "index"), ("repo2", "repo")]),
    "maintain": ("maintain", [("index2", "index"), ("repo2", "repo"), ("site2", "site")]),
    "prune": ("prune", [("index2", "index"), ("repo2", "repo"), ("site2", "site")]),
    "snapshot": ("snapshot", [("index2", "index"), ("repo2", "repo"), ("site2", "site")]),
    "bundle": ("bundle", [("index2", "index"), ("repo2", "repo"), ("site2", "site")]),
}
# What a power cut may undo after a success: an index can be made again, without the note
# of a finished publication the next one costs more, and a removed file may come back.
MAY_BE_UNSYNCED = {
    "index (its name)", "index/albumen-indexer.lock", "index/albumen-indexer.lock (its name)",
    "index/changed", "index/changed (its name)", "index/data.mdb (its name)",
    "index/lock.mdb", "index/lock.mdb (its name)", "repo/albumen-exporter.lock", "repo/config",
    "repo/albumen-exporter.lock (its name)", "site/.albumen/lock", "site/.albumen/lock (its name)",
    "site/.albumen/pending",
    # Empty: references are packed where several change at once.
    "repo/refs/tags/pruned (its name)",
    # It has a checksum; if it is lost the next export renders more.
    "repo/albumen-exporter.note", "repo/albumen-exporter.note (its name)",
    "repo/albumen-exporter.note.new", "repo/albumen-exporter.note.new (its name)",
    # A report of the state, which the next scan or watch writes again.
    "index/status.json", "index/status.json (its name)",
    "index/status.json.new", "index/status.json.new (its name)",
}
# Other names of albumen-exporter.lock, which the next writer removes.
LOCK = re.compile(r"repo/[^ ]*\.lock( |$)")
MAY_COME_BACK = ("repo/albumen-exporter.", "repo/objects/pack/")
MORE = {"snapshot": ["--label", "filed/one", "--reason", "kept"], "bundle": ["out.tar"],
        "prune": ["--before", "now"]}


class Fault:
    share = 4
    scenes = list(SCENES)

    def __init__(self, torture):
        self.torture = torture
        self.built = False

    def build(self):
        """Two states of index, repository and site, and what to fail of each command."""
        path = self.torture.folder("fault")
        rng = rng_of(self.torture.seed, "fault")
        self.world = world = World(path)
        self.templates = os.path.join(path, "templates")
        os.mkdir(self.templates)
        metadata = Metadata(rng, world.data)
        metadata.fill(12)
        for _ in range(3):  # so that there is something to pack again
            world.must("scan", good=(0, 3))
            world.must("export")
            metadata.change(6)
        world.must("scan", good=(0, 3))
        world.must("export")
        self.keep("1")
        metadata.change(10)
        pause(2.1)  # a file as young as this is read twice
        self.want = world.rebuilt()
        world.must("scan", good=(0, 3))
        world.must("export")
        self.keep("2")
        self.names = {}
        self.at_once = []  # losses that occur without a fault
        self.cases = [(scene, threads, call, error) for scene in self.scenes
                      for threads in ("0", "") for call, error in self.faults(scene, threads)]
        # In random order, but one of each kind before the second of any.
        rng.shuffle(self.cases)
        met = collections.Counter()
        order = []
        for case in self.cases:
            kind = (case[0], case[2][0], case[3])
            met[kind] += 1
            order.append(met[kind])
        self.cases = [case for _, case in sorted(zip(order, self.cases), key=lambda x: x[0])]
        self.built = True

    def keep(self, number):
        for name in ("index", "repo", "site"):
            copy(os.path.join(self.world.path, name), os.path.join(self.templates, name + number))

    def lay(self, scene):
        for name in ("index", "repo", "site", "out.tar"):
            remove(os.path.join(self.world.path, name))
        for source, name in SCENES[scene][1]:
            copy(os.path.join(self.templates, source), os.path.join(self.world.path, name))

    def traced(self, scene, threads, inject=None):
        """Runs the command under strace; (how it ended, the log)."""
        log = os.path.join(self.world.path, "strace.log")
        command = SCENES[scene][0]
        argv = ["strace", "-f", "-y", "-qq", "-s", "1", "-o", log, "-e",
                "trace=" + ",".join(disk.TRACED)]
        if inject:
            argv += ["-e", "inject=" + inject]
        env = {"ALBUMEN_THREADS": threads} if threads else {}
        program = self.world.argv(command, *MORE.get(command, []))
        if scene.endswith("-alone"):
            at = program.index("--site")
            del program[at:at + 2]
        ended = run(argv + program, self.world.path, **env)
        return ended, log

    def faults(self, scene, threads):
        self.lay(scene)
        before = disk.Disk(self.world.path)
        ended, log = self.traced(scene, threads)
        if ended.code not in (0, 3):
            raise Loss("%s without a fault: %s" % (scene, ended))
        before.take(log)
        unsafe = self.unsafe(before, scene)
        if unsafe:
            self.at_once.append("%s without a fault: a power cut could undo: %s" % (scene, unsafe))
        made = disk.calls(log, self.world.path)
        self.after(scene)
        self.names.setdefault(scene, set()).update(self.world.names())
        found = set()
        for call in made:
            if not call.path or not (call.path + "/").startswith(self.world.path + "/") or \
                    call.path.startswith(self.world.data):
                continue
            if call.may_change():
                found.add(((call.name, call.ordinal), "KILL"))
            for error, names in ERRORS.items():
                if call.name in names and (call.may_change() or error in ("EMFILE", "EINTR")):
                    found.add(((call.name, call.ordinal), error))
        return sorted(found)

    def unsafe(self, state, scene):
        # What a prune has removed must not come back.
        back = MAY_COME_BACK[:1] if scene == "prune" else MAY_COME_BACK
        return ", ".join("%s: %s" % item for item in sorted(state.unsafe().items())
                         if item[0] not in MAY_BE_UNSYNCED and not LOCK.match(item[0]) and not (
                             item[0].startswith(back) and "gone" in item[1]))

    def after(self, scene):
        """The commands that lead to the same result after any command."""
        world = self.world
        if scene == "first-scan":
            world.must("scan", good=(0, 3), what="afterwards ")
        world.must("export", what="afterwards ")

    def case(self, number, rng):
        if not self.built:
            self.build()
        if self.at_once:
            raise Loss(self.at_once.pop())
        scene, threads, (name, ordinal), error = self.cases[number % len(self.cases)]
        how = "signal=KILL" if error == "KILL" else "error=" + error
        inject = "%s:%s:when=%d" % (name, how, ordinal)
        story = "%s%s, %s: " % (scene, "" if threads else " with threads", inject)
        try:
            return self.one(scene, threads, name, error, inject)
        except Loss as loss:
            raise Loss(story + str(loss)) from None

    def one(self, scene, threads, name, error, inject):
        self.lay(scene)
        state = disk.Disk(self.world.path)
        ended, log = self.traced(scene, threads, inject)
        state.take(log)
        good = (0, 3) if SCENES[scene][0] == "scan" else (0,)
        kind = kind_of_ended(ended)
        if kind == "crashed" or (kind == "killed" and error != "KILL"):
            raise Loss("it crashed: %s" % ended)
        refused = kind == "failed"
        if refused and not ended.err.strip():
            raise Loss("it failed without a word: %s" % ended)
        if refused and error in FULL and name not in disk.SYNCING and ended.code != 75 and \
                self.own(log):
            raise Loss("a full disk is not told as one (75): %s" % ended)
        if ended.code not in good:
            ended, log = self.traced(scene, threads)
            state.take(log)
            if scene == "bundle" and ended.code == 1 and b"out.tar' exists" in ended.err:
                # The first one was killed behind its last step. Do as the message says.
                with tarfile.open(os.path.join(self.world.path, "out.tar")) as whole:
                    whole.getmembers()
                remove(os.path.join(self.world.path, "out.tar"))
                ended, log = self.traced(scene, threads)
                state.take(log)
            if ended.code not in good and not self.done_before(scene, ended):
                raise Loss("the retry fails: %s" % ended)
        unsafe = self.unsafe(state, scene)
        if unsafe:
            raise Loss("after success a power cut could undo: " + unsafe)
        self.after(scene)
        self.world.judge(self.want)
        left = self.world.names() - self.names[scene]
        if name in disk.REMOVING and error != "KILL":
            left = set()  # what cannot be removed stays
        if left:
            raise Loss("left behind: " + ", ".join(sorted(left)))
        return "refused" if refused else None

    def own(self, log):
        """Whether the failed call was the program's own, and not one of git."""
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = file.readlines()
        failed = [line.split()[0] for line in lines if "(INJECTED)" in line]
        return failed[-1:] == [lines[0].split()[0]]

    def done_before(self, scene, ended):
        """Whether the second run finds that the first one made the label."""
        return scene == "snapshot" and self.world.git("tag", "-l", "filed/one") == "filed/one"


ROWS = {"fault": Fault}
