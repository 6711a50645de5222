"""One training on every board, beside what a log measured of it. Notebook 05, step 4."""

from collections.abc import Sequence

import pandas as pd

from pmt_helpers.device.logs import Log
from pmt_helpers.device.model import devices, predict_seconds, work_of

BOARDS = ("zero-2w", "3b", "3b-plus", "4b", "5", "emulated-raspi3b")
COLUMNS = ["device", "origin", "task", "kernel", "seconds", "low", "high"]


def forecast(
    kernels: Sequence[str],
    updates: int,
    *,
    task: str = "activity",
    boards: Sequence[str] = BOARDS[:-1],
    setup: bool = True,
    table: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """So many updates on each board with each kernel: device (its name), origin, task, kernel, seconds, low, high."""
    rows = []
    for board in boards:
        for kernel in kernels:
            one = predict_seconds(board, kernel, updates, task=task, setup=setup, table=table)
            rows.append((devices()[board].name, "predicted", task, kernel, one.seconds, one.low, one.high))
    return pd.DataFrame(rows, columns=COLUMNS)


def forecast_log(
    log: Log,
    kernel: str,
    *,
    task: str = "activity",
    recorded_on: str = "emulated-raspi3b",
    boards: Sequence[str] = BOARDS,
    table: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The very updates of a log, without setting up, on each board; the last row is what the log measured."""
    done = work_of(log, kernel, task)
    rows = forecast((kernel,), done.updates, task=task, boards=boards, setup=False, table=table)
    nothing = float("nan")
    measured = [(devices()[recorded_on].name, log.origin, task, kernel, done.seconds, nothing, nothing)]
    return pd.concat([rows, pd.DataFrame(measured, columns=COLUMNS)], ignore_index=True)
