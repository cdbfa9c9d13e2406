# SPDX-License-Identifier: GPL-2.0-or-later
"""The row `store` of tests/bench/run: publishing to radosgw, against a bare loop and rclone."""

import os
import shutil
import sys

from library import ENV, EXPORTER, ROOT, Failed, Library, Run, quiet, say

sys.path.insert(0, str(ROOT / "tests/system"))
import s3  # noqa: E402
import servers  # noqa: E402

RCLONE = ["rclone", "--transfers", "16", "--checkers", "16", "--s3-no-check-bucket"]


def missing():
    return [name for name in ("radosgw", "rclone") if not shutil.which(name)]


class Store:
    """A bucket of a radosgw that ends with this process. Each run has a prefix of its own."""

    def __init__(self):
        for name in [name for name in ENV if name.startswith(("AWS_", "RCLONE_"))]:
            del ENV[name]
        for line in servers.use("ceph", [os.getpid()]).split():
            name, _, value = line.partition("=")
            ENV[name] = value
        ENV.update(BUCKET="bench", AWS_REGION="us-east-1", RCLONE_CONFIG="/dev/null",
                   RCLONE_CONFIG_S_TYPE="s3", RCLONE_CONFIG_S_PROVIDER="Ceph",
                   RCLONE_CONFIG_S_ENV_AUTH="true",
                   RCLONE_CONFIG_S_ENDPOINT=ENV["AWS_ENDPOINT_URL"])
        self.bucket = s3.Bucket(ENV)
        self.bucket.request("PUT")
        self.count = 0

    def fresh(self):
        self.count += 1
        return f"p{self.count}"

    def holds(self, prefix, files):
        """Fails unless every file is there; a publication has some keys of its own, too."""
        keys = {key for key, _, _ in self.bucket.list(prefix + "/")}
        lacking = {f"{prefix}/{name}" for name in files} - keys
        if lacking:
            raise Failed(f"{len(lacking)} keys were not written, such as {min(lacking)}")

    def clear(self, prefix):
        """Memory is what it has: what was measured goes."""
        with s3.pool() as workers:
            list(workers.map(self.bucket.delete,
                             [key for key, _, _ in self.bucket.list(prefix + "/")]))


def named(site):
    return [str(path.relative_to(site)) for path in sorted(site.rglob("*"))
            if path.is_file() and path.relative_to(site).parts[0] != ".albumen"]


def first(store, lib):
    """(what, how many keys, seconds) of writing a whole site into an empty prefix."""
    files = named(lib.site)
    listed = lib.dir / "files"
    listed.write_text("".join(name + "\n" for name in files))
    url = f"{ENV['AWS_ENDPOINT_URL']}/bench/"
    for what, argv in (
            ("ours", lambda p: [EXPORTER, "publish", "--repo", str(lib.repo), "--site",
                                f"s3://bench/{p}"]),
            ("curl_multi", lambda p: [str(Library.work / "puts"), url + p, str(lib.site)]),
            ("rclone copy --files-from", lambda p: [
                *RCLONE, "copy", "--files-from", str(listed), "--no-traverse",
                "--no-check-dest", str(lib.site), f"s:bench/{p}"])):
        prefix = store.fresh()
        run = Run(argv(prefix), stdin=listed)
        store.holds(prefix, files)
        store.clear(prefix)
        yield what, len(files), run


def change(store, lib):
    """(what, how many keys changed, seconds) of one changed image in a site that is there. The
    other programs get the folder site, and the first of them the names of what changed."""
    site, prefix = lib.site, "large"
    place = f"s3://bench/{prefix}"
    whole = Run([EXPORTER, "publish", "--repo", str(lib.repo), "--site", place])
    yield "whole", len(named(site)), whole
    runs = {"ours": [], "rclone copy --files-from": [], "rclone sync": []}
    listed, changed = lib.dir / "changed", []
    for _ in range(3):
        lib.change_image()
        lib.scan(lib.index)
        before = {name: os.stat(site / name).st_mtime_ns for name in named(site)}
        lib.export(lib.repo, site)
        changed = [name for name in named(site)
                   if before.get(name) != os.stat(site / name).st_mtime_ns]
        listed.write_text("".join(name + "\n" for name in changed))
        runs["ours"].append(Run([EXPORTER, "publish", "--repo", str(lib.repo), "--site", place]))
        target = f"s:bench/{prefix}"
        runs["rclone copy --files-from"].append(Run(
            [*RCLONE, "copy", "--files-from", str(listed), "--no-traverse", "--no-check-dest",
             str(site), target]))
        # By the listing alone, as `aws s3 sync` compares.
        runs["rclone sync"].append(Run(
            [*RCLONE, "sync", "--update", "--use-server-modtime", "--exclude", ".albumen/**",
             str(site), target]))
    for what, several in runs.items():
        yield what, len(changed), sorted(several, key=lambda run: run.seconds)[1]


def measured(lib, small):
    """Lines for the table: what, images, keys, theirs or None, ours."""
    quiet("cc", "-std=c11", "-D_GNU_SOURCE", "-O2", ROOT / "tests/bench/puts.c", "-lcurl", "-o",
          Library.work / "puts")
    say("starting radosgw")
    store = Store()
    ours = None
    for what, keys, run in first(store, small):
        ours = ours or run
        yield (f"first publication : {what}" if run is not ours else "first publication", small,
               keys, run, ours)
    ours = None
    for what, keys, run in change(store, lib):
        if what == "whole":
            yield "first publication", lib, keys, run, run
            continue
        ours = ours or run
        yield (f"one changed image : {what}" if run is not ours else "one changed image", lib,
               keys, run, ours)
