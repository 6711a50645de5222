"""Predict what a training takes on a device: set-up + updates x instructions / rate. Notebook 06.

Each board has a rate, in data/devices.csv with its source; instructions were counted under QEMU
(data/pi_logs/instructions.csv). Neither knows caches, heat or the memory card: a prediction is a band, not a number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import shipped
from pmt_helpers.device.logs import Log, seconds_of_spans
from pmt_helpers.device.pi_profile import SETUP_PHASES

KERNEL_BANDS = {"jax": 2.0, "keras_fit": 2.0, "keras_batch": 2.0}  # much of their work lies in their libraries' threads
SETUP_BAND = 2.0  # set-up depends on versions, on caches of compiled code and on the memory card
INSTRUCTION_COLUMNS = ("task", "kernel", "per_update", "setup_instructions")


@dataclass(frozen=True)
class Device:
    """A row of data/devices.csv. rate: 1e9 instructions per second of one core; band: its factor of error, up or down.

    Powers and clock are NaN where nobody has measured them or they mean nothing.
    """

    device: str
    name: str
    core: str
    clock_mhz: float
    cores: int
    memory_mb: float
    rate: float
    band: float
    idle_w: float
    stress_w: float
    emulated: bool
    source: str


@dataclass(frozen=True)
class Prediction:
    """Seconds of one core with the band they may lie in; setup and work are their two parts."""

    seconds: float
    low: float
    high: float
    setup: float
    work: float
    device: str
    kernel: str
    task: str
    updates: int
    why: str

    def __str__(self) -> str:
        return f"{self.seconds:.3g} s ({self.low:.3g} to {self.high:.3g}), predicted for {self.device}: {self.why}"


@dataclass(frozen=True)
class Score:
    """A prediction against a log. ratio: measured over predicted."""

    predicted: Prediction
    measured: float
    ratio: float
    inside: bool
    origin: str

    def __str__(self) -> str:
        where = "inside" if self.inside else "outside"
        band = f"{self.predicted.low:.3g} to {self.predicted.high:.3g} s"
        return f"predicted {band}, {self.origin} {self.measured:.3g} s: {where}"


class Work(NamedTuple):
    """What a log says of one kernel: its updates, and seconds of its training and of its set-up."""

    updates: int
    seconds: float
    setup: float


@lru_cache(maxsize=1)
def devices() -> dict[str, Device]:
    """The boards of data/devices.csv by id: zero-2w, 3b, 3b-plus, 4b, 5, emulated-raspi3b."""
    table = pd.read_csv(shipped("devices.csv"), dtype={"device": str}, true_values=["yes"], false_values=["no"])
    boards = [Device(*row) for row in table[[field.name for field in fields(Device)]].itertuples(index=False)]
    return {board.device: board for board in boards}


def find_device(device: str | Device) -> Device:
    """By id. Raises ValueError, naming those there are."""
    if isinstance(device, Device):
        return device
    if device not in devices():
        raise ValueError(f"no device is called {device!r}; there are {', '.join(devices())}")
    return devices()[device]


def instructions(path: str | Path | None = None) -> pd.DataFrame:
    """Counted instructions, one row per task and kernel: per_update, setup_instructions. Raises DataError."""
    path = Path(path) if path else shipped("pi_logs", "instructions.csv")
    remedy = "take it from the repository, or count again: python -m tools.raspi3b.count_instructions"
    if not path.is_file():
        raise DataError(file=path, expected="instructions counted under QEMU", found="no file", remedy=remedy)
    table = pd.read_csv(path)
    if missing := [name for name in INSTRUCTION_COLUMNS if name not in table]:
        expected = f"the columns {', '.join(INSTRUCTION_COLUMNS)}"
        raise DataError(file=path, expected=expected, found=f"no {', '.join(missing)}", remedy=remedy)
    return table


def kernel_cost(task: str, kernel: str, table: pd.DataFrame | None = None) -> tuple[float, float]:
    """Instructions per update, and of setting up. Raises ValueError for a kernel that was not counted."""
    rows = instructions() if table is None else table
    row = rows[(rows["task"] == task) & (rows["kernel"] == kernel)]
    if row.empty:
        counted = ", ".join((rows["task"] + " " + rows["kernel"]).tolist())
        raise ValueError(f"no instructions were counted for task {task!r} with kernel {kernel!r}; there are {counted}")
    return float(row["per_update"].iloc[0]), float(row["setup_instructions"].iloc[0])


def predict_seconds(
    device: str | Device,
    kernel: str,
    updates: int,
    *,
    task: str = "activity",
    setup: bool = True,
    table: pd.DataFrame | None = None,
) -> Prediction:
    """Predict the seconds of a training.

    The band of the updates is the board's, or the kernel's where that is wider; of set-up it is SETUP_BAND. Raises
    ValueError for an unknown device or kernel, and for a negative number of updates.

    Parameters
    ----------
    updates : online steps, or tokens resampled
    setup : whether imports and compiling are part of it
    table : other counts than those of `instructions()`
    """
    if updates < 0:
        raise ValueError(f"updates are counted from zero on; got {updates}")
    board = find_device(device)
    per_update, setup_instructions = kernel_cost(task, kernel, table)
    per_second = board.rate * 1e9
    ready, work = (setup_instructions if setup else 0.0) / per_second, updates * per_update / per_second
    band = max(board.band, KERNEL_BANDS.get(kernel, 1.0))
    low, high = ready / SETUP_BAND + work / band, ready * SETUP_BAND + work * band
    why = f"{updates:,} updates of {per_update:,.0f} instructions at {board.rate:g} G a second, x/÷ {band:g}"
    why += f"; {ready:.3g} s of set-up, x/÷ {SETUP_BAND:g}" if setup else ""
    return Prediction(ready + work, low, high, ready, work, board.device, kernel, task, int(updates), why)


def measured_work(log: Log, kernel: str, task: str) -> Work:
    """Updates and seconds of a kernel in a log. Raises ValueError when the log has no training of it."""
    spans = log.spans
    if {"kernel", "task", "updates"} <= set(spans):
        spans = spans[(spans["kernel"] == kernel) & (spans["task"] == task)]
        seconds = seconds_of_spans(spans)
        train, setup = spans["phase"] == "train", spans["phase"].isin(SETUP_PHASES)
        if train.any():
            updates = int(spans.loc[train, "updates"].sum())
            return Work(updates, float(seconds[train].sum()), float(seconds[setup].sum()))
    raise ValueError(f"{log.path.name} has no training of task {task} with kernel {kernel}")


def predict_log(
    device: str | Device, log: Log, kernel: str, *, task: str = "activity", table: pd.DataFrame | None = None
) -> Prediction:
    """The prediction for the updates of a log, without set-up."""
    updates = measured_work(log, kernel, task).updates
    return predict_seconds(device, kernel, updates, task=task, setup=False, table=table)


def score_prediction(prediction: Prediction, log: Log) -> Score:
    """Whether what a log measured lies in the predicted band; with set-up when the prediction has it.

    Raises ValueError when they are not about the same number of updates.
    """
    work = measured_work(log, prediction.kernel, prediction.task)
    if work.updates != prediction.updates:
        has = f"{log.path.name} has {work.updates:,}: predict those"
        raise ValueError(f"the prediction is for {prediction.updates:,} updates, {has}")
    measured = work.seconds + (work.setup if prediction.setup else 0.0)
    inside = prediction.low <= measured <= prediction.high
    return Score(prediction, measured, measured / prediction.seconds, inside, log.origin)


def forecast(
    kernels: Sequence[str],
    updates: int,
    *,
    task: str = "activity",
    boards: Sequence[str] | None = None,
    table: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Predictions, one row per board and kernel: device (the board's name), origin, task, kernel, seconds, low, high.

    boards: ids; default: all that are not emulated. The rest is as in `predict_seconds`.
    """
    if boards is None:
        boards = [board.device for board in devices().values() if not board.emulated]
    rows = []
    for board in map(find_device, boards):
        for kernel in kernels:
            prediction = predict_seconds(board, kernel, updates, task=task, table=table)
            seconds = (prediction.seconds, prediction.low, prediction.high)
            rows.append((board.name, "predicted", task, kernel, *seconds))
    return pd.DataFrame(rows, columns=["device", "origin", "task", "kernel", "seconds", "low", "high"])
