"""What the card of `watch` states, measured: one function a statement, named as in data/cards/watch.toml."""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from pmt_helpers.datasets.activity_data import ActivityData
from pmt_helpers.datasets.watch import METRES_PER_S2, STEP_READINGS, find_watch, load_watch_recordings, read_watch

STILL = 0.1  # a second is still when no axis spreads by more than this, in g
HARD = 4.0  # g


def file(data: ActivityData) -> dict[str, Any]:
    path = find_watch()
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()} if path else {}


def recordings(data: ActivityData) -> dict[str, Any]:
    everything = load_watch_recordings()
    return {
        "recordings": len(everything),
        "combinations": len({(r.user, r.class_name, r.side) for r in everything}),
        "left": sum(r.side == "left" for r in everything),
        "minutes": round(sum(r.seconds for r in everything) / 60, 1),
    }


def size(data: ActivityData) -> dict[str, Any]:
    return {"windows": len(data), "users": len(data.user_ids), "features": len(data.feature_names)}


def per_user(data: ActivityData) -> dict[str, Any]:
    counts = np.unique(data.users, return_counts=True)[1]
    return {"smallest": int(counts.min()), "largest": int(counts.max())}


def classes(data: ActivityData) -> dict[str, Any]:
    return {name: int((data.y == code).sum()) for code, name in enumerate(data.class_names)}


def clean(data: ActivityData) -> dict[str, Any]:
    signals = [r.signal for r in load_watch_recordings()]
    return {
        "not_finite": int(sum((~np.isfinite(s)).sum() for s in signals)),
        "repeated": len(signals) - len({s.tobytes() for s in signals}),
        "missing_features": int(np.isnan(data.X).sum()),
    }


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
    inside = np.array([gap[pair] for pair in pairs])
    for i, j in pairs:
        gap[i, j] = gap[j, i] = np.inf
    return {
        "pairs": [f"{users[i]}-{users[j]}" for i, j in pairs],
        "within": round(float(inside.max()), 1),
        "between": round(float(gap.min()), 1),
    }


def fast_people(data: ActivityData) -> dict[str, Any]:
    everything = load_watch_recordings()
    typical = {int(u): float(np.median([r.seconds for r in everything if r.user == u])) for u in data.user_ids}
    fast = [user for user, seconds in typical.items() if seconds < 30]
    return {
        "fast": fast,
        "their_seconds": round(max(typical[user] for user in fast), 1),
        "other_seconds": round(min(seconds for user, seconds in typical.items() if user not in fast), 1),
    }


def hard_peaks(data: ActivityData) -> dict[str, Any]:
    hard = {r: np.linalg.norm(r.signal, axis=1) > HARD * METRES_PER_S2 for r in load_watch_recordings()}
    return {
        "readings": int(sum(readings.sum() for readings in hard.values())),
        "people": sorted({r.user for r, readings in hard.items() if readings.any()}),
    }


def short_recordings(data: ActivityData) -> dict[str, Any]:
    seconds = [r.seconds for r in load_watch_recordings()]
    each = np.unique(data.recordings, return_counts=True)[1]
    return {
        "shortest": round(min(seconds), 1), "longest": round(max(seconds), 1),
        "fewest_windows": int(each.min()), "most_windows": int(each.max()),
    }  # fmt: skip


def overlap(data: ActivityData) -> dict[str, Any]:
    together = (np.diff(data.recordings) == 0) & (np.diff(data.starts) == STEP_READINGS)
    return {"overlapping": int(together.sum())}


def tails(data: ActivityData) -> dict[str, Any]:
    lengths = np.array([len(r.signal) for r in load_watch_recordings()])
    covered = np.zeros_like(lengths)
    np.maximum.at(covered, data.recordings, data.starts + data.window_readings)
    return {"percent": round(100 * float((lengths - covered).sum() / lengths.sum()), 1)}


def no_background(data: ActivityData) -> dict[str, Any]:
    path = find_watch()
    return {"keys": sorted(read_watch(path))} if path else {}


MEASURES: dict[str, Callable[[ActivityData], dict[str, Any]]] = {
    measure.__name__.replace("_", "-"): measure
    for measure in (
        file, recordings, size, per_user, classes, clean, unit, mirrored_axis, paired_people, fast_people, hard_peaks,
        short_recordings, stuck_readings, overlap, tails, no_background,
    )
}  # fmt: skip
