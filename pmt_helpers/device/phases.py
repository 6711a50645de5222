"""Where the time goes: setting up, the interpreter, and the arithmetic that had to be done. Notebook 05, step 3."""

from collections.abc import Iterable

import pandas as pd

from pmt_helpers.device.logs import Log, series
from pmt_helpers.device.model import Device, cost, instructions, predict_seconds, work_of

PARTS = ["origin", "task", "kernel", "setup", "interpreter", "arithmetic"]


def time_by_phase(logs: Iterable[Log], table: pd.DataFrame | None = None) -> pd.DataFrame:
    """Where the seconds of each kernel went: origin, task, kernel, setup, interpreter, arithmetic; of one origin.

    Arithmetic is what the compiled loop needs for the same updates: by its own log of this origin, or else by counted
    instructions; the interpreter is the rest of the training, with JAX and Keras what these libraries do around it.
    """
    logs = list(logs)
    spans = series(logs, logs[0].origin)
    train = spans[spans["phase"] == "train"]
    if not {"task", "kernel", "updates"} <= set(train):
        raise ValueError(f"the logs of {logs[0].origin} do not say how many updates they timed")
    pairs = train[["task", "kernel"]].dropna().astype(str).drop_duplicates().itertuples(index=False)
    done = {(task, kernel): _total(logs, kernel, task) for task, kernel in pairs}
    rows = []
    for (task, kernel), (updates, seconds, setup) in done.items():
        if (task, "numba") in done:
            compiled = done[task, "numba"]
            arithmetic = updates * compiled[1] / compiled[0]
        else:
            arithmetic = seconds * cost(task, "numba", table)[0] / cost(task, kernel, table)[0]
        arithmetic = min(arithmetic, seconds)
        rows.append((logs[0].origin, task, kernel, setup, seconds - arithmetic, arithmetic))
    return pd.DataFrame(rows, columns=PARTS)


def predicted_parts(device: str | Device, task: str, updates: int, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """The same for so many updates on a device, from counted instructions; origin "predicted"."""
    kernels = (instructions() if table is None else table).query("task == @task")["kernel"]
    compiled = predict_seconds(device, "numba", updates, task=task, table=table).work
    rows = []
    for kernel in kernels:
        one = predict_seconds(device, kernel, updates, task=task, table=table)
        arithmetic = min(compiled, one.work)
        rows.append(("predicted", task, kernel, one.setup, one.work - arithmetic, arithmetic))
    return pd.DataFrame(rows, columns=PARTS)


def _total(logs: list[Log], kernel: str, task: str) -> tuple[int, float, float]:
    found = []
    for log in logs:
        try:
            found.append(work_of(log, kernel, task))
        except ValueError:
            continue
    return sum(one.updates for one in found), sum(one.seconds for one in found), sum(one.setup for one in found)
