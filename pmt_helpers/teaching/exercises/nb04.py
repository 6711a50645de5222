"""Notebook 04's exercises and quiz: harmful label flips, and an average that no volunteer can pull."""

from typing import Any

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Mistake, where
from pmt_helpers.teaching.questions import Question

Array = np.ndarray
Case = tuple[Any, ...]


# ---- label-flip ----


def flip_labels(y: Array, probabilities: Array, fraction: float, order: Array) -> Array:
    """y (n,): true labels; probabilities (n, n_classes): what the clean model says; order (n,): rows, in random order.

    Returns (n,), the labels that the volunteer sends: the first `fraction` of the rows in `order` get a false one.
    """
    flipped = y.copy()
    believed = probabilities.copy()
    believed[range(len(y)), y] = np.inf
    chosen = order[: round(fraction * len(y))]
    flipped[chosen] = believed.argmin(axis=1)[chosen]
    return flipped


def _volunteer(rng: np.random.Generator, n: int, n_classes: int, fraction: float) -> Case:
    """The most likely class is the true one, except in every third row of the order: there it is the least likely."""
    y, order = rng.integers(0, n_classes, n), rng.permutation(n)
    probabilities = np.sort(rng.dirichlet(np.full(n_classes, 0.8), n), axis=1)
    for row in range(n):
        true = 0 if row in order[::3] else -1
        others = rng.permutation(np.delete(probabilities[row], true))
        probabilities[row] = np.insert(others, y[row], probabilities[row, true])
    return y, probabilities, fraction, order


_RNG = np.random.default_rng(21)
_VOLUNTEERS = {
    "twelve windows of four classes": _volunteer(_RNG, 12, 4, 0.4),
    "a volunteer with six classes": _volunteer(_RNG, 31, 6, 0.3),
    "an honest volunteer": _volunteer(_RNG, 6, 3, 0.0),
    "a model sure of a false class": (
        np.array([0, 1, 0]),
        np.array([[0.1, 0.9], [0.2, 0.8], [0.6, 0.4]]),
        0.67,
        np.arange(3),
    ),
}


def _changed_rows(answer: Answer) -> list[tuple[set[int], set[int]]]:
    """Of each case: the rows that have another label now, and those that should have."""
    rows = []
    for y, probabilities, fraction, order in _VOLUNTEERS.values():
        labels = answer(y.copy(), probabilities.copy(), fraction, order.copy())
        rows.append((set(np.flatnonzero(labels != y).tolist()), set(order[: round(fraction * len(y))].tolist())))
    return rows


def _some_kept(answer: Answer) -> bool:
    """Whether no other rows are changed than those chosen, and some of these are not."""
    rows = _changed_rows(answer)
    return not _other_number(answer) and all(changed <= chosen for changed, chosen in rows) and _unequal(rows)


def _other_number(answer: Answer) -> bool:
    """Whether it takes the first rows of order, but more or fewer of them, judged where more than two are chosen."""
    for (changed, chosen), case in zip(_changed_rows(answer), _VOLUNTEERS.values(), strict=True):
        order = case[-1].tolist()
        taken = max((order.index(row) + 1 for row in changed), default=len(chosen))
        more = taken > len(chosen) and changed == set(order[:taken])
        if len(chosen) > 2 and (more or taken < len(chosen)):
            return True
    return False


def _other_rows(answer: Answer) -> bool:
    rows = _changed_rows(answer)
    return all(len(changed) == len(chosen) for changed, chosen in rows) and _unequal(rows)


def _rows_and_number(answer: Answer) -> bool:
    return _unequal(_changed_rows(answer))


def _unequal(rows: list[tuple[set[int], set[int]]]) -> bool:
    return any(changed != chosen for changed, chosen in rows)


_NEVER_TRUE = "believed[range(len(y)), y] = np.inf"
_CHOSEN = "order[: round(fraction * len(y))]"
_LOWEST = "believed.argmin(axis=1)[chosen]"
_WHICH_ROWS = "the number is right, but the rows are wrong: order lists row numbers, take the first of them."

