"""The smart watch: 10 people, 7 shoulder exercises, both arms, 50 readings per second (Burns et al. 2018). Notebook 01.

The recordings ship inside the installed seglearn package. Its code is never imported: it would pull in a whole
pipeline for one file. Below the loader: what the card states, one function per statement of data/cards/watch.toml.
"""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from pmt_helpers.datasets import measures
from pmt_helpers.datasets.arrays import DAMAGED, LARGEST_PICKLE_MB, UnsafePickleError, load_pickled_npy
from pmt_helpers.datasets.base import ActivityData, Recording
from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.features import windows_of
from pmt_helpers.datasets.files import file_digest, installed_file, open_plain, reinstall, require_installed

SENSOR_COLUMNS = ("ax", "ay", "az", "wx", "wy", "wz")
# The file does not name its unit. A wrist that is nearly still reads 1.05, so it is g; the data card checks that.
METRES_PER_S2 = 9.80665
STILL = 0.1  # a second is still when no axis spreads by more than this, in g
HARD = 4.0  # g


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
    return require_installed(find_watch(), "seglearn/data/watch_dataset.npy", "data")


@functools.lru_cache(maxsize=1)
def _windows_of(path: Path) -> ActivityData:
    return windows_of(_recordings_in(path), load_card("watch"))


@functools.lru_cache(maxsize=1)
def _recordings_in(path: Path) -> tuple[Recording, ...]:
    content, rate = read_watch(path), load_card("watch").contract.rate_hz
    recordings = []
    for number, signal in enumerate(content["X"]):
        acceleration = np.ascontiguousarray(signal[:, :3]) * METRES_PER_S2
        acceleration.setflags(write=False)
        user, class_name = int(content["subject"][number]), content["y_labels"][int(content["y"][number])]
        side = "right" if content["side"][number] == 1 else "left"
        recordings.append(Recording(number, acceleration, rate, user, class_name, side))
    return tuple(recordings)


def read_watch(path: Path) -> dict[str, Any]:
    """The file's dictionary: X (list of (n, 6) arrays), y, subject, side, X_labels, y_labels. Raises DataError."""
    again = reinstall("seglearn")
    try:
        with open_plain(path, LARGEST_PICKLE_MB) as stream:
            content = load_pickled_npy(stream)
        problem = _structure_problem(content)
    except UnsafePickleError as error:
        remedy = f"Loading it could run foreign code, so it was refused. {again}"
        raise DataError(file=path, expected="a pickle of arrays only", found=str(error), remedy=remedy) from error
    except DAMAGED as error:
        found = f"an empty, truncated or damaged file ({error})"
        raise DataError(file=path, expected="seglearn's recordings", found=found, remedy=again) from error
    if problem:
        expected = "recordings of ax, ay, az, wx, wy, wz with class, person and arm"
        remedy = f"This is another version of the file. {again}"
        raise DataError(file=path, expected=expected, found=problem, remedy=remedy)
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


def recordings(data: ActivityData) -> dict[str, Any]:
    everything = load_watch_recordings()
    combinations = len({(r.user, r.class_name, r.side) for r in everything})
    left, minutes = sum(r.side == "left" for r in everything), round(sum(r.seconds for r in everything) / 60, 1)
    return {"recordings": len(everything), "combinations": combinations, "left": left, "minutes": minutes}


def clean(data: ActivityData) -> dict[str, Any]:
    signals = [r.signal for r in load_watch_recordings()]
    not_finite = int(sum((~np.isfinite(s)).sum() for s in signals))
    repeated = len(signals) - len({s.tobytes() for s in signals})
    return {"not_finite": not_finite, "repeated": repeated, "missing_features": int(np.isnan(data.X).sum())}


def stuck_readings(data: ActivityData) -> dict[str, Any]:
    signals = [r.signal for r in load_watch_recordings()]
    same = int(sum((np.diff(s, axis=0) == 0).all(axis=1).sum() for s in signals))
    return {"same_as_before": same, "readings": sum(map(len, signals))}


