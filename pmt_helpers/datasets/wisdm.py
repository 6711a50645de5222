"""WISDM v1.1, transformed: 36 people with a phone in the pocket, six activities (Kwapisz et al. 2010). Notebook 01.

Fetched on request, never shipped; whatever copy is found, its rows must be the published ones (content_digest).
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pmt_helpers.datasets.activity_data import ActivityData
from pmt_helpers.datasets.arff import ArffTable, content_digest, parse_arff
from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.download import download
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.wisdm_files import ARCHIVE, URL, find_wisdm, how_to_get, read_text, wisdm_folder

CLASS_NAMES = ("Walking", "Jogging", "Upstairs", "Downstairs", "Sitting", "Standing")  # the file's own order
FEATURES = (
    *(f"{axis}{i}" for axis in "XYZ" for i in range(10)),
    *(f"{axis}{kind}" for kind in ("AVG", "PEAK", "ABSOLDEV", "STANDDEV") for axis in "XYZ"),
    "RESULTANT",
)
COLUMNS = ("UNIQUE_ID", "user", *FEATURES, "class")
LARGEST = 1e12  # beyond it a number is damage, and would not fit the types below
DIGEST = "b4ffb6ea5d8d3d71b3b318960c03c656418fa8e7f5c07039cc522656cffcc054"


@dataclass(frozen=True, eq=False)
class WisdmTable:
    """The rows in file order: unique_ids, users, y (n,) int64; X (n, 43) float32, NaN where the file says '?'."""

    unique_ids: np.ndarray
    users: np.ndarray
    X: np.ndarray
    y: np.ndarray


def load_wisdm() -> ActivityData:
    """All windows; recordings are bouts: consecutive rows of one user and one class. Raises DataError if not there."""
    path = find_wisdm()
    if path is None:
        raise DataError(file=wisdm_folder(), expected="WISDM's data", found="none of its files", remedy=how_to_get())
    table = read_table(path)
    changes = (np.diff(table.users) != 0) | (np.diff(table.y) != 0)
    return ActivityData(
        X=table.X, y=table.y, users=table.users,
        recordings=np.concatenate([[0], np.cumsum(changes)]), starts=np.arange(len(table.y)), window_readings=0,
        feature_names=FEATURES, class_names=CLASS_NAMES, card=load_card("wisdm"),
    )  # fmt: skip


def fetch_wisdm(url: str = URL) -> Path:
    """Path of the verified data: what is there already, else the official archive, downloaded. Raises DataError."""
    path = find_wisdm() or download(url, wisdm_folder() / ARCHIVE, verify=read_table)
    read_table(path)
    return path


def read_table(path: Path) -> WisdmTable:
    """The verified table in an ARFF or archive; read once for each state of the file."""
    try:
        state = path.stat()
    except OSError:  # read_text says what is wrong with it
        return _read_table(path, 0, 0)
    return _read_table(path, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=2)
def _read_table(path: Path, modified: int, size: int) -> WisdmTable:
    text = read_text(path)
    table = parse_table(text, path)
    verify_digest(text, path)
    return table


def verify_digest(text: str, file: object) -> None:
    """Raise DataError unless the rows are exactly the published ones, whatever the header looks like."""
    found = content_digest(text)
    if found != DIGEST:
        raise DataError(
            file=file, expected=f"the published rows, digest {DIGEST[:12]}...",
            found=f"other rows, digest {found[:12]}...",
            remedy=f"The file was changed, cut short or is another version. Delete it. {how_to_get()}",
        )  # fmt: skip


def parse_table(text: str, file: object) -> WisdmTable:
    """Typed columns from ARFF text. Raises DataError for missing columns, unknown classes and cells not numeric."""
    arff = parse_arff(text, file)
    if arff.names != COLUMNS:
        missing = [name for name in COLUMNS if name not in arff.names]
        raise DataError(
            file=file, expected=f"{len(COLUMNS)} columns: UNIQUE_ID, user, {len(FEATURES)} features, class",
            found=f"{len(arff.names)} columns, " + (f"without {', '.join(missing)}" if missing else "in another order"),
            remedy=f"This is not WISDM's transformed table, or its header was edited. Delete it. {how_to_get()}",
        )  # fmt: skip
    classes = {name: code for code, name in enumerate(CLASS_NAMES)}
    names = [row[arff.names.index("class")] for row in arff.rows]
    unknown = next(((row, name) for row, name in enumerate(names, start=1) if name not in classes), None)
    if unknown:
        raise DataError(
            file=file, expected=f"a class among {', '.join(CLASS_NAMES)}",
            found=f"class {unknown[1]!r} in row {unknown[0]:,}",
            remedy=f"The file was edited or cut short. Delete it. {how_to_get()}",
        )  # fmt: skip
    return WisdmTable(
        unique_ids=_numbers(arff, ("UNIQUE_ID",), file).astype(np.int64)[:, 0],
        users=_numbers(arff, ("user",), file).astype(np.int64)[:, 0],
        X=_numbers(arff, FEATURES, file, missing_allowed=True).astype(np.float32),
        y=np.array([classes[name] for name in names], dtype=np.int64),
    )


def _numbers(arff: ArffTable, names: tuple[str, ...], file: object, missing_allowed: bool = False) -> np.ndarray:
    """The named columns as (n, len(names)) float64; features may be '?', ids must be whole numbers."""
    columns = [arff.names.index(name) for name in names]
    cells = np.array([[row[column] for column in columns] for row in arff.rows])
    unknown = (cells == "?") & missing_allowed
    filled = np.where(unknown, "0", cells)
    try:
        values = filled.astype(np.float64)
        good = (np.abs(values) < LARGEST) & (missing_allowed | (values == np.round(values)))
    except ValueError:
        good = np.array([[_is_number(cell) for cell in row] for row in filled], dtype=bool)
    if not good.all():
        row, column = np.argwhere(~good)[0]
        raise DataError(
            file=file, expected="a number or '?' in every feature, a whole number in UNIQUE_ID and user",
            found=f"{str(cells[row, column])!r} under {names[column]} in row {row + 1:,}",
            remedy=f"The file was edited or damaged. Delete it. {how_to_get()}",
        )  # fmt: skip
    return np.where(unknown, np.nan, values)


def _is_number(cell: str) -> bool:
    try:
        return abs(float(cell)) < LARGEST
    except ValueError:
        return False
