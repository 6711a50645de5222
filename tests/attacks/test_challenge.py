"""The contest scores what learners write against baselines, keeps the rules, and says which rule was broken."""

from collections.abc import Callable

import numpy as np
import pytest

from pmt_helpers.attacks.challenge import (
    POISONS,
    RED_BASELINES,
    Budget,
    hidden_rounds,
    score_attack,
    score_defence,
    score_sheet,
)
from pmt_helpers.attacks.defences import neighbour_filter, outlier_filter
from pmt_helpers.datasets import ActivityData

Array = np.ndarray
ONCE = {"insecure_seed": 1, "progress": False}
FEW = {"n_rounds": 2, **ONCE}


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
    honest = score_attack(stay_honest, watch, **FEW)
    malicious = score_attack(flip_the_surest, watch, Budget(0.5, 1.0), **FEW)
    assert honest.points["yours"] == 0
    assert not honest.reached
    assert malicious.points["yours"] > 10
    assert (malicious.games["least likely label"] < malicious.games["clean"]).all()


def test_a_larger_budget_does_more_harm(watch: ActivityData) -> None:
    small, large = (score_attack(flip_the_surest, watch, Budget(0.5, flips), **FEW) for flips in (5, 1.0))
    assert small.points["yours"] < large.points["yours"]


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
    score = score_attack(attack, watch, **FEW)
    assert not score.reached
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(str(score))


def test_keeping_all_gains_nothing_and_a_filter_something(watch: ActivityData) -> None:
    idle = score_defence(keep_all, watch, **FEW)
    assert idle.points["yours"] == idle.points["no defence"] == 0
    assert (idle.games[["caught", "dropped"]].fillna(0) == 0).all(axis=None)
    filtered = score_defence(neighbour_filter, watch, **FEW)
    assert filtered.points["yours"] == filtered.points["neighbour filter"] > 0
    assert filtered.lead == filtered.needed == 0  # as good as the strongest baseline is not better
    assert not filtered.reached
    by_attack = filtered.games.groupby("attack")[["caught", "dropped"]].mean()
    assert by_attack.loc["least_likely", "caught"] > 0.5
    assert by_attack.loc["none", "dropped"] > 0


def test_what_a_filter_costs_without_attackers_is_taken_from_its_points(watch: ActivityData) -> None:
    score = score_defence(outlier_filter, watch, **FEW)
    gain = 100 * (score.games["yours"] - score.games["no defence"])
    by_attack = gain.groupby(score.games["attack"]).mean()
    assert score.points["yours"] == pytest.approx(
        (by_attack["random"] + by_attack["least_likely"]) / 2 + by_attack["none"]
    )
    assert list(score.rounds.index) == [1, 2]
    assert len(score.games) == 2 * len(POISONS)


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
    score = score_defence(chosen, watch, **FEW)
    assert not score.reached
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(str(score))


def random_labels_on_some(X: Array, y: Array, likelihood: Array, n_flips: int, rng: np.random.Generator) -> Array:
    """The notebook's template."""
    labels = y.copy()
    labels[:n_flips] = rng.integers(0, likelihood.shape[1], n_flips)
    return labels


def next_class(X: Array, y: Array, likelihood: Array, n_flips: int, rng: np.random.Generator) -> Array:
    labels = y.copy()
    labels[:n_flips] = (y[:n_flips] + 1) % likelihood.shape[1]
    return labels


def sure_classes_vanish(X: Array, y: Array, likelihood: Array, n_flips: int, rng: np.random.Generator) -> Array:
    """A learner who thinks: all of a class at once, those that the model knows best first, and all get one label."""
    certainty = np.array([likelihood[y == label, label].mean() if (y == label).any() else 0 for label in range(7)])
    labels, order = y.copy(), np.argsort(-certainty[y], kind="stable")
    labels[order[y[order] != 0][:n_flips]] = 0
    return labels


def last_classes_vanish(X: Array, y: Array, likelihood: Array, n_flips: int, rng: np.random.Generator) -> Array:
    """A learner who thinks: malicious volunteers cannot talk, but all can begin with the last class in the list."""
    labels, order = y.copy(), np.argsort(-y, kind="stable")
    labels[order[y[order] != 0][:n_flips]] = 0
    return labels


@pytest.mark.parametrize("attack", [random_labels_on_some, next_class])
def test_the_template_and_a_plain_idea_miss_the_goal_of_the_red_team(watch: ActivityData, attack: Callable) -> None:
    score = score_attack(attack, watch, **{**ONCE, "n_rounds": 5})
    assert score.lead < 0
    assert not score.reached
    assert f"Goal missed by {score.needed - score.lead:.1f} points" in str(score)