LABEL_FLIP = Exercise(
    id="label-flip",
    title="Flip labels to do most harm",
    solution=flip_labels,
    cases=_VOLUNTEERS,
    right="your labels equal ours, and y is unchanged. Below you see what they do to the model.",
    hints=(
        "Which label does the clean model find least likely? Models make mistakes: what if that label is the true one?",
        "Copy the probabilities, and put infinity in place of the true class: then the lowest is always a false class. "
        "Copy the labels. Choose the first rows of order, as many as fraction times n, rounded. Give only these rows "
        "their lowest class.",
        where("flip_labels", "attacks.poisoning", "does this, and three other kinds of flip."),
    ),
    mistakes=(
        Mistake(
            "most likely",
            "this is what the model predicts. It is mostly the true class and does no harm: take the least likely "
            "class.",
            f"{_NEVER_TRUE}\n    chosen = {_CHOSEN}\n    flipped[chosen] = believed.argmin",
            f"chosen = {_CHOSEN}\n    flipped[chosen] = believed.argmax",
        ),
        Mistake(
            "next likely",
            "this is the most likely false class, which does least harm. Take the least likely one.",
            f"y] = np.inf\n    chosen = {_CHOSEN}\n    flipped[chosen] = believed.argmin",
            f"y] = -np.inf\n    chosen = {_CHOSEN}\n    flipped[chosen] = believed.argmax",
        ),
        Mistake("maybe the truth", "some flips keep the true label: exclude the true class first.", _NEVER_TRUE, ""),
        Mistake(
            "model not asked",
            "this takes the next class by number. Let the model's probabilities choose the label.",
            _LOWEST,
            "(y[chosen] + 1) % believed.shape[1]",
        ),
        Mistake(
            "labels of other rows",
            "the right windows got labels meant for other rows: use the chosen rows of the probabilities.",
            _LOWEST,
            "believed.argmin(axis=1)[: len(chosen)]",
        ),
        Mistake(
            "classes shifted",
            "without the true class, the classes behind it have other numbers: leave it in, with an infinite value.",
            _LOWEST,
            "np.array([np.delete(probabilities[row], y[row]).argmin() for row in chosen], int)",
        ),
        Mistake(
            "no flip",
            "no label has changed. Put infinity, not NaN, at the true class, and assign to labels[rows]: "
            "labels[order][:k] is a copy.",
            "np.inf",
            "0",
        ),
        Mistake("all flipped", "every window is flipped: flip only the first rows of order.", _CHOSEN, "order"),
        Mistake(
            "the other rows",
            "the other windows are flipped. Flip the first rows of order, not the rest.",
            _CHOSEN,
            "order[round(fraction * len(y)) :]",
        ),
        Mistake("first rows", _WHICH_ROWS, _CHOSEN, "range(round(fraction * len(y)))"),
        Mistake("order taken for ranks", _WHICH_ROWS, _CHOSEN, "order < round(fraction * len(y))"),
        Mistake(
            "other number",
            "the number of changed labels is wrong: take fraction times n rows, rounded, and none gets its true label.",
            "round(",
            "int(",
            _other_number,
        ),
        Mistake("other rows", _WHICH_ROWS, _CHOSEN, f"order[::-1]{_CHOSEN.removeprefix('order')}", _other_rows),
        Mistake(
            "some kept",
            "some of the chosen rows keep their true label: each of them must get a false one.",
            _LOWEST,
            "np.append(y[chosen[:1]], believed.argmin(axis=1)[chosen[1:]])",
            _some_kept,
        ),
        Mistake(
            "rows and number",
            "the wrong rows are changed: flip the first rows of order, fraction times n of them, rounded.",
            _CHOSEN,
            "order[1 : 2 + round(fraction * len(y))]",
            _rows_and_number,
        ),
    ),
    fallback=Mistake(
        "other labels",
        "the right windows have wrong labels: take the class with the lowest probability in each row, except the "
        "true class.",
        _LOWEST,
        "believed.argsort(axis=1)[chosen, int(believed.shape[1] > 2)]",
    ),
)


