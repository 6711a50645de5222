"""Read logs of schema pi-profile/1: strictly, line by line, origins and machines kept apart. Notebook 06."""

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
from pmt_helpers.datasets.files import MB, open_plain, printable
from pmt_helpers.device.pi_profile import ORIGINS, PHASES, SCHEMA

EVENTS = ("header", "span", "sample", "end")
TEXTS = {"phase", "task", "kernel", "error"}
COUNTS = {
    *("updates", "n_samples", "epoch", "n_documents", "n_words", "n_tokens", "n_topics", "iteration"),
    *("ctx_vol", "ctx_invol", "minflt", "majflt", "throttled"),
}
NUMBERS = {
    *("t_s", "wall_s", "cpu_s", "rss_mb", "peak_rss_mb", "latency_ms_median", "latency_ms_p99"),
    *("power_w", "psi_cpu_s", "psi_mem_s", "psi_io_s", "mem_avail_mb", "energy_j"),
    *COUNTS,
}
MAX_LINE = 2**20  # bytes; a recorder's records have some hundreds
LARGEST_MB, MOST_LINES = 256, 2_000_000  # of a log: a sample a second for three weeks
SUFFIX = ".jsonl"
MACHINE = ("model", "cpu", "machine")  # the fields that tell machines apart, the best first
HEADER_TEXTS = (*MACHINE, "run_id", "task", "note", "utc", "python", "os")
ALWAYS = {"span": ("phase", "wall_s"), "sample": ("t_s", "throttled")}  # columns, of logs without such records, too
MAX_TEXT = 1000  # letters of one of them
TIMELESS = ("paper-digitised", "predicted")  # origins of numbers beside which no clock ran
_SLACK_S = 0.001  # times are rounded, and two threads write
_NOT_A_LOG = "record one with `python -m pmt_helpers profile --out log.jsonl`"


class InvalidRecord(ValueError):
    """A line that is not a valid record: what was expected, and what was found."""

    def __init__(self, expected: str, found: str) -> None:
        self.expected, self.found = expected, found
        super().__init__(f"expected {expected}, found {found}")


@dataclass(frozen=True, eq=False)
class Log:
    """A log in memory.

    header: as recorded. spans, samples: one row each; missing values NaN; freq_mhz is the mean over the cores.
    complete: whether the recorder wrote its end. notes: what a reader of its numbers should know.
    """

    path: Path
    header: Mapping[str, Any]
    spans: pd.DataFrame
    samples: pd.DataFrame
    complete: bool
    notes: tuple[str, ...]

    @property
    def origin(self) -> str:
        """How the numbers were obtained, one of pi_profile.ORIGINS."""
        return self.header["origin"]

    @property
    def machine(self) -> str:
        """The board's model, or else its processor; "" where the header says neither."""
        return next((self.header[name] for name in MACHINE if self.header.get(name)), "")


class Logs(dict[str, tuple[Log, ...]]):
    """Logs by origin. skipped: (name, reason) of each file that is no log: one bad file does not stop the others."""

    def __init__(self, logs: Iterable[Log] = (), skipped: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__()
        for log in logs:
            self[log.origin] = (*self.get(log.origin, ()), log)
        self.skipped = tuple(skipped)


def read_log(path: str | Path) -> Log:
    """One log. Fields that the schema does not have are ignored.

    A log cut off by a power failure is read up to its last whole record, and `notes` says so. Memory: eight bytes per
    number (about 100 per record), whatever the size of the text.
    Raises DataError, with the line, for a file that is not such a log, and for records damaged or out of order.
    """
    path = Path(path)
    reader = _Reader(path)
    try:
        file = open_plain(path, math.inf)
    except OSError as error:
        raise reader.refused("a log that can be opened", error.strerror or str(error), "check the path") from error
    with file:
        zeros = b""
        for line in iter(lambda: file.readline(MAX_LINE + 1), b""):
            if file.tell() > LARGEST_MB * MB or reader.n_lines > MOST_LINES:
                found = f"more than {LARGEST_MB} MB or {MOST_LINES:,} lines"
                raise reader.refused("a log", found, "is this a log?", reader.n_lines)
            if reader.header and len(line) > MAX_LINE and not line.strip(b"\0"):
                zeros = b"\0"  # a long block of zeros is read piece by piece, and counts as one
                continue
            reader.take(reader.n_lines + 1, zeros + line)
            zeros = b""
        if zeros:
            reader.take(reader.n_lines + 1, zeros)
    return reader.log()


def read_logs(folder: str | Path) -> Logs:
    """All *.jsonl of a folder by origin, in the order of their names; hidden files are passed over.

    The ending may be written in capitals. Files that read_log refuses are in `.skipped`, with the reason.
    Raises DataError for a folder that cannot be read.
    """
    try:
        paths = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() == SUFFIX)
    except OSError as error:
        found, remedy = error.strerror or str(error), "check the path"
        raise DataError(file=folder, expected="a folder of logs", found=found, remedy=remedy) from error
    logs, skipped = [], []
    for path in paths:
        if path.name.startswith("."):  # macOS puts ._mine.jsonl beside mine.jsonl
            continue
        try:
            logs.append(read_log(path))
        except DataError as error:
            line = error.file.removeprefix(str(path))
            skipped.append((printable(path.name) + line, f"expected {error.expected}, found {error.found}"))
    return Logs(logs, skipped)


