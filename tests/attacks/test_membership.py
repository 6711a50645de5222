"""Membership: the attacks find what was trained on, and nothing where nothing was."""

import numpy as np
import pytest
from scipy.stats import norm

from pmt_helpers.activity import build_mlp, personalise
from pmt_helpers.activity.model import ActivityModel
from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.activity.weights import Checkpoint
from pmt_helpers.attacks import membership_game as of
from pmt_helpers.attacks.membership import membership_inference
from pmt_helpers.attacks.membership_game import non_overlapping, person_games, personal_game, train_on_all, window_game
from pmt_helpers.attacks.roc import auc_per_user
from pmt_helpers.datasets import ActivityData, load_activity

PERSON, SIZE = 3, 30


@pytest.fixture(scope="module")
def watch() -> ActivityData:
    return load_activity("watch")


@pytest.fixture(scope="module")
def shared(watch: ActivityData) -> Checkpoint:
    return train_shared_fast(watch, PERSON, seed=0)


@pytest.fixture(scope="module")
def keras_shared(watch: ActivityData, shared: Checkpoint) -> ActivityModel:
    """The same model as Keras has it."""
    model = build_mlp(len(watch.feature_names), len(watch.class_names))
    shared.weights.to_model(model)
    return ActivityModel(model, shared.scaler, watch.feature_names, watch.class_names)


@pytest.fixture(scope="module")
def own(watch: ActivityData) -> ActivityData:
    """One person's windows, none of which shares readings with another, in random order."""
    mine = watch.select(watch.users == PERSON)
    return mine.select(np.random.default_rng(0).permutation(non_overlapping(mine)))


def test_confidence_orders_windows_as_the_loss_of_keras_does(own: ActivityData, keras_shared: ActivityModel) -> None:
    gaps, correct = of.confidence(keras_shared, own.X, own.y)
    p = keras_shared.predict_proba(own.X)[np.arange(len(own)), own.y]
    np.testing.assert_allclose(np.exp(-of.cross_entropy(gaps)), p, atol=1e-5)
    np.testing.assert_array_equal(correct, keras_shared.predict(own.X) == own.y)


def test_lira_is_the_ratio_of_two_normal_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of, "PRIOR_COUNT", 0)
    rng = np.random.default_rng(0)
    membership = rng.integers(0, 2, (40, 5))
    gaps = rng.normal(size=(40, 5)) + membership
    ratio = of.likelihood_ratio(np.ones(5), gaps, membership)
    for window in range(5):
        seen, unseen = (gaps[membership[:, window] == role, window] for role in (1, 0))
        heights = [norm.logpdf(1, part.mean(), part.std(ddof=1)) for part in (seen, unseen)]
        assert ratio[window] == pytest.approx(heights[0] - heights[1])


def test_no_model_is_its_own_shadow() -> None:
    rng = np.random.default_rng(1)
    membership = rng.choice([of.MEMBER, of.NON_MEMBER, of.VALIDATION], (9, 7))
    gaps = rng.normal(size=(9, 7))
    calibrations, ratios = of.leave_one_out(gaps, membership)
    for model in range(9):
        rest = np.arange(9) != model
        np.testing.assert_allclose(ratios[model], of.likelihood_ratio(gaps[model], gaps[rest], membership[rest]))
        for window in range(7):
            unseen = rest & (membership[:, window] == of.NON_MEMBER)
            if unseen.any():
                assert calibrations[model, window] == pytest.approx(gaps[unseen, window].mean())


def test_lira_has_no_opinion_on_a_window_that_no_shadow_was_trained_on() -> None:
    membership = np.array([[1, 0], [0, 0], [1, 0]])
    assert of.likelihood_ratio(np.array([3.0, 3.0]), np.arange(6.0).reshape(3, 2), membership)[1] == 0
    with pytest.raises(ValueError, match="use more shadows"):
        of.likelihood_ratio(np.zeros(2), np.zeros((3, 2)), np.zeros((3, 2), int))


def test_windows_taken_apart_share_no_readings(watch: ActivityData) -> None:
    mine = watch.select(watch.users == PERSON)
    chosen = mine.select(non_overlapping(mine))
    assert len(mine) / 2 <= len(chosen) < len(mine)  # half overlapping: every second one, and what ends a recording
    for recording in np.unique(chosen.recordings):
        gaps = np.diff(np.sort(chosen.starts[chosen.recordings == recording]))
        assert (gaps >= watch.window_readings).all()


