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
from typing import BinaryIO, NamedTuple, NoReturn

import numpy as np

from pmt_helpers.datasets.arrays import DAMAGED
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import MB, open_plain, printable, read_unpacked

G = 9.80665  # m/s2, what apps take for one g
LARGEST_MB, LARGEST_XLS_MB, MOST_CELLS = 300, 40, 30_000_000
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
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1f\x7f]")
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


def _refuse(expected: str, found: str, remedy: str = _AGAIN) -> NoReturn:
    raise DataError(file="", expected=expected, found=found, remedy=remedy)  # load_own_recordings names the file


class _Table(NamedTuple):
    """A text table as bytes, from the line of names on; the names in small letters, and the first rows."""

    name: str
    names: list[str]
    raw: bytes
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
        with open_plain(path, LARGEST_MB) as file:
            readings = _read(file, printable(path.name), notes)
        app, native = readings.form.app, float(1.0 / np.median(np.diff(readings.seconds)))
        if native < SLOWEST_SHARE * rate_hz:
            remedy = _FASTER.get(app, "Choose a higher rate in the app.")
            _refuse(f"at least {SLOWEST_SHARE * rate_hz:g} readings a second", f"{native:.1f} a second", remedy)
        pieces = _pieces(readings, native, rate_hz, notes)
    except DataError as error:
        raise error.about(path) from None
    except OSError as error:
        expected, remedy = "a file that a phone or watch app exported", f"Name the file itself. {_SHORTER}"
        raise DataError(file=path, expected=expected, found=error.strerror or str(error), remedy=remedy) from error
    return OwnRecording(path, app, float(rate_hz), native, pieces, tuple(notes))


def _read(file: BinaryIO, name: str, notes: list[str]) -> _Readings:
    """Readings in m/s2 with gravity in Android's signs."""
    magic, size = file.read(8), file.seek(0, io.SEEK_END)
    file.seek(0)
    if magic.startswith((b"PK\3\4", b"PK\5\6")):
        return _from_archive(file, notes)
    is_xls = magic == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    if is_xls and size > LARGEST_XLS_MB * MB:
        _refuse(f"an .xls of at most {LARGEST_XLS_MB} MB", f"{size / MB:,.0f} MB", _SHORTER)
    tables = _sheets(file.read()) if is_xls else [_table(file.read(), name)]
    table = next((table for table in tables if _form_of(table)), tables[0])
    return _finished(_readings(table, notes), notes, ios=None)


