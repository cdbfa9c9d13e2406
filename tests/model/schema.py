#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares what was printed with the schemas of data/schema, both ways.

    schema.py data/schema FOLDER

A file FOLDER/NAME or FOLDER/NAME.ANYTHING holds what NAME.schema.json describes: one object, or
lines. Each must be as its schema says, and have no member that the schema does not name. The
other way round, every member and every word of an enum must occur in some output, a member with
a value that is not null: a schema describes nothing that is never printed. Prints what is wrong.
"""

import json
import os
import sys

import jsonschema

SUFFIX = ".schema.json"
LINES = {"exporter-diff", "exporter-log", "exporter-publish", "exporter-verify", "log"}
UNVERSIONED = {"log", "receipt"}
# Of a member that differs, a side may lack it.
OPTIONAL = {"version", "before", "after"}


class Schema:
    """One file. `all` has those of the folder, by name."""

    def __init__(self, folder, name, all_schemas):
        self.name, self.all = name, all_schemas
        path = os.path.join(folder, name + SUFFIX)
        with open(path, encoding="utf-8") as file:
            self.root = json.load(file)
        kind = jsonschema.Draft202012Validator
        kind.check_schema(self.root)
        resolver = jsonschema.RefResolver("file://" + path, self.root)
        self.validator = kind(
            self.root, resolver=resolver, format_checker=jsonschema.FormatChecker()
        )
        self.unseen, self.faults = set(), []
        self.expect(self.root, name)

    def expect(self, schema, at):
        """Notes what must be seen."""
        if isinstance(schema, dict):
            members = schema.get("properties", {})
            self.unseen |= {(id(schema), word, at) for word in [*members, *schema.get("enum", [])]}
            missing = set(members) - set(schema.get("required", [])) - OPTIONAL
            if missing:
                self.faults.append("%s does not require %s" % (at, ", ".join(sorted(missing))))
        for key, item in enumerate(schema) if isinstance(schema, list) else schema.items():
            if isinstance(item, (dict, list)):
                self.expect(item, "%s/%s" % (at, key))

    def find(self, ref):
        file, _, pointer = ref.partition("#")
        owner = self.all[file[: -len(SUFFIX)]] if file else self
        schema = owner.root
        for step in pointer.split("/")[1:]:
            schema = schema[step]
        return owner, schema

    def see(self, schema, word):
        self.unseen = {one for one in self.unseen if one[:2] != (id(schema), word)}

    def cover(self, schema, value):
        """Notes what a valid value shows; returns the members that the schema knows."""
        known = set()
        if "$ref" in schema:
            owner, target = self.find(schema["$ref"])
            known |= owner.cover(target, value)
        # Several may hold, as further members are allowed: the one that says most is meant.
        held = [one for one in schema.get("anyOf", []) if self.holds(one, value)]
        if held:
            known |= self.cover(max(held, key=lambda one: len(one.get("properties", []))), value)
        if "enum" in schema:
            self.see(schema, value)
        for key, item in schema.get("properties", {}).items():
            known.add(key)
            if key in value:
                self.look(item, value[key])
                if value[key] is not None:
                    self.see(schema, key)
        for item in value if "items" in schema and value else []:
            self.look(schema["items"], item)
        return known

    def look(self, schema, value):
        known = self.cover(schema, value)
        if known and isinstance(value, dict) and set(value) - known:
            raise jsonschema.ValidationError("unknown: " + ", ".join(set(value) - known))

    def holds(self, schema, value):
        return self.validator.evolve(schema=schema).is_valid(value)

    def check(self, text):
        rows = text.splitlines() if self.name in LINES else [text]
        for n, row in enumerate(rows):
            value = json.loads(row)
            self.validator.validate(value)
            self.look(self.root, value)
            versioned = n == 0 and self.name not in UNVERSIONED
            if (next(iter(value)) == "version") != versioned or "version" in list(value)[1:]:
                raise jsonschema.ValidationError("version is missing, or not in its place")


def main():
    folder, outputs = sys.argv[1:]
    folder = os.path.abspath(folder)
    schemas = {}
    for file in sorted(os.listdir(folder)):
        if file.endswith(SUFFIX):
            name = file[: -len(SUFFIX)]
            schemas[name] = Schema(folder, name, schemas)
        else:
            print(file, "is no schema")
    for file in sorted(os.listdir(outputs)):
        name = file.partition(".")[0]
        with open(os.path.join(outputs, file), encoding="utf-8") as text:
            try:
                schemas[name].check(text.read())
            except (KeyError, ValueError, jsonschema.ValidationError) as error:
                where = "/".join(map(str, getattr(error, "absolute_path", [])))
                print("%s: %s: %s" % (file, where, getattr(error, "message", repr(error))))
    for schema in schemas.values():
        for fault in schema.faults:
            print(fault)
        for _, word, at in sorted(schema.unseen, key=lambda one: one[2]):
            print("%s: '%s' was never printed" % (at, word))


main()
