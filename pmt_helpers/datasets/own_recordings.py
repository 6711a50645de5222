"""A recording of your own phone or watch: the file that an app exported becomes even readings in m/s2. Notebook 02.

Columns are found by their names, never by their places. What names cannot tell, such as unit and gravity, is held
against the data, and what was decided stands in .notes. What stays uncertain is refused. Nothing is written and nothing
leaves this machine; of an archive only the tables of the accelerometer are opened, never places, sound or pictures.
"""

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from pmt_helpers.datasets.arrays import DAMAGED
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import open_plain, printable, read_unpacked

G = 9.80665  # m/s2, what apps take for one g
LARGEST_MB, LARGEST_ZIP_MB = 300, 4000  # of a table; of an archive, which may hold a film that is not opened
MOST_CELLS, MOST_MEMBERS, XLS_ROWS = 30_000_000, 10_000, 65_536
LEAST_SECONDS, LONGEST_GAP, SHORTEST_PIECE = 10.0, 1.0, 1.0
SLOWEST_SHARE = 0.9  # of the asked rate, below which a recording is too slow
MOST_HZ = 500.0
LARGEST_READING = 100 * G  # phones measure up to 8 or 16 g
BETWEEN_G_AND_MS2 = G**0.5  # half-way between 1 and 9.8 on a log scale, since few recordings have a quiet second
STEADY = 0.4  # the least share of one-second means in the readings' size, where no name tells of gravity
_PRIVATE = re.compile(r"location|microphone|camera|wifi|bluetooth|heart|photo|\.(jpe?g|png|heic|mp4|mov|m4a|wav|caf)$")
_OTHER_SENSOR = re.compile(r"gyro|magnet|orientation|gravity|baromet")
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_CLOCK = re.compile(r"^(\d{1,2}):(\d{2}):(\d{2})(?:([.,:])(\d{1,9}))?$")


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
    """How an app writes a table. Patterns are of whole names in small letters; {a} is x, y or z."""

    app: str
    time: str
    axes: tuple[str, ...]
    unit: str  # "" where the data must tell
    gravity: bool | None  # None where the data must tell
    sign: float = 1.0


_UNIT = r"(?:[ _]?[(\[]?(g|m/s\^?2|m/s/s|ms-2|ms2)[)\]]?)?"
_FORMS = (
    _Form("phyphox", r"time \((s)\)", (r"acceleration {a} \(m/s\^2\)",), "m/s2", True),
    _Form("phyphox", r"time \((s)\)", (r"linear acceleration {a} \(m/s\^2\)",), "m/s2", False),
    _Form("Physics Toolbox", r"time", (r"gf{a}",), "g", True),
    _Form("Physics Toolbox", r"time", (r"a{a}(?: ?\(m/s\^?2\))?",), "m/s2", None),
    _Form("Science Journal", r"relative_time|timestamp", (r"acc{a}",), "m/s2", True),
    _Form(
        "SensorLog", r"accelerometertimestamp_sincereboot\((s)\)", (r"accelerometeracceleration{a}\(g\)",), "g", True, -1
    ),
    _Form("Sensor Logger on a watch", r"(s)econds_elapsed", (r"acceleration{a}", r"gravity{a}"), "", True),
    _Form("Sensor Logger", r"(s)econds_elapsed", (r"{a}",), "m/s2", None),
    _Form(
        "a plain table", r"(?:time|t|timestamp|date_?time|elapsed)(?:[ _]?[(\[]?(s|sec|seconds|ms|us|µs|ns)[)\]]?)?|(s)econds",
        (r"(?:acc(?:el(?:eration|erometer)?)?[ _.]?)?{a}" + _UNIT,), "", None,
    ),
)  # fmt: skip
_WITH_GRAVITY = {
    "phyphox": "In phyphox choose 'Acceleration with g', not 'Acceleration (without g)'.",
    "Sensor Logger": "In Sensor Logger switch on 'Total Acceleration' (Android), or 'Gravity' beside 'Accelerometer' "
    "(iPhone), and export the .zip.",
    "Physics Toolbox": "In Physics Toolbox choose 'G-Force Meter', not 'Linear Accelerometer'.",
    "SensorLog": "In SensorLog switch on 'Accelerometer', not only 'Device motion'.",
}
_FASTER = {
    "phyphox": "phyphox records as fast as the sensor: close other apps, or use another phone.",
    "Sensor Logger": "In Sensor Logger set the sampling frequency of the accelerometer to 50 Hz or more.",
    "Physics Toolbox": "In Physics Toolbox set the data collection rate to 'Fastest'.",
    "SensorLog": "In SensorLog set the recording rate to 50 Hz or more.",
    "Science Journal": "Science Journal records about 15 a second: use phyphox or Sensor Logger.",
}
_AGAIN = "Export the recording again as phyphox's or Sensor Logger's .zip, and do not open and save it in between."


