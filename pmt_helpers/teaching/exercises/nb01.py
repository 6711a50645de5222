"""Notebook 01: a feature, a forward pass, one training step, a split that does not leak; and the quiz."""

import numpy as np

from pmt_helpers.teaching.exercises import symptoms
from pmt_helpers.teaching.exercises.base import Exercise, Mistake
from pmt_helpers.teaching.questions import Question

Array = np.ndarray


# ---- feature-by-hand ----


def mean_absolute_deviation(window: Array) -> Array:
    """(n_readings, 3) in m/s2 to (3,): the mean distance of each axis from its own mean."""
    return np.abs(window - window.mean(axis=0)).mean(axis=0)


def _deviation_cases() -> dict[str, tuple[Array]]:
    rng = np.random.default_rng(1)
    seconds = np.arange(100) / 20
    stride = np.sin(2 * np.pi * 2 * seconds)[:, None] * [1.0, 4.0, 2.0] + [0.5, 9.8, -1.0]
    bumps = rng.exponential(1.0, (40, 3)) * [1.0, 2.0, 5.0]  # skewed, so the median is far from the mean
    return {
        "a walk": (stride + rng.normal(0, 0.3, (100, 3)),),
        "bumps": (bumps,),
        "five readings": (rng.normal(0, 1, (5, 3)) + np.array([0.0, 9.8, 0.0]),),
    }


_STANDARD_DEVIATION = (
    "this is the standard deviation: it squares the distances before it averages them. "
    "The mean absolute deviation takes their absolute value instead."
)
_ONE_NUMBER = (
    "this is one number for the whole window. Average over the readings only, and keep one value for each axis."
)
_PER_READING = (
    "this has one value for each reading. Average along the readings (the first axis), not across x, y and z."
)
_DEVIATION = "np.abs(window - window.mean(axis=0)).mean(axis=0)"

