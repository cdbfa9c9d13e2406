#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers that several tests share: radosgw of a Ceph on this machine, and Swift with its s3api.

	servers.py ceph|swift PID...

prints what the server listens at and its keys, as lines NAME=VALUE for a shell, once it answers.
The first user starts it, and it ends when all processes that were ever named here have ended:
a test names itself and the process `prove` above it, so that it is started once for all tests
of a run. A second run at the same time has a server of its own, with ports of its own. Everything
lies in one folder, which is removed at the end; a Ceph holds at most a GiB, in memory.
"""

import configparser
import ctypes
import fcntl
import http.client
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

TRIES = 5
START_S = 120
GIB = 1 << 30


class Failed(Exception):
    pass


def free_ports(count):
    """Ports below those that the kernel gives to outgoing connections."""
    found = set()
    while len(found) < count:
        port = random.randrange(10000, 32000)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.add(port)
    return list(found)


class Server:
    """Its processes end with this one, however that ends."""

    def __init__(self, folder):
        self.folder = folder
        self.running = []
        for name in ("log", "run"):
            (folder / name).mkdir(exist_ok=True)

    def spawn(self, name, *command, memory=4 * GIB):
        libc = ctypes.CDLL(None)
        parent = os.getpid()

        def prepare():
            libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            if os.getppid() != parent:
                os._exit(1)
            import resource
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))

        with open(self.folder / "log" / f"{name}.out", "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True, preexec_fn=prepare)
        self.running.append((name, process))

    def run(self, *command):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=START_S)
        if done.returncode:
            raise Failed(f"{' '.join(command)}: {done.stderr}")

    def until(self, what, ask):
        end = time.monotonic() + START_S
        while not ask():
            for name, process in self.running:
                if process.poll() is not None:
                    log = self.folder / "log" / f"{name}.out"
                    raise Failed(f"{name} ended with {process.returncode}: "
                                 f"{log.read_text(errors='replace')[-2000:]}")
            if time.monotonic() > end:
                raise Failed(f"no {what} after {START_S} seconds")
            time.sleep(0.05)

    def answers(self, port, path="/"):
        try:
            http_ = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            http_.request("GET", path)
            return http_.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def stop(self):
        for _, process in self.running:
            process.kill()
        for _, process in self.running:
            process.wait()
        self.running = []


class Ceph(Server):
    def start(self):
        import rados  # comes with ceph-common
        d = self.folder
        port, v2, v1, low = free_ports(4)
        cluster, osd = str(uuid.uuid4()), str(uuid.uuid4())
        for name in ("mon", "osd", "rgw"):
            (d / name).mkdir()
        conf = configparser.ConfigParser()
        conf["global"] = {
            "fsid": cluster,
            "mon host": f"[v2:127.0.0.1:{v2}/0,v1:127.0.0.1:{v1}/0]",
            "public addr": "127.0.0.1",
            "ms bind port min": low,
            "ms bind port max": low + 60,
            "run dir": d / "run",
            "admin socket": "",
            "log to file": "false",
            "mon cluster log to file": "false",
            "keyring": d / "keyring",
            "auth allow insecure global id reclaim": "false",
            "osd pool default size": 1,
            "osd pool default min size": 1,
            "osd pool default pg num": 1,
            "osd pool default pgp num": 1,
            "osd pool default pg autoscale mode": "off",
            "osd crush chooseleaf type": 0,
            "osd objectstore": "memstore",
            "memstore device bytes": GIB,
            "osd max object name len": 1024,
            "osd memory target": 939524096,
            "mon allow pool size one": "true",
            "mon warn on pool no redundancy": "false",
            "mon max pg per osd": 1000,
            "mon data avail crit": 1,
            "mon data avail warn": 1,
            "mon data": d / "mon",
            "osd data": d / "osd",
            "rgw data": d / "rgw",
        }
        conf["client.admin"] = {
            "rgw frontends": f"beast endpoint=127.0.0.1:{port}",
            "rgw thread pool size": 64,
            "rgw dynamic resharding": "false",
        }
        with open(d / "ceph.conf", "w") as out:
            conf.write(out)
        tool = ("ceph-authtool", str(d / "keyring"), "--gen-key")
        self.run(*tool, "--create-keyring", "-n", "mon.", "--cap", "mon", "allow *")
        self.run(*tool, "-n", "client.admin", "--cap", "mon", "allow *", "--cap", "osd", "allow *")
        self.run(*tool, "-n", "osd.0", "--cap", "mon", "allow profile osd", "--cap", "osd", "allow *")
        ring = configparser.ConfigParser(strict=False)
        ring.read_string("\n".join(line.strip() for line in (d / "keyring").read_text().splitlines()))
        (d / "osd" / "keyring").write_text(f"[osd.0]\n\tkey = {ring['osd.0']['key']}\n")
        self.run("monmaptool", "--create", "--fsid", cluster, "--addv", "a",
                 f"[v2:127.0.0.1:{v2},v1:127.0.0.1:{v1}]", str(d / "monmap"))
        c = ("-c", str(d / "ceph.conf"))
        self.run("ceph-mon", *c, "-i", "a", "--mkfs", "--monmap", str(d / "monmap"),
                 "--keyring", str(d / "keyring"))
        self.spawn("mon", "ceph-mon", *c, "-i", "a", "-f")
        o = ("-i", "0", "--osd-uuid", osd, "--keyring", str(d / "osd" / "keyring"))
        self.run("ceph-osd", *c, *o, "--mkfs", "--monmap", str(d / "monmap"))

        def reachable():
            nonlocal cluster
            try:
                cluster = rados.Rados(conffile=str(d / "ceph.conf"), name="client.admin")
                cluster.connect(timeout=5)
                return True
            except rados.Error:
                return False

        def tell(**command):
            status, out, why = cluster.mon_command(json.dumps(command), b"", timeout=30)
            if status:
                raise Failed(f"{command}: {why}")
            return json.loads(out) if command.get("format") else out

        self.until("monitor", reachable)
        tell(prefix="osd new", uuid=osd)
        self.spawn("osd", "ceph-osd", *c, *o, "-f")
        self.until("OSD", lambda: tell(prefix="osd stat", format="json")["num_up_osds"] == 1)
        cluster.shutdown()
        for name in ("TEST", "OTHER"):  # the second has no right to what the first makes
            self.run("radosgw-admin", *c, "user", "create", "--uid", name.lower(),
                     "--display-name", name, "--access-key", f"AK{name}",
                     "--secret-key", f"SK{name}")
        self.spawn("rgw", "radosgw", *c, "-n", "client.admin", "-f")
        self.until("radosgw", lambda: self.answers(port))
        return {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "AKTEST",
                "AWS_SECRET_ACCESS_KEY": "SKTEST"}


class Swift(Server):
    def start(self):
        d = self.folder
        port, cache, *stores = free_ports(5)
        (d / "srv" / "d1").mkdir(parents=True)
        (d / "etc").mkdir()
        conf = {"swift": {
            "swift-hash": {"swift_hash_path_suffix": "albumen-test"},
            "storage-policy:0": {"name": "one", "default": "yes"}}}
        for kind, at in zip(("account", "container", "object"), stores):
            conf[f"{kind}-server"] = {
                "DEFAULT": {"bind_ip": "127.0.0.1", "bind_port": at, "devices": d / "srv",
                            "mount_check": "false", "swift_dir": d / "etc", "user": "root",
                            "workers": 0, "log_level": "WARNING", "disable_fallocate": "true"},
                "pipeline:main": {"pipeline": f"{kind}-server"},
                f"app:{kind}-server": {"use": f"egg:swift#{kind}"},
                f"{kind}-replicator": {}, f"{kind}-auditor": {}}
            self.run("/usr/bin/python3", "-W", "ignore", "-c", """
