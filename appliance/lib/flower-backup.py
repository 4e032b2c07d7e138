"""A part of a backup. `flower-context backup` and `restore` run it as Flower's user, or that of the apps, with the sandbox
of its unit. Apps can put anything into the folder, and change it at any time: nothing in it ends a backup, except an error
of Flower's own database.

save FOLDER [DATABASE]: a tar of the folder, to standard output. Databases are copied with SQLite's backup: Flower may be
running. What is left out or may be incomplete is named on standard error; then the status is 10.
unpack FOLDER: unpacks a tar from standard input beside the content of the folder.
replace FOLDER: replaces the content of the folder by what was unpacked. After an error the content is the one before.
clean FOLDER: removes what was unpacked.
"""

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.parse

INCOMPLETE = 10
MOST_NAMED = 10
# Names in the folder that are no part of its content.
TEMPORARY = ".flower-context-backup-"
NEW = TEMPORARY + "new"
OLD = TEMPORARY + "old"
# Files that SQLite keeps beside a database. The copy needs none of them.
BESIDE = ("-wal", "-shm", "-journal")
# Seconds for a database that somebody writes: Flower's, and all of apps together.
PATIENCE = 60


class Findings:
    """What is not saved as it is. Apps may do that to their files; for `important` (a name), or a folder of it, it fails."""

    def __init__(self, important):
        self.important = important or ""
        self.count = 0

    def add(self, name, reason):
        if f"{self.important}/".startswith(f"{name}/"):
            raise OSError(f"the database of Flower cannot be saved: {reason}")
        self.count += 1
        if self.count <= MOST_NAMED:
            shown = ascii(name)[1:-1]
            print(f"{shown if len(shown) <= 100 else shown[:97] + '...'}: {reason}", file=sys.stderr)

    def status(self):
        if self.count > MOST_NAMED:
            print(f"and {self.count - MOST_NAMED} more", file=sys.stderr)
        return INCOMPLETE if self.count else 0


class Exactly:
    """Reads as many bytes as are asked for, with zeros where a file has become shorter or cannot be read."""

    def __init__(self, file):
        self.file = file
        self.problem = None

    def read(self, size):
        data = b""
        with contextlib.suppress(OSError):
            data = self.file.read(size)
        if len(data) < size:
            self.problem = "it changed while it was read"
        return data + bytes(size - len(data))


def header(name, found):
    """Owners and hard links are not kept: each file is one of the user that restores it."""
    info = tarfile.TarInfo(name)
    info.mode, info.mtime = stat.S_IMODE(found.st_mode), found.st_mtime
    return info


def add_file(tar, name, path, mode):
    """Returns what was wrong. Raises OSError when it cannot be opened: then nothing was added."""
    # An app may exchange the file at any time: a FIFO must not block this.
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            return "it changed while it was read"
        info, content = header(name, found), Exactly(file)
        info.size, info.mode = found.st_size, stat.S_IMODE(mode)
        write(tar, info, content)
        return content.problem


class OutputError(Exception):
    """The tar cannot be written: the backup fails, whatever is read."""


def write(tar, info, content=None):
    try:
        tar.addfile(info, content)
    except OSError as error:
        raise OutputError(error.strerror) from error


def is_database(path):
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def copy_database(path, target, deadline):
    def check(status, _remaining, _total):
        # SQLite itself tries again without end.
        if status not in (sqlite3.SQLITE_OK, sqlite3.SQLITE_DONE) and time.monotonic() > deadline:
            raise sqlite3.OperationalError("it is locked")

    source = sqlite3.connect(f"file:{urllib.parse.quote(path)}?mode=rw", uri=True, timeout=0.1)
    with contextlib.closing(source), contextlib.closing(sqlite3.connect(target)) as copy:
        source.backup(copy, progress=check)


def paths_in(folder, findings):
    """Names, paths and status of what is in the folder, parents first."""
    waiting = [""]
    while waiting:
        parent = waiting.pop()
        try:
            names = sorted(os.listdir(os.path.join(folder, parent)))
        except FileNotFoundError:
            continue
        except OSError as error:
            if not parent:
                raise
            findings.add(parent, error.strerror)
            continue
        for name in names:
            if not parent and name.startswith(TEMPORARY):
                continue
            name = os.path.join(parent, name)
            path = os.path.join(folder, name)
            try:
                found = os.lstat(path)
            except FileNotFoundError:
                continue
            except OSError as error:
                findings.add(name, error.strerror)
                continue
            yield name, path, found
            if stat.S_ISDIR(found.st_mode):
                waiting.append(name)