def unit(data: ActivityData) -> dict[str, Any]:
    magnitudes = []
    for recording in load_watch_recordings():
        in_g, rate = recording.signal / METRES_PER_S2, int(recording.rate_hz)
        seconds = in_g[: len(in_g) // rate * rate].reshape(-1, rate, 3)
        still = seconds.std(axis=1).max(axis=1) < STILL
        magnitudes.append(np.linalg.norm(seconds[still].mean(axis=1), axis=1))
    still_seconds = np.concatenate(magnitudes)
    return {"still_seconds": len(still_seconds), "median": round(float(np.median(still_seconds)), 2)}


def mirrored_axis(data: ActivityData) -> dict[str, Any]:
    mean_x = {(r.user, r.class_name, r.side): r.signal[:, 0].mean() for r in load_watch_recordings()}
    pairs = [key[:2] for key in mean_x if key[2] == "left"]
    opposite = {pair: mean_x[*pair, "left"] > 0 > mean_x[*pair, "right"] for pair in pairs}
    of_class = {name: sum(bool(opposite[pair]) for pair in pairs if pair[1] == name) for name in data.class_names}
    always = [name for name, count in of_class.items() if count == len(data.user_ids)]
    return {"always": always, "IR": of_class["IR"], "ER": of_class["ER"]}


def paired_people(data: ActivityData) -> dict[str, Any]:
    everything = load_watch_recordings()
    seconds = {(r.user, r.class_name, r.side): r.seconds for r in everything}
    users, tasks = sorted({r.user for r in everything}), sorted({(r.class_name, r.side) for r in everything})
    table = np.array([[seconds[user, *task] for task in tasks] for user in users])
    gap = np.abs(table[:, None] - table[None]).mean(axis=2)
    np.fill_diagonal(gap, np.inf)
    nearest = gap.argmin(axis=1)
    pairs = [(i, j) for i, j in enumerate(nearest) if i < j and nearest[j] == i]
    within = max(gap[pair] for pair in pairs)
    for i, j in pairs:
        gap[i, j] = gap[j, i] = np.inf
    names = [f"{users[i]}-{users[j]}" for i, j in pairs]
    return {"pairs": names, "within": round(float(within), 1), "between": round(float(gap.min()), 1)}


def fast_people(data: ActivityData) -> dict[str, Any]:
    everything = load_watch_recordings()
    typical = {int(u): float(np.median([r.seconds for r in everything if r.user == u])) for u in data.user_ids}
    fast = [user for user, seconds in typical.items() if seconds < 30]
    others = [seconds for user, seconds in typical.items() if user not in fast]
    their_seconds = round(max(typical[user] for user in fast), 1)
    return {"fast": fast, "their_seconds": their_seconds, "other_seconds": round(min(others), 1)}


def hard_peaks(data: ActivityData) -> dict[str, Any]:
    hard = {r: np.linalg.norm(r.signal, axis=1) > HARD * METRES_PER_S2 for r in load_watch_recordings()}
    people = sorted({r.user for r, readings in hard.items() if readings.any()})
    return {"readings": int(sum(readings.sum() for readings in hard.values())), "people": people}


def short_recordings(data: ActivityData) -> dict[str, Any]:
    seconds = [r.seconds for r in load_watch_recordings()]
    windows = np.unique(data.recordings, return_counts=True)[1]
    return {
        "shortest": round(min(seconds), 1), "longest": round(max(seconds), 1),
        "fewest_windows": int(windows.min()), "most_windows": int(windows.max()),
    }  # fmt: skip


def overlap(data: ActivityData) -> dict[str, Any]:
    overlapping = (np.diff(data.recordings) == 0) & (np.diff(data.starts) == data.card.contract.step)
    return {"overlapping": int(overlapping.sum())}


def tails(data: ActivityData) -> dict[str, Any]:
    lengths = np.array([len(r.signal) for r in load_watch_recordings()])
    covered = np.zeros_like(lengths)
    np.maximum.at(covered, data.recordings, data.starts + data.window_readings)
    return {"percent": round(100 * float((lengths - covered).sum() / lengths.sum()), 1)}


STATEMENTS: dict[str, measures.Measure] = {
    "file": lambda data: {"sha256": file_digest(_require_file())},
    "no-background": lambda data: {"keys": sorted(read_watch(_require_file()))},
    **measures.by_statement(
        measures.size, measures.per_user, measures.classes, recordings, clean, unit, mirrored_axis, paired_people,
        fast_people, hard_peaks, short_recordings, stuck_readings, overlap, tails,
    ),
}  # fmt: skip
