"""Notebook 02's exercises and quiz: training step by step, when to stop, how sure a gain is, a split that leaks."""

import numpy as np

from pmt_helpers.teaching.exercises import symptoms
from pmt_helpers.teaching.exercises.base import Exercise, Mistake
from pmt_helpers.teaching.exercises.nb01 import sgd_step
from pmt_helpers.teaching.questions import Question

Array = np.ndarray


# ---- online-sgd ----


def online_sgd(W: Array, b: Array, X: Array, y: Array, epochs: int, learning_rate: float) -> tuple[Array, Array]:
    """A softmax layer after `epochs` passes over windows X (n, n_features) with classes y (n,), one step per window."""
    for _ in range(epochs):
        for x, label in zip(X, y, strict=True):
            W, b = sgd_step(W, b, x, label, learning_rate)
    return W, b


def _windows_and_layers() -> dict[str, tuple[Array, Array, Array, Array, int, float]]:
    rng = np.random.default_rng(5)
    W, b = rng.normal(0, 0.5, (4, 3)), rng.normal(0, 0.5, 3)
    X, y = rng.normal(0, 1, (6, 4)), np.array([2, 0, 0, 1, 2, 1])
    return {
        "six windows, four epochs": (W, b, X, y, 4, 0.2),
        "three windows, three epochs": (np.zeros((4, 3)), np.zeros(3), X[:3], y[:3], 3, 0.1),
        "one epoch": (W, b, X, y, 1, 0.1),
    }


_EPOCH = "        for x, label in zip(X, y, strict=True):\n            W, b = sgd_step(W, b, x, label, learning_rate)"
_EPOCH_FROM_ONE_START = (
    "        start = W, b\n"
    "        for x, label in zip(X, y, strict=True):\n"
    "            step = sgd_step(*start, x, label, learning_rate)\n"
    "            W, b = W + step[0] - start[0], b + step[1] - start[1]"
)
_BATCH = (
    "this takes one step per epoch, with the gradients of all windows at once. Online means one step per window, so "
    "that the next window already meets the new weights."
)

ONLINE_SGD = Exercise(
    id="online-sgd",
    title="Train at home: step after step",
    solution=online_sgd,
    cases=_windows_and_layers(),
    right="your W and b agree with ours. This is all the training that your device does: two loops around one step.",
    hints=(
        "You have a function for one step. Which W and b should the second step start from: those that came in, or "
        "those that the first step returned?",
        "Two loops: outside the epochs, inside the windows in their order with their labels. Inside, pass the current "
        "W and b to sgd_step and keep what it returns under the same two names. Return them after both loops. Do not "
        "call a single label y: the next epoch still needs the array of that name.",
        "train_reference in pmt_helpers/activity/online.py does the same for the whole network, and stops when "
        "held-out windows no longer improve.",
    ),
    mistakes=(
        Mistake(
            "nothing moved",
            "W and b came back as they were. sgd_step changes nothing by itself: it returns a new W and b, so keep "
            "those.",
            "            W, b = sgd_step(",
            "            sgd_step(",
        ),
        Mistake(
            "first window only",
            "this is the layer after a single step. Perhaps the return stands inside the loops: it belongs after both.",
            "    return W, b",
            "            return W, b",
        ),
        Mistake(
            "always from the start",
            "every step starts again from the W and b that came in, so only the last one counts. Start each step from "
            "what the step before it returned.",
            "            W, b = sgd_step(W, b, x, label, learning_rate)\n    return W, b",
            "            last = sgd_step(W, b, x, label, learning_rate)\n    return last",
        ),
        Mistake(
            "one epoch",
            "this is right for one epoch, and then it stops. Go through the windows `epochs` times, and return after "
            "that.",
            "    return W, b",
            "        return W, b",
        ),
        Mistake(
            "one epoch short",
            "one epoch is missing. range(1, epochs) has epochs - 1 numbers; range(epochs) has them all.",
            "range(epochs)",
            "range(1, epochs)",
        ),
        Mistake(
            "bias left behind",
            "W learns from step to step, but b stays as it came in. Carry both along: sgd_step returns a pair.",
            "W, b = sgd_step",
            "W, _ = sgd_step",
        ),
        Mistake(
            "whole batch",
            _BATCH,
            _EPOCH,
            _EPOCH_FROM_ONE_START.replace("learning_rate", "learning_rate / len(y)"),
        ),
        Mistake("whole batch, summed", _BATCH, _EPOCH, _EPOCH_FROM_ONE_START),
        Mistake(
            "loops swapped",
            "the loops are the wrong way round: each window is repeated `epochs` times before the next one has its "
            "turn, and the last one has the final say. The epochs belong outside.",
            "for _ in range(epochs):\n        for x, label in zip(X, y, strict=True):",
            "for x, label in zip(X, y, strict=True):\n        for _ in range(epochs):",
        ),
        Mistake(
            "backwards",
            "the windows are taken from the last to the first. Take them in the given order: the windows seen last "
            "weigh most.",
            "zip(X, y, strict=True)",
            "zip(X[::-1], y[::-1], strict=True)",
        ),
    ),
)


