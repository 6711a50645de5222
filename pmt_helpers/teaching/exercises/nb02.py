"""Notebook 02's exercises and quiz: training step by step, when to stop, how sure a gain is, a split that leaks."""

from functools import partial

import numpy as np

from pmt_helpers.teaching.exercises import symptoms
from pmt_helpers.teaching.exercises.base import Exercise, Mistake, where
from pmt_helpers.teaching.exercises.nb01 import sgd_step
from pmt_helpers.teaching.questions import Question

Array = np.ndarray


def online_sgd(W: Array, b: Array, X: Array, y: Array, epochs: int, learning_rate: float) -> tuple[Array, Array]:
    """A softmax layer after `epochs` passes over windows X (n, n_features) with classes y (n,), one step per window."""
    for _ in range(epochs):
        for x, label in zip(X, y, strict=True):
            W, b = sgd_step(W, b, x, label, learning_rate)
    return W, b


_RNG = np.random.default_rng(5)
_W, _B, _X = _RNG.normal(0, 0.5, (4, 3)), _RNG.normal(0, 0.5, 3), _RNG.normal(0, 1, (6, 4))
_Y = np.array([2, 0, 0, 1, 2, 1])

_WINDOWS = "for x, label in zip(X, y, strict=True):"
_EPOCH = f"        {_WINDOWS}\n            W, b = sgd_step(W, b, x, label, learning_rate)"
_EPOCH_FROM_ONE_START = (
    f"        start = W, b\n        {_WINDOWS}\n"
    "            step = sgd_step(*start, x, label, learning_rate)\n"
    "            W, b = W + step[0] - start[0], b + step[1] - start[1]"
)
_BATCH = "this takes one step per epoch, for all windows together: take one step per window."

ONLINE_SGD = Exercise(
    id="online-sgd",
    title="Train at home, step by step",
    solution=online_sgd,
    cases={
        "six windows, four epochs": (_W, _B, _X, _Y, 4, 0.2),
        "three windows, three epochs": (np.zeros((4, 3)), np.zeros(3), _X[:3], _Y[:3], 3, 0.1),
        "one epoch": (_W, _B, _X, _Y, 1, 0.1),
    },
    right="your W and b agree with ours. Training on your device is exactly this: two loops around one step.",
    hints=(
        "Which W and b should the second step start from: those passed in, or those that the first step returned?",
        "Two loops: over epochs outside, over windows and labels inside. Pass the current W and b to sgd_step, and "
        "assign its result to the same names. Return them after both loops. Do not call a single label y: the next "
        "epoch still needs the array y.",
        where("train_reference", "activity.online", "does it for the whole network, with early stopping."),
    ),
    mistakes=(
        Mistake(
            "nothing moved",
            "W and b have not changed. sgd_step returns a new W and b: assign them.",
            "            W, b = sgd_step(",
            "            sgd_step(",
        ),
        Mistake(
            "first window only",
            "this is the result of one step. Is the return inside the loops? Put it after both.",
            "    return W, b",
            "            return W, b",
        ),
        Mistake(
            "always from the start",
            "every step starts from the W and b passed in: start each step from what the step before returned.",
            "            W, b = sgd_step(W, b, x, label, learning_rate)\n    return W, b",
            "            last = sgd_step(W, b, x, label, learning_rate)\n    return last",
        ),
        Mistake(
            "one epoch",
            "this stops after one epoch: return after the last one.",
            "    return W, b",
            "        return W, b",
        ),
        Mistake("one epoch short", "one epoch is missing: use range(epochs).", "range(epochs)", "range(1, epochs)"),
        Mistake("one epoch too many", "this is one epoch too many: use range(epochs).", "(epochs)", "(epochs + 1)"),
        Mistake(
            "bias left behind",
            "W changes but b does not: keep both results of sgd_step.",
            "W, b = sgd_step",
            "W, _ = sgd_step",
        ),
        Mistake(
            "whole batch", _BATCH, _EPOCH, _EPOCH_FROM_ONE_START.replace("learning_rate", "learning_rate / len(y)")
        ),
        Mistake("whole batch, summed", _BATCH, _EPOCH, _EPOCH_FROM_ONE_START),
        Mistake(
            "loops swapped",
            "the loops are swapped: each window is repeated `epochs` times. Put the epochs outside.",
            f"for _ in range(epochs):\n        {_WINDOWS}",
            f"{_WINDOWS}\n        for _ in range(epochs):",
        ),
        Mistake(
            "backwards",
            "the windows are taken from last to first: keep their order, because the last ones count most.",
            "zip(X, y, strict=True)",
            "zip(X[::-1], y[::-1], strict=True)",
        ),
    ),
)


