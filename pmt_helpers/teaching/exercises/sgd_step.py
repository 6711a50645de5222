"""Exercise `sgd-step` (notebook 01): one step of stochastic gradient descent on one window."""

import numpy as np

from pmt_helpers.teaching.exercises.base import Exercise, Hints, Mistake
from pmt_helpers.teaching.exercises.forward_pass import softmax

Pair = tuple[np.ndarray, np.ndarray]


def _error(W: np.ndarray, b: np.ndarray, x: np.ndarray, y: int) -> np.ndarray:
    """Gradient of the cross-entropy with respect to the scores: probabilities minus the one-hot label."""
    return softmax(x @ W + b) - (np.arange(len(b)) == y)


def sgd_step(W: np.ndarray, b: np.ndarray, x: np.ndarray, y: int, learning_rate: float) -> Pair:
    """One step for one softmax layer. W: (features, classes), b: (classes,), x: (features,), y: class number."""
    error = _error(W, b, x, y)
    return W - learning_rate * np.outer(x, error), b - learning_rate * error


def _ascent(W: np.ndarray, b: np.ndarray, x: np.ndarray, y: int, learning_rate: float) -> Pair:
    return sgd_step(W, b, x, y, -learning_rate)


def _full_step(W: np.ndarray, b: np.ndarray, x: np.ndarray, y: int, learning_rate: float) -> Pair:
    return sgd_step(W, b, x, y, 1.0)


def _label_forgotten(W: np.ndarray, b: np.ndarray, x: np.ndarray, y: int, learning_rate: float) -> Pair:
    p = softmax(x @ W + b)
    return W - learning_rate * np.outer(x, p), b - learning_rate * p


def _transposed(W: np.ndarray, b: np.ndarray, x: np.ndarray, y: int, learning_rate: float) -> Pair:
    error = _error(W, b, x, y)
    return W - learning_rate * np.outer(error, x), b - learning_rate * error


def _bias_kept(W: np.ndarray, b: np.ndarray, x: np.ndarray, y: int, learning_rate: float) -> Pair:
    return sgd_step(W, b, x, y, learning_rate)[0], b


def _gradients(W: np.ndarray, b: np.ndarray, x: np.ndarray, y: int, learning_rate: float) -> Pair:
    error = _error(W, b, x, y)
    return np.outer(x, error), error


def _untouched(W: np.ndarray, b: np.ndarray, x: np.ndarray, y: int, learning_rate: float) -> Pair:
    return W, b


def _cases() -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, int, float]]:
    rng = np.random.default_rng(3)
    W, b, x = rng.normal(0, 0.5, (4, 3)), rng.normal(0, 0.5, 3), rng.normal(0, 1, 4)
    return {
        "a random layer": (W, b, x, 2, 0.1),
        "another label": (W, b, x, 0, 0.05),
        "a fresh layer, all zeros": (np.zeros((4, 3)), np.zeros(3), x, 1, 0.1),
    }


SGD_STEP = Exercise(
    id="sgd-step",
    notebook="01",
    title="One step of learning",
    signature="sgd_step(W, b, x, y, learning_rate)",
    right="your step is the one that Keras takes. Training is nothing but this, again and again, window after window.",
    hints=Hints(
        nudge="First predict. The error of each class is what you predicted for it, less what you should have: 1 for "
        "the true class, 0 for the others. Which weights contributed to it, and how much?",
        sketch="Probabilities by softmax; subtract a one-hot vector of the label; that error is the bias's gradient. "
        "The gradient of the weights has the shape of W: entry (feature, class) is the feature's value times the "
        "class's error (np.outer). Move both against their gradients, by the learning rate.",
        pointer="The plain NumPy step for the whole network, hidden layer included, is train_plainly in "
        "pmt_helpers/activity/online.py; with Keras it is model.train_on_batch.",
    ),
    cases=_cases(),
    reference=sgd_step,
    mistakes=(
        Mistake(
            "ascent",
            "your step goes uphill: the loss grows. Subtract the gradient instead of adding it.",
            _ascent,
        ),
        Mistake(
            "no learning rate",
            "the direction is right but the step is far too long: multiply the gradient by the learning rate.",
            _full_step,
        ),
        Mistake(
            "label forgotten",
            "this pushes every class down, the true one too. The error is the probabilities minus 1 at the true class.",
            _label_forgotten,
        ),
        Mistake(
            "transposed",
            "the gradient of W is transposed. It needs the shape of W, features by classes: swap the two in the outer "
            "product.",
            _transposed,
        ),
        Mistake("bias not updated", "W is right, but b stayed as it was. The bias learns too.", _bias_kept),
        Mistake(
            "gradients",
            "these are the gradients, and they are right. Return the new W and b: the old ones moved against them.",
            _gradients,
        ),
        Mistake(
            "nothing moved",
            "W and b came back as they were. Compute the gradient and move both against it.",
            _untouched,
        ),
    ),
)
