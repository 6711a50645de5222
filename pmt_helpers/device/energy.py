"""Joules: training at home against sending the raw windows away, and a USB meter beside a log. Notebook 06.

Rough on both sides, so ranges: one busy core is taken to draw a quarter of what four draw above idle, and radios were
measured on a phone of the paper's time, downloading. 4G and 5G are missing: measurements exist (Huang et al. 2012,
Narayanan et al. 2021), but their numbers could not be checked here.
"""

import codecs
import csv
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import open_plain, shipped
from pmt_helpers.device.cost_model import Device, find_device, predict_seconds
from pmt_helpers.device.logs import Log

HERTZ, AXES, BYTES_EACH, WINDOW_S = 20, 3, 4, 10.0  # WISDM's recordings, as 4-byte numbers

# What meters and their apps call their columns, in lower case, and the units that they write, in our units. A column
# may also be called after its unit alone.
_NAMES = {
    "time": ("timestamp", "datetime", "date", "time", "elapsedtime", "elapsed", "zeit", "t"),
    "volts": ("voltage", "vbus", "spannung", "u"),
    "amps": ("current", "ibus", "strom", "i"),
}
_UNITS = {
    "time": {
        **dict.fromkeys(("s", "sec", "second", "seconds", "sekunden"), 1.0),
        **dict.fromkeys(("ms", "msec", "millis", "milliseconds"), 1e-3),
        **dict.fromkeys(("us", "usec", "micros", "microseconds"), 1e-6),
        **dict.fromkeys(("ns", "nanoseconds"), 1e-9),
        **dict.fromkeys(("min", "mins", "minute", "minutes", "minuten"), 60.0),
        **dict.fromkeys(("h", "hr", "hour", "hours", "stunden"), 3600.0),
    },
    "volts": {"v": 1.0, "volt": 1.0, "volts": 1.0, "mv": 1e-3, "millivolts": 1e-3, "uv": 1e-6, "microvolts": 1e-6},
    "amps": {
        **dict.fromkeys(("a", "amp", "amps", "ampere", "amperes"), 1.0),
        **dict.fromkeys(("ma", "milliamp", "milliamps", "milliamperes"), 1e-3),
        **dict.fromkeys(("ua", "microamp", "microamps", "microamperes"), 1e-6),
        **dict.fromkeys(("na", "nanoamps", "nanoamperes"), 1e-9),
    },
}
_NO_UNITS = ("", "utc", "gmt", "iso", "unix", "hhmmss")  # in brackets behind a time
_SINCE_1970 = (1e9, 4e9)  # seconds of the years 2001 and 2096: numbers between them are dates
_SCALES = (1.0, 1e-3, 1e-6, 1e-9)  # of such dates, where no unit is written
_DAY = 86_400
_PREAMBLE, _LONGEST = 50, 10_000  # lines before the names; letters of the line of names
LARGEST_MB, LARGEST = 64, 1e6  # of a file; volts or amperes
_NUMBER = re.compile(r"([+-]?[\d.,]*\d(?:[eE][+-]?\d{1,3})?)\s*([^\W\d_]*)")
_GROUPS = re.compile(r"(?<=\d)[\u00a0\u202f'\u2019 ](?=\d{3})")  # thousands
_CLOCK = re.compile(r"(\d{1,2}):(\d\d):(\d\d(?:[.,]\d{1,9})?)")
_REMEDY = "name the columns time, volts and amps, with their units, as in `current (mA)`"


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
    """A CSV with time, volts and amps, found by their names: "Current (mA)", "current_mA", "milliamps" and others.

    Units stand in the names, in a line below them, or behind each number; without any they are seconds, volts and
    amperes. Between columns stand commas, semicolons, tabs or spaces; where no commas do, commas may be decimal.
    Lines before the names are passed over. Time: numbers, a clock (12:00:01), or dates such as 2026-05-01T12:00:01Z,
    which are UTC unless they say otherwise; numbers since 1970 in s, ms, us or ns are dates, too.
    Raises DataError, with the line, where these cannot be found, for units that are not known and for numbers that may
    be read in two ways.
    """
    path = Path(path)
    names, lines, rows, separator = _read_table(path)
    columns, units = {}, {}
    for what in _NAMES:
        columns[what], units[what] = _find_column(names, what, path)
    below = {what: _letters(rows[0][column]) for what, column in columns.items()} if rows else {}
    if rows and all(below[what] in _UNITS[what] and units[what] is None for what in _UNITS):
        units = {what: _UNITS[what][below[what]] for what in _UNITS}
        rows, lines = rows[1:], lines[1:]
    if not rows:
        raise DataError(file=path, expected="readings below the names", found="none", remedy="export the readings")
    comma = _decimal_comma([row[columns[what]] for row in rows for what in ("volts", "amps")], separator, path)

    def numbers(what: str) -> np.ndarray:
        values = np.array([_number(row[columns[what]], what, units[what], comma) for row in rows])
        for place in np.flatnonzero(~(np.abs(values) <= (np.inf if what == "time" else LARGEST)))[:1]:
            file, found = f"{path}, line {lines[place]}", repr(rows[place][columns[what]][:60])
            raise DataError(file=file, expected=f"{what} as a number", found=found, remedy=_REMEDY)
        return values

    volts, amps = numbers("volts"), numbers("amps")
    texts = [row[columns["time"]].strip() for row in rows]
    day = next((place for place, name in enumerate(names) if _letters(name) == "date"), None)
    clock = next((place for place, name in enumerate(names) if _letters(name) == "time"), None)
    if day is not None and clock is not None:
        texts = [f"{row[day].strip()}T{row[clock].strip()}" for row in rows]
    seconds, absolute = _parse_times(texts, units["time"], path)
    for place in np.flatnonzero(~(np.diff(seconds, prepend=seconds[0]) >= 0))[:1]:
        file = f"{path}, line {lines[place]}"
        raise DataError(file=file, expected="times in order", found=repr(texts[place][:60]), remedy="sort the rows")
    return Meter(seconds, volts, amps, absolute)


