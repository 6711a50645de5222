"""A recording of your own phone or watch: the file that an app exported becomes even readings in m/s2. Notebook 02.

Columns are found by their names, never by their places. What names cannot tell, such as unit and gravity, is held
against the data, and what was decided stands in .notes. What stays uncertain is refused. Nothing is written and nothing
leaves this machine; of an archive only the tables of the accelerometer are opened, never places, sound or pictures.
"""

import codecs
import csv
import io
import itertools
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np

from pmt_helpers.datasets.arrays import DAMAGED
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import MB, open_plain, printable, read_unpacked

G = 9.80665  # m/s2, what apps take for one g
LARGEST_MB, LARGEST_XLS_MB, LARGEST_ZIP_MB = 300, 40, 4000  # a .zip may hold a film, which stays closed
MOST_CELLS, MOST_MEMBERS, XLS_ROWS = 30_000_000, 10_000, 65_536
LEAST_SECONDS, MOST_SECONDS, LONGEST_GAP, SHORTEST_PIECE = 10.0, 4 * 3600.0, 1.0, 1.0
SLOWEST_SHARE = 0.9  # of the asked rate, below which a recording is too slow
MOST_HZ = 500.0
SHORTEST_STEP = 1.1e-3  # s; phones read up to 500 times a second, and the units of time must not overlap
LARGEST_READING = 100 * G  # phones measure up to 8 or 16 g
BETWEEN_G_AND_MS2 = G**0.5  # half-way between 1 and 9.8 on a log scale
MOST_GRAVITY = 2.0  # g, in ten-second means; the earth's magnetic field in microtesla is more than that in m/s2
STEADY = 0.3  # the least share of ten-second means in the readings' size: the watch data have .42 to .99 with gravity,
# and at most .08 when a moving mean of two seconds is taken away
_PRIVATE = re.compile(r"location|microphone|camera|wifi|bluetooth|heart|photo|\.(jpe?g|png|heic|mp4|mov|m4a|wav|caf)$")
_NO_READINGS = re.compile(_PRIVATE.pattern + "|^(metadata|annotation|device|time).csv$")
_OTHER_SENSOR = re.compile(r"gyro|magnet|orientation|gravity|baromet")
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_CLOCK = re.compile(r"^(\d{1,2}):(\d{2}):(\d{2})(?:([.,:])(\d{1,9}))?$")
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1f\x7f]")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_BEFORE_NAMES = re.compile(rb"(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))*")


@dataclass(frozen=True, eq=False)
class OwnRecording:
    """One file of a phone or watch app, as evenly spaced readings in m/s2 with gravity, in Android's signs.

    file: what was read. app: whose form it has. rate_hz: of pieces. native_hz: the median rate in the file.
    pieces: (seconds since the file's first reading, (n, 3) float64, read-only); a gap of more than a second ends one.
    notes: what was decided or converted, each one sentence for its owner. No date or time of day is kept.
    """

    file: Path
    app: str
    rate_hz: float
    native_hz: float
    pieces: tuple[tuple[float, np.ndarray], ...]
    notes: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """How long the pieces last together."""
        return sum(len(signal) for _, signal in self.pieces) / self.rate_hz


class _Form(NamedTuple):
    """How an app writes a table: patterns of whole names in small letters ({a}: x, y, z); a group is the unit."""

    app: str
    time: str
    axes: tuple[str, ...]
    unit: str  # "" where the data must tell
    gravity: bool | None  # None where the data must tell
    apple: bool = False  # Apple's signs, Android's turned round