def save(folder, output, database=None):
    important = None if database is None else os.path.relpath(database, folder)
    findings = Findings(important)
    deadline = time.monotonic() + PATIENCE
    with (
        tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=folder) as copies,
        tarfile.open(fileobj=output, mode="w|") as tar,
    ):
        copy = os.path.join(copies, "database")
        databases = set()

        def add(name, path, found):
            if stat.S_ISDIR(found.st_mode) or stat.S_ISLNK(found.st_mode):
                info = header(name, found)
                info.type = tarfile.DIRTYPE if stat.S_ISDIR(found.st_mode) else tarfile.SYMTYPE
                info.linkname = os.readlink(path) if info.issym() else ""
                write(tar, info)
                return None
            if not stat.S_ISREG(found.st_mode):
                return None
            if any(name.endswith(end) and name.removesuffix(end) in databases for end in BESIDE):
                return None
            if not is_database(path):
                return add_file(tar, name, path, found.st_mode)
            try:
                copy_database(path, copy, time.monotonic() + PATIENCE if name == important else deadline)
            except sqlite3.Error as error:
                return add_file(tar, name, path, found.st_mode) or f"copied as a plain file: {error}"
            databases.add(name)
            return add_file(tar, name, copy, found.st_mode)

        for name, path, found in paths_in(folder, findings):
            try:
                problem = add(name, path, found)
            except FileNotFoundError:
                # A file of a run may be deleted while this reads.
                problem = None
            except OSError as error:
                problem = error.strerror
            if problem is not None:
                findings.add(name, problem)
            with contextlib.suppress(OSError):
                os.remove(copy)
    return findings.status()


def remove(path):
    """With coreutils, which do not limit the depth. Directories may be without permissions."""
    if os.path.lexists(path):
        if not os.path.islink(path):
            subprocess.run(["chmod", "-R", "--", "u+rwX", path], stderr=subprocess.DEVNULL, check=False)
        subprocess.run(["rm", "-rf", "--", path], check=False)


def clean(folder):
    for name in os.listdir(folder):
        if name.startswith(TEMPORARY):
            remove(os.path.join(folder, name))


def unpack(folder, source):
    clean(folder)
    os.mkdir(os.path.join(folder, NEW), 0o700)
    os.chdir(os.path.join(folder, NEW))
    with tarfile.open(fileobj=source, mode="r|") as tar:
        # All of it, also a link that an app has made: nothing outside the folder can be written here. Python 3.11 of
        # Debian 12 has no filters.
        tar.extractall(".", **({"filter": "fully_trusted"} if hasattr(tarfile, "data_filter") else {}))


def move(source, target):
    """A directory without permission to write cannot be moved to another one."""
    mode = os.lstat(source).st_mode
    if not stat.S_ISDIR(mode) or mode & stat.S_IRWXU == stat.S_IRWXU:
        os.rename(source, target)
        return
    os.chmod(source, stat.S_IMODE(mode) | stat.S_IRWXU)
    os.rename(source, target)
    os.chmod(target, stat.S_IMODE(mode))


def replace(folder):
    new, old = os.path.join(folder, NEW), os.path.join(folder, OLD)
    wanted = os.listdir(new)
    os.mkdir(old, 0o700)
    moves = [(os.path.join(folder, name), os.path.join(old, name)) for name in os.listdir(folder)]
    moves = [pair for pair in moves if not os.path.basename(pair[0]).startswith(TEMPORARY)]
    moves += [(os.path.join(new, name), os.path.join(folder, name)) for name in wanted]
    done = []
    try:
        for pair in moves:
            move(*pair)
            done.append(pair)
    except OSError:
        for source, target in reversed(done):
            move(target, source)
        clean(folder)
        raise
    clean(folder)


def main(action, directory, *more):
    if action == "save":
        return save(directory, sys.stdout.buffer, *more)
    if action == "unpack":
        unpack(directory, sys.stdin.buffer)
    elif action == "replace":
        replace(directory)
    else:
        clean(directory)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except Exception as error:  # One line for the command, which names what was being done.
        sys.exit(f"{type(error).__name__}: {error}")