# ---- early-stopping ----


def early_stopping(val_losses: Array, patience: int) -> tuple[int, int]:
    """The epoch kept and the epochs run, from 1, as Keras' EarlyStopping(restore_best_weights=True) has it."""
    best, kept = np.inf, 0
    for epoch, loss in enumerate(val_losses, start=1):
        if loss < best:
            best, kept = loss, epoch
        elif epoch - kept >= patience:
            break
    return kept, epoch


def _loss_curves() -> dict[str, tuple[Array, int]]:
    bumpy = np.array([1.9, 1.5, 1.6, 1.2, 1.3, 1.25, 1.1, 1.15, 1.2, 1.18, 1.3, 1.4, 0.9, 0.8])
    flat = np.array([1.2, 0.9, 0.9, 0.9, 0.95, 0.85])
    rng = np.random.default_rng(6)
    return {
        "bumps, and a better loss after the stop": (bumpy, 3),
        "still improving at the end": (np.array([1.4, 1.2, 1.1, 1.0, 0.95]), 2),
        "patience not used up at the end": (np.array([1.4, 1.0, 0.8, 0.9, 0.85]), 4),
        "several epochs with the same loss": (flat, 3),
        "many epochs": (2 / np.arange(1, 61) + 0.02 * np.arange(60) + rng.normal(0, 0.05, 60).round(3), 5),
    }


_REMEMBER = "            best, kept = loss, epoch\n        elif epoch - kept >= patience:\n            break\n"
_REMEMBER_THE_EPOCH_BEFORE = (
    "            kept = epoch\n        elif epoch - kept >= patience:\n            break\n        best = loss\n"
)
_PREVIOUS = (
    "this starts counting again whenever the loss is lower than one epoch before. Compare with the best loss so far: "
    "after a bad epoch, a less bad one is no progress."
)
_FROM_ZERO = "an epoch is counted from 0. Count from 1, as people and figures do: the first epoch is epoch 1."

EARLY_STOPPING = Exercise(
    id="early-stopping",
    title="When to stop",
    solution=early_stopping,
    cases=_loss_curves(),
    right="your epochs agree with ours, also when the patience is never used up. Keras does the same when it restores "
    "the best weights.",
    hints=(
        "Go through the losses as training would meet them, without looking ahead. What do you need to remember from "
        "epoch to epoch?",
        "Remember the lowest loss so far and its epoch. A lower loss replaces both. Otherwise, see how many epochs ago "
        "the best one was: when that reaches the patience, stop. The answer is the remembered epoch and the one that "
        "you have reached.",
        "train_reference in pmt_helpers/activity/online.py does it while it trains; in Keras it is the callback "
        "EarlyStopping(patience=..., restore_best_weights=True).",
    ),
    mistakes=(
        Mistake(
            "last epoch kept",
            "it stops at the right time, but keeps the last epoch. By then the loss has been worse for a while: keep "
            "the epoch of the lowest loss.",
            "return kept, epoch",
            "return epoch, epoch",
        ),
        Mistake(
            "swapped",
            "the two numbers are swapped: first the epoch kept, then the epochs run.",
            "return kept, epoch",
            "return epoch, kept",
        ),
        Mistake("counted from 0", _FROM_ZERO, "return kept, epoch", "return kept - 1, epoch - 1"),
        Mistake("kept, counted from 0", _FROM_ZERO, "return kept, epoch", "return kept - 1, epoch"),
        Mistake(
            "too early",
            "it stops one epoch too early. Patience is the number of epochs without progress that are run: with "
            "patience 3 the third of them is the last.",
            ">= patience",
            ">= patience - 1",
        ),
        Mistake(
            "too late",
            "it stops one epoch too late. With patience 3, training ends after the third epoch in a row without "
            "progress.",
            ">= patience",
            "> patience",
        ),
        Mistake(
            "never stops",
            "it runs all the epochs, and does not use the patience. Leave the loop after that many epochs without "
            "progress.",
            "break",
            "continue",
        ),
        Mistake(
            "best of all",
            "the epoch kept was never run: the lowest loss of the whole list comes after the stop. Look only at the "
            "epochs up to there.",
            "return kept, epoch",
            "return np.argmin(val_losses) + 1, epoch",
        ),
        Mistake(
            "compared with the epoch before",
            _PREVIOUS,
            _REMEMBER + "    return kept, epoch",
            _REMEMBER_THE_EPOCH_BEFORE + "    return np.argmin(val_losses[:epoch]) + 1, epoch",
        ),
        Mistake("last fall kept", _PREVIOUS, _REMEMBER, _REMEMBER_THE_EPOCH_BEFORE),
        Mistake(
            "in total",
            "this counts all the epochs without progress together. Only those in a row count: progress sets the count "
            "back to 0.",
            "epoch - kept >= patience",
            "(val_losses[1:epoch] >= np.minimum.accumulate(val_losses)[: epoch - 1]).sum() >= patience",
        ),
        Mistake(
            "equal counts",
            "an equal loss counts as progress here. Only a lower one does, so of several equal epochs the first is "
            "kept.",
            "loss < best",
            "loss <= best",
        ),
    ),
)