# ---- trimmed-mean ----


def trimmed_mean(weights: Array, n_trim: int) -> Array:
    """weights (n_volunteers, n_weights): one model per row; n_trim: how many values to leave out at each end.

    Returns (n_weights,): for each weight, the mean of what is left.
    """
    ordered = np.sort(weights, axis=0)
    kept = ordered[n_trim : len(weights) - n_trim]
    return kept.mean(axis=0)


_RNG = np.random.default_rng(61)
_MODELS = _RNG.normal(size=(9, 6))
_MODELS[3] += 50  # a malicious volunteer
_MODELS[7, 2] = -80  # one who changed a single weight
_ONE_END = "only one end is left out: leave out n_trim of the lowest and n_trim of the highest values."
_KEPT = "ordered[n_trim : len(weights) - n_trim]"

_WHOLE = "whole volunteers are left out: one who changed a single weight stays in. Sort each weight on its own."

TRIMMED_MEAN = Exercise(
    id="trimmed-mean",
    title="An average that no single volunteer can pull far",
    solution=trimmed_mean,
    cases={
        "five volunteers by hand": (np.array([[1.0, 9.0], [2.0, -1.0], [-60.0, 0.5], [4.0, 2.0], [3.0, 700.0]]), 1),
        "nine volunteers, two of them malicious": (_MODELS, 2),
        "nothing is left out": (_RNG.normal(size=(4, 3)), 0),
        "one value of each weight is left": (_RNG.normal(size=(7, 5)), 3),
        "volunteers who agree": (np.array([[1.0, 6.0], [1.0, 5.0], [1.0, 7.0], [9.0, 7.0], [2.0, 7.0]]), 1),
    },
    right="your averages equal ours. One volunteer can move a weight only as far as the others' values allow.",
    hints=(
        "One volunteer can pull a plain mean as far as they like. Which values of a weight can do harm?",
        "Sort each column. Leave out the first n_trim rows and the last n_trim rows of the sorted table. Take the mean "
        "of each column of the rest. Where does the slice end when n_trim is 0?",
        where("trimmed_mean", "attacks.defences", "does this with a share of the volunteers."),
    ),
    mistakes=(
        Mistake(
            "mean",
            "this is the plain mean, which one volunteer can pull anywhere: leave out n_trim values at each end.",
            _KEPT,
            "ordered",
        ),
        Mistake(
            "median",
            "this is the median, which leaves out too much: keep all but n_trim values at each end.",
            "kept.mean(axis=0)",
            "np.median(kept, axis=0)",
        ),
        Mistake("highest left in", _ONE_END, _KEPT, "ordered[n_trim:]"),
        Mistake("lowest left in", _ONE_END, _KEPT, "ordered[: len(weights) - n_trim]"),
        Mistake(
            "nothing at zero",
            "with n_trim 0 nothing is left: a slice that ends at -0 is empty. Count its end from the front.",
            _KEPT,
            "ordered[n_trim:-n_trim]",
        ),
        Mistake(
            "sum",
            "this is the sum of the values that are left: divide it by their number.",
            "kept.mean(",
            "kept.sum(",
        ),
        Mistake(
            "divided by all",
            "the sum is divided by the number of all volunteers: divide it by the number of values that are left.",
            "kept.mean(axis=0)",
            "kept.sum(axis=0) / len(weights)",
        ),
        Mistake(
            "not sorted",
            "the first and last volunteers are left out: sort the values of each weight first.",
            "np.sort(weights, axis=0)",
            "weights",
        ),
        Mistake(
            "sorted by row",
            "this sorts the weights of each volunteer: sort the values of each weight, along axis 0.",
            "np.sort(weights, axis=0)",
            "np.sort(weights, axis=1)",
        ),
        Mistake(
            "whole volunteers",
            _WHOLE,
            "np.sort(weights, axis=0)",
            "weights[np.argsort(np.linalg.norm(weights, axis=1))]",
        ),
        Mistake(
            "whole volunteers",
            _WHOLE,
            "np.sort(weights, axis=0)",
            "weights[np.argsort(weights.sum(axis=1))]",
        ),
        Mistake(
            "by size",
            "the values are sorted by their size without the sign: sort them as they are.",
            "np.sort(weights, axis=0)",
            "np.take_along_axis(weights, np.argsort(abs(weights), axis=0), axis=0)",
        ),
        Mistake(
            "half of them",
            "too few values are left out: leave out n_trim at each end, not n_trim in total.",
            _KEPT,
            "ordered[n_trim // 2 : len(weights) - (n_trim - n_trim // 2)]",
        ),
        Mistake(
            "values moved",
            "the ends are moved to the nearest value that is kept: leave them out instead.",
            "kept.mean(axis=0)",
            "np.clip(weights, kept[0], kept[-1]).mean(axis=0)",
        ),
        Mistake(
            "equal values kept",
            "volunteers may send equal values: sort, and leave out by place, not by value.",
            "kept.mean(axis=0)",
            "np.nanmean(np.where((weights >= kept[0]) & (weights <= kept[-1]), weights, np.nan), axis=0)",
        ),
        Mistake(
            "equal values left out",
            "volunteers may send equal values: sort, and leave out by place, not by value.",
            "kept.mean(axis=0)",
            "np.array([\n"
            "        column[~np.isin(column, [*column[:n_trim], *column[len(column) - n_trim :]])].mean()\n"
            "        for column in ordered.T\n"
            "    ])",
        ),
        Mistake(
            "mean over weights",
            "this is one mean per volunteer: take the mean over volunteers, axis 0.",
            "kept.mean(axis=0)",
            "kept.mean(axis=1)",
        ),
    ),
)


