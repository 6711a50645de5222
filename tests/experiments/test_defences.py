"""The stored defences: what they save, what they cost, who pays, and that a slice can be had again."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.datasets import ActivityData, load_activity
from pmt_helpers.experiments import compare_defences, cost_per_user, stored_defences
from pmt_helpers.experiments.defences import DefencePlan, atypicality, stranger_rows, volunteer_rows

KEY = ["kind", "fraction", "defence"]


def test_a_slice_of_the_stored_defences_can_be_had_again() -> None:
    watch = load_activity("watch")
    plan = DefencePlan((("random", 0.3),), ("none", "neighbour filter", "averaged: median"))
    live = stranger_rows(watch, 5, plan).set_index(KEY)
    stored = stored_defences("watch").query("user == 5").set_index(KEY).reindex(live.index)
    np.testing.assert_allclose(live["accuracy"], stored["accuracy"], atol=0.02)
    np.testing.assert_allclose(live["caught"], stored["caught"], atol=1e-3)
    assert atypicality(watch)[5] == pytest.approx(stored["unusual"].iloc[0], abs=1e-3)


def test_what_volunteers_get_is_measured_on_windows_that_nobody_trained_on() -> None:
    watch = load_activity("watch")
    live = volunteer_rows(watch, 1, DefencePlan(defences=("none", "outlier filter"))).set_index(["user", "defence"])
    stored = stored_defences("watch", volunteers=True).query("seed == 1").set_index(["user", "defence"])
    np.testing.assert_allclose(live["accuracy"], stored["accuracy"].reindex(live.index), atol=0.04)
    np.testing.assert_allclose(live["dropped"], stored["dropped"].reindex(live.index), atol=1e-3)


@pytest.mark.parametrize("dataset", ["watch", "wisdm"])
def test_no_defence_is_good_against_everything(dataset: str) -> None:
    table = compare_defences(stored_defences(dataset)).set_index(KEY).sort_index()
    assert table.loc[("noise", 0.3, "outlier filter"), "change"] > 0.01
    assert table.loc[("least_likely", 0.3, "outlier filter"), "caught"] < 0.25
    assert table.loc[("random", 0.3, "neighbour filter"), "caught"] > 0.7
    assert table.loc[("random", 0.3, "trimmed loss"), "change"] > 0
    assert table.loc[("none", 0.0, "trimmed loss"), "change"] < 0
    opened = table.loc[("backdoor", 0.3)]["attack_success"]
    assert opened.min() > 0.6
    assert opened.idxmin() == "averaged: median"


def test_where_people_differ_a_robust_average_has_its_price() -> None:
    """WISDM in peace: pooling beats averaging, and the plain average beats the robust one."""
    table = compare_defences(stored_defences("wisdm")).set_index(KEY)["accuracy"].sort_index()
    assert table["none", 0.0, "averaged: median"] < table["none", 0.0, "averaged: mean"] < table["none", 0.0, "none"]
    pays = cost_per_user(stored_defences("wisdm", volunteers=True))
    median, outliers = (pays[pays["defence"] == name] for name in ("averaged: median", "outlier filter"))
    assert (median["change"] < 0).sum() > 20
    assert outliers[["unusual", "dropped"]].corr("spearman").iloc[0, 1] > 0.3
    assert outliers["dropped"].max() > 0.5
    assert outliers["change"].min() < -0.3


def test_a_person_who_moves_like_nobody_else_is_the_most_unusual(watch: ActivityData) -> None:
    X = np.array(watch.X)
    X[watch.users == 6] += 5 * np.nanstd(X, 0)
    assert atypicality(replace(watch, X=X)).idxmax() == 6


def test_cost_per_user_holds_robust_averages_against_the_plain_one() -> None:
    rows = pd.DataFrame(
        {
            "seed": 0,
            "user": 1,
            "defence": ["none", "averaged: mean", "averaged: median", "trimmed loss"],
            "accuracy": [0.9, 0.8, 0.7, 0.85],
            "dropped": [np.nan, np.nan, np.nan, 0.3],
            "unusual": 1.0,
        }
    )
    change = cost_per_user(rows).set_index("defence")["change"]
    assert change.round(6).to_dict() == {
        "none": 0.0,
        "averaged: mean": 0.0,
        "averaged: median": -0.1,
        "trimmed loss": -0.05,
    }
