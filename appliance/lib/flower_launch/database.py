"""A newer Flower migrates the database of the SuperLink, and an older one does not open it any more. Before that, a copy for
the earlier one is kept beside it: DATABASE.flower-VERSION."""

import contextlib
import json
import os
import re
import sqlite3
import urllib.parse

from .plan import Unusable

PAGES_AT_ONCE = 4096


def keep_copy(plan, path):
    """`path`: the agent's file with the version that last opened the database. Without it nothing is known, and nothing is
    copied. Returns a sentence for the journal when there is a new copy. Raises Unusable."""
    earlier, version = opened_by(path), plan["flower_version"]
    database = argument(plan["argv"], "--database")
    if earlier is None or database is None or parts(earlier) >= parts(version) or not os.path.isfile(database):
        return None
    copy = f"{database}.flower-{earlier}"
    try:
        # After a migration that did not end well the copy is the only one of its kind.
        if os.path.exists(copy) and revision(copy) != revision(database):
            return None
        write_copy(database, copy)
    except (OSError, sqlite3.Error) as error:
        raise Unusable(
            f"cannot keep a copy of the database {database} as {copy} before Flower {version} migrates it: {error}; "
            "check the free disk space (`df -h /var/lib/flower`); systemd then starts Flower again"
        ) from None
    return f"kept a copy of the database for Flower {earlier}: {copy}"


def opened_by(path):
    """X.Y.Z, or None."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError), open(path, "rb") as file:
        version = json.load(file)["flower"]
        return version if re.fullmatch(r"\d{1,4}\.\d{1,4}\.\d{1,4}", version) else None
    return None


def parts(version):
    return [int(part) for part in re.findall(r"\d+", version)[:3]]


def argument(argv, name):
    return argv[argv.index(name) + 1] if name in argv[:-1] else None


def opened(path, mode):
    return contextlib.closing(sqlite3.connect(f"file:{urllib.parse.quote(path)}?mode={mode}", uri=True, timeout=5.0))


def revision(path):
    """What Flower's migrations (Alembic) have made of it; None when it has no such table."""
    with contextlib.suppress(sqlite3.Error), opened(path, "ro") as database:
        return database.execute("SELECT version_num FROM alembic_version").fetchone()
    return None


def write_copy(database, copy):
    """With SQLite's backup: what a Flower that was killed has left in its log is in the copy, too."""
    unfinished = f"{copy}.unfinished"
    with contextlib.suppress(FileNotFoundError):
        os.remove(unfinished)
    try:
        with opened(database, "rw") as source, contextlib.closing(sqlite3.connect(unfinished)) as target:
            source.backup(target, pages=PAGES_AT_ONCE)
        os.replace(unfinished, copy)
    except (OSError, sqlite3.Error):
        with contextlib.suppress(OSError):
            os.remove(unfinished)
        raise
