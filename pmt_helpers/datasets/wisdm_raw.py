"""WISDM v1.1, raw: the readings behind the table, another file of its archive (Kwapisz et al. 2010). Notebook 01.

Its records, `user,activity,timestamp,x,y,z;`, have defects: several on one line, one without z, a comma too many, times
of 0, readings that come again, gaps. What is left out is counted.
"""

import functools
import re
from pathlib import Path
from typing import Any

import numpy as np

from pmt_helpers.datasets.base import ActivityData, Recording
from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.measures import by_statement
from pmt_helpers.datasets.wisdm import ARCHIVE, CLASS_NAMES, how_to_get, read_text, require_wisdm, wisdm_folder

RAW = "WISDM_ar_v1.1_raw.txt"
RAW_ABOUT = "WISDM_ar_v1.1_raw_about.txt"
LARGEST_MB = 128  # the published file has about 50
GAP_NS = 1e9


def find_raw() -> Path | None:
    """The raw file, in the wisdm folder or below it, else the archive there, else None."""
    folder = wisdm_folder()
    files = [path for path in (*sorted(folder.rglob(RAW)), folder / ARCHIVE) if path.is_file()]
    return next(iter(files), None)


def load_wisdm_recordings() -> tuple[Recording, ...]:
    """Consecutive readings of one person and activity without a gap above a second, in file order. They are taken to be
    evenly spaced, 20 a second, as the authors state. Their numbers are not those of the bouts of load_wisdm.

    Raises DataError when the raw file is not there or holds no records.
    """
    path = find_raw()
    if path is None:
        found, remedy = "no such file", how_to_get().replace("the WISDM_ar_v1.1_transformed.arff", f"the {RAW}")
        raise DataError(file=wisdm_folder(), expected=f"{RAW} or {ARCHIVE}", found=found, remedy=remedy)
    state = path.stat()
    return _read_raw(path, state.st_mtime_ns, state.st_size)[0]


@functools.lru_cache(maxsize=1)
def _read_raw(path: Path, modified: int, size: int) -> tuple[tuple[Recording, ...], dict[str, Any]]:
    table, counts = parse_raw(read_text(path, RAW, LARGEST_MB))
    if not len(table):
        expected, found = "records of user,activity,timestamp,x,y,z;", "none"
        raise DataError(file=path, expected=expected, found=found, remedy=f"Delete it. {how_to_get()}")
    steps = np.diff(table[:, 2])
    new = (np.diff(table[:, :2], axis=0) != 0).any(axis=1)
    gaps = ~new & ((steps > GAP_NS) | (steps < 0))
    starts = np.flatnonzero(np.concatenate([[True], new | gaps]))
    signals = table[:, 3:]
    signals.setflags(write=False)
    rate = load_card("wisdm").contract.rate_hz
    recordings = tuple(
        Recording(number, signals[start:end], rate, int(table[start, 0]), CLASS_NAMES[int(table[start, 1])])
        for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(table)], strict=True))
    )
    return recordings, {**counts, "gaps": int(gaps.sum()), "recordings": len(recordings)}


def parse_raw(text: str) -> tuple[np.ndarray, dict[str, int]]:
    """(n, 6) float64: user, class number, time in ns, x, y, z in m/s2, in file order; and how many records were what.

    counts: records in all; broken ones, which are left out, as are those at time zero, and readings that repeat the
    time of the one before (doubled); and those with a comma too many, which are kept.
    """
    codes = {name: float(code) for code, name in enumerate(CLASS_NAMES)}
    values = np.empty((text.count(",") // 5 + 1, 6))
    n_records = n_read = n_commas = 0
    for record in re.finditer(r"[^;\r\n]*[^;\s][^;\r\n]*", text):
        n_records += 1
        cells = record[0].rstrip(" ,").split(",")
        try:
            user, name, *rest = cells
            values[n_read] = float(user), codes[name.strip()], *map(float, rest)
        except (ValueError, KeyError):
            continue
        n_read += 1
        n_commas += record[0].rstrip().endswith(",")
    table = values[:n_read]
    table = table[np.isfinite(table).all(axis=1)]
    counts = {"records": n_records, "broken": n_records - len(table), "comma_too_many": n_commas}
    timed = table[table[:, 2] > 0]
    again = np.zeros(len(timed), bool)
    again[1:] = (timed[1:, :3] == timed[:-1, :3]).all(axis=1)
    counts |= {"time_zero": len(table) - len(timed), "doubled": int(again.sum())}
    return np.ascontiguousarray(timed[~again]), counts


def raw_readings(data: ActivityData) -> dict[str, Any]:
    path = find_raw()
    try:
        return _read_raw(path, path.stat().st_mtime_ns, path.stat().st_size)[1] if path else {}
    except DataError:
        return {}  # an archive without it


def raw_about(data: ActivityData) -> dict[str, Any]:
    try:
        text = read_text(require_wisdm(), RAW_ABOUT)
    except DataError:
        return {}
    number = re.search(r"Number of examples:\s*([\d,]+)", text)
    found = {name: re.search(rf"{name}\s*->\s*([\d,]+)", text) for name in CLASS_NAMES}
    return {name: int(m[1].replace(",", "")) for name, m in [("readings", number), *found.items()] if m}


STATEMENTS = by_statement(raw_readings, raw_about)
