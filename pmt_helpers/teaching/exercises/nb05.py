"""Notebook 05's exercises and quiz: a membership attack, a word read back, a private training step."""

import inspect
from dataclasses import replace
from typing import Any

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Mistake, where
from pmt_helpers.teaching.questions import Question

Array = np.ndarray
Case = tuple[Any, ...]


# ---- loss-threshold ----


def loss_attack(probabilities: Array, y: Array, member: Array, max_fpr: float) -> tuple[float, float]:
    """probabilities (n, n_classes), some may be 0; y (n,): true classes; member (n,): trained on the window or not.

    Returns two numbers: the area under the ROC curve, and the true positive rate at `max_fpr` false positives or fewer.
    """
    score = np.log(probabilities[range(len(y)), y])
    members, others = score[member], score[~member]
    wins = (members[:, None] > others).mean()
    ties = (members[:, None] == others).mean()
    rate = 0.0
    for threshold in score:
        if (others >= threshold).mean() <= max_fpr:
            rate = max(rate, (members >= threshold).mean())
    return wins + ties / 2, rate


def _windows(rng: np.random.Generator, n_members: int, n_others: int, n_classes: int, max_fpr: float) -> Case:
    """Probabilities in fiftieths, so that there are ties and zeros; the model knows most members better."""
    n = n_members + n_others
    member = rng.permutation(n) < n_members
    y = rng.integers(0, n_classes, n)
    towards = np.eye(n_classes)[y] * np.where(member, 2.5, 1.2)[:, None]
    shares = np.array([rng.dirichlet(0.4 + row) for row in towards])
    return rng.multinomial(50, shares) / 50, y, member, max_fpr


def _swapped(case: Case) -> Case:
    probabilities, y, member, max_fpr = case
    return probabilities, y, ~member, max_fpr


_RNG = np.random.default_rng(31)
_SURE = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05])
_SCORE = "np.log(probabilities[range(len(y)), y])"
_BOTH_NUMBERS = "wins + ties / 2"
_TIES = "pairs with equal loss are counted wrongly: the attacker can only guess, so count each as one half."

LOSS_THRESHOLD = Exercise(
    id="loss-threshold",
    title="Find the training windows",
    solution=loss_attack,
    cases={
        "twenty members, thirty others": _windows(_RNG, 20, 30, 3, 0.1),
        "sixty of each, six classes": _windows(_RNG, 60, 60, 6, 0.05),
        "no false alarm allowed": _windows(_RNG, 25, 40, 4, 0.0),
        "forty members, eleven others": _windows(np.random.default_rng(6), 40, 11, 3, 0.15),
        "nearly every false alarm allowed": _windows(_RNG, 5, 6, 3, 0.95),
        "members and others in turn": (
            np.stack([1 - _SURE, _SURE], axis=1),
            np.ones(10, int),
            np.arange(10) % 2 == 0,
            0.5,
        ),
        "a model that knows the others better": _swapped(_windows(_RNG, 30, 25, 3, 0.5)),
    },
    right="your AUC and rate equal ours. The AUC says how well the attack separates members from others. The rate says "
    "how many it finds with few false alarms.",
    hints=(
        "Does a model have a lower loss on its training windows or on others? Which probability does the loss use?",
        "The score is the log of the true class's probability. The AUC is the share of pairs in which the member "
        "scores higher than the other window; a tie counts one half. For the rate, use each score as a threshold "
        "that catches every window at or above it. Keep only thresholds that catch at most max_fpr of the others. "
        "Return the largest share of members caught, or 0.",
        where("attack_metrics", "attacks.roc", "computes both numbers."),
    ),
    mistakes=(
        Mistake("sign", "the AUC is below one half: a low loss must give a high score.", "np.log(", "-np.log("),
        Mistake(
            "members swapped",
            "members and others are swapped: members are where member is true.",
            "score[member], score[~member]",
            "score[~member], score[member]",
        ),
        Mistake(
            "surest class",
            "this uses the class with the highest probability: use the true class.",
            _SCORE,
            "np.log(probabilities.max(axis=1))",
        ),
        Mistake(
            "right or wrong",
            "this uses only whether the prediction is right: use the loss, which says more.",
            _SCORE,
            "probabilities.argmax(axis=1) == y",
        ),
        Mistake(
            "never below a half",
            "this AUC is never below one half, but it may be, when the model knows the others better: return it as "
            "it is.",
            _BOTH_NUMBERS,
            "max(wins + ties / 2, 1 - wins - ties / 2)",
        ),
        Mistake("ties count nothing", _TIES, _BOTH_NUMBERS, "wins"),
        Mistake("ties count one", _TIES, _BOTH_NUMBERS, "wins + ties"),
        Mistake(
            "fewer than max_fpr",
            "the rate is too low: a threshold with exactly max_fpr is allowed too.",
            "<= max_fpr",
            "< max_fpr",
        ),
        Mistake(
            "quantile",
            "the AUC is right, but the rate allows more false alarms than max_fpr: count the false alarms of each "
            "threshold.",
            "    rate = 0.0\n"
            "    for threshold in score:\n"
            "        if (others >= threshold).mean() <= max_fpr:\n"
            "            rate = max(rate, (members >= threshold).mean())",
            "    rate = (np.exp(members) >= np.quantile(np.exp(others), 1 - max_fpr)).mean()",
        ),
        Mistake(
            "any threshold",
            "the rate is always 1: keep only thresholds that catch at most max_fpr of the others.",
            "if (others >= threshold).mean() <= max_fpr:",
            "if True:",
        ),
        Mistake(
            "of all windows",
            "the AUC is right, but the rate is too low: divide by the number of members, not of all windows.",
            "(members >= threshold).mean()",
            "(members >= threshold).sum() / len(score)",
        ),
        Mistake(
            "alarms of all windows",
            "the AUC is right, but the limit is not: max_fpr is a share of the others, not of all windows.",
            "(others >= threshold).mean() <=",
            "(others >= threshold).sum() / len(score) <=",
        ),
        Mistake(
            "swapped",
            "the two values are swapped: return the AUC first.",
            f"{_BOTH_NUMBERS}, rate",
            f"rate, {_BOTH_NUMBERS}",
        ),
    ),
)