# ---- paired-bootstrap ----


def paired_interval(before: Array, after: Array, n_resamples: int, seed: int) -> tuple[float, float]:
    """The 2.5% and 97.5% quantiles of the mean gain over resamples of people. before, after: (n_people,)."""
    gains = after - before
    rng = np.random.default_rng(seed)
    people = rng.integers(0, len(gains), size=(n_resamples, len(gains)))
    low, high = np.quantile(gains[people].mean(axis=1), [0.025, 0.975])
    return low, high


_NO_WIDTH = "the interval has no width: every resample has the same mean. "

PAIRED_BOOTSTRAP = Exercise(
    id="paired-bootstrap",
    title="How sure is the mean gain?",
    solution=paired_interval,
    cases=symptoms.INTERVAL_CASES,
    right="your interval holds the share of resampled means that it should, and the seed decides which are drawn. Each "
    "person kept their own two numbers: that is what makes it narrow.",
    hints=(
        "Each person comes with two numbers. If you draw a person twice, which numbers come along?",
        "First compute each person's own gain. Make one generator from the seed. Draw as many people as there are, "
        "with replacement, and average their gains; do that n_resamples times. The interval goes from the 2.5% to the "
        "97.5% quantile of those averages.",
        "mean_interval in pmt_helpers/activity/evaluation.py passes the gains to scipy.stats.bootstrap.",
    ),
    mistakes=(
        Mistake(
            "ends swapped",
            "the two ends are swapped: the lower one comes first.",
            "return low, high",
            "return high, low",
            symptoms.interval_ends_swapped,
        ),
        Mistake(
            "sign swapped",
            "this is before minus after, so a gain looks like a loss. A gain is what comes after minus what was "
            "before.",
            "after - before",
            "before - after",
            symptoms.interval_sign_swapped,
        ),
        Mistake(
            "percent",
            "this is in percentage points. Leave it as a fraction, as the accuracies that came in are.",
            "after - before",
            "100 * (after - before)",
            symptoms.interval_in_percent,
        ),
        Mistake(
            "without replacement",
            _NO_WIDTH + "Draw with replacement, so that some people come twice and others not at all.",
            "rng.integers(0, len(gains), size=(n_resamples, len(gains)))",
            "np.array([rng.permutation(len(gains)) for _ in range(n_resamples)])",
            symptoms.interval_no_width_at_the_mean,
        ),
        Mistake(
            "one resample, again and again",
            _NO_WIDTH
            + "Make the generator once, before the resamples: made anew from the same seed it repeats itself.",
            "rng.integers(0, len(gains), size=(n_resamples, len(gains)))",
            "np.tile(rng.integers(0, len(gains), size=len(gains)), (n_resamples, 1))",
            symptoms.interval_no_width,
        ),
        Mistake(
            "over people",
            "this says how much people differ. The question is how sure their mean is: average each resample first, "
            "then take the quantiles of the averages.",
            "gains[people].mean(axis=1)",
            "gains",
            symptoms.interval_over_people,
        ),
        Mistake(
            "unpaired",
            "the interval is far too wide: before and after come from different people, so it measures how people "
            "differ. Draw people, and take both numbers of each.",
            "gains[people].mean(axis=1)",
            "after[people].mean(axis=1) - before[rng.permutation(people)].mean(axis=1)",
            symptoms.interval_far_too_wide,
        ),
        Mistake(
            "5% and 95%",
            "this leaves out 5% on each side, so it holds 90% of the resampled means. For 95% leave out 2.5% on each "
            "side.",
            "[0.025, 0.975]",
            "[0.05, 0.95]",
            symptoms.interval_of_90_percent,
        ),
        Mistake(
            "extremes",
            "this goes from the smallest to the largest resampled mean, or nearly so. It grows with the number of "
            "resamples: take the 2.5% and 97.5% quantiles.",
            "[0.025, 0.975]",
            "[0, 1]",
            symptoms.interval_of_extremes,
        ),
        Mistake(
            "another interval",
            "the interval is not where it should be. About 2.5% of the mean gains of resampled people should lie below "
            "it, and as many above.",
            "gains[people].mean(axis=1)",
            "np.median(gains[people], axis=1)",
            symptoms.interval_elsewhere,
        ),
        Mistake(
            "seed ignored",
            "different seeds give the same interval. Make the random generator from the seed that comes in.",
            "default_rng(seed)",
            "default_rng(42)",
            symptoms.interval_seed_ignored,
        ),
        Mistake(
            "not repeatable",
            "the same seed gives another interval every time. Make the generator from the seed, inside the function.",
            "default_rng(seed)",
            "default_rng()",
            symptoms.interval_not_repeatable,
        ),
    ),
)