FEATURE_BY_HAND = Exercise(
    id="feature-by-hand",
    title="One of the 43 features, by hand",
    solution=mean_absolute_deviation,
    cases=_deviation_cases(),
    right="your three values agree with ours for every window. You have just written XABSOLDEV, YABSOLDEV and "
    "ZABSOLDEV.",
    hints=(
        "How far is each reading from the mean of its own axis, whatever the direction? And on average?",
        "Three steps: the mean of each axis (average along the first axis of the array), the distance of every "
        "reading from it without its sign, and the average of those distances, again for each axis.",
        "The package computes it for many windows at once: the ABSOLDEV part of extract_features in "
        "pmt_helpers/datasets/features.py.",
    ),
    mistakes=(
        Mistake("standard deviation", _STANDARD_DEVIATION, _DEVIATION, "window.std(axis=0)"),
        Mistake("standard deviation, n - 1", _STANDARD_DEVIATION, _DEVIATION, "window.std(axis=0, ddof=1)"),
        Mistake(
            "variance",
            "this is the variance: the average of squared distances. Take the absolute value of a distance instead of "
            "its square.",
            _DEVIATION,
            "((window - window.mean(axis=0)) ** 2).mean(axis=0)",
        ),
        Mistake(
            "deviation from the median",
            "this is the distance from the median. The feature measures it from the mean, which a few large readings "
            "can pull away.",
            "window - window.mean(axis=0)",
            "window - np.median(window, axis=0)",
        ),
        Mistake(
            "median of the deviations",
            "the distances are right, but this is their median. Average them instead.",
            _DEVIATION,
            "np.median(np.abs(window - window.mean(axis=0)), axis=0)",
        ),
        Mistake(
            "no absolute value",
            "the distances cancel out: above and below the mean add up to almost 0. Drop their signs before you "
            "average.",
            "np.abs",
            "",
        ),
        Mistake(
            "sum",
            "this is the sum of the distances. Divide by the number of readings, so that long and short windows "
            "compare.",
            ").mean(axis=0)",
            ").sum(axis=0)",
        ),
        Mistake(
            "grand mean",
            "the distances are from one mean for all three axes. Gravity acts on one of them, so each axis needs its "
            "own mean.",
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


# ---- forward-pass ----


def forward(X: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Array:
    """X (n_windows, n_features) to probabilities (n_windows, n_classes)."""
    hidden = np.maximum(X @ W1 + b1, 0)
    logits = hidden @ W2 + b2
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


def _network_cases() -> dict[str, tuple[Array, ...]]:
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
_SOFTMAX = (
    "exps = np.exp(logits - logits.max(axis=1, keepdims=True))\n    return exps / exps.sum(axis=1, keepdims=True)"
)
_SHARES = "return exps / exps.sum(axis=1, keepdims=True)"

FORWARD_PASS = Exercise(
    id="forward-pass",
    title="From features to probabilities",
    solution=forward,
    cases=_network_cases(),
    right="your probabilities agree with ours, even for very large inputs. These few lines are all that the network "
    "does to predict.",
    hints=(
        "Two layers, one after the other. What happens to negative values after the first, and what turns the logits "
        "of the second into shares of 1?",
        "Hidden layer: multiply by the first weights, add the first bias, set what is negative to 0. Output layer: "
        "multiply by the second weights and add the second bias. Softmax: subtract each row's own maximum, "
        "exponentiate, divide each row by its sum (keepdims=True keeps the shapes in line).",
        "Keras does the same inside build_mlp, in pmt_helpers/activity/model.py: a Dense layer with ReLU, then one "
        "with softmax.",
    ),
    mistakes=(
        Mistake(
            "no ReLU",
            "the hidden layer lets negative values through. Apply ReLU (what is below 0 becomes 0) before the second "
            "layer: without it two layers are no more than one.",
            "np.maximum(X @ W1 + b1, 0)",
            "X @ W1 + b1",
        ),
        Mistake(
            "logits",
            "these are the logits of the output layer. Softmax is still to come: it turns them into probabilities.",
            _SHARES,
            "return logits",
        ),
        Mistake(
            "sigmoid instead of softmax",
            "this is a sigmoid of each logit, so every class is judged by itself. Softmax makes the classes share 1.",
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
            "class numbers",
            "these are the most probable classes. Return the probability of every class; picking the largest comes "
            "later.",
            _SHARES,
            "return exps.argmax(axis=1)",
        ),
        Mistake(
            "overflow",
            "right for ordinary windows, but very large inputs overflow: exp(1000) is infinite, and infinity over "
            "infinity is NaN. Subtract each row's maximum before exp; the probabilities stay the same.",
            "np.exp(logits - logits.max(axis=1, keepdims=True))",
            "np.exp(logits)",
        ),
    ),
)


# ---- sgd-step ----


def sgd_step(W: Array, b: Array, x: Array, y: int, learning_rate: float) -> tuple[Array, Array]:
    """W (n_features, n_classes), b (n_classes,), one window x (n_features,), its class y. Returns the new W and b."""
    scores = x @ W + b
    error = np.exp(scores - scores.max())
    error /= error.sum()
    error[y] -= 1
    return W - learning_rate * np.outer(x, error), b - learning_rate * error


def _step_cases() -> dict[str, tuple[Array, Array, Array, int, float]]:
    rng = np.random.default_rng(3)
    W, b, x = rng.normal(0, 0.5, (4, 3)), rng.normal(0, 0.5, 3), rng.normal(0, 1, 4)
    return {
        "a random layer": (W, b, x, 2, 0.1),
        "another label": (W, b, x, 0, 0.05),
        "a fresh layer, all zeros": (np.zeros((4, 3)), np.zeros(3), x, 1, 0.1),
    }


_STEP = "W - learning_rate * np.outer(x, error), b - learning_rate * error"

SGD_STEP = Exercise(
    id="sgd-step",
    title="One step of learning",
    solution=sgd_step,
    cases=_step_cases(),
    right="your step is the one that Keras takes. Training is this, again and again, window after window.",
    hints=(
        "First predict. The error of each class is what you predicted for it, minus what it should be: 1 for the true "
        "class, 0 for the others. Which weights contributed to it, and how much?",
        "Probabilities by softmax; subtract a one-hot vector of the label; that error is the bias's gradient. "
        "The gradient of the weights has the shape of W: entry (feature, class) is the feature's value times the "
        "class's error (np.outer). Move both against their gradients, by the learning rate.",
        "The plain NumPy step for the whole network, hidden layer included, is train_reference in "
        "pmt_helpers/activity/online.py; with Keras it is model.train_on_batch.",
    ),
    mistakes=(
        Mistake(
            "ascent",
            "your step goes uphill: the loss grows. Subtract the gradient instead of adding it.",
            _STEP,
            "W + learning_rate * np.outer(x, error), b + learning_rate * error",
        ),
        Mistake(
            "no learning rate",
            "the direction is right but the step is far too long: multiply the gradient by the learning rate.",
            _STEP,
            "W - np.outer(x, error), b - error",
        ),
        Mistake(
            "label forgotten",
            "this pushes every class down, the true one too. The error is the probabilities minus 1 at the true class.",
            "error[y] -= 1",
            "",
        ),
        Mistake(
            "transposed",
            "the gradient of W is transposed. It needs the shape of W, features by classes: swap the two in the outer "
            "product.",
            "np.outer(x, error)",
            "np.outer(error, x)",
        ),
        Mistake(
            "bias not updated",
            "W is right, but b has not changed. The bias learns too.",
            ", b - learning_rate * error",
            ", b",
        ),
        Mistake(
            "gradients",
            "these are the gradients, and they are right. Return the new W and b: the old ones moved against them.",
            _STEP,
            "np.outer(x, error), error",
        ),
        Mistake(
            "nothing moved",
            "W and b came back unchanged. Compute the gradient and move both against it.",
            _STEP,
            "W, b",
        ),
    ),
)


# ---- grouped-validation ----


def grouped_split(users: Array, fraction: float, seed: int) -> Array:
    """users (n_windows,) to a mask (n_windows,), True for the windows of about `fraction` of the users."""
    ids = np.unique(users)
    n_validation = max(1, round(fraction * len(ids)))
    chosen = np.random.default_rng(seed).choice(ids, size=n_validation, replace=False)
    return np.isin(users, chosen)


GROUPED_VALIDATION = Exercise(
    id="grouped-validation",
    title="A validation set of people never trained on",
    solution=grouped_split,
    cases=symptoms.SPLIT_CASES,
    right="nobody is on both sides, the share of people is right, and the seed decides who. This split tells you what "
    "to expect for a stranger.",
    hints=(
        "What should be drawn at random here: windows, or people?",
        "List each person once; work out how many to hold out (rounded, at least one); draw that many of them without "
        "replacement with a generator made from the seed; then mark every window that belongs to one of them.",
        "The package's own version is in pmt_helpers/activity/splits.py; scikit-learn's GroupShuffleSplit does the "
        "same.",
    ),
    mistakes=(
        Mistake(
            "not a mask",
            "return a boolean mask: True or False for every window, True for validation.",
            "np.isin(users, chosen)",
            "np.isin(users, chosen).astype(int)",
            symptoms.split_not_boolean,
        ),
        Mistake(
            "nobody",
            "with few people nobody is left for validation. Hold out at least one person.",
            "max(1, round(fraction * len(ids)))",
            "int(fraction * len(ids))",
            symptoms.split_without_validation,
        ),
        Mistake(
            "leak",
            "this leaks: some people have windows on both sides, so the network is tested on people that it already "
            "knows. Draw people, not windows.",
            "np.isin(users, chosen)",
            "np.random.default_rng(seed).random(len(users)) < fraction",
            symptoms.split_leaks,
        ),
        Mistake(
            "inverted",
            "the two sides are swapped: most people are in validation. True should mark the few who are held out.",
            "np.isin(users, chosen)",
            "~np.isin(users, chosen)",
            symptoms.split_inverted,
        ),
        Mistake(
            "share",
            "nobody is split, but the number of people held out is off. It should be the fraction times the number of "
            "people, rounded, and at least one.",
            "round(fraction * len(ids))",
            "round(fraction * len(ids) / 2)",
            symptoms.split_of_another_share,
        ),
        Mistake(
            "always the first",
            "the people held out are always the first or the last of the list. Draw them at random, in case the order "
            "of the list means something.",
            "np.random.default_rng(seed).choice(ids, size=n_validation, replace=False)",
            "ids[:n_validation]",
            symptoms.split_always_first,
        ),
        Mistake(
            "seed ignored",
            "different seeds hold out the same people. Make the random generator from the seed that comes in.",
            "default_rng(seed)",
            "default_rng(42)",
            symptoms.split_seed_ignored,
        ),
        Mistake(
            "not repeatable",
            "the same seed gives other people every time. Make the generator from the seed, inside the function.",
            "default_rng(seed)",
            "default_rng()",
            symptoms.split_not_repeatable,
        ),
    ),
)

EXERCISES = (FEATURE_BY_HAND, FORWARD_PASS, SGD_STEP, GROUPED_VALIDATION)

QUESTIONS = (
    Question(
        "Validation windows drawn at random from everybody's give a higher accuracy than an unseen person gets. Why?",
        {
            "The network saw other windows of the same people": "It learnt how those people move, and validation asked "
            "about those people again. An unseen person has no windows in training.",
            "Validation has more windows, so its accuracy is higher": "More windows make an accuracy more certain, not "
            "higher.",
            "Random windows are easier than others": "Drawn at random, they are as easy or hard as the rest.",
        },
        right="The network saw other windows of the same people",
    ),
    Question(
        "The mean and the spread used to scale the features must come from ...",
        {
            "all the windows, the unseen person's too": "Then the test person has already shaped what the network "
            "sees: a leak, if a small one.",
            "the training windows alone": "Whatever is computed from data is part of training. The unseen person's "
            "windows are scaled with numbers that existed before that person came.",
            "the unseen person's windows alone": "Those are not at hand when the shared model is made. It could be "
            "done later, at home, but that would be a different method.",
        },
        right="the training windows alone",
    ),
    Question(
        "Why report accuracy person by person, with one dot each?",
        {
            "Because a mean over all windows is always wrong": "It is not wrong; it answers another question, and "
            "gives people with many windows more weight.",
            "Because there are more windows that way": "The windows are the same ones.",
            "Because the question is what a new person will get": "People differ more than windows do. The spread over "
            "people says how much luck a newcomer needs.",
        },
        right="Because the question is what a new person will get",
    ),
)