def with_power(log: Log, meter: Meter, offset_s: float | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The log's spans with energy_j, and its samples with watts, NaN where the meter was not running.

    offset_s: added to the meter's seconds to make them the log's. Without it both clocks must be UTC.
    Energy is the integral of power over the span, by trapezoids. Raises ValueError when the clocks cannot be aligned,
    and when the meter did not run during any span.
    """
    if offset_s is None:
        if not meter.absolute or "utc" not in log.header:
            raise ValueError("these clocks are not both UTC: say offset_s, when the meter started in the log")
        offset_s = -pd.Timestamp(log.header["utc"]).timestamp()
    at, watts = meter.seconds + offset_s, meter.watts
    samples = log.samples.assign(watts=np.interp(log.samples["t_s"], at, watts, left=np.nan, right=np.nan))
    times = zip(log.spans["t_s"], log.spans["wall_s"], strict=True)
    spans = log.spans.assign(energy_j=[joules(at, watts, start, start + wall) for start, wall in times])
    if len(spans) and spans["energy_j"].isna().all():
        ran, log_ran = f"{at[0]:,.1f} to {at[-1]:,.1f} s of the log's clock", f"{log.spans['t_s'].max():,.1f} s"
        raise ValueError(f"the meter ran from {ran}, the log until {log_ran}: no span lies inside; check offset_s")
    return spans, samples


def joules(at: np.ndarray, watts: np.ndarray, start: float, stop: float) -> float:
    """Energy between two times, of power (n,) read at times (n,), straight lines between. NaN outside of them."""
    if not (len(at) and at[0] <= start and stop <= at[-1]):
        return float("nan")
    inside = (at > start) & (at < stop)
    ends = np.interp([start, stop], at, watts)
    return float(np.trapezoid([ends[0], *watts[inside], ends[1]], [start, *at[inside], stop]))


def _read_table(path: Path) -> tuple[list[str], list[int], list[list[str]], str]:
    """Names of the columns; the line of each row in the file; the rows, as long as the names; the separator."""
    wrong = partial(DataError, file=path, remedy="export it from the meter again, as CSV")
    try:
        with open_plain(path, LARGEST_MB) as file:
            raw = file.read()
        if raw.startswith((b"\x1f\x8b", b"PK\3\4")):
            raise wrong(expected="a CSV file", found="a packed file, or a spreadsheet")
        utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = raw.decode("utf-16" if utf16 else "utf-8-sig")
    except OSError as error:
        raise wrong(expected="a CSV file", found=error.strerror or str(error)) from error
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # older programs write \xb5 for micro; a name that is not known is refused below
    lines = text.rstrip("\0").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    named = next((number for number, line in enumerate(lines[:_PREAMBLE]) if _has_all(line)), None)
    start = next((number for number, line in enumerate(lines) if line.strip()), 0) if named is None else named
    separator = _separator(lines[start])
    if not separator or len(lines[start]) > _LONGEST:
        found = repr(lines[start][:60]) if text.strip() else "an empty file"
        raise wrong(expected="three columns or more", found=found, remedy=_REMEDY)
    names, numbers, rows = _split(lines[start], separator), [], []
    for number, line in enumerate(lines[start + 1 :], start=start + 2):
        if not line.strip(" \t,;\0"):
            continue
        cells = _split(line, separator)
        if len(cells) < len(names) or any(cells[len(names) :]):
            where, found = f"{path}, line {number}", f"{len(cells)}: {line[:60]!r}"
            raise wrong(file=where, expected=f"{len(names)} cells, one below each name", found=found)
        numbers.append(number)
        rows.append(cells[: len(names)])
    return names, numbers, rows, separator


def _separator(line: str) -> str:
    """What stands between the columns; "" where there are fewer than three."""
    counts = {mark: line.count(mark) for mark in ",;\t"}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] >= 2 else " " if len(line.split()) >= 3 else ""


def _split(line: str, separator: str) -> list[str]:
    if '"' not in line:
        return line.split() if separator == " " else line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    except csv.Error:
        return [line]


def _has_all(line: str) -> bool:
    names = _split(line, _separator(line) or " ") if len(line) <= _LONGEST else []
    return all(any(_name_and_unit(name, what) is not None for name in names) for what in _NAMES)


def _letters(text: str) -> str:
    """The letters alone, in lower case, and u for micro, which has two characters of its own."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u03bc", "u")
    return "".join(filter(str.isalpha, plain))


