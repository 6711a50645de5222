"""WISDM v1.1, raw: the readings behind the table, another file of its archive (Kwapisz et al. 2010). Notebook 01.

Its records, `user,activity,timestamp,x,y,z;`, have defects: several on one line, one without z, a comma too many, times
of 0, readings that come again, gaps. What is left out is counted.
"""

import functools
import re
from pathlib import Path
from typing import Any

import numpy as np

from pmt_helpers.datasets import wisdm
from pmt_helpers.datasets.base import ActivityData, Recording
from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import state_of
from pmt_helpers.datasets.measures import by_statement

RAW = "WISDM_ar_v1.1_raw.txt"
RAW_ABOUT = "WISDM_ar_v1.1_raw_about.txt"
GAP_NS = 1e9


def load_raw() -> tuple[Recording, ...]:
    """Consecutive readings of one person and activity without a gap above a second, in file order. They are taken to be
    evenly spaced, 20 a second, as the authors state. Their numbers are not those of the bouts of load_wisdm.

    Raises DataError when the raw file is not there or holds no records.
    """
    return _find_and_read()[0]


def _find_and_read() -> tuple[tuple[Recording, ...], dict[str, Any]]:
    """The recordings, and what was counted."""
    path = wisdm.find_wisdm(RAW)
    if path is None:
        expected, found = f"{RAW} or {wisdm.ARCHIVE}", "no such file"
        raise DataError(file=wisdm.wisdm_folder(), expected=expected, found=found, remedy=wisdm.how_to_get(RAW))
    return _read_raw(path, state_of(path))


@functools.lru_cache(maxsize=1)
def _read_raw(path: Path, state: tuple[int, int]) -> tuple[tuple[Recording, ...], dict[str, Any]]:
    table, counts = parse_raw(wisdm.read_text(path, RAW))
    if not len(table):
        expected, found = "records of user,activity,timestamp,x,y,z;", "none"
        raise DataError(file=path, expected=expected, found=found, remedy=f"Delete it. {wisdm.how_to_get(RAW)}")
    steps = np.diff(table[:, 2])
    new = (np.diff(table[:, :2], axis=0) != 0).any(axis=1)
    gaps = ~new & ((steps > GAP_NS) | (steps < 0))
    starts = np.flatnonzero(np.concatenate([[True], new | gaps]))
    signals = table[:, 3:]
    signals.setflags(write=False)
    rate = load_card("wisdm").contract.rate_hz
    recordings = tuple(
        Recording(number, signals[start:end], rate, int(table[start, 0]), wisdm.CLASS_NAMES[int(table[start, 1])])
        for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(table)], strict=True))
    )
    return recordings, {**counts, "gaps": int(gaps.sum()), "recordings": len(recordings)}


def parse_raw(text: str) -> tuple[np.ndarray, dict[str, int]]:
    """(n, 6) float64: user, class number, time in ns, x, y, z in m/s2, in file order; and how many records were what.

    counts: records in all; broken ones, which are left out, as are those at time zero, and readings that repeat the
    time of the one before (doubled); and those with a comma too many, which are kept.
    """
    codes = {name: float(code) for code, name in enumerate(wisdm.CLASS_NAMES)}
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
    try:
        return _find_and_read()[1]
    except DataError:
        return {}  # an archive without it


def raw_about(data: ActivityData) -> dict[str, Any]:
    return wisdm.about_counts("readings", RAW_ABOUT)


STATEMENTS = by_statement(raw_readings, raw_about)
