"""The exercises of notebook 02: right however it is written, and wrong for a reason that the learner is told."""

import random
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmt_helpers.activity.splits import SPLIT_KINDS, split_user
from pmt_helpers.datasets import load_activity
from pmt_helpers.teaching.exercises import find_exercise
from pmt_helpers.teaching.exercises.judging import judge
from pmt_helpers.teaching.exercises.nb01 import sgd_step
from pmt_helpers.teaching.exercises.nb02 import early_stopping, leaked, online_sgd, paired_interval
from pmt_helpers.teaching.exercises.symptoms import INTERVAL_CASES, OUTSIDE, TOLERANCE, resampled_means


def say(exercise_id, answer):
    """The verdict on an answer; what it says is shown when a test fails."""
    verdict = judge(find_exercise(exercise_id), answer)
    print(verdict.text)
    return verdict


# ---- online-sgd ----


def by_index(W, b, X, y, epochs, learning_rate):
    for t in range(epochs * len(y)):
        W, b = sgd_step(W, b, X[t % len(y)], y[t % len(y)], learning_rate)
    return [W, b]


def in_place(W, b, X, y, epochs, learning_rate):
    for _ in range(epochs):
        for i in range(len(X)):
            p = np.exp(X[i] @ W + b)
            error = p / p.sum() - np.eye(len(b))[y[i]]
            W -= learning_rate * X[i][:, None] * error
            b -= learning_rate * error
    return W, b


def on_copies(W, b, X, y, epochs, learning_rate):
    return in_place(W.copy(), b.copy(), X, y, epochs, learning_rate)


def in_single_precision(W, b, X, y, epochs, learning_rate):
    return in_place(*(np.float32(values) for values in (W, b, X)), y, epochs, np.float32(learning_rate))


@pytest.mark.parametrize("answer", [by_index, on_copies, in_single_precision])
def test_training_step_by_step_is_right_however_it_is_written(answer):
    assert say("online-sgd", answer).state == "right"


def test_right_weights_that_overwrite_those_that_came_in_are_not_yet_right():
    assert say("online-sgd", in_place).text == "Not yet: your function changes its argument `W`: change a copy."


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 7), st.integers(2, 4), st.integers(0, 4))
def test_the_solution_takes_the_same_steps_as_formulas_written_out(seed, n_features, n, n_classes, epochs):
    rng = np.random.default_rng(seed)
    layer = rng.normal(size=(n_features, n_classes)), rng.normal(size=n_classes)
    X, y = rng.normal(size=(n, n_features)), rng.integers(0, n_classes, n)
    ours = online_sgd(*layer, X, y, epochs, 0.1)
    for mine, written_out in zip(ours, on_copies(*layer, X, y, epochs, 0.1), strict=True):
        np.testing.assert_allclose(mine, written_out, atol=1e-12)


def test_a_label_that_takes_the_name_of_the_labels_is_found_in_the_second_epoch():
    def shadowing(W, b, X, y, epochs, learning_rate):
        for _ in range(epochs):
            for x, y in zip(X, y):  # noqa: B020, B905
                W, b = sgd_step(W, b, x, y, learning_rate)
        return W, b

    verdict = say("online-sgd", shadowing)
    assert "TypeError" in verdict.text
    assert "for x, y in zip(X, y):" in verdict.text
    assert "Do not call a single label y" in find_exercise("online-sgd").hints[1]


# ---- early-stopping ----


def with_a_counter(val_losses, patience):
    best_epoch = 1
    waited = 0
    for i in range(1, len(val_losses)):
        if val_losses[i] < val_losses[best_epoch - 1]:
            best_epoch, waited = i + 1, 0
        else:
            waited += 1
            if waited >= patience:
                return best_epoch, i + 1
    return best_epoch, len(val_losses)


def without_a_loop(val_losses, patience):
    best_so_far = np.minimum.accumulate(val_losses)
    best_at = np.array([np.argmax(val_losses == best) for best in best_so_far])
    out_of_patience = np.flatnonzero(np.arange(len(val_losses)) - best_at >= patience)
    run = out_of_patience[0] + 1 if len(out_of_patience) else len(val_losses)
    return np.array([best_at[run - 1] + 1.0, run])


def by_windows_of_patience(val_losses, patience):
    for run in range(patience + 1, len(val_losses) + 1):
        if min(val_losses[run - patience : run]) >= min(val_losses[: run - patience]):
            return [int(np.argmin(val_losses[:run])) + 1, run]
    return [int(np.argmin(val_losses)) + 1, len(val_losses)]


@pytest.mark.parametrize("answer", [with_a_counter, without_a_loop, by_windows_of_patience])
def test_stopping_early_is_right_however_it_is_written(answer):
    assert say("early-stopping", answer).state == "right"


