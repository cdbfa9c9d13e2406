#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tests/e2e/keys.py SHELL... - types into an interactive shell, which is run in a terminal.

Reads lines: the first are commands, up to an empty line; the others are typed as they are, tabs
included. Each prints the line of the shell's answer that begins with `got:`, without that. The
shell's prompt must be `ready> `.
"""
import os
import pty
import re
import select
import sys
import time

DEADLINE_S = 60  # a machine that is busy, not a shell that is slow


def read_until(fd, pattern):
    """What the shell prints, up to a match, which is returned."""
    end, text = time.monotonic() + DEADLINE_S, b''
    while True:
        found = re.search(pattern, text)
        if found:
            return found
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit(f'keys.py: no {pattern!r} in {text!r}')
        text += os.read(fd, 65536)


def main():
    pid, fd = pty.fork()
    if not pid:
        os.environ.update(TERM='dumb', PS1='ready> ', PROMPT='ready> ')
        os.execvp(sys.argv[1], sys.argv[1:])
    commands = True
    read_until(fd, rb'ready> ')
    for line in sys.stdin.read().splitlines():
        if commands and not line:
            commands = False
            continue
        os.write(fd, line.encode() + b'; printf "go%s\\n" t:\r' if commands
                 else line.encode() + b'\r')
        found = read_until(fd, rb'\ngot:(.*?)\r*\n(?s:.)*ready> ')
        if not commands:
            print(found.group(1).decode())
    os.close(fd)
    os.waitpid(pid, 0)


main()