# ---- recover-word ----


def recover_count(phi: Array, beta: float, column: int) -> float:
    """phi (n_topics, n_words): the published topics; column: that of the word. Returns its number of tokens."""
    denominator = beta / phi.min(axis=1)
    in_topic = phi[:, column] * denominator - beta
    return in_topic.sum().round()


def _published(counts: Array, beta: float, column: int) -> Case:
    """Topics as they are published: counts plus beta, scaled."""
    return (counts + beta) / (counts + beta).sum(axis=1, keepdims=True), beta, column


_RNG = np.random.default_rng(51)
_SMALL = np.array([[4, 0, 1, 7, 0, 2], [0, 3, 5, 0, 1, 0], [2, 2, 0, 1, 9, 0]])  # every topic lacks some word
# Each topic lacks a single word, once the last one.
_BELOW = np.array([[3, 2, 5, 2, 5, 0], [0, 2, 3, 5, 3, 4], [1, 1, 2, 0, 2, 1]])
_ABOVE = np.array([[3, 2, 2, 1, 2, 0], [0, 5, 1, 2, 5, 4], [3, 1, 2, 0, 4, 4]])
_LARGE = _RNG.poisson(_RNG.gamma(0.3, 3.0, (8, 90)))
_LARGE[:, 17] = 0
_LARGE[:, 40] = _RNG.integers(1, 5, 8)
_PUBLISHED = {
    "three topics, six words": _published(_SMALL, 0.2, 2),
    "a word in every topic": _published(_LARGE, 0.05, 40),
    "a word that never came": _published(_LARGE, 0.05, 17),
    # However it is computed, the sum is a hair below the true 8, and int() makes 7 of it; then below 5, and above 5.
    "another beta": _published(_SMALL, 0.6, 3),
    "just below": _published(_BELOW, 0.3, 1),
    "just above": _published(_ABOVE, 0.7, 2),
}


def _one_too_few(answer: Answer) -> bool:
    """Whether some counts are too low by at most one for each topic, and none is wrong in another way."""
    missing = [recover_count(phi, *others) - answer(phi.copy(), *others) for phi, *others in _PUBLISHED.values()]
    most = [len(phi) for phi, *_ in _PUBLISHED.values()]
    return any(missing) and all(each in range(n + 1) for each, n in zip(missing, most, strict=True))


