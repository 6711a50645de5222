"""The contest scores what learners write, keeps the rules, and says which rule was broken."""

from collections.abc import Callable

import numpy as np
import pytest

from pmt_helpers.attacks.challenge import Budget, hidden_rounds, score_attack, score_defence
from pmt_helpers.attacks.defences import outlier_filter
from pmt_helpers.datasets import ActivityData

Array = np.ndarray


def stay_honest(X: Array, y: Array, likelihood: Array, n_flips: int, rng: np.random.Generator) -> Array:
    return y


def flip_the_surest(X: Array, y: Array, likelihood: Array, n_flips: int, rng: np.random.Generator) -> Array:
    labels, each = y.copy(), np.arange(len(y))
    surest = np.argsort(-likelihood[each, y])[:n_flips]
    labels[surest] = likelihood[surest].argmin(1)
    return labels


def keep_all(X: Array, y: Array, users: Array) -> Array:
    return np.ones(len(y), bool)


def test_honest_volunteers_do_no_harm_and_malicious_ones_do(watch: ActivityData) -> None:
    honest = score_attack(stay_honest, watch, n_rounds=2, progress=False)
    malicious = score_attack(flip_the_surest, watch, Budget(0.5, 1.0), n_rounds=2, progress=False)
    assert honest.drop == 0
    assert malicious.drop > 0.1
    assert "costs unseen people" in str(malicious)
    assert (malicious.rounds["least_likely"] < malicious.rounds["clean"]).all()


def test_a_larger_budget_does_more_harm(watch: ActivityData) -> None:
    small, large = (
        score_attack(flip_the_surest, watch, Budget(0.5, flips), n_rounds=2, progress=False) for flips in (5, 1.0)
    )
    assert small.drop < large.drop


def test_a_budget_counts_labels_or_shares() -> None:
    assert Budget(flips=0.5).n_flips(30) == 15
    assert Budget(flips=7).n_flips(30) == 7
    assert Budget(flips=1).n_flips(30) == 1
    assert Budget(flips=1.0).n_flips(30) == 30
    assert Budget(flips=99).n_flips(30) == 30
    for wrong in ({"volunteers": 0.7}, {"flips": 0}, {"flips": 2.5}):
        with pytest.raises(ValueError, match="a budget has"):
            Budget(**wrong)


def scribble(X: Array, y: Array, *more: object) -> Array:
    X[0] = 0
    return y


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        (lambda X, y, p, n, rng: (y + 1) % 7, "over budget"),
        (lambda X, y, p, n, rng: (X, y), "labels alone"),
        (lambda X, y, p, n, rng: y[:5], r"this returned shape \(5,\)"),
        (lambda X, y, p, n, rng: y + 0.5, "whole numbers"),
        (lambda X, y, p, n, rng: y - 7, "labels are 0 to 6"),
        (lambda X, y, p, n, rng: None, "end with return"),
        (lambda X, y, p, n, rng: [[1], [1, 2]], "one label per window"),
        (lambda X, y: y, "stopped with TypeError"),
        (scribble, "changed X in place"),
    ],
)
def test_an_attack_against_the_rules_is_named(watch: ActivityData, attack: Callable, said: str) -> None:
    score = score_attack(attack, watch, n_rounds=1, progress=False)
    assert np.isnan(score.drop)
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(str(score))


def test_keeping_all_wins_nothing_and_a_filter_something(watch: ActivityData) -> None:
    idle = score_defence(keep_all, watch, n_rounds=1, progress=False)
    assert idle.gain == 0
    assert (idle.rounds[["caught", "dropped"]].fillna(0) == 0).all(axis=None)
    filtered = score_defence(outlier_filter, watch, n_rounds=1, progress=False).by_attack().set_index("attack")
    assert filtered.loc["noise", "caught"] > 0.8
    assert filtered.loc["none", "dropped"] > 0
    assert "of honest windows" in str(idle)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (lambda X, y, users: y, "True or False for each window"),
        (lambda X, y, users: y < 0, "no window is kept"),
        (lambda X, y, users: True, r"this returned shape \(\)"),
        (lambda X, y, users: y[3:] > 0, "one True or False per window"),
        (scribble, "changed X in place"),
    ],
)
def test_a_filter_against_the_rules_is_named(watch: ActivityData, chosen: Callable, said: str) -> None:
    score = score_defence(chosen, watch, n_rounds=1, progress=False)
    assert np.isnan(score.gain)
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(str(score))


def test_everybody_is_unseen_before_anybody_is_again(watch: ActivityData) -> None:
    rounds = hidden_rounds(watch, 5)
    unseen = np.concatenate([one.unseen.user_ids for one in rounds])
    assert sorted(unseen) == sorted(watch.user_ids)
    assert all(set(one.volunteers.user_ids) | set(one.unseen.user_ids) == set(watch.user_ids) for one in rounds)
    assert [one.seed for one in rounds] == [one.seed for one in hidden_rounds(watch, 5)]


def test_a_filter_cannot_tell_people_by_their_numbers(watch: ActivityData) -> None:
    seen: list[tuple[int, ...]] = []

    def look(X: Array, y: Array, users: Array) -> Array:
        _, first = np.unique(users, return_index=True)
        seen.append(tuple(first))
        return keep_all(X, y, users)

    score_defence(look, watch, n_rounds=2, progress=False)
    assert len(set(seen)) == 2  # the same people, in another order each round


def test_too_few_people_for_a_round_are_refused(watch: ActivityData) -> None:
    with pytest.raises(ValueError, match="5 people or more"):
        hidden_rounds(watch.select(watch.users <= 4), 1)
