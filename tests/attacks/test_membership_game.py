"""The membership game: LiRA against its definition, and what many models give away."""

import numpy as np
import pytest
from scipy.stats import norm

from pmt_helpers.activity.model import ActivityModel
from pmt_helpers.activity.weights import Checkpoint
from pmt_helpers.attacks import membership_game as of
from pmt_helpers.attacks.membership_game import (
    non_overlapping,
    person_games,
    personal_game,
    train_on_all,
    window_game,
    with_new_recordings,
)
from pmt_helpers.attacks.roc import auc_per_user
from pmt_helpers.datasets import ActivityData

PERSON, SIZE = 3, 30


def test_confidence_agrees_with_keras(apart: ActivityData, keras_shared: ActivityModel) -> None:
    gaps, correct = of.confidence(keras_shared, apart.X, apart.y)
    p = keras_shared.predict_proba(apart.X)[np.arange(len(apart)), apart.y]
    np.testing.assert_allclose(np.exp(-of.cross_entropy(gaps)), p, atol=1e-5)
    np.testing.assert_array_equal(correct, keras_shared.predict(apart.X) == apart.y)


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


def test_lira_is_0_where_no_shadow_was_trained() -> None:
    membership = np.array([[1, 0], [0, 0], [1, 0]])
    assert of.likelihood_ratio(np.array([3.0, 3.0]), np.arange(6.0).reshape(3, 2), membership)[1] == 0
    with pytest.raises(ValueError, match="use more shadows"):
        of.likelihood_ratio(np.zeros(2), np.zeros((3, 2)), np.zeros((3, 2), int))


def test_non_overlapping_windows_share_no_readings(watch: ActivityData) -> None:
    mine = watch.select(watch.users == PERSON)
    chosen = mine.select(non_overlapping(mine))
    assert len(mine) / 2 <= len(chosen) < len(mine)  # half overlapping: every second one, and what ends a recording
    for recording in np.unique(chosen.recordings):
        gaps = np.diff(np.sort(chosen.starts[chosen.recordings == recording]))
        assert (gaps >= watch.window_readings).all()


def test_longer_training_leaks_more_and_stopping_early_less(watch: ActivityData, shared: Checkpoint) -> None:
    strength = {}
    for epochs in (10, 300, None):
        game = personal_game(watch, PERSON, shared, SIZE, epochs=epochs, models=16)
        member, scores, who = game.guesses()
        assert member.sum() == 16 * SIZE
        strength[epochs] = auc_per_user(member, scores["lira"], who)[PERSON]
        assert np.isfinite(scores["lira"]).all()
    assert 0.5 < strength[10] < strength[300]
    assert strength[None] < strength[300]


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
    of_people = [*games["person"].membership, *games["person, new recordings"].membership]
    for role, windows in zip(of_people, seen, strict=True):
        np.testing.assert_array_equal(windows.user_ids, watch.user_ids[role == of.MEMBER])
        assert len(windows) < 0.9 * np.isin(watch.users, windows.user_ids).sum()  # a fifth at least is new to all
    used = {number for windows in seen[4:] for number in windows.recordings}
    whole, fresh = with_new_recordings(watch)
    assert not used & set(whole.recordings[fresh])
    assert used <= set(whole.recordings[~fresh])


def test_a_shared_model_leaks_people_and_hardly_windows(watch: ActivityData) -> None:
    def auc(game, attack: str) -> float:
        member, scores, _ = game.guesses()
        return auc_per_user(member, scores[attack], np.zeros(len(member)))[0]

    assert auc(window_game(watch, models=8, progress=False), "loss") < 0.58
    people = person_games(watch, models=8, progress=False)
    assert auc(people["person"], "loss") > 0.95
    assert auc(people["person, new windows"], "loss") > 0.9  # they lie beside those given: not the person is known
    assert auc(people["person, new recordings"], "loss") < 0.7


def test_no_epochs_at_all_are_refused(watch: ActivityData, shared: Checkpoint) -> None:
    with pytest.raises(ValueError, match="epochs=0"):
        personal_game(watch, PERSON, shared, SIZE, epochs=0, models=16)
