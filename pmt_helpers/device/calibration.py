"""A board's rate from one log of it: then other kernels can be predicted for that very board. Notebook 05, step 3."""

import math

import pandas as pd

from pmt_helpers.device.logs import Log
from pmt_helpers.device.model import Device, cost, work_of

BAND = 1.3  # instructions of one kernel take a little longer than those of another


def device_from_log(
    log: Log, kernel: str, *, task: str = "activity", band: float = BAND, table: pd.DataFrame | None = None
) -> Device:
    """A device whose rate is what this kernel's training reached. Power is not known.

    Raises ValueError when the log has no training of that kernel, or no seconds.
    """
    done = work_of(log, kernel, task)
    if not done.seconds:
        raise ValueError(f"{log.path.name} has trainings of no seconds: record longer ones")
    rate = done.updates * cost(task, kernel, table)[0] / done.seconds / 1e9
    header, none = log.header, math.nan
    return Device(
        device=f"{log.origin} {header['run_id']}",
        name=header.get("model", header.get("cpu", "this machine")),
        core=header.get("cpu", header.get("machine", "")),
        clock_mhz=header.get("fmax_mhz", none),
        cores=header.get("ncpu", 0),
        memory_mb=header.get("mem_total_mb", none),
        rate=rate,
        band=band,
        idle_w=none,
        stress_w=none,
        source=f"{log.path.name}: {task} with {kernel}",
    )
