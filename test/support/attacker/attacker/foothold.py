"""Requests from a test to the process of an app: files in its /tmp, which root sees below /proc/PID/root."""

import json
import os
import pathlib
import shutil
import time
import traceback

from attacker import attacks

# The processes that an attack starts are its own: without a test they end with the run.
FOLDER = pathlib.Path("/tmp/foothold")


def serve():
    """Answers requests, one at a time, until one is named `end`."""
    folder = FOLDER / str(os.getpid())
    folder.mkdir(parents=True)
    print(f"foothold: process {os.getpid()} of user {os.getuid()}", flush=True)
    number = 0
    while True:
        request = folder / f"{number}.request"
        if not request.exists():
            time.sleep(0.02)
            continue
        name, *arguments = json.loads(request.read_text())
        if name == "end":
            shutil.rmtree(folder)
            return
        try:
            answer = {"result": getattr(attacks, name)(*arguments)}
        except OSError as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        except BaseException:
            answer = {"fault": traceback.format_exc()}
        unfinished = folder / f"{number}.unfinished"
        unfinished.write_text(json.dumps(answer))
        unfinished.replace(folder / f"{number}.answer")
        number += 1