# ---- find-the-leak ----


def leaked(recordings: Array, starts: Array, train: Array, test: Array, window: int) -> Array:
    """Mask over `train`: True where a training window shares at least one reading with some test window.

    recordings, starts: (n_windows,), the recording and the first reading of each window; train, test: row numbers;
    window: readings in a window.
    """
    same = recordings[train][:, None] == recordings[test]
    apart = np.abs(starts[train][:, None] - starts[test])
    return (same & (apart < window)).any(axis=1)


def _splits() -> dict[str, tuple[Array, Array, Array, Array, int]]:
    """Rows stand in no order of time, so that row numbers tell nothing."""
    rng = np.random.default_rng(7)
    mixed = rng.permutation(24)
    recordings, starts = np.repeat([4, 9, 2], 8)[mixed], np.tile(np.arange(8) * 5, 3)[mixed]
    rows = rng.permutation(24)
    in_test_recording = recordings == 9
    few = np.flatnonzero((recordings != 2) & (starts == 15))  # the same moment of two recordings, the third free
    dense_starts = rng.permutation(100)[:40]
    return {
        "half-overlapping windows, drawn at random": (recordings, starts, rows[6:], rows[:6], 10),
        "whole recordings in the test": (
            recordings,
            starts,
            np.flatnonzero(~in_test_recording),
            np.flatnonzero(in_test_recording),
            10,
        ),
        "one test window in each of two recordings": (recordings, starts, np.setdiff1d(rows, few), few, 10),
        "one test window": (np.full(9, 3), np.arange(9)[::-1] * 5, np.array([8, 5, 4, 2, 6, 0]), np.array([3]), 15),
        "windows that start anywhere": (np.repeat([0, 1], 20), dense_starts, np.arange(4, 40), np.arange(4), 9),
    }


_APART = "np.abs(starts[train][:, None] - starts[test])"
_LEAKS = "(same & (apart < window)).any(axis=1)"
_ONE_SIDE = (
    "this finds leaks on one side of a test window only. A training window that starts earlier can share readings as "
    "well as one that starts later."
)
_NO_ABS = (
    "a difference of starts can be negative, and every negative number is below the window's length. Take the distance "
    "without its sign."
)
_ROWS = (
    "these are the numbers of the leaking windows. Return a mask: True or False for each training window, in the order "
    "of `train`."
)

