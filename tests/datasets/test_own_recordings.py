"""A file of a phone or watch app becomes even readings: whatever its form the same ones, and refused when in doubt."""

import dataclasses
import os
import re
import struct
import sys
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from pmt_helpers.activity import train_shared_fast
from pmt_helpers.datasets import (
    DataError,
    cut_windows,
    extract_features,
    load_activity,
    load_recordings,
    own_recordings,
)
from pmt_helpers.datasets.own_recordings import G, OwnRecording, load_own_recordings
from tests.datasets import own_forms as forms

Arrays = tuple[np.ndarray, np.ndarray]
# m/s2: how far the windows of a form lie from those of phyphox's .csv. Apps round readings or times: Physics Toolbox
# writes .0001 g and .1 ms, a clock or Science Journal whole milliseconds; a reading moves by up to 34 m/s2 a second.
ROUNDED = {"toolbox": 0.005, "toolbox_clock": 0.03, "science": 0.03}
EXACT = 1e-4


@pytest.fixture(scope="module")
def walked() -> Arrays:
    return forms.walk()


def read(folder: Path, name: str, content: bytes | str, rate_hz: float = 20.0) -> OwnRecording:
    return load_own_recordings(forms.save(folder / name, content), rate_hz)


def signal_of(recording: OwnRecording) -> np.ndarray:
    assert len(recording.pieces) == 1
    return recording.pieces[0][1]


@pytest.mark.parametrize("name", forms.WRITERS)
def test_each_form_of_each_app_gives_the_same_windows(name: str, walked: Arrays, tmp_path: Path) -> None:
    wanted = cut_windows(signal_of(read(tmp_path, "reference.csv", forms.phyphox_csv(*walked))), 100, 50)
    recording = read(tmp_path, name, forms.WRITERS[name](*walked))
    windows = cut_windows(signal_of(recording), 100, 50)
    limit = next((ROUNDED[key] for key in sorted(ROUNDED, reverse=True) if name.startswith(key)), EXACT)
    assert windows.shape == wanted.shape
    assert np.abs(windows - wanted).max() < limit
    assert recording.native_hz == pytest.approx(100, rel=0.02)
    assert recording.seconds == pytest.approx(20, abs=0.1)


def test_a_recording_says_what_was_converted_and_never_when_it_was_made(walked: Arrays, tmp_path: Path) -> None:
    for name, note in (
        ("sensor_log.csv", "in g were multiplied"), ("sensor_log.csv", "Apple's signs"),
        ("logger_iphone.zip", "Gravity stood in a file of its own"), ("logger_iphone.zip", "Apple's signs"),
        ("logger_android.zip", "location.csv: not opened"), ("science_journal.csv", "Times were in ms"),
        ("toolbox_several_sensors.csv", "2,001 of 4,002 rows"), ("plain.csv", "unit was taken as m/s2"),
        ("plain_g_unnamed.csv", "unit was taken as g"), ("plain.csv", "Android's signs were assumed"),
    ):  # fmt: skip
        recording = read(tmp_path, name, forms.WRITERS[name](*walked))
        assert note in " ".join(recording.notes)
        told = str([getattr(recording, field.name) for field in dataclasses.fields(recording)])
        assert not re.search("2023|1700000|62608", told)
        assert not recording.pieces[0][1].flags.writeable
    assert read(tmp_path, "phyphox.zip", forms.phyphox_zip(*walked)).notes == ()