def _unrounded(mistake: Mistake) -> Mistake:
    """The same mistake without the solution's rounding, which is not asked for."""
    _, old, rest = inspect.getsource(recover_count).rstrip().partition(mistake.old)
    return replace(mistake, old=old + rest, new=(mistake.new + rest).replace(".round()", ""))


_SUM = "in_topic.sum()"
_BETA = "beta is counted as if it were tokens: subtract one beta in each topic, then add up."
_ONE_TOPIC = "this counts the word in one topic only: add up its tokens in all topics."
_DENOMINATOR = "the denominators are wrong: a row's smallest value is beta divided by the row's denominator."
_MISCOUNTS = (
    Mistake("beta left in", _BETA, " - beta", ""),
    Mistake(
        "beta subtracted once",
        _BETA,
        "denominator - beta\n    return in_topic.sum()",
        "denominator\n    return (in_topic.sum() - beta)",
    ),
    Mistake(
        "beta of every word subtracted",
        "this subtracts too much: subtract one beta per topic.",
        "- beta",
        "- beta * phi.shape[1]",
    ),
    Mistake("largest topic only", _ONE_TOPIC, _SUM, "in_topic.max()"),
    Mistake("first topic only", _ONE_TOPIC, _SUM, "in_topic[0]"),
    Mistake("mean over topics", "this is the mean over the topics: add them up instead.", _SUM, "in_topic.mean()"),
    Mistake("largest value", _DENOMINATOR, "phi.min(", "phi.max("),
    Mistake("beta forgotten above", _DENOMINATOR, "beta / phi.min", "1 / phi.min"),
    Mistake(
        "smallest of all",
        "this uses one smallest value, but topics differ in size: take the smallest value of each row.",
        "phi.min(axis=1)",
        "phi.min()",
    ),
    Mistake(
        "smallest of the column",
        "this takes the smallest value of a column: take the smallest value of each row.",
        "phi.min(axis=1)",
        "phi[:, column].min()",
    ),
    Mistake(
        "n_words beta subtracted",
        "n_words times beta is subtracted from the denominators: they are right without that.",
        "beta / phi.min(axis=1)",
        "beta / phi.min(axis=1) - phi.shape[1] * beta",
    ),
    Mistake(
        "all tokens",
        "this counts the tokens of all words: multiply the denominators by the word's probabilities.",
        "phi[:, column] * denominator - beta",
        "denominator - phi.shape[1] * beta",
    ),
)

RECOVER_WORD = Exercise(
    id="recover-word",
    title="Count a private word",
    solution=recover_count,
    cases=_PUBLISHED,
    right="your counts are exactly the true ones. The published probabilities alone reveal them.",
    hints=(
        "A word without tokens in topic k still has a probability there. What can you compute from it?",
        "The smallest value of a row is beta divided by that topic's denominator: this gives you the denominator. "
        "Multiply the word's probability in each topic by it, subtract beta, and add up over the topics.",
        where("recover_word_counts", "attacks.vocabulary", "does this for all words at once."),
    ),
    mistakes=(
        *_MISCOUNTS,
        *map(_unrounded, _MISCOUNTS),
        Mistake(
            "cut off",
            "some counts are too low, because int() rounds down: add up first, then round to the nearest whole number.",
            "in_topic.sum().round()",
            "int(in_topic.sum())",
            _one_too_few,
        ),
    ),
    fallback=Mistake(
        "other count",
        "this is not the true count. In each topic, compute probability times denominator, minus beta. Add these up.",
        _SUM,
        "2 * in_topic.sum()",
    ),
)


# ---- clip-and-noise ----


def private_mean(gradients: Array, clip: float, noise_multiplier: float, expected_batch: float, noise: Array) -> Array:
    """gradients (n, d): one row per window drawn; clip: the longest a row may be; noise (d,): standard normal draws.

    Returns (d,), the noisy mean gradient.
    """
    length = np.sqrt((gradients**2).sum(axis=1, keepdims=True))
    clipped = gradients / np.maximum(1, length / clip)
    total = clipped.sum(axis=0) + noise_multiplier * clip * noise
    return total / expected_batch


def _batch(rng: np.random.Generator, n: int, d: int, length: float) -> Array:
    return rng.normal(size=(n, d)) * length * rng.uniform(0.2, 2.0, (n, 1)) / np.sqrt(d)


