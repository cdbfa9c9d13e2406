# SPDX-License-Identifier: GPL-2.0-or-later
"""Random metadata for the histories: few ids and many collisions, so that
claims compete, tags change under their images and images move between albums."""

BACKSLASH_FORMS = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
ODD_IDS = ["a/b", "..", ".hid", "a%2Fb", "x y", "con", "\u00e9t\u00e9", "A", "a", "Z" * 200]
NUMBERS = ["0", "0.0", "-0", "48.861934399999996", "1e400", "1E+2", "3" * 30, "2.50"]
STRINGS = ["", "plain", "caf\u00e9 & <b>", 'quo"te\\', "line\nbreak\t", "\u2028", "\U0001f600"]
# What tags are called: JSON with languages, and what only looks so.
LABELS = [
    '{"en":"Crane","fr":"Grue"}',
    '{"fr":"Quai","en":""}',
    ' {"de":"Br\u00fccke \\u0026 \\"Kran\\"","pt-BR":"Ponte"} ',
    '{"n":7,"x":[],"fr-CA":"Pont"}',
    '{"en":null}',
    '{"en":"A"} B',
    '["en"]',
]
# Few instants, so that many stamps are equal, written with many offsets.
INSTANTS = [("2019-04-08", hour) for hour in (9, 10, 11, 12)]
OFFSETS = [("Z", 0), ("+00:00", 0), ("+02:00", 2), ("-05:00", -5), ("z", 0), ("+09:00", 9)]
FRACTIONS = ["", ".0", ".5", ".500", ".500000001", ".499999999"]


class Number(str):
    """The text of a number."""