EXERCISES = (LABEL_FLIP, TRIMMED_MEAN)


# ---- quiz ----

QUESTIONS = (
    Question(
        "Half of the volunteers sent poisoned labels. You retrain on your own clean windows. What happens?",
        {
            "The personal model stays as bad as the shared one": "Your windows have true labels, and the model learns "
            "them last. They soon correct the activities that you record.",
            "Most of the harm to your own activities is undone": "Accuracy is nearly that of a model without poison. "
            "Your windows cannot repair what they never show: other classes, or a backdoor.",
            "Everything is repaired, hidden backdoors included": "None of your windows has the backdoor's mark, so "
            "none corrects it. Accuracy on clean windows cannot show a backdoor.",
        },
        right="Most of the harm to your own activities is undone",
    ),
    Question(
        "Nobody sends poison, but the cloud leaves out windows that look unusual. Who loses accuracy by this defence?",
        {
            "Nobody: only poisoned windows look unusual": "Honest windows look unusual too. The filter leaves some of "
            "them out, and the model that people download is trained on less.",
            "Everybody, a little": "The mean change is small, but it is a mean: some people gain, and a few lose "
            "very much.",
            "Most people a little, a few very much, hard to say who": "How unusually somebody moves "
            "says almost nothing about what they lose. So measure the cost person by person, not by its mean.",
        },
        right="Most people a little, a few very much, hard to say who",
    ),
    Question(
        "After training, the shared model is as accurate as before on clean windows. Is it free of poison?",
        {
            "Yes: poison lowers the accuracy": "Wrong labels lower it. A backdoor acts only on windows with its mark, "
            "and none of the clean ones has it.",
            "No: it may have a backdoor": "Only windows with the mark show it. A test on clean windows cannot find it, "
            "whatever its result.",
            "Yes, once I have retrained it at home": "Retraining corrects what your windows contradict. None of them "
            "has the mark, so nothing contradicts the backdoor.",
        },
        right="No: it may have a backdoor",
    ),
)