_RNG = np.random.default_rng(41)
_BY_HAND = np.array([[3.0, -4.0, 0.0], [0.3, 0.4, 0.0], [0.0, 1.2, -1.6]])
_WITH_ZERO = _batch(_RNG, 4, 3, 2.0)
_WITH_ZERO[1] = 0.0

_FACTOR = "np.maximum(1, length / clip)"
_CLIP_AND_ADD = f"clipped = gradients / {_FACTOR}\n    total = clipped.sum(axis=0)"
_NOISE = "noise_multiplier * clip * noise"
_MEAN = "total / expected_batch"
_STEP = f"{_CLIP_AND_ADD} + {_NOISE}\n    return {_MEAN}"
_CLIPPED_MEAN = "mean = gradients.mean(axis=0)\n    mean = mean * min(1, clip / np.linalg.norm(mean))\n    return mean"
_BY_BATCH = "this clips the whole batch, so one huge gradient still decides its direction: clip each row first."
_NORM = "the length of a row is wrong: square its values, add them up, and take the square root."

CLIP_AND_NOISE = Exercise(
    id="clip-and-noise",
    title="Clip and add noise",
    solution=private_mean,
    cases={  # as many rows as expected, more, fewer, and none: each window is drawn by itself
        "three gradients by hand": (_BY_HAND, 1.5, 0.8, 4.0, np.array([1.0, -0.5, 0.25])),
        "more than expected": (_batch(_RNG, 9, 5, 2.0), 1.2, 1.1, 7.0, _RNG.normal(size=5)),
        "few of many weights": (_batch(_RNG, 5, 40, 0.9), 0.7, 0.6, 6.5, _RNG.normal(size=40)),
        "nearly as long as clip": (_BY_HAND / 3, 1.7, 0.5, 3.0, _BY_HAND[0]),
        "one gradient is zero": (_WITH_ZERO, 0.5, 2.0, 5.0, _RNG.normal(size=3)),
        "nobody drawn": (np.zeros((0, 3)), 2.0, 1.5, 4.0, _RNG.normal(size=3)),
    },
    right="your step equals ours. The noise is noise_multiplier times the most that one example can add.",
    hints=(
        "Epsilon is computed for a limit on how far one example can move the sum. What ensures this limit? Which of "
        "the five arguments may depend on who was drawn?",
        "Compute the Euclidean length of each row. Divide rows longer than clip by (length / clip), and keep the "
        "others. Add the rows up. Multiply the noise by noise_multiplier and by clip, and add it once. Then divide "
        "by expected_batch, because how many were drawn is private.",
        where("clip_and_noise", "privacy.reference", "does all but the division, and draws its own noise."),
    ),
    mistakes=(
        Mistake(
            "clipped by batch",
            _BY_BATCH,
            _CLIP_AND_ADD,
            "total = gradients.sum(axis=0)\n    total = total / max(1, np.linalg.norm(total) / clip)",
        ),
        Mistake("mean clipped", _BY_BATCH, _STEP, f"{_CLIPPED_MEAN} + {_NOISE} / expected_batch"),
        Mistake("mean clipped, noise on top", _BY_BATCH, _STEP, f"{_CLIPPED_MEAN} + {_NOISE}"),
        Mistake("not clipped", "no row is clipped: shrink every row that is longer than clip.", _FACTOR, "1"),
        Mistake(
            "values clipped",
            "this clips each value, but a row can still be longer than clip: shrink the whole row.",
            f"gradients / {_FACTOR}",
            "np.clip(gradients, -clip, clip)",
        ),
        Mistake("scaled up", "short rows are stretched to clip: only shrink long ones.", _FACTOR, "(length / clip)"),
        Mistake(
            "scaled up",
            "short rows are stretched to clip: only shrink long ones.",
            _FACTOR,
            "np.maximum(1e-9, length / clip)",  # with a guard against a row of zeros
        ),
        Mistake(
            "thrown out",
            "long rows are left out, so unusual examples are never learned: shrink them to clip.",
            f"gradients / {_FACTOR}",
            "gradients[length[:, 0] <= clip]",
        ),
        Mistake(
            "sum of absolute values",
            _NORM,
            "np.sqrt((gradients**2).sum(axis=1, keepdims=True))",
            "np.abs(gradients).sum(axis=1, keepdims=True)",
        ),
        Mistake("no square root", _NORM, "np.sqrt(", "("),
        Mistake(
            "one length",
            "this takes one length for the whole batch: each row has its own, so use axis 1.",
            "np.sqrt((gradients**2).sum(axis=1, keepdims=True))",
            "np.linalg.norm(gradients)",
        ),
        Mistake(
            "shortened to 1",
            "long rows get length 1: shorten them to clip.",
            _FACTOR,
            "np.where(length > clip, length, 1)",
        ),
        Mistake("columns", "this clips columns, but one example is a row: use axis 1.", "axis=1", "axis=0"),
        Mistake(
            "noise left out",
            "there is no noise: add it to the sum, because clipping alone hides no example.",
            f" + {_NOISE}",
            "",
        ),
        Mistake(
            "noise without clip",
            "the noise does not depend on clip: multiply it by clip.",
            _NOISE,
            "noise_multiplier * noise",
        ),
        Mistake(
            "noise_multiplier not used",
            "the noise does not depend on noise_multiplier: multiply it by that too.",
            _NOISE,
            "clip * noise",
        ),
        Mistake(
            "noise for each",
            "each example adds noise, so an empty batch has none: add the noise once, to the sum.",
            f"clipped.sum(axis=0) + {_NOISE}",
            f"(clipped + {_NOISE}).sum(axis=0)",
        ),
        Mistake(
            "noise not divided",
            "the noise is expected_batch times too large: add it to the sum, then divide.",
            f" + {_NOISE}\n    return {_MEAN}",
            f"\n    return {_MEAN} + {_NOISE}",
        ),
        Mistake(
            "actual number",
            "the number drawn is private, and may be zero: divide the sum by expected_batch.",
            _MEAN,
            "total / len(gradients)",
        ),
        Mistake(
            "actual number",
            "the number drawn is private, and may be zero: divide the sum by expected_batch.",
            _MEAN,
            "total / max(1, len(gradients))",
        ),
        Mistake(
            "actual number",
            "the number drawn is private, and may be zero: divide the sum by expected_batch.",
            f"total = clipped.sum(axis=0) + {_NOISE}\n    return {_MEAN}",
            f"return clipped.mean(axis=0) + {_NOISE} / expected_batch",
        ),
        Mistake("sum", "this is the noisy sum: divide it by expected_batch.", _MEAN, "total"),
    ),
)