FIND_THE_LEAK = Exercise(
    id="find-the-leak",
    title="Find the leak",
    solution=leaked,
    cases=_splits(),
    right="your mask marks the training windows that have readings in common with the test, and no others. Leave them "
    "out, and the test is about windows never seen, not even in part.",
    hints=(
        "Two windows of the same length start at readings 0 and 50. How long must a window be for them to share a "
        "reading? And what if they are of different recordings?",
        "Look up the recordings and starts of the training rows and of the test rows. Compare every training window "
        "with every test window (as a column against a row, or in two loops): same recording, and the starts less than "
        "one window apart, whichever comes first. A training window leaks if that holds for any test window.",
        "_overlaps in pmt_helpers/activity/splits.py: every split of the workbook, except the random one, drops "
        "such windows from training.",
    ),
    mistakes=(
        Mistake(
            "recording forgotten",
            "windows of different recordings count as neighbours because they start at the same time. They share no "
            "reading: compare the recordings too.",
            "same & (apart < window)",
            "apart < window",
        ),
        Mistake(
            "starts forgotten",
            "this marks every training window of a recording that has a test window. That is a stricter rule: only "
            "those less than one window apart share a reading.",
            "same & (apart < window)",
            "same",
        ),
        Mistake(
            "touching",
            "windows that only touch count here. When the starts are exactly one window apart, one ends just before "
            "the other begins, and no reading is in both.",
            "apart < window",
            "apart <= window",
        ),
        Mistake(
            "only later",
            _ONE_SIDE,
            f"{_APART}\n    return (same & (apart < window))",
            "starts[train][:, None] - starts[test]\n    return (same & (apart >= 0) & (apart < window))",
        ),
        Mistake(
            "only earlier",
            _ONE_SIDE,
            f"{_APART}\n    return (same & (apart < window))",
            "starts[test] - starts[train][:, None]\n    return (same & (apart >= 0) & (apart < window))",
        ),
        Mistake("no absolute value", _NO_ABS, _APART, "starts[train][:, None] - starts[test]"),
        Mistake("no absolute value, the other way", _NO_ABS, _APART, "starts[test] - starts[train][:, None]"),
        Mistake(
            "over test",
            "this mask is about the test windows. The question is which training windows to leave out: one value for "
            "each of those.",
            "any(axis=1)",
            "any(axis=0)",
        ),
        Mistake(
            "same window only",
            "no window is in both lists, so this finds nothing. The leak is subtler: a training window can share some "
            "of its readings with a test window.",
            _LEAKS,
            "np.isin(train, test)",
        ),
        Mistake(
            "row numbers compared",
            "this compares row numbers. They are only places in a table: look up where each row's window starts.",
            "starts[train][:, None] - starts[test]",
            "train[:, None] - test",
        ),
        Mistake(
            "all test windows",
            "this asks for readings shared with every test window. One test window is enough for a leak.",
            "any(axis=1)",
            "all(axis=1)",
        ),
        Mistake(
            "inverted",
            "the mask is the wrong way round: True should mark the windows that leak, not those that are clean.",
            _LEAKS,
            f"~{_LEAKS}",
        ),
        Mistake("row numbers", _ROWS, _LEAKS, f"train[{_LEAKS}]"),
        Mistake("places in train", _ROWS, _LEAKS, f"np.flatnonzero({_LEAKS})"),
    ),
)

EXERCISES = (ONLINE_SGD, EARLY_STOPPING, PAIRED_BOOTSTRAP, FIND_THE_LEAK)

QUESTIONS = (
    Question(
        "Your labelled windows are all of walking and jogging. After retraining, the model fails when you sit. Why?",
        {
            "It was trained for too few epochs": "More epochs on the same windows push further in the same direction: "
            "what is not among them is never corrected.",
            "The shared model did not know sitting either": "It did: volunteers sat. That knowledge was in the weights "
            "that the retraining has moved.",
            "Every step raised the classes shown, none held the rest": "Each step lowers the score of all the classes "
            "that a window does not show. With no window of sitting, nothing pulls it up again: the network forgets.",
        },
        right="Every step raised the classes shown, none held the rest",
    ),
    Question(
        "A personal model is tested on random windows of the recordings that it was trained on. What does this test?",
        {
            "How it does on the same recordings, known in part": "Neighbouring windows share readings, and a movement "
            "goes on for minutes: the test holds near copies of what was learnt.",
            "How it will do tomorrow": "Tomorrow is another recording. For that, hold out whole recordings or bouts, "
            "and the gain often shrinks.",
            "How it does on other people": "For that, whole people must be held out, as when the shared model was "
            "tested.",
        },
        right="How it does on the same recordings, known in part",
    ),
    Question(
        "Over all people the mean gain is positive. What else do you need before you offer retraining to everybody?",
        {
            "Nothing: a positive mean is a gain for everybody": "A mean can be positive while many people lose: a few "
            "large gains outweigh them.",
            "The gain's paired interval, and how many are harmed": "The interval says whether the mean could be the "
            "luck of who took part; the count says how many lose by it. Those had better keep the shared model.",
            "Each model's accuracy with its own interval": "Those intervals are wide because people differ. Both "
            "models met the same people: look at each person's difference.",
        },
        right="The gain's paired interval, and how many are harmed",
    ),
)