def test_a_personal_model_gives_its_windows_away_and_the_shared_one_nothing(
    own: ActivityData, keras_shared: ActivityModel
) -> None:
    members, others = (own.X[:SIZE], own.y[:SIZE]), (own.X[SIZE:], own.y[SIZE:])
    personal = personalise(keras_shared, *members, epochs=300)
    found = membership_inference(personal, members, others, reference=keras_shared, shadows=32)
    auc = found.table.set_index("attack")["auc"]
    assert auc.index.tolist() == ["loss", "calibrated", "lira"]
    assert auc["lira"] > 0.75
    assert auc["lira"] > auc["loss"]
    assert len(found.scores) == len(own)
    assert found.scores["member"].sum() == SIZE
    assert (found.table["auc_low"] < found.table["auc"]).all()

    nothing = membership_inference(keras_shared, members, others, reference=keras_shared, shadows=32, epochs=300)
    scores = nothing.scores.set_index("member")
    assert (scores["calibrated"] == 0).all()  # it began with itself
    assert abs(nothing.table.set_index("attack")["auc"]["lira"] - 0.5) < 0.2


def test_shadows_train_as_long_as_the_model_did(own: ActivityData, keras_shared: ActivityModel) -> None:
    members, others = (own.X[:SIZE], own.y[:SIZE]), (own.X[SIZE:], own.y[SIZE:])
    personal = personalise(keras_shared, *members, epochs=7)
    by_itself, told, wrong = (
        membership_inference(personal, members, others, reference=keras_shared, shadows=4, epochs=epochs).scores["lira"]
        for epochs in (None, 7, 300)
    )
    assert (by_itself == told).all()
    assert not (by_itself == wrong).all()


def test_longer_training_tells_more_and_stopping_early_less(watch: ActivityData, shared: Checkpoint) -> None:
    strength = {}
    for epochs in (10, 300, None):
        game = personal_game(watch, PERSON, shared, SIZE, epochs=epochs, models=16)
        member, scores, who = game.guesses()
        assert member.sum() == 16 * SIZE
        strength[epochs] = auc_per_user(member, scores["lira"], who)[PERSON]
        assert np.isfinite(scores["lira"]).all()
    assert 0.5 < strength[10] < strength[300]
    assert strength[None] < strength[300]


def test_no_epochs_at_all_are_refused(watch: ActivityData, shared: Checkpoint) -> None:
    with pytest.raises(ValueError, match="epochs=0"):
        personal_game(watch, PERSON, shared, SIZE, epochs=0, models=16)


def test_a_person_with_too_few_windows_does_not_play(watch: ActivityData, shared: Checkpoint) -> None:
    assert personal_game(watch, PERSON, shared, 200) is None


def test_the_games_train_on_the_windows_they_say(watch: ActivityData) -> None:
    seen: list[ActivityData] = []

    def spy(windows: ActivityData, seed: int) -> Checkpoint:
        seen.append(windows)
        return Checkpoint(*(getattr(cheap, name) for name in ("weights", "scaler")))

    cheap = train_on_all(watch.select(watch.starts == 0), 0)
    game = window_game(watch, spy, models=4, progress=False)
    for role, windows in zip(game.membership, seen, strict=True):
        np.testing.assert_array_equal(windows.X, watch.X[role == of.MEMBER])
        assert len(windows) == round(0.8 * len(watch))
    seen.clear()
    games = person_games(watch, spy, models=4, progress=False)
    for role, windows in zip(games["person"].membership, seen, strict=True):
        np.testing.assert_array_equal(windows.user_ids, watch.user_ids[role == of.MEMBER])
        assert len(windows) < 0.9 * np.isin(watch.users, windows.user_ids).sum()  # a fifth is new to every model


def test_who_volunteered_shows_in_a_shared_model_and_which_windows_hardly(watch: ActivityData) -> None:
    def auc(game, attack: str) -> float:
        member, scores, _ = game.guesses()
        return auc_per_user(member, scores[attack], np.zeros(len(member)))[0]

    assert auc(window_game(watch, models=8, progress=False), "loss") < 0.58
    people = person_games(watch, models=8, progress=False)
    assert auc(people["person"], "loss") > 0.95
    assert auc(people["person, new windows"], "loss") > 0.9


def test_what_an_attack_cannot_do_without_is_named(own: ActivityData, keras_shared: ActivityModel) -> None:
    windows = own.X[:5], own.y[:5]
    with pytest.raises(ValueError, match="give it as reference="):
        membership_inference(keras_shared, windows, windows, shadows=2)
    with pytest.raises(ValueError, match="got 5 and 0"):
        membership_inference(keras_shared, windows, (own.X[:0], own.y[:0]))
    with pytest.raises(TypeError, match="got str"):
        membership_inference("a model", windows, windows)