class NoModel:
    """What Keras' callback asks of a model."""

    stop_training = False

    def get_weights(self):
        return []

    def set_weights(self, weights):
        pass


def as_keras_does(val_losses, patience):
    import keras

    callback = keras.callbacks.EarlyStopping("val_loss", patience=patience, mode="min", restore_best_weights=True)
    model = NoModel()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, loss in enumerate(val_losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            break
    return callback.best_epoch + 1, epoch + 1


LOSSES = st.lists(st.integers(0, 9).map(lambda tenth: tenth / 10), min_size=1, max_size=25)  # ties are frequent


@given(LOSSES, st.integers(1, 6))
def test_the_solution_stops_when_keras_stops_and_keeps_what_keras_keeps(val_losses, patience):
    ours = early_stopping(np.array(val_losses), patience)
    assert ours == as_keras_does(val_losses, patience)
    assert list(ours) == by_windows_of_patience(val_losses, patience)


# ---- paired-bootstrap ----


def person_by_person(before, after, n_resamples, seed):
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(n_resamples):
        people = rng.choice(len(before), len(before))
        means.append(after[people].mean() - before[people].mean())
    return np.percentile(means, 2.5), np.percentile(means, 97.5)


def by_scipy(before, after, n_resamples, seed):
    from scipy.stats import bootstrap

    found = bootstrap((after - before,), np.mean, n_resamples=n_resamples, method="percentile", rng=seed)
    return found.confidence_interval


def by_counts(before, after, n_resamples, seed):
    n = len(before)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), n_resamples)
    return np.quantile(counts @ (after - before) / n, (0.025, 0.975))


def by_sorting(before, after, n_resamples, seed):
    gains, draw = list(after - before), random.Random(seed)
    means = sorted(sum(draw.choices(gains, k=len(gains))) / len(gains) for _ in range(n_resamples))
    return [means[int(0.025 * n_resamples)], means[int(0.975 * n_resamples)]]


def by_the_old_generator(before, after, n_resamples, seed):
    np.random.seed(seed)  # noqa: NPY002
    means = np.random.choice(after - before, (len(before), n_resamples)).mean(axis=0)  # noqa: NPY002
    return np.quantile(means, 0.025), np.quantile(means, 0.975)


@pytest.mark.parametrize("answer", [person_by_person, by_scipy, by_counts, by_sorting, by_the_old_generator])
def test_a_paired_interval_is_right_whatever_it_draws_first(answer):
    assert say("paired-bootstrap", answer).state == "right"


@pytest.mark.parametrize("shift", range(1, 9))
@pytest.mark.parametrize("answer", [by_counts, by_the_old_generator, paired_interval])
def test_a_paired_interval_is_right_with_other_luck(answer, shift):
    def shifted(before, after, n_resamples, seed):
        return answer(before, after, n_resamples, 1000 * shift + seed)

    assert say("paired-bootstrap", shifted).state == "right"


def test_what_is_forgiven_is_five_times_the_luck_of_the_draw():
    for before, after, n_resamples, _ in INTERVAL_CASES.values():
        means, below = resampled_means(after - before)
        ends = np.array([paired_interval(before, after, n_resamples, seed) for seed in range(200)])
        shares = np.interp(ends, means, below)
        np.testing.assert_allclose(shares.mean(axis=0), [OUTSIDE, 1 - OUTSIDE], atol=TOLERANCE / 15)
        np.testing.assert_allclose(shares.std(axis=0), TOLERANCE / 5, rtol=0.2)


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=5))
def test_the_known_shares_are_those_of_all_resamples_written_out(thousandths):
    values = np.array(thousandths) / 1000
    means, below = resampled_means(values)
    every = np.array([np.mean(resample) for resample in product(values, repeat=len(values))])
    for limit in means:
        nearly = np.isclose(every, limit, rtol=0, atol=1e-9)
        assert np.interp(limit, means, below) == pytest.approx(np.mean((every < limit) & ~nearly) + nearly.mean() / 2)


def draws(before, n_resamples, seed):
    return np.random.default_rng(seed).integers(0, len(before), (n_resamples, len(before)))


def ends(values, outside=0.025):
    return np.quantile(values, [outside, 1 - outside])


