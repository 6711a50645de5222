"""Chosen at home: a twin comes first, nobody's test is looked at, and a worse model is never taken."""

import socket
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from pmt_helpers.activity import (
    Checkpoint,
    Person,
    average_models,
    choose_donors,
    donor_pool,
    keep_better,
    personalise,
    train_donors,
    train_shared,
    train_shared_fast,
)
from pmt_helpers.activity.similar import DONOR_EPOCHS, mean_loss, retrain, stop_windows
from pmt_helpers.datasets import ActivityData

USERS = (1, 2, 3, 4)


@pytest.fixture(scope="module")
def shared(four_people: ActivityData) -> Checkpoint:
    return train_shared_fast(four_people, None, 0)


@pytest.fixture(scope="module")
def donors(four_people: ActivityData, shared: Checkpoint) -> dict[int, Checkpoint]:
    return train_donors(four_people, shared)


def windows_of(data: ActivityData, user: int) -> tuple[np.ndarray, np.ndarray]:
    return data.X[data.users == user], data.y[data.users == user]


def with_weights(model: Checkpoint, change: float) -> Checkpoint:
    return replace(model, weights=replace(model.weights, bias=(model.weights.bias + np.float32(change))))


def test_the_loss_is_the_mean_of_minus_the_log_probability(four_people: ActivityData, shared: Checkpoint) -> None:
    X, y = windows_of(four_people, 1)
    one_by_one = []
    for window, label in zip(X, y, strict=True):
        logits = shared.logits(window[None])[0].astype(float)
        one_by_one.append(-np.log(np.exp(logits[label]) / np.exp(logits).sum()))
    assert mean_loss(shared, X, y) == pytest.approx(np.mean(one_by_one), rel=1e-6)


@pytest.mark.parametrize("me", USERS)
def test_a_donor_who_is_my_twin_is_chosen_first(
    me: int, four_people: ActivityData, donors: dict[int, Checkpoint]
) -> None:
    places = choose_donors(list(donors.values()), *windows_of(four_people, me), 4)
    assert list(donors)[places[0]] == me
    assert sorted(places) == [0, 1, 2, 3]


def test_donors_come_in_the_order_of_their_loss(four_people: ActivityData, donors: dict[int, Checkpoint]) -> None:
    X, y = windows_of(four_people, 1)
    places = choose_donors(list(donors.values()), X, y, 3)
    losses = [mean_loss(model, X, y) for model in donors.values()]
    assert [losses[place] for place in places] == sorted(losses)[:3]
    assert choose_donors([donors[2], donors[2]], X, y, 2) == [0, 1]  # of two equal ones, the first


def test_the_choice_looks_at_the_windows_it_is_given_and_at_no_others(
    watch: ActivityData, shared: Checkpoint, donors: dict[int, Checkpoint]
) -> None:
    person = Person.of(watch, 5)
    spoiled_X = np.array(watch.X)
    spoiled_X[person.split.test] = 1e6
    spoiled = Person.of(replace(watch, X=spoiled_X), 5)
    pool = list(donors.values())
    assert choose_donors(pool, *person.train(20), 3) == choose_donors(pool, *spoiled.train(20), 3)


