"""The directories that Flower needs below its state directory. Made here, as Flower's user: the agent is root, and must not
follow names in a directory that others can write."""

import errno
import os
import stat

from .plan import Unusable
from .text import plain

KINDS = (
    (stat.S_ISREG, "a file"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def make_directories(paths):
    """`paths`: absolute, parents first. A link to a directory is accepted. Raises Unusable."""
    for path in paths:
        try:
            os.mkdir(path, 0o750)
        except FileExistsError:
            pass
        except OSError as error:
            raise unusable(path, error.strerror, f"check the directory above it (`ls -ld {os.path.dirname(path)}`)") from None
        if not os.path.isdir(path):
            raise unusable(path, f"{what_is_at(path)} is there", f"rename it (`mv {path} {path}.old`)")
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            raise unusable(path, "Flower's user may not write there", f"check owner and mode (`ls -ldL {path}`)")


def unusable(path, found, remedy):
    return Unusable(f"cannot make the directory {path}: {found}; {remedy}; systemd then starts Flower again")


def what_is_at(path):
    try:
        target = plain(os.readlink(path), 200)
    except OSError:
        return kind(os.lstat(path).st_mode)
    try:
        return f"a symbolic link to {target} ({kind(os.stat(path).st_mode)})"
    except OSError as error:
        wrong = "which leads back to itself" if error.errno == errno.ELOOP else f"which cannot be opened ({error.strerror})"
        return f"a symbolic link to {target}, {wrong},"


def kind(mode):
    return next((name for fits, name in KINDS if fits(mode)), "something else")