_FORMS = (
    _Form("phyphox", r"time \((s)\)", (r"acceleration {a} \(m/s\^2\)",), "m/s2", True),
    _Form("phyphox", r"time \((s)\)", (r"linear acceleration {a} \(m/s\^2\)",), "m/s2", False),
    _Form("Physics Toolbox", r"time", (r"gf{a}",), "g", True),
    _Form("Physics Toolbox", r"time", (r"a{a}(?: ?\(m/s\^?2\))?",), "m/s2", False),
    _Form("Science Journal", r"relative_time|timestamp", (r"acc{a}",), "m/s2", True),
    _Form("SensorLog", r"accelerometertimestamp_sincereboot\((s)\)", (r"accelerometeracceleration{a}\(g\)",), "g", True,
          apple=True),
    _Form("Sensor Logger on a watch", r"(s)econds_elapsed", (r"acceleration{a}", r"gravity{a}"), "", True),
    _Form("Sensor Logger", r"(s)econds_elapsed", (r"{a}",), "m/s2", None),
    _Form("a plain table", r"(?:time|t|timestamp|date_?time|elapsed|seconds)(?:[ _]?[(\[]?(s|sec|ms|us|µs|ns)[)\]]?)?",
          (r"(?:acc(?:el(?:eration|erometer)?)?[ _.]?)?{a}(?:[ _]?[(\[]?(g|m/s\^?2|m/s/s)[)\]]?)?",), "", None),
)  # fmt: skip
_SPELLINGS = {"sec": "s", "µs": "us", "m/s^2": "m/s2", "m/s/s": "m/s2"}
_WITH_GRAVITY = {
    "phyphox": "In phyphox choose 'Acceleration with g', not 'Acceleration (without g)'.",
    "Sensor Logger": "In Sensor Logger switch on 'Total Acceleration' (Android), or 'Gravity' beside 'Accelerometer' "
    "(iPhone), and export the .zip.",
    "Physics Toolbox": "In Physics Toolbox choose 'G-Force Meter', not 'Linear Accelerometer'; in a table of your own, "
    "name columns with gravity x, y and z.",
}
_FASTER = {
    "phyphox": "phyphox records as fast as the sensor: close other apps, or use another phone.",
    "Sensor Logger": "In Sensor Logger set the sampling frequency of the accelerometer to 50 Hz or more.",
    "Physics Toolbox": "In Physics Toolbox set the data collection rate to 'Fastest'.",
    "SensorLog": "In SensorLog set the recording rate to 50 Hz or more.",
    "Science Journal": "Science Journal records about 15 a second: use phyphox or Sensor Logger.",
}
_AGAIN = "Export the recording again as phyphox's or Sensor Logger's .zip, and do not open and save it in between."
_SHORTER = "Record minutes, not hours."


class _NotReadError(Exception):
    """What was expected, what was found, what to do: a DataError that does not know its file yet."""


def _refuse(expected: str, found: str, remedy: str = _AGAIN) -> NoReturn:
    raise _NotReadError(expected, found, remedy)


class _Table(NamedTuple):
    """A text table as bytes: names in small letters, where its rows start, and the first rows."""

    name: str
    names: list[str]
    raw: bytes
    start: int
    separator: str
    first_rows: list[list[str]]


class _Readings(NamedTuple):
    form: _Form
    unit: str
    seconds: np.ndarray  # (n,), rising
    values: np.ndarray  # (n, 3) or, with gravity in columns of its own, (n, 6)


