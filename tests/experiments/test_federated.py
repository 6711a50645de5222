"""Stored federations: the same people and windows as the central model, what is gained, what sums give away."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.activity.curves import CurvePlan, user_curve
from pmt_helpers.activity.evaluation import gain_chosen_on_others, paired_gain
from pmt_helpers.activity.federated import train_federated
from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.datasets import ActivityData
from pmt_helpers.experiments import JobRunner, compare_federated, federated_curve, stored_federated
from pmt_helpers.experiments import federated as module
from pmt_helpers.experiments.federated import (
    COLUMNS,
    KEYS,
    PROXIMAL,
    ROUNDS,
    federated_grid,
    leaks_by_people,
    user_rows,
)

PEOPLE = {"wisdm": 36, "watch": 10}


@pytest.fixture(scope="module")
def live(watch: ActivityData) -> pd.DataFrame:
    return user_rows(watch, 5, (0,), (20,), (1, 5), (1.0,)).set_index("model")


def test_central_personal_and_local_are_those_of_a_learning_curve(live: pd.DataFrame, watch: ActivityData) -> None:
    curve = user_curve(watch, 5, train_shared_fast(watch, 5, 0), CurvePlan((20,)), {})
    means = curve.groupby("model")["accuracy"].mean()
    for name, model in (("central", "shared"), ("personal", "personal"), ("local", "local")):
        assert live.loc[name, "accuracy"] == pytest.approx(means[model])
    assert (live["folds"] == curve["fold"].nunique()).all()


def test_a_federation_is_tested_and_retrained_like_the_central_model(live: pd.DataFrame, watch: ActivityData) -> None:
    federation = train_federated(watch, 5, rounds=5)
    means = user_curve(watch, 5, federation.model, CurvePlan((20,)), {}).groupby("model")["accuracy"].mean()
    assert live.loc["FedAvg 5", "accuracy"] == pytest.approx(means["shared"])
    assert live.loc["FedAvg 5 at home", "accuracy"] == pytest.approx(means["personal"])
    assert live.loc["FedAvg 5", "bytes_up"] == federation.bytes_up == 5 * live.loc["FedAvg 1", "bytes_up"]
    assert live.loc["FedPer at home", "bytes_up"] < federation.bytes_up
    assert "FedPer" not in live.index  # without training at home nobody has an output layer
    assert live.loc["FedProx 1", "accuracy"] != live.loc["FedAvg 5", "accuracy"]


def test_a_sweep_that_was_interrupted_ends_as_a_whole_one(
    four_people: ActivityData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("ROUNDS", (1,)), ("PROXIMAL", ()), ("SIZES", (2,))):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module, "user_rows", made_up_rows)
    runner = JobRunner(tmp_path / "a", 1)
    federated_grid(four_people, runner, (0,))
    (tmp_path / "a" / "user-3.csv").unlink()
    again = federated_grid(four_people, runner, (0,))
    pd.testing.assert_frame_equal(again, federated_grid(four_people, JobRunner(tmp_path / "b", 1), (0,)))
    assert list(again) == COLUMNS
    assert set(again["user"]) == {1, 2, 3, 4}


def made_up_rows(data: ActivityData, user: int, seeds: tuple[int, ...]) -> pd.DataFrame:
    rows = [(seed, user, 2, model, 5, user / 10, 1.0) for seed in seeds for model in ("personal", "central")]
    return pd.DataFrame(rows, columns=COLUMNS)


def made_up(leads: dict[str, list[float]]) -> pd.DataFrame:
    """A grid of people who have .5 with "central" and .6 with "personal", and such leads over 0 with other models."""
    accuracy = {"central": [0.5] * 4, "personal": [0.6] * 4, **leads}
    rows = [
        (0, user, 20, model, 5, value, 1000.0)
        for model, values in accuracy.items()
        for user, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_what_is_retrained_is_held_against_the_personal_model_and_the_rest_against_the_central_one() -> None:
    grid = made_up({"FedAvg 5": [0.4, 0.5, 0.6, 0.8], "FedAvg 5 at home": [0.5, 0.7, 0.7, 0.7], "local": [0.3] * 4})
    table = compare_federated(grid).set_index("model")
    assert table.loc["FedAvg 5", ["lead", "harmed"]].tolist() == pytest.approx([0.075, 1])
    assert table.loc["FedAvg 5 at home", ["lead", "harmed"]].tolist() == pytest.approx([0.05, 1])
    assert table.loc["local", ["lead", "harmed", "kilobytes_up"]].tolist() == pytest.approx([-0.3, 4, 1])
    assert table.loc["FedAvg 5", "low"] < 0.075 < table.loc["FedAvg 5", "high"]


def test_a_live_run_gives_the_columns_of_a_stored_one(watch: ActivityData) -> None:
    curve = federated_curve(watch, [3], (20,), (1, 5))
    assert set(COLUMNS) <= set(curve.columns)
    assert set(curve["user"]) == {3}
    stored = stored_federated("watch").query("user == 3 and seed == 0 and n_samples == 20").set_index("model")
    curve = curve.set_index("model")
    same = ["central", "personal", "local", "FedAvg 1", "FedAvg 5", "FedAvg 5 at home"]
    np.testing.assert_allclose(curve.loc[same, "accuracy"], stored.loc[same, "accuracy"], atol=0.03)
    np.testing.assert_array_equal(curve.loc[same, "bytes_up"], stored.loc[same, "bytes_up"])


@pytest.mark.parametrize("dataset", PEOPLE)
def test_every_design_is_stored_for_everybody(dataset: str) -> None:
    grid = stored_federated(dataset)
    assert not grid.duplicated(KEYS).any()
    models = {f"FedAvg {n}{end}" for n in ROUNDS for end in ("", " at home")}
    models |= {f"FedProx {pull:g}{end}" for pull in PROXIMAL for end in ("", " at home")}
    models |= {"FedPer at home", "FedPer output at home", "central", "personal", "local"}
    counts = grid[grid["n_samples"] == 20].groupby("model")["user"].nunique()
    assert set(counts.index) == models
    assert counts.nunique() == 1
    assert counts.iloc[0] > 0.9 * PEOPLE[dataset]


@pytest.mark.parametrize("dataset", PEOPLE)
def test_more_rounds_are_more_bytes_and_many_of_them_more_than_the_data(dataset: str) -> None:
    table = compare_federated(stored_federated(dataset)).set_index("model")
    sent = table["kilobytes_up"]
    for n in ROUNDS:
        assert sent[f"FedAvg {n}"] == pytest.approx(n * sent["FedAvg 1"])
    assert sent["local"] == 0
    assert 0.5 < sent["FedAvg 1"] / sent["central"] < 1.5  # one upload is as long as the features
    assert sent["FedPer at home"] < sent["FedAvg 40"]


@pytest.mark.parametrize("dataset", PEOPLE)
def test_no_pull_helps_that_is_chosen_on_others_and_a_strong_one_leaves_a_worse_start(dataset: str) -> None:
    grid = stored_federated(dataset)
    for end in ("", " at home"):
        gain = gain_chosen_on_others(grid, 20, [f"FedProx {pull:g}{end}" for pull in PROXIMAL], f"FedAvg 40{end}")
        assert gain.low < 0 < gain.high
        assert -0.03 < gain.mean < 0.03
    assert paired_gain(grid, 20, "FedProx 1 at home", "FedAvg 40 at home").high < 0


@pytest.mark.parametrize(
    ("dataset", "n_samples", "found"),
    [
        ("wisdm", 20, {"central": 0.732, "personal": 0.806, "local": 0.646, "": 0.676, " at home": 0.816}),
        ("wisdm", 40, {"central": 0.734, "personal": 0.812, "local": 0.683, "": 0.689, " at home": 0.832}),
        ("watch", 20, {"central": 0.779, "personal": 0.845, "local": 0.623, "": 0.782, " at home": 0.855}),
    ],
)
def test_it_is_as_it_was_found_before(dataset: str, n_samples: int, found: dict[str, float]) -> None:
    """findings.md, from a sketch with one seed."""
    accuracy = compare_federated(stored_federated(dataset), n_samples).set_index("model")["accuracy"]
    for name, before in found.items():
        model = name if name in accuracy.index else f"FedAvg 40{name}"
        assert accuracy[model] == pytest.approx(before, abs=0.015)


@pytest.mark.parametrize("dataset", PEOPLE)
def test_more_rounds_make_a_better_start_and_one_is_not_enough(dataset: str) -> None:
    table = compare_federated(stored_federated(dataset)).set_index("model")
    at_home = [table.loc[f"FedAvg {n} at home", "accuracy"] for n in (1, 5, 10, 20)]
    assert at_home == sorted(at_home)
    assert table.loc["FedAvg 1 at home", "high"] < 0
    assert table.loc["FedAvg 40 at home", "high"] > 0


@pytest.mark.parametrize("dataset", PEOPLE)
def test_an_untrained_output_layer_is_a_handicap_for_a_new_person(dataset: str) -> None:
    table = compare_federated(stored_federated(dataset)).set_index("model")
    assert table.loc["FedPer at home", "high"] < 0
    assert table.loc["local", "accuracy"] < table.loc["FedPer at home", "accuracy"]


@pytest.mark.parametrize("dataset", PEOPLE)
def test_a_sum_hides_few_windows_badly_and_a_mask_hides_all(dataset: str) -> None:
    found = stored_federated(dataset, leaks=True).set_index(["upload", "people"])["found"]
    assert (found.xs(0, level="people") == 0).all()  # one upload with its mask
    assert found["1 window", 1] == 1
    assert found["1 window", 2] > 0.5
    assert found["1 window", 10] < 0.3
    assert found["4 windows", 1] > found["4 windows", 2] > found["4 windows", 5] - 1e-9
    assert (found["5 epochs"] < 0.01).all()


def test_a_stored_leak_comes_out_again(watch: ActivityData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAWS", 4)
    monkeypatch.setattr(module, "PEOPLE", (0, 1, 5))
    monkeypatch.setattr(module, "UPLOADS", {"1 window": 1, "5 epochs": None})
    again = leaks_by_people(watch).set_index(["upload", "people"])
    stored = stored_federated("watch", leaks=True).set_index(["upload", "people"]).loc[again.index]
    np.testing.assert_allclose(again["found"], stored["found"], atol=0.3)
    assert again.loc[("1 window", 1), "correlation"] == pytest.approx(1)
    assert abs(again.loc[("1 window", 0), "correlation"]) < 0.5
    assert again.loc[("1 window", 5), "windows"] == 5