@pytest.mark.parametrize("attack", [sure_classes_vanish, last_classes_vanish])
def test_a_red_team_that_thinks_reaches_the_goal(watch: ActivityData, attack: Callable) -> None:
    score = score_attack(attack, watch, **ONCE)
    assert score.lead > score.needed > 0
    assert score.reached
    assert "Goal reached" in str(score)


def suspects_leave(X: Array, y: Array, users: Array) -> Array:
    """A learner who thinks: who is malicious is so in most windows, so the whole person leaves; then the neighbours."""
    kept = neighbour_filter(X, y, users)
    suspects = [user for user in np.unique(users) if kept[users == user].mean() < 0.5]
    keep = ~np.isin(users, suspects)
    keep[keep] = neighbour_filter(X[keep], y[keep], users[keep])
    return keep


def both_filters(X: Array, y: Array, users: Array) -> Array:
    """A learner who thinks: odd in its class or among its neighbours, either is a reason."""
    return neighbour_filter(X, y, users) & outlier_filter(X, y, users)


@pytest.mark.parametrize("keeps", [keep_all, outlier_filter])
def test_the_template_and_a_plain_filter_miss_the_goal_of_the_blue_team(watch: ActivityData, keeps: Callable) -> None:
    score = score_defence(keeps, watch, **{**ONCE, "n_rounds": 3})
    assert score.lead < 0
    assert not score.reached


@pytest.mark.parametrize("keeps", [suspects_leave, both_filters])
def test_a_blue_team_that_thinks_reaches_the_goal(watch: ActivityData, keeps: Callable) -> None:
    score = score_defence(keeps, watch, **ONCE)
    assert score.lead > score.needed > 0
    assert score.reached


def test_one_sheet_shows_the_scores_of_both_teams_and_who_is_not_scored(watch: ActivityData) -> None:
    red, blue = score_attack(flip_the_surest, watch, **FEW), score_defence(keep_all, watch, **FEW)
    sheet = score_sheet({"Ada": red, "Bo": blue, "Cy": score_defence(lambda X, y, users: y, watch, **FEW)})
    assert list(sheet.columns) == ["points", "baseline", "its points", "lead", "needed", "goal"]
    assert sheet.loc["Ada", "points"] == pytest.approx(red.points["yours"], abs=0.05)
    assert sheet.loc["Ada", "baseline"] in RED_BASELINES
    assert sheet.loc["Bo", "goal"] == f"missed by {blue.needed - blue.lead:.1f} points"
    assert "not scored: return True or False" in sheet.loc["Cy", "goal"]
    assert np.isnan(sheet.loc["Cy", "points"])


def test_the_strongest_baseline_is_the_one_to_beat_by_two_standard_errors_of_paired_rounds(watch: ActivityData) -> None:
    score = score_attack(flip_the_surest, watch, **{**ONCE, "n_rounds": 3})
    means = score.rounds.mean()
    assert score.points[score.baseline] == means[list(RED_BASELINES)].max()
    pairs = score.rounds["yours"] - score.rounds[score.baseline]
    assert score.lead == pytest.approx(pairs.mean())
    assert score.needed == pytest.approx(2 * pairs.std() / np.sqrt(3))


def test_everybody_is_unseen_before_anybody_is_again(watch: ActivityData) -> None:
    rounds = hidden_rounds(watch, 5)
    unseen = np.concatenate([one.unseen.user_ids for one in rounds])
    assert sorted(unseen) == sorted(watch.user_ids)
    assert all(set(one.volunteers.user_ids) | set(one.unseen.user_ids) == set(watch.user_ids) for one in rounds)


def test_nobody_knows_the_rounds_but_who_gives_an_insecure_seed(watch: ActivityData) -> None:
    def drawn(insecure_seed: int | None = None) -> list[tuple[int, tuple[int, ...]]]:
        return [(one.seed, tuple(one.unseen.user_ids)) for one in hidden_rounds(watch, 5, insecure_seed)]

    assert drawn() != drawn()
    assert drawn(3) == drawn(3) != drawn(4)


def test_a_filter_cannot_tell_people_by_their_numbers(watch: ActivityData) -> None:
    seen: list[tuple[int, ...]] = []

    def look(X: Array, y: Array, users: Array) -> Array:
        _, first = np.unique(users, return_index=True)
        seen.append(tuple(first))
        return keep_all(X, y, users)

    score_defence(look, watch, **FEW)
    assert len(set(seen)) == 2  # the same people, in another order each round


def test_too_few_people_for_a_round_are_refused(watch: ActivityData) -> None:
    with pytest.raises(ValueError, match="5 people or more"):
        hidden_rounds(watch.select(watch.users <= 4), 2)
    with pytest.raises(ValueError, match="n_rounds must be 2 or more"):
        score_attack(stay_honest, watch, n_rounds=1)