def load_own_recordings(path: str | Path, rate_hz: float = 20.0) -> OwnRecording:
    """The acceleration in a file of phyphox, Sensor Logger, Physics Toolbox, Science Journal or SensorLog, or a table.

    Read are phyphox's .xls, .zip and .csv, Sensor Logger's .zip and .csv, the others' .csv, and any text table with
    columns time, x, y and z. Units, gravity, signs and times are converted, which .notes say. Readings come evenly at
    rate_hz, low-passed first.

    Raises DataError, with what to set in the app, for what cannot be read for certain: no gravity, fewer readings a
    second than rate_hz, commas both in and between numbers, less than ten seconds, a damaged file, and others.
    ValueError for a rate_hz outside 1 to 500.
    """
    if not 1.0 <= rate_hz <= MOST_HZ:
        raise ValueError(f"rate_hz must be between 1 and {MOST_HZ:g} readings a second; got {rate_hz!r}")
    path, notes = Path(path).expanduser(), list[str]()
    try:
        with open_plain(path, LARGEST_ZIP_MB) as file:
            readings, pauses = _read(file, printable(path.name), notes)
        app, native = readings.form.app, float(1.0 / np.median(np.diff(readings.seconds)))
        if native < SLOWEST_SHARE * rate_hz:
            remedy = _FASTER.get(app, "Choose a higher rate in the app.")
            _refuse(f"at least {SLOWEST_SHARE * rate_hz:g} readings a second", f"{native:.1f} a second", remedy)
        pieces = _pieces(readings, native, rate_hz, pauses, notes)
    except _NotReadError as error:
        expected, found, remedy = error.args
        raise DataError(file=path, expected=expected, found=found, remedy=remedy) from None
    except OSError as error:
        expected, remedy = "a file that a phone or watch app exported", "Name the file itself, as the app exported it."
        raise DataError(file=path, expected=expected, found=error.strerror or str(error), remedy=remedy) from error
    return OwnRecording(path, app, float(rate_hz), native, pieces, tuple(notes))


def _read(file: BinaryIO, name: str, notes: list[str]) -> tuple[_Readings, list[float]]:
    """Readings in m/s2 with gravity in Android's signs, and the times of pauses that left no gap in the times."""
    magic, size = file.read(8), file.seek(0, io.SEEK_END)
    file.seek(0)
    if magic.startswith((b"PK\3\4", b"PK\5\6")):
        return _from_archive(file, notes)
    is_xls = magic == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    if size > (largest := LARGEST_XLS_MB if is_xls else LARGEST_MB) * MB:
        _refuse(f"at most {largest} MB", f"{size / MB:,.0f} MB", _SHORTER)
    tables, pauses = _sheets(file.read()) if is_xls else ([_table(file.read(), name)], [])
    table = next((table for table in tables if _form_of(table)), tables[0])
    if is_xls and table.raw.count(b"\n") >= XLS_ROWS - 1:
        notes.append(f"An .xls ends after {XLS_ROWS:,} rows: what was recorded later is not in it.")
    return _finished(_readings(table, notes), notes, ios=None), pauses


def _from_archive(file: BinaryIO, notes: list[str]) -> tuple[_Readings, list[float]]:
    try:
        _check_directory(file)
        archive = zipfile.ZipFile(file)
    except DAMAGED as error:
        _refuse("a whole .zip", f"a damaged one ({type(error).__name__})")
    members: dict[str, list[zipfile.ZipInfo]] = {}
    for entry in archive.infolist():
        path = entry.filename.lower()
        if not path.endswith("/") and "__macosx" not in path:
            members.setdefault(re.sub(r"[^\w .,()\[\]+-]", "?", re.split(r"[/\\]", path)[-1]), []).append(entry)
    if "[content_types].xml" in members:
        remedy = "Export as Excel (.xls) or CSV in the app, or save this workbook as CSV."
        _refuse("an app's .xls, .zip or .csv", "an .xlsx workbook", remedy)

    def get(name: str) -> _Table:
        if (n := len(members[name])) > 1:
            _refuse("one recording in the .zip", f"{n} tables {name}", "Export each recording alone.")
        return _table(_member(archive, members[name][0], name), name)

    if private := sorted(name[:40] for name in members if _PRIVATE.search(name)):
        shown = ", ".join(private[:4]) + (f" and {len(private) - 4} more" if len(private) > 4 else "")
        notes.append(f"The .zip also holds {shown}: not opened; take it out before you pass the .zip on.")
    about = get("metadata.csv") if "metadata.csv" in members else None
    cells = [cell.strip().lower() for row in about.first_rows[:1] for cell in row] if about else []
    facts = dict(zip(about.names, cells, strict=False)) if about else {}
    ios = facts["platform"] == "ios" and facts.get("standardisation") != "true" if "platform" in facts else None
    if "wristmotion.csv" in members and {"totalacceleration.csv", "gravity.csv"} & members.keys():
        notes.append("The .zip holds a phone's and a watch's readings: the phone's were taken.")
    known = ("totalacceleration.csv", "gravity.csv", "wristmotion.csv", "raw data.csv", "accelerometer.csv")
    tables = [name for name in members if name.endswith((".csv", ".txt")) and not _NO_READINGS.search(name)]
    chosen = next((name for name in known if name in members), tables[0] if len(tables) == 1 else "")
    if not chosen or (chosen == "gravity.csv" and "accelerometer.csv" not in members):
        found = ", ".join(sorted(members))[:120] or "nothing"
        _refuse("a table of the accelerometer in the .zip", found, _WITH_GRAVITY["Sensor Logger"])
    if chosen == "gravity.csv":
        moving, gravity = (_readings(get(name), notes) for name in ("accelerometer.csv", chosen))
        inside = (moving.seconds >= gravity.seconds[0]) & (moving.seconds <= gravity.seconds[-1])
        t = moving.seconds[inside]
        added = np.stack([np.interp(t, gravity.seconds, column) for column in gravity.values.T], axis=1)
        readings = moving._replace(seconds=t, values=moving.values[inside] + added)
        notes.append("Gravity stood in a file of its own and was added.")
    else:
        readings = _readings(get(chosen), notes)
    return _finished(readings, notes, ios), _pauses(get("time.csv")) if "time.csv" in members else []


