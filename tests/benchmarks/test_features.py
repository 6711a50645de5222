"""The benchmark compares like with like: the same windows, and the same numbers where a peer has the same feature.

Peers that are not installed are not looked at. What is read from their results is tested with those of a stand-in.
"""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.datasets.features import FEATURE_NAMES, extract_features

RATE_HZ, OURS = 50.0, "ours, all windows at once"
SUMMARIES = {f"{axis}{name}" for axis in "XYZ" for name in ("AVG", "STANDDEV", "ABSOLDEV")} | {"RESULTANT"}


@pytest.fixture
def windows() -> np.ndarray:
    return np.random.default_rng(0).normal([0, -9.8, 2], [1, 2, 3], size=(12, 100, 3))


def test_every_engine_has_the_same_features_of_the_same_windows(benchmark: ModuleType, windows: np.ndarray) -> None:
    engines, absent = benchmark.measured(windows, RATE_HZ, rounds=2)
    assert len(engines) + len(absent) == len(benchmark.ENGINES)
    for name, (rates, difference) in engines.items():
        assert len(rates) == 2
        assert min(rates) > 0
        assert difference < 1e-5, name
        same = set(benchmark.ENGINES[name].same.values())
        assert same == set(FEATURE_NAMES) if name.startswith("ours") else same <= SUMMARIES


def test_a_peer_gets_the_resultant_as_a_fourth_signal(benchmark: ModuleType, windows: np.ndarray) -> None:
    signals = benchmark.signals_of(windows)
    np.testing.assert_array_equal(signals[..., :3], windows)
    resultant = extract_features(windows, RATE_HZ)[:, FEATURE_NAMES.index("RESULTANT")]
    np.testing.assert_allclose(signals[..., 3].mean(1), resultant, rtol=1e-6)


@pytest.fixture
def tsfresh(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Takes means and standard deviations of each column, as tsfresh names them, `shift` too high."""
    peer = SimpleNamespace(shift=0.0)

    def extract(readings: pd.DataFrame, column_id: str, **_: Any) -> pd.DataFrame:
        groups = readings.groupby(column_id)
        means, spreads = groups.mean() + peer.shift, groups.std(ddof=0)
        return means.add_suffix("__mean").join(spreads.add_suffix("__standard_deviation"))

    peer.extract_features = extract
    monkeypatch.setitem(sys.modules, "tsfresh", peer)
    monkeypatch.setitem(sys.modules, "tsfel", None)  # importing it fails
    monkeypatch.setattr(benchmark, "ENGINES", {name: benchmark.ENGINES[name] for name in (OURS, "tsfel", "tsfresh")})
    return peer


def test_a_wrong_number_of_a_peer_is_seen(benchmark: ModuleType, windows: np.ndarray, tsfresh: Any) -> None:
    for tsfresh.shift, low, high in ((0.0, 0, 1e-5), (0.5, 0.499, 0.501)):
        engines, absent = benchmark.measured(windows, RATE_HZ, rounds=1)
        assert low <= engines["tsfresh"].difference < high
        assert absent == ["tsfel: not installed"]


def test_the_table_has_a_row_for_each_engine_and_says_what_is_not_ours(
    benchmark: ModuleType, windows: np.ndarray, tsfresh: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    recording = SimpleNamespace(signal=windows.reshape(-1, 3), rate_hz=20.0)
    monkeypatch.setattr(benchmark, "load_recordings", lambda _: [recording])
    benchmark.main()
    head, sizes, columns, ours, peer, instead, absent = capsys.readouterr().out.splitlines()
    assert f"numpy {np.__version__}, pandas {pd.__version__}" in head
    assert sizes.startswith("23 windows of 100 readings")
    assert "ours is x" in columns
    assert ours.removeprefix(OURS).split()[1:] == ["1.0", "43", "0.0e+00"]
    assert peer.startswith("tsfresh")
    assert peer.split()[3] == "7"
    assert instead.startswith("tsfresh computes the entropy of ten bins")
    assert absent == "tsfel: not installed"
