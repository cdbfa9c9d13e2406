#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Stands between a program and an S3 server, counts requests, and makes faults.

	proxy.py URL	(of the server)

prints its own URL and runs until it is ended. It passes whole requests and answers on, several at
a time, and `Host` as it came, so signatures hold. It obeys requests below /-/ :

	PUT /-/rules	the body has the faults from now on; begins a new log
	GET /-/log	one line a request, in the order of arrival: method, the server's status (- if
			it was not asked), key (and ?query), then the condition and the fault, if any
	GET /-/idle	answers when no request is under way
	GET /-/most	the greatest number of requests that were under way at once

A rule is a line: METHOD KEY WHICH FAULT. METHOD may be *, KEY is a pattern as the shell's ([?]* fits
listings),
WHICH is N, N+, N-M, %N (each Nth) or *, counted among the requests that METHOD and KEY fit, from 1.
The first rule that fits makes the fault:

	drop [COMMAND]		closes the connection; the server never sees the request
	drop-after [COMMAND]	the server does; the answer is lost
	status NNN [CODE]	answers so, with CODE in an <Error>; the server never sees the request
	status-after NNN [CODE]	the server does
	hang, hang-after	the same, but nothing is answered until the client closes
	truncate		half of the answer's body, then closes
	trickle			the answer a byte at a time
	answer FILE		answers 200 with what FILE holds, whatever it is, and @N@ in it by how many have
			been answered so
	endless NNN		answers NNN with a body that does not end
	before COMMAND		passes on, after COMMAND
	after COMMAND		answers after COMMAND

