"""Parts of the launcher that real Flower rarely shows. One JSON line per question, for launcher-parts.test.ts."""

import json
import os
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from flower_launch import ending  # noqa: E402
from flower_launch.channels import merged, normalised  # noqa: E402
from flower_launch.flower import watch_threads  # noqa: E402
from flower_launch.link import Link  # noqa: E402
from flower_launch.reasons import why_lost  # noqa: E402
from flower_launch.systemd import Systemd  # noqa: E402

folder = sys.argv[2]


def say(**answer):
    print(json.dumps(answer), flush=True)


def new_link():
    plan = {"role": "supernode", "fleet": None, "link_file": os.path.join(folder, "link.json")}
    link = Link(plan, "0" * 64, Systemd({}))
    link.target = "10.0.0.5:9092"
    return link


# What a failed call means.
for method, code, details in json.loads(sys.argv[3]):
    say(reason=why_lost(method, code, details, "10.0.0.5:9092"))

# gRPC options and addresses.
say(merged=merged([("grpc.a", 1), ("grpc.b", 2), ("grpc.a", 3)], [["grpc.a", 9]]))
PAIRS = [("[::1]:9092", "[0:0:0:0:0:0:0:1]:9092"), ("Host:1", "host:1"), ("a:1", "a:2")]
say(same=[normalised(a) == normalised(b) for a, b in PAIRS])

# A heartbeat thread that dies dooms the process; another thread does not.
link = new_link()
watch_threads(link)
sys.stderr = open(os.devnull, "w")
for name in ("other.py", "heartbeat.py"):
    scope = {}
    exec(compile("def work():\n    raise RuntimeError('not recognised')\n", f"/flwr/{name}", "exec"), scope)
    thread = threading.Thread(target=scope["work"])
    thread.start()
    thread.join()
    say(file=name, doom=link.doom and link.doom[1])

# A broken handshake after acceptance dooms, and a call that succeeds undoes it.
link = new_link()
link.node_id = "7"
link.call_begins()
link.call_ends("PullMessages", "UNAVAILABLE", "Tls handshake failed: CERTIFICATE_VERIFY_FAILED", None)
say(phase=link.phase, doomed=link.doom is not None)
link.call_begins()
link.call_ends("PullMessages", "OK", "", None)
say(phase=link.phase, doomed=link.doom is not None, in_flight=link.in_flight)

# An application's refusal is an answer: the link is there.
link.call_begins()
link.call_ends("GetRun", "PERMISSION_DENIED", "run is not running", None)
say(phase=link.phase)

# The status that Flower ended with, and what we make of it.
say(verdicts=[ending.verdict(link, status)[0] for status in (0, 1, 3)])
link.stop_asked_at = 1.0
say(asked=ending.verdict(link, 1)[0])
