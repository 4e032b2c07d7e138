"""Parts of the launcher that real Flower rarely shows. One JSON line per answer, for launcher-parts.test.ts."""

import json
import os
import signal
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from flower_launch.channels import merged, normalised  # noqa: E402
from flower_launch.flower import watch_threads  # noqa: E402
from flower_launch.progress import Awake, Calls  # noqa: E402
from flower_launch.reasons import why_disconnected  # noqa: E402
from flower_launch.state import FlowerState  # noqa: E402
from flower_launch.state_file import StateFile  # noqa: E402
from flower_launch.systemd import Systemd  # noqa: E402


def say(**answer):
    print(json.dumps(answer), flush=True)


def new_state():
    plan = {"role": "supernode", "fleet": None, "transport": "grpc", "options": {"client": []}}
    state = FlowerState(plan, StateFile(), Systemd({}))
    state.channel_opens("10.0.0.5:9092", [])
    return state


# What a failed call means.
for method, code, details in json.loads(sys.argv[2]):
    say(reason=why_disconnected(method, code, details, "10.0.0.5:9092"))

# gRPC options and addresses.
say(merged=merged([("grpc.a", 1), ("grpc.b", 2), ("grpc.a", 3)], [["grpc.a", 9]]))
pairs = [("[::1]:9092", "[0:0:0:0:0:0:0:1]:9092"), ("Host:1", "host:1"), ("a:1", "a:2")]
say(same=[normalised(a) == normalised(b) for a, b in pairs])

# A heartbeat thread that ends sets a deadline for the process; another thread does not.
state = new_state()
watch_threads(state)
sys.stderr = open(os.devnull, "w")
for name in ("other.py", "heartbeat.py"):
    scope = {}
    exec(compile("def work():\n    raise RuntimeError('not recognised')\n", f"/flwr/{name}", "exec"), scope)
    thread = threading.Thread(target=scope["work"])
    thread.start()
    thread.join()
    say(file=name, fatal=state.fatal_deadline and state.fatal_deadline.reason)

# A failed handshake after acceptance sets a deadline, and a call that succeeds removes it.
state = new_state()
state.node_id = "7"
began = state.call_begins("PullMessages")
state.call_ends(began, "PullMessages", "UNAVAILABLE", "Tls handshake failed: CERTIFICATE_VERIFY_FAILED", None)
say(phase=state.phase, fatal=state.fatal_deadline is not None)
state.call_ends(state.call_begins("PullMessages"), "PullMessages", "OK", "", None)
say(phase=state.phase, fatal=state.fatal_deadline is not None, in_flight=len(state.calls.pending))

# A refusal that is about a run is an answer: the link exists.
state.call_ends(state.call_begins("GetRun"), "GetRun", "PERMISSION_DENIED", "run is not running", None)
say(phase=state.phase)

# The exit status of the process for the status that Flower ended with.
say(verdicts=[state.verdict(status)[0] for status in (0, 1, 3)])
state.request_stop(signal.SIGTERM)
say(asked=state.verdict(1)[0])

# On a path that is cut gRPC ends a call after the time and timeout of keepalive, and on a busy VM that is seen later.
awake = Awake()
calls = Calls(awake, 45.0, keepalive_seconds=80.0)
calls.accepted = True
began = calls.begin("PullMessages")
pending = []
for seconds in (50, 79, 82, 90, 100):
    awake.seconds = float(seconds)
    pending.append(calls.why_hung())
calls.end(began, "PullMessages", None)
say(pending=pending, ended=calls.why_hung())