def _from_archive(file: BinaryIO, notes: list[str]) -> _Readings:
    try:
        archive = zipfile.ZipFile(file)
    except DAMAGED as error:
        _refuse("a whole .zip", f"a damaged one ({type(error).__name__})")
    members: dict[str, list[zipfile.ZipInfo]] = {}
    for entry in archive.infolist():
        path = entry.filename.lower()
        if not path.endswith("/") and "__macosx" not in path:
            members.setdefault(re.sub(r"[^\w .,()\[\]+-]", "?", re.split(r"[/\\]", path)[-1]), []).append(entry)

    def get(name: str) -> _Table:
        if (n := len(members[name])) > 1:
            _refuse("one recording in the .zip", f"{n} tables {name}", "Export each recording alone.")
        return _table(_member(archive, members[name][0], name), name)

    if private := sorted(name[:40] for name in members if _PRIVATE.search(name)):
        shown = ", ".join(private[:4]) + " and more" * (len(private) > 4)
        notes.append(f"The .zip also holds {shown}: not opened; take it out before you pass the .zip on.")
    about = get("metadata.csv") if "metadata.csv" in members else None
    cells = [cell.strip().lower() for row in about.first_rows[:1] for cell in row] if about else []
    facts = dict(zip(about.names, cells, strict=False)) if about else {}
    ios = facts["platform"] == "ios" and facts.get("standardisation") != "true" if "platform" in facts else None
    known = ("totalacceleration.csv", "gravity.csv", "wristmotion.csv", "raw data.csv", "accelerometer.csv")
    tables = [name for name in members if name.endswith((".csv", ".txt")) and not _NO_READINGS.search(name)]
    chosen = next((name for name in known if name in members), tables[0] if len(tables) == 1 else "")
    if not chosen or (chosen == "gravity.csv" and "accelerometer.csv" not in members):
        found = ", ".join(sorted(members))[:120] or "nothing"
        _refuse("a table of the accelerometer in the .zip", found, _WITH_GRAVITY["Sensor Logger"])
    if chosen != "gravity.csv":
        return _finished(_readings(get(chosen), notes), notes, ios)
    moving, gravity = (_readings(get(name), notes) for name in ("accelerometer.csv", chosen))
    inside = (moving.seconds >= gravity.seconds[0]) & (moving.seconds <= gravity.seconds[-1])
    t = moving.seconds[inside]
    added = np.stack([np.interp(t, gravity.seconds, column) for column in gravity.values.T], axis=1)
    notes.append("Gravity stood in a file of its own and was added.")
    return _finished(moving._replace(seconds=t, values=moving.values[inside] + added), notes, ios)


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        found = f"one locked with a password, or packed by method {entry.compress_type}"  # which may ask for gigabytes
        _refuse("an open .zip, packed as apps do", found)
    try:
        with archive.open(entry) as stream:
            return read_unpacked(stream, LARGEST_MB)  # type: ignore[arg-type]
    except DAMAGED as error:
        why = error.strerror if isinstance(error, OSError) else None
        _refuse(f"a whole {name[:60]} in the .zip", why or f"damaged ({type(error).__name__})")


def _sheets(raw: bytes) -> list[_Table]:
    """The tables of an .xls, each as if it had been exported as CSV."""
    texts = {}
    try:
        import xlrd  # here, not above: only an .xls needs it

        book = xlrd.open_workbook(file_contents=raw, logfile=io.StringIO(), ragged_rows=True)
        for sheet in book.sheets():
            text = io.StringIO()
            csv.writer(text, delimiter=";").writerows(map(sheet.row_values, range(sheet.nrows)))
            texts[sheet.name] = text.getvalue().encode("utf-8", "replace")
    except ImportError:
        remedy = "Install it with `python -m pip install xlrd`, or export as CSV."
        _refuse("the xlrd package, which reads .xls", "no such package", remedy)
    except Exception as error:  # inside a damaged file anything can go wrong
        what = "locked with a password" if "encrypted" in str(error) else f"damaged ({type(error).__name__})"
        _refuse("a whole, open .xls", f"one that is {what}")
    tables = [_table(text, name) for name, text in texts.items() if text and not name.startswith("Metadata")]
    if not tables:
        _refuse("a sheet with readings in the .xls", "none")
    return tables


