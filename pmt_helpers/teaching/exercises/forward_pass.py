"""Exercise `forward-pass` (notebook 01): what the network does with a window, in NumPy."""

import numpy as np

from pmt_helpers.teaching.exercises.base import Exercise, Hints, Mistake


def _scores(X: np.ndarray, W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, b2: np.ndarray) -> np.ndarray:
    return np.maximum(X @ W1 + b1, 0) @ W2 + b2


def softmax(scores: np.ndarray, axis: int | None = -1) -> np.ndarray:
    """exp(score) over the sum of exp(score), along one axis (None: over everything)."""
    shifted = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return shifted / shifted.sum(axis=axis, keepdims=True)


def forward(X: np.ndarray, W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, b2: np.ndarray) -> np.ndarray:
    """Probabilities (n, classes) of windows X (n, features): one hidden layer with ReLU, then softmax."""
    return softmax(_scores(X, W1, b1, W2, b2))


def _overflowing(X: np.ndarray, W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, b2: np.ndarray) -> np.ndarray:
    powers = np.exp(_scores(X, W1, b1, W2, b2))
    return powers / powers.sum(axis=1, keepdims=True)


def _cases() -> dict[str, tuple[np.ndarray, ...]]:
    rng = np.random.default_rng(2)
    W1, b1, W2, b2 = rng.normal(0, 1, (5, 8)), rng.normal(0, 1, 8), rng.normal(0, 1, (8, 3)), rng.normal(0, 1, 3)
    X = rng.normal(0, 1, (4, 5))
    return {
        "four windows": (X, W1, b1, W2, b2),
        "one window": (X[:1], W1, b1, W2, b2),
        "very large inputs": (X * 1e4, W1, b1, W2, b2),
    }


_BIAS = "a bias is missing: each layer multiplies by its weights and then adds its own bias."
_AXIS = (
    "the probabilities of a window do not add up to 1. Softmax shares 1 out among the classes of one window, "
    "so divide by the sum along each row."
)

FORWARD_PASS = Exercise(
    id="forward-pass",
    notebook="01",
    title="From features to probabilities",
    signature="forward(X, W1, b1, W2, b2)",
    right="your probabilities agree with ours, even for very large inputs. These few lines are all that the network "
    "does to predict.",
    hints=Hints(
        nudge="Two layers, one after the other. What happens to negative values after the first, and what turns the "
        "scores of the second into shares of 1?",
        sketch="Hidden layer: multiply by the first weights, add the first bias, set what is negative to 0. Output "
        "layer: multiply by the second weights and add the second bias. Softmax: take each row's own maximum away, "
        "exponentiate, divide each row by its sum (keepdims=True keeps the shapes in line).",
        pointer="Keras does the same inside build_mlp, in pmt_helpers/activity/model.py: a Dense layer with ReLU, "
        "then one with softmax.",
    ),
    cases=_cases(),
    reference=forward,
    mistakes=(
        Mistake(
            "no ReLU",
            "the hidden layer lets negative values through. Apply ReLU (what is below 0 becomes 0) before the second "
            "layer: without it two layers are no more than one.",
            lambda X, W1, b1, W2, b2: softmax((X @ W1 + b1) @ W2 + b2),
        ),
        Mistake(
            "logits",
            "these are the scores of the output layer. Softmax is still to come: it turns them into probabilities.",
            _scores,
        ),
        Mistake(
            "sigmoid instead of softmax",
            "this is a sigmoid of each score, so every class is judged by itself. Softmax makes the classes share 1.",
            lambda X, W1, b1, W2, b2: 1 / (1 + np.exp(-_scores(X, W1, b1, W2, b2))),
        ),
        Mistake("softmax over windows", _AXIS, lambda *args: softmax(_scores(*args), axis=0)),
        Mistake("softmax over everything", _AXIS, lambda *args: softmax(_scores(*args), axis=None)),
        Mistake("both biases", _BIAS, lambda X, W1, b1, W2, b2: softmax(np.maximum(X @ W1, 0) @ W2)),
        Mistake("first bias", _BIAS, lambda X, W1, b1, W2, b2: softmax(np.maximum(X @ W1, 0) @ W2 + b2)),
        Mistake("second bias", _BIAS, lambda X, W1, b1, W2, b2: softmax(np.maximum(X @ W1 + b1, 0) @ W2)),
        Mistake(
            "class numbers",
            "these are the most probable classes. Return the probability of every class; picking the largest comes "
            "later.",
            lambda *args: forward(*args).argmax(axis=1),
        ),
        Mistake(
            "overflow",
            "right for ordinary windows, but very large inputs overflow: exp(1000) is infinite, and infinity over "
            "infinity is NaN. Take each row's maximum away before exp; the probabilities stay the same.",
            _overflowing,
        ),
    ),
)
