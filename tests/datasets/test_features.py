"""The 43 features and their windows: held to a loop a child could follow, and to facts of movement."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pmt_helpers.datasets import load_recordings
from pmt_helpers.datasets.features import (
    FEATURE_NAMES,
    cut_windows,
    extract_features,
    extract_features_loop,
    window_starts,
)

PLACE = {name: i for i, name in enumerate(FEATURE_NAMES)}
# eighths are exact in binary, so ties and equal steps, the hard cases for bins and peaks, happen often
readings = st.integers(-40, 40).map(lambda eighths: eighths / 8)


@settings(max_examples=150, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 24), st.just(3)), elements=readings))
def test_the_fast_features_equal_the_plain_loop(windows: np.ndarray) -> None:
    np.testing.assert_allclose(extract_features(windows, 20), extract_features_loop(windows, 20), rtol=1e-5, atol=1e-5)


def test_they_are_equal_on_real_movement_too() -> None:
    recording = load_recordings("watch")[17]
    windows = cut_windows(recording.signal, 250, 125)
    fast, slow = extract_features(windows, recording.rate_hz), extract_features_loop(windows, recording.rate_hz)
    np.testing.assert_allclose(fast, slow, rtol=1e-5, atol=1e-5)


def test_the_bins_of_each_axis_hold_all_readings_once() -> None:
    features = extract_features(np.random.default_rng(0).normal(size=(5, 200, 3)), 20)
    np.testing.assert_allclose(features[:, :30].reshape(5, 3, 10).sum(2), 1, rtol=1e-6)


def test_a_two_hertz_wave_peaks_every_half_second() -> None:
    seconds = np.arange(0, 10, 1 / 100)
    wave = np.sin(2 * np.pi * 2 * seconds)
    features = extract_features(np.stack([wave, wave, wave], 1)[None], 100)[0]
    # twenty peaks, nineteen gaps of 500 ms, divided by the number of peaks as WISDM does
    assert features[PLACE["XPEAK"]] == pytest.approx(500 * 19 / 20, abs=1)


def test_a_device_at_rest_has_no_rhythm_and_no_spread() -> None:
    still = np.broadcast_to([0.0, 0.0, 9.81], (1, 250, 3))
    features = extract_features(still, 50)[0]
    assert np.isnan(features[[PLACE["XPEAK"], PLACE["YPEAK"], PLACE["ZPEAK"]]]).all()
    assert features[PLACE["ZSTANDDEV"]] == pytest.approx(0, abs=1e-6)
    assert features[PLACE["Z0"]] == 1
    assert features[PLACE["RESULTANT"]] == pytest.approx(9.81)


def test_z_has_a_deviation_of_its_own_unlike_in_wisdm() -> None:
    signal = np.random.default_rng(0).normal(size=(1, 100, 3)) * [1, 2, 3]
    features = extract_features(signal, 20)[0]
    assert features[PLACE["ZSTANDDEV"]] == pytest.approx(signal[0, :, 2].std(), rel=1e-5)
    assert features[PLACE["ZSTANDDEV"]] != features[PLACE["XSTANDDEV"]]


def test_windows_with_gaps_are_counted_and_refused() -> None:
    windows = np.zeros((3, 10, 3))
    windows[1, 4, 2] = np.nan
    with pytest.raises(ValueError, match="1 of 3 windows hold NaN"):
        extract_features(windows, 20)
    with pytest.raises(ValueError, match=r"\(2, 10, 4\)"):
        extract_features(np.zeros((2, 10, 4)), 20)


def test_no_windows_give_no_rows() -> None:
    assert extract_features(np.empty((0, 250, 3)), 50).shape == (0, 43)


@given(st.integers(0, 400), st.integers(1, 60), st.integers(1, 60))
def test_windows_are_complete_and_no_other_would_fit(n_readings: int, size: int, step: int) -> None:
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
