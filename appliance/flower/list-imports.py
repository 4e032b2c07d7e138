"""Prints the modules that Flower's programs import, in that order, without those of Flower.

Run it with the Python of an environment. Modules of Flower are omitted, because some of them read environment variables
of the launch plan when they are imported.
"""

import contextlib
import importlib
import importlib.metadata
import sys

# Imported only while the programs run (seen in 1.39; older versions do not have all of them).
LATER = [
    *("grpc._server", "sqlite3", "pydantic.v1", "anyio._backends._asyncio", "uvicorn.loops.auto", "uvicorn.lifespan.on"),
    *("uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto"),
]

before = set(sys.modules)
for program in ("flower-superlink", "flower-supernode"):
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name=program)
    with contextlib.redirect_stdout(sys.stderr):
        entry.load()
for name in LATER:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
for name, module in list(sys.modules.items()):
    if name not in before and name.partition(".")[0] != "flwr" and getattr(module, "__spec__", None) is not None:
        print(name)