def early_stopping(val_losses: Array, patience: int) -> tuple[int, int]:
    """The epoch kept and the epochs run, from 1, as Keras' EarlyStopping(restore_best_weights=True) has it."""
    best, kept = np.inf, 0
    for epoch, loss in enumerate(val_losses, start=1):
        if loss < best:
            best, kept = loss, epoch
        elif epoch - kept >= patience:
            break
    return kept, epoch


_BUMPY = np.array([1.9, 1.5, 1.6, 1.2, 1.3, 1.25, 1.1, 1.15, 1.2, 1.18, 1.3, 1.4, 0.9, 0.8])
_NOISE = np.random.default_rng(6).normal(0, 0.05, 60).round(3)

_REMEMBER = "            best, kept = loss, epoch\n        elif epoch - kept >= patience:\n            break\n"
_REMEMBER_THE_EPOCH_BEFORE = (
    "            kept = epoch\n        elif epoch - kept >= patience:\n            break\n        best = loss\n"
)
_RETURN = "return kept, epoch"
_PREVIOUS = "this compares with the epoch before: compare with the lowest loss so far."
_LOWEST = (
    "this uses losses that are not known yet: the lowest of all may come after the stop. Read the losses one by one."
)
_FROM_ZERO = "epochs are counted from 0 here: the first epoch should be epoch 1."

