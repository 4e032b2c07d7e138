"""The directories that Flower and SuperExec need below their state directory. Made here, as their user: the agent is root, and
must not follow names in a directory that others can write."""

import errno
import os
import secrets
import stat
import time

from .plan import Unusable
from .text import plain

KINDS = (
    (stat.S_ISREG, "a file"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def make_directories(paths, replaceable=()):
    """`paths`: absolute, parents first. A link to a directory is accepted. What else is at one of the paths `replaceable` gets
    another name. Yields a sentence for each of these at once: a later path may raise Unusable."""
    for path in paths:
        problem = make_directory(path)
        if problem is not None and path in replaceable and os.path.lexists(path):
            # An app cannot foresee the name, and so cannot take it.
            now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            found, aside = problem[0], f"{path}.damaged-{now}-{secrets.token_hex(4)}"
            try:
                os.rename(path, aside)
            except OSError as error:
                problem = f"{found}, and it cannot be renamed ({error.strerror})", problem[1]
            else:
                yield f"cannot use {path}: {found}; it is now {aside}"
                problem = make_directory(path)
        if problem is not None:
            found, remedy = problem
            raise Unusable(f"cannot make the directory {path}: {found}; {remedy}; systemd then starts Flower again")


def make_directory(path):
    """None, or why the directory cannot be used and what helps."""
    try:
        os.mkdir(path, 0o750)
    except FileExistsError:
        pass
    except OSError as error:
        return error.strerror, f"check the directory above it (`ls -ld {os.path.dirname(path)}`)"
    if not os.path.isdir(path):
        return f"{what_is_at(path)} is there", "rename it"
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return "the user of this unit may not write there", f"check owner and mode (`ls -ldL {path}`)"
    return None


def what_is_at(path):
    try:
        target = plain(os.readlink(path), 60)
    except OSError:
        return kind(os.lstat(path).st_mode)
    try:
        return f"a symbolic link to {target} ({kind(os.stat(path).st_mode)})"
    except OSError as error:
        wrong = "which leads back to itself" if error.errno == errno.ELOOP else f"which cannot be opened ({error.strerror})"
        return f"a symbolic link to {target}, {wrong},"


def kind(mode):
    return next((name for fits, name in KINDS if fits(mode)), "something else")
