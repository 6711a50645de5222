"""The exercises of notebook 04: right however it is written, and wrong for a reason that the learner is told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import trim_mean
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pmt_helpers.attacks import defences, poisoning
from pmt_helpers.datasets import load_activity
from pmt_helpers.teaching.exercises.base import Mistake
from pmt_helpers.teaching.exercises.judging import judge
from pmt_helpers.teaching.exercises.nb04 import EXERCISES, QUESTIONS, flip_labels, trimmed_mean

EXERCISE = {exercise.id: exercise for exercise in EXERCISES}
SEEDS = st.integers(0, 2**32 - 1)


def say(exercise_id, answer):
    """The verdict on an answer; what it says is shown when a test fails."""
    verdict = judge(EXERCISE[exercise_id], answer)
    print(verdict.text)
    return verdict


def wrong_answer(exercise_id, name):
    """The solution with this mistake in it."""
    exercise = EXERCISE[exercise_id]
    return next(exercise.mutant(mistake) for mistake in exercise.mistakes if mistake.name == name)


def test_every_choice_of_the_quiz_is_explained():
    assert len(QUESTIONS) == 3
    for question in QUESTIONS:
        assert len(question.choices) == 3
        assert all(explained.endswith(".") and len(explained) > 80 for explained in question.choices.values())


# ---- label-flip ----


def window_by_window(y, probabilities, fraction, order):
    said = [int(label) for label in y]
    for row in list(order)[: round(fraction * len(y))]:
        classes = [k for k in range(probabilities.shape[1]) if k != y[row]]
        said[row] = min(classes, key=lambda k: probabilities[row, k])
    return said


def by_sorting(y, probabilities, fraction, order):
    ranked = probabilities.argsort(axis=1)
    false = np.where(ranked[:, 0] == y, ranked[:, 1], ranked[:, 0])
    is_chosen = np.isin(np.arange(len(y)), order[: int(np.rint(fraction * len(y)))])
    return np.where(is_chosen, false, y).astype(float)


def only_the_chosen(y, probabilities, fraction, order):
    chosen = order[: int(fraction * len(y) + 0.5)]
    false = np.ma.masked_array(probabilities[chosen], np.eye(probabilities.shape[1], dtype=bool)[y[chosen]])
    flipped = np.array(y)
    flipped[chosen] = false.argmin(axis=1, fill_value=2)
    return flipped


@pytest.mark.parametrize("answer", [window_by_window, by_sorting, only_the_chosen])
def test_a_flip_is_right_however_it_is_written(answer):
    assert say("label-flip", answer).state == "right"


@pytest.mark.parametrize("argument", ["y", "probabilities"])
def test_an_answer_that_changes_an_argument_is_told_which(argument):
    exercise = EXERCISE["label-flip"]
    verdict = say("label-flip", exercise.mutant(Mistake("", "", f"{argument}.copy()", argument)))
    assert verdict.mistake == "arguments changed"
    assert f"`{argument}`" in verdict.text


def test_two_mistakes_at_once_are_told_by_what_is_seen_first():
    def all_down(y, probabilities, fraction, order):
        flipped, chosen = y.copy(), order[: int(fraction * len(y))]
        flipped[chosen] = 0
        return flipped

    assert say("label-flip", all_down).mistake == "other number"


def test_the_number_is_not_blamed_where_labels_are_wrong():
    def one_row_forgotten(y, probabilities, fraction, order):
        flipped = flip_labels(y, probabilities, fraction, order)
        flipped[order[1:2]] = y[order[1:2]]
        return flipped

    assert say("label-flip", one_row_forgotten).mistake == "some kept"
    assert say("label-flip", lambda y, p, f, order: np.roll(flip_labels(y, p, f, order), 1)).mistake != "other number"


def test_the_chosen_labels_alone_have_the_wrong_shape():
    assert "expected (12,), found (5,)" in say("label-flip", lambda y, p, f, order: y[order[: round(f * len(y))]]).text


@given(SEEDS, st.integers(1, 40), st.integers(2, 6), st.floats(0, 1))
def test_the_solution_changes_so_many_labels_and_none_to_the_truth(seed, n, n_classes, fraction):
    rng = np.random.default_rng(seed)
    y, order = rng.integers(0, n_classes, n), rng.permutation(n)
    flipped = flip_labels(y, rng.dirichlet(np.ones(n_classes), n), fraction, order)
    assert set(np.flatnonzero(flipped != y)) == set(order[: round(fraction * n)])
    assert flipped.min() >= 0
    assert flipped.max() < n_classes


def test_in_every_dishonest_case_the_model_finds_some_truth_least_likely():
    for y, probabilities, fraction, order in EXERCISE["label-flip"].cases.values():
        chosen = order[: round(fraction * len(y))]
        assert fraction == 0 or 0 < (probabilities[chosen].argmin(1) == y[chosen]).sum() < len(chosen)
        assert fraction == 0 or (probabilities.argmax(1) == y).mean() > 0.5


def test_the_solution_flips_as_the_packages_volunteers_do():
    for y, probabilities, _, order in EXERCISE["label-flip"].cases.values():
        flipped = poisoning.flip_labels(
            y, "least_likely", probabilities.shape[1], np.random.default_rng(0), class_scores=probabilities
        )
        np.testing.assert_array_equal(flip_labels(y, probabilities, 1.0, order), flipped)


def test_on_real_windows_the_least_likely_label_harms_most_and_the_likeliest_hardly():
    """A linear model of nine people, on the tenth, with half of its labels flipped: mean accuracy of three in turn."""
    data = load_activity("watch")
    answers = {name: wrong_answer("label-flip", name) for name in ("no flip", "most likely", "next likely")}
    found = {name: [] for name in (*answers, "least likely")}
    for user in data.user_ids[:3]:
        home = data.users == user
        X, y = data.X[~home], data.y[~home]
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
        probabilities, order = model.fit(X, y).predict_proba(X), np.random.default_rng(5).permutation(len(y))
        for name, answer in (answers | {"least likely": flip_labels}).items():
            model.fit(X, answer(y, probabilities, 0.5, order))
            found[name].append(model.score(data.X[home], data.y[home]))
    mean = {name: np.mean(values) for name, values in found.items()}
    assert mean["most likely"] == pytest.approx(mean["no flip"], abs=0.05)
    assert mean["least likely"] < mean["next likely"] - 0.1 < mean["no flip"] - 0.1


# ---- trimmed-mean ----


def by_scipy(weights, n_trim):
    return trim_mean(weights, n_trim / len(weights) + 1e-9)


def weight_by_weight(weights, n_trim):
    means = []
    for column in weights.T.tolist():
        column.sort()
        for _ in range(n_trim):
            column.pop(0)
            column.pop()
        means.append(sum(column) / len(column))
    return means


def by_ranks(weights, n_trim):
    ranks = weights.argsort(axis=0).argsort(axis=0)
    kept = (ranks >= n_trim) & (ranks < len(weights) - n_trim)
    return np.where(kept, weights, 0).sum(axis=0) / kept.sum(axis=0)


@pytest.mark.parametrize("answer", [by_scipy, weight_by_weight, by_ranks])
def test_an_average_is_right_however_it_is_written(answer):
    assert say("trimmed-mean", answer).state == "right"


def test_the_package_averages_models_in_the_same_way():
    weights = np.random.default_rng(3).normal(size=(12, 4))
    assert trimmed_mean(weights, int(defences.TRIM * 12)) == pytest.approx(defences.trimmed_mean(weights))


@given(SEEDS, st.integers(5, 12), st.integers(1, 2), st.floats(-1e6, 1e6))
def test_a_volunteer_moves_a_weight_no_further_than_the_others_values_allow(seed, n, n_trim, sent):
    weights = np.random.default_rng(seed).normal(size=(n, 3))
    others = weights[1:]
    weights[0] = sent
    average = trimmed_mean(weights, n_trim)
    assert (average >= others.min(axis=0) - 1e-9).all()
    assert (average <= others.max(axis=0) + 1e-9).all()
