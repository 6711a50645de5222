"""The stored learning curves are what was measured before this workbook, and a slice of them comes out again."""

import pandas as pd
import pytest

from pmt_helpers.activity import learning_curve, train_shared
from pmt_helpers.activity.curves import CurvePlan
from pmt_helpers.activity.evaluation import crossing, curve_distance, gain_chosen_on_others, paired_gain, user_means
from pmt_helpers.activity.mitigation import MITIGATIONS, strategy_family
from pmt_helpers.datasets import ActivityData
from pmt_helpers.datasets.files import paper_table, shipped
from pmt_helpers.experiments.activity import grid_name, stored_curve


def accuracies(curve: pd.DataFrame, model: str, sizes: tuple[int, ...]) -> list[float]:
    """Mean over users at each size."""
    means = user_means(curve)[model].groupby("n_samples").mean()
    return [float(means[size]) for size in sizes]


def test_blocked_with_early_stopping_on_wisdm() -> None:
    curve = stored_curve("wisdm", "blocked")
    sizes = (10, 20, 40, 60)
    assert accuracies(curve, "personal", sizes) == pytest.approx([0.783, 0.810, 0.820, 0.823], abs=0.02)
    assert accuracies(curve, "local", (10, 20, 60)) == pytest.approx([0.557, 0.653, 0.731], abs=0.025)
    # 0.710 was measured before, 0.026 more. There the windows that tell when to stop came from among the training
    # stretches, it seems (drawn so, we get 0.712); here they are a stretch of time of their own.
    assert accuracies(curve, "local", (40,)) == pytest.approx([0.684], abs=0.005)
    gain = paired_gain(curve, 20)
    assert gain.mean == pytest.approx(0.08, abs=0.03)
    assert gain.low > 0
    assert 3 <= len(gain.harmed) <= 12
    assert len(gain.by_user) == 36


@pytest.mark.parametrize("dataset", ["watch", "wisdm"])
def test_with_few_samples_stopping_early_gains_more_and_harms_fewer(dataset: str) -> None:
    stopped, never = (paired_gain(stored_curve(dataset, early_stopping=stop), 5) for stop in (True, False))
    assert stopped.mean > never.mean
    assert len(stopped.harmed) < len(never.harmed)


def test_the_papers_protocol_on_wisdm() -> None:
    curve = stored_curve("wisdm", "random", early_stopping=False)
    assert accuracies(curve, "personal", (40,)) == pytest.approx([0.830], abs=0.02)
    assert accuracies(curve, "local", (40,)) == pytest.approx([0.777], abs=0.02)
    assert curve["user"].nunique() == 36
    assert curve["n_samples"].max() > 160


def test_with_initial_weights_as_printed_on_wisdm() -> None:
    curve = stored_curve("wisdm", "random", early_stopping=False, init="literal")
    assert accuracies(curve, "shared", (20,)) == pytest.approx([0.630], abs=0.03)
    assert accuracies(curve, "personal", (40,)) == pytest.approx([0.727], abs=0.03)
    assert accuracies(curve, "local", (40,)) == pytest.approx([0.515], abs=0.03)


def test_the_literal_initial_weights_come_nearer_to_the_papers_figure() -> None:
    paper = paper_table("fig3_accuracy_smooth")
    he, literal = (
        curve_distance(stored_curve("wisdm", "random", early_stopping=False, init=init), paper)
        for init in ("he", "literal")
    )
    assert literal < 0.5 * he
    assert crossing(stored_curve("wisdm", "random", early_stopping=False, init="literal"), "personal", "shared") <= 3


def test_in_file_order_and_on_whole_bouts_personalising_harms() -> None:
    assert paired_gain(stored_curve("wisdm", "file_order", early_stopping=False), 60).mean < -0.08
    for early_stopping in (True, False):
        gain = paired_gain(stored_curve("wisdm", "bout", early_stopping=early_stopping), 40)
        assert gain.high < 0
        assert len(gain.harmed) > len(gain.by_user) / 2


def strengths(family: str) -> list[str]:
    return [name for name in MITIGATIONS if strategy_family(name) == family]


def test_two_cures_beat_plain_retraining_on_whole_bouts_and_nothing_beats_the_shared_model_there() -> None:
    curve = stored_curve("wisdm", "bout", cures=True)
    for size in (40, 60):
        assert gain_chosen_on_others(curve, size, strengths("rehearsal")).low > 0
        assert gain_chosen_on_others(curve, size, strengths("pull")).low > 0
    assert gain_chosen_on_others(curve, 40, ["output layer only"]).high < 0.01  # no cure
    means = user_means(curve[curve["n_samples"] == 40]).mean()
    assert means.idxmax() == "shared"


def test_a_pull_beats_plain_retraining_on_the_other_arm() -> None:
    curve = stored_curve("watch", "recording", cures=True)
    for size in (40, 60):
        assert gain_chosen_on_others(curve, size, strengths("pull")).low > 0


def test_no_cure_is_free_where_the_bouts_are_known() -> None:
    means = user_means(stored_curve("wisdm", cures=True).query("n_samples == 40")).mean()
    assert means["pull 30"] < means["pull 10"] < means["pull 3"] < means["personal"]
    assert means["rehearsal 30"] < means["rehearsal 10"] < means["personal"]
    assert means["shared"] < means["pull 30"] + 0.01


def test_blocked_in_time_on_watch() -> None:
    assert accuracies(stored_curve("watch"), "personal", (20, 40, 60)) == pytest.approx([0.829, 0.872, 0.897], abs=0.03)


def test_a_stored_slice_comes_out_again(watch: ActivityData) -> None:
    stored = stored_curve("watch").query("user == 4")
    again = learning_curve(watch, users=[4], sizes=(5, 20), shared={4: train_shared(watch, 4, progress=False)})
    means = again.groupby(["model", "n_samples"])[["accuracy", "macro_recall"]].mean()
    kept = stored.set_index(["model", "n_samples"]).loc[means.index]
    # on another processor a window or two may fall on the other side
    assert means["accuracy"].to_numpy() == pytest.approx(kept["accuracy"].to_numpy(), abs=0.021)
    assert means["macro_recall"].to_numpy() == pytest.approx(kept["macro_recall"].to_numpy(), abs=0.03)


@pytest.mark.parametrize("path", sorted(shipped("results").glob("c*_*.csv")), ids=lambda path: path.stem)
def test_a_grid_is_whole_and_says_where_it_comes_from(path) -> None:
    from pmt_helpers.experiments.results import read_grid

    grid = read_grid(path.stem)
    assert not grid.duplicated(["seed", "user", "model", "n_samples"]).any()
    assert grid["accuracy"].between(0, 1).all()
    assert grid.attrs["models"] > 0
    assert grid.attrs["updates"] > grid.attrs["models"]
    assert path.stat().st_size < 1_000_000


def test_a_grid_is_named_after_what_it_holds() -> None:
    assert grid_name("wisdm", CurvePlan(split="random", early_stopping=False)) == "curve_wisdm_random_1000"
    assert grid_name("watch", CurvePlan(init="literal"), 3) == "curve_watch_blocked_literal_stopped_3seeds"
    assert grid_name("wisdm", CurvePlan(split="bout"), cures=True) == "cures_wisdm_bout_stopped"
