# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads JSON as it is written: order, repeated members and the text of numbers stay."""

import json


class Number(str):
    """A number as it is written."""


def parse(text):
    """Parses JSON, and keeps order, repeated members and the text of numbers."""
    return json.loads(
        text,
        object_pairs_hook=lambda pairs: ("object", tuple(pairs)),
        parse_int=Number,
        parse_float=Number,
    )


def pairs(value):
    return value[1]


def string(value):
    return value if isinstance(value, str) and not isinstance(value, Number) else None


def first(members, name):
    """The first member of this name, if it is a string."""
    return next((string(value) for key, value in members if key == name), None)