class Library:
    """Makes records and files from one random generator."""

    def __init__(self, rng):
        self.rng = rng
        self.images = ["img-%02d" % i for i in range(40)] + ODD_IDS[:5]
        self.albums = ["album-%d" % i for i in range(6)] + ODD_IDS
        self.tags = ["tag-%d" % i for i in range(8)] + ODD_IDS[:2]
        self.tag_images = ["ti-%02d" % i for i in range(60)] + ODD_IDS[:3]

    # Each record is a list of members: (name, value).

    def stamp(self):
        day, hour = self.rng.choice(INSTANTS)
        offset, hours = self.rng.choice(OFFSETS)
        fraction = self.rng.choice(FRACTIONS)
        return "%sT%02d:00:00%s%s" % (day, hour + hours, fraction, offset)

    def stamps(self):
        members = []
        for name in ("created_at", "updated_at"):
            draw = self.rng.random()
            if draw < 0.8:
                members.append((name, self.stamp()))
            elif draw < 0.9:
                members.append((name, None))
        return members

    def extras(self):
        choose = self.rng.choice
        extras = [
            (
                "infos",
                [
                    ("tags", [choose(self.tags)]),
                    ("bytes", Number(choose(NUMBERS))),
                    ("original_filename", choose(STRINGS)),
                ],
            ),
            ("filename", choose(STRINGS + [None])),
            ("gps", [Number(choose(NUMBERS)), Number(choose(NUMBERS))]),
            ("title", choose(STRINGS)),
            ("crop_x", Number(choose(NUMBERS))),
            ("processed", choose([True, False, None])),
        ]
        return self.rng.sample(extras, self.rng.randrange(len(extras)))

    def image(self, ident=None):
        ident = ident or self.rng.choice(self.images)
        members = [("album_id", self.rng.choice(self.albums)), ("public_id", ident)]
        draw = self.rng.random()
        if draw < 0.5:
            members.append(("id", ident))
        elif draw < 0.6:
            members.append(("id", Number("7")))
        return self.shuffled(members + self.stamps() + self.extras())

    def tag(self, ident=None):
        ident = ident or self.rng.choice(self.tags)
        label = self.rng.choice(STRINGS + LABELS)
        members = [("id", ident), ("name", "name of " + ident), ("label", label)]
        return self.shuffled(members + self.stamps() + self.extras())

    def tag_image(self):
        members = [("id", self.rng.choice(self.tag_images))] + self.stamps()
        if self.rng.random() < 0.4:
            members += [("image", self.image()), ("tag", self.tag())]
        else:
            members.append(("image_id", self.rng.choice(self.images + ["unknown"])))
            members.append(("tag_id", self.rng.choice(self.tags + ["unknown"])))
        user = self.rng.choice(["u", "ann b", Number("7")] + STRINGS[1:])
        return self.shuffled(members + self.rng.sample([("user", user), ("x", None)], 1))

    def bad_record(self):
        """The text of a record that must be rejected, alone."""
        image = self.rng.choice(self.images)
        both = '{"id":"t","image_id":"%s","tag_id":"tag-1","image":null}' % image
        return self.rng.choice(
            [
                "{}",
                "7",
                '"text"',
                "[]",
                '{"public_id":"%s"}' % image,
                '{"public_id":"%s","album_id":"","id":"x"}' % image,
                '{"public_id":"%s","album_id":"a","created_at":"yesterday"}' % image,
                '{"public_id":"%s","album_id":"a","created_at":5}' % image,
                '{"public_id":"%s","album_id":"a","album_id":"b"}' % image,
                '{"public_id":"%s","album_id":"a","x":"\\ud800"}' % image,
                '{"public_id":"\\u0000","album_id":"a"}',
                '{"public_id":"%s","album_id":"a"}' % ("z" * 201),
                '{"public_id":"%s","album_id":"a","x":%s}' % (image, "[" * 512 + "]" * 512),
                '{"id":"t","image":{"public_id":"p","album_id":""},"tag":{"id":"tag-1",'
                '"name":"n","label":"l"}}',
                '{"id":"t","image":{"public_id":"p","album_id":"a"},"tag":{"id":"tag-1"}}',
                both,
            ]
        )

    def shuffled(self, members):
        self.rng.shuffle(members)
        return members

    # Texts.

    def space(self):
        return self.rng.choice(["", "", "", " ", "\t", "  "])

    def string(self, text):
        out = []
        for char in text:
            draw = self.rng.random()
            if char in BACKSLASH_FORMS:
                out.append(BACKSLASH_FORMS[char] if draw < 0.7 else "\\u%04X" % ord(char))
            elif char == "/" and draw < 0.5:
                out.append("\\/")
            elif draw < 0.03 and ord(char) < 0x10000:
                out.append("\\u%04x" % ord(char))
            else:
                out.append(char)
        return '"' + "".join(out) + '"'

    def text(self, value):
        if isinstance(value, Number):
            return str(value)
        if isinstance(value, str):
            return self.string(value)
        if value is None or isinstance(value, bool):
            return {None: "null", True: "true", False: "false"}[value]
        opening, closing = "[", "]"
        parts = []
        for item in value:
            if isinstance(item, tuple):
                opening, closing = "{", "}"
                parts.append(self.string(item[0]) + self.space() + ":" + self.text(item[1]))
            else:
                parts.append(self.text(item))
        joined = ",".join(self.space() + part + self.space() for part in parts)
        return opening + joined + closing

    def record(self):
        draw = self.rng.random()
        if draw < 0.4:
            return self.text(self.image())
        if draw < 0.6:
            return self.text(self.tag())
        return self.text(self.tag_image())

    def file(self, path, bad=0):
        """The bytes of a file, with `bad` records that are rejected alone."""
        texts = [self.record() for _ in range(self.rng.choice([0, 1, 1, 2, 3, 5, 8]))]
        texts += [self.bad_record() for _ in range(bad)]
        self.rng.shuffle(texts)
        if path.endswith(".json"):
            if len(texts) == 1 and texts[0].startswith("{"):
                return (self.space() + texts[0] + "\n").encode()
            separator = self.rng.choice([",", ",\n", " ,\t"])
            return ("[" + separator.join(texts) + "]" + self.space()).encode()
        lines = []
        for text in texts:
            lines.append(text)
            lines += [self.space()] * (self.rng.random() < 0.1)
        end = self.rng.choice(["\n", "\r\n"])
        return (end.join(lines) + self.rng.choice(["", end])).encode()
