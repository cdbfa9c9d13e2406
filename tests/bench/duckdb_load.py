# SPDX-License-Identifier: GPL-2.0-or-later
"""A library in DuckDB, for the row `small` of tests/bench/run: three tables with four
indexes. DuckDB is its program, its module for Python, or that for Node (@duckdb/node-api,
found by way of NODE_PATH); whichever is there."""

import importlib.util
import shutil
import subprocess
import sys

PYTHON = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(sys.argv[2])"
NODE = """
const {DuckDBInstance} = require('@duckdb/node-api');
(async () => {
  const db = await (await DuckDBInstance.create(process.argv[1])).connect();
  for (const sql of process.argv[2].split(';')) { await db.run(sql); }
  process.exit(0);
})();
"""


def sql(data):
    load = "create table {0} as select * from read_ndjson('{1}/{0}.ndjson')"
    return ";".join([*(load.format(table, data) for table in ("images", "tag_images", "tags")),
                     "create unique index i1 on images(public_id)",
                     "create index i2 on images(album_id)",
                     "create index i3 on tag_images(image_id)",
                     "create index i4 on tag_images(tag_id)"])


def command():
    """The beginning of a command line: a database and SQL follow. None: there is no DuckDB."""
    if shutil.which("duckdb"):
        return ["duckdb"]
    if importlib.util.find_spec("duckdb"):
        return [sys.executable, "-c", PYTHON]
    if shutil.which("node") and subprocess.run(
            ["node", "-e", "require('@duckdb/node-api')"], capture_output=True,
            check=False).returncode == 0:
        return ["node", "-e", NODE]
    return None
