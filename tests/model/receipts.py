#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One random history of signed snapshots: receipts of random requests at random times hold,
and receipts in which something was changed do not.

	receipts.py --seed N --steps N --receipts N --changes N --indexer FILE --exporter FILE
		--work DIR

The answers come from the model (model.py), and tests/check-receipt, which shares no code with
the exporter, says whether a receipt holds; mostly it is called in this process, as a thousand
starts of Python take minutes. Receipts are made of the repository and of a clone without digest store.
"""

import argparse
import base64
import calendar
import importlib.machinery
import importlib.util
import json
import os
import random
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from history import Failed, Folder  # noqa: E402
from model import Model, file_name, git_id, path_of, quote  # noqa: E402

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../check-receipt")
EPOCH = calendar.timegm((2026, 1, 1, 0, 0, 0))
HOUR = 3600


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Snapshot:
    def __init__(self, commit, seconds, model):
        self.commit, self.seconds = commit, seconds
        self.bodies = dict(model.responses())
        self.images = sorted(model.images)
        self.albums = sorted({record.album for record in model.images.values()})


class History:
    def __init__(self, options):
        self.options = options
        self.rng = random.Random(options.seed)
        self.work = options.work
        os.mkdir(self.work)
        self.data, self.index = self.path("data"), self.path("index")
        self.repo, self.signers = self.path("repo"), self.path("signers")
        self.model = Model()
        self.folder = Folder(self.rng, self.data, self.scan)
        self.snapshots = []
        self.checker = load_checker()
        self.make_keys()

    def path(self, name):
        return os.path.join(self.work, name)

    def run(self, *argv, data=None, allowed=(0,), seconds=EPOCH):
        env = dict(os.environ, TZ="UTC", LC_ALL="C", SOURCE_DATE_EPOCH=str(seconds))
        done = subprocess.run(argv, input=data, capture_output=True, env=env)
        if done.returncode not in allowed:
            raise Failed(
                "%s: exit status %d\n%s"
                % (" ".join(argv), done.returncode, done.stderr.decode())
            )
        return done.stdout

    def make_keys(self):
        """The first key is good for the first half of the time, the second for the other."""
        middle = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(self.middle()))
        lines = []
        for name, when in ("first", "valid-before"), ("second", "valid-after"), ("stranger", None):
            self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path(name))
            with open(self.path(name + ".pub"), encoding="utf-8") as public:
                if when:
                    lines.append('%s@example.org %s="%s" %s' % (name, when, middle, public.read()))
        with open(self.signers, "w", encoding="utf-8") as signers:
            signers.write("".join(lines))

    def middle(self):
        return EPOCH + (self.options.steps // 2) * HOUR

    def scan(self):
        self.model.read_folder(self.data)
        scan = ["scan", "--data", self.data, "--index", self.index]
        self.run(self.options.indexer, *scan, allowed=(0, 3))

    def make(self):
        while len(self.snapshots) < self.options.steps:
            for _ in range(self.rng.choice([1, 2, 5]) if self.snapshots else 20):
                self.folder.step()
            self.scan()
            seconds = EPOCH + len(self.snapshots) * HOUR + self.rng.randrange(HOUR)
            key = self.path("first" if seconds < self.middle() else "second")
            export = ["export", "--index", self.index, "--repo", self.repo, "--json"]
            result = self.run(self.options.exporter, *export, "--sign", key, seconds=seconds)
            if json.loads(result)["made"]:
                commit = json.loads(result)["commit"]
                self.snapshots.append(Snapshot(commit, seconds, self.model))
        self.clone = self.path("clone")
        self.run("git", "clone", "-q", "--bare", self.repo, self.clone)

    def receipt(self, at, request, allowed=(0,)):
        """Of the repository or of the clone: the same receipt comes from both."""
        repo = self.rng.choice([self.repo, self.repo, self.clone])
        when = self.rng.choice([at.commit, at.commit[:12], rfc3339(at.seconds)])
        return self.run(
            *[self.options.exporter, "receipt", "--repo", repo, "--at", when, request],
            allowed=allowed,
        )


# --- requests ----------------------------------------------------------------------------


def spell(rng, ident, plus=False):
    """An id as some client may encode it."""
    out = ""
    for byte in ident:
        char = chr(byte)
        if re.match("[A-Za-z0-9_-]", char) and rng.random() < 0.95:
            out += char
        elif char == " " and plus and rng.random() < 0.5:
            out += "+"
        elif char in ".!~*'()" and rng.random() < 0.5:
            out += char
        else:
            out += rng.choice(["%%%02X", "%%%02x"]) % byte
    return out


def draw(history, at):
    """A request as it is sent, in its canonical form, and what asks the model."""
    rng = history.rng
    other = rng.choice(history.snapshots)
    strange = [b"nobody", b"..", b"a/b", "\u00e9".encode(), b"x y", b"i" * rng.randrange(1, 200)]
    kind = rng.choice(["tag_images", "tag_images", "tag_images", "images", "untag"])
    if kind == "tag_images":
        count = rng.choice([1, 1, 1, 2, 3, 5, 30])
        known = [at.images, at.images, at.images, other.images, strange]
        asked = [rng.choice(rng.choice(known) or strange) for _ in range(count)]
        values = [spell(rng, ident, plus=True) for ident in asked]
        if rng.random() < 0.2:  # what cannot be an id adds nothing
            values.insert(rng.randrange(count + 1), rng.choice(["%FF", "", "%", "%00"]))
        names = ["image_ids[]", "image_ids[]", "Image_Ids[]", "image_ids%5B%5d"]
        query = "&".join(rng.choice(names) + "=" + value for value in values)
        idents = list(dict.fromkeys(asked))
        sent, suffix = "api/v1/tag_images", "?" + query + rng.choice(["", "", "&x=1", "#end"])
        canonical = "/api/v1/tag_images?" + "&".join(
            "image_ids[]=" + file_name(ident) for ident in idents
        )
    else:
        known = [at.albums, at.albums, at.albums, other.albums, strange]
        idents = [rng.choice(rng.choice(known) or strange)]
        end = "/images" + ("/untag" if kind == "untag" else "")
        sent, suffix = "api/v1/albums/" + spell(rng, idents[0]) + end, ""
        canonical = "/api/v1/albums/" + file_name(idents[0]) + end
    before = rng.choice(["", "/", "/", "https://api.example.org/"])
    return before + sent + rng.choice(["", "", ".json"]) + suffix, canonical, kind, idents


def answer(at, kind, idents):
    """What the API answered, by the model; None: it knew no such album."""
    bodies = [at.bodies.get(path_of(kind, file_name(ident))) for ident in idents]
    if kind != "tag_images":
        return bodies[0]
    return b"[" + b",".join(body[1:-1] for body in bodies if body not in (None, b"[]")) + b"]"


# --- the checker -------------------------------------------------------------------------


def load_checker():
    loader = importlib.machinery.SourceFileLoader("check_receipt", CHECK)
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("check_receipt", loader)
    )
    loader.exec_module(module)
    return module


def holds(history, line):
    """Whether check-receipt accepts it; and what it says."""
    if history.rng.random() < 0.02:  # as a user runs it
        path = history.path("receipt")
        with open(path, "wb") as file:
            file.write(line)
        done = subprocess.run([CHECK, path, history.signers], capture_output=True)
        if done.returncode not in (0, 1):
            raise Failed("check-receipt: exit status %d" % done.returncode)
        return not done.returncode, done.stderr.decode()
    with open(history.signers, "rb") as signers:
        try:
            return True, history.checker.check(line, signers.read())
        except history.checker.Refused as refused:
            return False, str(refused)


def check_receipt(history):
    at = history.rng.choice(history.snapshots)
    sent, canonical, kind, idents = draw(history, at)
    line = history.receipt(at, sent)
    what = "the receipt of %s at %s" % (sent, at.commit)
    good, said = holds(history, line)
    if not good:
        raise Failed("%s does not hold: %s" % (what, said))
    stated = json.loads(line)
    body = answer(at, kind, idents)
    want = [canonical, rfc3339(at.seconds), at.commit, body if body is None else body.decode()]
    got = [stated[name] for name in ("request", "time", "commit", "body")]
    if got != want:
        raise Failed("%s states %r, not %r" % (what, got, want))
    return line


# --- changes -----------------------------------------------------------------------------


def write(members):
    """The line of a receipt, in canonical text."""

    def text(value):
        if isinstance(value, list):
            return "[" + ",".join(map(text, value)) + "]"
        return "null" if value is None else quote(value)

    line = ",".join("%s:%s" % (quote(name), text(value)) for name, value in members)
    return ("{" + line + "}\n").encode()


def encode(data):
    return base64.b64encode(data).decode()


def sign_again(history, receipt):
    """Another signer; the right one for something else; the right one at another time."""
    rng = history.rng
    commit = base64.b64decode(receipt["signed_commit"])
    head, message = commit.split(b"\n\n", 1)
    payload = re.sub(rb"\ngpgsig [^\n]*(\n [^\n]*)*", b"", head) + b"\n\n" + message
    right = "first" if receipt["time"] < rfc3339(history.middle()) else "second"
    other = {"first": "second", "second": "first"}[right]
    key, space = rng.choice([("stranger", "git"), (right, "file"), (other, "git")])
    argv = ["ssh-keygen", "-Y", "sign", "-q", "-n", space, "-f", history.path(key)]
    signature = history.run(*argv, data=payload).decode().rstrip("\n").replace("\n", "\n ")
    head, message = payload.split(b"\n\n", 1)
    commit = head + b"\ngpgsig " + signature.encode() + b"\n\n" + message
    receipt["signed_commit"] = encode(commit)
    receipt["commit"] = git_id("commit", commit).hex()


def change_body(history, receipt, others):
    rng, body = history.rng, receipt["body"]
    records = json.loads(body or "[]")
    ways = [rng.choice(others)["body"], None, "[]"]
    if body:
        at = rng.randrange(len(body))
        ways += [body[:at] + rng.choice("x0 ]") + body[at + 1 :], body[:-1] + " ]", body + "\n"]
    if len(records) > 1:
        dropped = list(records)
        dropped.pop(rng.randrange(len(records)))
        ways += [json.dumps(dropped), json.dumps(records[::-1], separators=(",", ":"))]
    receipt["body"] = rng.choice(ways)


def change_commit(history, receipt, others):
    """Another commit, whole or in part."""
    other = history.rng.choice(others)
    names = ["signed_commit", "commit", "time"]
    if history.rng.random() < 0.5:
        names = history.rng.sample(names, history.rng.choice([1, 2]))
    for name in names:
        receipt[name] = other[name]


def change_signed(history, receipt, others):
    """A byte of the commit, with its right id."""
    commit = bytearray(base64.b64decode(receipt["signed_commit"]))
    at = history.rng.randrange(len(commit))
    commit[at] ^= 1 << history.rng.randrange(8)
    receipt["signed_commit"] = encode(bytes(commit))
    receipt["commit"] = git_id("commit", bytes(commit)).hex()


def change_trees(history, receipt, others):
    rng, trees = history.rng, receipt["trees"]
    at, to = rng.randrange(len(trees)), rng.randrange(len(trees) + 1)
    how = rng.randrange(6)
    if how == 0:
        trees.pop(at)
    elif how == 1:
        trees.insert(to, trees[at])
    elif how == 2:
        trees.insert(to, trees.pop(at))
    elif how == 3:
        trees.insert(to, rng.choice(rng.choice(others)["trees"]))
    else:  # an entry is hidden, or renamed; the trees above it name another tree
        tree = base64.b64decode(trees[at])
        entries = re.findall(rb"[0-7]+ [^\0]*\0.{32}", tree, re.S)
        hidden = rng.randrange(len(entries))
        entries[hidden : hidden + 1] = [] if how == 4 else [entries[hidden].replace(b"0 ", b"0 x")]
        trees[at] = encode(b"".join(entries))
        if rng.random() < 0.5:
            receipt["body"] = rng.choice([None, "[]"])


def change_request(history, receipt, others):
    rng, request = history.rng, receipt["request"]
    ways = [
        rng.choice(others)["request"],
        request + ".json",
        request[1:],
        "https://api.example.org" + request,
        request + "&x=1",
        request.replace("[]", "%5B%5D"),
        request + "&image_ids[]=nobody",
        request + "&" + request.split("?")[-1],
        "&".join(request.split("&")[::-1]),
        "&".join(request.split("&")[:-1]),
        request.replace("%2", "%2".lower()).lower(),
        request.replace("untag", ""),
        request + "/untag",
        re.sub("([A-Za-z0-9])$", lambda match: "%%%02X" % ord(match[1]), request),
    ]
    receipt["request"] = rng.choice(ways)


def change_form(history, line):
    """The same receipt, written otherwise."""
    rng = history.rng
    text = line.decode()
    receipt = json.loads(line)
    members = list(receipt.items())
    at = rng.randrange(len(members))
    name = rng.choice(["signed_commit", "trees"])
    base = receipt["signed_commit"] if name == "signed_commit" else receipt["trees"][0]
    ways = [
        text[:-1],
        text + "\n",
        text[:-1] + "\r\n",
        "\ufeff" + text,
        text + text,
        text[:-1] + " \n",
        text.replace('":', '": ', 1),
        text.replace("\\u0026", "&"),
        text.replace("/api", "\\/api", 1),
        text.replace("api", "\\u0061pi", 1),
        text.replace("}\n", ',"more":null}\n'),
        write(members + [members[at]]).decode(),
        write(members[:at] + members[at + 1 :]).decode(),
        write(rng.sample(members, len(members))).decode(),
        text.replace(base, base.rstrip("=")),
        text.replace(base, base + "="),
        text.replace(base, base[:20] + "\\n" + base[20:]),
        text.replace(base, base.replace("+", "-").replace("/", "_")),
        text.replace(base, re.sub("([A-Za-z0-9+/])(=+)$", lambda m: chr(ord(m[1]) ^ 1) + m[2], base)),
        json.dumps(receipt) + "\n",
        json.dumps(receipt, separators=(",", ":")) + "\n",
    ]
    return rng.choice(ways).encode()


def flip(history, line):
    at = history.rng.randrange(len(line))
    return line[:at] + bytes([line[at] ^ 1 << history.rng.randrange(8)]) + line[at + 1 :]


CHANGES = [change_body, change_commit, change_signed, change_trees, change_request]


def change(history, lines):
    """A receipt that was changed, and how."""
    rng = history.rng
    line = rng.choice(lines)
    how = rng.choice(CHANGES + [change_form, flip, flip, sign_again])
    if how in (change_form, flip):
        return how(history, line), how.__name__
    receipt = json.loads(line)
    if how is sign_again:
        how(history, receipt)
    else:
        how(history, receipt, [json.loads(other) for other in rng.sample(lines, 5)])
    return write(list(receipt.items())), how.__name__


def is_true(history, line):
    """Whether the exporter prints just this receipt: then it was changed into another one."""
    try:
        stated = json.loads(line)
        argv = ["receipt", "--repo", history.repo, "--at", stated["commit"], stated["request"]]
    except (ValueError, KeyError, TypeError):
        return False
    return line == history.run(history.options.exporter, *argv, allowed=(0, 1, 2))


def check_change(history, lines):
    line, how = change(history, lines)
    while line in lines:
        line, how = change(history, lines)
    good, said = holds(history, line)
    if good and not is_true(history, line):
        with open(history.path("changed"), "wb") as file:
            file.write(line)
        raise Failed("%s: the changed receipt holds: %r: %s" % (how, line[:500], said))
    return how


def main():
    parser = argparse.ArgumentParser()
    for name in "seed", "steps", "receipts", "changes":
        parser.add_argument("--" + name, type=int, required=True)
    for name in "indexer", "exporter", "work":
        parser.add_argument("--" + name, required=True)
    history = History(parser.parse_args())
    try:
        history.make()
        lines = [check_receipt(history) for _ in range(history.options.receipts)]
        made = [check_change(history, lines) for _ in range(history.options.changes)]
    except Failed as failure:
        sys.exit("SEED=%d: %s" % (history.options.seed, failure))
    print({how: made.count(how) for how in sorted(set(made))})


if __name__ == "__main__":
    main()
