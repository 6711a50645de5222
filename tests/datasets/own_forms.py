"""Writes a recording as each app would: (t, a) in s and m/s2 with gravity, Android's signs, becomes a file's bytes."""

import io
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from pmt_helpers.datasets.own_recordings import G

START = 1_700_000_000  # the hour at which every made recording began


def walk(seconds: float = 20.0, hz: float = 100.0, jitter: float = 0.3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A phone that lies still for two seconds and is carried for the rest, with unsteady times between readings."""
    rng = np.random.default_rng(seed)
    n = round(seconds * hz) + 1
    t = (np.arange(n) + jitter * (rng.random(n) - 0.5)) / hz
    x, y, z = (size * np.sin(2 * np.pi * f * t + at) for size, f, at in ((2, 1.8, 0), (3, 1.8, 1), (1, 0.9, 0)))
    moving = (t > 2.0)[:, None]
    a = np.stack([x, y, z], axis=1) * moving + [0.0, 9.5, 2.0]
    return t, a + rng.normal(0, 0.01, a.shape)


def gravity_of(a: np.ndarray) -> np.ndarray:
    return np.stack([np.convolve(np.pad(c, 50, "edge"), np.ones(101) / 101, "valid") for c in a.T], axis=1)


def table(names: Iterable[str], columns: Iterable[Iterable[str]], sep: str = ",", quote: str = "") -> str:
    head = sep.join(f"{quote}{name}{quote}" for name in names)
    return "\n".join([head, *map(sep.join, zip(*columns, strict=True))]) + "\n"


def texts(values: np.ndarray, form: str, dec: str = ".") -> list[str]:
    return [format(value, form).replace(".", dec) for value in values]


def zipped(members: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def _phyphox_columns(t: np.ndarray, a: np.ndarray, linear: bool = False) -> tuple[list[str], list[np.ndarray]]:
    pre = "Linear Acceleration" if linear else "Acceleration"
    names = ["Time (s)", *[f"{pre} {c} (m/s^2)" for c in "xyz"], "Absolute acceleration (m/s^2)"]
    return names, [t, *a.T, np.linalg.norm(a, axis=1)]


def phyphox_csv(t: np.ndarray, a: np.ndarray, sep: str = ",", dec: str = ".", linear: bool = False) -> str:
    names, columns = _phyphox_columns(t, a, linear)
    return table(names, [texts(column, ".9E", dec) for column in columns], sep, '"')


def phyphox_zip(t: np.ndarray, a: np.ndarray, sep: str = ",", dec: str = ".", linear: bool = False) -> bytes:
    time = ['"START"', f"{0:.9E}".replace(".", dec), str(START), '"2023-11-14 22:13:20.000"']
    names = ["event", "experiment time", "system time", "system time text"]
    return zipped({
        "Raw Data.csv": phyphox_csv(t, a, sep, dec, linear),
        "meta/device.csv": f'"property"{sep}"value"\n"deviceModel"{sep}"made"\n',
        "meta/time.csv": table(names, [[cell] for cell in time], sep, '"'),
    })  # fmt: skip


def phyphox_xls(t: np.ndarray, a: np.ndarray, linear: bool = False) -> bytes:
    names, columns = _phyphox_columns(t, a, linear)
    events = [["event", "experiment time"], ["START", 0.0]]
    rows = np.stack(columns, axis=1).tolist()
    return xls({"Raw Data": [names, *rows], "Metadata Device": [["proeprty", "value"]], "Metadata Time": events})


def xls(sheets: Mapping[str, list[list[str | float]]]) -> bytes:
    """A workbook of Excel 97: records of numbers and labels in the sectors of a compound file."""

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    def cell(row: int, column: int, value: str | float) -> bytes:
        at = struct.pack("<HHH", row, column, 0)
        if isinstance(value, str):
            return record(0x0204, at + struct.pack("<HB", len(value), 0) + value.encode("latin-1"))
        return record(0x0203, at + struct.pack("<d", value))

    def begin(kind: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))

    end, bodies = record(0x000A, b""), []
    for rows in sheets.values():
        cells = (cell(r, c, value) for r, row in enumerate(rows) for c, value in enumerate(row))
        bodies.append(begin(0x0010) + b"".join(cells) + end)
    at = len(begin(5)) + sum(12 + len(name) for name in sheets) + len(end)
    listed = b""
    for name, body in zip(sheets, bodies, strict=True):
        listed += record(0x0085, struct.pack("<IHBB", at, 0, len(name), 0) + name.encode("latin-1"))
        at += len(body)
    book = begin(5) + listed + end + b"".join(bodies)
    book += bytes(max(4096 - len(book), -len(book) % 512))
    n = len(book) // 512
    n_fat = next(k for k in range(1, 110) if 128 * k >= n + k + 1)
    chain = [0xFFFFFFFD] * n_fat + [0xFFFFFFFE] + [n_fat + 2 + i for i in range(n - 1)] + [0xFFFFFFFE]
    fat = struct.pack(f"<{128 * n_fat}I", *chain, *[0xFFFFFFFF] * (128 * n_fat - len(chain)))

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        coded = (name + "\0").encode("utf-16-le") if name else b""
        links = struct.pack("<BBIII", kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return (
            coded.ljust(64, b"\0")
            + struct.pack("<H", len(coded))
            + links
            + bytes(36)
            + struct.pack("<III", start, size, 0)
        )

    none = entry("", 0, 0xFFFFFFFF, 0, 0)
    folder = (
        entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry("Workbook", 2, 0xFFFFFFFF, n_fat + 1, len(book)) + 2 * none
    )
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    head += struct.pack("<8I", n_fat, n_fat, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    return head + struct.pack("<109I", *range(n_fat), *[0xFFFFFFFF] * (109 - n_fat)) + fat + folder + book


def logger_csv(t: np.ndarray, a: np.ndarray, order: str = "zyx") -> str:
    """A table of Sensor Logger, whose columns come in the order z, y, x."""
    axes = [texts(a[:, "xyz".index(axis)], ".9f") for axis in order]
    return table(
        ["time", "seconds_elapsed", *order], [[str(int(1e9 * (START + s))) for s in t], texts(t, ".9f"), *axes]
    )


def metadata_csv(platform: str, standardised: str | None = "false") -> str:
    names, row = ["version", "device name", "platform", "appVersion"], ["3", "made", platform, "1.63"]
    if standardised is not None:
        names, row = [*names, "standardisation"], [*row, standardised]
    return table(names, [[cell] for cell in row])


def logger_zip(t: np.ndarray, a: np.ndarray, platform: str = "android", standardised: str | None = "false") -> bytes:
    gravity = gravity_of(a)
    sign = -1 if platform == "ios" and standardised != "true" else 1
    members: dict[str, str | bytes] = {
        "Accelerometer.csv": logger_csv(t, sign * (a - gravity)), "Gravity.csv": logger_csv(t, sign * gravity),
        "Location.csv": "time,seconds_elapsed,latitude,longitude\n1,0.1,0.0,0.0\n",
        "Annotation.csv": "time,seconds_elapsed,text,millisecond_press_duration\n",
        "Metadata.csv": metadata_csv(platform, standardised),
    }  # fmt: skip
    if platform == "android":
        members["TotalAcceleration.csv"] = logger_csv(t - 0.05, a)  # some times are before the button was pressed
    return zipped(members)


def watch_csv(t: np.ndarray, a: np.ndarray, standardised: bool = False) -> str:
    gravity = gravity_of(a)
    scale = 1.0 if standardised else -1 / G
    names = [
        "time",
        "seconds_elapsed",
        *[f"{what}{c}" for what in ("rotationRate", "gravity", "acceleration") for c in "XYZ"],
    ]
    columns = [np.zeros(len(t))] * 3 + [*(scale * gravity).T, *(scale * (a - gravity)).T]
    return table(names, [["0"] * len(t), texts(t, ".6f"), *(texts(column, ".7f") for column in columns)])


def toolbox(t: np.ndarray, a: np.ndarray, sep: str = ",", dec: str = ".", times: Iterable[str] | None = None) -> str:
    columns = [*(a / G).T, np.linalg.norm(a / G, axis=1)]
    cells = [list(times or texts(t, ".4f", dec)), *(texts(column, ".4f", dec) for column in columns)]
    return table(["time", "gFx", "gFy", "gFz", "TgF"], cells, sep)


def clock(t: np.ndarray, before_midnight: float = 5.0) -> list[str]:
    seconds = (t - t[0] + 86_400 - before_midnight) % 86_400
    ms = np.round(1000 * seconds).astype(int) % 86_400_000
    return [f"{m // 3_600_000:02d}:{m // 60_000 % 60:02d}:{m // 1000 % 60:02d}:{m % 1000:03d}" for m in ms]


def several_sensors(t: np.ndarray, a: np.ndarray) -> str:
    """Physics Toolbox's multi record: each sensor has rows of its own, in which the others' cells are empty."""
    head, *rows = toolbox(t, a).splitlines()
    lines = ["# sensor:multi", head + ",wx,wy,wz"]
    for s, row in zip(t, rows, strict=True):
        lines += [row + ",,,", f"{s + 0.002:.4f},,,,,0.1,0.1,0.1"]
    return "\n".join(lines) + "\n"


def toolbox_linear(t: np.ndarray, a: np.ndarray) -> str:
    moving = a - gravity_of(a)
    return table(["time", *[f"a{c} (m/s^2)" for c in "xyz"]], [texts(t, ".4f"), *(texts(c, ".4f") for c in moving.T)])


def science_journal(t: np.ndarray, a: np.ndarray) -> str:
    return table(
        ["relative_time", "AccX", "AccY", "AccZ"], [[f"{1000 * s:.0f}" for s in t], *(texts(c, "") for c in a.T)]
    )


def sensor_log(t: np.ndarray, a: np.ndarray, sep: str = ",") -> str:
    names = [
        "loggingTime(txt)",
        "accelerometerTimestamp_sinceReboot(s)",
        *[f"accelerometerAcceleration{c}(G)" for c in "XYZ"],
    ]
    axes = [texts(column, ".7f") for column in (-a / G).T]
    return table(names, [["2023-11-14 22:13:20.000 +0000"] * len(t), texts(t + 62_608, ".6f"), *axes], sep)


def plain(t: np.ndarray, a: np.ndarray, names: str = "time,x,y,z", form: str = ".6f") -> str:
    return table(names.split(","), [texts(t, ".6f"), *(texts(column, form) for column in a.T)])


Writer = Callable[[np.ndarray, np.ndarray], "bytes | str"]
WRITERS: dict[str, Writer] = {
    "phyphox.xls": phyphox_xls,
    "phyphox_comma_point.zip": phyphox_zip,
    "phyphox_tab_point.zip": lambda t, a: phyphox_zip(t, a, "\t", "."),
    "phyphox_semicolon_point.zip": lambda t, a: phyphox_zip(t, a, ";", "."),
    "phyphox_tab_comma.zip": lambda t, a: phyphox_zip(t, a, "\t", ","),
    "phyphox_semicolon_comma.zip": lambda t, a: phyphox_zip(t, a, ";", ","),
    "phyphox.csv": phyphox_csv,
    "logger_android.zip": logger_zip,
    "logger_iphone.zip": lambda t, a: logger_zip(t, a, "ios"),
    "logger_iphone_old.zip": lambda t, a: logger_zip(t, a, "ios", None),
    "logger_iphone_standardised.zip": lambda t, a: logger_zip(t, a, "ios", "true"),
    "TotalAcceleration.csv": logger_csv,
    "logger_watch.zip": lambda t, a: zipped({"WristMotion.csv": watch_csv(t, a), "Metadata.csv": metadata_csv("ios")}),
    "logger_watch_standardised.zip": lambda t, a: zipped({"WristMotion.csv": watch_csv(t, a, True)}),
    "WristMotion.csv": watch_csv,
    "toolbox.csv": toolbox,
    "toolbox_semicolon_comma.csv": lambda t, a: toolbox(t, a, ";", ","),
    "toolbox_clock.csv": lambda t, a: toolbox(t, a, times=clock(t)),
    "toolbox_several_sensors.csv": several_sensors,
    "science_journal.csv": science_journal,
    "sensor_log.csv": sensor_log,
    "sensor_log_bars.csv": lambda t, a: sensor_log(t, a, "|"),
    "plain.csv": plain,
    "plain_g.csv": lambda t, a: plain(t, a / G, "Timestamp,acc_x [g],acc_y [g],acc_z [g]"),
    "plain_g_unnamed.csv": lambda t, a: plain(t, a / G),
}


def save(path, content: "bytes | str"):  # type: ignore[no-untyped-def]
    """Write bytes, or text as UTF-8 with the line ends it has."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
