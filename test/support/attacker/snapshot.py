"""Prints owner, mode and content of every file of the system, as JSON: {path: [kind, user, group, mode, content]}.

usage: snapshot.py SKIPPED...: directories that are left out, with what is below them. They are listed with owner and mode.
"""

import hashlib
import json
import os
import stat
import sys

# Not files of this system.
KERNEL = {"/proc", "/sys", "/dev/pts", "/dev/mqueue", "/run/host", "/context"}
LARGEST = 4 * 2**20


def content(path, status):
    """Something that differs when the content does."""
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(path)
    if not stat.S_ISREG(status.st_mode):
        return ""
    # The environments of Flower and the system's programs: a change of the content changes both times.
    if path.startswith(("/usr/", "/opt/flower/envs/")) or status.st_size > LARGEST:
        return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def walk(path, skipped, found):
    """Adds the path and all below it."""
    try:
        status = os.lstat(path)
        mode = stat.S_IMODE(status.st_mode)
        found[path] = [stat.filemode(status.st_mode)[0], status.st_uid, status.st_gid, f"{mode:04o}", content(path, status)]
        if stat.S_ISDIR(status.st_mode) and path not in skipped:
            for name in os.listdir(path):
                walk(os.path.join(path, name), skipped, found)
    except FileNotFoundError:
        found.pop(path, None)


found = {}
walk("/", KERNEL | set(sys.argv[1:]), found)
json.dump(found, sys.stdout)
