"""`systemctl` and `journalctl` as this VM's programs see them, and the stub programs that ask for them.

A stub is a few lines of bash builtins talking TCP, so that a call costs milliseconds (systemd 252: 6 to 11).
"""

import os
import shlex
import signal
import stat
import sys

from .journal import render

BASH_STUB = """#!/bin/bash
# Asks the pocket-systemd of this VM; shell builtins only, so no process is started.
exec 3<>/dev/tcp/{host}/{port} || exit 1
printf '%s\\0' {secret} "$(($# + 1))" {program} "$@" >&3
IFS= read -r -d '' out <&3; IFS= read -r -d '' err <&3; IFS= read -r -d '' code <&3
[ -z "$out" ] || printf '%s' "$out"
[ -z "$err" ] || printf '%s' "$err" >&2
exit "${{code:-1}}"
"""

# bash cannot send datagrams. Only where the real program is not installed.
NOTIFY_STUB = """#!{python} -ISE
import os, socket, sys
said = []
for word in sys.argv[1:]:
    name, _, value = word.removeprefix("--").partition("=")
    if not word.startswith("--"): said.append(word)
    elif name in ("ready", "stopping", "reloading"): said.append(name.upper() + "=1")
    elif name == "status": said.append("STATUS=" + value)
    elif name == "pid" and value: said.append("MAINPID=" + value)
address = os.environ.get("NOTIFY_SOCKET") or sys.exit(1)
to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
to.sendto("\\n".join(said).encode(), "\\0" + address[1:] if address[0] == "@" else address)
"""


def write_stubs(folder, host, port, secret):
    os.makedirs(folder, exist_ok=True)
    for program in ("systemctl", "journalctl"):
        _program(os.path.join(folder, program), BASH_STUB.format(host=host, port=port, secret=secret, program=program))
    if not os.path.exists("/usr/bin/systemd-notify"):
        _program(os.path.join(folder, "systemd-notify"), NOTIFY_STUB.format(python=sys.executable))


def _program(path, text):
    beside = path + ".new"
    with open(beside, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(beside, stat.S_IRWXU)
    os.replace(beside, path)


def service(name):
    return name if "." in name.rsplit("/", 1)[-1] else name + ".service"


def answer(host, argv, reply):
    """Does what `argv` says; reply(out, err, code) is called once, perhaps later."""
    program, *words = argv
    try:
        (systemctl if program == "systemctl" else journalctl)(host, words, reply)
    except Exception as error:  # a stub must never hang because of a fault here
        reply("", f"pocket-systemd: {shlex.join(argv)}: {type(error).__name__}: {error}\n", 1)


def _options(words, takes_value):
    """([(option, value)], [other words])"""
    options, rest, words = [], [], list(words)
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            options.append((name, value if equals or name not in takes_value else words.pop(0)))
        elif word.startswith("-") and len(word) > 1:
            name, value = word[:2], word[2:]
            options.append((name, value or words.pop(0)) if name in takes_value else (name, value))
        else:
            rest.append(word)
    return options, rest


def systemctl(host, words, reply):
    options, rest = _options(words, {"-p", "--property", "-s", "--signal", "--kill-whom", "--kill-who"})
    given = dict(options)
    verb, names = (rest or ["list-units"])[0], [service(name) for name in rest[1:]]
    units = [host.unit(name) for name in names]
    if verb in ("daemon-reload", "enable", "disable"):
        return reply("", "", 0)
    if verb == "show":
        wanted = [name for key, value in options if key in ("-p", "--property") for name in value.split(",")]
        return reply("\n".join(_show(unit, wanted, "--value" in given) for unit in units), "", 0)
    if verb in ("is-active", "is-failed"):
        states = [unit.active for unit in units]
        good = "active" if verb == "is-active" else "failed"
        quiet = "-q" in given or "--quiet" in given
        status = 0 if good in states else 3 if verb == "is-active" else 1
        return reply("" if quiet else "".join(f"{state}\n" for state in states), "", status)
    if verb in ("list-units", "status"):
        rows = units or host.units.values()
        return reply("".join(f"{unit.name} {unit.active} {unit.sub} {unit.status_text}\n" for unit in rows), "", 0)
    missing = [unit.name for unit in units if unit.properties()["LoadState"] == "not-found"]
    if missing or not units:
        text = "".join(f"Failed to {verb} {name}: Unit {name} not found.\n" for name in missing)
        return reply("", text or "Too few arguments.\n", 5 if missing else 1)
    _act(host, verb, units, given, reply)


def _show(unit, wanted, values_only):
    properties = unit.properties()
    chosen = {name: properties[name] for name in wanted or properties if name in properties}
    return "".join(f"{value}\n" if values_only else f"{name}={value}\n" for name, value in chosen.items())


def _act(host, verb, units, given, reply):
    if verb == "kill":
        word = given.get("-s") or given.get("--signal") or "SIGTERM"
        number = int(word) if word.isdigit() else signal.Signals[word if word.startswith("SIG") else "SIG" + word]
        for unit in units:
            unit.kill(number, given.get("--kill-whom") or given.get("--kill-who") or "all")
        return reply("", "", 0)
    if verb == "reset-failed":
        for unit in units:
            unit.reset_failed()
        return reply("", "", 0)
    if verb in ("reload", "reload-or-restart"):
        units = [unit for unit in units if not unit.reload()]
        if not units or verb == "reload":
            return reply("", "".join(f"Failed to reload {unit.name}\n" for unit in units), 1 if units else 0)
        verb = "restart"
    if verb == "try-restart":
        units, verb = [unit for unit in units if unit.active == "active"], "restart"
    if verb not in ("start", "stop", "restart"):
        return reply("", f"Unknown command verb {verb}.\n", 1)
    results = []

    def done(ok):
        results.append(ok)
        if len(results) == len(units) and "--no-block" not in given:
            bad = [unit for unit, ok in zip(units, results, strict=True) if not ok]
            failed = "".join(f"Job for {unit.name} failed. Result: {unit.result}.\n" for unit in bad)
            reply("", failed, 1 if failed else 0)

    for unit in units:
        getattr(unit, verb)(done)
    if "--no-block" in given or not units:
        reply("", "", 0)


def journalctl(host, words, reply):
    options, _rest = _options(words, {"-u", "--unit", "-n", "--lines", "-o", "--output", "-p", "--since", "-S"})
    names = [service(value) for key, value in options if key in ("-u", "--unit")]
    given = dict(options)
    units = [host.unit(name) for name in names] if names else list(host.units.values())
    entries = sorted(entry for unit in units for entry in unit.journal.entries)
    count = given.get("-n") or given.get("--lines")
    if count is not None and count != "all":
        entries = entries[-int(count) :] if int(count) else []
    style = given.get("-o") or given.get("--output") or "short"
    reply("".join(render(entries, style)).replace("\0", "") or "-- No entries --\n", "", 0)