OTHER_WAYS = {
    "only the after side drawn": (
        lambda before, after, n, seed: ends(after[draws(before, n, seed)].mean(1) - before.mean()),
        "unpaired",
    ),
    "the same generator twice, one after the other": (
        lambda before, after, n, seed: ends(
            after[draws(before, 2 * n, seed)[:n]].mean(1) - before[draws(before, 2 * n, seed)[n:]].mean(1)
        ),
        "unpaired",
    ),
    "quantiles of all gains drawn": (
        lambda before, after, n, seed: ends((after - before)[draws(before, n, seed)]),
        "over people",
    ),
    "two standard deviations of the gains": (
        lambda before, after, n, seed: (
            (after - before).mean() + 1.96 * np.array([-1, 1]) * (after - before).std(ddof=1)
        ),
        "over people",
    ),
    "each person once, in another order": (
        lambda before, after, n, seed: ends([np.random.default_rng(seed).permutation(after - before).mean()] * n),
        "without replacement",
    ),
    "99%": (
        lambda before, after, n, seed: ends((after - before)[draws(before, n, seed)].mean(1), 0.005),
        "another interval",
    ),
    "half of the people in each resample": (
        lambda before, after, n, seed: ends((after - before)[draws(before, n, seed)[:, :6]].mean(1)),
        "another interval",
    ),
    "not a number": (lambda *arguments: (np.nan, np.nan), "another interval"),
    "a formula instead of resamples": (
        lambda before, after, n, seed: (
            (after - before).mean() + 1.96 * np.array([-1, 1]) * (after - before).std() / np.sqrt(len(before))
        ),
        "seed ignored",
    ),
}


@pytest.mark.parametrize("way", OTHER_WAYS)
def test_other_ways_to_go_wrong_with_an_interval_are_recognised(way):
    answer, mistake = OTHER_WAYS[way]
    assert say("paired-bootstrap", answer).mistake == mistake


def test_one_end_is_not_an_interval():
    assert "should return 2" in say("paired-bootstrap", lambda *arguments: paired_interval(*arguments)[0]).text


def test_the_people_of_the_exercise_set_right_and_wrong_clearly_apart():
    """They differ from each other so much that an unpaired interval cannot even tell that there is a gain."""
    before, after, n_resamples, seed = INTERVAL_CASES["twelve people"]
    low, high = paired_interval(before, after, n_resamples, seed)
    exercise = find_exercise("paired-bootstrap")
    unpaired = exercise.mutant(next(mistake for mistake in exercise.mistakes if mistake.name == "unpaired"))
    lowest, highest = unpaired(before, after, n_resamples, seed)
    assert lowest < 0 < low
    assert highest - lowest > 5 * (high - low)
    assert all(((values >= 0) & (values <= 1)).all() for case in INTERVAL_CASES.values() for values in case[:2])


# ---- find-the-leak ----


def by_sets_of_readings(recordings, starts, train, test, window):
    def readings(row):
        return {(recordings[row], reading) for reading in range(starts[row], starts[row] + window)}

    tested = set().union(*map(readings, test))
    return [bool(readings(row) & tested) for row in train]


def with_two_loops(recordings, starts, train, test, window):
    mask = np.zeros(len(train), bool)
    for i, a in enumerate(train):
        for b in test:
            first, second = sorted((starts[a], starts[b]))
            if recordings[a] == recordings[b] and second < first + window:
                mask[i] = 1
    return mask


def one_test_window_at_a_time(recordings, starts, train, test, window):
    mask = np.full(len(train), False)
    for row in test:
        near = (starts[train] > starts[row] - window) & (starts[train] < starts[row] + window)
        mask |= near & (recordings[train] == recordings[row])
    return mask


def by_the_nearest(recordings, starts, train, test, window):
    far = 1 + np.ptp(starts) + window  # further apart than any two windows of one recording
    places = recordings.astype(np.int64) * far + starts
    return (np.abs(places[train][:, None] - places[test]).min(axis=1) < window).tolist()


RIGHT_MASKS = [by_sets_of_readings, with_two_loops, one_test_window_at_a_time, by_the_nearest]


@pytest.mark.parametrize("answer", RIGHT_MASKS)
def test_a_leak_is_found_however_the_search_is_written(answer):
    assert say("find-the-leak", answer).state == "right"


@given(st.data())
def test_the_solution_finds_exactly_the_windows_with_readings_in_the_test(data):
    n = data.draw(st.integers(2, 15))
    recordings = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    starts = np.array(data.draw(st.lists(st.integers(0, 40), min_size=n, max_size=n)))
    rows, cut = np.array(data.draw(st.permutations(range(n)))), data.draw(st.integers(1, n - 1))
    arguments = recordings, starts, rows[:cut], rows[cut:], data.draw(st.integers(1, 20))
    assert leaked(*arguments).tolist() == by_sets_of_readings(*arguments)


@pytest.mark.parametrize("kind", SPLIT_KINDS)
def test_of_the_workbooks_own_splits_only_the_random_one_leaks(kind):
    data = load_activity("watch")
    split = split_user(data, int(data.users[0]), kind)
    mask = leaked(data.recordings, data.starts, split.train, split.test, data.window_readings)
    assert mask.any() == (kind == "random")
