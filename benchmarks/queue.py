"""The queue with many open questions: server time of a page in each order, with each filter.

`python -m benchmarks.queue --rows 1000 100000 1000000`: each size on PostgreSQL, those up to
100,000 on SQLite too. A figure is the whole answer through Django's test client (log-in,
permissions, queries, template), for a reviewer who sees twelve of fourteen workflows: the
least and the middle of the rounds, the least time in SQL, the least processor time of Python.
`--explain` prints the plan of each page, `--only TEXT` leaves out views of other names. Uses
the server of TEST_POSTGRES_URL, or starts one of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.support.postgres import (
    NoPostgresError,
    create_database,
    drop_database,
    given_url,
    running,
)

SQLITE_AT_MOST = 100_000


def arguments() -> tuple[argparse.Namespace, list[str]]:
    """Which sizes and databases; the rest is for the process that measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--databases", nargs="+", default=["postgresql", "sqlite"])
    return parser.parse_known_args()


@contextmanager
def database(kind: str, server: str) -> Iterator[str]:
    """The URL of an empty database."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/queue.sqlite3"
        return
    url = create_database(server, prefix="bench")
    try:
        yield url
    finally:
        drop_database(url)


def main() -> None:
    """One process for each database and size, so that none warms up for another."""
    given, more = arguments()
    with ExitStack() as stack:
        server = given_url() or ""
        if "postgresql" in given.databases and not server:
            try:
                server = stack.enter_context(running(durable=True))
            except NoPostgresError as error:
                print(f"without PostgreSQL: {error}")
                given.databases.remove("postgresql")
        for kind in given.databases:
            for rows in given.rows:
                if kind == "sqlite" and rows > SQLITE_AT_MOST:
                    continue
                words = [sys.executable, "-m", "benchmarks._queue_pages", str(rows)]
                with database(kind, server) as url:
                    subprocess.run(
                        [*words, *more],
                        env=os.environ | {"DATABASE_URL": url},
                        check=True,
                    )


if __name__ == "__main__":
    main()