def _check_directory(file: BinaryIO) -> None:
    """An archive's list of files is read whole: one that is longer than any app writes is refused."""
    file.seek(max(0, file.seek(0, io.SEEK_END) - 70_000))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at >= 0 and int.from_bytes(tail[at + 12 : at + 16], "little") > 100 * MOST_MEMBERS:
        _refuse(f"a .zip of at most {MOST_MEMBERS:,} files", "more", "Export the recording without pictures.")


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    if entry.flag_bits & 1:
        _refuse("an open .zip", "one locked with a password", "Export it again without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others may ask for gigabytes
        _refuse("a .zip packed as apps do", f"one packed by method {entry.compress_type}")
    try:
        with archive.open(entry) as stream:
            return read_unpacked(stream, LARGEST_MB)  # type: ignore[arg-type]
    except DAMAGED as error:
        found = error.strerror if isinstance(error, OSError) else None
        _refuse(f"a whole {name[:60]} in the .zip", found or f"damaged ({type(error).__name__})")


def _sheets(raw: bytes) -> tuple[list[_Table], list[float]]:
    """The tables of an .xls, each as if it had been exported as CSV, and the pauses that one of them names."""
    try:
        import xlrd  # here, not above: only an .xls needs it
    except ImportError:
        remedy = "Install it with `python -m pip install xlrd`, or export as CSV."
        _refuse("the xlrd package, which reads .xls", "no such package", remedy)
    texts = {}
    try:
        book = xlrd.open_workbook(file_contents=raw, logfile=io.StringIO(), on_demand=True, ragged_rows=True)
        for name in book.sheet_names():
            if "device" not in name.lower():  # what phyphox says of the phone is not needed
                sheet = book.sheet_by_name(name)
                rows = (";".join(map(_cell, sheet.row_values(row))) for row in range(sheet.nrows))
                texts[name.lower()] = "\n".join(rows).encode("utf-8", "replace")
    except Exception as error:  # inside a damaged file anything can go wrong
        what = "locked with a password" if "encrypted" in str(error) else f"damaged ({type(error).__name__})"
        _refuse("a whole, open .xls", f"one that is {what}")
    tables = [_table(text, name) for name, text in texts.items() if text and not name.startswith("metadata")]
    if not tables:
        _refuse("a sheet with readings in the .xls", "none")
    times = texts.get("metadata time")
    return tables, _pauses(_table(times, "Metadata Time")) if times else []


def _cell(value: Any) -> str:
    return repr(value) if isinstance(value, float) else re.sub(r'[;"\r\n]', " ", str(value))


def _table(raw: bytes, name: str) -> _Table:
    """A text table, whatever its encoding, separator and line ends; lines with # before its names are passed over."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raw = raw.decode("utf-16", "replace").encode("utf-8", "replace")
    raw = raw.removeprefix(codecs.BOM_UTF8).replace("\u2212".encode(), b"-").replace("×10^".encode(), b"E")
    start = _BEFORE_NAMES.match(raw).end()  # type: ignore[union-attr]
    if not raw[start : start + 1000].strip():
        _refuse(f"a table in {name}", "an empty file")
    if b"\0" in raw or _CONTROL.search(raw, start, start + 100_000):
        _refuse(f"a text table in {name}", "bytes that are no text")
    if raw[start : start + 1] in (b"<", b"{", b"["):
        is_page = raw[start : start + 1] == b"<"
        _refuse(f"a text table in {name}", "a web page" if is_page else "JSON, which mixes places with readings")
    head = raw[start : start + 100_000]
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        text = head.decode("utf-8" if error.start > len(head) - 4 else "latin-1", "replace")
    lines = [line for line in text.splitlines() if line.strip()]
    lines = lines[:200] if len(head) < 100_000 else lines[:-1][:200]  # the last one may be cut
    separator = max(";\t|,", key=(lines or [""])[0].count)
    names, *rows = csv.reader(lines or [""], delimiter=separator, skipinitialspace=True)
    names = [" ".join(name.lower().replace("²", "^2").split()) for name in names]
    longest = max((len(row) - (not row[-1].strip()) for row in rows), default=0)
    if longest > len(names):
        why = ": a comma stands both between cells and inside numbers" if separator == "," else ""
        remedy = "Export with a decimal point, such as phyphox's 'CSV (Comma, decimal point)'."
        _refuse(f"one cell under each name in {name}", f"{longest} cells under {len(names)} names{why}", remedy)
    line_end = _LINE_END.search(raw, start)
    start = line_end.end() if line_end else len(raw)
    if (raw.count(b"\n", start) + raw.count(b"\r", start)) * len(names) > MOST_CELLS:
        _refuse(f"at most {MOST_CELLS:,} cells in {name}", "more", _SHORTER)
    return _Table(name, names, raw, start, separator, rows)


def _pauses(table: _Table) -> list[float]:
    """When phyphox was paused: it stops its clock, so that the readings' times show no gap."""
    events = (row for row in table.first_rows if len(row) > 1 and row[0].strip().upper() == "PAUSE")
    return [float(row[1].replace(",", ".")) for row in events if _is_number(row[1])]


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell.replace(",", "."))))
    except ValueError:
        return False


