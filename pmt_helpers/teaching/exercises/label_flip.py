"""Exercise `label-flip` (notebook 04): a volunteer who lies about some labels, as harmfully as a clean model can tell.

Judged by symptoms, since a right answer is more than its value: it must leave the arrays that it is given as they are.
"""

from collections.abc import Callable

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Hints, Mistake

Array = np.ndarray


def flip_labels(y: Array, probabilities: Array, fraction: float, order: Array) -> Array:
    """Labels with lies among them, (n,): the first rows of `order` get the least likely of the other classes.

    y: (n,) true labels; probabilities: (n, n_classes) by a clean model; order: (n,), the rows in random order.
    """
    return _lies(y, order[: _number(y, fraction)], _extreme(y, probabilities, np.argmin, np.inf))


def _number(y: Array, fraction: float) -> int:
    """How many windows a fraction is, to the nearest whole number."""
    return round(fraction * len(y))


def _extreme(y: Array, probabilities: Array, pick: Callable[..., Array], out: float) -> Array:
    """The class that argmin or argmax picks for each window; `out` takes the place of the true one."""
    rest = probabilities.copy()
    rest[np.arange(len(y)), y] = out
    return pick(rest, axis=1)


def _lies(y: Array, rows: Array, labels: Array) -> Array:
    told = np.array(y)
    told[rows] = labels[rows]
    return told


def _saying(labels: Callable[[Array, Array], Array]) -> Answer:
    """Lies about the right windows, with these labels."""
    return lambda y, p, fraction, order: _lies(y, order[: _number(y, fraction)], labels(y, p))


def _about(rows: Callable[[Array, int], Array]) -> Answer:
    """The right lies, about these rows of the order, of which so many are asked for."""

    def answer(y: Array, p: Array, fraction: float, order: Array) -> Array:
        return _lies(y, rows(order, _number(y, fraction)), _extreme(y, p, np.argmin, np.inf))

    return answer


def _rounded(whole: Callable[[float], float]) -> Answer:
    def answer(y: Array, p: Array, fraction: float, order: Array) -> Array:
        return _lies(y, order[: int(whole(fraction * len(y)))], _extreme(y, p, np.argmin, np.inf))

    return answer


def _misplaced(y: Array, p: Array, fraction: float, order: Array) -> Array:
    """The lies of the first windows, told about the chosen ones."""
    rows, told = order[: _number(y, fraction)], np.array(y)
    told[rows] = _extreme(y, p, np.argmin, np.inf)[: len(rows)]
    return told


def _in_place(y: Array, p: Array, fraction: float, order: Array) -> Array:
    y[:] = flip_labels(y, p, fraction, order)
    return y


def _cases() -> dict[str, tuple[Array, Array, float, Array]]:
    """The model is wrong about some windows: there even the least likely class may be the true one."""
    rng = np.random.default_rng(21)

    def volunteer(n: int, n_classes: int, fraction: float) -> tuple[Array, Array, float, Array]:
        y, order = rng.integers(0, n_classes, n), rng.permutation(n)
        probabilities = rng.dirichlet(np.full(n_classes, 0.8), n)
        sure = np.sort(probabilities, axis=1)
        for row in range(n):  # the most likely class is the true one, but for every third liar
            place = 0 if row in order[::3] else -1
            others = np.delete(sure[row], place)
            probabilities[row] = np.insert(rng.permutation(others), y[row], sure[row, place])
        return y, probabilities, fraction, order

    return {
        "twelve windows of four classes": volunteer(12, 4, 0.4),
        "a volunteer with six classes": volunteer(31, 6, 0.3),
        "an honest volunteer": volunteer(6, 3, 0.0),
    }


CASES = _cases()


def _returns(imitation: Answer) -> Callable[[Answer], bool]:
    """Whether an answer returns what `imitation` does, on every case."""

    def symptom(answer: Answer) -> bool:
        return all(np.array_equal(_value(answer, case), _value(imitation, case)) for case in CASES.values())

    return symptom


def _value(answer: Answer, case: tuple) -> Array:
    y, probabilities, fraction, order = case
    return np.asarray(answer(y.copy(), probabilities.copy(), fraction, order.copy()))


def _changed_rows(answer: Answer) -> list[tuple[set[int], set[int]]]:
    """Of each case: the rows that have another label now, and those that should have."""
    return [
        (set(np.flatnonzero(_value(answer, case) != case[0])), set(case[3][: _number(case[0], case[2])]))
        for case in CASES.values()
    ]


def other_number(answer: Answer) -> bool:
    return any(len(changed) != len(chosen) for changed, chosen in _changed_rows(answer))


