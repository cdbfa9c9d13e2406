#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Erases records from random histories, and compares with histories that never had them.

Two folders of metadata get the same random changes, but the second one never has the records
that are erased in the end. Afterwards each snapshot of the first history must have the tree and
the counts that the second one had at that time. Every byte of the repository and of the site is
searched for what was erased: inflated objects and files as they are.

    erase.py BUILD WORK SEED STEPS [KIND...]

KIND is image, tag-image, tag, album or member (default: all of them, and some together).
Prints TAP, without the plan; the last line is the number of cases.
"""
import json
import os
import random
import subprocess
import sys

BUILD, WORK, SEED, STEPS = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
KINDS = sys.argv[5:] or ["image", "tag-image", "tag", "album", "member",
                         "image tag-image tag", "member image"]
PEOPLE = int(os.environ.get("PEOPLE", "50"))
ERASED = int(os.environ.get("ERASED", "10"))
INDEXER, EXPORTER = f"{BUILD}/albumen-indexer", f"{BUILD}/albumen-exporter"
cases = 0


def run(*argv, check=True, env=None, text=True):
    done = subprocess.run(argv, capture_output=True, text=text, check=False,
                          env=os.environ | (env or {}))
    if check and done.returncode:
        raise SystemExit(f"# {' '.join(argv)}\n# status {done.returncode}: {done.stderr}")
    return done


def result(good, name, *why):
    global cases
    cases += 1
    print(f"{'ok' if good else 'not ok'} {cases} - {name}", flush=True)
    if not good:
        for line in why:
            print(f"# {str(line)[:2000]}")


def git(repo, *argv, text=True):
    return run("git", "-C", repo, *argv, text=text).stdout


class Library:
    """Records by (kind, id), and two folders: one with all, one without what is erased."""

    def __init__(self, work, rng, signed):
        self.work, self.rng, self.signed = work, rng, signed
        self.records = {}
        self.time = 1700000000
        self.trees = []
        for side in "ab":
            os.makedirs(f"{work}/{side}.data")

    def write(self, side, key, record):
        kind, ident = key
        path = f"{self.work}/{side}.data/{kind}-{ident}.json"
        if record is None:
            if os.path.exists(path):
                os.unlink(path)
        else:
            with open(path, "w", encoding="utf-8") as file:
                json.dump(record, file)

    def put(self, key, record):
        """`record` None: it is removed."""
        if record is None:
            self.records.pop(key, None)
        else:
            self.records[key] = record
        self.write("a", key, record)
        if not self.is_erased(key):
            self.write("b", key, self.strip(record))

    def strip(self, record):
        if record is None or not self.member:
            return record
        record = dict(record)
        record.pop(self.member, None)
        return record

    def is_erased(self, key):
        kind, ident = key
        if key in self.gone:
            return True
        record = self.records.get(key) or {}
        if kind == "tagimage":
            return ("image", record.get("image_id")) in self.gone or \
                ("tag", record.get("tag_id")) in self.gone
        return False

    def export(self, side, *more):
        env = {"SOURCE_DATE_EPOCH": str(self.time)}
        done = run(INDEXER, "scan", "--data", f"{self.work}/{side}.data", "--index",
                   f"{self.work}/{side}.index", check=False)
        if done.returncode:
            raise SystemExit(f"# scan: {done.stderr}")
        sign = ["--sign", f"{self.work}/key"] if self.signed and side == "a" else []
        site = ["--site", f"{self.work}/site", "--collections", "--audit-page"] \
            if side == "a" else []
        return run(EXPORTER, "export", "--index", f"{self.work}/{side}.index", "--repo",
                   f"{self.work}/{side}.repo", *sign, *site, *more, env=env)


def stamp(rng):
    return f"20{rng.randint(10, 25)}-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}T10:00:00." \
           f"{rng.randint(0, 999):03}Z"


def play(work, rng, kinds, signed):
    lib = Library(work, rng, signed)
    people = [f"person{n:02}-{rng.getrandbits(40):010x}" for n in range(PEOPLE)]
    erased = people[:ERASED]
    images = [(p, f"{p}-img{n}") for p in people for n in range(2)]
    tags = [f"tag{n}-{rng.getrandbits(32):08x}" for n in range(8)]
    albums = [f"album{n}-{rng.getrandbits(32):08x}" for n in range(6)]
    joins = [f"join{n}-{rng.getrandbits(32):08x}" for n in range(PEOPLE * 2)]
    lib.gone, lib.member = set(), None
    args = []
    if "image" in kinds:
        for person, image in images:
            if person in erased:
                lib.gone.add(("image", image))
                args += ["--image", image]
    if "tag-image" in kinds:
        for join in joins[:ERASED]:
            lib.gone.add(("tagimage", join))
            args += ["--tag-image", join]
    if "tag" in kinds:
        lib.gone.add(("tag", tags[0]))
        args += ["--tag", tags[0]]
    if "album" in kinds:
        # Its images never leave it for another one that stays.
        for n, (_, image) in enumerate(images):
            if n % 6 == 0:
                lib.gone.add(("image", image))
        args += ["--album", albums[0]]
    if "member" in kinds:
        lib.member = "secretmember"
        args += ["--member", "secretmember"]

    def image_record(n):
        person, image = images[n]
        album = albums[0] if "album" in kinds and n % 6 == 0 else \
            rng.choice(albums[1:] if "album" in kinds else albums)
        record = {"public_id": image, "album_id": album,
                  "title": f"title of {person}", "user": f"user-{person}",
                  "n": rng.randint(0, 99)}
        if rng.random() < 0.9:
            record["created_at"] = stamp(rng)
        if rng.random() < 0.5:
            record["secretmember"] = {"deep": [f"secret of {person}", rng.random()]}
        return record

    def change():
        what = rng.random()
        if what < 0.35:
            n = rng.randrange(len(images))
            lib.put(("image", images[n][1]), image_record(n))
        elif what < 0.45:
            lib.put(("image", rng.choice(images)[1]), None)
        elif what < 0.75:
            join = rng.choice(joins)
            image, tag = rng.choice(images)[1], rng.choice(tags)
            # A record that is erased for one image must not come from another one.
            old = lib.records.get(("tagimage", join))
            if old:
                lib.put(("tagimage", join), None)
            record = {"id": join, "image_id": image, "tag_id": tag,
                      "created_at": stamp(rng)}
            if rng.random() < 0.2:
                record["secretmember"] = f"secret {join}"
            lib.put(("tagimage", join), record)
        elif what < 0.85:
            lib.put(("tagimage", rng.choice(joins)), None)
        elif what < 0.95:
            tag = rng.choice(tags)
            lib.put(("tag", tag), {"id": tag, "name": "n", "label": f"label {rng.random()}",
                                   **({"secretmember": 1} if rng.random() < 0.5 else {})})
        else:
            lib.put(("tag", rng.choice(tags)), None)

    for tag in tags:
        lib.put(("tag", tag), {"id": tag, "name": "n", "label": "first"})
    if "member" in kinds:
        for n in range(len(images)):
            record = image_record(n)
            record["secretmember"] = "secret"
            lib.put(("image", images[n][1]), record)
    else:
        for n in range(len(images)):
            lib.put(("image", images[n][1]), image_record(n))
    for n, join in enumerate(joins):
        lib.put(("tagimage", join), {"id": join, "image_id": images[n][1],
                                     "tag_id": tags[n % 3], "created_at": stamp(rng)})
    for step in range(STEPS):
        for _ in range(rng.randint(1, 6) if step else 0):
            change()
        snap(lib)
        if step % 17 == 3:
            run(EXPORTER, "snapshot", "--repo", f"{work}/a.repo", "--label", f"label{step}",
                "--reason", "kept", *(["--sign", f"{work}/key"] if signed else []))
    # What is erased leaves the metadata.
    for key in list(lib.records):
        if lib.is_erased(key):
            lib.put(key, None)
    if lib.member:
        for key, record in list(lib.records.items()):
            lib.put(key, lib.strip(record))
    if rng.random() < 0.7 or lib.member:
        snap(lib)
    else:
        run(INDEXER, "scan", "--data", f"{work}/a.data", "--index", f"{work}/a.index")
    words = set()
    for kind, ident in lib.gone:
        words.add(ident)
    if "image" in kinds:
        words |= set(erased) | {f"user-{p}" for p in erased}
    if "album" in kinds:
        words.add(albums[0])
    if lib.member:
        # Its name stays: the last snapshot declares that it is left out.
        words |= {'"secretmember":', "secret of person"}
    return lib, args, words


def snap(lib):
    lib.time += 100
    lib.export("a")
    lib.export("b")
    commit = git(f"{lib.work}/a.repo", "rev-parse", "main").strip()
    tree = git(f"{lib.work}/b.repo", "rev-parse", "main^{tree}").strip()
    message = git(f"{lib.work}/b.repo", "log", "-1", "--format=%B", "main")
    if not lib.trees or lib.trees[-1][0] != commit:
        lib.trees.append((commit, tree, message))
    else:
        assert lib.trees[-1][1] == tree, "the second history changed alone"


def raw(folder):
    for base, _, names in os.walk(folder):
        for name in names:
            yield f"{base}/{name}".encode()
            path = os.path.join(base, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    yield file.read()


def objects(repo):
    return git(repo, "cat-file", "--batch", "--batch-all-objects", text=False)


def reports(work):
    """What auditors get: reports, and a bundle with all that is in it."""
    repo = f"{work}/a.repo"
    for argv in (["audit", "--format", "html"], ["audit", "--json"], ["log", "--json"],
                 ["diff", "--json", git(repo, "rev-list", "main").split()[-1], "main"]):
        yield run(EXPORTER, argv[0], "--repo", repo, *argv[1:], text=False).stdout
    run(EXPORTER, "bundle", "--repo", repo, f"{work}/bundle.tar", check=False)
    if os.path.exists(f"{work}/bundle.tar"):
        os.makedirs(f"{work}/untar")
        run("tar", "-xf", f"{work}/bundle.tar", "-C", f"{work}/untar")
        top = f"{work}/untar/{os.listdir(f'{work}/untar')[0]}"
        run("git", "init", "-q", "--bare", f"{work}/untar/repo")
        if os.path.exists(f"{top}/shallow"):
            run("cp", f"{top}/shallow", f"{work}/untar/repo/shallow")
        git(f"{work}/untar/repo", "fetch", "-q", f"{top}/snapshots.bundle", "refs/*:refs/*")
        yield objects(f"{work}/untar/repo")
        yield from raw(f"{work}/untar")
    run("rm", "-rf", f"{work}/bundle.tar", f"{work}/untar")


def find(work, words):
    """The words that are in the repository, the site, reports or a bundle."""
    found = set()
    for blob in [objects(f"{work}/a.repo"), *raw(f"{work}/a.repo"), *raw(f"{work}/site"),
                 *reports(work)]:
        found |= {w for w in words if w.encode() in blob}
    return found


COUNTS = ("Albumen-Images:", "Albumen-Untagged:", "Albumen-Albums:", "Albumen-Tags:",
          "Albumen-Tag-Images:")


def counts(message):
    return [line for line in message.splitlines() if line.startswith(COUNTS)]


def prune(lib, rng, sign):
    """Drops a part of the history; what labels hold stays. Returns how many snapshots went."""
    repo = f"{lib.work}/a.repo"
    first = rng.randint(1, len(lib.trees) - 1)
    run(EXPORTER, "prune", "--repo", repo, "--before", lib.trees[first][0], *sign)
    return first


def check(kinds, signed, pruned):
    rng = random.Random(f"{SEED} {kinds}")
    work = f"{WORK}/{kinds.replace(' ', '+')}"
    os.makedirs(work)
    name = f"{kinds}{', pruned' if pruned else ''}, SEED={SEED} STEPS={STEPS}"
    if signed:
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "x", "-f", f"{work}/key")
        with open(f"{work}/key.pub", encoding="utf-8") as key, \
                open(f"{work}/signers", "w", encoding="utf-8") as file:
            file.write("me " + key.read())
    lib, args, words = play(work, rng, kinds.split(), signed)
    repo, site = f"{work}/a.repo", f"{work}/site"
    sign = ["--sign", f"{work}/key"] if signed else []
    gone = prune(lib, rng, sign) if pruned else 0
    labels = {n: [c for c, _, _ in lib.trees].index(git(repo, "rev-parse", f"{n}^{{commit}}")
                                                    .strip())
              for n in git(repo, "tag", "-l", "label*").split()}
    before = find(work, words)
    # What was never in a snapshot cannot be erased.
    missing = words - before
    args = [a for pair in zip(args[::2], args[1::2]) if pair[1] not in missing for a in pair]
    words -= missing
    old_receipt = receipt(lib) if signed else None
    erase = [EXPORTER, "erase", "--index", f"{work}/a.index", "--repo", repo, "--site", site,
             "--reason", "asked for by letter", "--json", *args]
    dry = json.loads(run(*erase, *sign, "--dry-run").stdout)
    done = json.loads(run(*erase, *sign).stdout)
    result(all(dry[k] == done[k] for k in ("snapshots", "from_number", "labels", "answers", "held")),
           f"a dry run tells the same ({name})", dry, done)
    left = find(work, words)
    result(bool(words) and not left, f"nothing is left of {len(words)} words ({name})", left)
    wanted = lib.trees[gone:]
    commits = git(repo, "rev-list", "--reverse", "main").split()
    trees = git(repo, "log", "--reverse", "--format=%T", "main").split()
    messages = [m.strip("\n") for m in
                git(repo, "log", "--reverse", "--format=%B%x00", "main").split("\0")][:-1]
    result(len(commits) == len(wanted), f"each snapshot is there ({name})")
    bad = [n for n, (c, t, m) in enumerate(wanted) if trees[n] != t]
    result(not bad, f"each has the tree of a history without the records ({name})", bad)
    bad = [n for n, at in labels.items()
           if git(repo, "rev-parse", f"{n}^{{tree}}").strip() != lib.trees[at][1]]
    result(not bad, f"so has each that is labelled ({name})", bad)
    bad = [(n, counts(messages[n]), counts(m)) for n, (c, t, m) in enumerate(wanted)
           if counts(messages[n]) != counts(m)]
    result(not bad, f"and its counts ({name})", bad[:3])
    # Where both made a snapshot, the subjects are equal, too.
    bad = [(n, messages[n].split("\n")[0], m.split("\n")[0])
           for n, (c, t, m) in enumerate(wanted)
           if n and t != wanted[n - 1][1] and messages[n].split("\n")[0] != m.split("\n")[0]]
    result(not bad, f"and its subject ({name})", bad[:3])
    at = done["from_number"] - 1 - gone if done["from_number"] else len(wanted)
    was = [m.rsplit("\n", 1)[-1] for m in messages[at:]]
    result(was == [f"Albumen-Was: {c}" for c, _, _ in wanted[at:]],
           f"each says what it was ({name})", was[:3])
    result(commits[:at] == [c for c, _, _ in wanted[:at]], f"older ones are the same ({name})")
    verify = run(EXPORTER, "verify", "--repo", repo,
                 *(["--signers", f"{work}/signers"] if signed else []), check=False)
    result(verify.returncode == 0, f"verify passes ({name})", verify.stdout, verify.stderr)
    fsck = run("git", "-C", repo, "fsck", "--strict", "--no-progress", check=False)
    result(fsck.returncode == 0 and not fsck.stdout, f"fsck passes ({name})",
           fsck.stdout, fsck.stderr)
    clone = run("git", "clone", "-q", "--mirror", repo, f"{work}/clone", check=False)
    result(clone.returncode == 0, f"git clone passes ({name})", clone.stderr)
    check_site = run(EXPORTER, "publish", "--check", "--repo", repo, "--site", site,
                     check=False)
    result(check_site.returncode == 0, f"the site is at the new tip ({name})",
           check_site.stdout, check_site.stderr)
    if signed:
        for when, text in (("an old", old_receipt), ("a new", receipt(lib))):
            with open(f"{work}/receipt", "w", encoding="utf-8") as file:
                file.write(text)
            checked = run(sys.executable, f"{os.path.dirname(__file__)}/../check-receipt",
                          f"{work}/receipt", f"{work}/signers", check=False)
            result(checked.returncode == 0, f"{when} receipt proves ({name})",
                   checked.stdout, checked.stderr)
    # An export goes on, and makes nothing of nothing.
    lib.time += 100
    more = ["--drop", "secretmember"] if lib.member else []
    if lib.member:
        refused = run(EXPORTER, "export", "--index", f"{work}/a.index", "--repo", repo, *sign,
                      check=False)
        result(refused.returncode == 1 and "--drop" in refused.stderr,
               f"an export without --drop is refused ({name})", refused.stderr)
    lib.export("a", *more)
    result(git(repo, "rev-parse", "main").strip() == commits[-1],
           f"an export finds nothing to do ({name})")
    lib.put(("tag", "new"), {"id": "new", "name": "n", "label": "l"})
    lib.export("a", *more)
    lib.export("b")
    result(git(repo, "rev-parse", "main^{tree}") ==
           git(f"{work}/b.repo", "rev-parse", "main^{tree}"), f"and goes on ({name})")
    run("rm", "-rf", work)


def receipt(lib):
    """Of an image that stays, now."""
    image = next(i for k, i in lib.records if k == "image")
    return run(EXPORTER, "receipt", "--repo", f"{lib.work}/a.repo",
               f"api/v1/tag_images?image_ids[]={image}").stdout


for at, kinds_of_case in enumerate(KINDS):
    check(kinds_of_case, (SEED + at) % 3 != 0, (SEED + at) % 4 == 1)
print(f"cases {cases}")
