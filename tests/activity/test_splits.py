"""Splits: nothing is on both sides, more labels only add, and only the random split lets near copies through."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmt_helpers.activity.splits import (
    SPLIT_KINDS,
    UserSplit,
    grouped_validation,
    n_folds,
    random_validation,
    split_user,
)
from pmt_helpers.datasets import ActivityData, load_activity

WATCH = load_activity("watch")
any_split = st.builds(
    lambda kind, user, fold, seed: split_user(WATCH, user, kind, fold % n_folds(kind), seed=seed),
    st.sampled_from(SPLIT_KINDS),
    st.sampled_from([int(u) for u in WATCH.user_ids]),
    st.integers(0, 4),
    st.integers(0, 5),
)


@settings(max_examples=120, deadline=None)
@given(any_split)
def test_no_window_is_on_two_sides_and_all_belong_to_the_person(split: UserSplit) -> None:
    rows = np.concatenate([split.train, split.validation, split.test])
    assert len(np.unique(rows)) == len(rows)
    assert (WATCH.users[rows] == split.user).all()
    assert min(len(split.train), len(split.validation), len(split.test)) > 0


@settings(max_examples=60, deadline=None)
@given(any_split)
def test_every_size_contains_the_smaller_ones_and_leaves_the_test_alone(split: UserSplit) -> None:
    smaller = split.first(1)
    for n_samples in range(2, len(split.train) + 1):
        larger = split.first(n_samples)
        assert len(larger.train) == n_samples
        np.testing.assert_array_equal(larger.train[:-1], smaller.train)
        np.testing.assert_array_equal(larger.validation[: len(smaller.validation)], smaller.validation)
        np.testing.assert_array_equal(larger.test, split.test)
        smaller = larger


def shared_readings(data: ActivityData, rows: np.ndarray, others: np.ndarray) -> int:
    """Pairs of windows with a reading in common, counted the slow way: as sets of readings."""
    spans = [
        {(int(data.recordings[r]), reading) for reading in range(data.starts[r], data.starts[r] + data.window_readings)}
        for r in (*rows, *others)
    ]
    return sum(bool(a & b) for a in spans[: len(rows)] for b in spans[len(rows) :])


@pytest.mark.parametrize("kind", ["blocked", "recording", "bout", "file_order"])
def test_apart_from_the_random_split_no_reading_is_shared_between_training_and_test(kind: str) -> None:
    split = split_user(WATCH, 4, kind)
    assert shared_readings(WATCH, np.concatenate([split.train, split.validation]), split.test) == 0
    assert shared_readings(WATCH, split.train, split.validation) == 0


def test_the_random_split_leaks_readings_and_this_test_can_see_it() -> None:
    split = split_user(WATCH, 4, "random")
    assert shared_readings(WATCH, split.train, split.test) > 10


@pytest.mark.parametrize("kind", SPLIT_KINDS)
def test_over_all_folds_each_window_is_tested_once(kind: str) -> None:
    folds = [split_user(WATCH, 7, kind, fold).test for fold in range(n_folds(kind))]
    tested = np.concatenate(folds)
    assert len(np.unique(tested)) == len(tested)
    if kind != "file_order":
        np.testing.assert_array_equal(np.sort(tested), np.flatnonzero(WATCH.users == 7))


def test_the_default_split_trains_and_tests_every_class() -> None:
    split = split_user(WATCH, 2)
    for rows in (split.train, split.validation, split.test):
        assert set(WATCH.y[rows]) == set(range(len(WATCH.class_names)))


def test_by_recording_the_test_arm_is_never_trained_on() -> None:
    split = split_user(WATCH, 2, "recording")
    assert not set(WATCH.recordings[split.train]) & set(WATCH.recordings[split.test])
    assert len(np.unique(WATCH.recordings[split.test])) == len(WATCH.class_names)


def test_the_same_seed_gives_the_same_order_and_another_seed_another() -> None:
    first, again, other = (split_user(WATCH, 3, seed=seed).train for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(np.sort(first), np.sort(other))


def test_impossible_requests_say_what_is_possible() -> None:
    with pytest.raises(ValueError, match="choose one of random, blocked"):
        split_user(WATCH, 1, "blockwise")
    with pytest.raises(ValueError, match="users are 1, 2, 3"):
        split_user(WATCH, 99)
    with pytest.raises(ValueError, match="folds 0 to 1"):
        split_user(WATCH, 1, "recording", fold=2)
    with pytest.raises(ValueError, match="3 folds or more"):
        split_user(WATCH, 1, folds=2)
    split = split_user(WATCH, 1)
    with pytest.raises(ValueError, match="asked for 1000"):
        split.first(1000)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=60), st.floats(0.01, 0.99), st.integers(0, 99))
def test_grouped_validation_never_splits_a_user(users: list[int], fraction: float, seed: int) -> None:
    ids = np.array(users)
    if len(np.unique(ids)) < 2:
        with pytest.raises(ValueError, match="at least 2 users"):
            grouped_validation(ids, fraction, seed)
        return
    mask = grouped_validation(ids, fraction, seed)
    assert mask.any()
    assert not mask.all()
    assert not set(ids[mask]) & set(ids[~mask])


def test_random_validation_puts_every_user_on_both_sides() -> None:
    mask = random_validation(len(WATCH), 0.2, seed=0)
    assert mask.sum() == round(0.2 * len(WATCH))
    assert set(WATCH.users[mask]) == set(WATCH.users[~mask]) == set(WATCH.user_ids)
