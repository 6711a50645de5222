"""What a training takes on a device that is not at hand: set-up + updates x instructions / rate. Notebook 05, step 3.

Rates are a few numbers a board, in data/devices.csv with their sources; instructions were counted under QEMU
(data/pi_logs/instructions.csv). Neither knows caches, heat or the memory card: a prediction is a band, never a number.
"""

import math
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


SETUP_BAND = 2.0  # of setting up: versions, caches of compiled code and the memory card all have their say


COLUMNS = ("task", "kernel", "per_update", "setup_instructions")


@dataclass(frozen=True)
class Device:
    """A row of data/devices.csv. rate: 1e9 instructions a second of one core; band: its factor of error, up or down.

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
    source: str


@dataclass(frozen=True)
class Prediction:
    """Seconds of one core, always with the band they may lie in; setup and work are its two parts."""

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


class Work(NamedTuple):
    """What a log says of one kernel: seconds of CPU (wall, where no CPU time was recorded) of its two parts."""

    updates: int
    seconds: float
    setup: float


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


@lru_cache(maxsize=1)
def devices() -> dict[str, Device]:
    """The boards of data/devices.csv by id: zero-2w, 3b, 3b-plus, 4b, 5, emulated-raspi3b."""
    rows = pd.read_csv(shipped("devices.csv"), dtype={"device": str})
    boards = [Device(*row) for row in rows[[field.name for field in fields(Device)]].itertuples(index=False)]
    return {board.device: board for board in boards}


def find_device(device: str | Device) -> Device:
    """By id. Raises ValueError, naming those there are."""
    if isinstance(device, Device):
        return device
    if device not in devices():
        raise ValueError(f"no device is called {device!r}; there are {', '.join(devices())}")
    return devices()[device]


def instructions(path: str | Path | None = None) -> pd.DataFrame:
    """Counted instructions, a row a task and kernel: per_update, setup_instructions. Raises DataError without them."""
    path = Path(path) if path else shipped("pi_logs", "instructions.csv")
    remedy = "take it from the repository, or count again: python -m tools.raspi3b.count_instructions"
    if not path.is_file():
        raise DataError(file=path, expected="instructions counted under QEMU", found="no file", remedy=remedy)
    table = pd.read_csv(path)
    if missing := [name for name in COLUMNS if name not in table]:
        raise DataError(
            file=path, expected=f"the columns {', '.join(COLUMNS)}", found=f"no {', '.join(missing)}", remedy=remedy
        )
    return table


def cost(task: str, kernel: str, table: pd.DataFrame | None = None) -> tuple[float, float]:
    """Instructions of an update, and of setting up. Raises ValueError for a kernel that was not counted."""
    rows = instructions() if table is None else table
    row = rows[(rows["task"] == task) & (rows["kernel"] == kernel)]
    if row.empty:
        counted = ", ".join(f"{one} {another}" for one, another in zip(rows["task"], rows["kernel"], strict=True))
        raise ValueError(f"no instructions were counted for {task} {kernel}; there are {counted}")
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
    """What so many updates (online steps, or tokens resampled) take. setup: with imports and compiling.

    The band of updates is the board's, or the kernel's where that is wider; that of setting up is SETUP_BAND. table:
    other counts than the stored ones.
    Raises ValueError for an unknown device or kernel, or a negative number of updates.
    """
    if updates < 0:
        raise ValueError(f"updates are counted from zero on; got {updates}")
    board = find_device(device)
    per_update, setting_up = cost(task, kernel, table)
    per_second = board.rate * 1e9
    ready, work = (setting_up if setup else 0.0) / per_second, updates * per_update / per_second
    seconds, band = ready + work, max(board.band, KERNEL_BANDS.get(kernel, 1.0))
    low, high = ready / SETUP_BAND + work / band, ready * SETUP_BAND + work * band
    why = f"{updates:,} updates of {per_update:,.0f} instructions at {board.rate:g} G a second, x/÷ {band:g}"
    why += f"; {ready:.3g} s of set-up, x/÷ {SETUP_BAND:g}" if setup else ""
    return Prediction(seconds, low, high, ready, work, board.device, kernel, task, int(updates), why)


def work_of(log: Log, kernel: str, task: str) -> Work:
    """Updates and seconds of a kernel in a log. Raises ValueError when the log has no training of it."""
    spans = log.spans
    if {"kernel", "task", "updates"} <= set(spans):
        mine = spans[(spans["kernel"] == kernel) & (spans["task"] == task)]
        seconds = seconds_of_spans(mine)
        train, ready = mine["phase"] == "train", mine["phase"].isin(SETUP_PHASES)
        if train.any():
            updates = int(mine.loc[train, "updates"].sum())
            return Work(updates, float(seconds[train].sum()), float(seconds[ready].sum()))
    raise ValueError(f"{log.path.name} has no training of {task} with {kernel}")


def predict_log(
    device: str | Device, log: Log, kernel: str, *, task: str = "activity", table: pd.DataFrame | None = None
) -> Prediction:
    """The prediction for the very updates that a log has, without setting up."""
    return predict_seconds(device, kernel, work_of(log, kernel, task).updates, task=task, setup=False, table=table)


def score_prediction(prediction: Prediction, log: Log) -> Score:
    """Whether what a log measured lies in the predicted band; with set-up when the prediction has it.

    Raises ValueError when they are not about the same number of updates.
    """
    done = work_of(log, prediction.kernel, prediction.task)
    if done.updates != prediction.updates:
        raise ValueError(
            f"the prediction is for {prediction.updates:,} updates, {log.path.name} has {done.updates:,}: predict those"
        )
    measured = done.seconds + (done.setup if prediction.setup else 0.0)
    inside = prediction.low <= measured <= prediction.high
    return Score(prediction, measured, measured / prediction.seconds, inside, log.origin)


BOARDS = ("zero-2w", "3b", "3b-plus", "4b", "5", "emulated-raspi3b")


COLUMNS_forecasts = ["device", "origin", "task", "kernel", "seconds", "low", "high"]


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
    return pd.DataFrame(rows, columns=COLUMNS_forecasts)


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
    return pd.concat([rows, pd.DataFrame(measured, columns=COLUMNS_forecasts)], ignore_index=True)


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
