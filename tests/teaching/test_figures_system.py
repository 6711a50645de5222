"""Notebook 07's figures say what their numbers say."""

import pytest

from pmt_helpers.teaching import figures
from tests.teaching.test_figures import designs, releases


def test_windows_are_sent_once_and_weights_in_each_round() -> None:
    figure = figures.accuracy_by_bytes(designs())
    traces = {trace.name: trace for trace in figure.plotly.data}
    assert list(traces["personal: this paper"].x) == [26]
    assert list(traces["federated, retrained at home"].x) == [26, 1025]
    assert "Personal: this paper: 80% for 26 kB" in figure.sentence
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
    assert drawn.sentence.endswith("release 2, 3. Retrain -2.0 [-2.0, -2.0]; worse off 1 of 6, 6 of 6.")
