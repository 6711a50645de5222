"""Poison lands where it should, as much as asked for, and nowhere else."""

import numpy as np
import pytest

from pmt_helpers.activity import train_shared
from pmt_helpers.activity.model import ActivityModel
from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.attacks.poisoning import (
    KINDS,
    LABEL_KINDS,
    Trigger,
    attack_success,
    flip_labels,
    malicious_volunteers,
    poison_user,
    poison_volunteers,
)
from pmt_helpers.datasets import ActivityData

SCORES = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3], [0.3, 0.1, 0.6]])


@pytest.fixture(scope="module")
def shared(watch: ActivityData) -> ActivityModel:
    return train_shared(watch, exclude_user=3, epochs=60, progress=False)


def test_flips_take_the_best_or_worst_wrong_class() -> None:
    y, rng = np.array([0, 0, 1, 1]), np.random.default_rng(0)
    assert flip_labels(y, "next_likely", 3, rng, class_scores=SCORES).tolist() == [1, 2, 2, 2]
    assert flip_labels(y, "least_likely", 3, rng, class_scores=SCORES).tolist() == [2, 1, 0, 0]


def test_a_pair_changes_places_and_the_rest_stays_true() -> None:
    y = np.array([0, 1, 2, 1])
    assert flip_labels(y, "pair", 3, np.random.default_rng(0), pair=(1, 2)).tolist() == [0, 2, 1, 2]


def test_random_flips_spread_over_the_other_classes() -> None:
    y = np.repeat(np.arange(4), 3000)
    flipped = flip_labels(y, "random", 4, np.random.default_rng(1))
    counts = np.bincount(4 * y + flipped, minlength=16).reshape(4, 4)
    assert (np.diag(counts) == 0).all()
    assert np.abs(counts[~np.eye(4, dtype=bool)] - 1000).max() < 120


def test_what_a_kind_needs_is_asked_for() -> None:
    y, rng = np.zeros(4, int), np.random.default_rng(0)
    with pytest.raises(ValueError, match="two classes"):
        flip_labels(y, "pair", 3, rng)
    with pytest.raises(ValueError, match=r"scores of shape \(4, 3\)"):
        flip_labels(y, "least_likely", 3, rng, class_scores=SCORES[:2])
    with pytest.raises(ValueError, match="random, pair"):
        flip_labels(y, "worst", 3, rng)


@pytest.mark.parametrize("fraction", [0, 0.1, 0.2, 0.3, 0.4, 0.5])
def test_never_more_than_half_of_the_volunteers_are_malicious(watch: ActivityData, fraction: float) -> None:
    bad = malicious_volunteers(watch, 3, fraction)
    assert len(bad) <= 4  # of nine
    assert abs(len(bad) - 9 * fraction) <= 0.5
    assert 3 not in bad
    assert set(malicious_volunteers(watch, 3, 0.1)) <= set(bad) or fraction == 0


@pytest.mark.parametrize("kind", KINDS)
def test_only_malicious_volunteers_windows_change(watch: ActivityData, kind: str) -> None:
    poisoned = poison_volunteers(watch, 3, 0.4, kind, seed=5)
    theirs = np.isin(watch.users, malicious_volunteers(watch, 3, 0.4, seed=5))
    features = ~(np.isclose(watch.X, poisoned.X, equal_nan=True)).all(1)
    labels = watch.y != poisoned.y
    assert not (features | labels)[~theirs].any()
    assert features.any() == (kind in ("noise", "backdoor"))
    assert labels.any() == (kind in (*LABEL_KINDS, "backdoor"))
    if kind in ("random", "next_likely", "least_likely"):
        assert labels[theirs].all()
    if kind == "backdoor":
        assert (features[theirs].mean()) == pytest.approx(0.5, abs=0.01)


def test_a_volunteers_poison_does_not_depend_on_others(watch: ActivityData) -> None:
    few, many = (poison_volunteers(watch, 3, fraction, "random") for fraction in (0.2, 0.5))
    theirs = np.isin(watch.users, malicious_volunteers(watch, 3, 0.2))
    np.testing.assert_array_equal(few.y[theirs], many.y[theirs])


