# SPDX-License-Identifier: GPL-2.0-or-later
"""What a program wrote to the disk, from the log of strace, and what would be left of it
after a power cut: `calls` reads the log, `Disk` keeps what is not flushed yet."""

import os
import re

# The calls that are traced; those that change something can be made to fail.
OPENING = ["open", "openat", "openat2", "creat"]
WRITING = ["write", "pwrite64", "writev", "pwritev", "pwritev2", "copy_file_range", "ftruncate",
           "fallocate"]
SYNCING = ["fsync", "fdatasync", "syncfs", "sync_file_range"]
NAMING = ["rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "mkdir",
          "mkdirat"]
REMOVING = ["unlink", "unlinkat", "rmdir"]
TRACED = OPENING + WRITING + SYNCING + NAMING + REMOVING

LINE = re.compile(r"^(\d+)\s+(\w+)\((.*)\)\s+= (-?\d+|\?)(?:<(?:[^>]*)>)?(?: ([A-Z]+) .*)?(.*)$")
UNFINISHED = re.compile(r"^(\d+)\s+(.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+)\s+<\.\.\. \w+ resumed>(.*)$")
WHERE = re.compile(r'(?:(?:AT_FDCWD|-?\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')
DESCRIPTOR = re.compile(r"^(\d+)<([^>]*)>")


class Call:
    """One call: the thread, the name, the path, and the result."""

    __slots__ = ("pid", "name", "args", "path", "other", "fd", "result", "error", "ordinal")

    def __init__(self, pid, name, args, result, error, cwd):
        self.pid, self.name, self.args = pid, name, args
        self.result, self.error = result, error
        self.path = self.other = self.fd = None
        self.ordinal = 0
        if name in WRITING or name in SYNCING:
            match = DESCRIPTOR.match(args)
            if match:
                self.fd = int(match.group(1))
                self.path = match.group(2)
        else:
            paths = [os.path.normpath(os.path.join(match.group(1) or cwd, match.group(2)))
                     for match in WHERE.finditer(args)]
            if name.startswith("symlink"):
                paths = paths[1:]
            self.path = paths[0] if paths else None
            self.other = paths[1] if len(paths) > 1 else None

    def good(self):
        return self.error is None and self.result not in ("?", "-1")

    def may_change(self):
        """Whether a failure or a kill at this call is a case of its own."""
        return self.name not in OPENING or "O_CREAT" in self.args or "O_TRUNC" in self.args


def calls(log, cwd):
    """The calls of a log, in the order in which they ended; `ordinal` counts the calls
    of that name by that thread, as strace does."""
    found, open_lines, ordinals = [], {}, {}
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            line = line.rstrip("\n")
            match = UNFINISHED.match(line)
            if match:
                open_lines[match.group(1)] = match.group(2)
                continue
            match = RESUMED.match(line)
            if match:
                line = "%s %s%s" % (match.group(1), open_lines.pop(match.group(1), ""),
                                    match.group(2))
            match = LINE.match(line)
            if not match or match.group(2) not in TRACED:
                continue
            call = Call(match.group(1), match.group(2), match.group(3), match.group(4),
                        match.group(5), cwd)
            key = (call.pid, call.name)
            call.ordinal = ordinals[key] = ordinals.get(key, 0) + 1
            found.append(call)
    return found


