"""link.json: the state of Flower for the agent (src/flower/state-file.ts reads it)."""

import json
import os

from .systemd import log


class StateFile:
    def __init__(self, path, plan_checksum):
        self.path, self.plan_checksum = path, plan_checksum

    def write(self, phase, since, detail, node_id, grpc):
        """Replaces the file in one step. An error is logged: Flower runs without the file, too."""
        content = {
            "version": 1,
            "pid": os.getpid(),
            "plan": self.plan_checksum,
            "phase": phase,
            "since": since,
            "node_id": node_id,
            "detail": detail,
            "grpc": grpc,
        }
        temporary = f"{self.path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            with open(temporary, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o644)
                json.dump(content, file)
            os.replace(temporary, self.path)
        except OSError as error:
            log(4, f"flower-launch: cannot write {self.path}: {error.strerror}")
