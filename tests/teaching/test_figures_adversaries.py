"""Figures of the adversaries chapter: what is drawn is what is given, and the sentence reads it."""

import pandas as pd
import pytest

from pmt_helpers.teaching import figures
from pmt_helpers.teaching.figures.style import MODEL_COLOURS, Figure


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
        "Accuracy. Shared: 73% without poison, 36% at worst (least likely label). "
        "Personal: 82% without poison, 77% at worst (least likely label)."
    )
    assert list(drawn(figure, "shared, poisoned").y) == [0.6, 0.36]
    assert list(drawn(figure, "shared, poisoned").error_y.array) == [0.04, 0.04]
    assert set(drawn(figure, "personal, clean").y) == {0.82}
    assert drawn(figure, "shared, poisoned").marker.color == MODEL_COLOURS["shared"]


def test_recovery_is_read_from_none_to_the_most_windows() -> None:
    clean = pd.DataFrame({"n_samples": [60, 0, 20], "accuracy": [0.82, 0.73, 0.8], "accuracy_se": 0.01})
    poisoned = clean.assign(accuracy=[0.77, 0.36, 0.7]).drop(columns="accuracy_se")
    figure = figures.healing({"honest volunteers": clean, "poison": poisoned})
    assert (
        figure.sentence
        == "Accuracy with 0 and with 60 clean windows: honest volunteers 73% and 82%; poison 36% and 77%."
    )
    assert list(drawn(figure, "honest volunteers").y) == [0.73, 0.8, 0.82]


def compared() -> pd.DataFrame:
    rows = [("none", "none", 0.8, 0.0, 0), ("none", "a", 0.75, -0.05, 3), ("none", "averaged: b", 0.6, -0.2, 5)]
    rows += [("random", "none", 0.4, 0.0, 0), ("random", "a", 0.7, 0.3, 1), ("random", "averaged: b", 0.5, 0.1, 2)]
    frame = pd.DataFrame(rows, columns=["kind", "defence", "accuracy", "change", "losers"])
    return frame.assign(change_se=0.02)


def test_a_defence_is_read_without_attackers_and_under_attack() -> None:
    figure = figures.defences(compared(), "half send random labels")
    assert figure.sentence == (
        "Accuracy with no defence: 80% without attackers, 40% under attack (half send random labels). "
        "The best defence under attack (a) changes this by -5.0 and +30.0 points. "
        "People worse off: 3 without attackers, 1 under attack."
    )
    assert [note.text for note in figure.plotly.layout.annotations] == [
        "without attackers<br>no defence: 80%",
        "under attack<br>no defence: 40%",
    ]


def test_defences_stand_in_one_order_the_best_under_attack_on_top_with_a_line_where_nothing_changes() -> None:
    figure = figures.defences(compared(), "half send random labels").plotly
    clean, attacked = (drawn(Figure(figure, ""), name) for name in ("without attackers", "under attack"))
    assert list(clean.y) == list(attacked.y) == ["averaged:<br>b", "a"]  # plotly begins at the bottom
    assert list(clean.x) == pytest.approx([-20, -5])
    assert list(attacked.x) == pytest.approx([10, 30])
    assert list(attacked.error_x.array) == pytest.approx([4, 4])  # two standard errors
    assert figure.layout.xaxis.zeroline
    assert figure.layout.xaxis2.zeroline
    assert figure.layout.xaxis2.matches == "x"  # points are as long in either panel


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
        "Probability of the attached word, with none and with 6 crafted documents. "
        "Shared: 0% and 45%. Personal, prior: 0% and 27%. Shared, capped: 0% and 1%."
    )
    assert list(drawn(figure, "shared").y) == pytest.approx([0, 0.45])
    assert list(drawn(figure, "shared").error_y.arrayminus) == pytest.approx([0, 0.15])
