"""The smart watch: 10 people, 7 shoulder exercises, both arms, 50 readings a second (Burns et al. 2018). Notebook 01.

The recordings ship inside the installed seglearn package. Its code is never imported: it would pull in a whole
pipeline for one file.
"""

import functools
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from pmt_helpers.activity.features import FEATURE_NAMES, extract_features
from pmt_helpers.activity.windows import cut_windows, window_starts
from pmt_helpers.datasets.activity_data import ActivityData
from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.locations import installed_file
from pmt_helpers.datasets.recordings import Recording
from pmt_helpers.datasets.safe_pickle import UnsafePickleError, load_pickled_npy

RATE_HZ = 50.0
WINDOW_READINGS = 250  # 5 s
STEP_READINGS = 125  # half overlapping
SENSOR_COLUMNS = ("ax", "ay", "az", "wx", "wy", "wz")
# The file does not name its unit. A wrist that is nearly still reads 1.05, so it is g; the data card checks that.
METRES_PER_S2 = 9.80665
_AGAIN = "Install it again: `python -m pip install --force-reinstall --no-deps seglearn`."

_DAMAGE = (  # the ways in which reading a damaged pickle can fail
    OSError, EOFError, pickle.UnpicklingError, ValueError, TypeError, LookupError, AttributeError, MemoryError,
    OverflowError,
)  # fmt: skip


def find_watch() -> Path | None:
    """The data file inside the installed seglearn package, or None."""
    return installed_file("seglearn", "data", "watch_dataset.npy")


def load_watch() -> ActivityData:
    """All windows of all recordings; windows never cross from one recording into the next."""
    return _windows_of(_require_file())


def load_watch_recordings() -> tuple[Recording, ...]:
    """The 140 recordings in file order, accelerometer only, in m/s2."""
    return _recordings_in(_require_file())


def _require_file() -> Path:
    path = find_watch()
    if path is None:
        raise DataError(
            file="seglearn/data/watch_dataset.npy", expected="the seglearn package with its data",
            found="no such package, or one without the file", remedy=_AGAIN,
        )  # fmt: skip
    return path


@functools.lru_cache(maxsize=1)
def _windows_of(path: Path) -> ActivityData:
    recordings = _recordings_in(path)
    starts = [window_starts(len(r.signal), WINDOW_READINGS, STEP_READINGS) for r in recordings]
    windows = np.concatenate([cut_windows(r.signal, WINDOW_READINGS, STEP_READINGS) for r in recordings])
    card = load_card("watch")
    class_names = tuple(card.classes)

    def of_each_window(values: list[int]) -> np.ndarray:
        return np.repeat(np.array(values, dtype=np.int64), [len(s) for s in starts])

    return ActivityData(
        X=extract_features(windows, RATE_HZ),
        y=of_each_window([class_names.index(r.class_name) for r in recordings]),
        users=of_each_window([r.user for r in recordings]),
        recordings=of_each_window([r.number for r in recordings]),
        starts=np.concatenate(starts), window_readings=WINDOW_READINGS,
        feature_names=FEATURE_NAMES, class_names=class_names, card=card,
    )  # fmt: skip


@functools.lru_cache(maxsize=1)
def _recordings_in(path: Path) -> tuple[Recording, ...]:
    content = read_watch(path)
    recordings = []
    for number, signal in enumerate(content["X"]):
        acceleration = np.ascontiguousarray(signal[:, :3]) * METRES_PER_S2
        acceleration.setflags(write=False)
        recordings.append(
            Recording(
                number=number, signal=acceleration, rate_hz=RATE_HZ, user=int(content["subject"][number]),
                class_name=content["y_labels"][int(content["y"][number])],
                side="right" if content["side"][number] == 1 else "left",
            )
        )  # fmt: skip
    return tuple(recordings)


def read_watch(path: Path) -> dict[str, Any]:
    """The file's dictionary: X (list of (n, 6) arrays), y, subject, side, X_labels, y_labels. Raises DataError."""
    try:
        with path.open("rb") as file:
            content = load_pickled_npy(file)
    except UnsafePickleError as error:
        raise DataError(
            file=path, expected="a pickle of arrays only", found=str(error),
            remedy=f"Loading it could run foreign code, so it was refused. {_AGAIN}",
        ) from error  # fmt: skip
    except _DAMAGE as error:
        raise DataError(
            file=path, expected="seglearn's recordings", found=f"an empty, truncated or damaged file ({error})",
            remedy=_AGAIN,
        ) from error  # fmt: skip
    problem = _structure_problem(content)
    if problem:
        raise DataError(
            file=path, expected="recordings of ax, ay, az, wx, wy, wz with class, person and arm", found=problem,
            remedy=f"This is another version of the file. {_AGAIN}",
        )  # fmt: skip
    return content


def _structure_problem(content: Any) -> str | None:
    """What does not fit, as a phrase; None when all is well."""
    if not isinstance(content, dict):
        return f"a {type(content).__name__} instead of a dictionary"
    missing = {"X", "y", "subject", "side", "X_labels", "y_labels"} - content.keys()
    if missing:
        return f"no {', '.join(sorted(missing))}"
    if tuple(content["X_labels"]) != SENSOR_COLUMNS:
        return f"columns {', '.join(map(str, content['X_labels']))}"
    if not content["X"] or len({len(content[key]) for key in ("X", "y", "subject", "side")}) != 1:
        return "lists of different lengths, or empty ones"
    if any(getattr(signal, "shape", (0, 0))[1:] != (len(SENSOR_COLUMNS),) for signal in content["X"]):
        return "a recording without six columns"
    if any(not np.isfinite(signal).all() for signal in content["X"]):
        return "readings that are not finite"
    unknown = set(content["y_labels"]) ^ set(load_card("watch").classes)
    if unknown or not set(content["y"]) <= set(range(len(content["y_labels"]))):
        return f"unknown classes {', '.join(sorted(map(str, unknown))) or sorted(set(content['y']))}"
    return None