class _NotReadError(Exception):
    """What was expected, what was found, what to do: a DataError that does not know its file yet."""


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

    Read are phyphox's .xls, .zip and .csv, Sensor Logger's .zip and .csv, and any text table with columns time, x, y and
    z. Units, gravity, signs and times are converted, which .notes say. Readings come evenly at rate_hz, low-passed first.

    Raises DataError, with what to set in the app, for what cannot be read for certain: no gravity, fewer readings a
    second than rate_hz, decimal commas between comma-separated cells, less than ten seconds, a damaged file, and others.
    ValueError for a rate_hz outside 1 to 500.
    """
    if not 1.0 <= rate_hz <= MOST_HZ:
        raise ValueError(f"rate_hz must be between 1 and {MOST_HZ:g} readings a second; got {rate_hz!r}")
    path, notes = Path(path).expanduser(), list[str]()
    try:
        with open_plain(path, LARGEST_ZIP_MB) as file:
            readings, pauses = _read(file, printable(path.name), notes)
        app, t, xyz = readings.form.app, readings.seconds, readings.values
        native = float(1.0 / np.median(np.diff(t)))
        if native < SLOWEST_SHARE * rate_hz:
            found, remedy = f"{native:.1f} a second", _FASTER.get(app, "Choose a higher rate in the app.")
            raise _NotReadError(f"at least {SLOWEST_SHARE * rate_hz:g} readings a second", found, remedy)
        pieces = _pieces(t, xyz, native, rate_hz, pauses, notes)
    except _NotReadError as error:
        expected, found, remedy = error.args
        raise DataError(file=path, expected=expected, found=found, remedy=remedy) from None
    except OSError as error:
        expected, remedy = "a file that a phone or watch app exported", "Name the file itself, as the app exported it."
        raise DataError(file=path, expected=expected, found=error.strerror or str(error), remedy=remedy) from error
    return OwnRecording(path, app, float(rate_hz), native, pieces, tuple(notes))


def _read(file: BinaryIO, name: str, notes: list[str]) -> tuple[_Readings, list[float]]:
    """Readings in m/s2 with gravity in Android's signs, and the times of pauses that left no gap in the times."""
    magic = file.read(8)
    file.seek(0)
    if magic.startswith((b"PK\3\4", b"PK\5\6")):
        return _from_archive(file, notes)
    raw = read_unpacked(file, LARGEST_MB)
    if magic == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        tables, pauses = _sheets(raw)
        table = next((table for table in tables if _form_of(table)), tables[0])
        if len(table.raw) and table.raw.count(b"\n") >= XLS_ROWS:
            notes.append(f"An .xls ends after {XLS_ROWS:,} rows: what was recorded later is not in it.")
    else:
        table, pauses = _table(raw, name), []
    return _finished(_readings(table, notes), notes, ios=None), pauses


