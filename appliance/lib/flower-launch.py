"""Starts a Flower daemon from the launch plan that flower-context wrote, and reports the state of Flower from inside.

Run by Flower's own interpreter: `env/bin/python -I flower-launch.py [PLAN]`. Started before there is a plan, it imports
what Flower will import, and waits.

Why a launcher: Flower has no setting for keepalive, does not notify systemd when it is ready or whether it hangs, keeps
running after it has given up on its SuperLink or has lost its SuperExec, and ends with status 0 after some errors. The launcher
corrects all of it.
"""

import gc
import importlib.metadata
import os
import sys

# `-I` leaves the script's own folder out of the path. No bytecode is written: the folder belongs to the package.
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
from flower_launch.state_file import StateFile, close_to_others  # noqa: E402

close_to_others()
from flower_launch.channels import alter_grpc  # noqa: E402
from flower_launch.database import keep_copy  # noqa: E402
from flower_launch.directories import make_directories  # noqa: E402
from flower_launch.ending import catch_hard_exit, end  # noqa: E402
from flower_launch.fleet_client import watch_fleet_calls  # noqa: E402
from flower_launch.fleet_server import open_fleet_listener  # noqa: E402
from flower_launch.flower import alter_logging, await_http_listener, watch_signals, watch_threads  # noqa: E402
from flower_launch.plan import EXIT_PLAN, Unusable, read_plan  # noqa: E402
from flower_launch.state import FlowerState, utc_now  # noqa: E402
from flower_launch.superexec import watch_superexec  # noqa: E402
from flower_launch.systemd import Systemd, log  # noqa: E402
from flower_launch.waiting import await_plan, import_ahead  # noqa: E402
from flower_launch.watching import Watch  # noqa: E402

del sys.path[0]
sys.dont_write_bytecode = False

KEPT = ("FLOWER_CONTEXT_ROOT", "INVOCATION_ID", "JOURNAL_STREAM")


def start_again(environment, state_file):
    """Starts again in the environment that the agent has chosen by now. For systemd it is the same process."""
    program = os.path.join(os.path.dirname(os.path.realpath(__file__)), "flower-start")
    state_file.give_back()
    os.execve(program, [program, *sys.argv[1:]], environment)


def main():
    root = os.environ.get("FLOWER_CONTEXT_ROOT", "").rstrip("/")
    path = sys.argv[1] if len(sys.argv) > 1 else f"{root}/run/flower-context/plan.json"
    state_file = StateFile()
    state_file.write("waiting", utc_now(), "waiting for the launch plan", None, {"server": [], "client": []})
    inherited = dict(os.environ)
    environment = dict(inherited)
    systemd = Systemd(environment)
    watch = Watch(systemd)
    watch.begin()
    # Imported objects stay. Collecting garbage among them takes a sixth of the time.
    gc.disable()
    if not os.path.exists(path):
        import_ahead()
        watch.waits = True
        await_plan(path, systemd)
        watch.waits = False
        # The plan may be for another environment than the one of the image.
        if os.path.realpath(f"{root}/run/flower-context/env") != os.path.realpath(sys.prefix):
            start_again(inherited, state_file)
    plan, checksum = read_plan(path)
    os.environ.clear()
    os.environ.update({name: environment[name] for name in KEPT if name in environment} | plan["environment"])
    os.umask(0o077)
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

    state_file.plan_checksum = checksum
    state = FlowerState(plan, state_file, systemd, watch.awake)
    state.start(f"starting {program} {version}")
    # The state file names the plan in force. A plan that the agent replaced before it was named is read again.
    if read_plan(path)[1] != checksum:
        start_again(inherited, state_file)
    sys.argv = [os.path.join(os.path.dirname(sys.executable), program), *plan["argv"]]
    status = 0
    try:
        # FLWR_HOME is a cache: what Flower needs in it is made again.
        for note in make_directories(plan["directories"], replaceable=[plan["environment"].get("FLWR_HOME")]):
            log(4, f"flower-launch: {note}")
        copied = keep_copy(plan, f"{root}/run/flower-context/database.json")
        if copied is not None:
            log(5, f"flower-launch: {copied}")
        watch_signals(state)
        watch_threads(state)
        catch_hard_exit(state)
        watch_superexec(state.superexec)
        if plan["transport"] == "grpc":
            alter_grpc(plan, state, watch.awake)
            if plan["role"] == "superlink":
                await_http_listener(state)
        elif plan["role"] == "superlink":
            open_fleet_listener(plan, state, watch.awake)
        else:
            watch_fleet_calls(plan, state)
        watch.state = state
        run = next(iter(entries)).load()
        gc.freeze()
        gc.enable()
        alter_logging(state, state.superexec_called)
        state.limits.watch()
        run()
    except Unusable as problem:
        end(state, EXIT_PLAN, str(problem))
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        if isinstance(leaving.code, str):
            log(3, leaving.code)
            state.last_error = leaving.code
    except KeyboardInterrupt:
        status = 130
    except BaseException as error:  # whatever it is: the reason has to be reported
        sys.excepthook(type(error), error, error.__traceback__)
        status, state.last_error = 1, f"{type(error).__name__}: {error}"
    end(state, *state.verdict(status))


if __name__ == "__main__":
    try:
        main()
    except Unusable as problem:
        log(3, f"flower-launch: {problem}")
        sys.exit(EXIT_PLAN)
