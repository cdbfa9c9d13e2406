# SPDX-License-Identifier: GPL-2.0-or-later
"""What log and diff say to people: what images and tags are called, in the reader's language."""

import json

from model import quote
from written import first, pairs, parse

LOCALES = {"C": "en", "en_GB.UTF-8": "en", "fr_FR.UTF-8": "fr", "de@euro": "de", "pt": "pt"}


def called_image(text):
    """What an image is called; "": nothing."""
    members = pairs(parse(text))
    infos = next((value for key, value in members if key == "infos"), None)
    original = first(infos[1], "original_filename") if isinstance(infos, tuple) else None
    return first(members, "title") or first(members, "filename") or original or ""


def said_in(label, language):
    """What a label that is JSON says; None: it is no such label."""

    def refuse(_):
        raise ValueError

    try:
        read = json.loads(
            label, object_pairs_hook=lambda found: ("object", found), parse_constant=refuse
        )
    except ValueError:
        return None
    if not isinstance(read, tuple):
        return None
    said = [(key, value) for key, value in read[1] if isinstance(value, str) and value]
    for wanted in (language, "en"):
        for key, value in said:
            if key.replace("_", "-").split("-")[0].lower() == wanted:
                return value
    return said[0][1] if said else ""


def called_tag(text, language):
    members = pairs(parse(text))
    label = first(members, "label") or ""
    said = said_in(label, language)
    return (label if said is None else said) or first(members, "name") or ""


HIDDEN = {0xAD, 0x61C, 0x180E, 0xFEFF, 0x200B, 0x200E, 0x200F} | {
    char
    for begin, end in ((0, 0x1F), (0x7F, 0x9F), (0x2028, 0x202E), (0x2060, 0x206F))
    for char in range(begin, end + 1)
}


def in_quotes(text):
    kept = text.encode()[:80].decode(errors="ignore")
    out = []
    for char in kept:
        if ord(char) in HIDDEN:
            out.append("".join("\\x%02x" % byte for byte in char.encode()))
        else:
            out.append("\\" + char if char in '"\\' else char)
    return '"%s"%s' % ("".join(out), "" if kept == text else "...")


def words(text):
    return " " + in_quotes(text) if text else ""


def named(ident):
    """An id, or a name, in a line."""
    if ident and not any(char in ' "\\' or ord(char) in HIDDEN for char in ident):
        return ident
    hidden = {char: "\\u%04x" % char for char in HIDDEN}
    return quote(ident).translate(hidden)


def made_by(text):
    members = pairs(parse(text))
    user, created_at = first(members, "user"), first(members, "created_at")
    made = [", made"] if user or created_at else []
    made += ["by " + named(user)] if user else []
    made += ["at " + created_at] if created_at else []
    return " ".join(made)


def line_of(found, a, b, language):
    """The line of an event, up to what it says about members; and whether it does."""
    event = dict(pairs(found))
    change = event["change"]
    changed = "members" in event
    if "tag_image" in event:
        key = (event["image"].encode(), event["tag_image"].encode())
        state = b if key in b.live else a
        item = state.live[key]
        image = named(event["image"]) + words(called_image(state.images[item.image].text))
        tag = named(event["tag"]) + words(called_tag(state.tags[item.tag].text, language))
        made = named(event["tag_image"]) + made_by(item.text)
        if changed:
            tag_image = named(event["tag_image"])
            line = "image %s tag image %s of tag %s" % (image, tag_image, tag)
            return line + made_by(item.text) + ":", True
        verb = "tagged with" if change == "tagged" else "no longer tagged with"
        return "image %s %s %s by tag image %s" % (image, verb, tag, made), False
    if "image" in event:
        ident = event["image"].encode()
        text = (b if ident in b.images else a).images[ident].text
        image = "image " + named(event["image"]) + words(called_image(text))
        verb = {"image_appeared": "appeared in", "image_disappeared": "disappeared from"}
        line = "%s %s album %s" % (image, verb.get(change, "in"), named(event["album"]))
    else:
        ident = event["tag"].encode()
        text = (b if ident in b.tags else a).tags[ident].text
        line = "tag " + named(event["tag"]) + words(called_tag(text, language))
        line += " " + change.split("_")[1]
    return line + (":" if changed else ""), changed