def _from_archive(file: BinaryIO, notes: list[str]) -> tuple[_Readings, list[float]]:
    try:
        _check_directory(file)
        archive = zipfile.ZipFile(file)
    except DAMAGED as error:
        raise _NotReadError("a whole .zip", f"a damaged one ({type(error).__name__})", _AGAIN) from None
    members: dict[str, list[zipfile.ZipInfo]] = {}
    for entry in archive.infolist():
        if not entry.is_dir() and "__macosx" not in entry.filename.lower():
            members.setdefault(re.split(r"[/\\]", entry.filename)[-1].lower(), []).append(entry)
    if "[content_types].xml" in members:
        remedy = "Export as Excel (.xls) or CSV in the app, or save this workbook as CSV."
        raise _NotReadError("an app's .xls, .zip or .csv", "an .xlsx workbook", remedy)

    def get(name: str) -> _Table:
        if len(members[name]) > 1:
            found = f"{len(members[name])} tables {printable(name)}"
            raise _NotReadError("one recording in the .zip", found, "Export each recording alone.")
        return _table(_member(archive, members[name][0]), name)

    if private := sorted(printable(name)[:40] for name in members if _PRIVATE.search(name)):
        shown = ", ".join(private[:4]) + (f" and {len(private) - 4} more" if len(private) > 4 else "")
        notes.append(f"The .zip also holds {shown}: not opened; take it out before you pass the .zip on.")
    facts = _facts(get("metadata.csv")) if "metadata.csv" in members else {}
    ios = facts.get("platform", "") == "ios" and facts.get("standardisation") != "true" if "platform" in facts else None
    if "wristmotion.csv" in members and len({"totalacceleration.csv", "gravity.csv"} & members.keys()):
        notes.append("The .zip holds a phone's and a watch's readings: the phone's were taken.")
    if {"accelerometer.csv", "gravity.csv"} <= members.keys() and "totalacceleration.csv" not in members:
        readings = _with_gravity(_readings(get("accelerometer.csv"), notes), _readings(get("gravity.csv"), notes))
        notes.append("Gravity stood in a file of its own and was added.")
    else:
        known = ("totalacceleration.csv", "wristmotion.csv", "accelerometeruncalibrated.csv")
        known += ("raw data.csv", "accelerometer.csv", "acceleration.csv")
        tables = [name for name in members if name.endswith((".csv", ".txt")) and not _PRIVATE.search(name)]
        chosen = next((name for name in known if name in members), tables[0] if len(tables) == 1 else None)
        if chosen is None:
            found = ", ".join(sorted(printable(name) for name in members))[:120] or "nothing"
            raise _NotReadError("a table of the accelerometer in the .zip", found, _WITH_GRAVITY["Sensor Logger"])
        readings = _readings(get(chosen), notes)
        if chosen == "accelerometeruncalibrated.csv":
            readings = readings._replace(unit="")
    pauses = _pauses(get("time.csv")) if "time.csv" in members else []
    return _finished(readings, notes, ios), pauses


def _check_directory(file: BinaryIO) -> None:
    """Raises ValueError for an archive whose list of files, which is read whole, is longer than any app writes."""
    file.seek(0, io.SEEK_END)
    file.seek(max(0, file.tell() - 70_000))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or int.from_bytes(tail[at + 12 : at + 16], "little") > 200 * MOST_MEMBERS:
        raise ValueError("no list of files, or one too long")
    file.seek(0)


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.flag_bits & 1:
        raise _NotReadError("an open .zip", "one locked with a password", "Export it again without a password.")
    try:
        with archive.open(entry) as stream:
            return read_unpacked(stream, LARGEST_MB)  # type: ignore[arg-type]
    except DAMAGED as error:
        found = str(error) if isinstance(error, OSError) and error.errno else f"damaged ({type(error).__name__})"
        raise _NotReadError(f"a whole {printable(entry.filename)[:60]} in the .zip", found, _AGAIN) from None


def _sheets(raw: bytes) -> tuple[list[_Table], list[float]]:
    """The tables of an .xls, each as if it had been exported as CSV, and the pauses that its last sheet names."""
    try:
        import xlrd  # here, not above: only an .xls needs it
    except ImportError:
        remedy = "Install it with `python -m pip install xlrd`, or export as CSV."
        raise _NotReadError("the xlrd package, which reads .xls", "no such package", remedy) from None
    try:
        book = xlrd.open_workbook(file_contents=raw, logfile=io.StringIO(), on_demand=True, ragged_rows=True)
        texts = {}
        for name in book.sheet_names():
            if "device" not in name.lower():
                sheet = book.sheet_by_name(name)
                rows = (";".join(map(_cell, sheet.row_values(row))) for row in range(sheet.nrows))
                texts[name] = "\n".join(rows).encode()
    except Exception as error:  # inside a damaged file anything can go wrong
        what = "locked with a password" if "encrypted" in str(error) else f"damaged ({type(error).__name__})"
        raise _NotReadError("a whole, open .xls", f"one that is {what}", _AGAIN) from None
    tables = [_table(text, name) for name, text in texts.items() if text and "metadata" not in name.lower()]
    if not tables:
        raise _NotReadError("a sheet with readings in the .xls", "none", _AGAIN)
    return tables, _pauses(_table(texts["Metadata Time"], "Metadata Time")) if texts.get("Metadata Time") else []