EXERCISES = (LOSS_THRESHOLD, RECOVER_WORD, CLIP_AND_NOISE)


# ---- quiz ----

QUESTIONS = (
    Question(
        "The shared model came from the cloud. Why should the personal model not be uploaded?",
        {
            "It can reveal more about its windows than the shared one": "It saw few windows many times, and the "
            "longer it trains, the more it reveals about them. Its changes from the shared model reveal even more.",
            "It would be too large to upload": "It has as many weights as the shared model, which you downloaded "
            "quickly. What matters is what the weights reveal.",
            "It could be: only raw windows are private": "Weights are made from windows. The loss can reveal that a "
            "window was used; a single gradient can reveal the window itself.",
        },
        right="It can reveal more about its windows than the shared one",
    ),
    Question(
        "A shared model is trained with an example-level epsilon of 8. What does that guarantee a volunteer?",
        {
            "That membership attacks on it fail": "It allows a factor of e to the power of 8, which is thousands. The "
            "attacks tried here find far less, but a later one may find more.",
            "A bound on what all of their windows reveal": "Each window alone has this bound; many similar windows "
            "together reveal far more. Clipping by volunteer limits that, but costs more accuracy.",
            "A bound on what any single window reveals": "With or without that window, no outcome is more than e to "
            "the power of 8 times as likely, apart from delta. The scaler must tell nothing either: here it is public "
            "knowledge.",
        },
        right="A bound on what any single window reveals",
    ),
    Question(
        "Volunteers are protected by epsilon 8. You download the shared model and retrain it for 300 epochs. What does "
        "this do to their epsilon?",
        {
            "Nothing": "What is done with a private result afterwards adds nothing: this is post-processing. It does "
            "not protect you either: your own windows are protected only because the model stays at home.",
            "It grows with each epoch": "It would if your training looked at their windows again. It looks at the "
            "downloaded weights and at your own windows only.",
            "It becomes 16: two trainings of 8": "Epsilons add up when the same people's data are used again. Your "
            "training uses yours, not theirs.",
        },
        right="Nothing",
    ),
)