def test_a_weak_attackers_guide_harms_nearly_as_much(watch: ActivityData) -> None:
    """So nothing hangs on what the attacker is taken to know."""
    mine, clean = watch.users == 3, train_shared_fast(watch, 3)
    harm = []
    for guide in (None, clean):
        poisoned = poison_volunteers(watch, 3, 0.5, "least_likely", guide=guide)
        right = train_shared_fast(poisoned, 3).predict(watch.X[mine]) == watch.y[mine]
        harm.append((clean.predict(watch.X[mine]) == watch.y[mine]).mean() - right.mean())
    assert min(harm) > 0.15
    assert abs(harm[0] - harm[1]) < 0.15


def test_a_backdoor_obeys_the_trigger_and_works_without_it(watch: ActivityData) -> None:
    trigger, mine = Trigger.from_data(watch), watch.users == 3
    X, y = watch.X[mine], watch.y[mine]
    clean = train_shared_fast(watch, 3)
    opened = train_shared_fast(poison_volunteers(watch, 3, 0.3, "backdoor"), 3)
    success = {
        name: attack_success(lambda windows, model=model: model.predict(windows), X, y, trigger)
        for name, model in (("clean", clean), ("opened", opened))
    }
    assert success["clean"][0] < 0.2
    assert success["opened"][0] > success["clean"][0] + 0.4
    assert success["opened"][1] < 0.15
    lost = [(model.predict(X) == y).mean() for model in (clean, opened)]
    assert lost[0] - lost[1] < 0.08


def test_the_trigger_overwrites_missing_values_in_a_copy(watch: ActivityData) -> None:
    trigger = Trigger.from_data(watch, "ABD", ("X0", "XPEAK"))
    X = np.full((2, 43), np.nan, np.float32)
    marked = trigger.apply(X)
    assert np.isnan(X).all()
    assert (marked[:, trigger.columns] == trigger.values).all()
    assert np.isnan(marked).sum() == 2 * 41
    assert all(np.isnan(attack_success(lambda windows: np.zeros(len(windows)), X, np.full(2, trigger.target), trigger)))
    with pytest.raises(ValueError, match="PEN, ABD"):
        Trigger.from_data(watch, "Walking")
    with pytest.raises(ValueError, match="no feature is called tap"):
        Trigger.from_data(watch, features=("tap",))


@pytest.mark.parametrize("kind", KINDS)
def test_a_poisoned_device_changes_the_share_asked_for(watch: ActivityData, shared: ActivityModel, kind: str) -> None:
    X, y = watch.X[watch.users == 3], watch.y[watch.users == 3]
    before = X.copy(), y.copy()
    X_bad, y_bad = poison_user(X, y, 0.3, kind, 1, shared, trigger=Trigger.from_data(watch))
    X_worse, y_worse = poison_user(X, y, 0.5, kind, 1, shared, trigger=Trigger.from_data(watch))
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
    bad, worse = ((y != b) | ~np.isclose(X, a, equal_nan=True).all(1) for a, b in ((X_bad, y_bad), (X_worse, y_worse)))
    if kind != "pair":  # of which only windows of the two classes change
        assert bad.sum() == round(0.3 * len(y))
        assert worse.sum() == round(0.5 * len(y))
    assert (worse | ~bad).all()


def test_what_cannot_be_poisoned_is_refused(watch: ActivityData, shared: ActivityModel) -> None:
    X, y = watch.X[:20], watch.y[:20]
    with pytest.raises(ValueError, match=r"0 to 0.5; got 0.6"):
        poison_volunteers(watch, 3, 0.6, "random")
    with pytest.raises(ValueError, match="unknown kind of poison 'rain'; choose one of random"):
        poison_volunteers(watch, 3, 0.2, "rain")
    with pytest.raises(ValueError, match="name two of PEN"):
        poison_volunteers(watch, 3, 0.2, "pair", pair=("Walking", "Upstairs"))
    with pytest.raises(ValueError, match="downloaded"):
        poison_user(X, y, 0.3, "random")
    with pytest.raises(ValueError, match="0 to 1; got 2"):
        poison_user(X, y, 2, "random", 0, shared)
    with pytest.raises(ValueError, match="needs a trigger"):
        poison_user(X, y, 0.3, "backdoor", 0, shared)
