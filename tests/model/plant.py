#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Plants secrets in a library, and searches for them.

    plant.py make DIR LIST SEED [RECORDS]   writes metadata files into DIR, and into
                                            LIST what was planted, a line each
    plant.py find LIST [FILE...]            prints which of them stand in the files, or
                                            on standard input, a line each: number, kind

There are 20 of each kind, each in its own record: in values, in names, in arrays,
at any depth, in JSON and URLs within strings; in images, tags and tag images, and in
those that are embedded in a tag image. make prints, as JSON, the counts of an index
without any of these records, and of one with all of them.
"""

import base64
import json
import os
import random
import sys

EACH = 20
ALNUM = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
KEYS = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY",
        "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]
WORDS = ["harbour", "market", "key", "token", "basic", "bearer", "they", "view", "pizza"]


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Planter:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.planted = []

    def text(self, length):
        return "".join(self.rng.choice(ALNUM) for _ in range(length))

    # Each returns what is planted and the part of it to search for, which is
    # the same however often it is escaped.

    def token(self):
        header = self.rng.choice([
            {"alg": "HS256", "typ": "JWT"}, {"typ": "JWT", "alg": "RS256", "kid": "k1"},
            {"alg": "none"}, {"kid": "x", "typ": "at+jwt"}])
        payload = {"iss": self.text(8), "exp": self.rng.randrange(10 ** 9)}
        signature = self.text(43)
        token = ".".join([base64url(json.dumps(header, separators=(",", ":")).encode()),
                          base64url(json.dumps(payload).encode()), signature])
        return self.rng.choice(["%s", "see %s.", "id_%s", "a=%s;b"]) % token, signature

    def key(self):
        name = self.rng.choice(KEYS)
        body = [self.text(64), self.text(64), self.text(40)]
        line = self.rng.choice(["\n", "\r\n", "\\n"])
        return line.join(["-----BEGIN %s-----" % name] + body +
                         ["-----END %s-----" % name]), body[1]

    def authorization(self):
        token = self.text(31) + "7"
        basic = base64.b64encode(("user:" + self.text(16)).encode()).decode()
        form = self.rng.randrange(7)
        if form == 0:
            return "Bearer " + token, token
        if form == 1:
            return "Basic " + basic, basic
        if form == 2:
            return 'Token token="%s", email="x"' % token, token
        if form == 3:
            return "curl -H 'Authorization: Bearer %s' https://example.org" % token, token
        if form == 4:
            return "authorization: basic " + basic, basic
        if form == 5:
            return "Proxy-Authorization: Digest username=%s" % token, token
        return None, token  # a member of that name

    def wrap(self, text):
        """The secret as it is, or in JSON, or in a URL."""
        form = self.rng.randrange(5)
        if form == 0:
            return json.dumps({"a": [text], "b": 1})
        if form == 1:
            return json.dumps({"a": json.dumps({"b": text})})
        if form == 2:
            quoted = "".join(c if c.isalnum() or c in "-._~" else "%%%02X" % ord(c)
                             for c in text)
            return "https://example.org/x?s=3de109a&value=%s&y=1" % quoted
        return text

    def plant(self, record, kind):
        """Puts a secret of the kind somewhere into the record."""
        value, needle = {"token": self.token, "key": self.key,
                         "authorization": self.authorization}[kind]()
        self.planted.append((kind, needle))
        if value is None:
            name = self.rng.choice(["authorization", "Authorization", "PROXY-AUTHORIZATION"])
            node = {"x": 1, name: needle}
            if self.rng.random() < 0.3:
                node = json.dumps(node)
        elif self.rng.random() < 0.2:
            node = {"y": 1, value: self.rng.choice([1, None, "z"])}
        else:
            node = self.wrap(value)
        for _ in range(self.rng.randrange(6)):
            node = self.rng.choice([
                {"m%d" % self.rng.randrange(9): node, "n": 2}, [1, node], [node, "x"]])
        record[self.rng.choice(["exifs2", "metadatas2", "note"])] = node

    # --- records

    def image(self, ident, album):
        rng = self.rng
        return {
            "id": ident, "public_id": ident, "album_id": album,
            "created_at": "2024-0%d-1%dT0%d:00:00Z" % (rng.randrange(1, 10),
                                                       rng.randrange(10), rng.randrange(10)),
            "title": " ".join(rng.choice(WORDS) for _ in range(rng.randrange(6))),
            "gps": [rng.random() * 90, rng.random() * 180],
            "original_url": "https://res.cloudinary.com/x/image/s--%s--/v1/%s.jpg"
                            % (self.text(8), ident),
            "mini": "https://proxy.example/a.png?s=%07x&url=b" % rng.randrange(1 << 28),
        }

    def tag(self, ident):
        return {"id": ident, "name": ident, "label": json.dumps({"en": ident, "fr": ident}),
                "color": "#009688"}


def make(folder, list_path, seed, count):
    p = Planter(seed)
    rng = p.rng
    albums = ["album-%d" % i for i in range(40)]
    tags = ["tag-%d" % i for i in range(50)]
    clean = {"images": 0, "tags": 0, "tag_images": 0}
    dirty = dict(clean)
    kinds = [kind for kind in ("token", "key", "authorization") for _ in range(EACH)]
    rng.shuffle(kinds)
    places = dict(zip(sorted(rng.sample(range(100, count), len(kinds))), kinds))
    records = []
    images = []
    for n in range(count):
        kind = places.get(n)
        counts = dirty if kind else clean
        shape = rng.random()
        if n < len(tags) and not kind:
            records.append(p.tag(tags[n]))
            clean["tags"] += 1
            continue
        if shape < 0.6 or not images:
            record = p.image("image-%05d" % n, rng.choice(albums))
            where = [record]
            counts["images"] += 1
            if not kind:
                images.append(record["id"])
        elif kind and shape < 0.7:
            record = p.tag("tag-x%d" % n)
            where = [record]
            counts["tags"] += 1
        elif shape < 0.8:
            record = {"id": "ti-%05d" % n, "image": p.image("image-e%05d" % n, "album-e"),
                      "tag": p.tag("tag-e%d" % n), "user": "u"}
            where = [record, record["image"], record["tag"]]
            for name in counts:
                counts[name] += 1
        else:
            record = {"id": "ti-%05d" % n, "image_id": rng.choice(images),
                      "tag_id": rng.choice(tags), "user": "u"}
            where = [record]
            counts["tag_images"] += 1
        if kind:
            p.plant(rng.choice(where), kind)
        records.append(record)
    write(folder, records, rng)
    with open(list_path, "w") as f:
        f.writelines("%s %s\n" % pair for pair in p.planted)
    print(json.dumps({"none": clean, "all": {k: clean[k] + dirty[k] for k in clean}}))


def write(folder, records, rng):
    at = 0
    while at < len(records):
        part = records[at:at + rng.choice([1, 3, 40, 100, 300])]
        name = "%s/%d/f%05d" % (folder, rng.randrange(5), at)
        at += len(part)
        os.makedirs(os.path.dirname(name), exist_ok=True)
        form = rng.randrange(3)
        ascii_only = rng.random() < 0.5
        if form == 0:
            with open(name + rng.choice([".ndjson", ".jsonl"]), "w") as f:
                f.writelines(json.dumps(r, ensure_ascii=ascii_only) + "\n" for r in part)
        else:
            with open(name + ".json", "w") as f:
                json.dump(part if len(part) > 1 else part[0], f, ensure_ascii=ascii_only,
                          indent=rng.choice([None, 2]))


def find(list_path, paths):
    with open(list_path) as f:
        planted = [line.split() for line in f]
    texts = []
    for path in paths:
        with open(path, "rb") as f:
            texts.append(f.read())
    if not paths:
        texts.append(sys.stdin.buffer.read())
    for number, (kind, needle) in enumerate(planted):
        if any(needle.encode() in text for text in texts):
            print(number, kind)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], sys.argv[3], sys.argv[4],
             int(sys.argv[5]) if len(sys.argv) > 5 else 10000)
    else:
        find(sys.argv[2], sys.argv[3:])