def _cell(value: Any) -> str:
    return repr(value) if isinstance(value, float) else re.sub(r'[;"\r\n]', " ", str(value))


def _table(raw: bytes, name: str) -> _Table:
    """A text table, whatever its encoding, separator and line ends; lines with # before its names are passed over."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raw = raw.decode("utf-16", "replace").encode()
    raw = raw.removeprefix(codecs.BOM_UTF8).replace("\u2212".encode(), b"-").replace("×10^".encode(), b"E")
    start = 0
    while match := re.compile(rb"[ \t]*(#[^\r\n]*)?(\r\n|\r|\n)").match(raw, start):
        start = match.end()
    if not raw[start:].strip():
        raise _NotReadError(f"a table in {name}", "an empty file", _AGAIN)
    if b"\0" in raw:
        raise _NotReadError(f"a text table in {name}", "bytes that are no text", _AGAIN)
    if raw[start : start + 1] in (b"<", b"{", b"["):
        found = "a web page" if raw[start : start + 1] == b"<" else "JSON, which mixes places with readings"
        raise _NotReadError(f"a text table in {name}", found, _AGAIN)
    head = raw[start : start + 100_000]
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        text = head.decode("utf-8" if error.start > len(head) - 4 else "latin-1", "replace")
    lines = [line for line in text.splitlines() if line.strip()]
    lines = lines[: 200 if len(head) < 100_000 else -1]
    separator = max(";\t|,", key=lines[0].count)
    names, *rows = csv.reader(lines[:200], delimiter=separator, skipinitialspace=True)
    names = [" ".join(name.lower().replace("²", "^2").split()) for name in names]
    longest = max((len(row) - (not row[-1].strip()) for row in rows), default=0)
    if longest > len(names):
        found = f"{longest} cells under {len(names)} names"
        if separator == ",":
            found += ": a comma stands both between cells and inside numbers"
        remedy = "Export with a decimal point, such as phyphox's 'CSV (Comma, decimal point)'."
        raise _NotReadError(f"a cell under each name in {name}", found, remedy)
    newline = re.compile(rb"\r\n|\r|\n").search(raw, start)
    start = newline.end() if newline else len(raw)
    if (raw.count(b"\n", start) + raw.count(b"\r", start)) * len(names) > MOST_CELLS:
        raise _NotReadError(f"at most {MOST_CELLS:,} cells in {name}", "more", "Record minutes, not hours.")
    return _Table(name, names, raw, start, separator, rows)


def _facts(table: _Table) -> dict[str, str]:
    """The first row of a table as {name: value in small letters}."""
    return dict(zip(table.names, (cell.strip().lower() for row in table.first_rows[:1] for cell in row), strict=False))


def _pauses(table: _Table) -> list[float]:
    """phyphox stops its clock during a pause, which its times of events tell."""
    events = (row for row in table.first_rows if len(row) > 1 and row[0].strip().upper() == "PAUSE")
    return [float(row[1].replace(",", ".")) for row in events if _is_number(row[1])]


def _is_number(cell: str) -> bool:
    try:
        return np.isfinite(float(cell.strip().replace(",", ".")))
    except ValueError:
        return False


def _form_of(table: _Table) -> tuple[_Form, list[list[int]]] | None:
    """The first form whose names a table has, and the columns with each name."""
    for form in _FORMS:
        patterns = [form.time, *(axes.format(a=axis) for axes in form.axes for axis in "xyz")]
        columns = [[i for i, name in enumerate(table.names) if re.fullmatch(p, name)] for p in patterns]
        if all(columns):
            return form, columns
    return None


def _readings(table: _Table, notes: list[str]) -> _Readings:
    """Times and readings as the table has them, rising, each time once."""
    known = _form_of(table)
    shown = ", ".join(map(printable, table.names))[:120]
    if known is None or known[0].gravity is False:
        if known or re.search(r"linear|user ?acc", shown):
            app = known[0].app if known else ""
            found = f"linear acceleration, without gravity ({shown})"
            raise _NotReadError("acceleration with gravity", found, _WITH_GRAVITY.get(app, "Record it with gravity."))
        remedy = "Record acceleration with gravity, and leave the names of the columns as the app writes them."
        raise _NotReadError(f"columns of time, x, y and z in {table.name}", shown, remedy)
    form, columns = known
    if twice := [places for places in columns if len(places) > 1]:
        found = " and ".join(f"{table.names[i]!r} in column {i + 1}" for i in twice[0][:2])
        raise _NotReadError(f"one column each of time, x, y and z in {table.name}", found, "Delete one of them.")
    if form.app in ("Sensor Logger", "a plain table") and (match := _OTHER_SENSOR.search(table.name.lower())):
        wanted = "Accelerometer.csv" if match[0] == "gravity" else ""
        if not (wanted and form.app == "Sensor Logger"):
            found = f"readings of another sensor, by the name {table.name}"
            raise _NotReadError("readings of the accelerometer", found, _WITH_GRAVITY["Sensor Logger"])
    places = [found[0] for found in columns]
    units = {_named_unit(form.axes[i // 3], "xyz"[i % 3], table.names[p]) for i, p in enumerate(places[1:])}
    if len(units) > 1:
        raise _NotReadError("one unit for x, y and z", " and ".join(sorted(map(repr, units))), _AGAIN)
    unit = form.unit or units.pop()
    times, values = _numbers(table, places)
    t = _seconds(times, _named_unit(form.time, "", table.names[places[0]]), table.name, notes)
    full = np.isfinite(t) & ~np.isnan(values).any(axis=1)
    if not full.all():
        notes.append(f"{(~full).sum():,} of {len(full):,} rows of {table.name} lack a reading and were left out.")
        t, values = t[full], values[full]
    largest = np.abs(values).max(initial=0.0)
    if largest > LARGEST_READING:
        raise _NotReadError(f"readings up to {LARGEST_READING:.0f}", f"one of {largest:.4g}", _AGAIN)
    step = np.diff(t)
    if (step < -LONGEST_GAP).any():
        found = f"times that go back by {-step.min():,.0f} s after {np.argmin(step) + 1:,} readings"
        raise _NotReadError("one recording in the file", found, "Export each recording alone.")
    if (step < 0).any():
        notes.append(f"{(step < 0).sum():,} times ran backwards; the readings were sorted.")
        order = np.argsort(t, kind="stable")
        t, values = t[order], values[order]
    again = np.r_[False, np.diff(t) <= 0] if len(t) else np.zeros(0, bool)
    if again.any():
        doubled = again[1:] & (values[1:] == values[:-1]).all(axis=1)
        if again.sum() - doubled.sum() > 0.1 * len(t):
            found = f"{again.sum():,} of {len(t):,} readings with the time of the one before"
            raise _NotReadError("a time for each reading", found, "Export with times in milliseconds or finer.")
        notes.append(f"{again.sum():,} readings with the time of the one before were left out.")
        t, values = t[~again], values[~again]
    if len(t) < 2 or t[-1] - t[0] < LEAST_SECONDS:
        found = f"{t[-1] - t[0] if len(t) else 0.0:.1f} s"
        raise _NotReadError(f"a recording of at least {LEAST_SECONDS:g} s", found, "Record a minute or more.")
    return _Readings(form, unit, t, values)


def _named_unit(pattern: str, axis: str, name: str) -> str:
    match = re.fullmatch(pattern.format(a=axis) if axis in pattern or "{a}" in pattern else pattern, name)
    unit = match[match.lastindex] if match and match.lastindex else ""
    return {
        "sec": "s",
        "seconds": "s",
        "µs": "us",
        "m/s/s": "m/s2",
        "m/s^2": "m/s2",
        "ms-2": "m/s2",
        "ms2": "m/s2",
    }.get(unit, unit)


def _numbers(table: _Table, places: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The column of times, as numbers or text, and the others as (n, columns) float64."""
    import pandas as pd  # here, not above: loading data must not wait for it

    cells = [row[p] for row in table.first_rows for p in places[1:] if p < len(row)]
    signs = ",." if any("," in cell for cell in cells) else ".,"
    times = next((row[places[0]] for row in table.first_rows if len(row) > places[0] and row[places[0]].strip()), "0")
    types = dict.fromkeys(places, np.float64) | ({} if _is_number(times) else {places[0]: str})
    for decimal in signs:
        source = io.BytesIO(table.raw)
        source.seek(table.start)
        try:
            frame = pd.read_csv(
                source, sep=table.separator, decimal=decimal, header=None, names=range(len(table.names)), dtype=types,
                index_col=False, skipinitialspace=True, encoding_errors="replace", na_values=["NaN", "null", "-"],
            )  # fmt: skip
        except ValueError as error:  # a cell that is no number, or a row with more cells than names
            if decimal == signs[0]:
                first = error
            continue
        return frame[places[0]].to_numpy(), frame[list(places[1:])].to_numpy(np.float64)
    found = f"something else ({' '.join(str(first).split())[:100]})"
    raise _NotReadError(f"numbers with one decimal sign in {table.name}", found, _AGAIN)


