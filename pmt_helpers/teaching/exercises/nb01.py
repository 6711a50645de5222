"""Notebook 01: a feature, a forward pass, one training step, a split that does not leak; and the quiz."""

import numpy as np

from pmt_helpers.teaching.exercises import symptoms
from pmt_helpers.teaching.exercises.base import Exercise, Mistake, where
from pmt_helpers.teaching.questions import Question

Array = np.ndarray


def mean_absolute_deviation(window: Array) -> Array:
    """(n_readings, 3) in m/s2 to (3,): the mean distance of each axis from its own mean."""
    return np.abs(window - window.mean(axis=0)).mean(axis=0)


def _windows() -> dict[str, tuple[Array]]:
    rng = np.random.default_rng(1)
    seconds = np.arange(100) / 20
    stride = np.sin(2 * np.pi * 2 * seconds)[:, None] * [1.0, 4.0, 2.0] + [0.5, 9.8, -1.0]
    bumps = rng.exponential(1.0, (40, 3)) * [1.0, 2.0, 5.0]  # skewed, so the median is far from the mean
    return {
        "a walk": (stride + rng.normal(0, 0.3, (100, 3)),),
        "bumps": (bumps,),
        "five readings": (rng.normal(0, 1, (5, 3)) + np.array([0.0, 9.8, 0.0]),),
    }


_DEVIATION = "np.abs(window - window.mean(axis=0)).mean(axis=0)"
_SQUARED = "this is a variance or a standard deviation: use absolute distances, not squared ones."
_ONE_NUMBER = "this is one number: average over the readings only, to get one value per axis."
_PER_READING = "this is one value per reading: average over the readings (axis 0), not over x, y and z."

FEATURE_BY_HAND = Exercise(
    id="feature-by-hand",
    title="One of the 43 features, by hand",
    solution=mean_absolute_deviation,
    cases=_windows(),
    right="your three values agree with ours. They are the features XABSOLDEV, YABSOLDEV and ZABSOLDEV.",
    hints=(
        "How far is each reading from the mean of its axis, above or below? How far is that on average?",
        "Compute the mean of each axis (average over axis 0). Compute each reading's distance from the mean of its "
        "axis, without sign. Average these distances for each axis.",
        where("extract_features", "datasets.features", "does it for many windows (the ABSOLDEV part)."),
    ),
    mistakes=(
        Mistake("standard deviation", _SQUARED, _DEVIATION, "window.std(axis=0)"),
        Mistake("standard deviation, n - 1", _SQUARED, _DEVIATION, "window.std(axis=0, ddof=1)"),
        Mistake("variance", _SQUARED, _DEVIATION, "((window - window.mean(axis=0)) ** 2).mean(axis=0)"),
        Mistake(
            "deviation from the median",
            "these are distances from the median: use distances from the mean.",
            "window - window.mean(axis=0)",
            "window - np.median(window, axis=0)",
        ),
        Mistake(
            "median of the deviations",
            "the distances are right, but this is their median: average them instead.",
            _DEVIATION,
            "np.median(np.abs(window - window.mean(axis=0)), axis=0)",
        ),
        Mistake(
            "no absolute value",
            "positive and negative distances cancel: take absolute values before the average.",
            "np.abs",
            "",
        ),
        Mistake(
            "mean not subtracted",
            "no mean is subtracted, so gravity counts as movement: take each reading's distance from its axis's mean.",
            "window - window.mean(axis=0)",
            "window",
        ),
        Mistake("sum", "this is the sum: divide by the number of readings.", ").mean(axis=0)", ").sum(axis=0)"),
        Mistake(
            "grand mean",
            "this uses one mean for all axes: use the mean of each axis.",
            "window.mean(axis=0)",
            "window.mean()",
        ),
        Mistake("one number", _ONE_NUMBER, ").mean(axis=0)", ").mean()"),
        Mistake("one number, one mean", _ONE_NUMBER, "window.mean(axis=0)).mean(axis=0)", "window.mean()).mean()"),
        Mistake("over axes", _PER_READING, ").mean(axis=0)", ").mean(axis=1)"),
        Mistake(
            "over axes, mean too",
            _PER_READING,
            "window.mean(axis=0)).mean(axis=0)",
            "window.mean(axis=1, keepdims=True)).mean(axis=1)",
        ),
    ),
)


