"""Exercise `choose-weight` (notebook 03): one weight for the prior, chosen on validation text and reported on test."""

import numpy as np

from pmt_helpers.teaching.exercises.base import Exercise, Hints, Mistake

Array = np.ndarray
Pair = tuple[Array, Array]


def choose_weight(weights: Array, validation: Array, test: Array) -> Pair:
    """The weight with the highest mean validation over seeds, and its mean test.

    weights: (n_weights,); validation, test: (n_seeds, n_weights), bits a word. Returns two numbers.
    """
    return _reported(weights, test, int(np.argmax(_means(validation))))


def _means(bits: Array) -> Array:
    """Mean bits of each weight over seeds, (n_weights,)."""
    return np.mean(bits, axis=0)


def _reported(weights: Array, bits: Array, column: int) -> Pair:
    return np.asarray(weights)[column], _means(bits)[column]


def _by_test(weights: Array, validation: Array, test: Array) -> Pair:
    return choose_weight(weights, test, test)


def _lowest(weights: Array, validation: Array, test: Array) -> Pair:
    return _reported(weights, test, int(np.argmin(_means(validation))))


def _validation_reported(weights: Array, validation: Array, test: Array) -> Pair:
    return choose_weight(weights, validation, validation)


def _highest_test(weights: Array, validation: Array, test: Array) -> Pair:
    return choose_weight(weights, validation, test)[0], _means(test).max()


def _each_seeds_own(weights: Array, validation: Array, test: Array) -> tuple[Array, Array]:
    """Each seed's own weight, and what it has in test; (n_seeds,) each."""
    best = validation.argmax(axis=1)
    return np.asarray(weights)[best], test[np.arange(len(test)), best]


def _own_weights_and_mean(weights: Array, validation: Array, test: Array) -> Pair:
    own, bits = _each_seeds_own(weights, validation, test)
    return own, bits.mean()


def _own_weights_averaged(weights: Array, validation: Array, test: Array) -> Pair:
    own, bits = _each_seeds_own(weights, validation, test)
    return own.mean(), bits.mean()


def _by_vote(weights: Array, validation: Array, test: Array) -> Pair:
    votes = np.bincount(validation.argmax(axis=1), minlength=len(weights))
    return _reported(weights, test, int(votes.argmax()))


def _by_luckiest_seed(weights: Array, validation: Array, test: Array) -> Pair:
    return _reported(weights, test, int(validation.max(axis=0).argmax()))


def _over_weights(weights: Array, validation: Array, test: Array) -> Pair:
    return _reported(weights, test, int(validation.mean(axis=1).argmax()))


def _place(weights: Array, validation: Array, test: Array) -> Pair:
    column = int(np.argmax(_means(validation)))
    return np.asarray(column), _means(test)[column]


def _cases() -> dict[str, tuple[Array, Array, Array]]:
    """Tables in which every way of choosing takes another weight."""
    weights = np.array([0.01, 0.1, 1.0, 10.0, 100.0])
    validation = np.array(
        [
            [-11.2, -10.9, -10.2, -10.6, -11.6],
            [-11.1, -10.8, -10.7, -10.5, -11.7],
            [-11.3, -11.0, -10.8, -10.7, -10.1],
            [-11.4, -10.4, -10.5, -10.6, -12.0],
        ]
    )
    test = np.array(
        [
            [-11.0, -10.7, -10.9, -10.8, -11.5],
            [-11.3, -10.5, -10.6, -10.7, -11.9],
            [-11.2, -10.6, -10.7, -10.9, -11.8],
            [-11.4, -10.8, -10.8, -10.8, -11.6],
        ]
    )
    three = np.array([[-9.9, -9.6, -9.8, -9.7], [-10.4, -10.3, -9.9, -10.2], [-10.0, -10.1, -9.9, -10.3]])
    return {
        "four seeds, five weights": (weights, validation, test),
        "three seeds, four weights": (
            np.array([0.3, 1.0, 3.0, 30.0]),
            three,
            three[:, ::-1] + np.array([0.1, 0.2, -0.3, 0.1]),
        ),
        "one seed": (np.array([2.0, 4.0, 8.0]), np.array([[-8.1, -7.9, -8.4]]), np.array([[-8.6, -8.5, -8.2]])),
    }


_ONE_FOR_ALL = (
    "each seed chose a weight of its own here. That fits the luck of each: average the validation bits over the seeds "
    "first, then choose one weight for all."
)

CHOOSE_WEIGHT = Exercise(
    id="choose-weight",
    notebook="03",
    title="How much to trust the cloud",
    signature="choose_weight(weights, validation, test)",
    right="the weight was chosen without a look at the test, and the test says what it is worth. Had the test chosen, "
    "its number would promise too much.",
    hints=Hints(
        nudge="Two tables, two jobs: one may choose, the other may only say how good the choice is. And is minus ten "
        "bits a word better or worse than minus eleven?",
        sketch="Average the validation table over its seeds: one value a weight. Find the place of the highest. Return "
        "the weight at that place, and the mean of the test table's column there.",
        pointer="best_weight in pmt_helpers/topics/prior_weight.py chooses; it is never shown a document that tests.",
    ),
    cases=_cases(),
    reference=choose_weight,
    mistakes=(
        Mistake(
            "chosen by test",
            "the test chose the weight, so its bits promise too much: of several numbers that are partly luck, the "
            "highest is the luckiest. Choose by validation.",
            _by_test,
        ),
        Mistake(
            "lowest",
            "this takes the lowest. Bits are negative here: -10 is a better guess than -11, so take the highest.",
            _lowest,
        ),
        Mistake(
            "validation reported",
            "the weight is right, but the value is its validation. That was the highest of all, in part by luck, and "
            "promises too much: report the test.",
            _validation_reported,
        ),
        Mistake(
            "highest of the test",
            "the weight is right, but the value belongs to another one: the best of the test. Report the test of the "
            "weight that you chose.",
            _highest_test,
        ),
        Mistake("per seed", _ONE_FOR_ALL, _own_weights_and_mean),
        Mistake("per seed, all values", _ONE_FOR_ALL, _each_seeds_own),
        Mistake("per seed, averaged", _ONE_FOR_ALL, _own_weights_averaged),
        Mistake(
            "by vote",
            "this takes the weight that is best for most seeds. By how much it is better counts too: average the bits "
            "over the seeds, then take the highest.",
            _by_vote,
        ),
        Mistake(
            "by the luckiest seed",
            "this takes the highest single value of the table. One seed may be lucky: average over the seeds first.",
            _by_luckiest_seed,
        ),
        Mistake(
            "over weights",
            "this averages over the weights, so it compares seeds. Rows are seeds and columns are weights: average "
            "over axis 0.",
            _over_weights,
        ),
        Mistake(
            "place",
            "the first value is the weight's place in the list. Return the weight itself.",
            _place,
        ),
        Mistake(
            "swapped",
            "the two values are swapped: first the weight, then its bits.",
            lambda *arguments: choose_weight(*arguments)[::-1],
        ),
    ),
)