def test_the_choice_changes_nothing_and_sends_nothing(
    four_people: ActivityData, donors: dict[int, Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: object) -> None:
        raise AssertionError("something was sent")

    for name in ("send", "sendto", "sendall", "connect"):
        monkeypatch.setattr(socket.socket, name, refused)
    before = {user: model.weights.hidden.copy() for user, model in donors.items()}
    choose_donors(list(donors.values()), *windows_of(four_people, 1), 2)
    for user, model in donors.items():
        np.testing.assert_array_equal(model.weights.hidden, before[user])


def test_a_device_that_chooses_loads_no_large_library() -> None:
    code = "import sys, pmt_helpers.activity.similar; print(*{'keras', 'jax', 'pandas', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_average_of_copies_of_a_model_is_that_model(shared: Checkpoint) -> None:
    average = average_models([shared, shared, shared])
    for name in ("hidden", "output", "bias"):
        np.testing.assert_array_equal(getattr(average.weights, name), getattr(shared.weights, name))
    assert average.scaler is shared.scaler


def test_every_weight_of_an_average_is_the_mean_of_theirs(donors: dict[int, Checkpoint]) -> None:
    average = average_models([donors[1], donors[2]])
    rows, columns = donors[1].weights.hidden.shape
    for i in range(rows):
        for j in range(columns):
            mean = (float(donors[1].weights.hidden[i, j]) + float(donors[2].weights.hidden[i, j])) / 2
            assert average.weights.hidden[i, j] == np.float32(mean)


def test_models_of_different_trainings_have_no_average(four_people: ActivityData, shared: Checkpoint) -> None:
    others = train_shared_fast(four_people, 4, 0)
    with pytest.raises(ValueError, match="models must have one shape and one scaler"):
        average_models([shared, others])
    smaller = replace(shared, weights=shared.weights.with_units(64))
    with pytest.raises(ValueError, match="models must have one shape and one scaler"):
        average_models([shared, smaller])


def test_a_donors_model_is_trained_on_that_donors_windows_alone(
    four_people: ActivityData, shared: Checkpoint, donors: dict[int, Checkpoint]
) -> None:
    X, y = windows_of(four_people, 3)
    stops = stop_windows(len(y), 3, 0)
    assert 0.2 < stops.mean() <= 0.25
    alone = retrain(shared, (X[~stops], y[~stops]), (X[stops], y[stops]), (0, 3), DONOR_EPOCHS)
    np.testing.assert_array_equal(donors[3].weights.hidden, alone.weights.hidden)
    without_others = train_donors(four_people.select(four_people.users == 3), shared)
    np.testing.assert_array_equal(donors[3].weights.hidden, without_others[3].weights.hidden)
    assert donors[3].scaler is shared.scaler


def test_a_pool_holds_each_donor_with_the_most_similar_others(
    four_people: ActivityData, donors: dict[int, Checkpoint]
) -> None:
    pool = donor_pool(donors, four_people, size=16, together=2, seed=0)
    assert len(pool) == 4  # no more than there are donors
    expected = []
    for user in USERS:
        losses = {other: mean_loss(donors[other], *windows_of(four_people, user)) for other in USERS if other != user}
        expected.append(average_models([donors[user], donors[min(losses, key=lambda other: losses[other])]]))
    for average in pool:
        assert any(np.array_equal(average.weights.hidden, wanted.weights.hidden) for wanted in expected)
    alone = donor_pool(donors, four_people, size=2, together=1)
    assert len(alone) == 2
    for model in alone:
        assert any(np.array_equal(model.weights.hidden, donor.weights.hidden) for donor in donors.values())


@pytest.mark.parametrize("seed", range(5))
def test_what_is_kept_never_has_a_higher_loss_on_validation(
    seed: int, four_people: ActivityData, donors: dict[int, Checkpoint]
) -> None:
    rng = np.random.default_rng(seed)
    old, new = (donors[int(user)] for user in rng.choice(USERS, 2, replace=False))
    rows = rng.choice(len(four_people), 12, replace=False)
    X, y = four_people.X[rows], four_people.y[rows]
    kept = keep_better(old, new, X, y)
    assert mean_loss(kept, X, y) == min(mean_loss(old, X, y), mean_loss(new, X, y))


def test_of_two_equal_models_the_old_one_is_kept(four_people: ActivityData, shared: Checkpoint) -> None:
    copy = with_weights(shared, 0.0)
    assert keep_better(shared, copy, *windows_of(four_people, 1)) is shared
    assert keep_better(copy, shared, *windows_of(four_people, 1)) is copy


def test_a_model_that_is_better_replaces_the_old_one(four_people: ActivityData, donors: dict[int, Checkpoint]) -> None:
    assert keep_better(donors[2], donors[1], *windows_of(four_people, 1)) is donors[1]
    assert keep_better(donors[1], donors[2], *windows_of(four_people, 1)) is donors[1]


def test_a_broken_model_is_never_taken(four_people: ActivityData, shared: Checkpoint) -> None:
    broken = with_weights(shared, float("nan"))
    assert keep_better(shared, broken, *windows_of(four_people, 1)) is shared


def test_models_with_scalers_of_their_own_are_compared(four_people: ActivityData, shared: Checkpoint) -> None:
    """A new release has another scaler; the same windows are scaled by each model's own."""
    new = train_shared_fast(four_people, 4, 0)
    X, y = windows_of(four_people, 1)
    logits = new.weights.logits(new.weights.inputs(new.scaler.transform(X))).astype(float)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert mean_loss(new, X, y) == pytest.approx(-np.log(chances[np.arange(len(y)), y]).mean(), rel=1e-6)
    badly_scaled = replace(shared, scaler=new.scaler)
    best = min((shared, badly_scaled, new), key=lambda model: mean_loss(model, X, y))
    assert keep_better(keep_better(shared, badly_scaled, X, y), new, X, y) is best


def test_bad_arguments_are_named(four_people: ActivityData, shared: Checkpoint, donors: dict[int, Checkpoint]) -> None:
    X, y = windows_of(four_people, 1)
    pool = list(donors.values())
    with pytest.raises(ValueError, match="n_donors must be 1 to 4"):
        choose_donors(pool, X, y, 5)
    with pytest.raises(TypeError, match="pool must be trained models"):
        choose_donors([pool[0], "model"], X, y, 1)
    with pytest.raises(ValueError, match="y must be"):
        choose_donors(pool, X, np.full(len(y), 40), 1)
    with pytest.raises(ValueError, match="X_validation"):
        keep_better(shared, pool[0], X[:0], y[:0])
    with pytest.raises(ValueError, match="together must be at most 4"):
        donor_pool(donors, four_people, together=5)


def test_personal_training_may_start_from_an_average(watch: ActivityData) -> None:
    shared = train_shared(watch, exclude_user=3, seed=0, epochs=20, progress=False)
    person = Person.of(watch, 3)
    volunteers = watch.select(watch.users != 3)
    start = average_models(list(train_donors(volunteers, shared).values())[:3])
    personal = personalise(shared, *person.train(10), validation=person.validation(10), seed=1, start=start)
    same = retrain(start, person.train(10), person.validation(10), 1, 300)
    np.testing.assert_array_equal(Checkpoint.from_model(personal).weights.hidden, same.weights.hidden)
    other = train_shared_fast(watch, 4, 0)
    with pytest.raises(ValueError, match="start has another scaler"):
        personalise(shared, *person.train(10), start=other)