def smooth(t: np.ndarray) -> np.ndarray:
    """A movement of up to 2 Hz, without noise; its second derivative stays below 320 m/s4."""
    waves = ((2, 1.3, 0, 1), (1.5, 2.0, 1, 9), (1, 0.7, 2, 2))
    return np.stack([size * np.sin(2 * np.pi * f * t + at) + mean for size, f, at, mean in waves], axis=1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hz=st.floats(20, 600), jitter=st.floats(0, 0.4), gap=st.none() | st.floats(1.5, 30), seed=st.integers(0, 99),
    offset=st.sampled_from([0.0, -0.05, 62_608.25, 1.7e9]), unit=st.sampled_from(["s", "ms", "us", "ns"]),
    marks=st.sampled_from([",.", ";.", "\t.", ";,", "\t,", "|."]), end=st.sampled_from(["\n", "\r\n", "\r"]),
)  # fmt: skip
@example(hz=400, jitter=0.4, gap=None, seed=0, offset=1.7e9, unit="ns", marks=";,", end="\r")
def test_the_movement_comes_back_at_any_rate_with_jitter_gaps_and_each_way_to_write_numbers(
    hz: float,
    jitter: float,
    gap: float | None,
    seed: int,
    offset: float,
    unit: str,
    marks: str,
    end: str,
    tmp_path: Path,
) -> None:
    t, _ = forms.walk(24.0, hz, jitter, seed)
    if gap is not None:
        t = np.where(t > 12, t + gap, t)
    factor = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
    times = [f"{(offset + s) * factor:.{6 if unit == 's' else 3 if unit == 'ms' else 0}f}" for s in t]
    cells = [[cell.replace(".", marks[1]) for cell in times], *(forms.texts(c, ".6f", marks[1]) for c in smooth(t).T)]
    text = forms.table(["Time", "X", "Y", "Z"], cells, marks[0]).replace("\n", end)
    recording = read(tmp_path, "own.csv", text)
    assert len(recording.pieces) == (1 if gap is None else 2)
    assert recording.native_hz == pytest.approx(hz, rel=0.1)
    # A straight line between readings h apart misses a curve by h^2/8 of its second derivative; .05 for the filter.
    limit = ((1 + jitter) / hz) ** 2 / 8 * 320 + 0.05
    for start, signal in recording.pieces:
        at = t[0] + start + np.arange(len(signal)) / 20.0
        inside = slice(10, -10)  # half a second at both ends, where the filter looks beyond
        assert np.abs(signal - smooth(at))[inside].max() < limit
        assert np.abs(signal - smooth(at)).max() < limit + 0.5


def test_no_frequency_folds_over_where_every_fifth_reading_would_show_a_movement_that_never_was(tmp_path: Path) -> None:
    t = np.arange(2000) / 100
    a = np.stack([3 * np.sin(2 * np.pi * 17 * t), np.full(2000, 9.8), np.cos(t)], axis=1)
    assert np.ptp(a[::5, 0]) > 5.5  # a swing of 3 Hz
    assert np.ptp(signal_of(read(tmp_path, "a.csv", forms.phyphox_csv(t, a)))[5:-5, 0]) < 0.1


