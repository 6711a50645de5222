"""Figures of the adversaries chapter: what is drawn is what is given, and the sentence reads it."""

import pandas as pd
import pytest

from pmt_helpers.teaching import figures
from pmt_helpers.teaching.figures.style import MODEL_COLOURS


def drawn(figure, name: str):
    return next(trace for trace in figure.plotly.data if trace.name == name)


def test_poisoned_models_are_compared_with_clean_ones() -> None:
    rows = pd.DataFrame(
        {
            "kind": ["random", "least_likely"] * 2,
            "model": ["shared", "shared", "personal", "personal"],
            "accuracy": [0.6, 0.36, 0.78, 0.77],
            "accuracy_se": 0.02,
        }
    )
    figure = figures.poisoned_models(rows, {"shared": 0.73, "personal": 0.82})
    assert figure.sentence == (
        "Shared 73% clean, 36% at worst (least likely label); personal 82% clean, 77% at worst (least likely label)."
    )
    assert list(drawn(figure, "shared, poisoned").y) == [0.6, 0.36]
    assert list(drawn(figure, "shared, poisoned").error_y.array) == [0.04, 0.04]
    assert set(drawn(figure, "personal, clean").y) == {0.82}
    assert drawn(figure, "shared, poisoned").marker.color == MODEL_COLOURS["shared"]


def test_recovery_is_read_from_none_to_the_most_windows() -> None:
    clean = pd.DataFrame({"n_samples": [60, 0, 20], "accuracy": [0.82, 0.73, 0.8], "accuracy_se": 0.01})
    poisoned = clean.assign(accuracy=[0.77, 0.36, 0.7]).drop(columns="accuracy_se")
    figure = figures.healing({"honest volunteers": clean, "lies": poisoned})
    assert figure.sentence == "From 0 to 60 clean windows: honest volunteers 73% to 82%; lies 36% to 77%."
    assert list(drawn(figure, "honest volunteers").y) == [0.73, 0.8, 0.82]


def test_a_defence_is_read_on_clean_data_and_under_attack() -> None:
    table = pd.DataFrame(
        {"defence": ["none", "a", "b"], "clean": [0.8, 0.75, 0.6], "clean_se": 0.01, "attacked": [0.4, 0.7, 0.5]}
    ).assign(attacked_se=0.02)
    figure = figures.defences(table, "half lie")
    assert (
        figure.sentence == "Without defence 80% when nobody lies and 40% under attack; with the best (a) 75% and 70%."
    )
    assert {trace.name for trace in figure.plotly.data} == {"no defence", "a", "b"}


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="poisoned_models needs the columns"):
        figures.poisoned_models(pd.DataFrame({"kind": ["random"]}), {"shared": 1.0})


def test_the_longest_crafted_documents_and_the_cap_are_drawn() -> None:
    rows = [(0, 1, "none", "shared", 0.0), (6, 1, "none", "shared", 0.05), (6, 3, "none", "shared", 0.3)]
    rows += [(0, 1, "5 repeats", "shared", 0.0), (6, 1, "5 repeats", "shared", 0.004)]
    rows += [(0, 1, "none", "prior", 0.0), (6, 3, "none", "prior", 0.18)]
    frame = pd.DataFrame(rows, columns=["crafted", "length", "defence", "model", "association"])
    both = pd.concat([frame.assign(seed=0), frame.assign(seed=1, association=2 * frame["association"])])
    figure = figures.crafted_documents(both)
    assert figure.sentence == (
        "From none to 6 crafted documents: shared 0% to 45%; personal, prior 0% to 27%; shared, capped 0% to 1%."
    )
    assert list(drawn(figure, "shared").y) == pytest.approx([0, 0.45])
    assert list(drawn(figure, "shared").error_y.arrayminus) == pytest.approx([0, 0.15])


def test_no_two_defences_look_alike() -> None:
    names = ["none", "outlier filter", "neighbour filter", "trimmed loss", "mean", "median", "trimmed mean"]
    table = pd.DataFrame({"defence": names, "clean": 0.8, "clean_se": 0.01, "attacked": 0.5, "attacked_se": 0.01})
    figure = figures.defences(table, "half lie")
    assert len({(trace.marker.color, trace.marker.symbol) for trace in figure.plotly.data}) == len(names)
    assert len({trace.marker.color for trace in figure.plotly.data}) == len(names)
