#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A slow, independent model of --drop and --round-gps.

    redact.py IN OUT [--drop PATH]... [--round-gps N]

IN is a folder with the tree of a snapshot. OUT becomes the list of that tree
with these options applied, as `git ls-tree -r` prints it. Prints the trailers
that record them.
"""

import argparse
import hashlib
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from model import quote  # noqa: E402

PLACE = re.compile("gps.*|lat|lng|lon|latitude|longitude", re.I | re.A | re.S)
NUMBER = re.compile(r"([+-]?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")


class Number(str):
    """The text of a number."""


def parse(text):
    return json.loads(text, parse_int=Number, parse_float=Number, object_pairs_hook=Members)


class Members(list):
    """An object: pairs, in their order, some of them perhaps twice."""


def canonical(value):
    if isinstance(value, Members):
        return "{%s}" % ",".join(quote(k) + ":" + canonical(v) for k, v in value)
    if isinstance(value, list):
        return "[%s]" % ",".join(map(canonical, value))
    if isinstance(value, Number):
        return str(value)
    return quote(value) if isinstance(value, str) else json.dumps(value)


def is_place(name):
    return PLACE.fullmatch(name) is not None


def rounded(text, decimals):
    """The number, or None if the text is not one."""
    match = NUMBER.fullmatch(text)
    if not match:
        return None
    sign, whole, part, exponent = match.groups()
    part = part or ""
    more = len(part) - int(exponent or 0) - decimals
    if more <= 0:
        return text
    digits = whole + part
    if more > len(digits):
        value = 0
    else:
        value = (int(digits) * 2 + 10**more) // (2 * 10**more)
    digits = str(value).rjust(decimals + 1, "0")
    cut = len(digits) - decimals
    return sign + digits[:cut] + ("." + digits[cut:] if decimals else "")


def round_all(value, decimals, inside=False):
    if isinstance(value, Members):
        return Members((k, round_all(v, decimals, inside or is_place(k))) for k, v in value)
    if isinstance(value, list):
        return [round_all(v, decimals, inside) for v in value]
    if not inside:
        return value
    if isinstance(value, Number):
        return Number(rounded(value, decimals))
    return rounded(value, decimals) if isinstance(value, str) else None


def places(value):
    """How many members are places, not counting those inside of others."""
    if isinstance(value, Members):
        return sum(1 if is_place(k) else places(v) for k, v in value)
    return sum(map(places, value)) if isinstance(value, list) else 0


def count(value, names):
    """How many members are at the path."""
    if isinstance(value, Members):
        return sum((1 if len(names) == 1 else count(v, names[1:])) if k == names[0] else 0
                   for k, v in value)
    return sum(count(v, names) for v in value) if isinstance(value, list) else 0


def drop(value, names):
    """Leaves out the member at the path."""
    if isinstance(value, Members):
        return Members((k, drop(v, names[1:]) if k == names[0] else v) for k, v in value
                       if k != names[0] or len(names) > 1)
    if isinstance(value, list):
        return [drop(v, names) for v in value]
    return value


def redact_record(kind, record, options):
    """The record as it is written; counts what the paths matched."""
    inside = ("image", "tag") if kind == "tag_image" else ()
    embedded = {k: redact_record(k, v, options) for k, v in record if k in inside}
    own = Members((k, v) for k, v in record if k not in inside)
    kept = Members(own)
    for path in options.matched:
        names = path.split(".")
        if len(names) > 1 and names[0] in ("image", "tag"):
            if names.pop(0) != kind:
                continue
        options.matched[path] += count(own, names)
        kept = drop(kept, names)
    # Embedded objects are records of their own, which no path leaves out.
    if not inside:
        return kept
    out, rest = Members(), list(kept)
    for k, v in record:
        if k in inside:
            out.append((k, embedded[k]))
        elif rest and rest[0][0] == k:
            out.append(rest.pop(0))
    return out


def redact(path, value, options):
    options.places += places(value)
    if path.startswith("audit/tags/"):
        value = Members((k, redact_record("tag", v, options) if k == "tag" else v)
                        for k, v in value)
    elif path.startswith("api/v1/tag_images/"):
        value = [redact_record("tag_image", v, options) for v in value]
    else:
        value = [redact_record("image", v, options) for v in value]
    return value if options.round_gps is None else round_all(value, options.round_gps)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--drop", action="append", default=[])
    parser.add_argument("--round-gps", type=int)
    options = parser.parse_args()
    options.matched = dict.fromkeys(sorted(options.drop, key=str.encode), 0)
    options.places = 0
    lines = []
    for folder, _, names in os.walk(options.input):
        for name in names:
            source = os.path.join(folder, name)
            path = os.path.relpath(source, options.input)
            with open(source, encoding="utf-8", newline="") as f:
                text = f.read()
            if name.endswith(".json"):
                text = canonical(redact(path, parse(text), options))
            body = text.encode()
            blob = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
            lines.append((os.fsencode(path), "100644 blob %s\t%s\n" % (blob, path)))
    with open(options.output, "w", encoding="utf-8") as f:
        f.writelines(line for _, line in sorted(lines))
    for path, matched in options.matched.items():
        print("Albumen-Drop: %s; matched %d" % (path, matched))
    if options.round_gps is not None:
        print("Albumen-Round-GPS: %d; matched %d" % (options.round_gps, options.places))


if __name__ == "__main__":
    main()