COMMAND is run by bash when the request is there (drop, before), or when the server has answered
(drop-after, after), and waited for.
"""

import asyncio
import email.utils
import fnmatch
import sys
import urllib.parse

LIMIT = 1 << 30


class Closed(Exception):
    pass


def error(status, code=""):
    names = {403: "AccessDenied", 429: "TooManyRequests", 500: "InternalError", 503: "SlowDown"}
    body = (f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code or names.get(status, "Fault")}'
            "</Code></Error>").encode()
    return status, "", [("Content-Type", "application/xml"),
                        ("Date", email.utils.formatdate(usegmt=True))], body


class Rule:
    def __init__(self, line):
        self.method, self.key, self.which, self.fault, *rest = line.split(None, 4)
        self.rest = rest[0] if rest else ""
        self.seen = 0

    def fits(self, method, key):
        """Counts the request; true if it is one of those that WHICH says."""
        if self.method not in ("*", method) or not fnmatch.fnmatchcase(key, self.key):
            return False
        self.seen += 1
        if self.which == "*":
            return True
        if self.which[0] == "%":
            return self.seen % int(self.which[1:]) == 0
        if self.which[-1] == "+":
            return self.seen >= int(self.which[:-1])
        first, _, last = self.which.partition("-")
        return int(first) <= self.seen <= int(last or first)


async def head_of(reader):
    """The first line and the headers of a message."""
    raw = await reader.readuntil(b"\r\n\r\n")
    first, *lines = raw.decode("latin-1").split("\r\n")[:-2]
    return first, [tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), "")
                   for line in lines]


def of(headers, name):
    return next((v for k, v in headers if k.lower() == name), None)


async def body_of(reader, headers, empty, until_end):
    if empty:
        return b""
    if (of(headers, "transfer-encoding") or "").lower() == "chunked":
        body = b""
        while True:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
            body += await reader.readexactly(size)
            await reader.readexactly(2)
            if not size:
                return body
    if of(headers, "content-length") is not None:
        return await reader.readexactly(int(of(headers, "content-length")))
    return await reader.read() if until_end else b""


class Proxy:
    def __init__(self, server):
        self.server = urllib.parse.urlsplit(server)
        self.rules, self.log = [], []
        self.busy = self.most = 0
        self.changed = asyncio.Condition()

    async def obey(self, path, body):
        if path == "/-/rules":
            self.rules = [Rule(line) for line in body.decode().splitlines() if line.strip()]
            self.log, self.most = [], 0
            return b""
        if path == "/-/log":
            return "".join(" ".join(filter(None, entry)) + "\n" for entry in self.log).encode()
        if path == "/-/idle":
            async with self.changed:
                await self.changed.wait_for(lambda: not self.busy)
            return b""
        if path == "/-/most":
            return f"{self.most}\n".encode()
        raise ValueError(path)

    async def serve(self, reader, writer):
        upstream = [None]
        try:
            while True:
                line, headers = await head_of(reader)
                method, path, _ = line.split(" ", 2)
                if of(headers, "expect"):
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    headers = [h for h in headers if h[0].lower() != "expect"]
                body = await body_of(reader, headers, False, False)
                if path.startswith("/-/"):
                    answer = 200, "OK", [], await self.obey(path, body)
                    await self.answer(writer, method, answer)
                    continue
                self.busy += 1
                self.most = max(self.most, self.busy)
                try:
                    await self.one(reader, writer, upstream, method, path, headers, body)
                finally:
                    async with self.changed:
                        self.busy -= 1
                        self.changed.notify_all()
        except (Closed, OSError, EOFError, asyncio.IncompleteReadError):
            pass
        finally:
            for w in (writer, upstream[0] and upstream[0][1]):
                if w:
                    w.close()

    async def one(self, reader, writer, upstream, method, path, headers, body):
        bare, _, query = path.partition("?")
        key = urllib.parse.unquote(bare).partition("/")[2].partition("/")[2]
        name = key + (f"?{query}" if query else "")
        rules = [r for r in self.rules if r.fits(method, name)]
        fault, rest = (rules[0].fault, rules[0].rest) if rules else ("", "")
        if of(headers, "if-match") is not None:
            condition = "if-match"
        else:
            condition = "if-none-match" if of(headers, "if-none-match") is not None else ""
        entry = [method, "-", name, condition, fault]
        self.log.append(entry)
        if fault in ("drop", "before") and rest:
            await self.command(rest)
        if fault == "drop":
            raise Closed
        if fault == "hang":
            await reader.read()
            raise Closed
        if fault == "status":
            status, _, code = rest.partition(" ")
            return await self.answer(writer, method, error(int(status), code))
        if fault == "answer":
            with open(rest, "rb") as file:
                body = file.read().replace(b"@N@", b"%d" % rules[0].seen)
            return await self.answer(writer, method, (200, "OK", [], body))
        if fault == "endless":
            writer.write(f"HTTP/1.1 {rest} Fault\r\nContent-Length: {1 << 50}\r\n\r\n".encode())
            while not reader.at_eof():
                writer.write(bytes(1 << 16))
                await writer.drain()
            raise Closed
        answer = await self.forward(upstream, method, path, headers, body)
        entry[1] = str(answer[0])
        if fault in ("drop-after", "after") and rest:
            await self.command(rest)
        if fault == "drop-after":
            raise Closed
        if fault == "hang-after":
            await reader.read()
            raise Closed
        if fault == "status-after":
            status, _, code = rest.partition(" ")
            answer = error(int(status), code)
        await self.answer(writer, method, answer, fault)

    async def command(self, text):
        process = await asyncio.create_subprocess_exec("bash", "-c", text,
                                                       stdin=asyncio.subprocess.DEVNULL)
        await process.wait()

    async def forward(self, upstream, method, path, headers, body):
        for attempt in range(2):
            fresh = upstream[0] is None
            if fresh:
                upstream[0] = await asyncio.open_connection(
                    self.server.hostname, self.server.port, limit=LIMIT)
            reader, writer = upstream[0]
            try:
                head = "".join(f"{k}: {v}\r\n" for k, v in headers)
                writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)
                await writer.drain()
                line, got = await head_of(reader)
                break
            except (OSError, EOFError, asyncio.IncompleteReadError):
                writer.close()
                upstream[0] = None
                if fresh:
                    raise
        _, status, *reason = line.split(" ", 2)
        status = int(status)
        content = await body_of(reader, got, method == "HEAD" or status in (204, 304), True)
        if (of(got, "connection") or "").lower() == "close":
            writer.close()
            upstream[0] = None
        return status, reason[0] if reason else "", got, content

    async def answer(self, writer, method, answer, fault=""):
        status, reason, headers, body = answer
        drop = ("transfer-encoding", "connection") + (() if method == "HEAD" else ("content-length",))
        head = "".join(f"{k}: {v}\r\n" for k, v in headers if k.lower() not in drop)
        if method != "HEAD" and status not in (204, 304):
            head += f"Content-Length: {len(body)}\r\n"
        if method == "HEAD":
            body = b""
        raw = f"HTTP/1.1 {status} {reason or 'Fault'}\r\n{head}\r\n".encode("latin-1")
        if fault == "truncate":
            writer.write(raw + body[:len(body) // 2] if body else raw[:len(raw) // 2])
            await writer.drain()
            raise Closed
        if fault == "trickle":
            for byte in raw + body:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.001)
            return
        writer.write(raw + body)
        await writer.drain()


async def main(server):
    proxy = Proxy(server)
    listening = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=LIMIT, backlog=512)
    print("http://127.0.0.1:%d" % listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1]))
