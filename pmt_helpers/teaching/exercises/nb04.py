"""Notebook 04's exercises and quiz: harmful label flips, a membership attack, a word read back, a private step."""

import inspect
from dataclasses import replace

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Mistake
from pmt_helpers.teaching.questions import Question

Array = np.ndarray


# ---- label-flip ----


def flip_labels(y: Array, probabilities: Array, fraction: float, order: Array) -> Array:
    """y (n,): true labels; probabilities (n, n_classes): what the clean model says; order (n,): rows, in random order.

    Returns (n,), the labels that the volunteer hands in: the first `fraction` of the rows in `order` lie.
    """
    lies = y.copy()
    believed = probabilities.copy()
    believed[range(len(y)), y] = np.inf
    chosen = order[: round(fraction * len(y))]
    lies[chosen] = believed.argmin(axis=1)[chosen]
    return lies


def _volunteers() -> dict[str, tuple[Array, Array, float, Array]]:
    """The model is wrong about some windows: there even the least likely class may be the true one."""
    rng = np.random.default_rng(21)

    def volunteer(n: int, n_classes: int, fraction: float) -> tuple[Array, Array, float, Array]:
        y, order = rng.integers(0, n_classes, n), rng.permutation(n)
        probabilities = np.sort(rng.dirichlet(np.full(n_classes, 0.8), n), axis=1)
        for row in range(n):  # the most likely class is the true one, except in every third row of the order
            true = 0 if row in order[::3] else -1
            others = rng.permutation(np.delete(probabilities[row], true))
            probabilities[row] = np.insert(others, y[row], probabilities[row, true])
        return y, probabilities, fraction, order

    return {
        "twelve windows of four classes": volunteer(12, 4, 0.4),
        "a volunteer with six classes": volunteer(31, 6, 0.3),
        "an honest volunteer": volunteer(6, 3, 0.0),
    }


_VOLUNTEERS = _volunteers()


def _other_number(answer: Answer) -> bool:
    return any(len(changed) != len(chosen) for changed, chosen in _changed_rows(answer))


def _other_rows(answer: Answer) -> bool:
    return any(changed != chosen for changed, chosen in _changed_rows(answer))


def _changed_rows(answer: Answer) -> list[tuple[set[int], set[int]]]:
    """Of each case: the rows that have another label now, and those that should have."""
    rows = []
    for y, probabilities, fraction, order in _VOLUNTEERS.values():
        labels = answer(y.copy(), probabilities.copy(), fraction, order.copy())
        rows.append((set(np.flatnonzero(labels != y).tolist()), set(order[: round(fraction * len(y))].tolist())))
    return rows


_CHOSEN = "order[: round(fraction * len(y))]"
_LOWEST = "believed.argmin(axis=1)[chosen]"
_WHICH_ROWS = (
    "the number is right, but other windows are flipped. order lists rows, the first one to flip first: take as many "
    "as you need from its beginning."
)

