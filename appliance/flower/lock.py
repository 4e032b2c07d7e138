#!/usr/bin/env python3
"""Writes locks/: what make-env.sh may install. Needs `uv` on PATH (pip install uv) and the package index.

lock.py [VERSION...]   all versions that are locked already, or these

locks/VERSION-FRAMEWORK.txt names each package with its version, for Python 3.11 to 3.13. Together these files are the list
of the versions that FLOWER_VERSION accepts: `make generate` reads their names. locks/hashes.txt has the SHA-256 of every
wheel for Linux on x86_64 and aarch64. Source packages are not in it: they would run code during the installation.

A second run changes nothing: what a list pins stays. A new list takes the pins of the next newer Flower where they fit, so
that versions share packages. Delete a list, or a line of it, to get the newest packages that Flower allows.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

from pip._vendor.packaging.markers import Marker
from pip._vendor.packaging.tags import compatible_tags, cpython_tags
from pip._vendor.packaging.utils import canonicalize_name, parse_wheel_filename

LOCKS = pathlib.Path(__file__).resolve().parent / "locks"
PACKAGES = {"none": [], "pytorch": ["torch"], "tensorflow": ["tensorflow"], "sklearn": ["scikit-learn"]}
PYTHONS = [(3, 11), (3, 12), (3, 13)]
MACHINES = ["x86_64", "aarch64"]
# The oldest C library of a supported image is that of Debian 12.
GLIBC = 36
INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")


def tags_of(python, machine):
    old = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
    platforms = [f"linux_{machine}", *(f"manylinux_2_{minor}_{machine}" for minor in range(5, GLIBC + 1))]
    platforms += [f"{name}_{machine}" for name in old.values()]
    interpreter = f"cp{python[0]}{python[1]}"
    return {*cpython_tags(python, [interpreter], platforms), *compatible_tags(python, interpreter, platforms)}


TARGETS = {(python, machine): tags_of(python, machine) for python in PYTHONS for machine in MACHINES}
fetched = {}


def wheels(pin):
    """The wheels of NAME==VERSION that one of the targets can use: (SHA-256, tags) of each."""
    name, version = pin.split("==")
    if name not in fetched:
        request = urllib.request.Request(
            f"{INDEX}/{canonicalize_name(name)}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
        )
        with urllib.request.urlopen(request) as reply:
            fetched[name] = [file for file in json.load(reply)["files"] if file["filename"].endswith(".whl")]
    found = []
    for file in fetched[name]:
        _, its_version, _, tags = parse_wheel_filename(file["filename"])
        if str(its_version) == version and any(tags & wanted for wanted in TARGETS.values()):
            found.append((file["hashes"]["sha256"], tags))
    return found


def missing(lines):
    """What a target needs and has no wheel for, and what it would get twice."""
    for (python, machine), wanted in TARGETS.items():
        environment = {
            "python_version": f"{python[0]}.{python[1]}",
            "python_full_version": f"{python[0]}.{python[1]}.0",
            "platform_machine": machine,
            "sys_platform": "linux",
            "platform_system": "Linux",
            "platform_python_implementation": "CPython",
        }
        names = set()
        for line in lines:
            pin, _, marker = (part.strip() for part in line.partition(";"))
            if marker and not Marker(marker).evaluate(environment):
                continue
            name = pin.split("==")[0]
            if name in names or not any(tags & wanted for _, tags in wheels(pin)):
                yield f"{pin} for Python {python[0]}.{python[1]} on {machine}"
            names.add(name)


def pins(path):
    return path.read_text().splitlines() if path.exists() else []


def resolve(version, framework, preferences):
    """The lines of a list, or None with the reason on standard error."""
    with tempfile.TemporaryDirectory() as folder:
        wanted, result = pathlib.Path(folder, "in"), pathlib.Path(folder, "out")
        wanted.write_text("\n".join([f"flwr=={version}", "numpy", *PACKAGES[framework]]) + "\n")
        result.write_text("\n".join(preferences) + "\n")
        command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--no-build"]
        command += ["--strip-extras", "--no-header", "--no-annotate", "--no-emit-index-url", "-o", result, wanted]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            print(f"{version} {framework}: {done.stderr.strip()}", file=sys.stderr)
            return None
        lines = [line for line in result.read_text().splitlines() if "==" in line]
    # Other systems than Linux are not locked.
    lines = [line for line in lines if not re.search(r"sys_platform == '(win32|darwin)'\s*$", line)]
    lacking = list(missing(lines))
    for one in lacking:
        print(f"{version} {framework}: no wheel of {one}", file=sys.stderr)
    return None if lacking else lines


def main():
    locked = {path.name.rpartition("-")[0] for path in LOCKS.glob("*-*.txt")}
    order = sorted(locked | set(sys.argv[1:]), key=lambda version: [int(part) for part in version.split(".")])
    newer = {framework: [] for framework in PACKAGES}
    for version in reversed(order):
        base = []
        for framework in PACKAGES:
            path = LOCKS / f"{version}-{framework}.txt"
            lines = pins(path)
            if version in sys.argv[1:] or len(sys.argv) == 1:
                lines = resolve(version, framework, lines or base or newer[framework])
                if lines is None:
                    path.unlink(missing_ok=True)
                    continue
                path.write_text("\n".join(lines) + "\n")
            newer[framework] = lines
            base = base or lines
    used = {line.partition(";")[0].strip() for path in LOCKS.glob("*-*.txt") for line in pins(path)}
    hashes = [f"{sha256}  {pin}\n" for pin in sorted(used) for sha256 in sorted(one for one, _ in wheels(pin))]
    (LOCKS / "hashes.txt").write_text("".join(hashes))


main()
