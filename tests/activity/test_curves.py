"""The learning curve is the paper's experiment: three models, growing samples, a test that never moves."""

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.activity import Person, learning_curve, personalise, train_shared
from pmt_helpers.activity.curves import CurvePlan, accuracy_by_epoch, user_curve
from pmt_helpers.activity.evaluation import scores
from pmt_helpers.activity.mitigation import Mitigation
from pmt_helpers.activity.model import ActivityModel
from pmt_helpers.activity.online import EPOCHS
from pmt_helpers.activity.splits import split_user
from pmt_helpers.activity.weights import Checkpoint, Weights
from pmt_helpers.datasets import ActivityData, load_activity
from pmt_helpers.datasets.wisdm import find_wisdm

SCORES = list(scores(np.zeros(1), np.zeros(1)))
MITIGATIONS = {
    "held": Mitigation(l2_sp=5.0),
    "rehearsed": Mitigation(rehearsal=2),
    "output": Mitigation(layers="output"),
}


@pytest.fixture(scope="module")
def shared(watch: ActivityData) -> ActivityModel:
    return train_shared(watch, exclude_user=3, epochs=150, progress=False)


@pytest.fixture(scope="module")
def curve(watch: ActivityData, shared: ActivityModel) -> pd.DataFrame:
    return learning_curve(watch, users=[3], sizes=(2, 15), shared={3: shared}, cures=MITIGATIONS)


def test_it_has_a_row_for_each_fold_model_and_size(curve: pd.DataFrame) -> None:
    models = {"shared", "local", "personal", *MITIGATIONS}
    assert len(curve) == 5 * len(models) * 2
    assert not curve.duplicated(["user", "fold", "model", "n_samples"]).any()
    assert set(curve["model"]) == models
    columns = ["user", "fold", "model", "n_samples", *SCORES, "n_test", "epochs"]
    assert list(curve.columns[: len(columns)]) == columns


def test_the_training_windows_of_each_class_add_up_to_the_samples(curve: pd.DataFrame, watch: ActivityData) -> None:
    counts = curve[[f"n_{name}" for name in watch.class_names]].sum(axis=1)
    assert (counts == curve["n_samples"]).all()


def test_the_personal_model_moves_and_the_shared_one_stays(curve: pd.DataFrame) -> None:
    spread = curve.groupby(["model", "fold"])["accuracy"].nunique()
    assert (spread["shared"] == 1).all()
    assert (spread["personal"] > 1).any()
    assert (curve.loc[curve["model"] == "shared", "epochs"] == 0).all()
    assert (curve.loc[curve["model"] == "personal", "epochs"] > 0).all()


def test_a_fold_with_nothing_to_stop_by_gives_no_rows(watch: ActivityData, shared: ActivityModel) -> None:
    """Short stretches of one's own: all that could validate overlaps with the test."""
    ranks = pd.Series(watch.starts).groupby(watch.recordings).rank().to_numpy()
    short = watch.select((watch.users != 3) | (ranks <= 5))
    empty = [fold for fold in range(5) if not len(split_user(short, 3, fold=fold).validation)]
    kept, unstopped = (
        learning_curve(short, users=[3], sizes=(2,), shared={3: shared}, early_stopping=stop) for stop in (True, False)
    )
    assert empty
    assert set(kept["fold"]) == set(range(5)) - set(empty)
    assert set(unstopped["fold"]) == set(range(5))


def test_a_row_is_what_personalise_gives_on_the_same_windows(
    curve: pd.DataFrame, watch: ActivityData, shared: ActivityModel
) -> None:
    you = Person.of(watch, 3, fold=2)
    for size in (2, 15):
        model = personalise(
            shared, *you.train(size), validation=you.validation(size), epochs=EPOCHS, seed=(0, 3, 2, size)
        )
        row = curve.query("fold == 2 and model == 'personal' and n_samples == @size").iloc[0]
        assert row[SCORES].to_dict() == pytest.approx(model.scores(*you.test))
        assert row["epochs"] == len(model.history)