EARLY_STOPPING = Exercise(
    id="early-stopping",
    title="When to stop",
    solution=early_stopping,
    cases={
        "bumps, and a better loss after the stop": (_BUMPY, 3),
        "still improving at the end": (np.array([1.4, 1.2, 1.1, 1.0, 0.95]), 2),
        "patience not used up at the end": (np.array([1.4, 1.0, 0.8, 0.9, 0.85]), 4),
        "a stop soon after the start": (np.array([1.0, 1.2, 1.1, 1.3, 1.25, 1.4]), 3),
        "high losses": (np.array([250.0, 130.0, 140.0, 135.0, 131.0]), 2),
        "a single epoch": (np.array([2.5]), 2),
        "small steps": (np.array([1.0, 0.9995, 0.999, 0.9992, 0.9991, 1.0]), 2),
        "several epochs with the same loss": (np.array([1.2, 0.9, 0.9, 0.9, 0.95, 0.85]), 3),
        "many epochs": (2 / np.arange(1, 61) + 0.02 * np.arange(60) + _NOISE, 5),
    },
    right="your epochs agree with ours, also when training never stops early. Keras' EarlyStopping does the same.",
    hints=(
        "Read the losses one by one, without looking ahead. What must you remember from epoch to epoch?",
        "Remember the lowest loss so far and its epoch. A lower loss replaces both. Otherwise count the epochs since "
        "the best one: stop when there are as many as the patience. Return the remembered epoch and the current one.",
        where("train_reference", "activity.online", "does it; Keras has EarlyStopping(restore_best_weights=True)."),
    ),
    mistakes=(
        Mistake(
            "last epoch kept",
            "it stops at the right time, but keeps the last epoch: keep the one with the lowest loss.",
            _RETURN,
            "return epoch, epoch",
        ),
        Mistake(
            "swapped",
            "the two numbers are swapped: return first the epoch kept, then the epochs run.",
            _RETURN,
            "return epoch, kept",
        ),
        Mistake("counted from 0", _FROM_ZERO, _RETURN, "return kept - 1, epoch - 1"),
        Mistake("kept, counted from 0", _FROM_ZERO, _RETURN, "return kept - 1, epoch"),
        Mistake(
            "too early",
            "it stops one epoch too early: with patience 3, run three epochs without progress.",
            ">= patience",
            ">= patience - 1",
        ),
        Mistake(
            "too late",
            "it stops one epoch too late: with patience 3, the third epoch without progress is the last.",
            ">= patience",
            "> patience",
        ),
        Mistake("never stops", "it runs all epochs: use the patience to stop.", "break", "continue"),
        Mistake(
            "best of all",
            "the epoch kept comes after the stop: look for the lowest loss among the epochs run.",
            _RETURN,
            "return np.argmin(val_losses) + 1, epoch",
        ),
        Mistake(
            "argmin + patience",
            _LOWEST,
            _RETURN,
            "kept = np.argmin(val_losses) + 1\n    return kept, kept + patience",
        ),
        Mistake(
            "argmin + patience", _LOWEST, _RETURN, "kept = np.argmin(val_losses)\n    return kept, kept + patience"
        ),
        Mistake(
            "argmin + patience",
            _LOWEST,
            _RETURN,
            "kept = np.argmin(val_losses) + 1\n    return kept, min(kept + patience, len(val_losses))",
        ),
        Mistake(
            "compared with the epoch before",
            _PREVIOUS,
            f"{_REMEMBER}    {_RETURN}",
            _REMEMBER_THE_EPOCH_BEFORE + "    return np.argmin(val_losses[:epoch]) + 1, epoch",
        ),
        Mistake("last fall kept", _PREVIOUS, _REMEMBER, _REMEMBER_THE_EPOCH_BEFORE),
        Mistake(
            "in total",
            "this counts all epochs without progress: start to count from 0 again after each lower loss.",
            "epoch - kept >= patience",
            "(val_losses[1:epoch] >= np.minimum.accumulate(val_losses)[: epoch - 1]).sum() >= patience",
        ),
        Mistake(
            "equal counts",
            "an equal loss counts as progress here: only a lower loss should.",
            "loss < best",
            "loss <= best",
        ),
    ),
)


def paired_interval(before: Array, after: Array, n_resamples: int, seed: int) -> tuple[float, float]:
    """The 2.5% and 97.5% quantiles of the mean gain over resamples of people. before, after: (n_people,)."""
    gains = after - before
    rng = np.random.default_rng(seed)
    people = rng.integers(0, len(gains), size=(n_resamples, len(gains)))
    low, high = np.quantile(gains[people].mean(axis=1), [0.025, 0.975])
    return low, high


_DRAW = "rng.integers(0, len(gains), size=(n_resamples, len(gains)))"
_MEANS = "gains[people].mean(axis=1)"
_N_RESAMPLES = "the number of resamples is wrong: draw n_resamples. When it is 1, both ends are the same mean."