LABEL_FLIP = Exercise(
    id="label-flip",
    title="Lie where it hurts",
    solution=flip_labels,
    cases=_VOLUNTEERS,
    right="your labels agree with ours, and the true ones are still there. The number of flipped labels does not give "
    "them away; the next cells measure what they do to the model.",
    hints=(
        "Which label does the clean model find least likely? And what if that is the true one, since models make "
        "mistakes?",
        "Copy the probabilities, and put infinity where the true class stands: the lowest is now never the true "
        "class. Copy the labels. The rows to flip are the first ones of order, as many as fraction times n, rounded. "
        "Give them, and only them, their lowest class.",
        "flip_labels in pmt_helpers/attacks/poisoning.py does it, and three other kinds of flip.",
    ),
    mistakes=(
        Mistake(
            "most likely",
            "this is what the model believes already. Where the model is right that is the true class, so it does no "
            "harm at all: take the class that it finds least likely.",
            f"believed[range(len(y)), y] = np.inf\n    chosen = {_CHOSEN}\n    lies[chosen] = believed.argmin",
            f"chosen = {_CHOSEN}\n    lies[chosen] = believed.argmax",
        ),
        Mistake(
            "next likely",
            "this takes the most likely of the false classes. That label is false, but it does the least harm: take "
            "the one that the model finds least likely.",
            f"y] = np.inf\n    chosen = {_CHOSEN}\n    lies[chosen] = believed.argmin",
            f"y] = -np.inf\n    chosen = {_CHOSEN}\n    lies[chosen] = believed.argmax",
        ),
        Mistake(
            "maybe the truth",
            "some chosen windows kept their true label. Where the model is very wrong, the class that it finds least "
            "likely is the true one: rule that one out before you look for the lowest.",
            "believed[range(len(y)), y] = np.inf",
            "",
        ),
        Mistake(
            "model not asked",
            "this takes the next class by number, whatever the model says. Let its probabilities choose the label.",
            _LOWEST,
            "(y[chosen] + 1) % believed.shape[1]",
        ),
        Mistake(
            "lies of others",
            "the right windows are flipped, but with the labels meant for other windows. Row 7 of the probabilities "
            "belongs to label 7: pick the lowest class of the chosen rows themselves.",
            _LOWEST,
            "believed.argmin(axis=1)[: len(chosen)]",
        ),
        Mistake(
            "no lie",
            "no label has changed. With a zero in its place the true class is the lowest of all: put infinity there. "
            "Or no row was chosen: multiply the fraction by the number of windows.",
            "np.inf",
            "0",
        ),
        Mistake(
            "all lie",
            "every window is flipped, and fraction does nothing. Flip only the first rows of order, as many as the "
            "fraction says.",
            _CHOSEN,
            "order",
        ),
        Mistake(
            "all but the fraction",
            "those to be flipped are left alone, and all others are flipped. Flip the first rows of order, not the "
            "rest.",
            _CHOSEN,
            "order[round(fraction * len(y)) :]",
        ),
        Mistake("first rows", _WHICH_ROWS, _CHOSEN, "range(round(fraction * len(y)))"),
        Mistake("order taken for ranks", _WHICH_ROWS, _CHOSEN, "order < round(fraction * len(y))"),
        Mistake(
            "other number",
            "the number of changed labels is wrong. It is fraction times the number of windows, rounded to the nearest "
            "whole number, neither always down nor always up.",
            "round(",
            "int(",
            _other_number,
        ),
        Mistake("other rows", _WHICH_ROWS, _CHOSEN, f"order[::-1]{_CHOSEN.removeprefix('order')}", _other_rows),
    ),
    fallback=Mistake(
        "other labels",
        "the right windows are flipped, but not to the class that the model finds least likely. Look for the lowest "
        "probability along each row, the true class excluded.",
        _LOWEST,
        "believed.argsort(axis=1)[chosen, 1]",
    ),
)


# ---- loss-threshold ----


