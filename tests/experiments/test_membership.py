"""The stored membership results: how they are made, what was found, and that rows come out again."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.attacks.membership_game import personal_game, window_game
from pmt_helpers.attacks.roc import attack_metrics
from pmt_helpers.datasets import ActivityData, DataError, load_activity
from pmt_helpers.experiments import (
    JobRunner,
    membership,
    stored_membership,
    stored_private_attacks,
)
from pmt_helpers.experiments.membership import IN_CLOUD

PEOPLE = {"wisdm": 36, "watch": 10}


def auc(dataset: str, attack: str, **setting: object) -> pd.Series:
    rows = stored_membership(dataset)
    for column, value in {"attack": attack, **setting}.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_personal_model_tells_more_than_a_shared_one_and_shadow_models_hear_more() -> None:
    personal = {"target": "personal", "n_samples": 60, "training": "300"}
    calibrated = auc("wisdm", "calibrated", **personal)
    assert calibrated["auc"] == pytest.approx(0.71, abs=0.04)
    assert auc("wisdm", "loss", **personal)["auc"] < calibrated["auc_low"]
    assert auc("wisdm", "lira", **personal)["auc_low"] > calibrated["auc_high"]
    shared = auc("wisdm", "calibrated", target="shared", level="window")
    assert shared["auc"] < 0.58
    assert shared["auc_high"] < calibrated["auc_low"]


def test_longer_training_at_home_tells_more_and_stopping_early_less() -> None:
    calibrated = [
        auc("wisdm", "calibrated", target="personal", n_samples=60, training=training)["auc"]
        for training in ("30", "100", "300", "1000")
    ]
    assert calibrated == sorted(calibrated)
    assert auc("wisdm", "calibrated", target="personal", n_samples=60, training="stopped")["auc"] < calibrated[2]


@pytest.mark.parametrize("dataset", PEOPLE)
def test_who_volunteered_is_told_more_clearly_than_what_they_gave(dataset: str) -> None:
    person = auc(dataset, "calibrated", target="shared", level="person")
    assert person["auc_low"] > auc(dataset, "calibrated", target="shared", level="window")["auc_high"]
    assert person["people"] == PEOPLE[dataset]


def test_the_membership_game_on_shared_models_comes_out_again_with_fewer_models() -> None:
    kept = auc("watch", "loss", target="shared", level="window")
    assert kept["models"] == IN_CLOUD
    game = window_game(load_activity("watch"), models=8, progress=False)
    member, scores, _ = game.guesses()
    wins = (scores["loss"][member][:, None] > scores["loss"][~member][None, ::7]).mean()
    assert wins == pytest.approx(kept["auc"], abs=0.02)


def three_people(watch: ActivityData) -> ActivityData:
    return watch.select(np.isin(watch.users, [2, 5, 6]))


def test_a_sweep_that_was_interrupted_ends_as_a_whole_one(
    watch: ActivityData, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "SIZES", (20,))
    monkeypatch.setattr(membership, "TRAININGS", {"5": 5, "stopped": None})
    data = three_people(watch)
    options = {"at_home": 4, "in_cloud": 4}
    whole = membership.membership_grid(data, runner, **options)
    (runner.folder / "user-5.npz").unlink()
    (runner.folder / "cloud.npz").unlink()
    again = membership.membership_grid(data, runner, **options)
    for name in ("table", "roc", "people"):
        pd.testing.assert_frame_equal(getattr(whole, name), getattr(again, name))
    found = whole.table.set_index(["target", "level", "training", "attack"])
    assert len(found) == 2 * 3 + 5 * 3
    assert (found["people"] == 3).all()
    assert set(whole.people["user"]) == {2, 5, 6}


def test_a_damaged_job_result_is_named(tmp_path: Path) -> None:
    result = tmp_path / "user-5.npz"
    result.write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"user-5\.npz"):
        membership._read_games(result)


def test_a_stored_row_is_had_again(watch: ActivityData) -> None:
    """One person of the watch: the stored AUC of LiRA, from the games played again."""
    stored = stored_membership("watch", "people").query("user == 5 and n_samples == 20 and training == '100'")
    game = personal_game(watch, 5, train_shared_fast(watch, 5), 20, epochs=100, models=32)
    member, scores, who = game.guesses()
    for attack, auc in stored[["attack", "auc"]].itertuples(index=False):
        assert attack_metrics(member, scores[attack], who)["auc"] == pytest.approx(auc, abs=0.01)


def row(dataset: str, **asked: object) -> pd.Series:
    grid = stored_membership(dataset)
    for column, value in asked.items():
        grid = grid[grid[column] == value]
    assert len(grid) == 1
    return grid.iloc[0]


def test_what_was_measured_before_is_in_the_stored_results() -> None:
    """findings.md: .646 by loss and .711 calibrated on the personal model; .516 to .555 on the shared one."""
    for training in ("300", "1000"):
        personal = {"target": "personal", "n_samples": 60, "training": training}
        assert row("wisdm", attack="loss", **personal)["auc"] == pytest.approx(0.646, abs=0.02)
        assert row("wisdm", attack="calibrated", **personal)["auc"] == pytest.approx(0.711, abs=0.04)
    for attack in ("loss", "calibrated", "lira"):
        assert row("wisdm", target="shared", level="window", attack=attack)["auc_high"] < 0.58


@pytest.mark.parametrize("dataset", ["wisdm", "watch"])
def test_the_stored_attacks_tell_one_story(dataset: str) -> None:
    keys = ["target", "level", "n_samples", "training", "attack"]
    table = stored_membership(dataset).set_index(keys).sort_index()
    at_home = table.loc["personal", "window", 60]
    assert at_home.loc[("1000", "lira"), "auc"] > at_home.loc[("30", "lira"), "auc"]
    assert (at_home.xs("lira", level="attack")["tpr"] > 0.05).all()
    assert (at_home.xs("loss", level="attack")["tpr"] < 0.02).all()  # right on average, and certain of nobody
    assert table.loc[("shared", "person", 0, "paper", "lira"), "auc"] > 0.95
    roc = stored_membership(dataset, "roc")
    assert (roc.groupby(keys)["tpr"].diff().dropna() >= 0).all()
    assert "X" not in stored_membership(dataset, "people").columns


def private_attacks(dataset: str, level: str, game: str) -> pd.DataFrame:
    rows = stored_private_attacks(dataset).query("attack == 'calibrated' and level == @level and game == @game")
    return rows.set_index("epsilon").sort_index()


@pytest.mark.parametrize("dataset", ["watch", "wisdm"])
@pytest.mark.parametrize("level", ["example", "user"])
def test_less_epsilon_tells_less(dataset: str, level: str) -> None:
    for game in ("window", "person"):
        assert private_attacks(dataset, level, game)["auc"].is_monotonic_increasing


@pytest.mark.parametrize("dataset", ["watch", "wisdm"])
def test_a_protected_volunteer_is_hardly_found_and_a_protected_windows_giver_still_is(dataset: str) -> None:
    volunteer, window = private_attacks(dataset, "user", "person"), private_attacks(dataset, "example", "person")
    assert volunteer["auc_high"][8.0] < volunteer["auc_low"][math.inf] - 0.15
    assert volunteer["auc_low"][1.0] < 0.53
    assert window["auc_low"][8.0] > 0.8


def test_a_stored_row_comes_out_again_with_fewer_models() -> None:
    rows = membership.attack_private_models(load_activity("watch"), "user", 8.0, models=4)
    kept = private_attacks("watch", "user", "window").loc[8.0]
    found = rows.query("game == 'window' and attack == 'calibrated'").iloc[0]
    assert found["auc"] == pytest.approx(kept["auc"], abs=0.02)
    assert found["accuracy"] == pytest.approx(kept["accuracy"], abs=0.08)
