"""From raw acceleration to the 43 features of a window (Kwapisz et al. 2010, section 2.2). Notebook 01.

Thirty bin fractions say how a window's readings are spread; thirteen summaries say how large, how shaky and how
fast the movement is. Definitions follow WISDM's own description; its file departs from them here and there, and the
data card of `wisdm` says where. Each function works on all windows at once.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pmt_helpers.datasets.base import ActivityData, Recording
    from pmt_helpers.datasets.cards import DataCard

AXES = ("X", "Y", "Z")
N_BINS = 10
FEATURE_NAMES: tuple[str, ...] = (
    *(f"{axis}{b}" for axis in AXES for b in range(N_BINS)),
    *(f"{axis}{name}" for name in ("AVG", "PEAK", "ABSOLDEV", "STANDDEV") for axis in AXES),
    "RESULTANT",
)
STYLES = ("plain", "wisdm")
MIN_PEAKS = 3
PEAK_BAND = 0.1  # a peak counts when it lies within this share of the window's range below the highest reading


def bin_fractions(windows: np.ndarray) -> np.ndarray:
    """Share of a window's readings in each of ten equal-width bins of that window's own range, axis by axis.

    windows: (n_windows, n_readings, 3). Returns (n_windows, 30): X0..X9, Y0..Y9, Z0..Z9; each ten sum to 1.
    """
    low, high = windows.min(1, keepdims=True), windows.max(1, keepdims=True)
    span = np.where(high > low, high - low, 1.0)  # a device at rest: everything falls in the first bin
    bins = np.minimum((N_BINS * (windows - low) / span).astype(np.int64), N_BINS - 1)
    n, readings, axes = windows.shape
    cells = bins + N_BINS * np.arange(axes) + N_BINS * axes * np.arange(n)[:, None, None]
    return np.bincount(cells.ravel(), minlength=n * axes * N_BINS).reshape(n, axes * N_BINS) / readings


def peak_times(windows: np.ndarray, rate_hz: float) -> np.ndarray:
    """Mean time between the highest peaks of each axis, in milliseconds; NaN where an axis has fewer than three peaks.

    A peak is a reading above the one before and not below the one after. The highest ones are kept: those within a
    tenth of the window's range of its maximum, then within two tenths, and so on until at least three are found. The
    times between consecutive peaks are summed and divided by the number of peaks, as WISDM does.
    windows: (n_windows, n_readings, 3). Returns (n_windows, 3).
    """
    middle = windows[:, 1:-1]
    is_peak = (middle > windows[:, :-2]) & (middle >= windows[:, 2:])
    height = np.where(is_peak, middle, -np.inf)
    if height.shape[1] < MIN_PEAKS:
        return np.full((len(windows), windows.shape[2]), np.nan)
    third = -np.partition(-height, MIN_PEAKS - 1, axis=1)[:, MIN_PEAKS - 1]
    top, span = windows.max(1), np.ptp(windows, axis=1)
    enough = np.isfinite(third)
    bands = np.ones_like(top)
    np.divide(top - third, PEAK_BAND * span, out=bands, where=enough)
    # the small allowance keeps the third peak itself when it lies exactly on the edge of a band
    level = top - np.maximum(np.ceil(bands - 1e-9), 1) * PEAK_BAND * span - 1e-9 * np.abs(top)
    is_high = is_peak & (height >= np.minimum(level, third)[:, None])
    first, last = is_high.argmax(1), is_high.shape[1] - 1 - is_high[:, ::-1].argmax(1)
    return np.where(enough, 1000.0 * (last - first) / rate_hz / np.maximum(is_high.sum(1), 1), np.nan)


def extract_features(windows: np.ndarray, rate_hz: float, style: str = "plain") -> np.ndarray:
    """The 43 features of every window, in the order of FEATURE_NAMES; (n_windows, 43) float32.

    Bins are fractions, PEAK is in ms (NaN where there is no rhythm to measure), all others in m/s2.

    Parameters
    ----------
    windows: (n_windows, n_readings, 3) in m/s2. rate_hz: readings per second.
    style: "plain", or "wisdm": as WISDM's table has them, whose XAVG is 0 and whose deviations of x are therefore about
        0, with ZSTANDDEV a copy of XSTANDDEV. A model trained on that table needs windows with the same defects.

    Raises ValueError for another style or shape, and for a window that holds NaN or infinity: fill or drop it first.
    """
    if style not in STYLES:
        raise ValueError(f"unknown style {style!r}; choose one of {', '.join(STYLES)}")
    windows = np.asarray(windows, dtype=np.float64)
    if windows.ndim != 3 or windows.shape[2] != len(AXES) or windows.shape[1] < 1:
        raise ValueError(f"windows must be (n_windows, n_readings, 3); got {windows.shape}")
    incomplete = ~np.isfinite(windows).all(axis=(1, 2))
    if incomplete.any():
        raise ValueError(f"{incomplete.sum()} of {len(windows)} windows hold NaN or infinity; fill or drop them first")
    mean = windows.mean(1)
    if style == "wisdm":
        mean[:, 0] = 0
    about_mean = windows - mean[:, None]
    spread, deviation = np.abs(about_mean).mean(1), np.sqrt((about_mean**2).mean(1))
    if style == "wisdm":
        deviation[:, 2] = deviation[:, 0]
    resultant = np.sqrt((windows**2).sum(2)).mean(1, keepdims=True)
    peaks = peak_times(windows, rate_hz)
    return np.hstack([bin_fractions(windows), mean, peaks, spread, deviation, resultant]).astype(np.float32)


def extract_features_loop(windows: np.ndarray, rate_hz: float) -> np.ndarray:
    """The same 43 features, one window, one axis, one peak at a time: slow, easy to read, held equal by a test."""
    rows = []
    for window in np.asarray(windows, dtype=np.float64):
        bins, means, peaks, deviations, spreads = [], [], [], [], []
        for axis in window.T:
            low, high = min(axis), max(axis)
            counts = [0] * N_BINS
            for reading in axis:
                share = (reading - low) / (high - low) if high > low else 0.0
                counts[min(int(N_BINS * share), N_BINS - 1)] += 1
            bins += [count / len(axis) for count in counts]
            means.append(axis.mean())
            peaks.append(_peak_time_of_one_axis(axis, rate_hz))
            deviations.append(sum(abs(reading - axis.mean()) for reading in axis) / len(axis))
            spreads.append((sum((reading - axis.mean()) ** 2 for reading in axis) / len(axis)) ** 0.5)
        resultant = sum((x * x + y * y + z * z) ** 0.5 for x, y, z in window) / len(window)
        rows.append([*bins, *means, *peaks, *deviations, *spreads, resultant])
    return np.array(rows, dtype=np.float32).reshape(len(rows), len(FEATURE_NAMES))


def _peak_time_of_one_axis(axis: np.ndarray, rate_hz: float) -> float:
    peaks = [i for i in range(1, len(axis) - 1) if axis[i - 1] < axis[i] >= axis[i + 1]]
    if len(peaks) < MIN_PEAKS:
        return float("nan")
    highest: list[int] = []
    band = 0
    while len(highest) < MIN_PEAKS:
        band += 1
        level = max(axis) - band * PEAK_BAND * (max(axis) - min(axis))
        highest = [i for i in peaks if axis[i] >= level - 1e-9 * abs(max(axis))]
    return 1000.0 * (highest[-1] - highest[0]) / rate_hz / len(highest)


def window_starts(n_readings: int, size: int, step: int) -> np.ndarray:
    """First reading of every complete window of `size` readings, one window per `step` readings; (n_windows,) int64.

    A tail shorter than a window is left out. Raises ValueError for a size or step below one.
    """
    if size < 1 or step < 1:
        raise ValueError(f"window size and step must be at least 1 reading; got size={size}, step={step}")
    return np.arange(0, max(0, n_readings - size + 1), step, dtype=np.int64)


def cut_windows(signal: np.ndarray, size: int, step: int) -> np.ndarray:
    """Windows of one recording: (n_readings, n_axes) becomes (n_windows, size, n_axes), a read-only view, no copy."""
    signal = np.asarray(signal)
    if signal.ndim != 2:
        raise ValueError(f"a recording is (n_readings, n_axes); got shape {signal.shape}")
    if len(window_starts(len(signal), size, step)) == 0:
        return np.empty((0, size, signal.shape[1]), signal.dtype)
    return np.lib.stride_tricks.sliding_window_view(signal, size, axis=0)[::step].swapaxes(1, 2)


def windows_of(recordings: Sequence["Recording"], card: "DataCard") -> "ActivityData":
    """The features of all windows of all recordings; a window never crosses from one recording into the next.

    card: names the dataset and its classes; its contract says how windows are cut and described.
    """
    from pmt_helpers.datasets.base import ActivityData  # SciPy, which a device that only predicts does without

    size, step = card.contract.readings, card.contract.step
    starts = [window_starts(len(recording.signal), size, step) for recording in recordings]
    windows = np.concatenate([cut_windows(recording.signal, size, step) for recording in recordings])
    class_names = tuple(card.classes)
    labels = [(class_names.index(r.class_name), r.user, r.number) for r in recordings]
    y, users, numbers = np.repeat(np.array(labels, dtype=np.int64), [len(s) for s in starts], axis=0).T
    return ActivityData(
        X=extract_features(windows, card.contract.rate_hz, card.contract.style), y=y, users=users, recordings=numbers,
        starts=np.concatenate(starts), window_readings=size * (step < size),
        feature_names=FEATURE_NAMES, class_names=class_names, card=card,
    )  # fmt: skip