PAIRED_BOOTSTRAP = Exercise(
    id="paired-bootstrap",
    title="How sure is the mean gain?",
    solution=paired_interval,
    cases=symptoms.INTERVAL_CASES,
    right="your interval holds 95% of the resampled means. It is narrow because the two numbers of a person stay "
    "together.",
    hints=(
        "Each person has two numbers. If you draw a person twice, which numbers do you take?",
        "Compute each person's gain. Make one generator from the seed. Draw as many people as there are, with "
        "replacement, and average their gains. Repeat this n_resamples times. Return the 2.5% and 97.5% quantiles of "
        "the averages.",
        where("mean_interval", "activity.evaluation", "passes the gains to scipy.stats.bootstrap."),
    ),
    mistakes=(
        Mistake(
            "ends swapped",
            "the two ends are swapped: return the lower one first.",
            "return low, high",
            "return high, low",
            symptoms.interval_ends_swapped,
        ),
        Mistake(
            "sign swapped",
            "this is before minus after: a gain is after minus before.",
            "after - before",
            "before - after",
            symptoms.interval_sign_swapped,
        ),
        Mistake(
            "percent",
            "this is in percentage points: return a fraction, like the accuracies passed in.",
            "after - before",
            "100 * (after - before)",
            symptoms.interval_in_percent,
        ),
        Mistake(
            "sum",
            "these are sums of gains: divide by the number of people drawn.",
            _MEANS,
            "gains[people].sum(axis=1)",
            symptoms.interval_of_sums,
        ),
        Mistake(
            "half width",
            "these are half widths, not ends: return the lower and the upper end.",
            "return low, high",
            "return gains.mean(), (high - low) / 2",
            symptoms.interval_of_half_widths,
        ),
        Mistake(
            "fractions of a percent",
            "both ends are among the lowest means: np.percentile takes percent, here 2.5 and 97.5.",
            "[0.025, 0.975]",
            "[0.00025, 0.00975]",
            symptoms.interval_of_fractions_of_a_percent,
        ),
        Mistake(
            "without replacement",
            "every resample has the same mean: draw with replacement, so that a person can be drawn twice.",
            _DRAW,
            "np.array([rng.permutation(len(gains)) for _ in range(n_resamples)])",
            symptoms.interval_no_width_at_the_mean,
        ),
        Mistake(
            "one resample, again and again",
            "every resample is the same: make the generator once, before the loop.",
            _DRAW,
            "np.tile(rng.integers(0, len(gains), size=len(gains)), (n_resamples, 1))",
            symptoms.interval_no_width,
        ),
        Mistake(
            "over people",
            "this interval says how much people differ: average each resample, then take quantiles of the averages.",
            _MEANS,
            "gains",
            symptoms.interval_over_people,
        ),
        Mistake(
            "unpaired",
            "this interval is far too wide: draw people, and take both numbers of each person drawn.",
            _MEANS,
            "after[people].mean(axis=1) - before[rng.permutation(people)].mean(axis=1)",
            symptoms.interval_far_too_wide,
        ),
        Mistake(
            "5% and 95%",
            "this leaves out 5% on each side: for a 95% interval leave out 2.5%.",
            "[0.025, 0.975]",
            "[0.05, 0.95]",
            symptoms.interval_of_90_percent,
        ),
        Mistake(
            "extremes",
            "this interval goes (nearly) from the lowest mean to the highest: take the 2.5% and 97.5% quantiles.",
            "[0.025, 0.975]",
            "[0, 1]",
            symptoms.interval_of_extremes,
        ),
        Mistake(
            "seed ignored",
            "different seeds give the same interval: draw resamples, with a generator made from the seed.",
            "default_rng(seed)",
            "default_rng(42)",
            symptoms.interval_seed_ignored,
        ),
        Mistake(
            "other resamples",
            _N_RESAMPLES,
            "size=(n_resamples,",
            "size=(5000,",
            symptoms.interval_of_other_resamples,
        ),
        Mistake(
            "other people",
            "the resamples are wrong: draw each from all the people, and draw as many people as there are.",
            "rng.integers(0, len(gains), size=(n_resamples, len(gains)))",
            "rng.integers(0, len(gains), size=(n_resamples, len(gains) - 1))",
            symptoms.interval_of_other_people,
        ),
        Mistake(
            "another interval",
            "the interval is in the wrong place: 2.5% of the resampled means should be below it, and 2.5% above.",
            _MEANS,
            "np.median(gains[people], axis=1)",
            symptoms.interval_elsewhere,
        ),
        Mistake(
            "other resamples",
            _N_RESAMPLES,
            _MEANS,
            "np.append(gains[people].mean(axis=1)[1:], 0)",
            symptoms.interval_of_no_resample,
        ),
        Mistake(
            "not repeatable",
            "the same seed gives different intervals: make the generator from the seed, inside the function.",
            "default_rng(seed)",
            "default_rng()",
            symptoms.interval_not_repeatable,
        ),
    ),
)


