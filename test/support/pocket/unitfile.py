"""Reads real unit files (systemd/*.service) as far as a pocket service manager needs them.

Sandboxing, ordering and everything else that has no meaning for a VM that is only a folder is passed over.
"""

import os
import re
import shlex
import signal

SEARCH = ("etc/systemd/system", "usr/lib/systemd/system")
UNITS_OF_TIME = {"": 1, "s": 1, "sec": 1, "ms": 0.001, "min": 60, "m": 60, "h": 3600, "us": 1e-6}


def find(root, name):
    """Path of a unit's file under the VM's root, or None. /etc wins, as in systemd.unit(5)."""
    for folder in SEARCH:
        path = os.path.join(root, folder, name)
        if os.path.exists(path):
            return path
    return None


def read(root, name):
    """All settings of a unit with its drop-ins: {'Service.Restart': ['always'], ...}; None when there is no such unit.

    A setting may be given several times; an empty one forgets those before it (systemd.syntax(7)).
    """
    path = find(root, name)
    if path is None:
        return None
    settings = {}
    for file in [path, *_drop_ins(root, name)]:
        _collect(file, settings)
    return settings


def wants(root, name):
    """Units that are started with this one: as `systemctl enable` links them."""
    folder = os.path.join(root, "etc/systemd/system", name + ".wants")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def _drop_ins(root, name):
    found = {}
    for folder in reversed(SEARCH):
        directory = os.path.join(root, folder, name + ".d")
        for entry in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
            if entry.endswith(".conf"):
                found[entry] = os.path.join(directory, entry)
    return [found[entry] for entry in sorted(found)]


def _collect(path, settings):
    section = ""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"\\\n", " ", file.read())
    for line in map(str.strip, text.splitlines()):
        if not line or line[0] in "#;":
            continue
        if line.startswith("["):
            section = line[1:-1]
            continue
        key, _, value = line.partition("=")
        name = f"{section}.{key.strip()}"
        if value.strip():
            settings.setdefault(name, []).append(value.strip())
        else:
            settings[name] = []


def last(settings, key, default=""):
    values = settings.get("Service." + key)
    return values[-1] if values else default


def words(settings, key):
    return [word for value in settings.get("Service." + key, []) for word in shlex.split(value)]


def seconds(settings, key, default):
    """A time span in seconds ('5', '1min 30s', 'infinity' -> None)."""
    text = last(settings, key, "")
    if text == "":
        return default
    if text == "infinity":
        return None
    return sum(float(number) * UNITS_OF_TIME[unit] for number, unit in re.findall(r"([\d.]+)\s*([a-z]*)", text))


def is_yes(settings, key):
    return last(settings, key).lower() in ("yes", "true", "on", "1")


def exit_words(settings, key):
    """Exit statuses and signal names of a setting such as SuccessExitStatus."""
    codes, signals = set(), set()
    for word in words(settings, key):
        if word.isdigit():
            codes.add(int(word))
        else:
            signals.add(signal.Signals[word if word.startswith("SIG") else "SIG" + word].value)
    return codes, signals


def command(settings, key, root):
    """argv of an Exec line; the program is the VM's own when the VM has one at that path."""
    argv = shlex.split(last(settings, key))
    if not argv:
        return []
    program = argv[0].lstrip("-@:+!")
    own = os.path.join(root, program.lstrip("/"))
    return [own if os.path.exists(own) else program, *argv[1:]]