def series(logs: Iterable[Log], origin: str) -> pd.DataFrame:
    """The spans of logs of one origin, one below the other, with columns origin, machine and run_id.

    Raises ValueError when a log has another origin: numbers obtained in different ways are never one series.
    """
    logs = list(logs)
    others = [f"{log.path.name} is {log.origin}" for log in logs if log.origin != origin]
    if others:
        raise ValueError(f"a series of {origin} has one origin, but {', '.join(others)}: make a series for each")
    if not logs:
        raise ValueError(f"no log of origin {origin}")
    spans = [log.spans.assign(origin=log.origin, machine=log.machine, run_id=log.header["run_id"]) for log in logs]
    return pd.concat(spans, ignore_index=True)


def seconds_of_spans(spans: pd.DataFrame) -> pd.Series:
    """CPU seconds of each span, since others may use the machine too; wall seconds where none were recorded."""
    return spans["cpu_s"].fillna(spans["wall_s"]) if "cpu_s" in spans else spans["wall_s"]


def parse_record(line: bytes, first: bool = False) -> dict[str, Any]:
    """The record of one line; of spans and samples, the fields that the schema has. Raises InvalidRecord.

    first: a byte order mark may stand before it, which some editors write.
    """
    try:
        record = _DECODER.decode(line.decode("utf-8-sig" if first else "utf-8").strip())
        if b"\\u" in line:  # half a character, written as an escape, cannot be printed or stored
            json.dumps(record, ensure_ascii=False).encode()
    except InvalidRecord:
        raise
    except (ValueError, RecursionError):  # not UTF-8, not JSON, thousands of digits or of brackets
        raise InvalidRecord("a JSON object in UTF-8", _excerpt(line)) from None
    if not isinstance(record, dict) or record.get("ev") not in EVENTS:
        raise InvalidRecord(f"an object with ev, one of {', '.join(EVENTS)}", _excerpt(line))
    if record["ev"] == "header":
        return record
    fields = {name: _check_field(name, value) for name, value in record.items() if name in NUMBERS or name in TEXTS}
    if record["ev"] == "span":
        if fields.get("phase") not in PHASES:
            raise InvalidRecord(f"a phase, one of {', '.join(PHASES)}", repr(fields.get("phase")))
        if "wall_s" not in fields:
            raise InvalidRecord("wall_s in each span", "none")
    for name in ("temp_c", "freq_mhz"):
        if name in record:
            fields[name] = _reading(name, record[name])
    return {"ev": record["ev"], **fields}


def _check_field(name: str, value: Any) -> Any:
    if name in TEXTS:
        if type(value) is not str:
            raise InvalidRecord(f"{name} as text", repr(value))
        return value
    kind = type(value)
    if kind is not float and kind is not int:  # not isinstance: True is an int
        raise InvalidRecord(f"{name} as a number", repr(value))
    if name in COUNTS and kind is not int:
        raise InvalidRecord(f"{name} as a whole number", repr(value))
    if not 0 <= value < 1e18:
        raise InvalidRecord(f"{name} from zero on, below 1e18", str(value)[:60])
    return value