def leaked(recordings: Array, starts: Array, train: Array, test: Array, window: int) -> Array:
    """Mask over `train`: True where a training window shares at least one reading with some test window.

    recordings, starts: (n_windows,), the recording and the first reading of each window; train, test: row numbers;
    window: readings in a window.
    """
    same = recordings[train][:, None] == recordings[test]
    apart = np.abs(starts[train][:, None] - starts[test])
    return (same & (apart < window)).any(axis=1)


def _splits() -> dict[str, tuple[Array, Array, Array, Array, int]]:
    """Rows are in random order, so that row numbers tell nothing."""
    rng = np.random.default_rng(7)
    mixed = rng.permutation(24)
    windows = np.repeat([4, 9, 2], 8)[mixed], np.tile(np.arange(8) * 5, 3)[mixed]
    recordings, starts = windows
    rows = rng.permutation(24)
    few = np.flatnonzero((recordings != 2) & (starts == 15))  # the same moment of two recordings, not of the third
    dense_starts = rng.permutation(100)[:40]
    train, test = np.flatnonzero(recordings != 9), np.flatnonzero(recordings == 9)
    return {
        "half-overlapping windows, drawn at random": (*windows, rows[6:], rows[:6], 10),
        "whole recordings in the test": (*windows, train, test, 10),
        "one test window in each of two recordings": (*windows, np.setdiff1d(rows, few), few, 10),
        "one test window": (np.full(9, 3), np.arange(9)[::-1] * 5, np.array([8, 5, 4, 2, 6, 0]), np.array([3]), 15),
        "windows in a row, all of which leak": (
            np.full(9, 1),
            np.arange(9) * 4,
            np.arange(0, 9, 2),
            np.arange(1, 9, 2),
            5,
        ),
        "windows that start anywhere": (np.repeat([0, 1], 20), dense_starts, np.arange(4, 40), np.arange(4), 9),
    }


_LATER, _EARLIER = "starts[train][:, None] - starts[test]", "starts[test] - starts[train][:, None]"
_APART = f"np.abs({_LATER})"
_NEAR = "same & (apart < window)"
_AFTER = "\n    return (same & (apart >= 0) & (apart < window))"
_LEAKS = f"({_NEAR}).any(axis=1)"
_ONE_SIDE = "this finds leaks on one side only: a training window can start earlier or later than the test window."
_NO_ABS = "a negative difference of starts always counts as close: take its absolute value."
_ROWS = "these are numbers of windows: return a mask, True or False for each training window."


