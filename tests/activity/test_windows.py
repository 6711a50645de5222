"""Windows: whole ones only, one each step, never a reading too many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmt_helpers.datasets.features import cut_windows, window_starts


@given(st.integers(0, 400), st.integers(1, 60), st.integers(1, 60))
def test_every_window_is_whole_and_no_further_one_would_fit(n_readings: int, size: int, step: int) -> None:
    starts = window_starts(n_readings, size, step)
    assert (starts + size <= n_readings).all()
    assert (np.diff(starts) == step).all()
    following = starts[-1] + step if len(starts) else 0
    assert following + size > n_readings


@given(st.integers(0, 200), st.integers(1, 40), st.integers(1, 40))
def test_windows_hold_the_readings_from_their_starts_on(n_readings: int, size: int, step: int) -> None:
    signal = np.arange(n_readings * 3.0).reshape(-1, 3)
    windows = cut_windows(signal, size, step)
    starts = window_starts(n_readings, size, step)
    assert windows.shape == (len(starts), size, 3)
    for window, start in zip(windows, starts, strict=True):
        np.testing.assert_array_equal(window, signal[start : start + size])


def test_a_window_of_no_readings_is_refused() -> None:
    with pytest.raises(ValueError, match="size=0"):
        window_starts(100, 0, 1)
    with pytest.raises(ValueError, match="shape"):
        cut_windows(np.zeros(5), 2, 1)
