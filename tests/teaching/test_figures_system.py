"""Notebook 07's figures say what their numbers say."""

import pytest

from pmt_helpers.teaching import figures
from tests.teaching.test_figures import designs, releases


def test_who_only_downloads_sends_nothing_and_federated_averaging_pays_for_each_round() -> None:
    figure = figures.accuracy_by_bytes(designs())
    traces = {trace.name: trace for trace in figure.plotly.data}
    assert list(traces["personal: this paper"].x) == [0]
    assert list(traces["federated, retrained at home"].x) == [26, 1025]
    assert "Personal: this paper: 80% for 0 kB" in figure.sentence
    assert "Federated, retrained at home: 81% for 1,025 kB" in figure.sentence


def test_bars_are_the_interval_of_the_difference_from_the_personal_model() -> None:
    local = next(trace for trace in figures.accuracy_by_bytes(designs()).plotly.data if trace.name.startswith("local"))
    assert local.error_y.array[0] == pytest.approx(0.01)  # high - lead
    assert local.error_y.arrayminus[0] == pytest.approx(0.02)


def test_gains_are_drawn_by_release_with_the_people_who_are_worse_off() -> None:
    drawn = figures.gains(releases(), {"retrain": "retrain"}, "before", by="release", title="t", x_title="release")
    (trace,) = drawn.plotly.data
    assert list(trace.y) == pytest.approx([100 * (5 * 0.04 - 0.01) / 6, -2])
    assert list(trace.customdata) == ["1 of 6", "6 of 6"]
    assert "release 3. Retrain -2.0 [-2.0, -2.0], 6 of 6 worse off." in drawn.sentence