def other_rows(answer: Answer) -> bool:
    return any(changed != chosen for changed, chosen in _changed_rows(answer))


def other_labels(answer: Answer) -> bool:
    return not _returns(flip_labels)(answer)


def changes_arrays(answer: Answer) -> bool:
    """Whether the arrays are other ones after a call."""

    def changed(y: Array, probabilities: Array, fraction: float, order: Array) -> bool:
        given = y.copy(), probabilities.copy(), order.copy()
        answer(given[0], given[1], fraction, given[2])
        return not all(map(np.array_equal, given, (y, probabilities, order)))

    return any(changed(*case) for case in CASES.values())


def _mistake(name: str, message: str, imitation: Answer) -> Mistake:
    return Mistake(name, message, imitation, _returns(imitation))


_WHICH_ROWS = (
    "the number is right, but other windows lie. order lists rows, the first liar first: take as many as you need from "
    "its beginning."
)

LABEL_FLIP = Exercise(
    id="label-flip",
    notebook="04",
    title="Lie where it hurts",
    signature="flip_labels(y, probabilities, fraction, order)",
    right="your labels agree with ours, and the true ones are still there. No lie stands out by its number; what it "
    "does to the model, the next cells measure.",
    hints=Hints(
        nudge="Which label would the clean model believe last? And what if it is the true one, since models err?",
        sketch="Copy the probabilities, and put infinity where the true class stands: what is lowest now is never the "
        "truth. Copy the labels. The chosen rows are the first ones of order, as many as fraction times n, rounded. "
        "Give them, and only them, their lowest class.",
        pointer="flip_labels in pmt_helpers/attacks/poisoning.py does it, and three other kinds of lie.",
    ),
    cases=CASES,
    reference=flip_labels,
    judged_by_symptoms=True,
    mistakes=(
        _mistake(
            "most likely",
            "this says what the model believes already. Where the model is right that is the truth, so it does no harm "
            "at all: take the class that it finds least likely.",
            _saying(lambda y, p: p.argmax(1)),
        ),
        _mistake(
            "next likely",
            "this takes the likeliest of the false classes. That is a lie, but the mildest: take the one that the "
            "model finds least likely.",
            _saying(lambda y, p: _extreme(y, p, np.argmax, -np.inf)),
        ),
        _mistake(
            "maybe the truth",
            "some chosen windows kept their true label. Where the model is very wrong, the class it finds least likely "
            "is the true one: rule that one out before you look for the lowest.",
            _saying(lambda y, p: p.argmin(1)),
        ),
        _mistake(
            "model not asked",
            "this takes the next class by number, whatever the model says. Let its probabilities choose the lie.",
            _saying(lambda y, p: (y + 1) % p.shape[1]),
        ),
        _mistake(
            "lies of others",
            "the right windows lie, but with the lies of other windows. Row 7 of the probabilities belongs to label 7: "
            "pick the lowest class of the chosen rows themselves.",
            _misplaced,
        ),
        _mistake(
            "no lie",
            "no label has changed. With a zero in its place the true class is the lowest of all: put infinity there. "
            "Or no row was chosen: a fraction is to be multiplied by the number of windows.",
            _saying(lambda y, p: y),
        ),
        _mistake(
            "all lie",
            "every window lies, and fraction does nothing. Only the first rows of order do, so many as the fraction "
            "says.",
            _about(lambda order, number: order),
        ),
        _mistake(
            "all but the fraction",
            "those who should lie are honest, and all others lie. The liars are the first rows of order, not the rest.",
            _about(lambda order, number: order[number:]),
        ),
        _mistake("first rows", _WHICH_ROWS, _about(lambda order, number: np.arange(number))),
        _mistake("order taken for ranks", _WHICH_ROWS, _about(lambda order, number: np.flatnonzero(order < number))),
        Mistake(
            "other number",
            "not as many labels have changed as should. That many: fraction times the number of windows, to the "
            "nearest whole number, neither always down nor always up.",
            _rounded(np.floor),
            other_number,
        ),
        Mistake("other rows", _WHICH_ROWS, _about(lambda order, number: order[len(order) - number :]), other_rows),
        Mistake(
            "other labels",
            "the right windows have lied, but not with the class that the model finds least likely. Look for the "
            "lowest probability along each row, the true class aside.",
            _saying(lambda y, p: np.where(y == 0, 1, 0)),
            other_labels,
        ),
        Mistake(
            "arrays changed",
            "the labels are right, but what was given is not as it was: the truth is lost, and the next attack starts "
            "from lies. Work on copies.",
            _in_place,
            changes_arrays,
        ),
    ),
)
