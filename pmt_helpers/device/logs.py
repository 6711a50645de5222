"""Reading logs of schema pi-profile/1: strictly, a piece at a time, origins kept apart. Notebook 05, step 1."""

import json
import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.device.pi_profile import ORIGINS, PHASES, SCHEMA

EVENTS = ("header", "span", "sample", "end")


COUNTS = (
    "updates",
    "n_samples",
    "epoch",
    "n_documents",
    "n_words",
    "n_tokens",
    "n_topics",
    "iteration",
    "ctx_vol",
    "ctx_invol",
    "minflt",
    "majflt",
    "throttled",
)


NUMBERS = (
    *("t_s", "wall_s", "cpu_s", "rss_mb", "peak_rss_mb", "latency_ms_median", "latency_ms_p99"),
    *("power_w", "psi_cpu_s", "psi_mem_s", "psi_io_s", "mem_avail_mb", "energy_j"),
    *COUNTS,
)


TEXTS = ("phase", "task", "kernel", "error")


_NUMBERS, _TEXTS, _COUNTS = frozenset(NUMBERS), frozenset(TEXTS), frozenset(COUNTS)


class Bad(ValueError):
    """A line that is no record: what was expected, and what was found."""

    def __init__(self, expected: str, found: str) -> None:
        self.expected, self.found = expected, found
        super().__init__(f"expected {expected}, found {found}")


def record_of(line: bytes, first: bool = False) -> dict[str, Any]:
    """The record of one line; of spans and samples, the fields that the schema has. Raises Bad.

    first: a byte order mark may stand before it, which some editors leave there.
    """
    try:
        record = _DECODER.decode(line.decode("utf-8-sig" if first else "utf-8").strip())
    except Bad:
        raise
    except (ValueError, RecursionError):  # no UTF-8, no JSON, a number of thousands of digits, brackets without end
        raise Bad("a JSON object in UTF-8", _shown(line)) from None
    if not isinstance(record, dict) or record.get("ev") not in EVENTS:
        raise Bad(f"an object with ev, one of {', '.join(EVENTS)}", _shown(line))
    if record["ev"] == "header":
        return record
    known = {name: _checked(name, value) for name, value in record.items() if name in _NUMBERS or name in _TEXTS}
    if record["ev"] == "span":
        if known.get("phase") not in PHASES:
            raise Bad(f"a phase, one of {', '.join(PHASES)}", repr(known.get("phase")))
        if "wall_s" not in known:
            raise Bad("wall_s in each span", "none")
    for name in ("temp_c", "freq_mhz"):
        if name in record:
            known[name] = _reading(name, record[name])
    return {"ev": record["ev"], **known}


def seconds_of(record: dict[str, Any]) -> float | None:
    """When a span ended or a sample was taken: the order in which they were written."""
    return record["t_s"] + record.get("wall_s", 0.0) if "t_s" in record else None


def _checked(name: str, value: Any) -> Any:
    if name in _TEXTS:
        if type(value) is not str:
            raise Bad(f"{name} as text", repr(value))
        return value
    kind = type(value)
    if kind is not float and kind is not int:  # not isinstance: True is an int
        raise Bad(f"{name} as a number", repr(value))
    if name in _COUNTS and kind is not int:
        raise Bad(f"{name} as a whole number", repr(value))
    if not 0 <= value < 1e18:
        raise Bad(f"{name} from zero on, below 1e18", str(value)[:60])
    return value


def _reading(name: str, value: Any) -> float:
    """A temperature, which may lie below zero, or the mean clock of the cores."""
    values = value if isinstance(value, list) and name == "freq_mhz" and value else [value]
    if any(type(one) not in (int, float) or not abs(one) < 1e9 for one in values):
        raise Bad(f"{name} as a number" + (" or a list of them" if name == "freq_mhz" else ""), repr(value)[:60])
    return math.fsum(values) / len(values)


def _refuse_constant(name: str) -> NoReturn:
    raise Bad("numbers", name)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


_TEXTS_columns = frozenset(TEXTS)