import sys
from swift.common.ring import RingBuilder
builder = RingBuilder(4, 1, 1)
builder.add_dev(dict(region=1, zone=1, weight=1.0, ip='127.0.0.1', port=int(sys.argv[2]),
                     device='d1', replication_ip='127.0.0.1',
                     replication_port=int(sys.argv[2]), meta=''))
builder.rebalance(seed=1)
builder.get_ring().save(sys.argv[1])""", str(d / "etc" / f"{kind}.ring.gz"), str(at))
        filters = {"catch_errors": {}, "healthcheck": {}, "proxy-logging": {},
                   "cache": {"memcache_servers": f"127.0.0.1:{cache}"}, "listing_formats": {},
                   "bulk": {}, "s3api": {"location": "us-east-1", "s3_acl": "false",
                                         "dns_compliant_bucket_names": "false"},
                   "tempauth": {"user_test_tester": "testing .admin"}, "slo": {}, "dlo": {}}
        order = ("catch_errors healthcheck proxy-logging cache listing_formats bulk s3api "
                 "tempauth slo dlo proxy-logging proxy-server")
        conf["proxy-server"] = {
            "DEFAULT": {"bind_ip": "127.0.0.1", "bind_port": port, "workers": 0, "user": "root",
                        "swift_dir": d / "etc", "log_level": "WARNING"},
            "pipeline:main": {"pipeline": order},
            "app:proxy-server": {"use": "egg:swift#proxy", "account_autocreate": "true"},
            **{f"filter:{name}": {"use": "egg:swift#" + ("memcache" if name == "cache" else
                                                         name.replace("-", "_")), **more}
               for name, more in filters.items()}}
        for name, sections in conf.items():
            parser = configparser.ConfigParser(interpolation=None, default_section="-")
            parser.read_dict(sections)
            with open(d / "etc" / f"{name}.conf", "w") as out:
                parser.write(out)
        os.environ["SWIFT_DIR"] = str(d / "etc")
        os.environ["PYTHONWARNINGS"] = "ignore"
        self.spawn("memcached", "memcached", "-u", "root", "-l", "127.0.0.1", "-p", str(cache),
                   "-m", "16")
        for kind in ("account", "container", "object", "proxy"):
            self.spawn(kind, f"swift-{kind}-server", str(d / "etc" / f"{kind}-server.conf"))
        self.until("Swift", lambda: self.answers(port, "/healthcheck"))
        return {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_ACCESS_KEY_ID": "test:tester", "AWS_SECRET_ACCESS_KEY": "testing"}


KINDS = {"ceph": Ceph, "swift": Swift}


# --- one server for several users ---------------------------------------------------


class Alone:
    """Who is in here is alone with the folder; it is made, if it was not there."""

    def __init__(self, folder):
        while True:
            folder.mkdir(mode=0o700, exist_ok=True)
            try:
                self.fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                continue
            fcntl.flock(self.fd, fcntl.LOCK_EX)
            try:
                if os.path.samestat(os.fstat(self.fd), os.stat(folder)):
                    return
            except FileNotFoundError:
                pass
            os.close(self.fd)  # it was removed meanwhile

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)


def serve(kind, folder, answer):
    """Starts the server, says to the pipe `answer` whether it runs, and ends it after its users."""
    users = {}
    listening = socket.socket(socket.AF_UNIX)
    server = None
    try:
        for attempt in range(TRIES):
            for path in folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            server = KINDS[kind](folder)
            try:
                env = server.start()
                break
            except Failed as why:  # perhaps another program took one of the ports
                server.stop()
                if attempt == TRIES - 1:
                    os.write(answer, str(why).encode())
                    return
        env = "".join(f"{name}={value}\n" for name, value in env.items()).encode()
        listening.bind(str(folder / "socket"))
        listening.listen(64)
        os.write(answer, b"ready")
        os.close(answer)

        def take(timeout):
            """True if there was a request."""
            listening.settimeout(timeout)
            try:
                connection = listening.accept()[0]
            except (TimeoutError, BlockingIOError):
                return False
            with connection:
                connection.settimeout(30)
                for pid in connection.recv(4096).split():
                    try:
                        users.setdefault(int(pid), os.pidfd_open(int(pid)))
                    except ProcessLookupError:
                        pass
                connection.sendall(env)
            return True

        take(60)
        while True:
            if users:
                poll = select.poll()
                poll.register(listening, select.POLLIN)
                for fd in users.values():
                    poll.register(fd, select.POLLIN)
                ready = {fd for fd, _ in poll.poll()}
                if listening.fileno() in ready:
                    take(1)
                for pid in [pid for pid, fd in users.items() if fd in ready]:
                    os.close(users.pop(pid))
                continue
            with Alone(folder):
                if take(0):
                    continue
                server.stop()
                shutil.rmtree(folder)
                return
    finally:
        if server:
            server.stop()


def detach(kind, folder):
    """Starts serve() in a process of its own, and waits until it is ready."""
    answer, give = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        keep = give
        os.closerange(3, keep)
        os.closerange(keep + 1, 4096)
        os.chdir("/")
        os.environ.pop("ALBUMEN_SYSTEM_NAMESPACE", None)
        try:
            serve(kind, folder, keep)
        except BaseException as why:
            try:
                os.write(keep, repr(why).encode())
            except OSError:
                pass
        finally:
            os._exit(0)
    os.close(give)
    os.wait()
    with open(answer, "rb") as pipe:
        said = pipe.read().decode()
    if said != "ready":
        raise Failed(said or "it ended")


def use(kind, pids):
    """What `kind` is reached by, for as long as one of `pids` runs. The last of them names the
    run: all who name it share a server."""
    start = Path(f"/proc/{pids[-1]}/stat").read_text().rpartition(")")[2].split()[19]
    folder = Path(tempfile.gettempdir()) / f"albumen-{kind}.{pids[-1]}.{start}"
    with Alone(folder):
        for attempt in range(2):
            with socket.socket(socket.AF_UNIX) as s:
                try:
                    s.connect(str(folder / "socket"))
                    s.sendall(" ".join(map(str, pids)).encode())
                    return s.makefile().read()
                except (FileNotFoundError, ConnectionError):
                    if attempt:
                        raise
            try:
                detach(kind, folder)
            except Failed:
                shutil.rmtree(folder)
                raise


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in KINDS:
        sys.exit(__doc__)
    try:
        sys.stdout.write(use(sys.argv[1], [int(pid) for pid in sys.argv[2:]]))
    except Failed as why:
        sys.exit(f"servers.py: {sys.argv[1]} does not start: {why}")


if __name__ == "__main__":
    main()
