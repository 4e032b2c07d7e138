"""Starts a Flower daemon from the launch plan that flower-context wrote, and says from inside how its link is.

Run by Flower's own interpreter: `env/bin/python -I flower-launch.py [PLAN]`. Started before there is a plan, it imports
what Flower will import and waits for it.

Why a launcher: Flower has no setting for gRPC's keepalive, does not tell systemd when it is ready, keeps running when it
has given up on its SuperLink, and ends with status 0 after some errors. All four are put right here, in its process.
"""

import gc
import importlib.metadata
import os
import sys
import threading

# `-I` leaves the script's own folder out of the path. No bytecode is written: the folder is not ours.
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
from flower_launch.channels import alter_grpc  # noqa: E402
from flower_launch.ending import catch_hard_exit, end, verdict, watch  # noqa: E402
from flower_launch.flower import alter_logging, hold_for_uvicorn, watch_signals, watch_threads  # noqa: E402
from flower_launch.link import Link  # noqa: E402
from flower_launch.plan import Unusable, read_plan  # noqa: E402
from flower_launch.systemd import Systemd, say  # noqa: E402
from flower_launch.waiting import await_plan, import_ahead  # noqa: E402

del sys.path[0]
sys.dont_write_bytecode = False

EXIT_PLAN = 78  # "configuration error"
KEPT = ("FLOWER_CONTEXT_ROOT", "INVOCATION_ID", "JOURNAL_STREAM")


def start_again(environment):
    """Becomes a new launcher, in the environment that the agent has chosen by now. systemd sees the same process."""
    program = os.path.join(os.path.dirname(os.path.realpath(__file__)), "flower-start")
    os.execve(program, [program, *sys.argv[1:]], environment)


def main():
    root = os.environ.get("FLOWER_CONTEXT_ROOT", "").rstrip("/")
    path = sys.argv[1] if len(sys.argv) > 1 else f"{root}/run/flower-context/plan.json"
    inherited = dict(os.environ)
    environment = dict(inherited)
    systemd = Systemd(environment)
    # Importing makes objects that stay. Looking through them for garbage, again and again, is a sixth of the time.
    gc.disable()
    if not os.path.exists(path):
        import_ahead()
        await_plan(path, systemd)
        # The plan may be for another environment than the one that is baked.
        if os.path.realpath(f"{root}/run/flower-context/env") != os.path.realpath(sys.prefix):
            start_again(inherited)
    plan, checksum = read_plan(path)
    os.environ.clear()
    os.environ.update({name: environment[name] for name in KEPT if name in environment} | plan["environment"])
    os.umask(0o027)
    try:
        os.chdir(plan["workdir"])
    except OSError as error:
        raise Unusable(f"cannot enter {plan['workdir']}: {error.strerror}") from None

    program, version = plan["program"], plan["flower_version"]
    try:
        found = importlib.metadata.version("flwr")
    except importlib.metadata.PackageNotFoundError:
        raise Unusable(f"there is no Flower in the environment {sys.prefix}") from None
    if found != version:
        raise Unusable(f"the plan is for Flower {version}, but {sys.prefix} has {found}")
    entries = importlib.metadata.entry_points(group="console_scripts", name=program)
    if not entries:
        raise Unusable(f"Flower {found} has no program {program}")

    link = Link(plan, checksum, systemd)
    link.enter("starting", f"starting {program} {version}")
    # The agent learns from the link file which plan is in force. One that it has replaced meanwhile is not.
    if read_plan(path)[1] != checksum:
        start_again(inherited)
    sys.argv = [os.path.join(os.path.dirname(sys.executable), program), *plan["argv"]]
    status = 0
    try:
        watch_signals(link)
        watch_threads(link)
        catch_hard_exit(link)
        alter_grpc(plan, link)
        if plan["role"] == "superlink":
            hold_for_uvicorn(link)
        threading.Thread(target=watch, args=(link,), name="flower-launch", daemon=True).start()
        run = next(iter(entries)).load()
        gc.freeze()
        gc.enable()
        alter_logging(link)
        run()
    except Unusable as problem:
        end(link, EXIT_PLAN, str(problem))
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        if isinstance(leaving.code, str):
            say(3, leaving.code)
            link.last_error = leaving.code
    except KeyboardInterrupt:
        status = 130
    except BaseException as error:  # noqa: BLE001 - whatever it is, it ends here and must be told
        sys.excepthook(type(error), error, error.__traceback__)
        status, link.last_error = 1, f"{type(error).__name__}: {error}"
    end(link, *verdict(link, status))


if __name__ == "__main__":
    try:
        main()
    except Unusable as problem:
        say(3, f"flower-launch: {problem}")
        sys.exit(EXIT_PLAN)