FIND_THE_LEAK = Exercise(
    id="find-the-leak",
    title="Find the leak",
    solution=leaked,
    cases=_splits(),
    right="your mask marks the windows that share readings with the test, and no others. Leave them out of training.",
    hints=(
        "Two windows of a recording start at readings 0 and 50. How long must they be to share a reading? What if "
        "they are from two recordings?",
        "Look up the recordings and starts of the training and test rows. Compare every training window with every "
        "test window (column against row, or two loops). A training window leaks if a test window of the same "
        "recording starts less than one window length earlier or later.",
        where(
            "_overlaps", "activity.splits", "finds them; all our splits but the random one leave them out of training."
        ),
    ),
    mistakes=(
        Mistake(
            "recording forgotten",
            "windows of different recordings share no readings: compare the recordings too.",
            _NEAR,
            "apart < window",
        ),
        Mistake("starts forgotten", "this marks whole recordings: compare the starts too.", _NEAR, "same"),
        Mistake(
            "touching",
            "windows that only touch are marked too: when their starts are exactly one window apart, they share no "
            "reading.",
            "apart < window",
            "apart <= window",
        ),
        Mistake("only later", _ONE_SIDE, f"{_APART}\n    return ({_NEAR})", _LATER + _AFTER),
        Mistake("only earlier", _ONE_SIDE, f"{_APART}\n    return ({_NEAR})", _EARLIER + _AFTER),
        Mistake("no absolute value", _NO_ABS, _APART, _LATER),
        Mistake("no absolute value, the other way", _NO_ABS, _APART, _EARLIER),
        Mistake("over test", "this is a mask of test windows: mark training windows.", "any(axis=1)", "any(axis=0)"),
        Mistake(
            "same window only",
            "no window is in both lists. Look for training windows that share some readings with a test window.",
            _LEAKS,
            "np.isin(train, test)",
        ),
        Mistake(
            "row numbers compared",
            "row numbers are only places in a table: compare where the windows start.",
            _LATER,
            "train[:, None] - test",
        ),
        Mistake(
            "all test windows",
            "this marks only what shares readings with all test windows: one test window is enough.",
            "any(axis=1)",
            "all(axis=1)",
        ),
        Mistake("inverted", "the mask is inverted: True should mark the windows that leak.", _LEAKS, f"~{_LEAKS}"),
        Mistake(
            "counts",
            "these are counts: return True where there is any such test window, else False.",
            "any(axis=1)",
            "sum(axis=1)",
        ),
        Mistake("row numbers", _ROWS, _LEAKS, f"train[{_LEAKS}]"),
        Mistake("places in train", _ROWS, _LEAKS, f"np.flatnonzero({_LEAKS})"),
        Mistake(
            "numbers",
            "the mask holds the numbers 0 and 1, which would be read as row numbers: return True and False.",
            _LEAKS,
            f"{_LEAKS}.astype(int)",
            partial(symptoms.mask_not_boolean, cases=[*_splits().values()]),
        ),
    ),
)

EXERCISES = (ONLINE_SGD, EARLY_STOPPING, PAIRED_BOOTSTRAP, FIND_THE_LEAK)

QUESTIONS = (
    Question(
        "Your labelled windows are all of walking and jogging. After retraining, the model fails when you sit. Why?",
        {
            "It was trained for too few epochs": "More epochs only continue in the same direction: without windows of "
            "sitting, nothing corrects the model.",
            "The shared model did not know sitting either": "It did: some volunteers recorded sitting. Retraining has "
            "changed the weights that held this knowledge.",
            "Every step raised other classes, and none raised sitting": "Each step raises the score of its window's "
            "class and lowers all others. No window of sitting raises the score of sitting again, so the network "
            "forgets it.",
        },
        right="Every step raised other classes, and none raised sitting",
    ),
    Question(
        "A personal model is tested on random windows of the recordings that it was trained on. What does this test?",
        {
            "How well it does on recordings that it knows in part": "Neighbouring windows share readings, "
            "and a movement lasts for minutes: many test windows are nearly copies of training windows.",
            "How well it will do tomorrow": "Tomorrow is another recording. Hold out whole recordings or bouts "
            "(stretches of one activity): the gain often shrinks.",
            "How well it does on other people": "Then hold out whole people, as in the test of the shared model.",
        },
        right="How well it does on recordings that it knows in part",
    ),
    Question(
        "Over all people the mean gain is positive. What else do you need before you offer retraining to everybody?",
        {
            "Nothing: a positive mean is a gain for everybody": "Many people can still lose, if a few large gains "
            "outweigh their losses.",
            "The gain's paired interval, and how many are harmed": "The interval says whether the mean gain could be "
            "chance. The count says how many lose; nobody knows beforehand who they are.",
            "Each model's accuracy with its own interval": "These intervals are wide because people differ. Both "
            "models are tested on the same people: look at each person's difference.",
        },
        right="The gain's paired interval, and how many are harmed",
    ),
)