def _seconds(times: np.ndarray, unit: str, name: str, notes: list[str]) -> np.ndarray:
    """Times as seconds: numbers in the unit that names or steps tell, a clock, which may pass midnight, or dates."""
    if times.dtype != np.float64:
        import pandas as pd

        text = pd.Series(times, dtype=str).str.strip()
        parts = text.str.extract(_CLOCK)
        if parts[[0, 1, 2]].notna().all(axis=None):
            hours, minutes, seconds = (parts[i].to_numpy(np.float64) for i in range(3))
            digits = parts[4].fillna("0")
            power = digits.str.len().to_numpy(np.float64)
            power[parts[3].eq(":").to_numpy(bool)] = 3  # 12:00:01:5 ends in milliseconds
            clock = hours * 3600 + minutes * 60 + seconds + digits.to_numpy(np.float64) / 10**power
            return np.unwrap(clock, period=86_400)
        try:
            dates = pd.to_datetime(text, utc=True, format="ISO8601")
        except (ValueError, OverflowError):
            found = repr(next((cell for cell in text if not _is_number(str(cell))), ""))[:40]
            raise _NotReadError(f"times as numbers, a clock or ISO dates in {name}", found, _AGAIN) from None
        return dates.dt.as_unit("ns").astype("int64").to_numpy() / 1e9
    step = np.diff(times[np.isfinite(times)])
    step = float(np.median(step[step > 0])) if (step > 0).any() else 0.0
    fitting = [u for u, factor in _SECONDS.items() if 1 / MOST_HZ <= step * factor * (1 + 1e-9) < LONGEST_GAP]
    if step <= 0 or (not unit and not fitting):
        found = "times that are all the same" if step <= 0 else f"a step of {step:g}, which fits no unit"
        raise _NotReadError(f"times that rise, with 10 to {MOST_HZ:g} readings a second, in {name}", found, _AGAIN)
    if unit and fitting and unit != fitting[0]:
        found = f"steps of {step:g}, which fit {fitting[0]}"
        raise _NotReadError(f"times in {unit}, as the name says", found, "Correct the name of the column of times.")
    unit = unit or fitting[0]
    if unit != "s":
        notes.append(f"Times were in {unit}.")
    return times * _SECONDS[unit]