def _reading(name: str, value: Any) -> float:
    """A temperature, which may lie below zero, or the mean clock of the cores."""
    values = value if isinstance(value, list) and name == "freq_mhz" and value else [value]
    if any(type(number) not in (int, float) or not abs(number) < 1e9 for number in values):
        several = " or a list of them" if name == "freq_mhz" else ""
        raise InvalidRecord(f"{name} as a number{several}", repr(value)[:60])
    return math.fsum(values) / len(values)


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidRecord("numbers", name)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _excerpt(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


class _Columns:
    """A growing table. Fields that a record lacks are NaN there; texts are kept as categories."""

    def __init__(self) -> None:
        self._n = 0
        self._numbers: dict[str, array] = {}
        self._codes: dict[str, array] = {}
        self._words: dict[str, dict[str, int]] = {}

    def add(self, record: dict[str, Any]) -> None:
        """Append one row."""
        n = self._n
        for name, value in record.items():
            if name == "ev":
                continue
            if name in TEXTS:
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

    def frame(self, always: Iterable[str] = ()) -> pd.DataFrame:
        """The table, texts first; columns that are always there are NaN where nothing was said. Nothing is copied."""
        columns: dict[str, Any] = {}
        for name, codes in self._codes.items():
            codes.extend([-1] * (self._n - len(codes)))
            words = pd.Index(list(self._words[name]))
            columns[name] = pd.Categorical.from_codes(np.frombuffer(codes, np.int32), words)
        for name, numbers in self._numbers.items():
            numbers.extend([np.nan] * (self._n - len(numbers)))
            columns[name] = np.frombuffer(numbers, float)
        columns |= {name: np.full(self._n, np.nan) for name in always if name not in columns}
        return pd.DataFrame(columns, index=pd.RangeIndex(self._n), copy=False)


class _Reader:
    """Takes a log line by line: the header, then spans and samples in the order of time, at last the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: dict[str, Any] = {}
        self.tables = {"span": _Columns(), "sample": _Columns()}
        self.latest = {"span": 0.0, "sample": 0.0}
        self.complete, self.n_lines, self.cut = False, 0, ""

    def take(self, number: int, line: bytes) -> None:
        self.n_lines = number
        if len(line) > MAX_LINE:
            found = f"one of more than {MAX_LINE:,}"
            raise self.refused("records of some hundred bytes", found, "is this a log?", number)
        if not line.strip(b"\0\r\n\t "):  # some file systems leave blocks of zeros where power failed
            self.cut = "" if line.endswith(b"\n") else "in a block of zeros"
            return
        try:
            record = parse_record(line, first=not self.header)
        except InvalidRecord as invalid:
            if not line.endswith(b"\n") and self.header:
                self.cut = f"in its last record, line {number}"
                return
            remedy = "take the line out if you know why, or record again" if self.header else _NOT_A_LOG
            raise self.refused(invalid.expected, invalid.found, remedy, number) from None
        event = record["ev"]
        if not self.header:
            self._begin(number, record)
        elif event == "header":
            raise self.refused("one header", "a second one", "keep each run in a file of its own", number)
        elif self.complete:
            raise self.refused("nothing after the end", f"a {event}", "keep each run in a file of its own", number)
        elif event == "end":
            self._check_time(number, "end", record.get("t_s"), max(self.latest.values()))
            self.complete = True
        else:
            # records are written when a span ends or a sample is taken
            written_at = record["t_s"] + record.get("wall_s", 0.0) if "t_s" in record else None
            self._check_time(number, event, written_at, self.latest[event])
            self.latest[event] = written_at or self.latest[event]
            self.tables[event].add(record)

    def _begin(self, number: int, record: dict[str, Any]) -> None:
        if record["ev"] != "header":
            raise self.refused("a header first", f"a {record['ev']}", _NOT_A_LOG, number)
        if record.get("schema") != SCHEMA:
            found = f"schema {record['schema']!r}" if "schema" in record else "a header without schema"
            raise self.refused(f"schema {SCHEMA}", found, "record it again with this version", number)
        if record.get("origin") not in ORIGINS:
            found = f"origin {record['origin']!r}" if "origin" in record else "a header without origin"
            remedy = "a log that does not say how it was obtained cannot be compared with any other"
            raise self.refused(f"origin, one of {', '.join(ORIGINS)}", found, remedy, number)
        if not isinstance(record.get("run_id"), str):
            raise self.refused("a run_id", "none, or no text", "give the run a name in its header", number)
        for name in HEADER_TEXTS:
            if record.get(name) is not None and not (isinstance(record[name], str) and len(record[name]) <= MAX_TEXT):
                found, remedy = f"{type(record[name]).__name__} {repr(record[name])[:40]}", "correct the header"
                raise self.refused(f"{name}: a text of at most {MAX_TEXT:,} letters", found, remedy, number)
        limit = record.get("mem_limit_mb", 0.0)
        if type(limit) not in (int, float) or not 0 <= limit < 1e9:
            raise self.refused("mem_limit_mb: megabytes", repr(limit)[:40], "correct the header", number)
        self.header = record

    def _check_time(self, number: int, event: str, now: float | None, before: float) -> None:
        if now is None and self.header["origin"] not in TIMELESS:
            raise self.refused(f"a time, t_s, in each {event}", "none", "record it again", number)
        if now is not None and now < before - _SLACK_S:
            found = f"{now:g} s after {before:g} s"
            raise self.refused("time that runs forward", found, "two runs in one file? take them apart", number)

    def log(self) -> Log:
        if not self.header:
            found = "no whole record" if self.n_lines else "an empty file"
            raise self.refused("a header, then spans and samples", found, _NOT_A_LOG)
        notes = [self.header["note"]] if self.header.get("note") else []
        if not self.complete:
            where = f"cut off {self.cut}" if self.cut else "without an end: the recorder was stopped"
            notes.append(f"{where}; read up to the last whole record")
        spans, samples = (self.tables[event].frame(columns) for event, columns in ALWAYS.items())
        return Log(self.path, self.header, spans, samples, self.complete, tuple(notes))

    def refused(self, expected: str, found: str, remedy: str, line: int | None = None) -> DataError:
        where = f"{self.path}, line {line}" if line else self.path
        return DataError(file=where, expected=expected, found=found, remedy=remedy)
