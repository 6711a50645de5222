"""Metrics: a rare class weighs as much as a frequent one, and an absent one weighs nothing."""

import numpy as np
import pytest

from pmt_helpers.activity.evaluation import accuracy_interval, confusion_counts, scores


def test_always_guessing_the_frequent_class_looks_good_only_in_accuracy() -> None:
    y = np.array([0] * 90 + [1] * 10)
    found = scores(y, np.zeros(100, int))
    assert found["accuracy"] == 0.9
    assert found["macro_recall"] == 0.5
    assert found["macro_f1"] == pytest.approx((2 * 90 / 190 + 0) / 2)


def test_classes_that_a_person_never_does_are_left_out_of_the_mean() -> None:
    y, predicted = np.array([0, 0, 1, 1]), np.array([0, 5, 1, 1])
    assert scores(y, predicted)["macro_recall"] == 0.75


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