def _with_gravity(moving: _Readings, gravity: _Readings) -> _Readings:
    """Acceleration without gravity, and gravity itself at those times."""
    t = moving.seconds
    inside = (t >= gravity.seconds[0]) & (t <= gravity.seconds[-1])
    added = [np.interp(t[inside], gravity.seconds, column) for column in gravity.values.T]
    return moving._replace(seconds=t[inside], values=moving.values[inside] + np.stack(added, axis=1))


def _finished(readings: _Readings, notes: list[str], ios: bool | None) -> _Readings:
    """The readings in m/s2 with gravity, in Android's signs. Raises _NotReadError when the data contradict the names."""
    form, unit, t, xyz = readings
    sign = form.sign
    if xyz.shape[1] == 6:  # a watch's movement and gravity side by side
        size = float(np.median(np.linalg.norm(xyz[:, 3:], axis=1)))
        unit, xyz = "g" if size < BETWEEN_G_AND_MS2 else "m/s2", xyz[:, :3] + xyz[:, 3:]
        ios = unit == "g"  # the app turns units and signs together
    remedy = _WITH_GRAVITY.get(form.app, "Record acceleration with gravity.")
    if not np.ptp(xyz, axis=0).any():
        raise _NotReadError(
            "a sensor that moves", f"{len(t):,} times the same reading", "Is the sensor blocked? Again."
        )
    second = np.floor(t - t[0]).astype(np.int64)
    starts = np.flatnonzero(np.r_[True, np.diff(second) > 0])
    means = np.add.reduceat(xyz, starts) / np.diff(np.r_[starts, len(t)])[:, None]
    level, size = float(np.median(np.linalg.norm(means, axis=1))), float(np.sqrt((xyz**2).sum(axis=1).mean()))
    looks = "g" if 1 / BETWEEN_G_AND_MS2 < level < BETWEEN_G_AND_MS2 else "m/s2"
    if not 1 / BETWEEN_G_AND_MS2 < level < BETWEEN_G_AND_MS2 * G or (form.gravity is None and level < STEADY * size):
        found = f"one-second means of size {level:.2g}: no gravity in {'g' if looks == 'g' else 'm/s2'}"
        raise _NotReadError("gravity, of 1 g or 9.8 m/s2, in the readings", found, remedy)
    if unit and unit != looks:
        found = f"one-second means of size {level:.2f}, as in {looks}"
        if looks == "g":
            found += " or without gravity"
        raise _NotReadError(f"readings with gravity in {unit}, as the names say", found, remedy)
    lengths = np.linalg.norm(xyz, axis=1)
    if lengths.std() < 1e-4 * lengths.mean():
        raise _NotReadError("acceleration", f"gravity alone: every reading has the size {lengths.mean():.2f}", remedy)
    if looks == "g":
        how = "by its names" if unit else f"by one-second means of size {level:.2f}"
        notes.append(f"The unit was g, {how}: multiplied by {G}.")
        xyz = xyz * G
    elif not unit:
        notes.append(f"The unit was taken as m/s2, by one-second means of size {level:.2f}.")
    if ios or sign < 0:
        notes.append("Apple's signs were turned into Android's.")
        xyz = -xyz
    elif ios is None and form.app not in ("phyphox", "Science Journal"):
        notes.append(
            "The file does not say which phone it is from: Android's signs were assumed, an iPhone may differ."
        )
    limit = np.abs(xyz).max()
    if limit > 1.5 * G and (share := (np.abs(xyz) >= 0.999 * limit).any(axis=1).mean()) > 0.01:
        notes.append(f"{share:.0%} of the readings lie at {limit:.1f} m/s2, perhaps the sensor's limit.")
    return readings._replace(unit="m/s2", values=xyz)


