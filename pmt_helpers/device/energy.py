"""Joules: training at home against sending the raw windows away, and a USB meter beside a log. Notebook 06, step 5.

Rough on both sides, so ranges: one busy core is taken to draw a quarter of what four draw above idle, and radios were
measured on a phone of the paper's time, downloading. 4G and 5G are missing: measurements exist (Huang et al. 2012,
Narayanan et al. 2021), but their numbers could not be checked here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import shipped
from pmt_helpers.device.cost_model import Device, find_device, predict_seconds
from pmt_helpers.device.logs import Log

HERTZ, AXES, BYTES_EACH, WINDOW_S = 20, 3, 4, 10.0  # WISDM's recordings, as 4-byte numbers

# What meters and their apps call their columns, in lower case and without units.
_NAMES = {
    "time": ("time", "timestamp", "datetime", "date", "elapsed", "elapsedtime", "seconds", "t", "times", "zeit"),
    "volts": ("volts", "volt", "voltage", "vbus", "v", "u", "voltagev", "spannung"),
    "amps": ("amps", "amp", "current", "ampere", "amperes", "ibus", "a", "i", "currenta", "strom"),
}
_REMEDY = "name the columns time, volts and amps"


@dataclass(frozen=True)
class Joules:
    """Of a device that trains on one core: all that it draws, and what is above an idle device."""

    total: float
    above_idle: float


def raw_bytes(windows: int) -> int:
    """Bytes of a number of windows as they were recorded."""
    return round(windows * WINDOW_S * HERTZ * AXES * BYTES_EACH)


def training_energy(device: str | Device, seconds: float) -> Joules:
    """Joules of a training. Raises ValueError for a device whose power nobody measured."""
    board = find_device(device)
    if math.isnan(board.idle_w) or math.isnan(board.stress_w):
        raise ValueError(f"the power of {board.name} under load is not in data/devices.csv: take another board")
    one_core = (board.stress_w - board.idle_w) / board.cores
    return Joules(seconds * (board.idle_w + one_core), seconds * one_core)


def upload_energy(n_bytes: float) -> pd.DataFrame:
    """Joules by radio: radio, low, high, source; from the fastest to the slowest link that was measured."""
    radios = pd.read_csv(shipped("radios.csv"))
    ends = {
        end: 8 * n_bytes * (radios["a"] + radios["b"] * (radios[f"rate_{rate}_kbps"] - radios["c"]))
        for end, rate in (("low", "high"), ("high", "low"))
    }
    return pd.DataFrame({"radio": radios["radio"], **ends, "source": radios["source"]})


def compare_energy(
    device: str | Device, windows: int, epochs: int = 100, kernels: Sequence[str] = ("numpy", "numba", "keras_fit")
) -> pd.DataFrame:
    """Training on a board, by kernel, and each way of uploading, in joules: what, kind, kernel, low, high, above_idle.

    Training is predicted for that board, its set-up included. Its low is what is above idle at the prediction's lower
    end, its high all that is drawn at the upper one: which counts depends on whether the device would be on anyway.
    kind: "training" or "upload"; above_idle: of training, at the predicted seconds.
    """
    board, rows = find_device(device), []
    for kernel in kernels:
        predicted = predict_seconds(board, kernel, windows * epochs)
        ends = training_energy(board, predicted.low).above_idle, training_energy(board, predicted.high).total
        middle = training_energy(board, predicted.seconds).above_idle
        rows.append((f"train on a {board.name}, {kernel}", "training", kernel, *ends, middle))
    uploads = upload_energy(raw_bytes(windows))
    for radio, low, high in uploads[["radio", "low", "high"]].to_numpy().tolist():
        rows.append((f"upload by {radio}", "upload", "", low, high, math.nan))
    return pd.DataFrame(rows, columns=["what", "kind", "kernel", "low", "high", "above_idle"])


@dataclass(frozen=True, eq=False)
class Meter:
    """A meter's readings in order of time. seconds: (n,), of UTC since 1970 if absolute, else of the meter's clock."""

    seconds: np.ndarray
    volts: np.ndarray
    amps: np.ndarray
    absolute: bool

    @property
    def watts(self) -> np.ndarray:
        """Power into the device, its losses and all that hangs on it included."""
        return self.volts * self.amps


def read_meter(path: str | Path) -> Meter:
    """A CSV with time, volts and amps, found by their names; mV and mA are known by the unit in the name.

    Commas, semicolons or tabs between columns; decimal commas where commas do not separate columns. Time: seconds, or
    dates, which are UTC unless they say otherwise. Raises DataError for a file in which these cannot be found.
    """
    path = Path(path)
    table = _read_table(path)
    columns = {what: _find_column(table, what, path) for what in _NAMES}
    numbers = (_parse_numbers(table[columns[what]], what, path) for what in ("volts", "amps"))
    volts, amps = (values * _unit(columns[what]) for what, values in zip(("volts", "amps"), numbers, strict=True))
    seconds, absolute = _parse_times(table[columns["time"]], path)
    if not absolute:
        seconds = seconds * _unit(columns["time"])
    if (np.diff(seconds) < 0).any():
        line = int(np.flatnonzero(np.diff(seconds) < 0)[0]) + 3
        file = f"{path}, line {line}"
        raise DataError(file=file, expected="times in order", found="an earlier one", remedy="sort the rows")
    return Meter(seconds, volts, amps, absolute)


def with_power(log: Log, meter: Meter, offset_s: float | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The log's spans with energy_j, and its samples with watts, NaN where the meter was not running.

    offset_s: added to the meter's seconds to make them the log's. Without it both clocks must be UTC.
    Energy is the integral of power over the span, by trapezoids. Raises ValueError when the clocks cannot be aligned.
    """
    if offset_s is None:
        if not meter.absolute or "utc" not in log.header:
            raise ValueError("these clocks are not both UTC: say offset_s, when the meter started in the log")
        offset_s = -pd.Timestamp(log.header["utc"]).timestamp()
    at, watts = meter.seconds + offset_s, meter.watts
    samples = log.samples.assign(watts=np.interp(log.samples["t_s"], at, watts, left=np.nan, right=np.nan))
    times = zip(log.spans["t_s"], log.spans["wall_s"], strict=True)
    spans = log.spans.assign(energy_j=[joules(at, watts, start, start + wall) for start, wall in times])
    return spans, samples


