"""Reads and checks the launch plan, which the agent writes (src/flower/plan.ts)."""

import hashlib
import json

from .tcp import TCP_OPTIONS

EXIT_PLAN = 78  # EX_CONFIG
TEXT, TEXTS, MAPPING, NUMBER = "text", "a list of text", "an object of text values", "a number"


def fits(value, kind):
    if kind == TEXT:
        return isinstance(value, str) and value != ""
    if kind == TEXTS:
        return isinstance(value, list) and all(isinstance(item, str) and "\0" not in item for item in value)
    if kind == MAPPING:
        return isinstance(value, dict) and all(isinstance(item, str) and "\0" not in item for item in value.values())
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


def faults_of(plan):
    """All errors of a plan, as sentences."""
    if not isinstance(plan, dict):
        return ["it is not an object"]
    wanted = {"flower_version": TEXT, "program": TEXT, "argv": TEXTS, "environment": MAPPING, "workdir": TEXT}
    wanted |= {"directories": TEXTS}
    if "silence_seconds" in plan:
        wanted["silence_seconds"] = NUMBER
    faults = [f"'{name}' is not {kind}" for name, kind in wanted.items() if not fits(plan.get(name), kind)]
    if plan.get("version") != 1:
        faults.append("'version' is not 1")
    if plan.get("role") not in ("superlink", "supernode"):
        faults.append("'role' is neither superlink nor supernode")
    elif plan.get("program") != f"flower-{plan['role']}":
        faults.append("'program' does not fit 'role'")
    transport = plan.get("transport")
    if transport not in ("grpc", "http"):
        faults.append("'transport' is neither grpc nor http")
    for side in ("server", "client"):
        options = plan.get("options", {}).get(side) if isinstance(plan.get("options"), dict) else None
        if not isinstance(options, list) or not all(is_option(option, transport) for option in options):
            faults.append(f"'options.{side}' is not a list of [name, whole number] of {transport}")
    fleet = plan.get("fleet")
    if fleet is None:
        if plan.get("role") == "superlink":
            faults.append("'fleet' is missing")
    elif not isinstance(fleet, dict) or not fits(fleet.get("listen"), TEXT):
        faults.append("'fleet.listen' is not text")
    elif "name" in fleet and not fits(fleet["name"], TEXT):
        faults.append("'fleet.name' is not text")
    elif (transport == "http") != fits(fleet.get("largest_body"), NUMBER):
        faults.append("'fleet.largest_body' is not the number that HTTP needs")
    elif fleet.get("credentials") is not None:
        files = fleet["credentials"]
        for name in ("certificate", "key", "ca"):
            if not isinstance(files, dict) or not fits(files.get(name), TEXT):
                faults.append(f"'fleet.credentials.{name}' is not text")
    return faults


def is_option(option, transport):
    return (
        isinstance(option, list)
        and len(option) == 2
        and isinstance(option[0], str)
        and (option[0].startswith("grpc.") if transport == "grpc" else option[0] in TCP_OPTIONS)
        and isinstance(option[1], int)
        and not isinstance(option[1], bool)
    )


def read_plan(path):
    """The plan and the SHA-256 of its bytes. Raises Unusable."""
    try:
        with open(path, "rb") as file:
            content = file.read()
        plan = json.loads(content)
    except OSError as error:
        raise Unusable(f"cannot read the launch plan {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Unusable(f"the launch plan {path} is not JSON: {error}") from None
    faults = faults_of(plan)
    if faults:
        raise Unusable("\n".join(f"the launch plan {path} cannot be used: {fault}" for fault in faults))
    return plan, hashlib.sha256(content).hexdigest()


class Unusable(Exception):
    """The plan, or what it names, cannot be used. The launcher ends with EXIT_PLAN."""