def _pieces(
    t: np.ndarray, xyz: np.ndarray, native: float, rate_hz: float, pauses: Sequence[float], notes: list[str]
) -> tuple[tuple[float, np.ndarray], ...]:
    """Even readings between gaps and pauses."""
    gaps = np.flatnonzero(np.diff(t) > LONGEST_GAP) + 1
    stops = np.setdiff1d(np.searchsorted(t, pauses, "right"), [*gaps, 0, len(t)])
    if len(gaps):
        notes.append(f"{len(gaps)} gaps of more than {LONGEST_GAP:g} s: no window crosses them.")
    if len(stops):
        notes.append(f"The app was paused {len(stops)} times: no window crosses a pause.")
    ends = [0, *np.union1d(gaps, stops).astype(int), len(t)]
    pieces = []
    for first, last in zip(ends[:-1], ends[1:], strict=True):
        if t[last - 1] - t[first] >= SHORTEST_PIECE:
            signal = _even(t[first:last], xyz[first:last], native, rate_hz)
            signal.setflags(write=False)
            pieces.append((float(t[first] - t[0]), signal))
    longest = max((len(signal) for _, signal in pieces), default=0) / rate_hz
    if longest < LEAST_SECONDS:
        remedy = "Record a minute or more, with the app open and the screen on."
        raise _NotReadError(f"{LEAST_SECONDS:g} s without a gap", f"{longest:.1f} s at most", remedy)
    return tuple(pieces)


def _even(t: np.ndarray, xyz: np.ndarray, native: float, rate_hz: float) -> np.ndarray:
    """Linear onto a grid finer than the readings, then low-passed down to rate_hz, so that no frequency folds over."""
    from scipy.signal import resample_poly  # here, not above: it is slow to import

    finer = 1 if native < 1.01 * rate_hz else int(np.ceil(2 * native / rate_hz))
    n = int((t[-1] - t[0]) * rate_hz + 1e-6) + 1
    grid = t[0] + np.arange((n - 1) * finer + 1) / (finer * rate_hz)
    even = np.stack([np.interp(grid, t, column) for column in xyz.T], axis=1)
    return even if finer == 1 else resample_poly(even, 1, finer, axis=0, padtype="line")
