"""Exercise `online-sgd` (notebook 02): training at home is one step after another, a window at a time."""

import numpy as np

from pmt_helpers.teaching.exercises.base import Exercise, Hints, Mistake
from pmt_helpers.teaching.exercises.forward_pass import softmax
from pmt_helpers.teaching.exercises.sgd_step import Pair, sgd_step

Array = np.ndarray


def online_sgd(W: Array, b: Array, X: Array, y: Array, epochs: int, learning_rate: float) -> Pair:
    """A softmax layer after `epochs` times through the windows X (n, features) with classes y (n,), a step for each."""
    for _ in range(epochs):
        for x, label in zip(X, y, strict=True):
            W, b = sgd_step(W, b, x, label, learning_rate)
    return W, b


def _always_from_the_start(W: Array, b: Array, X: Array, y: Array, epochs: int, learning_rate: float) -> Pair:
    return sgd_step(W, b, X[-1], y[-1], learning_rate)  # all the steps before it are thrown away


def _bias_left_behind(W: Array, b: Array, X: Array, y: Array, epochs: int, learning_rate: float) -> Pair:
    for x, label in zip(np.tile(X, (epochs, 1)), np.tile(y, epochs), strict=True):
        W, _ = sgd_step(W, b, x, label, learning_rate)
    return W, b


def _whole_batch(W: Array, b: Array, X: Array, y: Array, epochs: int, step: float) -> Pair:
    """One step an epoch along the sum of all gradients."""
    for _ in range(epochs):
        error = softmax(X @ W + b) - (y[:, None] == np.arange(len(b)))
        W, b = W - step * X.T @ error, b - step * error.sum(axis=0)
    return W, b


def _each_window_in_one_go(W: Array, b: Array, X: Array, y: Array, epochs: int, learning_rate: float) -> Pair:
    return online_sgd(W, b, np.repeat(X, epochs, axis=0), np.repeat(y, epochs), 1, learning_rate)


def _cases() -> dict[str, tuple[Array, Array, Array, Array, int, float]]:
    rng = np.random.default_rng(5)
    W, b = rng.normal(0, 0.5, (4, 3)), rng.normal(0, 0.5, 3)
    X, y = rng.normal(0, 1, (6, 4)), np.array([2, 0, 0, 1, 2, 1])
    return {
        "six windows, four epochs": (W, b, X, y, 4, 0.2),
        "three windows, three epochs": (np.zeros((4, 3)), np.zeros(3), X[:3], y[:3], 3, 0.1),
        "one epoch": (W, b, X, y, 1, 0.1),
    }


_BATCH = (
    "this takes one step an epoch, with the gradients of all the windows at once. Online means a step for each window, "
    "so that the next window already meets the new weights."
)

ONLINE_SGD = Exercise(
    id="online-sgd",
    notebook="02",
    title="Train at home: step after step",
    signature="online_sgd(W, b, X, y, epochs, learning_rate)",
    right="your W and b agree with ours. This is all the training that your device does: two loops around one step.",
    hints=Hints(
        nudge="You have a function for one step. Which W and b should the second step start from: those that came in, "
        "or those that the first step returned?",
        sketch="Two loops: outside the epochs, inside the windows in their order with their labels. Inside, hand the "
        "current W and b to sgd_step and keep what it returns under the same two names. Return them after both loops. "
        "Do not call a single label y: the next epoch still needs the array of that name.",
        pointer="train_plainly in pmt_helpers/activity/online.py is the same for the whole network, with a stop when "
        "put-aside windows no longer improve.",
    ),
    cases=_cases(),
    reference=online_sgd,
    mistakes=(
        Mistake(
            "nothing moved",
            "W and b came back as they were. sgd_step changes nothing by itself: it returns a new W and b, so keep "
            "those.",
            lambda W, b, X, y, epochs, learning_rate: (W, b),
        ),
        Mistake(
            "first window only",
            "this is the layer after a single step. Perhaps the return stands inside of the loops: it belongs after "
            "both.",
            lambda W, b, X, y, epochs, learning_rate: sgd_step(W, b, X[0], y[0], learning_rate),
        ),
        Mistake(
            "always from the start",
            "every step starts again from the W and b that came in, so only the last one counts. Start each step from "
            "what the step before it returned.",
            _always_from_the_start,
        ),
        Mistake(
            "one epoch",
            "this is right for one epoch, and then it stops. Go through the windows `epochs` times, and return after "
            "that.",
            lambda W, b, X, y, epochs, learning_rate: online_sgd(W, b, X, y, 1, learning_rate),
        ),
        Mistake(
            "one epoch short",
            "one epoch is missing. range(1, epochs) has epochs - 1 numbers; range(epochs) has them all.",
            lambda W, b, X, y, epochs, learning_rate: online_sgd(W, b, X, y, epochs - 1, learning_rate),
        ),
        Mistake(
            "bias left behind",
            "W learns from step to step, but b stays as it came in. Carry both along: sgd_step returns a pair.",
            _bias_left_behind,
        ),
        Mistake(
            "whole batch",
            _BATCH,
            lambda W, b, X, y, epochs, learning_rate: _whole_batch(W, b, X, y, epochs, learning_rate / len(y)),
        ),
        Mistake("whole batch, summed", _BATCH, _whole_batch),
        Mistake(
            "loops swapped",
            "the loops are the wrong way round: each window is repeated `epochs` times before the next one has its "
            "turn, and the last one has the final say. The epochs belong outside.",
            _each_window_in_one_go,
        ),
        Mistake(
            "backwards",
            "the windows are taken from the last to the first. Take them in the order given: here, what is seen last "
            "weighs most.",
            lambda W, b, X, y, epochs, learning_rate: online_sgd(W, b, X[::-1], y[::-1], epochs, learning_rate),
        ),
    ),
)
