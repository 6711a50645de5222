"""Metrics weigh rare classes as frequent ones; gains are counted person by person: what a mean hides, they show."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from pmt_helpers.activity.evaluation import (
    accuracy_interval,
    ahead_until,
    confusion_counts,
    crossing,
    curve_distance,
    gain_chosen_on_others,
    gains_at,
    mean_curve,
    mean_interval,
    paired_gain,
    scores,
    scores_of_many,
)


def test_always_guessing_the_frequent_class_looks_good_only_in_accuracy() -> None:
    y = np.array([0] * 90 + [1] * 10)
    found = scores(y, np.zeros(100, int))
    assert found["accuracy"] == 0.9
    assert found["macro_recall"] == 0.5
    assert found["macro_f1"] == pytest.approx((2 * 90 / 190 + 0) / 2)


def test_classes_that_a_person_never_does_are_left_out_of_the_mean() -> None:
    y, predicted = np.array([0, 0, 1, 1]), np.array([0, 5, 1, 1])
    assert scores(y, predicted)["macro_recall"] == 0.75


def test_scores_of_many_models_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 40)
    predicted = np.where(rng.random((9, 40)) < 0.6, y, rng.integers(0, 6, (9, 40)))
    many = scores_of_many(y, predicted)
    for place, one in enumerate(predicted):
        assert {name: values[place] for name, values in many.items()} == pytest.approx(scores(y, one))
    with pytest.raises(ValueError, match=r"need \(n_models, 40\)"):
        scores_of_many(y, predicted[0])


def test_rows_of_the_confusion_are_the_truth() -> None:
    counts = confusion_counts(np.array([0, 0, 2]), np.array([1, 0, 2]), 3)
    np.testing.assert_array_equal(counts, [[1, 1, 0], [0, 0, 0], [0, 0, 1]])


def test_the_interval_holds_the_accuracy_and_narrows_with_windows() -> None:
    low, high = accuracy_interval(30, 40)
    assert low < 0.75 < high
    wider = high - low
    low, high = accuracy_interval(300, 400)
    assert high - low < wider / 2


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        scores(np.array([]), np.array([]))


def curve(models: dict[str, dict[int, list[float]]]) -> pd.DataFrame:
    """models: name -> size -> the accuracy of each person, in order."""
    return pd.DataFrame(
        [
            {"user": user, "fold": fold, "model": model, "n_samples": size, "accuracy": accuracy + (fold - 0.5) / 10}
            for model, sizes in models.items()
            for size, people in sizes.items()
            for user, accuracy in enumerate(people, start=1)
            for fold in (0, 1)
        ]
    )


UNEQUAL = curve({"shared": {20: [0.5, 0.7, 0.9]}, "personal": {20: [0.9, 0.8, 0.8]}})


def test_a_gain_is_the_mean_difference_and_names_who_loses() -> None:
    gain = paired_gain(UNEQUAL, 20)
    assert gain.mean == pytest.approx((0.4 + 0.1 - 0.1) / 3)
    assert gain.by_user.to_dict() == pytest.approx({1: 0.4, 2: 0.1, 3: -0.1})
    assert gain.harmed == [3]
    assert gain.low < gain.mean < gain.high
    assert str(gain).startswith("+13.3 points")
    assert str(gain).endswith("worse for 1 of 3")


def test_harm_is_listed_worst_first_and_rounding_is_no_harm() -> None:
    frame = curve({"shared": {5: [0.5, 0.5, 0.5]}, "personal": {5: [0.4, 0.5 - 1e-15, 0.1]}})
    assert paired_gain(frame, 5).harmed == [3, 1]


def test_people_who_differ_do_not_widen_the_paired_interval() -> None:
    base = np.linspace(0.2, 0.9, 30)
    steady = curve({"shared": {5: base.tolist()}, "personal": {5: (base + 0.05).tolist()}})
    gain = paired_gain(steady, 5)
    assert gain.high - gain.low < 0.001


def test_the_interval_agrees_with_the_textbook_and_is_the_same_again() -> None:
    values = np.random.default_rng(0).normal(0.1, 0.2, 400)
    low, high = mean_interval(values)
    half = 1.96 * values.std(ddof=1) / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.003)
    assert mean_interval(values) == (low, high)
    assert all(np.isnan(mean_interval([0.3])))


def test_people_recorded_together_count_as_one_and_the_interval_says_so() -> None:
    base, gains = np.linspace(0.3, 0.8, 10), np.repeat([0.0, 0.02, 0.1, 0.05, 0.13], 2)
    alone = curve({"shared": {5: base.tolist()}, "personal": {5: (base + gains).tolist()}})
    pairs = alone.assign(group=(alone["user"] + 1) // 2)
    apart, together = paired_gain(alone, 5), paired_gain(pairs, 5)
    assert together.mean == apart.mean
    assert together.low < apart.low < apart.high < together.high
    assert "over 5 groups of people recorded together" in str(together)
    assert "over 10 people" in str(apart)
    expected = scipy.stats.t.interval(0.95, 4, gains[::2].mean(), gains[::2].std(ddof=1) / np.sqrt(5))
    assert (together.low, together.high) == pytest.approx(expected)
    whole, one_by_one = (mean_curve(frame).set_index("model")["upper"] for frame in (pairs, alone))
    assert (whole > one_by_one).all()


def test_where_nobody_has_both_models_the_sizes_there_are_named() -> None:
    with pytest.raises(ValueError, match=r"'personal' and baseline 'shared' at n_samples 99; sizes are \[20\]"):
        paired_gain(UNEQUAL, 99)
    with pytest.raises(ValueError, match="no user has both model 'local'"):
        paired_gain(UNEQUAL, 20, "local")


def test_a_crossing_is_where_one_stays_ahead_not_first_is() -> None:
    shared = {size: [0.5, 0.5] for size in range(1, 7)}
    personal = dict(zip(shared, ([0.6] * 2, [0.4] * 2, [0.5] * 2, [0.6] * 2, [0.7] * 2, [0.9] * 2), strict=True))
    frame = curve({"shared": shared, "personal": personal})
    assert crossing(frame, "personal", "shared") == 4
    assert np.isnan(crossing(frame, "shared", "personal"))
    assert ahead_until(frame, "shared", "personal") == 2
    assert ahead_until(frame, "personal", "shared") == 6


def test_a_size_that_one_person_has_decides_no_crossing() -> None:
    frame = curve({"shared": {1: [0.5, 0.5], 2: [0.5]}, "personal": {1: [0.6, 0.6], 2: [0.1]}})
    assert crossing(frame, "personal", "shared") == 1
    assert np.isnan(crossing(frame, "personal", "shared", min_users=1))


def test_a_strength_is_chosen_on_the_other_people() -> None:
    weak, strong = [0.9, 0.5, 0.5], [0.1, 0.6, 0.6]
    frame = curve({"personal": {9: [0.5] * 3}, "pull 1": {9: weak}, "pull 9": {9: strong}})
    gain = gain_chosen_on_others(frame, 9, ["pull 1", "pull 9"])
    # person 1 gets "pull 9", which is best for 2 and 3; they get "pull 1", which is best over all but themselves
    assert gain.by_user.to_dict() == pytest.approx({1: -0.4, 2: 0.0, 3: 0.0})


def test_means_weigh_people_equally_and_count_them() -> None:
    table = mean_curve(pd.concat([UNEQUAL, UNEQUAL[UNEQUAL["user"] == 1]]), min_users=3).set_index("model")
    assert table.loc["shared", "accuracy"] == pytest.approx(0.7)
    assert table.loc["shared", "users"] == 3
    assert table.loc["shared", "lower"] < 0.7 < table.loc["shared", "upper"]
    assert mean_curve(UNEQUAL, min_users=4).empty


def test_a_mean_of_another_score_has_its_name() -> None:
    scored = UNEQUAL.assign(macro_recall=UNEQUAL["accuracy"] / 2)
    table = mean_curve(scored, min_users=3, score="macro_recall").set_index("model")
    assert table.loc["shared", "macro_recall"] == pytest.approx(0.35)
    assert "accuracy" not in table


def test_gains_of_several_splits_stand_in_one_table() -> None:
    table = gains_at({"random": UNEQUAL, "blocked": UNEQUAL.assign(accuracy=0.5)}, [20])
    assert table["split"].tolist() == ["random", "blocked"]
    assert table["harmed"].tolist() == [1, 0]
    assert table["users"].tolist() == [3, 3]
    assert table["mean"].iloc[1] == 0


def test_two_curves_are_as_far_apart_as_their_lines() -> None:
    ours = curve({"shared": {1: [0.5], 9: [0.5]}, "local": {1: [0.2], 9: [0.6]}})
    theirs = curve({"shared": {1: [0.6], 9: [0.6]}, "local": {1: [0.2], 9: [0.6]}, "personal": {1: [0.0]}})
    assert curve_distance(ours, theirs, most=9) == pytest.approx((0.1 + 0) / 2)