def _form_of(table: _Table) -> tuple[_Form, list[list[tuple[int, str]]]] | None:
    """The first form whose names a table has; for each name the columns that have it, with the unit they state."""
    for form in _FORMS:
        columns = []
        for pattern in (form.time, *(axes.replace("{a}", axis) for axes in form.axes for axis in "xyz")):
            matches = ((i, re.fullmatch(pattern, name)) for i, name in enumerate(table.names))
            columns.append([(i, (match.lastindex and match[match.lastindex]) or "") for i, match in matches if match])
        if all(columns):
            return form, columns
    return None


def _readings(table: _Table, notes: list[str]) -> _Readings:
    """Times and readings as the table has them: rising, each time once."""
    known, shown = _form_of(table), ", ".join(map(printable, table.names))[:120]
    if known is None:
        if re.search(r"linear|user ?acc", shown):
            _refuse("acceleration with gravity", f"acceleration without ({shown})", _WITH_GRAVITY["phyphox"])
        remedy = "Record acceleration with gravity, and leave the names of the columns as the app writes them."
        _refuse(f"columns of time, x, y and z in {table.name}", shown, remedy)
    form, columns = known
    if form.gravity is False:
        _refuse("acceleration with gravity", f"linear acceleration, without it ({shown})", _WITH_GRAVITY[form.app])
    if twice := next((same for same in columns if len(same) > 1), None):
        found = " and ".join(f"{table.names[i]!r}, column {i + 1}" for i, _ in twice[:2])
        _refuse(f"one column each of time, x, y and z in {table.name}", found, "Delete one of them.")
    if not table.first_rows:
        _refuse(f"rows in {table.name}", "names alone")
    if form.gravity is None and table.name != "gravity.csv" and _OTHER_SENSOR.search(table.name.lower()):
        _refuse("the accelerometer's table", f"another sensor's: {table.name}", _WITH_GRAVITY["Sensor Logger"])
    time_unit, *units = (_SPELLINGS.get(same[0][1], same[0][1]) for same in columns)
    if len(set(units)) > 1:
        _refuse("one unit for x, y and z", ", ".join(map(repr, units)))
    times, values = _numbers(table, [same[0][0] for same in columns])
    t = _seconds(times, time_unit, table.name, notes)
    full = np.isfinite(t) & ~np.isnan(values).any(axis=1)
    if not full.all():
        notes.append(f"{(~full).sum():,} of {len(full):,} rows of {table.name} lack a reading and were left out.")
        t, values = t[full], values[full]
    if (largest := np.abs(values).max(initial=0.0)) > LARGEST_READING:
        _refuse(f"readings up to {LARGEST_READING:.0f}", f"one of {largest:.4g}")
    step = np.diff(t)
    if (step < -LONGEST_GAP).any():
        found = f"times that go back by {-step.min():,.0f} s after {np.argmin(step) + 1:,} readings"
        _refuse("one recording in the file", found, "Export each recording alone.")
    if (step < 0).any():
        notes.append(f"{(step < 0).sum():,} times ran backwards: the readings were sorted.")
        order = np.argsort(t, kind="stable")
        t, values = t[order], values[order]
    again = np.flatnonzero(np.diff(t) <= 0) + 1
    if len(again):
        if (values[again] != values[again - 1]).any(axis=1).sum() > 0.1 * len(t):
            found = f"{len(again):,} of {len(t):,} readings with the time of the one before"
            _refuse("a time for each reading", found, "Export with times in milliseconds or finer.")
        notes.append(f"{len(again):,} readings with the time of the one before were left out.")
        t, values = np.delete(t, again), np.delete(values, again, axis=0)
    seconds = float(np.ptp(t)) if len(t) else 0.0
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        expected, found = (
            f"{LEAST_SECONDS:g} s to {MOST_SECONDS / 3600:g} hours",
            f"{seconds:,.1f} s in {len(t):,} readings",
        )
        _refuse(f"a recording of {expected}", found, "Record a few minutes.")
    return _Readings(form, form.unit or units[0], t, values)