class Columns:
    """A growing table. Fields that a record lacks are NaN there; text is kept as a category."""

    def __init__(self) -> None:
        self._n = 0
        self._numbers: dict[str, array] = {}
        self._codes: dict[str, array] = {}
        self._words: dict[str, dict[str, int]] = {}

    def add(self, record: dict[str, Any]) -> None:
        """One row: numbers, and the texts that the schema has."""
        n = self._n
        for name, value in record.items():
            if name == "ev":
                continue
            if name in _TEXTS_columns:
                words = self._words.setdefault(name, {})
                value = words.setdefault(value, len(words))
                column = self._codes.setdefault(name, array("i"))
                missing: Any = -1
            else:
                column = self._numbers.get(name) or self._numbers.setdefault(name, array("d"))
                missing = np.nan
            if len(column) < n:
                column.extend([missing] * (n - len(column)))
            column.append(value)
        self._n = n + 1

    def frame(self) -> pd.DataFrame:
        """The table, texts first. The columns are not copied."""
        found: dict[str, Any] = {}
        for name, column in self._codes.items():
            column.extend([-1] * (self._n - len(column)))
            found[name] = pd.Categorical.from_codes(np.frombuffer(column, np.int32), pd.Index(list(self._words[name])))
        for name, numbers in self._numbers.items():
            numbers.extend([np.nan] * (self._n - len(numbers)))
            found[name] = np.frombuffer(numbers, float)
        return pd.DataFrame(found, index=pd.RangeIndex(self._n), copy=False)


MAX_LINE = 2**20  # bytes; a record of a recorder has some hundreds


TIMELESS = ("paper-digitised", "predicted")  # origins of numbers that no clock ran beside


_SLACK_S = 0.001  # times are rounded, and two threads write


@dataclass(frozen=True, eq=False)
class Log:
    """A log in memory.

    header: as recorded. spans, samples: a row each; missing values NaN; freq_mhz is the mean over the cores. complete:
    whether the recorder wrote its end. notes: what a reader of its numbers should know.
    """

    path: Path
    header: Mapping[str, Any]
    spans: pd.DataFrame
    samples: pd.DataFrame
    complete: bool
    notes: tuple[str, ...]

    @property
    def origin(self) -> str:
        """How the numbers were obtained, one of recorder.ORIGINS."""
        return self.header["origin"]


def read_log(path: str | Path) -> Log:
    """One log. Fields that the schema does not have are ignored.

    A log cut off by a power failure is read up to its last whole record, and `notes` says so. Memory: eight bytes a
    number (about 100 a record), whatever the size of the text.
    Raises DataError, with the line, for a file that is no such log, and for records that are damaged or out of order.
    """
    path = Path(path)
    reader = _Reader(path)
    try:
        file = path.open("rb")
    except OSError as error:
        raise reader.refused("a log that can be opened", error.strerror or str(error), "check the path") from error
    with file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), start=1):
            reader.take(number, line)
    return reader.log()


def read_logs(folder: str | Path) -> dict[str, tuple[Log, ...]]:
    """All *.jsonl of a folder by origin, in order of their names. Raises DataError as read_log does."""
    found: dict[str, tuple[Log, ...]] = {}
    for path in sorted(Path(folder).glob("*.jsonl")):
        log = read_log(path)
        found[log.origin] = (*found.get(log.origin, ()), log)
    return found


def series(logs: Iterable[Log], origin: str) -> pd.DataFrame:
    """The spans of logs of one origin, one below the other, with columns origin and run_id.

    Raises ValueError when a log has another origin: numbers obtained in different ways are never one series.
    """
    logs = list(logs)
    others = [f"{log.path.name} is {log.origin}" for log in logs if log.origin != origin]
    if others:
        raise ValueError(f"a series of {origin} takes no other origin, but {', '.join(others)}: draw them apart")
    if not logs:
        raise ValueError(f"no log of origin {origin}")
    return pd.concat([_named(log) for log in logs], ignore_index=True)


def seconds_of_spans(spans: pd.DataFrame) -> pd.Series:
    """CPU seconds of each span, since others may use the machine too; wall seconds where none were recorded."""
    return spans["cpu_s"].fillna(spans["wall_s"]) if "cpu_s" in spans else spans["wall_s"]


