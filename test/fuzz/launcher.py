"""Generated cases for what the launcher reads: launch plans, the answers of a SuperLink, and texts for systemd and the journal.

launcher.py LIB CASES SEED [CASE]. A finding ends it with what repeats it: the same seed and the number of the case.
"""

import contextlib
import hashlib
import io
import json
import os
import random
import re
import socket
import sys
import tempfile
import unicodedata

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from flower_launch.plan import Unusable, read_plan  # noqa: E402
from flower_launch.reasons import UNAVAILABLE_SIGNS, why_disconnected  # noqa: E402
from flower_launch.state import FlowerState  # noqa: E402
from flower_launch.state_file import StateFile  # noqa: E402
from flower_launch.systemd import Systemd, log  # noqa: E402
from flower_launch.text import plain, plain_lines  # noqa: E402

WORDS = [
    "\n", "\r", "\t", "\0", "\x07", "\x1b", "\x1b[31m", "\x1b[2J", "\x1b]0;title\x07", "\x7f", "\x85", "\x9b31m", "\u200b",
    "\u2028", "\u2029", "\u202e", "\u3164", "\ufe0f", "\ufeff", "\ud800", "\ue000", "\U000e0041", "\U0010ffff", "MAINPID=1",
    "WATCHDOG=trigger", "READY=1", "<0>", "X=", " ", "word", "ä", "漢", "😀", "x" * 3000, " " * 3000, "\x1b[1m" * 500,
    "node id", "timestamp", "last error: ", "{target}", "%s", *(sign for sign, _ in UNAVAILABLE_SIGNS),
]  # fmt: skip
METHODS = ["RegisterNode", "ActivateNode", "PullMessages", "SendNodeHeartbeat"]
CODES = ["OK", "CANCELLED", "UNKNOWN", "DEADLINE_EXCEEDED", "UNAUTHENTICATED", "UNAVAILABLE", "PERMISSION_DENIED", "INTERNAL"]
PLAN = {
    "version": 1, "role": "supernode", "flower_version": "1.39.0", "program": "flower-supernode", "argv": ["--insecure"],
    "environment": {"PATH": "/bin"}, "workdir": "/", "link_file": "/run/flower/link.json", "silence_seconds": 60,
    "transport": "grpc",
    "options": {"server": [], "client": [["grpc.keepalive_time_ms", 1]]},
    "fleet": {"listen": "0.0.0.0:9092", "credentials": {"certificate": "/c", "key": "/k", "ca": "/a"}, "name": "a"},
}  # fmt: skip
ANYTHING = [None, "", "0", -1, 0, 1e99, True, [], {}, [[]], [None], {"": 1}, "\0", "\n", [["grpc.x", 1]], ["a", 1]]
IGNORED = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0]")


def must(holds, what):
    if not holds:
        raise AssertionError(what)


def is_plain(text):
    return not IGNORED.search(text) and all(
        unicodedata.category(one)[0] != "C" and unicodedata.category(one) not in ("Zl", "Zp") for one in text
    )


def some_text(chance):
    def part():
        return chance.choice(WORDS) if chance.random() < 0.8 else chr(chance.randrange(0x110000))

    return "".join(part() for _ in range(chance.randrange(12)))


def texts(chance, _folder):
    text, most = some_text(chance), chance.randrange(4, 400)
    one = plain(text, most)
    must(is_plain(one) and len(one) <= most and plain(one, most) == one, "a text is one bounded line, and stays so")
    must(all(is_plain(line) and len(line) <= 4000 for line in plain_lines(text)), "lines are plain")


def answers(chance, _folder):
    target = "10.0.0.5:9092"
    why = why_disconnected(chance.choice(METHODS), chance.choice(CODES), some_text(chance), target)
    must(why is None or (is_plain(why) and 0 < len(why) <= 300), "a reason is a short clause")


