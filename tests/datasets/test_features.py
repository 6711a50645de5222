"""The 43 features and their windows: held to a loop a child could follow, and to facts of movement."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pmt_helpers.activity import train_shared_fast
from pmt_helpers.datasets import load_activity, load_recordings
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


@settings(max_examples=100, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(3, 24), st.just(3)), elements=readings))
def test_the_defects_of_wisdms_table_hold_for_any_signal_in_its_style(windows: np.ndarray) -> None:
    """The relations that its card measures on the published rows; test_wisdm holds that those have them."""
    plain, quirky = (extract_features(windows, 20, style).astype(float) for style in ("plain", "wisdm"))
    at = {name: quirky[:, PLACE[name]] for name in FEATURE_NAMES}
    assert (at["XAVG"] == 0).all()
    assert (at["ZSTANDDEV"] == at["XSTANDDEV"]).all()
    np.testing.assert_allclose(at["XSTANDDEV"] ** 2, (windows[:, :, 0] ** 2).mean(1), rtol=1e-5, atol=1e-9)
    assert (at["XABSOLDEV"] <= at["XSTANDDEV"] + 1e-5).all()
    changed = [PLACE[name] for name in ("XAVG", "XABSOLDEV", "XSTANDDEV", "ZSTANDDEV")]
    np.testing.assert_array_equal(np.delete(plain, changed, 1), np.delete(quirky, changed, 1))
    still = np.repeat(windows[:, :1], 20, axis=1)  # where nothing moves, the resultant is what its card says
    at_rest = extract_features(still, 20, "wisdm").astype(float)
    x, y, z, resultant = at_rest[:, [PLACE[name] for name in ("XSTANDDEV", "YAVG", "ZAVG", "RESULTANT")]].T
    np.testing.assert_allclose(resultant, np.sqrt(x**2 + y**2 + z**2), rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("real_wisdm")
def test_in_its_style_the_watch_has_the_shape_of_the_published_rows() -> None:
    """Bounds that all published rows keep to, up to their two decimals: proper features break each of the first two."""

    def kept(X: np.ndarray) -> tuple[bool, bool, bool]:
        at = {name: X[:, PLACE[name]].astype(float) for name in FEATURE_NAMES}
        return (
            bool((at["XAVG"] == 0).all()),
            bool((at["ZSTANDDEV"] == at["XSTANDDEV"]).all()),
            bool((at["XABSOLDEV"] <= at["XSTANDDEV"] + 0.011).all()),
        )

    windows = cut_windows(load_recordings("watch")[17].signal, 250, 125)
    assert kept(load_activity("wisdm").X) == kept(extract_features(windows, 50, "wisdm")) == (True, True, True)
    assert kept(extract_features(windows, 50))[:2] == (False, False)


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown style 'wisdom'; choose one of plain, wisdm"):
        extract_features(np.zeros((1, 10, 3)), 20, "wisdom")


def test_a_model_needs_windows_with_the_defects_of_those_it_was_trained_on() -> None:
    """On the watch, where the readings are there: plain windows cost a model of WISDM's style a fifth or more."""
    data = load_activity("watch")
    style = data.X.copy()
    for recording in load_recordings("watch"):
        windows = cut_windows(recording.signal, 250, 125)
        style[data.recordings == recording.number] = extract_features(windows, recording.rate_hz, "wisdm")
    quirky = replace(data, X=style)
    accuracy = {"plain": [], "wisdm": []}
    for user in map(int, data.user_ids):
        model, own = train_shared_fast(quirky, user), data.users == user
        for name, X in (("plain", data.X), ("wisdm", style)):
            accuracy[name].append(float((model.predict(X[own]) == data.y[own]).mean()))
    assert np.mean(accuracy["wisdm"]) > 0.72
    assert np.mean(accuracy["plain"]) < 0.62