def test_recordings_down_to_ten_readings_a_second_are_read_at_their_own_rate(tmp_path: Path) -> None:
    t, _ = forms.walk(30, 10, 0.1)
    recording = read(tmp_path, "a.csv", forms.phyphox_csv(t, smooth(t)), 10.0)
    assert (recording.rate_hz, len(signal_of(recording))) == (10.0, pytest.approx(300, abs=2))


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf"), 1000.0])
def test_an_impossible_rate_is_refused(rate: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rate_hz must be between 1 and 500"):
        load_own_recordings(tmp_path, rate)


LAYOUTS: dict[str, Callable[[str], bytes | str]] = {
    "byte-order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "Latin-1": lambda text: text.replace("m/s^2", "m/s²").encode("latin-1"),
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "quotes": lambda text: "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in text.split("\n")[:-1]
    ),
    "spaces": lambda text: text.replace(",", " ,  "),
    "separators at line ends": lambda text: text.replace("\n", ",\n"),
    "separators at the ends of rows": lambda text: text.replace("\n", ",\n").replace("z,\n", "z\n", 1),
    "comments and empty lines": lambda text: "# made\n\n#\n" + text + "\n\n",
    "another minus": lambda text: text.replace("-", "\u2212"),
    "names in capitals": lambda text: text.replace("x,y,z", "X,Y,Z", 1),
    "rows without readings": lambda text: text.replace("\n0.5", "\n,,,\n0.5", 1) + "99.0,,,\n99.1,NaN,nan,1\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_table_is_read_however_an_editor_saved_it(layout: str, walked: Arrays, tmp_path: Path) -> None:
    text = forms.plain(*walked, names="time,x (m/s^2),y (m/s^2),z (m/s^2)" if layout == "Latin-1" else "time,x,y,z")
    wanted = signal_of(read(tmp_path, "wanted.csv", text))
    np.testing.assert_array_equal(signal_of(read(tmp_path, "saved.csv", LAYOUTS[layout](text))), wanted)


def test_decimal_commas_in_quotes_between_commas_are_certain_and_read(walked: Arrays, tmp_path: Path) -> None:
    lines = forms.plain(*walked).splitlines()
    quoted = [",".join(f'"{cell.replace(".", ",")}"' for cell in line.split(",")) for line in lines[1:]]
    wanted = signal_of(read(tmp_path, "a.csv", "\n".join(lines)))
    np.testing.assert_array_equal(signal_of(read(tmp_path, "b.csv", "\n".join([lines[0], *quoted]))), wanted)


def test_a_clock_may_pass_midnight_and_dates_may_have_a_zone(walked: Arrays, tmp_path: Path) -> None:
    t, a = walked
    for before_midnight in (0.5, 5.0, 15.0):
        clock = forms.clock(t, before_midnight)
        recording = read(tmp_path, "clock.csv", forms.toolbox(t, a, times=clock))
        assert recording.seconds == pytest.approx(20, abs=0.1)
        short = [re.sub(r":0*(\d+)$", r":\1", cell) for cell in clock]  # 12:00:01:5 is five milliseconds after
        shown = signal_of(read(tmp_path, "short.csv", forms.toolbox(t, a, times=short)))
        np.testing.assert_array_equal(shown, signal_of(recording))
    cells = forms.clock(t)
    cells[700] = ""  # as are the cells of other sensors, or a row that an editor left
    emptied = read(tmp_path, "emptied.csv", forms.toolbox(t, a, times=cells))
    assert "1 of 2,001 rows" in emptied.notes[0]
    assert emptied.seconds == pytest.approx(20, abs=0.1)
    dates = [
        f"2023-11-14T23:59:{50 + s:09.6f}+01:00" if s < 10 else f"2023-11-15T00:00:{s - 10:09.6f}+01:00"
        for s in t - t[0]
    ]
    wanted = signal_of(read(tmp_path, "plain.csv", forms.plain(t, a)))
    table = forms.table(["date_time", "x", "y", "z"], [dates, *(forms.texts(c, ".6f") for c in a.T)])
    assert np.abs(signal_of(read(tmp_path, "dates.csv", table)) - wanted).max() < EXACT
    emptied = read(tmp_path, "emptied.csv", table.replace(dates[700], ""))
    assert "1 of 2,001 rows" in emptied.notes[0]


def test_gaps_and_doubled_or_late_readings_are_seen(walked: Arrays, tmp_path: Path) -> None:
    t, a = forms.walk(45)
    gap = np.where(t > 15, t + 2, t)
    recording = read(tmp_path, "gap.csv", forms.phyphox_csv(gap, a))
    assert [round(start, 1) for start, _ in recording.pieces] == [0.0, 17.0]
    assert "Gaps of more than 1 s: 1" in recording.notes[0]
    t, a = walked
    wanted = signal_of(read(tmp_path, "wanted.csv", forms.plain(t, a)))
    head, *rows = forms.plain(t, a).splitlines()
    mixed = [head, *rows[:500], rows[501], rows[500], rows[502], *rows[502:]]
    recording = read(tmp_path, "mixed.csv", "\n".join(mixed))
    assert "sorted by time: 1; left out, since another has their time: 1." in recording.notes[0]
    np.testing.assert_array_equal(signal_of(recording), wanted)


def test_places_sound_and_pictures_in_an_archive_are_never_opened(
    walked: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = {"Location.csv": "50.1,8.6", "Microphone.caf": b"sound", "Camera/1.jpg": b"face", "HeartRate.csv": "61"}
    opened = []

    def spy(archive: zipfile.ZipFile, name: zipfile.ZipInfo, *args: object, **options: object) -> object:
        opened.append(name.filename)
        return really_open(archive, name, *args, **options)  # type: ignore[arg-type]

    really_open = zipfile.ZipFile.open
    monkeypatch.setattr(zipfile.ZipFile, "open", spy)
    for table, content in (
        ("TotalAcceleration.csv", forms.logger_csv(*walked)),
        ("Raw Data.csv", forms.phyphox_csv(*walked)),
    ):
        content_of = forms.zipped({"walk/" + name: what for name, what in (private | {table: content}).items()})
        opened.clear()
        recording = read(tmp_path, "all.zip", content_of)
        assert opened == [f"walk/{table}"]
        assert "1.jpg, heartrate.csv, location.csv, microphone.caf: not opened" in recording.notes[0]


def test_an_archive_with_one_table_of_another_name_is_read(walked: Arrays, tmp_path: Path) -> None:
    members = {"my walk.csv": forms.plain(*walked), "meta/time.csv": "event,experiment time\n", "Location.csv": "x"}
    assert read(tmp_path, "a.zip", forms.zipped(members)).app == "a plain table"


def test_a_phones_readings_are_taken_before_a_watchs(walked: Arrays, tmp_path: Path) -> None:
    both = {
        "TotalAcceleration.csv": forms.logger_csv(*walked),
        "WristMotion.csv": forms.watch_csv(walked[0], -walked[1]),
    }
    assert read(tmp_path, "both.zip", forms.zipped(both)).app == "Sensor Logger"


# ----------------------------------------------------------------------------------------------------------- refusals

T, A = forms.walk()
LINEAR = A - forms.gravity_of(A)
RNG = np.random.default_rng(0)


def with_cell(row: int, cell: str) -> str:
    lines = forms.plain(T, A).splitlines()
    cells = lines[row].split(",")
    lines[row] = ",".join([cells[0], cell, *cells[2:]])
    return "\n".join(lines)


def locked_zip() -> bytes:
    raw = bytearray(forms.zipped({"Raw Data.csv": forms.phyphox_csv(T, A)}))
    raw[6] |= 1
    raw[raw.rindex(b"PK\1\2") + 8] |= 1
    return bytes(raw)


def flipped(raw: bytes, place: float) -> bytes:
    at = int(place * len(raw))
    return raw[:at] + bytes(byte ^ 0x55 for byte in raw[at : at + 64]) + raw[at + 64 :]


def still(t: np.ndarray, each: list[float]) -> np.ndarray:
    return np.tile(np.array(each), (len(t), 1))


COMMAS = re.sub(r"\.", ",", forms.plain(T, A))
ROTATED = G * np.stack([np.sin(T / 10), np.cos(T / 10), 0 * T], axis=1)
# name of the file -> (its content, what the message must say)
BAD: dict[str, tuple[bytes | str, str]] = {
    "linear_phyphox.zip": (forms.phyphox_zip(T, LINEAR, linear=True), "phyphox choose 'Acceleration with g'"),
    "linear_phyphox.xls": (forms.phyphox_xls(T, LINEAR, linear=True), "phyphox choose 'Acceleration with g'"),
    "linear_toolbox.csv": (forms.toolbox_linear(T, A), "choose 'G-Force Meter'"),
    "Accelerometer.csv": (forms.logger_csv(T, LINEAR), "switch on 'Total Acceleration'"),
    "linear_alone.zip": (forms.zipped({"Accelerometer.csv": forms.logger_csv(T, LINEAR)}), "or 'Gravity' beside"),
    "linear_plain.csv": (forms.plain(T, LINEAR), "gravity in the readings, 1 g or 9.8"),
    "linear_plain_g.csv": (forms.plain(T, LINEAR / G), "gravity in the readings, 1 g or 9.8"),
    "linear_that_drifts.csv": (forms.plain(T, 3 * LINEAR + [0.0, 0.5, 0.0]), "gravity in the readings, 1 g or 9.8"),
    "linear_named.csv": (forms.plain(T, LINEAR, "time,linear_x,linear_y,linear_z"), "time, linear_x, linear_y"),
    "Gravity.csv": (forms.logger_csv(T, ROTATED), "another sensor's: Gravity.csv"),
    "gravity_alone.zip": (forms.zipped({"Gravity.csv": forms.logger_csv(T, ROTATED)}), "accelerometer in the .zip"),
    "renamed.csv": (forms.logger_csv(T, ROTATED), "gravity alone"),
    "Gyroscope.csv": (forms.logger_csv(T, A), "another sensor's: Gyroscope.csv"),
    "Magnetometer.csv": (forms.plain(T, 4 * A), "another sensor's"),
    "microtesla.csv": (forms.plain(T, 3 * A), "ten-second means of size 29"),
    "gyroscope_toolbox.csv": (forms.plain(T, A, "time,wx,wy,wz"), "columns of time, x, y and z"),
    "slow.csv": (forms.science_journal(T[::7], A[::7]), "Science Journal records about 15 a second"),
    "slow_logger.csv": (forms.logger_csv(T[::10], A[::10]), "set the sampling frequency of the accelerometer to 50 Hz"),
    "once_a_second.csv": (forms.plain(T[::100], A[::100]), "reading every 1.1 to 1,000 ms"),
    "short.csv": (forms.plain(T[:500], A[:500]), "a recording of 10 s to 4 hours"),
    "two_days.csv": (forms.plain(np.where(T > 10, T + 86_400, T), A), "a recording of 10 s to 4 hours"),
    "short_pieces.csv": (forms.plain(np.where(T > 9, T + 5, T)[:1800], A[:1800]), "10 s without a gap"),
    "commas.csv": (COMMAS, "both between cells and inside numbers"),
    "commas_and_points.csv": (forms.toolbox(T, A, ";", ",").replace(",", ".", 2001), "one decimal sign"),
    "thousands.csv": (forms.plain(T, A, form="").replace(",", ";") + "20,01;1.234,5;1;2\n", "one decimal sign"),
    "unit_named_g.csv": (forms.plain(T, A, "time,x (g),y (g),z (g)"), "as in m/s2"),
    "unit_named_ms2.csv": (forms.plain(T, A / G, "time,x (m/s2),y (m/s2),z (m/s2)"), "as in g or without gravity"),
    "toolbox_in_ms2.csv": (forms.toolbox(T, A * G), "readings with gravity in g, as the names say"),
    "time_named_s.csv": (forms.plain(1000 * T, A, "time (s),x,y,z"), "which fit ms"),
    "columns_twice.csv": (forms.table(["time", *"xyzx"], [forms.texts(c, ".4f") for c in (T, *A.T, T)]), "Delete one"),
    "two_times.csv": (forms.table(["t", "time", *"xyz"], [forms.texts(c, ".4f") for c in (T, T, *A.T)]), "Delete one"),
    "no_names.csv": ("\n".join(forms.plain(T, A).splitlines()[1:]), "columns of time, x, y and z"),
    "word.csv": (with_cell(700, "error"), "one decimal sign in word.csv"),
    "longer_row.csv": (with_cell(900, "1,2"), "Expected 4 fields in line 901, saw 5"),
    "absurd.csv": (with_cell(700, "1e300"), "one of 1e+300"),
    "infinite.csv": (with_cell(700, "inf"), "one of inf"),
    "zeros.csv": (forms.plain(T, 0 * A), "readings of the same size"),
    "stuck.csv": (forms.plain(T, still(T, [0.0, 9.81, 0.0])), "2,001 readings of the same size"),
    "all_nan.csv": (forms.plain(T, np.nan * A), "0.0 s in 0 readings"),
    "times_equal.csv": (forms.plain(0 * T + 5, A), "none that rise"),
    "times_coarse.csv": (forms.plain(np.floor(T * 10) / 10, A), "the time of the one before"),
    "times_back.csv": (forms.plain(np.r_[T, T], np.r_[A, A]), "times that go back by 20 s after 2,001 readings"),
    "times_words.csv": (re.sub(r"\n[\d.]+", "\nnoon", forms.plain(T, A)), "a clock or ISO dates"),
    "two_recordings.zip": (forms.zipped({f"{i}/Raw Data.csv": forms.phyphox_csv(T, A) for i in "ab"}), "2 tables"),
    "no_table.zip": (forms.zipped({"Gyroscope.csv": "a", "Light.csv": "b"}), "gyroscope.csv, light.csv"),
    "empty.zip": (forms.zipped({}), "nothing"),
    "locked.zip": (locked_zip(), "locked with a password"),
    "nameless.zip": (forms.zipped({"a": ""}).replace(b"\1\0\0\0a", b"\0\0\0\0a"), "accelerometer in the .zip"),
    "lzma.zip": (forms.zipped({"Raw Data.csv": forms.phyphox_csv(T, A)}, zipfile.ZIP_LZMA), "packed by method 14"),
    "cut.zip": (forms.phyphox_zip(T, A)[:20_000], "a damaged one"),
    "damaged.zip": (flipped(forms.phyphox_zip(T, A), 0.3), "damaged"),
    "workbook.xlsx": (forms.zipped({"[Content_Types].xml": "<a/>", "xl/sheet1.xml": "<a/>"}), "sheet1.xml"),
    "damaged.xls": (forms.phyphox_xls(T, A)[:3000], "damaged"),
    "only_its_beginning.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "damaged"),
    "no_accelerometer.xls": (forms.xls({"Light": [["Time (s)", "Illuminance (lx)"], [0.0, 1.0]]}), "illuminance (lx)"),
    "empty_sheet.xls": (forms.xls({"Raw Data": []}), "a sheet with readings"),
    "empty.csv": ("", "an empty file"),
    "only_names.csv": ("time,x,y,z\n", "none that rise"),
    "blank.csv": ("\n  \n# nothing\n", "an empty file"),
    "blank_in_another_way.csv": ("\u00a0\u2028", "an empty file"),
    "page.csv": ("<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
    "logger.json": ('[{"sensor":"Location","latitude":"0"}]', "JSON"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n" + bytes(300), "bytes that are no text"),
    "null_bytes.csv": (forms.plain(T, A).encode().replace(b"5", b"\0"), "bytes that are no text"),
    "terminal.csv": (forms.plain(T, A, "time,x,y,\x1b[31mz"), "bytes that are no text"),
    "noise.csv": (RNG.bytes(5000).replace(b"\0", b""), "bytes that are no text"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_for_certain_is_refused_with_what_to_do(name: str, tmp_path: Path) -> None:
    content, told = BAD[name]
    path = forms.save(tmp_path / name, content)
    with pytest.raises(DataError) as refused:
        load_own_recordings(path)
    error = refused.value
    assert told in str(error)
    assert error.file == str(path)
    assert error.remedy.endswith(".")
    assert list(tmp_path.iterdir()) == [path]  # nothing was written
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)


def test_only_an_ordinary_file_is_read(walked: Arrays, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    for path, found in (
        (tmp_path, "Is a directory"), (tmp_path / "none.csv", "No such file"),
        (tmp_path / "pipe.csv", "a pipe or device"), (tmp_path / "loop.csv", "symbolic links"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=found):
            load_own_recordings(path)
    forms.save(tmp_path / "a.csv", forms.plain(*walked))
    (tmp_path / "link.csv").symlink_to("a.csv")
    assert load_own_recordings(tmp_path / "link.csv").seconds > 19  # the owner named it, so it is followed


def test_nothing_is_unpacked_whatever_the_names_in_an_archive(walked: Arrays, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    content = forms.zipped({"../../TotalAcceleration.csv": forms.logger_csv(*walked), "/etc/Location.csv": "x"})
    assert read(inner, "slip.zip", content).app == "Sensor Logger"
    assert sorted(tmp_path.rglob("*")) == [inner, inner / "slip.zip"]


def understated(raw: bytes, size: int) -> bytes:
    """The archive with another size than the true one, in both places that state it."""
    out = bytearray(raw)
    struct.pack_into("<I", out, 22, size)
    struct.pack_into("<I", out, raw.rindex(b"PK\1\2") + 24, size)
    return bytes(out)


@pytest.mark.parametrize("stated", [None, 1000], ids=["its size stated", "another size stated"])
def test_a_zip_bomb_is_refused_in_little_memory(
    stated: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = forms.zipped({"Raw Data.csv": b"time,x,y,z\n" + bytes(50_000_000)})
    path = forms.save(tmp_path / "bomb.zip", bomb if stated is None else understated(bomb, stated))
    del bomb
    monkeypatch.setattr(own_recordings, "LARGEST_MB", 2)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"unpacks to more than the 2 MB|damaged"):
            load_own_recordings(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10e6


def test_memory_stays_a_small_multiple_of_the_file(tmp_path: Path) -> None:
    t, a = forms.walk(240, 400)
    path = forms.save(tmp_path / "long.csv", forms.phyphox_csv(t, a))
    load_own_recordings(path)  # the imports
    tracemalloc.start()
    try:
        load_own_recordings(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * path.stat().st_size


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = forms.save(tmp_path / "a.csv", forms.plain(T, A))
    monkeypatch.setattr(own_recordings, "LARGEST_MB", 0.01)
    with pytest.raises(DataError, match=r"at most 0\.01 MB"):
        load_own_recordings(path)
    monkeypatch.setattr(own_recordings, "LARGEST_MB", 300)
    monkeypatch.setattr(own_recordings, "MOST_CELLS", 8000)
    with pytest.raises(DataError, match="at most 8,000 cells"):
        load_own_recordings(path)


def test_without_the_reader_of_xls_the_message_says_how_to_go_on(
    walked: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xlrd", None)
    with pytest.raises(DataError, match="python -m pip install xlrd"):
        read(tmp_path, "a.xls", forms.phyphox_xls(*walked))


SMALL = {
    name: content if isinstance(content, bytes) else content.encode()
    for name, content in (
        (name, forms.WRITERS[name](T[:1100], A[:1100]))
        for name in ("phyphox.xls", "phyphox_comma_point.zip", "logger_iphone.zip", "toolbox_clock.csv", "plain.csv")
    )
}


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(SMALL)), cut=st.floats(0, 1), place=st.floats(0, 1),
    noise=st.binary(max_size=12), back=st.booleans(),
)  # fmt: skip
def test_a_damaged_file_is_refused_or_read_but_never_fails_in_another_way(
    name: str, cut: float, place: float, noise: bytes, back: bool
) -> None:
    raw = SMALL[name]
    at = int(place * len(raw))
    at = len(raw) - min(at, 200) if back else at  # an archive's list of files is at its end
    damaged = raw[:at] + noise + raw[at + len(noise) :]
    with tempfile.TemporaryDirectory() as folder:
        path = forms.save(Path(folder) / name, damaged[: max(1, int(cut * len(damaged)))] if cut < 0.5 else damaged)
        with suppress(DataError):
            assert all(np.isfinite(signal).all() for _, signal in load_own_recordings(path).pieces)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=400) | st.text(alphabet='time,xyz;0123456789.-"\n\t #', max_size=400))
def test_no_text_or_bytes_at_random_are_taken_for_a_recording(content: bytes | str) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.raises(DataError):
        load_own_recordings(forms.save(Path(folder) / "a.csv", content))


# ------------------------------------------------------------------------------------------------------ what it is for


@pytest.mark.parametrize("scale", [1.0, 1 / G], ids=["m/s2", "g"])
def test_of_a_table_without_units_the_readings_tell_whether_gravity_is_in_them(scale: float, tmp_path: Path) -> None:
    for recording in (recording for recording in load_recordings("watch") if recording.user == 1):
        t, a = np.arange(len(recording.signal)) / recording.rate_hz, recording.signal
        found = signal_of(read(tmp_path, "a.csv", forms.plain(t, a * scale), recording.rate_hz))
        assert np.abs(found - a[: len(found)]).max() < 0.01
        with pytest.raises(DataError, match="gravity in the readings"):
            read(tmp_path, "b.csv", forms.plain(t, (a - forms.gravity_of(a)) * scale), recording.rate_hz)


CHECKED = ("logger_iphone.zip", "science_journal.csv")  # the others differ less from the first, see above


def test_a_model_of_other_people_recognises_what_an_app_wrote_as_well_as_the_recording_itself(tmp_path: Path) -> None:
    data, rng = load_activity("watch"), np.random.default_rng(0)
    hits: dict[str, list[np.ndarray]] = {}
    for user in (1, 6):
        model = train_shared_fast(data, user)
        for recording in (recording for recording in load_recordings("watch") if recording.user == user):
            own = data.select((data.recordings == recording.number) & (data.users == user))
            wanted = int(own.y[0])
            at = np.arange(len(recording.signal)) / recording.rate_hz
            t = np.sort(np.arange(round(100 * at[-1])) / 100 + rng.uniform(-0.001, 0.001, round(100 * at[-1])))[1:]
            a = CubicSpline(at, recording.signal)(t)
            features = {"direct": own.X}
            for name in CHECKED:
                signal = signal_of(read(tmp_path, name, forms.WRITERS[name](t, a), 50.0))
                features[name] = extract_features(cut_windows(signal, 250, 125), 50.0)
            wrong = {"in g": signal / G, "an iPhone's signs": -signal, "columns by place": signal[:, ::-1]}
            features |= {what: extract_features(cut_windows(s, 250, 125), 50.0) for what, s in wrong.items()}
            for what, X in features.items():
                hits.setdefault(what, []).append(model.predict(X) == wanted)
    accuracy = {what: float(np.concatenate(found).mean()) for what, found in hits.items()}
    for name in CHECKED:
        assert accuracy[name] == pytest.approx(accuracy["direct"], abs=0.03), accuracy
    for what in ("in g", "an iPhone's signs", "columns by place"):  # what the reader must not let through
        assert accuracy[what] < accuracy["direct"] - 0.2, accuracy