def _numbers(table: _Table, places: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The column of times, as numbers or text, and the others as (n, columns) float64."""
    import pandas as pd  # here, not above: loading data must not wait for it

    cells = [row[place] for row in table.first_rows for place in places[1:] if place < len(row)]
    decimals = ",." if any("," in cell for cell in cells) else ".,"
    times = next((row[places[0]] for row in table.first_rows if len(row) > places[0] and row[places[0]].strip()), "0")
    types: dict[int, Any] = dict.fromkeys(places, np.float64) | ({} if _is_number(times) else {places[0]: str})
    problems = []
    for decimal in decimals:
        source = io.BytesIO(table.raw)
        source.seek(table.start)
        try:
            frame = pd.read_csv(
                source, sep=table.separator, decimal=decimal, header=None, names=range(len(table.names)), dtype=types,
                index_col=False, skipinitialspace=True, encoding_errors="replace", na_values=["-"],
            )  # fmt: skip
        except ValueError as error:  # a cell that is no number, or a row with more cells than names
            problems.append(" ".join(str(error).split())[:100])
            continue
        return frame[places[0]].to_numpy(), frame[list(places[1:])].to_numpy(np.float64)
    _refuse(f"numbers with one decimal sign in {table.name}", f"something else ({problems[0]})")


def _seconds(times: np.ndarray, unit: str, name: str, notes: list[str]) -> np.ndarray:
    """Times as seconds: numbers in the unit that names or steps tell, a clock, which may pass midnight, or dates."""
    if times.dtype != np.float64:
        return _dates(times, name)
    step = np.diff(times[np.isfinite(times)])
    middle = float(np.median(step[step > 0])) if (step > 0).any() else 0.0
    fitting = next((u for u, size in _SECONDS.items() if SHORTEST_STEP < middle * size < LONGEST_GAP), "")
    if middle == 0 or not (unit or fitting):
        found = "times that are all the same" if middle == 0 else f"steps of {middle:g}, which fit no unit"
        _refuse(f"times that rise, a reading every 1.1 to 1,000 ms, in {name}", found)
    if unit and fitting and unit != fitting:
        remedy = "Correct the name of the column of times."
        _refuse(f"times in {unit}, as the name says", f"steps of {middle:g}, which fit {fitting}", remedy)
    if (unit := unit or fitting) != "s":
        notes.append(f"Times were in {unit}.")
    return times * _SECONDS[unit]


def _dates(times: np.ndarray, name: str) -> np.ndarray:
    import pandas as pd

    cells = [cell.strip() if isinstance(cell, str) else "" for cell in times]
    try:
        if _CLOCK.match(next(filter(None, cells))):
            return np.unwrap(np.fromiter(map(_clock, cells), np.float64, len(cells)), period=86_400)
        return pd.to_datetime(cells, utc=True, format="ISO8601").as_unit("ns").astype("int64").to_numpy() / 1e9
    except (ValueError, OverflowError) as error:
        _refuse(f"times as numbers, a clock or ISO dates in {name}", f"others ({' '.join(str(error).split())[:80]})")


def _clock(cell: str) -> float:
    match = _CLOCK.match(cell)
    if match is None:
        raise ValueError(repr(cell))
    hours, minutes, seconds, sign, digits = match.groups("0")
    whole = 3600 * int(hours) + 60 * int(minutes) + int(seconds)
    return whole + int(digits) / (1000 if sign == ":" else 10 ** len(digits))  # 12:00:01:5 ends in milliseconds


def _finished(readings: _Readings, notes: list[str], ios: bool | None) -> _Readings:
    """The readings in m/s2 with gravity, in Android's signs. Refused when the data contradict the names."""
    form, unit, t, xyz = readings
    apple = form.apple or ios
    if xyz.shape[1] == 6:  # a watch's movement and gravity side by side, of which gravity's size is known
        unit = "g" if np.median(np.linalg.norm(xyz[:, 3:], axis=1)) < BETWEEN_G_AND_MS2 else "m/s2"
        xyz, apple = xyz[:, :3] + xyz[:, 3:], unit == "g"  # the app turns units and signs together
    remedy = _WITH_GRAVITY.get(form.app, "Record acceleration with gravity, in g or m/s2.")
    if len(t) < 2 or not np.ptp(xyz, axis=0).any():
        _refuse("a sensor that moves", f"{len(t):,} times the same reading")
    starts = np.flatnonzero(np.diff((t - t[0]) // LEAST_SECONDS, prepend=-1.0))
    counts = np.diff(starts, append=len(t))
    means = np.linalg.norm(np.add.reduceat(xyz, starts) / counts[:, None], axis=1)
    sizes = np.sqrt(np.add.reduceat((xyz**2).sum(axis=1), starts) / counts)
    enough = counts >= counts.max() / 2  # not the few readings after the last full stretch
    level, steady = float(np.median(means[enough])), float(np.median((means / np.maximum(sizes, 1e-9))[enough]))
    looks = "g" if level < BETWEEN_G_AND_MS2 else "m/s2"
    in_g = level if looks == "g" else level / G
    if not 1 / BETWEEN_G_AND_MS2 < in_g < MOST_GRAVITY or (form.gravity is None and steady < STEADY):
        found = f"ten-second means of size {level:.2g}, {steady:.0%} of the readings' own"
        _refuse("gravity in the readings, 1 g or 9.8 m/s2", found, remedy)
    if unit and unit != looks:
        found = f"ten-second means of size {level:.2f}, as in {looks}" + " or without gravity" * (looks == "g")
        _refuse(f"readings with gravity in {unit}, as the names say", found, remedy)
    lengths = np.linalg.norm(xyz, axis=1)
    if lengths.std() < 1e-4 * lengths.mean():
        _refuse("acceleration", f"gravity alone: every reading has the size {lengths.mean():.2f}", remedy)
    if not unit:
        notes.append(f"The unit was taken as {looks}, by ten-second means of size {level:.2f}.")
    if looks == "g":
        notes.append(f"Readings in g were multiplied by {G}.")
        xyz = xyz * G
    if apple:
        notes.append("Apple's signs were turned into Android's.")
        xyz = -xyz
    elif ios is None and form.app not in ("phyphox", "Science Journal", "Sensor Logger on a watch"):
        notes.append("The file does not name its phone: Android's signs were assumed; an iPhone may have the opposite.")
    limit = np.abs(xyz).max()
    if limit > 1.5 * G and (share := (np.abs(xyz) >= 0.999 * limit).any(axis=1).mean()) > 0.01:
        notes.append(f"{share:.0%} of the readings lie at {limit:.1f} m/s2, perhaps the sensor's limit.")
    return _Readings(form, "m/s2", t, xyz)


def _pieces(
    readings: _Readings, native: float, rate_hz: float, pauses: Sequence[float], notes: list[str]
) -> tuple[tuple[float, np.ndarray], ...]:
    """Even readings between gaps and pauses."""
    t, xyz = readings.seconds, readings.values
    gaps = np.flatnonzero(np.diff(t) > LONGEST_GAP) + 1
    stops = np.setdiff1d(np.searchsorted(t, pauses, "right"), [*gaps, 0, len(t)])
    if len(gaps):
        notes.append(f"Gaps of more than {LONGEST_GAP:g} s: {len(gaps)}; no window crosses them.")
    if len(stops):
        notes.append(f"Pauses in the app: {len(stops)}; no window crosses them.")
    pieces = []
    for first, last in itertools.pairwise([0, *np.union1d(gaps, stops).astype(int), len(t)]):
        if t[last - 1] - t[first] >= SHORTEST_PIECE:
            signal = _even(t[first:last], xyz[first:last], native, rate_hz)
            signal.setflags(write=False)
            pieces.append((float(t[first] - t[0]), signal))
    longest = max((len(signal) for _, signal in pieces), default=0) / rate_hz
    if longest < LEAST_SECONDS:
        remedy = "Record a minute or more, with the app open and the screen on."
        _refuse(f"{LEAST_SECONDS:g} s without a gap", f"{longest:.1f} s at most", remedy)
    return tuple(pieces)


def _even(t: np.ndarray, xyz: np.ndarray, native: float, rate_hz: float) -> np.ndarray:
    """Linear onto a grid finer than the readings, then low-passed down to rate_hz, so that no frequency folds over."""
    from scipy.signal import resample_poly  # here, not above: it is slow to import

    finer = 1 if native < 1.01 * rate_hz else int(np.ceil(1.9 * native / rate_hz))
    n = int((t[-1] - t[0]) * rate_hz + 1e-6) + 1
    grid = t[0] + np.arange((n - 1) * finer + 1) / (finer * rate_hz)
    even = np.stack([np.interp(grid, t, column) for column in xyz.T], axis=1)
    return even if finer == 1 else resample_poly(even, 1, finer, axis=0, padtype="line")
