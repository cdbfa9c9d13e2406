# SPDX-License-Identifier: GPL-2.0-or-later
"""The tools of tests/bench/run: runs of programs, and libraries to run them on."""

import contextlib
import datetime
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ALBUMEN_BUILD", ROOT / "build")).resolve()
INDEXER, EXPORTER = str(BUILD / "albumen-indexer"), str(BUILD / "albumen-exporter")
SHARED = str(BUILD / "shared/albumen-exporter")  # with libgit2's shared library
ENV = {**os.environ, "LC_ALL": "C", "TZ": "UTC", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/"}
COLD = os.environ.get("DROP_CACHES") == "1"


class Failed(Exception):
    pass


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


# --- one run of one program -------------------------------------------------------


class Run:
    """The cost of a process: seconds, CPU seconds, peak of RssAnon in bytes."""

    settled = True

    def __init__(self, argv, stdin=os.devnull, good=(0,)):
        self.settle()
        with open(stdin, "rb") as source, open(os.devnull, "wb") as sink, \
                tempfile.TemporaryFile() as log:
            moves = [(os.POSIX_SPAWN_DUP2, f.fileno(), to)
                     for to, f in enumerate((source, sink, log))]
            start = time.perf_counter()
            self.pid = os.posix_spawnp(argv[0], argv, ENV, file_actions=moves)
            with self.sampled():
                _, status, usage = os.wait4(self.pid, 0)
                self.seconds = time.perf_counter() - start
            self.cpu = usage.ru_utime + usage.ru_stime
            code = os.waitstatus_to_exitcode(status)
            if code not in good:
                log.seek(0)
                raise Failed(f"'{' '.join(argv)}' ended with {code}: "
                             + log.read().decode(errors="replace")[-500:].strip())

    @classmethod
    def settle(cls):
        """Before a timed run: writes back everything that earlier runs left dirty."""
        if cls.settled:
            os.sync()
        if COLD:
            Path("/proc/sys/vm/drop_caches").write_text("3\n")

    @classmethod
    @contextlib.contextmanager
    def in_a_row(cls):
        """Runs of milliseconds, one after the other as in real use: no sync between."""
        cls.settled = False
        yield
        cls.settled = True

    @contextlib.contextmanager
    def sampled(self):
        """Reads RssAnon every 10 ms, because the kernel keeps no peak of it. Not for runs of
        milliseconds, which would include the start of the thread."""
        self.peak, over = 0, threading.Event()
        sampler = threading.Thread(target=self.sample, args=(over,))
        if self.settled:
            sampler.start()
        yield
        over.set()
        if self.settled:
            sampler.join()

    def sample(self, over):
        while not over.wait(0.01):
            self.peak = max(self.peak, rss_anon(self.pid))


def proc_status(pid):
    try:
        return dict(line.split(":", 1)
                    for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    except (FileNotFoundError, ProcessLookupError):
        return {}


def rss_anon(pid):
    return int(proc_status(pid).get("RssAnon", "0 kB").split()[0]) * 1024


def quiet(*argv, **kw):
    """Runs a command that is not measured."""
    done = subprocess.run([str(a) for a in argv], env=ENV, capture_output=True, **kw)
    if done.returncode:
        raise Failed(f"'{' '.join(map(str, argv))}': {done.stderr.decode()[-500:]}")
    return done.stdout


def tree_bytes(path, allocated=False):
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            st = os.lstat(os.path.join(folder, name))
            total += st.st_blocks * 512 if allocated else st.st_size
    return total


# --- libraries, and what the programs make of them --------------------------------


class Library:
    """A generated folder and its index, its repository and its site, each made when first
    needed. Nothing is removed before the end: ext4 is several times slower to
    create files in the first half minute after many were removed."""

    work, seed, known = None, 1, {}

    def __init__(self, images, shape="default", layout="ndjson", seed=None):
        self.images, self.shape = images, shape
        self.dir = Path(tempfile.mkdtemp(prefix=f"{shape}-{images}-{layout}.",
                                         dir=self.work))
        self.data = self.dir / "data"
        self.rng = random.Random(self.seed)
        self.runs, self.records, self.count = {}, {}, 0
        say(f"generating {images:,} images, {shape}, {layout}")
        quiet(self.work / "generate", "--images", images, "--seed", seed or self.seed,
              "--shape", shape, "--layout", layout, "--out", self.data)
        self.bytes = tree_bytes(self.data)

    @classmethod
    def of(cls, *args, **kw):
        key = (args, tuple(sorted(kw.items())))
        if key not in cls.known:
            cls.known[key] = cls(*args, **kw)
        return cls.known[key]

    def fresh(self, name):
        """A path that does not exist yet."""
        self.count += 1
        return self.dir / f"{name}{self.count}"

    def scan(self, index):
        return Run([INDEXER, "scan", "--data", str(self.data), "--index", str(index)])

    def export(self, repo, site=None, index=None, exporter=EXPORTER, sign=None):
        argv = [exporter, "export", "--index", str(index or self.index), "--repo", str(repo)]
        argv += ["--site", str(site)] if site else []
        return Run(argv + (["--sign", sign] if sign else []))

    def publish(self, site):
        return Run([EXPORTER, "publish", "--repo", str(self.repo), "--site", str(site)])

    def made(self, name, make):
        if name not in self.runs:
            path = self.dir / name
            say(f"making the {name} of {self.images:,} images, {self.shape}")
            self.runs[name] = make(path), path
        return self.runs[name][1]

    def again(self, name, make):
        """A run of `make`: the first into the library's own folder, later ones elsewhere."""
        if name in self.runs:
            return make(self.fresh(name))
        self.made(name, make)
        return self.runs[name][0]

    @property
    def index(self):
        return self.made("index", self.scan)

    @property
    def repo(self):
        index = self.index
        return self.made("repo", lambda path: self.exported(path, index))

    def exported(self, path, index):
        """The first export, which must hold a response for every image."""
        run = self.export(path, index=index)
        names = quiet("git", "-C", path, "ls-tree", "-r", "--name-only", "main")
        if names.count(b".album\n") != self.images:
            raise Failed(f"the snapshot '{path}' is not whole")
        return run

    @property
    def site(self):
        self.repo
        return self.made("site", self.publish)

    @property
    def stream(self):
        """The snapshot as a stream of git fast-export."""
        path = self.dir / "stream"
        if not path.exists():
            repo = self.repo
            with open(path, "wb") as out:
                subprocess.run(["git", "-C", repo, "fast-export", "--all"], env=ENV,
                               stdout=out, check=True)
        return path

    def fast_import(self):
        repo = self.fresh("peer.git")
        quiet("git", "init", "-q", "--bare", repo)
        return Run(["git", "-C", str(repo), "fast-import", "--quiet"],
                   stdin=self.stream), repo

    # One file after the other, as they come in while the programs run.

    def an_image(self):
        """The text of a random image of the library."""
        with open(self.data / "images.ndjson", "rb") as images:
            images.seek(self.rng.randrange(os.fstat(images.fileno()).st_size))
            images.readline()
            return images.readline().decode().rstrip() or self.an_image()

    def arrive(self, text):
        """Renames a file with `text` into the folder; returns the time."""
        self.count += 1
        (self.dir / "staging").write_text(text)
        (self.data / "arrivals").mkdir(exist_ok=True)
        start = time.perf_counter()
        os.rename(self.dir / "staging", self.arrived)
        return start

    @property
    def arrived(self):
        """The file that arrived last."""
        return self.data / f"arrivals/{self.count}.json"

    def change_image(self):
        self.count += 1
        at = datetime.datetime(2031, 1, 1) + datetime.timedelta(seconds=self.count)
        self.arrive(re.sub('"updated_at":"[^"]*"', f'"updated_at":"{at.isoformat()}Z"',
                           self.an_image(), count=1))

    def key(self):
        """A key to sign with, which needs no agent and no password."""
        path = self.dir / "key"
        if not path.exists():
            quiet("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path)
        return str(path)

    def change_label(self):
        """Changes the label of the first tag, which in the shape one-tag is on every image."""
        self.count += 1
        with open(self.data / "tags.ndjson", encoding="utf-8") as tags:
            tag = json.loads(tags.readline())
        tag["label"] = f"label {self.count}"
        tag["updated_at"] = f"2031-01-01T00:00:00.{self.count:09d}Z"
        self.arrive(json.dumps(tag))

    # What a change costs the file system.

    def floor(self, caches):
        """A run of floor.c, for the files that the last export changed in the site."""
        repo, pack = self.dir / "floor", self.repo / "objects/pack"
        if not repo.exists():
            for folder in ("objects/pack", "refs/heads"):
                (repo / folder).mkdir(parents=True)
            for name in ("albumen-exporter.lock", "refs/heads/main"):
                (repo / name).write_text("")
        names = quiet("git", "-C", self.repo, "diff", "--name-only", "HEAD~1", "HEAD")
        paths = [re.sub("(/[0-9a-f]{2}){2}/", "/", name) for name in names.decode().split()]
        paths = [path for path in paths if (self.site / path).exists()]
        bodies = [(self.site / path).read_bytes() for path in ("snapshot.json", *paths)]
        # The smallest of the newest: the last export may have merged packs.
        newest = min(sorted(pack.glob("*.pack"), key=os.path.getmtime)[-3:],
                     key=os.path.getsize)
        sizes = [os.path.getsize(newest), os.path.getsize(newest.with_suffix(".idx"))]
        pipe = os.memfd_create("bodies")
        os.write(pipe, b"".join(bodies))
        caches(self)
        run = Run([str(self.work / "floor"), str(repo), str(self.site), *map(str, sizes),
                   str(len(bodies[0])), *[str(x) for path, body in zip(paths, bodies[1:])
                                          for x in (path, len(body))]],
                  stdin=f"/proc/self/fd/{pipe}")
        os.close(pipe)
        return run

    def mapped(self):
        """The files that the programs map: of the index and of the repository."""
        return (self.index / "data.mdb", *(self.repo / "objects/pack").iterdir())

    def fetch(self):
        """Reads them, as the kernel may have reclaimed what was not used for a while."""
        for path in self.mapped():
            with open(path, "rb", buffering=0) as file:
                while file.read(1 << 22):
                    pass

    def evict(self):
        """Drops the caches: all of them if we are root, else the pages of these files."""
        os.sync()
        if os.geteuid() == 0:
            Path("/proc/sys/vm/drop_caches").write_text("3\n")
            return
        for path in self.mapped():
            fd = os.open(path, os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)

    def tag_image(self, number):
        """One more tag image, on the image of this number, which has none yet."""
        if not self.records:
            for name in ("images", "tags"):
                with open(self.data / f"{name}.ndjson", encoding="utf-8") as lines:
                    self.records[name] = [json.loads(line)["id"] for line in lines]
        images, tags = self.records["images"], self.records["tags"]
        self.arrive(json.dumps({"id": f"bench-{number}", "created_at": "2031-01-01T00:00:00Z",
                                "image_id": images[number],
                                "tag_id": tags[number % len(tags)]}))

    @contextlib.contextmanager
    def daemons(self):
        """Starts both programs; the pids of watch and follow."""
        commands = [[INDEXER, "watch", "--data", self.data, "--index", self.index],
                    [EXPORTER, "follow", "--index", self.index, "--repo", self.repo,
                     "--site", self.site]]
        running = []
        try:
            for argv in commands:
                ready, tell = os.pipe()
                with open(self.dir / f"{argv[1]}.log", "wb") as log:
                    running.append(subprocess.Popen(
                        [str(a) for a in argv] + ["--ready-fd", str(tell)], env=ENV,
                        stdout=log, stderr=log, pass_fds=[tell]))
                os.close(tell)
                with open(ready, "rb") as line:
                    if not line.readline():
                        raise Failed(f"{argv[1]} ended before it was ready")
            yield [p.pid for p in running]
            for p in running:
                if p.poll() is not None:
                    raise Failed(f"'{p.args[1]}' ended with {p.returncode}")
        finally:
            for p in reversed(running):
                p.send_signal(signal.SIGTERM)
                p.wait()
