"""Cutting a recording into windows of equal length. Notebook 01, step 1."""

import numpy as np


def window_starts(n_readings: int, size: int, step: int) -> np.ndarray:
    """First reading of every whole window of `size` readings, one window each `step` readings; (n_windows,) int64.

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
