#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One random history of snapshots, and what audit, log, show and diff must print for it.

	evidence.py --seed N --steps N --indexer FILE --exporter FILE --work DIR
		[--sample N] [--after prune,erase]

Each step changes the metadata folder, then scans and exports at its own time. The content
of every snapshot comes from the model (model.py), never from the snapshot: since when an
image is untagged, what changed from one to the next, what the answers were.

All commands run on a clone, with index and metadata moved away. `--sample N` runs them for
N of the snapshots only (0: for all).

`--after` first removes the history before a random snapshot (prune), but for what random labels
hold, or random records from all snapshots (erase), or both, one after the other.
"""

import argparse
import calendar
import functools
import json
import os
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from history import Failed, Folder  # noqa: E402
from model import Model, file_name, instant, quote  # noqa: E402
from words import LOCALES, called_tag, line_of, words  # noqa: E402
from written import pairs, parse, string  # noqa: E402

UNIX_EPOCH = instant("1970-01-01T00:00:00Z")
EPOCH = calendar.timegm((2026, 1, 1, 0, 0, 0))


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def plain(ident):
    return ident.decode()


class TagImage:
    def __init__(self, record):
        self.id, self.image, self.tag = record.id, record.image, record.tag
        self.order = (record.created, record.id)
        names = [name for name, _ in record.parts]
        taken = record.slots[0] == "image" and ("image_id" in names or "tag_id" in names)
        parts = []
        for name, text in record.parts:
            if name == record.slots[0]:
                text = '"%s":%s' % ("image" if taken else "image_id", quote(plain(self.image)))
            elif name == record.slots[1]:
                text = '"%s":%s' % ("tag" if taken else "tag_id", quote(plain(self.tag)))
            else:
                text = text.decode()
            parts.append(text)
        self.text = "{" + ",".join(parts) + "}"


class State:
    """What one snapshot holds."""

    def __init__(self, model):
        self.model = model.as_it_is()
        self.bodies = dict(model.responses(collections=True))
        self.images = dict(model.images)
        self.tags = dict(model.tags)
        self.live = {}
        self.shown = {}  # image: its live tag images
        for record in model.live():
            item = TagImage(record)
            self.live[(item.image, item.id)] = item
            self.shown.setdefault(item.image, []).append(item)
        self.counts = model.counts()

    def albums(self):
        return {image.album for image in self.images.values()}

    def in_album(self, album):
        return {ident for ident, image in self.images.items() if image.album == album}

    def untagged(self):
        return {ident for ident in self.images if ident not in self.shown}


class Snapshot:
    def __init__(self, commit, number, seconds, state, library):
        self.commit, self.number, self.seconds, self.state = commit, number, seconds, state
        self.library = library
        # Of each untagged image:
        self.since = {}  # the Snapshot that first showed it so
        self.first = {}  # whether no snapshot before that one holds the image
        self.earlier = set()  # those that may have been so before


def observe(snapshots):
    """Tells the snapshots of one history since when their images are untagged."""
    before, seen = None, set()
    for now in snapshots:
        now.since, now.first, now.earlier = {}, {}, set()
        for ident in now.state.untagged():
            still = before and ident in before.since
            now.since[ident] = before.since[ident] if still else now
            late = now.since[ident] is snapshots[0] and snapshots[0].number > 1
            now.earlier |= {ident} if late else set()
            now.first[ident] = before.first[ident] if still else ident not in seen and not late
        seen |= set(now.state.images)
        before = now


# --- what diff must say ----------------------------------------------------------------


def differing(before, after):
    old, new = dict(pairs(before)), dict(pairs(after))
    names = [name for name, _ in pairs(before)]
    names += [name for name, _ in pairs(after) if name not in old]
    members = []
    for name in names:
        sides = [("before", old.get(name)), ("after", new.get(name))]
        if name in old and name in new and old[name] == new[name]:
            continue
        found = [("member", name)]
        found += [(side, v) for (side, v), d in zip(sides, (old, new)) if name in d]
        members.append(("object", tuple(found)))
    return members


def event(change, record, **named):
    return ("object", (("change", change),) + tuple(named.items()) + (("record", record),))


def tag_events(a, b, wanted):
    for ident in sorted(wanted & (set(a.tags) | set(b.tags))):
        old, new = (parse(s.tags[ident].text) if ident in s.tags else None for s in (a, b))
        if old == new:
            continue
        if old is None or new is None:
            record = new or old
            label = dict(pairs(record))["label"]
            change = "tag_appeared" if new else "tag_disappeared"
            yield event(change, record, tag=plain(ident), label=label)
            continue
        members = differing(old, new)
        names = {dict(pairs(m))["member"] for m in members}
        change = "tag_renamed" if names & {"label", "name"} else "tag_changed"
        yield event(change, new, tag=plain(ident), members=members)


def image_events(a, b, wanted):
    for ident in sorted(wanted & (set(a.images) | set(b.images))):
        old, new = a.images.get(ident), b.images.get(ident)
        named = {"image": plain(ident), "album": plain((new or old).album)}
        if old is None:
            yield event("image_appeared", parse(new.text), **named)
        elif new is None:
            yield event("image_disappeared", parse(old.text), **named)
        elif old.text != new.text:
            before, after = parse(old.text), parse(new.text)
            yield event("image_changed", after, **named, members=differing(before, after))


def tag_image_events(a, b, wanted):
    keys = {key for key in set(a.live) | set(b.live) if key[0] in wanted}
    for key in sorted(keys):
        old, new = a.live.get(key), b.live.get(key)
        some = new or old
        named = {
            "image": plain(some.image),
            "tag_image": plain(some.id),
            "tag": plain(some.tag),
        }
        if old is None:
            yield event("tagged", parse(new.text), **named)
        elif new is None:
            yield event("untagged", parse(old.text), **named)
        elif old.text != new.text:
            before, after = parse(old.text), parse(new.text)
            yield event("tag_image_changed", after, **named, members=differing(before, after))


def events(a, b, album=None, image=None, tag=None):
    if tag is not None:
        return list(tag_events(a, b, {tag}))
    if album is None and image is None:
        images = set(a.images) | set(b.images)
        tags = set(a.tags) | set(b.tags)
    else:
        images = {image} if image is not None else a.in_album(album) | b.in_album(album)
        shown = [item for s in (a, b) for i in images for item in s.shown.get(i, [])]
        tags = {item.tag for item in shown}
    found = list(tag_events(a, b, tags))
    found += image_events(a, b, images)
    found += tag_image_events(a, b, images)
    return found


def kind(found):
    return dict(pairs(found))["change"]


def expect_lines(what, got, found, a, b, language):
    """Lines for people, against the events that they are about."""
    want = [line_of(e, a, b, language) for e in found]
    got = [
        line[: len(w)] if more else line for line, (w, more) in zip(got, want)
    ] + got[len(want) :]
    expect(what + ", in words", got, [line for line, _ in want])


# --- what audit must say ----------------------------------------------------------------


def share(part, whole):
    """A share, rounded to four decimals, half away from zero."""
    return "%d.%04d" % divmod((part * 20000 + whole) // (2 * whole), 10000) if whole else "0.0000"


def created(text):
    return string(dict(pairs(parse(text))).get("created_at"))


def title(text):
    """What an image is called."""
    members = dict(pairs(parse(text)))
    infos = members.get("infos")
    infos = dict(pairs(infos)) if isinstance(infos, tuple) else {}
    names = [members.get("title"), members.get("filename"), infos.get("original_filename")]
    return next((string(name) for name in names if string(name)), None)


class Audit:
    def __init__(self, snapshot, count_from="created"):
        self.at, self.state, self.count_from = snapshot, snapshot.state, count_from

    def since(self, ident):
        """The instant that counts, and what it is of."""
        observed = self.at.since[ident].seconds
        created_at = self.state.images[ident].created
        if self.count_from == "created" and created_at >= 0 and self.at.first[ident]:
            seconds = (created_at - UNIX_EPOCH) // 10**9
            if seconds < observed:
                return seconds, "created"
        return observed, "observed"

    def order(self, ident):
        return (self.since(ident)[0], self.state.images[ident].created, ident)

    def untagged_image(self, ident):
        observed = self.at.since[ident]
        since, counted_from = self.since(ident)
        return {
            "image": plain(ident),
            "title": title(self.state.images[ident].text),
            "created_at": created(self.state.images[ident].text),
            "since": rfc3339(since),
            "counted_from": counted_from,
            "observed_since": rfc3339(observed.seconds),
            "or_earlier": ident in self.at.earlier,
            "observed_commit": observed.commit,
        }

    def counts(self, images):
        state = self.state
        untagged = sorted((i for i in images if i not in state.shown), key=self.order)
        last = max(
            (item for i in images for item in state.shown.get(i, [])),
            key=lambda item: item.order,
            default=None,
        )
        tags = {}
        for ident in images:
            for tag in {item.tag for item in state.shown.get(ident, [])}:
                tags[tag] = tags.get(tag, 0) + 1
        members = dict(pairs(parse(last.text))) if last else {}
        return {
            "images": len(images),
            "tagged": len(images) - len(untagged),
            "untagged": len(untagged),
            "share": share(len(untagged), len(images)),
            "oldest_untagged": self.untagged_image(untagged[0]) if untagged else None,
            "last_tagged": last
            and {
                "image": plain(last.image),
                "tag_image": plain(last.id),
                "created_at": string(members.get("created_at")),
                "by": string(members.get("user")) or "unknown",
            },
            "tags": [
                {
                    "tag": plain(tag),
                    "name": dict(pairs(parse(state.tags[tag].text)))["name"],
                    "label": dict(pairs(parse(state.tags[tag].text)))["label"],
                    "images": tags[tag],
                }
                for tag in sorted(tags, key=lambda tag: (-tags[tag], tag))
            ],
        }

    def album(self, album):
        images = self.state.in_album(album)
        untagged = sorted((i for i in images if i not in self.state.shown), key=self.order)
        return {
            "album": plain(album),
            **self.counts(images),
            "untagged_images": [self.untagged_image(ident) for ident in untagged],
        }

    def whole(self, only=None):
        albums = [self.album(a) for a in ([only] if only else sorted(self.state.albums()))]
        albums.sort(key=lambda album: -album["untagged"])
        images = self.state.in_album(only) if only else set(self.state.images)
        return {
            "version": 1,
            "commit": self.at.commit,
            "number": self.at.number,
            "time": rfc3339(self.at.seconds),
            "library": self.at.library,
            "as_of": rfc3339(self.at.seconds),
            "count_from": self.count_from,
            "oversize": [],
            "all": {**self.counts(images), "albums": len(albums)},
            "albums": albums,
        }


def images_of(history, audit):
    """The audit with a list of all untagged images in place of the albums."""
    at, result = audit.at, audit.whole()
    del result["albums"]
    rows = []
    for ident in sorted(at.state.untagged(), key=audit.order):
        row = {"album": plain(at.state.images[ident].album), **audit.untagged_image(ident)}
        row["last_tag"] = last_tag(history, at, ident)
        rows.append(row)
    return {**result, "untagged_images": rows}


def last_tag(history, at, ident):
    """The last tag image of the last snapshot that has the image tagged."""
    for before in reversed(history.upto(at)[:-1]):
        shown = before.state.shown.get(ident)
        if shown:
            last = max(shown, key=lambda item: item.order)
            members = dict(pairs(parse(last.text)))
            tag = dict(pairs(parse(before.state.tags[last.tag].text)))
            if len(shown) > 1 and string(members.get("created_at")) is None:
                return None
            return {
                "tag": plain(last.tag),
                "name": tag["name"],
                "label": tag["label"],
                "created_at": string(members.get("created_at")),
                "by": string(members.get("user")) or "unknown",
            }
    return None


# --- the programs ------------------------------------------------------------------------


class History:
    def __init__(self, options):
        self.options = options
        self.work = options.work
        self.rng = random.Random(options.seed)
        os.mkdir(self.work)
        self.data = os.path.join(self.work, "data")
        self.repo = os.path.join(self.work, "repo")
        self.index = os.path.join(self.work, "index")
        self.model = Model()
        self.folder = Folder(self.rng, self.data, self.scan)
        self.snapshots = []  # those that are ancestors of the last
        self.held = []  # those that labels keep, before them

    def run(self, program, *arguments, seconds=None, allowed=(0,), locale="C"):
        environment = dict(os.environ, TZ="UTC", LC_ALL=locale)
        environment["SOURCE_DATE_EPOCH"] = str(seconds if seconds else EPOCH)
        done = subprocess.run(
            [getattr(self.options, program), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        if done.returncode not in allowed:
            raise Failed(
                "%s %s: exit status %d\n%s"
                % (program, " ".join(arguments), done.returncode, done.stderr.decode())
            )
        return done

    def scan(self):
        """Has the program and the model read the folder."""
        self.model.read_folder(self.data)
        scan = ["scan", "--data", self.data, "--index", self.index]
        self.run("indexer", *scan, allowed=(0, 3))

    def step(self, n):
        for _ in range(self.rng.choice([1, 1, 1, 2, 5])):
            self.folder.step()
        self.scan()
        seconds = EPOCH + n * 3600 + self.rng.randrange(3600)
        before = self.snapshots[-1] if self.snapshots else None
        library = before and before.library
        export = ["export", "--index", self.index, "--repo", self.repo, "--json"]
        if self.rng.random() < 0.1:
            library = self.rng.choice(["Harbour", "\u00e9t\u00e9 & co"])
            export += ["--name", library, "--accept", "name"]
        result = json.loads(self.run("exporter", *export, seconds=seconds).stdout)
        if result["made"]:
            state = State(self.model)
            now = Snapshot(result["commit"], len(self.snapshots) + 1, seconds, state, library)
            self.snapshots.append(now)

    def make(self, steps):
        while len(self.snapshots) < steps:
            self.step(len(self.snapshots) + 1)
            if self.rng.random() < 0.1:  # deltas, on which later ones rest
                self.run("exporter", "maintain", "--repo", self.repo)
        for change in self.options.after.split(","):
            if change:
                getattr(self, change)()
        observe(self.snapshots)
        for held in self.held:
            observe([held])
        clone = os.path.join(self.work, "clone")
        subprocess.run(["git", "clone", "-q", self.repo, clone], check=True)
        for gone in (self.data, self.index, self.repo):
            os.rename(gone, gone + ".gone")
        self.repo = clone

    def prune(self):
        """Removes the snapshots before one, but for those that get a label."""
        first = self.rng.randrange(1, len(self.snapshots))
        past, self.snapshots = self.snapshots[:first], self.snapshots[first:]
        for n, held in enumerate(self.rng.sample(past, k=min(len(past), self.rng.randrange(3)))):
            named = ["--label", "held-%d" % n, "--reason", "why", "--at", held.commit]
            self.run("exporter", "snapshot", "--repo", self.repo, *named)
            self.held.append(held)
        before = rfc3339(self.snapshots[0].seconds)
        self.run("exporter", "prune", "--repo", self.repo, "--before", before)

    def erase(self):
        """Erases records that the folder no longer has."""
        all_of = self.held + self.snapshots
        found = {"image": set(), "tag": set(), "tag-image": set(), "album": set()}
        for state in (snapshot.state for snapshot in all_of):
            found["image"] |= set(state.images)
            found["tag"] |= set(state.tags)
            found["tag-image"] |= {ident for _, ident in state.live}
            found["album"] |= state.albums()
        found["image"] -= set(self.model.images)
        found["tag"] -= set(self.model.tags)
        found["tag-image"] -= set(self.model.tag_images)
        ever = {album: {i for s in all_of for i in s.state.in_album(album)} for album in found["album"]}
        found["album"] = {album for album in ever if ever[album] <= found["image"]}
        gone = [(kind, ident) for kind in sorted(found) for ident in sorted(found[kind])]
        gone = self.rng.sample(gone, k=min(len(gone), self.rng.choice([1, 2, 5])))
        named = [text for kind, ident in gone for text in ("--" + kind, plain(ident))]
        if not gone:
            return
        self.run("exporter", "erase", "--index", self.index, "--repo", self.repo,
                 "--reason", "Somebody asked for it.", *named)
        for kind, ident in list(gone):
            gone += [("image", image) for image in ever[ident]] if kind == "album" else []
        for snapshot in all_of:
            model = snapshot.state.model
            for kind, ident in gone:
                records = {"image": model.images, "tag": model.tags, "tag-image": model.tag_images}
                records.get(kind, {}).pop(ident, None)
            snapshot.state = State(model)
        # Snapshots keep their numbers and times; their ids are others.
        listed = ["git", "-C", self.repo, "rev-list", "--reverse", "main"]
        commits = subprocess.run(listed, stdout=subprocess.PIPE, check=True).stdout.split()
        expect("snapshots after the erasure", len(commits), len(self.snapshots))
        for snapshot, commit in zip(self.snapshots, commits):
            snapshot.commit = commit.decode()
        for n, held in enumerate(self.held):
            of = ["git", "-C", self.repo, "rev-parse", "held-%d^{commit}" % n]
            held.commit = subprocess.run(of, stdout=subprocess.PIPE, check=True).stdout.decode().strip()

    def log(self, at, want, *scope):
        """The entries of a log; an empty log is an error, unless the past is not known."""
        late = self.snapshots[0].number > 1
        allowed = (0,) if want else (0, 1) if late else (1,)
        done = self.ask("log", "--json", "--at", at.commit, *scope, allowed=allowed)
        return [dict(pairs(entry)) for entry in lines(done.stdout)]

    def upto(self, at):
        """The snapshots from the first one on, up to this one."""
        return [snapshot for snapshot in self.snapshots if snapshot.number <= at.number]

    def ask(self, *arguments, **named):
        command, *rest = arguments
        return self.run("exporter", command, "--repo", self.repo, *rest, **named)


def expect(what, got, want):
    if got != want:
        got, want = repr(got), repr(want)
        same = len(os.path.commonprefix([got, want]))
        at = slice(max(same - 100, 0), same + 400)
        raise Failed("%s\n  got  ...%s\n  want ...%s" % (what, got[at], want[at]))


def lines(text):
    """The values of the lines, the first of which has the version of their form besides."""
    first, *rest = text.decode().splitlines() or [""]
    if first and not first.startswith('{"version":1,'):
        raise Failed("the first line has no version: " + first)
    return [parse(line) for line in [first.replace('"version":1,', "", 1), *rest] if line]


# --- asking ------------------------------------------------------------------------------


def request_of(path):
    """The request of the API for a file of the site."""
    path = "/" + path[: -len(".json")]
    return path.replace("/api/v1/tag_images/", "/api/v1/tag_images?image_ids[]=")


def check_show(history, at):
    bodies = at.state.bodies
    # A date names the snapshot just as its id does.
    when = history.rng.choice([at.commit, at.commit[:12], rfc3339(at.seconds)])
    when = at.commit if at in history.held else when
    for path, body in bodies.items():
        shown = history.ask("show", "--at", when, request_of(path)).stdout
        expect("show --at %s %s" % (when, path), shown, body)
    idents = sorted(at.state.images)
    asked = [history.rng.choice(idents + [b"none"]) for _ in range(5)] if idents else []
    query = "&".join("image_ids[]=" + file_name(ident) for ident in asked)
    parts = []
    for ident in dict.fromkeys(asked):
        body = bodies.get("api/v1/tag_images/%s.json" % file_name(ident), b"[]")[1:-1]
        parts += [body] if body else []
    if asked:
        shown = history.ask("show", "--at", when, "/api/v1/tag_images?" + query).stdout
        expect("show " + query, shown, b"[" + b",".join(parts) + b"]")
    gone = {path for s in history.snapshots for path in s.state.bodies} - set(bodies)
    for path in sorted(gone)[:5]:
        # An unknown image adds nothing to a join; an unknown album or tag has no answer.
        joins = path.startswith("api/v1/tag_images/")
        none = history.ask("show", "--at", when, request_of(path), allowed=(0 if joins else 1,))
        expect("show of what is not there, " + path, none.stdout, b"[]" if joins else b"")


def texts_of(value):
    """Keeps numbers as they are written, to compare with computed ones."""
    if isinstance(value, dict):
        return {name: texts_of(item) for name, item in value.items()}
    if isinstance(value, list):
        return [texts_of(item) for item in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def check_audit(history, at):
    count_from = history.rng.choice(["created", "observed"])

    def ask(*more):
        named = ["--count-from", count_from, *more]
        text = history.ask("audit", "--at", at.commit, "--format", "json", *named).stdout
        return json.loads(text, parse_float=str, parse_int=str)

    audit = Audit(at, count_from)
    expect("audit at %d" % at.number, ask(), texts_of(audit.whole()))
    got = ask("--images")
    expect("images at %d" % at.number, got, texts_of(images_of(history, audit)))
    for album in at.state.albums():
        got = ask("--album", plain(album))
        expect("audit of %s at %d" % (album, at.number), got, texts_of(audit.whole(album)))


def check_diff(history, at, other):
    a, b = at.state, other.state

    def ask(*more):
        return lines(history.ask("diff", "--json", at.commit, other.commit, *more).stdout)

    what = "diff of %d and %d" % (at.number, other.number)
    expect(what, ask(), events(a, b))
    locale = history.rng.choice(sorted(LOCALES))
    text = history.ask("diff", at.commit, other.commit, locale=locale).stdout
    got = text.decode().split("\n")[:-1]
    expect_lines(what, got, events(a, b), a, b, LOCALES[locale])
    albums = sorted(a.albums() | b.albums())
    for album in history.rng.sample(albums, k=min(2, len(albums))):
        expect(what + ", %s" % album, ask("--album", plain(album)), events(a, b, album=album))
    apply = os.path.join(os.path.dirname(os.path.abspath(__file__)), "apply.py")
    text = history.ask("diff", "--json", at.commit, other.commit).stdout
    done = subprocess.run(
        [sys.executable, apply, history.repo, at.commit, other.commit],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        raise Failed("%s, applied: %s" % (what, done.stdout.decode()))


def log_entries(history, upto, **scope):
    """(snapshot, events, state before) of each snapshot, the newest first. What changed in
    the first one is not known where history begins late."""
    snapshots = history.upto(upto)
    before = [State(Model())] + [s.state for s in snapshots]
    for n in reversed(range(len(snapshots))):
        if n or snapshots[n].number == 1:
            yield snapshots[n], events(before[n], snapshots[n].state, **scope), before[n]


def check_log_in_words(history, at, want, option, ident):
    """`want`: (snapshot, what the entry's line ends with, events, state before)."""
    locale = history.rng.choice(sorted(LOCALES))
    text = history.ask(
        "log", "--at", at.commit, option, plain(ident), locale=locale, allowed=(0, 1)
    ).stdout.decode()
    entries = re.split(r"\n(?!\t|$)", text)
    what = "log %s %s" % (option, plain(ident))
    expect(what + ", entries in words", len(entries) if text else 0, len(want))
    for entry, (s, end, found, before) in zip(entries, want):
        head, *got = entry.rstrip("\n").split("\n")
        if end:
            count, tag = end
            said = called_tag(tag, LOCALES[locale]) if tag else ""
            end = count + (" of" + words(said) if said else "")
        expect(what, head, "%s  %s%s" % (s.commit[:12], rfc3339(s.seconds), end))
        got = [line[1:] for line in got]
        expect_lines(what, got, found, before, s.state, LOCALES[locale])


def check_log_of_image(history, at, image):
    want = [
        (s.commit, found) for s, found, _ in log_entries(history, at, image=image) if found
    ]
    entries = history.log(at, want, "--image", plain(image))
    got = [(e["commit"], e["events"]) for e in entries]
    expect("log of image %s" % image, got, want)
    found = log_entries(history, at, image=image)
    check_log_in_words(history, at, [(s, "", e, b) for s, e, b in found if e], "--image", image)


def check_log_of_tag(history, at, tag):
    def shown(state):
        return sum(item.tag == tag for item in state.live.values())

    want, in_words = [], []
    for s, found, before in log_entries(history, at, tag=tag):
        if found or (tag in s.state.tags and shown(s.state) != shown(before)):
            text = s.state.tags[tag].text if tag in s.state.tags else None
            label = dict(pairs(parse(text)))["label"] if text else None
            want.append((s.commit, label, str(shown(s.state)), found))
            count = shown(s.state)
            head = "  %d tag image%s" % (count, "" if count == 1 else "s")
            in_words.append((s, (head, text), found, before))
    entries = history.log(at, want, "--tag", plain(tag))
    got = [(e["commit"], e["label"], str(e["tag_images"]), e["events"]) for e in entries]
    expect("log of tag %s" % tag, got, want)
    check_log_in_words(history, at, in_words, "--tag", tag)


COUNTED = {
    "appeared": ["image_appeared"],
    "disappeared": ["image_disappeared"],
    "changed": ["image_changed"],
    "tag_images_changed": ["tag_image_changed"],
    "tagged": ["tagged"],
    "untagged_now": ["untagged"],
    "tags_changed": ["tag_appeared", "tag_disappeared", "tag_renamed", "tag_changed"],
}


def check_log_of_album(history, at, album):
    want = []
    for s, found, _ in log_entries(history, at, album=album):
        if found:
            kinds = [kind(e) for e in found]
            images = s.state.in_album(album)
            entry = {name: str(sum(k in c for k in kinds)) for name, c in COUNTED.items()}
            entry["commit"] = s.commit
            entry["number"] = str(s.number)
            entry["images"] = str(len(images))
            entry["untagged"] = str(len(images & s.state.untagged()))
            want.append(entry)
    entries = history.log(at, want, "--album", plain(album))
    got = [{name: str(e[name]) for name in w} for e, w in zip(entries, want)]
    expect("log of album %s: snapshots" % album, len(entries), len(want))
    expect("log of album %s" % album, got, want)


def check_log(history, at):
    names = ("commit", "number", "time", "untagged")
    got = [tuple(str(e[name]) for name in names) for e in history.log(at, True)]
    want = [
        (s.commit, str(s.number), rfc3339(s.seconds), str(s.state.counts["untagged"]))
        for s in reversed(history.upto(at))
    ]
    expect("log", got, want)


def ever(history, what):
    return sorted(functools.reduce(set.union, (set(what(s.state)) for s in history.snapshots)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--indexer", required=True)
    parser.add_argument("--exporter", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--after", default="")
    options = parser.parse_args()
    history = History(options)
    try:
        history.make(options.steps)
        rng, all_of = history.rng, history.snapshots
        asked = rng.sample(all_of, min(options.sample, len(all_of)))
        asked = asked or all_of
        for at in asked:
            check_show(history, at)
            check_audit(history, at)
            check_diff(history, at, rng.choice(all_of))
            check_diff(history, at, history.upto(at)[-2:][0])
            check_log(history, at)
            check_log_of_image(history, at, rng.choice(ever(history, lambda s: s.images)))
            check_log_of_tag(history, at, rng.choice(ever(history, lambda s: s.tags)))
            check_log_of_album(history, at, rng.choice(ever(history, State.albums)))
        for at in history.held:
            check_show(history, at)
            check_audit(history, at)
            check_diff(history, at, rng.choice(all_of + history.held))
        last = all_of[-1]
        for image in ever(history, lambda s: s.images):
            check_log_of_image(history, last, image)
        for tag in ever(history, lambda s: s.tags):
            check_log_of_tag(history, last, tag)
        for album in ever(history, State.albums):
            check_log_of_album(history, last, album)
    except Failed as failure:
        print("seed %d: %s" % (options.seed, failure))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