def reports(chance, folder):
    """A node's life under any answers: what comes to systemd, to the journal and to the state file."""
    address = os.path.join(folder, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver, contextlib.redirect_stderr(io.StringIO()) as journal:
        receiver.bind(address)
        receiver.setblocking(False)
        systemd = Systemd({"NOTIFY_SOCKET": address})
        plan = {"role": "supernode", "fleet": None, "transport": "grpc", "options": {"client": []}}
        state = FlowerState(plan, state_file, systemd)
        state.channel_opens("10.0.0.5:9092", [])
        for _ in range(chance.randrange(1, 5)):
            method = chance.choice(METHODS)
            state.call_ends(state.call_begins(method), method, chance.choice(CODES[1:]), some_text(chance), None)
        log(4, some_text(chance))
        state.last_error = some_text(chance)
        state.end(state.verdict(chance.randrange(3))[1])
        systemd.notify("STATUS=" + some_text(chance))
        datagrams = []
        with contextlib.suppress(BlockingIOError):
            while True:
                datagrams.append(receiver.recv(65536).decode())
    os.unlink(address)
    for datagram in datagrams:
        for assignment in datagram.split("\n"):
            must(re.match(r"STATUS=|STOPPING=1\Z", assignment) and is_plain(assignment), "an assignment is ours")
    for line in journal.getvalue().split("\n")[:-1]:
        must(re.match(r"<[3456]>", line) and is_plain(line) and len(line) < 4100, "a line of the journal is ours")
    content, checksum, rest = os.pread(state_file.descriptor, 10_000, 0).split(b"\n")
    must(hashlib.sha256(content).hexdigest() == checksum.decode() and rest == b"", "the state is a whole record")
    detail = json.loads(content)["detail"]
    must(is_plain(detail) and len(detail) <= 300, "the detail for the agent is a short sentence")


def reshaped(chance, value, depth=0):
    if chance.random() < 0.12:
        return chance.choice([*ANYTHING, some_text(chance)])
    if isinstance(value, dict):
        return {name: reshaped(chance, one, depth + 1) for name, one in value.items() if chance.random() < 0.97}
    if isinstance(value, list):
        return [reshaped(chance, one, depth + 1) for one in value]
    return value


def plans(chance, folder):
    path = os.path.join(folder, "plan.json")
    content = json.dumps(reshaped(chance, PLAN)).encode()
    if chance.random() < 0.3:
        at = chance.randrange(len(content) + 1)
        put = bytes(chance.randrange(256) for _ in range(chance.randrange(5)))
        content = content[:at] + put + content[at + chance.randrange(9) :]
    if chance.random() < 0.01:
        content = b"[" * 200_000
    with open(path, "wb") as file:
        file.write(content)
    try:
        plan, checksum = read_plan(path)
    except Unusable:
        return
    must(re.fullmatch("[0-9a-f]{64}", checksum) is not None, "a plan has a checksum")
    must(all(isinstance(one, str) and "\0" not in one for one in [*plan["argv"], *plan["environment"].values()]), "arguments")
    must(plan["program"] == f"flower-{plan['role']}", "a program of Flower")


def main():
    global state_file
    cases, seed = int(sys.argv[2]), int(sys.argv[3])
    # As systemd gives it to the launcher, which then has no standard output.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(tempfile.gettempdir(), os.O_RDWR | os.O_TMPFILE), 0)
    state_file = StateFile()
    state_file.plan_checksum = "0" * 64
    numbers = [int(sys.argv[4])] if len(sys.argv) > 4 else range(cases)
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            chance = random.Random(f"{seed}-{number}")
            # Each life of a node writes files.
            target = chance.choices([texts, answers, reports, plans], [5, 5, 1, 3])[0]
            try:
                target(chance, folder)
            except Exception as error:
                print(
                    f"FOUND in {target.__name__}, repeat with SEED={seed} CASE={number}: {type(error).__name__}: {error!a}",
                    file=out,
                    flush=True,
                )
                raise
    print(f"launcher: {len(numbers)} cases, nothing found; SEED={seed}", file=out)


if __name__ == "__main__":
    main()
