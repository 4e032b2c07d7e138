"""FL_MAX_RETRIES and FL_MAX_WAIT_TIME: Flower ends when one is reached, and is not to be started again."""

import sys
import threading

from .flower import is_final
from .systemd import log

# The argument of Flower, and the variable that gives it.
LIMITS = {"--max-retries": "FL_MAX_RETRIES", "--max-wait-time": "FL_MAX_WAIT_TIME"}
# EX_UNAVAILABLE: RestartPreventExitStatus= of flower-supernode.service, EXIT_LIMIT of src/flower/state-file.ts.
EXIT_LIMIT = 69
# Flower repeats heartbeats without a limit of its own, and the last two calls are made once, while it ends.
WITHOUT_LIMIT = ("SendNodeHeartbeat", "DeactivateNode", "UnregisterNode")
# No connection, and the answers that Flower gets as such (WITHHELD of fleet_client.py).
REPEATED = ("UNAVAILABLE", "FOREIGN", "FAULT", "GATEWAY")


class Limits:
    """`reached` is a sentence once a limit is reached. Flower itself may not end then: it waits for its heartbeat thread."""

    def __init__(self, plan):
        argv, self.transport = plan.get("argv", []), plan["transport"]
        given = {LIMITS[name]: argv[argv.index(name) + 1] for name in LIMITS if name in argv}
        self.text = ", ".join(f"{variable}={value}" for variable, value in given.items())
        self.reached = None
        self.of_thread = threading.local()

    def call_failed(self, method, code, details, reason):
        """A call of this thread has failed; Flower may repeat it."""
        final = code == "UNAVAILABLE" and is_final(details, self.transport)
        again = code in REPEATED and not final and method not in WITHOUT_LIMIT
        self.of_thread.failed = reason if again else None

    def flower_gave_up(self):
        """Flower does not repeat the last call of this thread."""
        failed = getattr(self.of_thread, "failed", None)
        if failed is not None and self.reached is None:
            self.reached = f"Flower has reached its limit ({self.text}): {failed}"

    def watch(self):
        """Call it once Flower is imported: its class for retries moves between versions."""
        if not self.text:
            return
        modules = [module for name, module in list(sys.modules.items()) if name.startswith("flwr.")]
        found = [module.RetryInvoker for module in modules if isinstance(getattr(module, "RetryInvoker", None), type)]
        if not found:
            log(4, f"flower-launch: this Flower has no RetryInvoker; {self.text} does not stop this node for good")
            return
        invoker, invoke = found[0], found[0].invoke

        def watched(this, *args, **kwargs):
            try:
                return invoke(this, *args, **kwargs)
            except Exception:
                self.flower_gave_up()
                raise

        invoker.invoke = watched