def loss_attack(probabilities: Array, y: Array, member: Array, max_fpr: float) -> tuple[float, float]:
    """probabilities (n, n_classes); y (n,): true classes; member (n,): whether the model was trained on the window.

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


def _members_and_others() -> dict[str, tuple[Array, Array, Array, float]]:
    """Probabilities in fiftieths, so that there are ties and zeros; members are better known, but not all of them."""
    rng = np.random.default_rng(31)

    def windows(n_members: int, n_others: int, n_classes: int, max_fpr: float) -> tuple[Array, Array, Array, float]:
        n = n_members + n_others
        member = rng.permutation(n) < n_members
        y = rng.integers(0, n_classes, n)
        towards = np.eye(n_classes)[y] * np.where(member, 2.5, 1.2)[:, None]
        shares = np.array([rng.dirichlet(0.4 + row) for row in towards])
        return rng.multinomial(50, shares) / 50, y, member, max_fpr

    return {
        "twenty members, thirty others": windows(20, 30, 3, 0.1),
        "sixty of each, six classes": windows(60, 60, 6, 0.05),
        "no false alarm allowed": windows(25, 40, 4, 0.0),
    }


_TIES = (
    "pairs with the same loss are counted wrong. There the attacker can only toss a coin, so each counts a half: not "
    "nothing, and not one."
)

LOSS_THRESHOLD = Exercise(
    id="loss-threshold",
    title="Were you trained on?",
    solution=loss_attack,
    cases=_members_and_others(),
    right="your two numbers agree with ours. The first says how well the attack sorts on average; the second, how many "
    "members it names while it is hardly ever wrong.",
    hints=(
        "On which windows does a model have the lower loss: those that it was trained on, or others? And which column "
        "of the probabilities does the loss look at?",
        "Score each window by the log of the probability of its true class. AUC: compare each member with each other "
        "window; it is the share of pairs in which the member scores higher, and a tie counts a half. Rate: take each "
        "score as a threshold, which catches every window with at least that score; keep the thresholds that catch at "
        "most max_fpr of the others, and return the largest share of the members that one of them catches, or 0.",
        "pmt_helpers/attacks/membership_game.py scores windows; attack_metrics in pmt_helpers/attacks/roc.py says how "
        "well that tells members from others.",
    ),
    mistakes=(
        Mistake(
            "sign",
            "the AUC is below a half: the sign of the score is wrong. A low loss is a sign of a member, so a high "
            "score must mean a low loss.",
            "np.log(",
            "-np.log(",
        ),
        Mistake(
            "members swapped",
            "members and others have changed places. The first of the two groups is where member is true.",
            "score[member], score[~member]",
            "score[~member], score[member]",
        ),
        Mistake(
            "surest class",
            "this asks how sure the model is, not how right. A model is trained towards the true class: take the "
            "probability of that one, wherever the highest one is.",
            "np.log(probabilities[range(len(y)), y])",
            "np.log(probabilities.max(axis=1))",
        ),
        Mistake(
            "right or wrong",
            "this only asks whether the model is right. It is right on most windows, trained on or not, and between "
            "those this sees no difference: use the loss itself.",
            "np.log(probabilities[range(len(y)), y])",
            "probabilities.argmax(axis=1) == y",
        ),
        Mistake("ties count nothing", _TIES, "wins + ties / 2", "wins"),
        Mistake("ties count one", _TIES, "wins + ties / 2", "wins + ties"),
        Mistake(
            "fewer than max_fpr",
            "the rate is too low: this asks for fewer false alarms than max_fpr. At most means that exactly this share "
            "is allowed, too.",
            "<= max_fpr",
            "< max_fpr",
        ),
        Mistake(
            "quantile",
            "the AUC is right, but the threshold lets through more of the others than max_fpr allows: a quantile lies "
            "between scores, or on one that several share. Count the false alarms of each threshold.",
            "    rate = 0.0\n"
            "    for threshold in score:\n"
            "        if (others >= threshold).mean() <= max_fpr:\n"
            "            rate = max(rate, (members >= threshold).mean())",
            "    rate = (np.exp(members) >= np.quantile(np.exp(others), 1 - max_fpr)).mean()",
        ),
        Mistake(
            "any threshold",
            "the rate is always one: with no limit to false alarms, everybody can be called a member. Keep only "
            "thresholds that catch at most max_fpr of the others.",
            "if (others >= threshold).mean() <= max_fpr:",
            "if True:",
        ),
        Mistake(
            "of all windows",
            "the AUC is right, the rate is too low: it is the share of all windows. Divide by the number of members.",
            "(members >= threshold).mean()",
            "(members >= threshold).sum() / len(score)",
        ),
        Mistake(
            "alarms of all windows",
            "the AUC is right, but the limit is compared with the share of all windows. The false positive rate is the "
            "share of the others that are taken for members.",
            "(others >= threshold).mean() <=",
            "(others >= threshold).sum() / len(score) <=",
        ),
        Mistake(
            "swapped",
            "the two values are swapped: first the AUC, then the rate.",
            "wins + ties / 2, rate",
            "rate, wins + ties / 2",
        ),
    ),
)


# ---- recover-word ----


def recover_count(phi: Array, beta: float, column: int) -> float:
    """phi (n_topics, n_words): the published topics; column: that of the word. Returns its number of tokens."""
    denominator = beta / phi.min(axis=1)
    in_topic = phi[:, column] * denominator - beta
    return in_topic.sum().round()


def _published_topics() -> dict[str, tuple[Array, float, int]]:
    """Published topics of made-up texts: counts plus beta, scaled. Every topic lacks some word."""
    rng = np.random.default_rng(51)
    by_hand = np.array([[4, 0, 1, 7, 0, 2], [0, 3, 5, 0, 1, 0], [2, 2, 0, 1, 9, 0]])
    many = rng.poisson(rng.gamma(0.3, 3.0, (8, 90)))
    many[:, 17] = 0
    many[:, 40] = rng.integers(1, 5, 8)

    def published(counts: Array, beta: float) -> Array:
        return (counts + beta) / (counts + beta).sum(axis=1, keepdims=True)

    return {
        "three topics, six words": (published(by_hand, 0.2), 0.2, 2),
        "a word in every topic": (published(many, 0.05), 0.05, 40),
        "a word that never came": (published(many, 0.05), 0.05, 17),
        # However it is computed, the sum is a hair below the true 8, and int() makes 7 of it.
        "another beta": (published(by_hand, 0.6), 0.6, 3),
    }


_PUBLISHED = _published_topics()


def _one_too_few(answer: Answer) -> bool:
    """Whether some counts are one too low, and none is wrong in another way."""
    missing = [
        recover_count(phi, beta, column) - answer(phi.copy(), beta, column) for phi, beta, column in _PUBLISHED.values()
    ]
    return bool(np.isin(missing, (0, 1)).all() and np.any(missing))


def _unrounded(mistake: Mistake) -> Mistake:
    """The same mistake without the solution's rounding, which is not asked for."""
    _, old, rest = inspect.getsource(recover_count).rstrip().partition(mistake.old)
    return replace(mistake, old=old + rest, new=(mistake.new + rest).replace(".round()", ""))


