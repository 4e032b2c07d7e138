"""Flower's part of a backup. `flower-context backup` and `restore` run it as Flower's user with the sandbox of its unit.

save FOLDER: a tar of the folder, to standard output. Databases are copied with SQLite's backup: Flower may be running.
load FOLDER: replaces the content of the folder by a tar from standard input.
"""

import contextlib
import os
import shutil
import sqlite3
import stat
import sys
import tarfile
import tempfile
import urllib.parse

# Files that SQLite keeps beside a database. The copy needs none of them.
BESIDE = ("-wal", "-shm", "-journal")
TEMPORARY = ".backup-"


def is_database(path):
    # An app may exchange the file at any time: a FIFO must not block this.
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def copy_database(path, target):
    source = sqlite3.connect(f"file:{urllib.parse.quote(path)}?mode=rw", uri=True, timeout=60)
    with contextlib.closing(source), contextlib.closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def paths_in(folder):
    """Folders, files and links, parents first; no leftovers of a backup that was ended."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(TEMPORARY))
        yield from (os.path.join(parent, name) for name in (*folders, *sorted(files)))


def save(folder, output):
    with (
        tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=folder) as copies,
        tarfile.open(fileobj=output, mode="w|") as tar,
    ):
        databases = set()
        for path in paths_in(folder):
            # A file of a run may be deleted while this reads.
            with contextlib.suppress(FileNotFoundError):
                name, mode = os.path.relpath(path, folder), os.lstat(path).st_mode
                if stat.S_ISREG(mode) and is_database(path):
                    copy = os.path.join(copies, "database")
                    copy_database(path, copy)
                    tar.add(copy, arcname=name)
                    os.remove(copy)
                    databases.add(path)
                elif not stat.S_ISREG(mode):
                    if stat.S_ISDIR(mode) or stat.S_ISLNK(mode):
                        tar.add(path, arcname=name, recursive=False)
                elif not any(path.endswith(end) and path.removesuffix(end) in databases for end in BESIDE):
                    tar.add(path, arcname=name, recursive=False)


def load(folder, source):
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.remove(entry.path)
    with tarfile.open(fileobj=source, mode="r|") as tar:
        # All of it, also a link that an app has made: nothing outside the folder can be written here. Python 3.11 of
        # Debian 12 has no filters.
        tar.extractall(folder, **({"filter": "fully_trusted"} if hasattr(tarfile, "data_filter") else {}))


if __name__ == "__main__":
    action, directory = sys.argv[1:]
    if action == "save":
        save(directory, sys.stdout.buffer)
    else:
        load(directory, sys.stdin.buffer)