def forward(X: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Array:
    """X (n_windows, n_features) to probabilities (n_windows, n_classes)."""
    hidden = np.maximum(X @ W1 + b1, 0)
    logits = hidden @ W2 + b2
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


_RNG = np.random.default_rng(2)
_LAYERS = [_RNG.normal(0, 1, shape) for shape in ((5, 8), 8, (8, 3), 3)]
_X = _RNG.normal(0, 1, (4, 5))

_BIAS = "a bias is missing: each layer multiplies by its weights, then adds its own bias."
_AXIS = "a window's probabilities do not sum to 1: divide by the sum over its own row."
_EXPS = "np.exp(logits - logits.max(axis=1, keepdims=True))"
_SHARES = "return exps / exps.sum(axis=1, keepdims=True)"
_SOFTMAX = f"exps = {_EXPS}\n    {_SHARES}"

FORWARD_PASS = Exercise(
    id="forward-pass",
    title="From features to probabilities",
    solution=forward,
    cases={
        "four windows": (_X, *_LAYERS),
        "one window": (_X[:1], *_LAYERS),
        "very large inputs": (_X * 1e4, *_LAYERS),
        "very low logits": (_X, *_LAYERS[:3], _LAYERS[3] - 1e4),
    },
    right="your probabilities agree with ours, even for very large inputs. The network predicts in exactly this way.",
    hints=(
        "What happens to negative values after the first layer? What turns logits into probabilities?",
        "Hidden layer: multiply by the weights, add the bias, set negative values to 0. Output layer: multiply by its "
        "weights, add its bias. Softmax: subtract each row's maximum, exponentiate, and divide each row by its sum "
        "(keepdims=True makes the shapes fit).",
        where("build_mlp", "activity.model", "builds it with Keras: a Dense layer with ReLU, one with softmax."),
    ),
    mistakes=(
        Mistake(
            "no ReLU",
            "ReLU is missing: set negative hidden values to 0. Without ReLU, two layers can do no more than one.",
            "np.maximum(X @ W1 + b1, 0)",
            "X @ W1 + b1",
        ),
        Mistake("logits", "these are the logits: softmax turns them into probabilities.", _SHARES, "return logits"),
        Mistake(
            "sigmoid instead of softmax",
            "this is a sigmoid of each logit: use softmax, so that each row sums to 1.",
            _SHARES,
            "return 1 / (1 + np.exp(-logits))",
        ),
        Mistake(
            "softmax over windows",
            _AXIS,
            _SOFTMAX,
            "exps = np.exp(logits - logits.max(axis=0))\n    return exps / exps.sum(axis=0)",
        ),
        Mistake(
            "softmax over everything",
            _AXIS,
            _SOFTMAX,
            "exps = np.exp(logits - logits.max())\n    return exps / exps.sum()",
        ),
        Mistake(
            "both biases",
            _BIAS,
            "np.maximum(X @ W1 + b1, 0)\n    logits = hidden @ W2 + b2",
            "np.maximum(X @ W1, 0)\n    logits = hidden @ W2",
        ),
        Mistake("first bias", _BIAS, "X @ W1 + b1", "X @ W1"),
        Mistake("second bias", _BIAS, "hidden @ W2 + b2", "hidden @ W2"),
        Mistake(
            "class numbers", "these are class numbers: return the probabilities.", _SHARES, "return exps.argmax(axis=1)"
        ),
        Mistake(
            "overflow",
            "exp of very large inputs overflows to NaN. Subtract each row's maximum first: the result is the same.",
            _EXPS,
            "np.exp(logits)",
        ),
    ),
)


def sgd_step(W: Array, b: Array, x: Array, y: int, learning_rate: float) -> tuple[Array, Array]:
    """W (n_features, n_classes), b (n_classes,), one window x (n_features,), its class y. Returns the new W and b."""
    scores = x @ W + b
    error = np.exp(scores - scores.max())
    error /= error.sum()
    error[y] -= 1
    return W - learning_rate * np.outer(x, error), b - learning_rate * error


_RNG = np.random.default_rng(3)
_W, _B, _ONE = _RNG.normal(0, 0.5, (4, 3)), _RNG.normal(0, 0.5, 3), _RNG.normal(0, 1, 4)
_ERROR = "error[y] -= 1"
_SQUARED = (
    "this is the gradient of a squared error: use cross-entropy, whose error is the probability minus the one-hot "
    "label."
)
_STEP = "W - learning_rate * np.outer(x, error), b - learning_rate * error"

SGD_STEP = Exercise(
    id="sgd-step",
    title="One step of learning",
    solution=sgd_step,
    cases={
        "a random layer": (_W, _B, _ONE, 2, 0.1),
        "another label": (_W, _B, _ONE, 0, 0.05),
        "a fresh layer, all zeros": (np.zeros((4, 3)), np.zeros(3), _ONE, 1, 0.1),
        "fewer features than classes": (_W[:2, [0, 1, 2, 0]], np.arange(4) / 4, _ONE[:2], 3, 0.2),
        "very large scores": (_W * 1e4, _B, _ONE, 1, 0.1),
        "very low scores": (_W, _B - 1e4, _ONE, 2, 0.125),
    },
    right="your step is the one that Keras takes. Training repeats it for one window after another.",
    hints=(
        "Predict first. The error of a class is its probability, minus 1 for the true class. Which weights caused "
        "this error?",
        "Compute the probabilities with softmax. Subtract the one-hot label (1 at the true class, 0 elsewhere): this "
        "error is the gradient of b. The gradient of W is np.outer(x, error). Subtract the learning rate times its "
        "gradient from each.",
        where("train_reference", "activity.online", "does it for the whole network; Keras has model.train_on_batch."),
    ),
    mistakes=(
        Mistake(
            "ascent",
            "the loss grows: subtract the gradient instead of adding it.",
            _STEP,
            "W + learning_rate * np.outer(x, error), b + learning_rate * error",
        ),
        Mistake(
            "no learning rate",
            "the direction is right, but the step is too long: multiply by the learning rate.",
            _STEP,
            "W - np.outer(x, error), b - error",
        ),
        Mistake("label forgotten", "the label is not used: subtract 1 at the true class.", _ERROR, ""),
        Mistake(
            "y - 1",
            "classes are counted from 0, so y is the index of the true class: do not subtract 1 from it.",
            _ERROR,
            "error[y - 1] -= 1",
        ),
        Mistake("bias left out", "the bias is missing in the scores: add b before softmax.", "x @ W + b", "x @ W"),
        Mistake(
            "squared error",
            _SQUARED,
            _ERROR,
            f"p = error.copy()\n    {_ERROR}\n    error = p * (error - p @ error)",
        ),
        Mistake(
            "squared error",
            _SQUARED,
            _ERROR,
            f"p = error.copy()\n    {_ERROR}\n    error = 2 * p * (error - p @ error)",
        ),
        Mistake("squared error", _SQUARED, _ERROR, f"p = error.copy()\n    {_ERROR}\n    error = error * p * (1 - p)"),
        Mistake(
            "squared error", _SQUARED, _ERROR, f"p = error.copy()\n    {_ERROR}\n    error = 2 * error * p * (1 - p)"
        ),
        Mistake("squared error", _SQUARED, _ERROR, f"{_ERROR}\n    error *= 2"),
        Mistake(
            "no softmax",
            "these are scores minus the one-hot label: turn the scores into probabilities first.",
            f"error = np.exp(scores - scores.max())\n    error /= error.sum()\n    {_ERROR}",
            f"error = scores.copy()\n    {_ERROR}",
        ),
        Mistake(
            "transposed",
            "the gradient of W is transposed: give it the shape of W.",
            "np.outer(x, error)",
            "np.outer(error, x)",
        ),
        Mistake(
            "bias not updated", "W is right, but b is unchanged: update b too.", ", b - learning_rate * error", ", b"
        ),
        Mistake(
            "gradients",
            "these are the gradients, and they are right: now return the new W and b.",
            _STEP,
            "np.outer(x, error), error",
        ),
        Mistake(
            "nothing moved",
            "W and b have not changed: subtract the learning rate times its gradient from each.",
            _STEP,
            "W, b",
        ),
        Mistake(
            "overflow",
            "exp of very large scores overflows to NaN. Subtract the highest score first: the result is the same.",
            "scores - scores.max()",
            "scores",
        ),
    ),
)


def grouped_split(users: Array, fraction: float, seed: int) -> Array:
    """users (n_windows,) to a mask (n_windows,), True for the windows of about `fraction` of the users."""
    ids = np.unique(users)
    n_validation = max(1, round(fraction * len(ids)))
    chosen = np.random.default_rng(seed).choice(ids, size=n_validation, replace=False)
    return np.isin(users, chosen)


_MASK = "np.isin(users, chosen)"

GROUPED_VALIDATION = Exercise(
    id="grouped-validation",
    title="A validation set of unseen people",
    solution=grouped_split,
    cases=symptoms.SPLIT_CASES,
    right="nobody is on both sides, and the seed decides who is held out. Such a split tells you what to expect for a "
    "new person.",
    hints=(
        "What should be drawn at random here: windows or people?",
        "List each person once. Compute how many to hold out (rounded, at least one). Draw that many without "
        "replacement, with a generator made from the seed. Mark every window of these people.",
        where("grouped_validation", "activity.splits", "does it; scikit-learn has GroupShuffleSplit."),
    ),
    mistakes=(
        Mistake(
            "not a mask",
            "this is not a boolean mask: return True for each window in validation, and False for the others.",
            _MASK,
            f"{_MASK}.astype(int)",
            symptoms.split_not_boolean,
        ),
        Mistake(
            "nobody",
            "in some cases nobody is in validation: hold out at least one person, and draw from the numbers in users.",
            "max(1, round(fraction * len(ids)))",
            "int(fraction * len(ids))",
            symptoms.split_without_validation,
        ),
        Mistake(
            "leak",
            "this leaks: some people are on both sides, so validation is too easy. Draw people, not windows.",
            _MASK,
            "np.random.default_rng(seed).random(len(users)) < fraction",
            symptoms.split_leaks,
        ),
        Mistake(
            "inverted",
            "the sides are swapped: True should mark the windows of the few people held out.",
            _MASK,
            f"~{_MASK}",
            symptoms.split_inverted,
        ),
        Mistake(
            "with replacement",
            "the number of people held out changes with the seed: draw a fixed number of people, and nobody twice.",
            ", replace=False",
            "",
            symptoms.split_changes_its_size,
        ),
        Mistake(
            "share",
            "the number of people held out is wrong: it is the fraction times the number of people, rounded, and at "
            "least one.",
            "round(fraction * len(ids))",
            "round(fraction * len(ids) / 2)",
            symptoms.split_of_another_share,
        ),
        Mistake(
            "always the first",
            "this always holds out the first or last people: draw people at random, because their order may mean "
            "something.",
            "np.random.default_rng(seed).choice(ids, size=n_validation, replace=False)",
            "ids[:n_validation]",
            symptoms.split_always_first,
        ),
        Mistake(
            "seed ignored",
            "different seeds hold out the same people: make the generator from the seed.",
            "default_rng(seed)",
            "default_rng(42)",
            symptoms.split_seed_ignored,
        ),
        Mistake(
            "not repeatable",
            "the same seed gives different people: make the generator from the seed, inside the function.",
            "default_rng(seed)",
            "default_rng()",
            symptoms.split_not_repeatable,
        ),
    ),
)

EXERCISES = (FEATURE_BY_HAND, SGD_STEP, GROUPED_VALIDATION, FORWARD_PASS)

QUESTIONS = (
    Question(
        "Random validation windows of everybody give a higher accuracy than an unseen person gets. Why?",
        {
            "The network saw other windows of the same people": "It learnt how these people move, and is tested on "
            "them again. An unseen person has no windows in training.",
            "Validation has more windows, so its accuracy is higher": "More windows make the accuracy more certain, "
            "not higher.",
            "Random windows are easier than others": "They are drawn at random, so they are as easy or as hard as the "
            "rest.",
        },
        right="The network saw other windows of the same people",
    ),
    Question(
        "The mean and the spread used to scale the features must come from ...",
        {
            "all windows, also those of the unseen person": "Then the test person influences the training inputs: a "
            "small leak.",
            "only the training windows": "Whatever is computed from data is part of training. An unseen person's "
            "windows are scaled with numbers computed before.",
            "only the windows of the unseen person": "They do not exist yet when the shared model is trained. Scaling "
            "with them later, at home, is another method.",
        },
        right="only the training windows",
    ),
    Question(
        "Why report accuracy person by person, with one dot each?",
        {
            "Because a mean over all windows is always wrong": "It is not wrong, but people with many windows count "
            "more in it.",
            "Because there are more windows that way": "The windows are the same ones, and no more.",
            "Because the question is what a new person will get": "People differ more than windows do. The spread over "
            "people shows how well or badly a new person may do.",
        },
        right="Because the question is what a new person will get",
    ),
)