def _name_and_unit(name: str, what: str) -> tuple[int, float | None] | None:
    """Of a column's name: its place in _NAMES, and its unit, None where none is written. None for another column.

    Raises KeyError for a unit in brackets that is not known.
    """
    plain = unicodedata.normalize("NFKC", name).strip()
    bare, bracket, unit = re.fullmatch(r"([^(\[{]*)([(\[{]?)([^)\]}]*).*", plain, re.DOTALL).groups()  # type: ignore[union-attr]
    letters = _letters(re.sub(r"\bin\b", "", bare))
    if letters in _UNITS[what] and _letters(unit) in ("", letters):
        scale = _UNITS[what][letters]
        return len(_NAMES[what]), None if scale == 1.0 else scale  # a column "amps" may hold "600 mA"
    for place, wanted in enumerate(_NAMES[what]):
        rest = letters.removeprefix(wanted)
        if not letters.startswith(wanted) or (rest and rest not in _UNITS[what]):
            continue
        if rest:
            return place, _UNITS[what][rest]
        if _letters(unit) in _NO_UNITS and (what == "time" or not bracket):
            return place, None
        return place, _UNITS[what].get(_letters(unit), math.nan)
    if letters in _UNITS[what]:
        return len(_NAMES[what]), _UNITS[what].get(_letters(unit), math.nan)
    return None