def _table(raw: bytes, name: str) -> _Table:
    """A text table, whatever its encoding, separator and line ends; lines with # before its names are passed over."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raw = raw.decode("utf-16", "replace").encode("utf-8", "replace")
    raw = raw.removeprefix(codecs.BOM_UTF8).replace("\u2212".encode(), b"-").replace("×10^".encode(), b"E")
    raw = raw[_BEFORE_NAMES.match(raw).end() :]  # type: ignore[union-attr]
    lines = [line for line in raw[:100_000].decode(errors="replace").splitlines() if line.strip()][:200]
    if not lines:
        _refuse(f"a table in {name}", "an empty file")
    if _CONTROL.search(raw):
        _refuse(f"a text table in {name}", "bytes that are no text")
    if raw[:1] in (b"<", b"{", b"["):
        _refuse(f"a text table in {name}", "a web page" if raw[:1] == b"<" else "JSON")
    separator = max(";\t|,", key=lines[0].count)
    names, *rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    names = [" ".join(re.sub("[²\ufffd]", "^2", name.lower()).split()) for name in names]  # or ² of another encoding
    longest = max((len(row) - (not row[-1].strip()) for row in rows), default=0)
    if longest > len(names):
        why = ": a comma stands both between cells and inside numbers" if separator == "," else ""
        remedy = "Export with a decimal point, such as phyphox's 'CSV (Comma, decimal point)'."
        _refuse(f"one cell under each name in {name}", f"{longest} cells under {len(names)} names{why}", remedy)
    if (raw.count(b"\n") + raw.count(b"\r")) * len(names) > MOST_CELLS:
        _refuse(f"at most {MOST_CELLS:,} cells in {name}", "more", _SHORTER)
    return _Table(name, names, raw, separator, rows)


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
        remedy = "Record acceleration with gravity, and leave the names of the columns as the app writes them."
        _refuse(f"columns of time, x, y and z in {table.name}", shown, remedy)
    form, columns = known
    if form.gravity is False:
        _refuse("acceleration with gravity", f"linear acceleration, without it ({shown})", _WITH_GRAVITY[form.app])
    if any(len(same) > 1 for same in columns):
        _refuse(f"one column each of time, x, y and z in {table.name}", shown, "Delete one of them.")
    if form.gravity is None and table.name != "gravity.csv" and _OTHER_SENSOR.search(table.name.lower()):
        _refuse("the accelerometer's table", f"another sensor's: {table.name}", _WITH_GRAVITY["Sensor Logger"])
    time_unit, unit = (_SPELLINGS.get(same[0][1], same[0][1]) for same in columns[:2])
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
    order = np.argsort(t, kind="stable")
    t, values = t[order], values[order]
    again = np.flatnonzero(np.diff(t) == 0) + 1
    if (values[again] != values[again - 1]).any(axis=1).sum() > 0.1 * len(t):
        found = f"{len(again):,} of {len(t):,} readings with the time of the one before"
        _refuse("a time for each reading", found, "Export with times in milliseconds or finer.")
    if (late := (step < 0).sum()) or len(again):
        notes.append(f"Readings sorted by time: {late:,}; left out, since another has their time: {len(again):,}.")
    t, values = np.delete(t, again), np.delete(values, again, axis=0)
    seconds = float(np.ptp(t)) if len(t) else 0.0
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        expected = f"a recording of {LEAST_SECONDS:g} s to {MOST_SECONDS / 3600:g} hours"
        _refuse(expected, f"{seconds:,.1f} s in {len(t):,} readings", "Record a few minutes.")
    return _Readings(form, form.unit or unit, t, values)


def _numbers(table: _Table, places: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The column of times, as numbers or text, and the others as (n, columns) float64."""
    import pandas as pd  # here, not above: loading data must not wait for it

    time, *axes = places
    first = next((row[time] for row in table.first_rows if len(row) > time and row[time].strip()), "0")
    decimal = "," if any("," in row[i] for row in table.first_rows for i in axes if i < len(row)) else "."
    of_times = np.float64 if re.fullmatch(r"[-+.,\deE]+", first.strip()) else str
    try:
        frame = pd.read_csv(
            io.BytesIO(table.raw), sep=table.separator, decimal=decimal, names=range(len(table.names)), header=0,
            dtype={**dict.fromkeys(axes, np.float64), time: of_times}, index_col=False, skipinitialspace=True,
            na_values=["-"], encoding_errors="replace",
        )  # fmt: skip
    except ValueError as error:  # a cell that is no number, or a row with more cells than names
        found = f"something else ({' '.join(str(error).split())[:100]})"
        _refuse(f"numbers with one decimal sign in {table.name}", found)
    return frame[time].to_numpy(), frame[axes].to_numpy(np.float64)