_BETA = (
    "beta is still in it, and it is not a token. Each topic adds one beta to this word: subtract one in each, then add "
    "up."
)
_ONE_TOPIC = (
    "this counts the word in one topic only. Its tokens are spread over the topics: add up what it has in each."
)
_DENOMINATOR = (
    "the denominators are wrong. A word with no token in a topic has beta over the denominator there, and no word has "
    "less: so the denominator is beta over the row's smallest value."
)
_MISCOUNTS = (
    Mistake("beta left in", _BETA, " - beta", ""),
    Mistake(
        "beta taken off once",
        _BETA,
        "denominator - beta\n    return in_topic.sum()",
        "denominator\n    return (in_topic.sum() - beta)",
    ),
    Mistake(
        "beta of every word taken off",
        "too much is subtracted: n_words times beta belongs to the denominator. This word has one beta in each topic.",
        "- beta",
        "- beta * phi.shape[1]",
    ),
    Mistake("largest topic only", _ONE_TOPIC, "in_topic.sum()", "in_topic.max()"),
    Mistake("first topic only", _ONE_TOPIC, "in_topic.sum()", "in_topic[0]"),
    Mistake(
        "mean over topics",
        "this is the mean over the topics. The tokens of all topics are wanted: add them up.",
        "in_topic.sum()",
        "in_topic.mean()",
    ),
    Mistake("largest value", _DENOMINATOR, "phi.min(", "phi.max("),
    Mistake("beta forgotten above", _DENOMINATOR, "beta / phi.min", "1 / phi.min"),
    Mistake(
        "smallest of all",
        "one smallest value is used for all topics. Topics have different sizes, so each row has a smallest value of "
        "its own.",
        "phi.min(axis=1)",
        "phi.min()",
    ),
    Mistake(
        "smallest of the column",
        "this takes the smallest value of the word's column. The word may have tokens in every topic: look along each "
        "row, over the words.",
        "phi.min(axis=1)",
        "phi[:, column].min()",
    ),
    Mistake(
        "n_words beta taken off",
        "the denominators are right, but then n_words times beta is subtracted from them. phi was divided by all of "
        "it: multiply by all of it again.",
        "beta / phi.min(axis=1)",
        "beta / phi.min(axis=1) - phi.shape[1] * beta",
    ),
    Mistake(
        "all tokens",
        "this counts the tokens of all words. Multiply the denominators by the word's probabilities.",
        "phi[:, column] * denominator - beta",
        "denominator - phi.shape[1] * beta",
    ),
)