def joules(at: np.ndarray, watts: np.ndarray, start: float, stop: float) -> float:
    """Energy between two times, of power (n,) read at times (n,), straight lines between. NaN outside of them."""
    if not (len(at) and at[0] <= start and stop <= at[-1]):
        return float("nan")
    inside = (at > start) & (at < stop)
    ends = np.interp([start, stop], at, watts)
    return float(np.trapezoid([ends[0], *watts[inside], ends[1]], [start, *at[inside], stop]))


def _read_table(path: Path) -> pd.DataFrame:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "export it from the meter again"
        raise DataError(file=path, expected="a CSV file in UTF-8", found=str(error), remedy=remedy) from error
    first_line = text.lstrip().partition("\n")[0]
    separator = max(",;\t", key=first_line.count)
    if first_line.count(separator) < 2:
        raise DataError(file=path, expected="three columns or more", found=repr(first_line[:60]), remedy=_REMEDY)
    return pd.read_csv(StringIO(text), sep=separator, dtype=str, skipinitialspace=True).dropna(how="all")


def _find_column(table: pd.DataFrame, what: str, path: Path) -> str:
    for wanted in _NAMES[what]:
        for name in table.columns:
            if _without_unit(name) == wanted:
                return name
    raise DataError(file=path, expected=f"a column of {what}", found=", ".join(table.columns), remedy=_REMEDY)


def _without_unit(name: str) -> str:
    """ "Voltage (mV)" is "voltage"."""
    name = name.lower()
    for bracket in "([{":
        name = name.partition(bracket)[0]
    name = "".join(letter for letter in name if letter.isalnum() or letter == "_").strip("_")
    return next((name[: -len(end)] for end in ("_ma", "_mv", "_ms", "_v", "_a", "_s") if name.endswith(end)), name)


def _unit(name: str) -> float:
    """A thousandth where the name's unit is mV, mA or ms."""
    words = "".join(letter if letter.isalpha() else " " for letter in name.lower()).split()
    return 1e-3 if words and words[-1] in ("ma", "mv", "ms") else 1.0


def _parse_numbers(column: pd.Series, what: str, path: Path) -> np.ndarray:
    numbers = pd.to_numeric(column.str.replace(",", ".", regex=False), errors="coerce").to_numpy(float)
    invalid = np.flatnonzero(~np.isfinite(numbers))
    if len(invalid):
        file, found = f"{path}, line {invalid[0] + 2}", repr(column.iloc[invalid[0]])
        raise DataError(file=file, expected=f"{what} as a number", found=found, remedy=_REMEDY)
    return numbers


def _parse_times(column: pd.Series, path: Path) -> tuple[np.ndarray, bool]:
    """Seconds, and whether they are of UTC: dates are, and numbers beyond a billion, which no run lasts."""
    numbers = pd.to_numeric(column.str.replace(",", ".", regex=False), errors="coerce").to_numpy(float)
    if np.isfinite(numbers).all():
        return numbers, bool(len(numbers) and numbers[0] > 1e9)
    try:
        dates = pd.to_datetime(column, utc=True, format="ISO8601")
    except ValueError as error:
        expected = "seconds, or dates such as 2026-05-01T12:00:00Z"
        raise DataError(file=path, expected=expected, found=str(error), remedy=_REMEDY) from error
    return (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(float), True
