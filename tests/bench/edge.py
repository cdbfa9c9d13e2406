# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests a second that nginx answers from a site: as the edge, and as the plain web server
of the same files."""

import contextlib
import os
import re
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from library import EXPORTER, Failed, quiet

NGINX = "/usr/sbin/nginx"
CONNECTIONS = 16
TIMES = 5
PLAIN = """
{user}
worker_processes auto;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 1024; }}
http {{
	access_log off;
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	sendfile on;
	tcp_nopush on;
	default_type application/json;
	server {{ listen 127.0.0.1:{port}; root "{site}"; }}
}}
"""


@contextlib.contextmanager
def nginx(configuration, port):
    """The URL of an nginx that runs with this text."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "nginx.conf").write_text(configuration)
        server = subprocess.Popen([NGINX, "-p", folder, "-c", "nginx.conf", "-g", "daemon off;"],
                                  stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            else:
                raise Failed("nginx does not start")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait()


def a_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def seconds(url):
    """What a request takes: a second, divided by how many wrk got answered."""
    said = quiet("wrk", "-t1", f"-c{CONNECTIONS}", "-d1s", url).decode()
    if "Non-2xx" in said or "Socket errors" in said:
        raise Failed(f"'{url[:200]}': {said}")
    return 1 / float(re.search(r"Requests/sec: *([0-9.]+)", said)[1])


def middle(paths):
    """The file of the middle size."""
    return sorted(paths, key=lambda path: (path.stat().st_size, path.name))[len(paths) // 2]


def measured(site):
    """What was asked, and what it takes plain nginx and the edge, in turns."""
    answers = site / "api/v1"
    album = middle([path for path in answers.glob("albums/*/images/untag.json")
                    if path.stat().st_size > 2])
    images = sorted(path for path in answers.glob("tag_images/*.json") if path.stat().st_size > 2)
    hundred = images[::max(1, len(images) // 100)][:100]
    joined = site / "joined.json"
    joined.write_bytes(b"[" + b",".join(path.read_bytes()[1:-1] for path in hundred) + b"]")
    image, plain_port, port = middle(images), a_port(), a_port()

    def ids(paths):
        return "/api/v1/tag_images?" + "&".join(f"image_ids[]={path.stem}" for path in paths)

    kinds = ((f"an album, untagged, {album.stat().st_size} B", album,
              f"/api/v1/albums/{album.parts[-3]}/images/untag"),
             (f"one image, {image.stat().st_size} B", image, ids([image])),
             (f"100 images, {joined.stat().st_size} B", joined, ids(hundred)))
    configuration = quiet(EXPORTER, "edge", "--site", site, "--listen", port).decode()
    user = re.search("^user .*;$", configuration, re.M)
    plain = PLAIN.format(port=plain_port, site=site, user=user[0] if user else "")
    try:
        with nginx(plain, plain_port) as theirs, nginx(configuration, port) as ours:
            for what, path, request in kinds:
                pairs = [(seconds(f"{theirs}/{path.relative_to(site)}"), seconds(ours + request))
                         for _ in range(TIMES)]
                yield what, *(statistics.median(pair[i] for pair in pairs) for i in (0, 1))
    finally:
        os.unlink(joined)