def _find_column(names: list[str], what: str, path: Path) -> tuple[int, float | None]:
    """Its place and its unit, None where none is written."""
    found = {place: parsed for place, name in enumerate(names) if (parsed := _name_and_unit(name, what)) is not None}
    best = min((parsed[0] for parsed in found.values()), default=None)
    columns = [place for place, parsed in found.items() if parsed[0] == best]
    listed = ", ".join(name[:40] for name in names)[:200]
    if len(columns) != 1:
        expected = f"a column of {what}" if not columns else f"one column of {what}"
        raise DataError(file=path, expected=expected, found=listed, remedy=_REMEDY)
    unit = found[columns[0]][1]
    if unit is not None and math.isnan(unit):
        expected = f"a unit of {what}, one of {', '.join(_UNITS[what])}"
        raise DataError(file=path, expected=expected, found=repr(names[columns[0]][:60]), remedy=_REMEDY)
    return columns[0], unit


def _decimal_comma(texts: list[str], separator: str, path: Path) -> bool:
    """Whether a comma is the decimal mark: where no groups of three digits explain it.

    Raises DataError when numbers may be read in two ways: 5,000 with columns not separated by commas, or both marks.
    """
    texts = [text for text in texts if "," in text or "." in text]
    commas = [text for text in texts if "," in text]
    decimal = any(re.search(r"\..*,|,(?!\d{3}(\D|$))|^\D*0,", text) for text in commas)
    points = any(re.search(r",.*\.", text) or "," not in text for text in texts)
    if commas and ((decimal and points) or (separator != "," and not decimal)):
        found = f"numbers such as {commas[0][:20]!r}, which may be read in two ways"
        raise DataError(file=path, expected="one decimal mark", found=found, remedy="export it with decimal points")
    return decimal


def _number(text: str, what: str, unit: float | None, comma: bool) -> float:
    """The number in our unit; NaN for what is none, or has another unit than its column."""
    match = _NUMBER.fullmatch(_GROUPS.sub("", unicodedata.normalize("NFKC", text).strip()))
    if match is None:
        return math.nan
    digits, written = match.groups()
    thousands, mark = (".", ",") if comma else (",", ".")
    whole = digits.partition(mark)[0]
    if thousands in digits and not re.fullmatch(rf"[+-]?\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+", whole):
        return math.nan
    own = _UNITS[what].get(_letters(written), math.nan) if written else None
    if own is not None and unit is not None and own != unit:
        return math.nan
    try:
        return float(digits.replace(thousands, "").replace(mark, ".")) * (own or unit or 1.0)
    except ValueError:
        return math.nan


def _parse_times(texts: list[str], unit: float | None, path: Path) -> tuple[np.ndarray, bool]:
    """Seconds, and whether they are of UTC: dates are, and numbers that are seconds since 1970."""
    low, high = _SINCE_1970
    comma = any("," in text for text in texts) and not any("." in text for text in texts)
    numbers = np.array([_number(text, "time", unit, comma) for text in texts])
    expected = "seconds, a clock such as 12:00:01, or dates such as 2026-05-01T12:00:00Z"
    wrong = partial(DataError, file=path, expected=expected, remedy=_REMEDY)
    if np.isfinite(numbers).all():
        scales = _SCALES if unit is None else (1.0,)
        for scale in scales:
            if low <= numbers[0] * scale < high:
                return numbers * scale, True
        if abs(numbers[0]) >= low:
            raise wrong(found=f"{texts[0][:40]!r}, which is a date in no unit that is known")
        return numbers, False
    clocks = [_CLOCK.fullmatch(text) for text in texts]
    if all(clocks):
        parts = [[float(part.replace(",", ".")) for part in clock.groups()] for clock in clocks if clock]
        seconds = np.array(parts) @ [3600.0, 60.0, 1.0]
        midnights = np.cumsum(np.diff(seconds, prepend=seconds[0]) < -_DAY / 2)
        return seconds + _DAY * midnights, False
    try:
        dates = pd.to_datetime(pd.Series(texts), utc=True, format="ISO8601")
        seconds = (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(float)
    except (ValueError, OverflowError) as error:
        raise wrong(found=str(error).partition(";")[0][:100]) from error
    if not np.isfinite(seconds).all():
        raise wrong(found=f"{texts[int(np.argmin(np.isfinite(seconds)))][:40]!r}")
    return seconds, True
