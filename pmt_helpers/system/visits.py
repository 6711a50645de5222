"""A device's visits, in a process of their own: it knows a public key, an address and a schedule, and no windows.

When to visit is decided before the first visit. Training runs in another process, so it can neither delay a question
nor change one. `python -m pmt_helpers.system.visits` is that process; it writes a line of JSON for each visit.
"""

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from pmt_helpers.system import bundle
from pmt_helpers.system.bundle import SIGNATURE, Refused, check_chunk, held_manifest, write_whole
from pmt_helpers.system.wire import QUESTION, Source, open_source, questions

TRIES, BACK_OFF_S = 3, (0.5, 2.0)  # where nobody answers; the rest are refusals that trying again does not mend
LONGEST_S = 120.0  # of one download; the next visit goes on where it stopped


class Plan(NamedTuple):
    """All that the process of the visits is told: where to, for what, and when."""

    folder: str
    address: str
    model: str
    public_key: str  # hexadecimal
    server_key: str | None = None
    every_s: float = 60.0
    visits: int = 1
    until: int | None = None  # stop when this version is held
    timeout_s: float = 5.0


def fetch(folder: Path, source: Source, model: str, public_key: bytes, today: date | None = None) -> int | None:
    """Bring the newest release into a folder; returns its version, or None where nothing is newer than what is held.

    Chunks are written one by one, so that a download that broke off goes on where it stopped, whoever serves the rest.
    The highest version ever taken is that of the manifest in the folder. Raises Refused.
    """
    began = time.monotonic()
    held = held_manifest(folder, model, public_key)
    (first,) = questions(model)
    head = source.ask(first)
    manifest, signature = head[SIGNATURE:], head[:SIGNATURE]
    stated = bundle.check_manifest(manifest, signature, public_key, model, held["version"] if held else 0, today)
    same = bool(held and stated["version"] == held["version"])
    if same and head != bundle.read_head(folder, model):
        raise Refused("version", f"two releases of version {stated['version']} are signed")
    place = folder / model / str(stated["version"])
    chunks = {}
    for i in range(len(stated["chunks"])):
        try:
            chunks[i] = check_chunk(stated, i, bundle.read_bounded(place / str(i), stated["chunk"]))
        except (OSError, Refused):  # not there yet, or spoiled
            continue
    if same and len(chunks) == len(stated["chunks"]):
        return None
    for question in questions(model, stated, list(chunks)):
        if time.monotonic() - began > LONGEST_S:
            raise Refused("no answer", f"not whole after {LONGEST_S:g} s")
        i = QUESTION.unpack(question)[-1]
        chunks[i] = check_chunk(stated, i, source.ask(question))
        write_whole(place / str(i), chunks[i])
    bundle.open_payload(stated, b"".join(chunks[i] for i in range(len(chunks))))
    write_whole(folder / model / "head", head)
    keep = {str(stated["version"]), str(held["version"]) if held else ""}  # a mirror may be in the middle of serving it
    for old in (folder / model).iterdir():
        if old.is_dir() and old.name not in keep:
            shutil.rmtree(old, ignore_errors=True)
    return stated["version"]


def visit(plan: Plan) -> dict[str, Any]:
    """One visit, tried again while nobody answers.

    Returns version (newly held, or None), up, down, seconds, and why and refused where it was refused.
    """
    began, up, down, refused, version = time.perf_counter(), 0, 0, None, None
    for attempt in range(TRIES):
        source = open_source(plan.address, plan.server_key, plan.timeout_s)
        try:
            version, refused = fetch(Path(plan.folder), source, plan.model, bytes.fromhex(plan.public_key)), None
            break
        except (Refused, OSError) as error:  # a full disk must not end the visits
            refused = error if isinstance(error, Refused) else Refused("disk", error)
            if refused.why != "no answer" or attempt + 1 == TRIES:
                break
        finally:
            source.close()
            up, down = up + source.up, down + source.down
        time.sleep(BACK_OFF_S[attempt])
    why = {"why": refused.why, "refused": str(refused)} if refused else {}
    return {"version": version, **why, "up": up, "down": down, "seconds": time.perf_counter() - began}


def keep_schedule(plan: Plan, report: Callable[[dict[str, Any]], None]) -> None:
    """Visit now, every_s later, and so on; a time that has passed during a long visit is left out."""
    start, number = time.monotonic(), 0
    while number < plan.visits:
        time.sleep(max(0.0, start + number * plan.every_s - time.monotonic()))
        report({"visit": number, **visit(plan)})
        held = held_manifest(Path(plan.folder), plan.model, bytes.fromhex(plan.public_key))
        if plan.until and held and held["version"] >= plan.until:
            return
        late = (time.monotonic() - start) / plan.every_s
        number = max(number + 1, min(int(late) + 1, plan.visits))


def main() -> int:
    """Visit as the plan in the only argument says, until the process that started this one is gone."""
    plan = Plan(**json.loads(sys.argv[1]))
    threading.Thread(target=lambda: (os.read(0, 1), os._exit(0)), daemon=True).start()  # at the end of its input
    try:
        keep_schedule(plan, lambda seen: print(json.dumps({**seen, "peak_mb": peak_mb()}), flush=True))
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(130)
    return 0


def peak_mb() -> float | None:
    """Largest memory of this process so far; ru_maxrss would begin with that of the process that started it."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), None)


if __name__ == "__main__":
    sys.exit(main())
