"""Figures of attacks on privacy and of its price: what is drawn is what is given, and the sentence reads it."""

import math

import pandas as pd
import pytest

from pmt_helpers.teaching import figures


def drawn(figure, name: str):
    return next(trace for trace in figure.plotly.data if trace.name == name)


def test_roc_curves_are_read_at_one_percent() -> None:
    curve = pd.DataFrame({"fpr": [0.0001, 0.001, 0.01, 1.0], "tpr": [0.0, 0.02, 0.05, 1.0]})
    figure = figures.roc({"shared": curve.assign(tpr=[0, 0.001, 0.01, 1.0]), "personal": curve})
    assert figure.sentence == "Members found at 1% false alarms: shared 1%; personal 5%."
    assert figure.plotly.layout.xaxis.type == figure.plotly.layout.yaxis.type == "log"
    assert min(drawn(figure, "personal").x) == 0.001


def costs() -> pd.DataFrame:
    rows = [(math.inf, "shared", 60, 0.76), (8.0, "shared", 60, 0.7), (math.inf, "personal", 60, 0.84)]
    rows += [
        (8.0, "personal", 60, 0.82),
        (8.0, "shared", 0, 0.1),
        (math.inf, "local", 60, 0.7),
        (8.0, "local", 60, 0.7),
    ]
    frame = pd.DataFrame(rows, columns=["epsilon", "model", "n_samples", "accuracy"])
    return frame.assign(lower=frame["accuracy"] - 0.02, upper=frame["accuracy"] + 0.02)


def test_accuracy_is_read_from_no_noise_to_the_smallest_epsilon() -> None:
    figure = figures.accuracy_by_epsilon({"example": costs().query("n_samples == 60")})
    assert "Each window protected, with no noise and epsilon 8: shared 76% and 70%" in figure.sentence
    assert list(drawn(figure, "personal, each window protected").x) == ["no noise", "8"]


def test_the_price_of_privacy_is_never_shown_without_training_alone() -> None:
    figure = figures.accuracy_by_epsilon({"example": costs().query("n_samples == 60")})
    assert list(drawn(figure, "local, trained alone").y) == [0.7, 0.7]
    assert "Local, trained alone: 70%" in figure.sentence


def test_utility_and_leakage_join_at_the_epsilons_that_both_know() -> None:
    attacks = pd.DataFrame(
        {"level": ["user", "user", "example"], "epsilon": [8.0, 1.0, 8.0], "game": "person", "attack": "lira"}
    ).assign(auc=[0.6, 0.5, 0.9], auc_low=0.5, auc_high=0.95)
    rows = figures.utility_and_leakage(costs(), attacks, "user")
    assert set(rows["epsilon"]) == {8.0}
    assert rows.set_index("name")["value"].to_dict() == {"shared": 0.7, "personal": 0.82, "person": 0.6}
    figure = figures.accuracy_and_attack(rows)
    assert figure.plotly.layout.xaxis2.range == (0, 1)  # bars begin at zero
    assert "one half is guessing" in figure.plotly.layout.xaxis2.title.text
    assert [(line.x0, line.xref) for line in figure.plotly.layout.shapes] == [(0.5, "x2")]
    assert figure.sentence == "Accuracy: shared 0.70, personal 0.82. AUC of the attack: person 0.60."


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="accuracy_and_attack needs the columns"):
        figures.accuracy_and_attack(pd.DataFrame({"kind": ["random"]}))


def test_labels_protected_at_home_stand_beside_windows_protected_by_the_cloud() -> None:
    windows = costs().query("n_samples == 60")
    labels = windows.assign(accuracy=windows["accuracy"] - 0.05)
    figure = figures.accuracy_by_epsilon({"example": windows, "user": windows, "label": labels})
    assert list(drawn(figure, "personal, each label protected").y) == pytest.approx([0.79, 0.77])
    assert list(drawn(figure, "local, trained alone, volunteers' scaler").y) == pytest.approx([0.65, 0.65])
    assert [trace.name for trace in figure.plotly.data].count("local, trained alone") == 1
    assert "Local, trained alone, volunteers' scaler: 65%" in figure.sentence
    looks = {(trace.line.color, trace.line.dash, trace.marker.symbol) for trace in figure.plotly.data}
    assert len(looks) == len(figure.plotly.data) == 8


def forgotten() -> pd.DataFrame:
    table = pd.DataFrame({"more": [0.0, 0.3, 1.0], "share": [0.0, 0.1, 0.26], "auc": [1.0, 0.95, 0.912]})
    return table.assign(
        lower=table["share"] - 0.31, upper=table["share"] + 0.1, median=0.4, remembered=[9, 8, 7], users=10
    )


def test_unlearning_is_read_at_the_most_steps_beside_retraining() -> None:
    figure = figures.unlearning({"wisdm": forgotten(), "watch": forgotten().assign(share=[0, 0.05, 0.08])})
    assert figure.sentence == (
        "Share of the loss gap that 100% more steps close. "
        "On wisdm: 26% (95% interval -5% to 36%, median person 40%). "
        "The loss is still lower for 7 of 10 people, and the AUC of an attack is 0.91. "
        "On watch: 8% (95% interval -5% to 36%, median person 40%). "
        "The loss is still lower for 7 of 10 people, and the AUC of an attack is 0.91. "
        "Retraining from scratch takes 100% of the steps and closes all of it."
    )
    assert drawn(figure, "wisdm").error_y.arrayminus[2] == pytest.approx(0.31)
    assert list(drawn(figure, "wisdm").x) == [0.0, 0.3, 1.0]
    assert min(drawn(figure, "watch").x) > 0  # beside it
    assert (drawn(figure, "retrained from scratch").x[-1], drawn(figure, "retrained from scratch").y[-1]) == (1, 1)