def _named(log: Log) -> pd.DataFrame:
    return log.spans.assign(origin=log.origin, run_id=log.header["run_id"])


class _Reader:
    """Takes a log line by line: the header first, then spans and samples in the order of time, at last the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: dict[str, Any] = {}
        self.tables = {"span": Columns(), "sample": Columns()}
        self.latest = {"span": 0.0, "sample": 0.0}
        self.complete, self.lines, self.cut = False, 0, ""

    def take(self, number: int, line: bytes) -> None:
        self.lines = number
        if len(line) > MAX_LINE:
            raise self.refused(
                "records of some hundred bytes", f"one of more than {MAX_LINE:,}", "is this a log?", number
            )
        if not line.strip(b"\0\r\n\t "):  # blocks of zeros are what some file systems leave where power failed
            self.cut = "" if line.endswith(b"\n") else "in a block of zeros"
            return
        try:
            record = record_of(line, first=not self.header)
        except Bad as bad:
            if not line.endswith(b"\n") and self.header:
                self.cut = f"in its last record, line {number}"
                return
            remedy = "take the line out if you know why, or record again" if self.header else _NO_LOG
            raise self.refused(bad.expected, bad.found, remedy, number) from None
        self._file(number, record)

    def _file(self, number: int, record: dict[str, Any]) -> None:
        event = record["ev"]
        if not self.header:
            self._begin(number, record)
        elif event == "header":
            raise self.refused("one header", "a second one", "keep each run in a file of its own", number)
        elif self.complete:
            raise self.refused("nothing after the end", f"a {event}", "keep each run in a file of its own", number)
        elif event == "end":
            self._in_time(number, "end", record.get("t_s"), max(self.latest.values()))
            self.complete = True
        else:
            self._in_time(number, event, seconds_of(record), self.latest[event])
            self.latest[event] = seconds_of(record) or self.latest[event]
            self.tables[event].add(record)

    def _begin(self, number: int, record: dict[str, Any]) -> None:
        if record["ev"] != "header":
            raise self.refused("a header first", f"a {record['ev']}", _NO_LOG, number)
        if record.get("schema") != SCHEMA:
            found = f"schema {record['schema']!r}" if "schema" in record else "a header without schema"
            raise self.refused(f"schema {SCHEMA}", found, "record it again with this version", number)
        if record.get("origin") not in ORIGINS:
            found = f"origin {record['origin']!r}" if "origin" in record else "a header without origin"
            remedy = "a log that does not say how it was obtained cannot be compared with any other"
            raise self.refused(f"origin, one of {', '.join(ORIGINS)}", found, remedy, number)
        if not isinstance(record.get("run_id"), str):
            raise self.refused("a run_id", "none, or no text", "give the run a name in its header", number)
        self.header = record

    def _in_time(self, number: int, event: str, now: float | None, before: float) -> None:
        if now is None and self.header["origin"] not in TIMELESS:
            raise self.refused(f"a time, t_s, in each {event}", "none", "record it again", number)
        if now is not None and now < before - _SLACK_S:
            found = f"{now:g} s after {before:g} s"
            raise self.refused("time that runs forward", found, "two runs in one file? take them apart", number)

    def log(self) -> Log:
        if not self.header:
            found = "no whole record" if self.lines else "an empty file"
            raise self.refused("a header, then spans and samples", found, _NO_LOG)
        notes = [self.header["note"]] if self.header.get("note") else []
        if not self.complete:
            where = f"cut off {self.cut}" if self.cut else "without an end: the recorder was stopped"
            notes.append(f"{where}; read up to the last whole record")
        frames = {event: table.frame() for event, table in self.tables.items()}
        return Log(self.path, self.header, frames["span"], frames["sample"], self.complete, tuple(notes))

    def refused(self, expected: str, found: str, remedy: str, line: int | None = None) -> DataError:
        where = f"{self.path}, line {line}" if line else self.path
        return DataError(file=where, expected=expected, found=found, remedy=remedy)


_NO_LOG = "record one with `python -m pmt_helpers profile --out log.jsonl`"
