# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows with both programs running: they are stopped, ended and killed at random instants,
overtake each other, lose events, and the disk is unmounted below them."""

import json
import os
import signal
import subprocess
import time

from world import DEADLINE_S, Ended, Loss, Metadata, Unable, World, copy, differences, environment, \
    kind_of_ended, pause, remove, run, site_files, text, wait_until

QUEUED = "/proc/sys/fs/inotify/max_queued_events"


def begin(world, command, **env):
    """Starts a command in the background: (process, its log)."""
    log = open(os.path.join(world.path, command + ".out"), "wb+")
    process = subprocess.Popen(world.argv(command), cwd=world.path, stdin=subprocess.DEVNULL,
                               stdout=log, stderr=log, env=environment(world.path, **env),
                               start_new_session=True)
    return process, log


def finish(world, command, process, log):
    try:
        code = process.wait(DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise Loss("hangs: " + command)
    log.seek(0)
    with log:
        return Ended(world.argv(command), code, b"", log.read())


def work_for(process, seconds):
    """Waits until the process has used that much CPU time, however busy the machine is."""
    tick = os.sysconf("SC_CLK_TCK")

    def worked():
        with open("/proc/%d/stat" % process.pid) as file:
            fields = file.read().rpartition(")")[2].split()
        return process.poll() is not None or (int(fields[11]) + int(fields[12])) / tick >= seconds

    wait_until(worked)


class Row:
    """A row in which each case has its own world."""

    def __init__(self, torture):
        self.torture = torture

    def case(self, number, rng):
        path = self.torture.folder(type(self).__name__.lower())
        world = World(path)
        name = self.scenes[number % len(self.scenes)]
        try:
            return getattr(self, name)(world, rng)
        except Loss as loss:
            raise Loss("%s: %s" % (name, loss)) from None
        finally:
            world.end()
            unmount(path)
            if not self.torture.options.keep:
                remove(path)


def unmount(path):
    with open("/proc/self/mounts") as file:
        points = [line.split()[1] for line in file]
    for point in sorted(points, reverse=True):
        if (point + "/").startswith(path + "/"):
            subprocess.run(["umount", "-l", point], check=False)


def settle(world, seconds=DEADLINE_S):
    """Waits until the site equals that of a clean rebuild, ends both programs, and judges."""
    want = world.rebuilt()
    equal = wait_until(lambda: site_files(world.site) == want.site or not all_alive(world),
                       seconds)
    for running in list(world.running):
        if not running.alive():
            raise Loss("it ended by itself: " + running.log()[-1500:])
    for running in list(world.running):
        code = running.stop(world=world)
        if code != 0:
            raise Loss("it ends with %d on SIGTERM: %s" % (code, running.log()[-1500:]))
    if not equal:
        raise Loss("after %d s the site differs:\n%s" % (
            seconds, differences(site_files(world.site), want.site)))
    world.judge(want)
    left = world.remains()
    if left:
        raise Loss("left behind: " + ", ".join(left))


def all_alive(world):
    return all(running.alive() for running in world.running)


class Stop(Row):
    share = 4
    scenes = ["live", "overtaken", "ended", "waiting"]

    def live(self, world, rng):
        """watch and follow under load, disturbed all the time."""
        metadata = Metadata(rng, world.data)
        metadata.fill(15)
        programs = {"watch": world.start("watch"), "follow": world.start("follow")}
        stopped = set()
        for step in range(rng.randrange(20, 60)):
            draw = rng.random()
            if draw < 0.15:
                first = rng.randrange(3000)
                metadata.images("mass%d.ndjson" % rng.randrange(3),
                                range(first, first + rng.randrange(1500)))
            elif draw < 0.3 and os.path.isdir(metadata.full("b")):
                os.rename(metadata.full("b"), metadata.full("moved"))
                os.rename(metadata.full("moved"), metadata.full("b"))
            else:
                metadata.change(rng.randrange(1, 8))
            pause(rng.choice([0, 0, 0.005, 0.05]))
            name = rng.choice(sorted(programs))
            draw = rng.random()
            if not programs[name].alive():
                raise Loss("%s ended by itself: %s" % (name, programs[name].log()[-1500:]))
            if name in stopped:
                programs[name].send(signal.SIGCONT)
                stopped.discard(name)
            elif draw < 0.3:
                programs[name].send(signal.SIGSTOP)
                stopped.add(name)
            elif draw < 0.5:
                number = signal.SIGKILL if draw < 0.4 else signal.SIGTERM
                # A program that has just started may not handle signals yet.
                young = time.monotonic() - programs[name].started < 2
                code = programs[name].stop(number, world)
                if code not in (0, -signal.SIGKILL, -signal.SIGTERM if young else 0):
                    raise Loss("%s ends with %d on a signal: %s" % (name, code,
                                                                    programs[name].log()))
                programs[name] = world.start(name, ready=False)
        for name in stopped:
            programs[name].send(signal.SIGCONT)
        settle(world)

    def overtaken(self, world, rng):
        """An export is stopped while most of what it exports is withdrawn."""
        metadata = Metadata(rng, world.data)
        files = rng.randrange(25, 60)
        for i in range(files):
            metadata.images("n%d.ndjson" % i, range(i * 1000, i * 1000 + 1000))
        world.must("scan")
        if rng.random() < 0.5:
            world.must("export")
            for i in range(files):
                metadata.images("n%d.ndjson" % i, range(i * 1000, i * 1000 + 1000), "b")
            world.must("scan")
        process, log = begin(world, "export")
        work_for(process, rng.random() * 0.03 * files)
        process.send_signal(signal.SIGSTOP)
        gone = files - rng.randrange(1, 5)
        for part in (range(gone // 2), range(gone // 2, gone)):
            for i in part:
                os.unlink(metadata.full("n%d.ndjson" % i))
            if rng.random() < 0.5:
                metadata.fill(5)
            # After the second change the feed may drop what the first one withdrew.
            world.must("scan", "--accept-withdrawal")
        process.send_signal(signal.SIGCONT)
        ended = finish(world, "export", process, log)
        if ended.code not in (0, 75):
            raise Loss("overtaken, %s" % ended)
        world.must("export")
        world.judge(world.rebuilt(), verify=rng.random() < 0.2)

    def ended(self, world, rng):
        """A scan is ended within a large new file, while another file waits to be read again."""
        metadata = Metadata(rng, world.data)
        metadata.fill(6)
        metadata.images("old.ndjson", range(3000), "a", 500, "2021-01-01T00:00:00Z")
        world.must("scan")
        changes = [
            lambda: metadata.images("old.ndjson", range(3000), "b", 500, "2019-01-01T00:00:00Z"),
            lambda: metadata.images("z.ndjson", range(5000, 6000), "c", 60000),
        ]
        rng.shuffle(changes)  # a folder's order depends on it
        for change in changes:
            change()
        threads = {"ALBUMEN_THREADS": "0"} if rng.random() < 0.5 else {}
        process, log = begin(world, "scan", **threads)
        work_for(process, rng.random() * 0.5)
        process.send_signal(rng.choice([signal.SIGTERM, signal.SIGTERM, signal.SIGKILL]))
        ended = finish(world, "scan", process, log)
        if kind_of_ended(ended) == "crashed":
            raise Loss(str(ended))
        if rng.random() < 0.9:  # where it was ended, most often
            os.unlink(metadata.full(rng.choice(["z.ndjson"] * 4 + ["old.ndjson"])))
        world.must("scan")
        world.must("export")
        world.judge(world.rebuilt(), verify=False)

    def waiting(self, world, rng):
        """A first scan is killed and begun again, while the exporter waits for it."""
        metadata = Metadata(rng, world.data)
        metadata.images("a.ndjson", range(12000), "a", 300)
        metadata.fill(5)
        process, log = begin(world, "scan")
        wait_until(lambda: os.path.exists(os.path.join(world.index, "data.mdb"))
                   or process.poll() is not None)
        pause(rng.random() * 0.2)
        world.start("follow", ready=False)
        pause(rng.random() * 0.3)
        process.send_signal(rng.choice([signal.SIGKILL, signal.SIGTERM]))
        finish(world, "scan", process, log)
        metadata.images("a.ndjson", range(100, 12000), "b", 290)
        if not all_alive(world):
            raise Loss("follow ended: " + world.running[0].log()[-1500:])
        world.must("scan")
        settle(world)


class Queue(Row):
    share = 2
    scenes = ["overflow", "watches"]

    def overflow(self, world, rng):
        """A queue of 16 events, and tens of thousands of them."""
        metadata = Metadata(rng, world.data)
        metadata.fill(20)
        with open(QUEUED) as file:
            before = file.read()
        try:
            try:
                with open(QUEUED, "w") as file:
                    file.write("16")
            except OSError as error:
                raise Unable("%s: %s" % (QUEUED, error.strerror))
            # The kernel reads it when the queue is made.
            world.start("watch")
        finally:
            with open(QUEUED, "w") as file:
                file.write(before)
        world.start("follow")
        for _ in range(rng.randrange(5, 20)):
            files = metadata.files()
            for name in rng.sample(files, min(len(files), 10)):
                full = metadata.full(name)
                stem, end = os.path.splitext(full)
                for i in range(200):
                    os.rename(full, "%s.%d%s" % (stem, i, end))
                    os.rename("%s.%d%s" % (stem, i, end), full)
            metadata.change(5)
            os.makedirs(metadata.full("d%d/e" % rng.randrange(5)), exist_ok=True)
            metadata.put("d%d/e/x.json" % rng.randrange(5), metadata.library.file("x.json"))
            pause(rng.choice([0, 0.01, 0.2]))
        settle(world)

    def watches(self, world, rng):
        """Fewer watches than folders; none at all for follow."""
        limited = ["unshare", "--user", "--map-root-user", "sh", "-c",
                   'echo "$1" >/proc/sys/user/max_inotify_watches && shift && exec "$@"', "sh"]
        probe = run(limited + ["10", "true"], world.path)
        if probe.code:
            raise Unable("user namespaces: " + text(probe.err).strip())
        metadata = Metadata(rng, world.data)
        metadata.fill(5)
        for i in range(30):
            metadata.put("w%d/x/f.json" % i, metadata.library.file("f.json"))
        world.start("watch", prefix=limited + [rng.choice(["10", "1", "40"])])
        world.start("follow", prefix=limited + [rng.choice(["0", "1"])])
        for _ in range(rng.randrange(2, 6)):
            i = rng.randrange(30)
            metadata.put("w%d/x/f.json" % i, metadata.library.file("f.json"))
            metadata.put("w%d/y/g.json" % i, metadata.library.file("g.json"))
            metadata.change(3)
            pause(rng.random())
        settle(world)


class Mount(Row):
    share = 2
    scenes = ["over_root", "root_gone", "below_gone", "below_covered", "root_swapped"]

    def mount(self, point):
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", point],
                          stderr=subprocess.DEVNULL).returncode:
            raise Unable("mount of a tmpfs")

    def umount(self, point):
        subprocess.run(["umount", "-l", point], check=True)

    def known(self, world):
        return json.loads(world.must("status", "--json").out)["files"]

    def held(self, world, before, seconds):
        """Nothing is withdrawn, and the program keeps running."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            now = self.known(world)
            if now < before:
                raise Loss("%d of %d files were withdrawn" % (before - now, before))
            pause(0.1)

    def back(self, world, metadata):
        """The files are back: goes on, and restarts the program if it ended with a message."""
        refused = None
        for running in list(world.running):
            if not running.alive():
                code = running.stop(world=world)
                if code not in (1, 75):
                    raise Loss("it ended with %d: %s" % (code, running.log()))
                refused = "refused"
                world.start(running.argv[1])
        metadata.change(8)
        settle(world)
        return refused

    def over_root(self, world, rng):
        metadata = Metadata(rng, world.data)
        metadata.fill(30)
        world.start("watch")
        world.start("follow")
        before = self.known(world)
        self.mount(world.data)
        if rng.random() < 0.5:
            # A similar folder, which is not the one to index.
            with open(os.path.join(world.data, "other.json"), "wb") as file:
                file.write(metadata.image(9, "other"))
        self.held(world, before, 4)
        self.umount(world.data)
        if not all_alive(world):
            raise Loss("it did not wait for its folder: " + world.running[0].log()[-600:])
        return self.back(world, metadata)

    def root_gone(self, world, rng):
        self.mount(world.data)
        metadata = Metadata(rng, world.data)
        metadata.fill(30)
        kept = os.path.join(world.path, "kept")
        os.mkdir(kept)
        subprocess.run(["mount", "--bind", world.data, kept], check=True)
        world.start("watch")
        world.start("follow")
        before = self.known(world)
        self.umount(world.data)
        self.held(world, before, 4)
        subprocess.run(["mount", "--bind", kept, world.data], check=True)
        if not all_alive(world):
            raise Loss("it did not wait for its folder: " + world.running[0].log()[-600:])
        return self.back(world, metadata)

    def root_swapped(self, world, rng):
        """Another file system takes the place of the one that was unmounted."""
        self.mount(world.data)
        metadata = Metadata(rng, world.data)
        metadata.fill(30)
        kept = os.path.join(world.path, "kept")
        copy(world.data, kept)
        world.start("watch")
        world.start("follow")
        before = self.known(world)
        self.umount(world.data)
        self.held(world, before, 4)
        self.mount(world.data)
        copy(kept + "/.", world.data)
        if not all_alive(world):
            raise Loss("it did not wait for its folder: " + world.running[0].log()[-600:])
        return self.back(world, metadata)

    def below(self, world, rng, age):
        """Many files in a mount below the root."""
        metadata = Metadata(rng, world.data)
        metadata.fill(10)
        sub = metadata.full("disk")
        os.mkdir(sub)
        source = os.path.join(world.path, "source")
        os.mkdir(source)
        self.mount(source)
        for i in range(rng.randrange(110, 200)):
            with open(os.path.join(source, "m%d.json" % i), "wb") as file:
                file.write(metadata.image(i, "m"))
        subprocess.run(["mount", "--bind", source, sub], check=True)
        prefix = []
        if rng.random() < 0.5:  # polled
            prefix = ["unshare", "--user", "--map-root-user", "sh", "-c",
                      'echo 1 >/proc/sys/user/max_inotify_watches && exec "$@"', "sh"]
            if run(prefix + ["true"], world.path).code:
                prefix = []
        if age:
            pause(2.5)
        world.start("watch", prefix=prefix)
        world.start("follow")
        return metadata, sub, source

    def below_gone(self, world, rng):
        metadata, sub, source = self.below(world, rng, age=True)
        before = self.known(world)
        self.umount(sub)
        self.held(world, before, 7)
        subprocess.run(["mount", "--bind", source, sub], check=True)
        return self.back(world, metadata)

    def below_covered(self, world, rng):
        """An empty file system covers young files, which are read a second time."""
        metadata, sub, source = self.below(world, rng, age=False)
        before = self.known(world)
        self.mount(sub)
        self.held(world, before, 5)
        self.umount(sub)
        return self.back(world, metadata)


ROWS = {"stop": Stop, "queue": Queue, "mount": Mount}