def test_one_thread_or_two_give_the_same_table(curve: pd.DataFrame, watch: ActivityData, shared: ActivityModel) -> None:
    again = learning_curve(watch, users=[3], sizes=(2, 15), shared={3: shared}, cures=MITIGATIONS, threads=2)
    pd.testing.assert_frame_equal(again.drop(columns="seconds"), curve.drop(columns="seconds"), check_exact=True)


def test_a_persons_part_needs_nobody_elses_windows(
    curve: pd.DataFrame, watch: ActivityData, shared: ActivityModel
) -> None:
    own = watch.select(watch.users == 3)
    alone = user_curve(own, 3, Checkpoint.from_model(shared), CurvePlan(sizes=(2, 15)), {})
    same = curve[curve["model"].isin(["shared", "local", "personal"])]
    key = ["fold", "model", "n_samples"]
    pd.testing.assert_series_equal(alone.set_index(key)["accuracy"], same.set_index(key)["accuracy"].loc[
        alone.set_index(key).index])  # fmt: skip


def test_people_with_few_windows_have_no_larger_sizes(watch: ActivityData, shared: ActivityModel) -> None:
    table = learning_curve(watch, users=[3], sizes=(1, 10_000), shared={3: shared}, folds=3)
    assert table["n_samples"].unique().tolist() == [1]
    assert table["fold"].nunique() == 3
    every = learning_curve(watch, users=[3], sizes="all", shared={3: shared}, epochs=1, early_stopping=False)
    for _, fold in every.groupby("fold"):
        sizes = fold.loc[fold["model"] == "personal", "n_samples"]
        assert sizes.tolist() == list(range(1, len(sizes) + 1))


def test_folds_with_nothing_to_test_are_left_out(watch: ActivityData, shared: ActivityModel) -> None:
    """A person with three bouts cannot fill five folds of whole bouts."""
    few = np.isin(watch.recordings, np.unique(watch.recordings[watch.users == 3])[:3])
    table = user_curve(watch.select(few), 3, Checkpoint.from_model(shared), CurvePlan(sizes=(4,), split="bout"), {})
    assert table["fold"].nunique() == 3
    assert (table["n_test"] > 0).all()


def test_rehearsal_needs_windows_in_the_checkpoint(watch: ActivityData, shared: ActivityModel) -> None:
    checkpoint = Checkpoint.from_model(shared)
    with pytest.raises(ValueError, match="rehearses 2 windows of each class"):
        user_curve(watch, 3, checkpoint, CurvePlan(sizes=(2,)), {"rehearsed": Mitigation(rehearsal=2)})


def test_a_row_by_epoch_is_what_training_that_long_gives(watch: ActivityData, shared: ActivityModel) -> None:
    you = Person.of(watch, 3)
    table = accuracy_by_epoch(shared, you, sizes=(5,), epochs=(1, 30))
    for epoch in (1, 30):
        model = personalise(shared, *you.train(5), epochs=epoch)
        row = table.query("epoch == @epoch and model == 'personal'")
        assert row["accuracy"].item() == pytest.approx(model.accuracy(*you.test))
    assert table.query("model == 'shared'")["accuracy"].unique().tolist() == [shared.accuracy(*you.test)]


@pytest.mark.skipif(find_wisdm() is None, reason="the WISDM data is not here: set PMT_DATA_HOME")
def test_people_of_wisdm_are_taken_without_readings_too() -> None:
    data = load_activity("wisdm")
    start = Weights.initial(43, 6, "he", np.random.default_rng(0))
    from pmt_helpers.activity.weights import Preprocessor

    checkpoint = Checkpoint(start, Preprocessor.fit(data.X[data.users != 5]))
    for split in ("random", "blocked", "bout", "file_order"):
        table = user_curve(data, 5, checkpoint, CurvePlan(sizes=(3, 10), split=split, epochs=5), {})
        assert set(table["n_samples"]) == {3, 10}
        assert table["accuracy"].between(0, 1).all()