RECOVER_WORD = Exercise(
    id="recover-word",
    title="Read a private word",
    solution=recover_count,
    cases=_PUBLISHED,
    right="your counts are the true ones, to the token. Only the published matrix was used: its probabilities still "
    "hold the counts.",
    hints=(
        "A word that no text has in topic k still has a probability there. What is it made of, and what can you "
        "compute from it?",
        "The smallest value of a row is beta over that topic's denominator: so the denominator is beta over the "
        "smallest value. Multiply the word's probability in each topic by that topic's denominator, subtract beta, and "
        "add up over the topics.",
        "recover_word_counts in pmt_helpers/attacks/vocabulary.py does it for all words at once.",
    ),
    mistakes=(
        *_MISCOUNTS,
        *map(_unrounded, _MISCOUNTS),
        Mistake(
            "cut off",
            "the count is one too low in places. Floating point leaves it a hair below the whole number, and int() "
            "cuts that off: round to the nearest one.",
            "in_topic.sum().round()",
            "int(in_topic.sum())",
            _one_too_few,
        ),
    ),
    fallback=Mistake(
        "other count",
        "this is not the true count. A topic's denominator is beta over the smallest value of its row; the word's "
        "probability times that, minus one beta, is its tokens there; and these are added over the topics.",
        "in_topic.sum()",
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


def _batches() -> dict[str, tuple[Array, float, float, float, Array]]:
    """Long and short gradients; as many as expected, more, fewer and none, since each is drawn by itself."""
    rng = np.random.default_rng(41)

    def batch(n: int, d: int, length: float) -> Array:
        return rng.normal(size=(n, d)) * length * rng.uniform(0.2, 2.0, (n, 1)) / np.sqrt(d)

    hand = np.array([[3.0, -4.0, 0.0], [0.3, 0.4, 0.0], [0.0, 1.2, -1.6]])
    with_zero = batch(4, 3, 2.0)
    with_zero[1] = 0.0
    return {
        "three gradients by hand": (hand, 1.5, 0.8, 4.0, np.array([1.0, -0.5, 0.25])),
        "more than expected": (batch(9, 5, 2.0), 1.2, 1.1, 7.0, rng.normal(size=5)),
        "few of many weights": (batch(5, 40, 0.9), 0.7, 0.6, 6.5, rng.normal(size=40)),
        "one gradient is zero": (with_zero, 0.5, 2.0, 5.0, rng.normal(size=3)),
        "nobody drawn": (np.zeros((0, 3)), 2.0, 1.5, 4.0, rng.normal(size=3)),
    }


_CLIP_AND_ADD = "clipped = gradients / np.maximum(1, length / clip)\n    total = clipped.sum(axis=0)"
_NOISE = "noise_multiplier * clip * noise"
_STEP = f"{_CLIP_AND_ADD} + {_NOISE}\n    return total / expected_batch"
_CLIPPED_MEAN = "mean = gradients.mean(axis=0)\n    mean = mean * min(1, clip / np.linalg.norm(mean))\n    return mean"
_BY_BATCH = (
    "this clips what the batch adds up to, not each example. One huge gradient then still determines the direction of "
    "the whole step: clip every row before you add."
)
_NORM = (
    "the rows are scaled, but not by their Euclidean length. Square the values of a row, add them up, take the square "
    "root: that is the length for which the noise is made."
)

CLIP_AND_NOISE = Exercise(
    id="clip-and-noise",
    title="Clip, add, blur",
    solution=private_mean,
    cases=_batches(),
    right="your step agrees with ours. Whoever is added or left out moves the sum by at most clip, and the noise is "
    "noise_multiplier times that: this is all that the accountant asks for.",
    hints=(
        "The accountant takes one thing for granted: by how much one example, however odd, can move the sum. What "
        "makes sure of that, and which of the five arguments may depend on who was drawn?",
        "Take the Euclidean length of each row. Divide a row that is longer than clip by its length over clip, and "
        "leave a shorter one as it is. Add the rows up. Add the noise once, times noise_multiplier times clip: so its "
        "standard deviation is noise_multiplier times the most that one row can add. Finally divide by "
        "expected_batch: the number drawn is itself private.",
        "clip_and_noise in pmt_helpers/privacy/reference.py does all but the division, and draws its own noise.",
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
        Mistake(
            "not clipped",
            "no row is clipped, so one example can move the sum as far as it likes, and no noise covers that. Scale "
            "rows that are longer than clip.",
            "np.maximum(1, length / clip)",
            "1",
        ),
        Mistake(
            "values clipped",
            "this clips each value. A row of many values within the limit is still far longer than clip: clip its "
            "length, by scaling the whole row, which keeps its direction as well.",
            "gradients / np.maximum(1, length / clip)",
            "np.clip(gradients, -clip, clip)",
        ),
        Mistake(
            "scaled up",
            "every row now has the length clip, the short ones too. A small gradient says that there is little to "
            "learn: only shrink, never stretch.",
            "np.maximum(1, length / clip)",
            "(length / clip)",
        ),
        Mistake(
            "thrown out",
            "rows longer than clip are left out. That is private, but what is unusual is never learnt: scale them to "
            "the length clip instead.",
            "gradients / np.maximum(1, length / clip)",
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
            "columns",
            "this clips columns: one weight over all examples. What must be bounded is what one example says about all "
            "weights, a row: norms are over axis 1.",
            "axis=1",
            "axis=0",
        ),
        Mistake(
            "noise left out",
            "there is no noise. Clipping bounds what one example can do; without noise it still shows, exactly.",
            f" + {_NOISE}",
            "",
        ),
        Mistake(
            "noise without clip",
            "the noise does not grow with clip. One example can add a vector as long as clip: the noise is "
            "noise_multiplier times clip.",
            _NOISE,
            "noise_multiplier * noise",
        ),
        Mistake(
            "noise_multiplier not used",
            "noise_multiplier does nothing. It says how many times larger the noise is than what one example can add, "
            "and epsilon is computed from it.",
            _NOISE,
            "clip * noise",
        ),
        Mistake(
            "noise for each",
            "every example gets noise of its own, so the sum has far more than the guarantee asks for, and none when "
            "nobody is drawn. Add it once, to the sum.",
            f"clipped.sum(axis=0) + {_NOISE}",
            f"(clipped + {_NOISE}).sum(axis=0)",
        ),
        Mistake(
            "noise not divided",
            "the noise is added after the division, so it is too large by a factor of expected_batch. Add it to the "
            "sum, then divide.",
            f" + {_NOISE}\n    return total / expected_batch",
            f"\n    return total / expected_batch + {_NOISE}",
        ),
        Mistake(
            "actual number",
            "this divides by how many were drawn. That number depends on the people, so it says something about them, "
            "and it is zero when nobody is drawn: divide by expected_batch.",
            "total / expected_batch",
            "total / len(gradients)",
        ),
        Mistake("sum", "this is the noisy sum. Divide it by expected_batch.", "total / expected_batch", "total"),
    ),
)

EXERCISES = (LABEL_FLIP, LOSS_THRESHOLD, RECOVER_WORD, CLIP_AND_NOISE)


# ---- quiz ----

QUESTIONS = (
    Question(
        "Half of the volunteers sent poisoned labels. You retrain the shared model at home, on clean windows of your "
        "own. What becomes of it?",
        {
            "It stays as bad as the shared model": "Each of your windows has a true label, and the steps taken at home "
            "are the last ones: false labels of activities that you record are soon unlearnt.",
            "Most of the harm to your own activities is undone": "Your windows correct what they are about, and the "
            "personal model comes back close to one that never saw a poisoned label. What your windows never show "
            "they cannot repair: a class that you did not record, or a backdoor's mark.",
            "It is as good as new, hidden backdoors included": "A backdoor answers to a mark that none of your "
            "windows has, so none of them teaches against it. Accuracy on clean windows cannot show whether it is "
            "still there.",
        },
        right="Most of the harm to your own activities is undone",
    ),
    Question(
        "The shared model was downloaded from the cloud anyway. Why should the personal one not go back there?",
        {
            "It tells more of its windows than the shared one does": "It has seen few windows, many times, so its loss "
            "on them gives them away; and whoever has the shared model can look at what has changed. The attack "
            "measured here finds more members in it.",
            "It would be too large to upload": "It has as many weights as the shared model, which was downloaded in a "
            "moment. What counts is what the weights know.",
            "It need not stay: only raw windows are private": "Weights are made from windows, and attacks read some of "
            "that back: from the loss, that a window was trained on; from a single gradient, the window itself.",
        },
        right="It tells more of its windows than the shared one does",
    ),
    Question(
        "A shared model is trained with an example-level epsilon of 8. What is a volunteer promised?",
        {
            "That membership attacks on it fail": "That is measured, not promised. The promise allows a factor of e to "
            "the 8th, which is thousands; the attacks tried here find far less, but the next one may find more.",
            "A bound on what all of their windows give away": "A volunteer gives many windows, which resemble each "
            "other, and the promise is about each one alone: for all together it is far weaker. Clipping by volunteer "
            "promises that, and costs more accuracy.",
            "A bound on what any single window gives away": "With that window or without it, no outcome is more than e "
            "to the 8th times as likely, apart from delta. It is about one window, not the whole volunteer, and only "
            "holds if the scaler is private as well.",
        },
        right="A bound on what any single window gives away",
    ),
)