class Disk:
    """What the programs wrote below `root` and have not flushed.

    A file whose flush failed is `lost`: the kernel reports the error once and marks the
    pages clean, so that only another write and another flush make them durable."""

    def __init__(self, root):
        self.root = root + "/"
        self.content = {}  # path: "dirty" or "lost"
        self.entries = {}  # path: "made" or "gone", while its folder is not flushed
        self.exists = set()
        self.direct = {}  # (pid, fd): opened with O_DSYNC
        for folder, folders, files in os.walk(root):
            self.exists.update(os.path.join(folder, name) for name in folders + files)

    def take(self, log):
        """Applies the calls of a program."""
        self.direct = {}
        for call in calls(log, self.root):
            if call.path and (call.path + "/").startswith(self.root):
                self.apply(call)

    def apply(self, call):
        if call.name in SYNCING:
            self.sync(call)
        elif not call.good():
            return
        elif call.name in OPENING:
            fd = int(call.result)
            self.direct[fd] = "O_DSYNC" in call.args or "O_SYNC" in call.args
            if "O_CREAT" in call.args and call.path not in self.exists:
                self.make(call.path)
            elif "O_TRUNC" in call.args:
                self.content[call.path] = "dirty"
        elif call.name in WRITING:
            if self.direct.get(call.fd):
                self.content.pop(call.path, None)
            else:
                self.content[call.path] = "dirty"
        elif call.name in REMOVING:
            self.remove(call.path)
        elif call.other is None:  # mkdir, symlink
            self.make(call.path)
        elif call.name.startswith("rename"):
            self.rename(call.path, call.other)
        else:  # link
            self.make(call.other)
            if call.path in self.content:
                self.content[call.other] = self.content[call.path]

    def make(self, path):
        self.exists.add(path)
        self.entries[path] = "made"

    def remove(self, path):
        self.exists.discard(path)
        self.content.pop(path, None)
        if self.entries.get(path) == "made":
            del self.entries[path]
        else:
            self.entries[path] = "gone"

    def rename(self, old, new):
        self.content.pop(new, None)
        for table in (self.content, self.entries):
            for path in [p for p in table if p.startswith(old + "/")]:
                table[new + path[len(old):]] = table.pop(path)
        for path in [p for p in self.exists if p.startswith(old + "/")]:
            self.exists.discard(path)
            self.exists.add(new + path[len(old):])
        state = self.content.pop(old, None)
        self.remove(old)
        if state:
            self.content[new] = state
        self.make(new)

    def sync(self, call):
        if call.name == "sync_file_range":
            return
        if not call.good() and call.error in (None, "EINTR"):
            return  # killed when it began, or nothing was tried
        if call.name == "syncfs":
            self.settle(list(self.content), call.good())
            if call.good():
                self.entries.clear()
            return
        self.settle([call.path] if call.path in self.content else [], call.good())
        if call.good():
            for path in [p for p in self.entries if os.path.dirname(p) == call.path]:
                del self.entries[path]

    def settle(self, paths, good):
        for path in paths:
            if not good:
                self.content[path] = "lost"
            elif self.content[path] == "dirty":
                del self.content[path]

    def unsafe(self):
        """{what a power cut could undo: how}, by the kind of path."""
        found = {}
        for path, state in self.content.items():
            if os.path.lexists(path) and not self.passing(path):
                found[self.kind(path)] = "written and not synced" if state == "dirty" else \
                    "not written again after its sync failed"
        for path, state in self.entries.items():
            if state == "gone" and not os.path.lexists(os.path.dirname(path)):
                continue  # with its folder, which counts by itself
            if (state == "made") == os.path.lexists(path) and not self.passing(path):
                found.setdefault(self.kind(path) + " (its name)",
                                 "%s and not synced" % state)
        return found

    def passing(self, path):
        """A temporary folder, which no program needs after a power cut."""
        return "/.albumen-bundle." in path

    def kind(self, path):
        return kind(path[len(self.root):])


def kind(path):
    """A path without its random parts."""
    path = re.sub(r"[0-9a-f]{40}", "H", path)
    path = re.sub(r"^(objects|repo/objects)/[0-9a-f]{2}(/[0-9a-f]{38})?$", r"\1/xx", path)
    path = re.sub(r"(albumen|git2)_[0-9A-Za-z]+$", r"\1_R", path)
    path = re.sub(r"(^|/)api/.*", r"\1api/*", path)
    path = re.sub(r"(^|/)audit/.*", r"\1audit/*", path)
    return re.sub(r"\d+", "N", path)