def _seconds(times: np.ndarray, unit: str, name: str, notes: list[str]) -> np.ndarray:
    """Times as seconds: numbers in the unit that names or steps tell, a clock, which may pass midnight, or dates."""
    if times.dtype != np.float64:
        return _dates(times, name)
    step = np.diff(times[np.isfinite(times)])
    middle = float(np.median(step[step > 0])) if (step > 0).any() else 0.0
    fitting = next((u for u, size in _SECONDS.items() if SHORTEST_STEP < middle * size < LONGEST_GAP), "")
    if middle == 0 or not (unit or fitting):
        found = "none that rise" if middle == 0 else f"steps of {middle:g}, which fit no unit"
        _refuse(f"times that rise, a reading every 1.1 to 1,000 ms, in {name}", found)
    if unit and fitting and unit != fitting:
        remedy = "Correct the name of the column of times."
        _refuse(f"times in {unit}, as the name says", f"steps of {middle:g}, which fit {fitting}", remedy)
    if (unit := unit or fitting) != "s":
        notes.append(f"Times were in {unit}.")
    return times * _SECONDS[unit]


def _dates(times: np.ndarray, name: str) -> np.ndarray:
    """Seconds of clock times or ISO dates; NaN where a cell is empty."""
    import pandas as pd

    cells = [cell.strip() if isinstance(cell, str) else None for cell in times]
    try:
        if not re.match(r"\d{1,2}:\d\d:", next(filter(None, cells), "")):
            dates = pd.to_datetime(pd.Index(cells), utc=True, format="ISO8601")
            return np.array((dates - dates.min()).total_seconds())
        # 12:00:01:5 ends in milliseconds
        cells = [cell and re.sub(r"(?<=:\d\d:\d\d):(\d{1,3})$", lambda ms: f".{ms[1]:0>3}", cell) for cell in cells]
        seconds = np.array(pd.to_timedelta([cell and cell.replace(",", ".") for cell in cells]).total_seconds())
    except (ValueError, OverflowError) as error:
        _refuse(f"times as numbers, a clock or ISO dates in {name}", f"others ({' '.join(str(error).split())[:80]})")
    known = np.isfinite(seconds)
    seconds[known] = np.unwrap(seconds[known], period=86_400)
    return seconds


def _finished(readings: _Readings, notes: list[str], ios: bool | None) -> _Readings:
    """The readings in m/s2 with gravity, in Android's signs. Refused when the data contradict the names."""
    form, unit, t, xyz = readings
    apple = form.apple or ios
    if xyz.shape[1] == 6:  # a watch's movement and gravity side by side, of which gravity's size is known
        unit = "g" if np.median(np.linalg.norm(xyz[:, 3:], axis=1)) < BETWEEN_G_AND_MS2 else "m/s2"
        xyz, apple = xyz[:, :3] + xyz[:, 3:], unit == "g"  # the app turns units and signs together
    remedy = _WITH_GRAVITY.get(form.app, "Record acceleration with gravity, in g or m/s2.")
    lengths = np.linalg.norm(xyz, axis=1)
    if len(t) < 2 or lengths.std() <= 1e-4 * lengths.mean():
        _refuse("acceleration", f"{len(t):,} readings of the same size, as of gravity alone or a stuck sensor", remedy)
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
    return _Readings(form, "m/s2", t, xyz)


def _pieces(
    readings: _Readings, native: float, rate_hz: float, notes: list[str]
) -> tuple[tuple[float, np.ndarray], ...]:
    """Even readings between gaps."""
    t, xyz = readings.seconds, readings.values
    gaps = np.flatnonzero(np.diff(t) > LONGEST_GAP) + 1
    if len(gaps):
        notes.append(f"Gaps of more than {LONGEST_GAP:g} s: {len(gaps)}; no window crosses them.")
    pieces = []
    for rows in np.split(np.arange(len(t)), gaps):
        if np.ptp(t[rows]) >= SHORTEST_PIECE:
            signal = _even(t[rows], xyz[rows], native, rate_hz)
            signal.setflags(write=False)
            pieces.append((float(t[rows[0]] - t[0]), signal))
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
