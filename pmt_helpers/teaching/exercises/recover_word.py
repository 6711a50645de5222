"""Exercise `recover-word` (notebook 04): how often a word stands in private texts, from topics that were published.

Judged by symptoms, so that rounding is free: a right count passes with it and without, and a wrong one is known.
"""

from collections.abc import Callable

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Hints, Mistake

Array = np.ndarray


def recover_count(phi: Array, beta: float, column: int) -> float:
    """How many tokens of the word of `column` the texts had behind phi, (n_topics, n_words).

    Row k of phi is (n_kw + beta) / (n_k + n_words beta). Each topic has a word with no token there, so the row's
    smallest value is beta over that denominator.
    """
    return float(np.rint(_in_each(phi, _denominators(phi, beta), beta, column).sum()))


def _denominators(phi: Array, beta: float) -> Array:
    """n_k + n_words beta of each topic, (n_topics,)."""
    return beta / phi.min(axis=1)


def _in_each(phi: Array, denominators: Array, beta: float, column: int) -> Array:
    """n_kw of the word, (n_topics,)."""
    return phi[:, column] * denominators - beta


def _divided_by(denominators: Callable[[Array, float, int], Array]) -> Answer:
    """The count that other denominators give."""

    def answer(phi: Array, beta: float, column: int) -> float:
        return float(_in_each(phi, denominators(phi, beta, column), beta, column).sum())

    return answer


def _with_beta(phi: Array, beta: float, column: int) -> float:
    return recover_count(phi, beta, column) + len(phi) * beta


def _beta_off_once(phi: Array, beta: float, column: int) -> float:
    return recover_count(phi, beta, column) + (len(phi) - 1) * beta


def _beta_off_every_word(phi: Array, beta: float, column: int) -> float:
    return float((phi[:, column] * _denominators(phi, beta) - phi.shape[1] * beta).sum())


def _largest(phi: Array, beta: float, column: int) -> float:
    return float(_in_each(phi, _denominators(phi, beta), beta, column).max())


def _first_topic(phi: Array, beta: float, column: int) -> float:
    return float(_in_each(phi, _denominators(phi, beta), beta, column)[0])


def _over_topics(phi: Array, beta: float, column: int) -> float:
    return float(_in_each(phi, _denominators(phi, beta), beta, column).mean())


def _all_tokens(phi: Array, beta: float, column: int) -> float:
    return float((_denominators(phi, beta) - phi.shape[1] * beta).sum())


def _cut_off(phi: Array, beta: float, column: int) -> float:
    """What int() makes of a count that floating point has left a hair below."""
    return recover_count(phi, beta, column) - 1


def _cases() -> dict[str, tuple[Array, float, int]]:
    """Published topics of made-up texts: counts plus beta, scaled. Every topic lacks some word."""
    rng = np.random.default_rng(51)
    by_hand = np.array([[4, 0, 1, 7, 0, 2], [0, 3, 5, 0, 1, 0], [2, 2, 0, 1, 9, 0]])
    many = rng.poisson(rng.gamma(0.3, 3.0, (8, 90)))
    many[:, 17] = 0
    many[:, 40] = rng.integers(1, 5, 8)

    def published(counts: Array, beta: float) -> Array:
        return (counts + beta) / (counts + beta).sum(axis=1, keepdims=True)

    return {
        "three topics, six words": (published(by_hand, 0.1), 0.1, 2),
        "a word in every topic": (published(many, 0.05), 0.05, 40),
        "a word that never came": (published(many, 0.05), 0.05, 17),
        "another beta": (published(by_hand, 0.7), 0.7, 4),
    }


CASES = _cases()


def _value(answer: Answer, case: tuple) -> float:
    phi, *rest = case
    return float(answer(phi.copy(), *rest))


def _returns(imitation: Answer) -> Callable[[Answer], bool]:
    """Whether an answer returns what `imitation` does, rounded or not, on every case."""

    def symptom(answer: Answer) -> bool:
        found, wrong = (np.array([_value(each, case) for case in CASES.values()]) for each in (answer, imitation))
        return any(np.allclose(found, each, rtol=1e-4, atol=1e-6) for each in (wrong, np.rint(wrong)))

    return symptom


def one_too_few(answer: Answer) -> bool:
    missing = np.array([recover_count(*case) - _value(answer, case) for case in CASES.values()])
    return bool(np.isin(missing, (0, 1)).all() and missing.any())


def other_count(answer: Answer) -> bool:
    return not _returns(recover_count)(answer)


def _mistake(name: str, message: str, imitation: Answer) -> Mistake:
    return Mistake(name, message, imitation, _returns(imitation))


_BETA = (
    "beta is still in it, and it is no token. Each topic adds one beta to this word: take one off in each, then add up."
)
_ONE_TOPIC = (
    "this counts the word in one topic only. Its tokens are spread over the topics: add up what it has in each."
)
_DENOMINATOR = (
    "the denominators are wrong. A word with no token in a topic has beta over the denominator there, and no word has "
    "less: so it is beta over the row's smallest value."
)

RECOVER_WORD = Exercise(
    id="recover-word",
    notebook="04",
    title="Read a private word",
    signature="recover_count(phi, beta, column)",
    right="your counts are the true ones, to the token. Nothing but the published matrix was used: probabilities are "
    "counts in disguise.",
    hints=Hints(
        nudge="A word that no text has in topic k still has a probability there. What is it made of, and what can you "
        "compute from it?",
        sketch="The smallest value of a row is beta over that topic's denominator: so the denominator is beta over the "
        "smallest value. Multiply the word's probability in each topic by that topic's denominator, take beta off, and "
        "add up over the topics.",
        pointer="recover_word_counts in pmt_helpers/attacks/vocabulary.py does it for all words at once.",
    ),
    cases=CASES,
    reference=recover_count,
    judged_by_symptoms=True,
    mistakes=(
        _mistake("beta left in", _BETA, _with_beta),
        _mistake("beta taken off once", _BETA, _beta_off_once),
        _mistake(
            "beta of every word taken off",
            "too much is taken off: n_words times beta stands below the line. This word has one beta in each topic.",
            _beta_off_every_word,
        ),
        _mistake("largest topic only", _ONE_TOPIC, _largest),
        _mistake("first topic only", _ONE_TOPIC, _first_topic),
        _mistake(
            "mean over topics",
            "this is the mean over the topics. The tokens of all topics are wanted: add them up.",
            _over_topics,
        ),
        _mistake("largest value", _DENOMINATOR, _divided_by(lambda phi, beta, column: beta / phi.max(axis=1))),
        _mistake("beta forgotten above", _DENOMINATOR, _divided_by(lambda phi, beta, column: 1 / phi.min(axis=1))),
        _mistake(
            "smallest of all",
            "one smallest value is used for all topics. Topics have different sizes, so each row has a smallest value "
            "of its own.",
            _divided_by(lambda phi, beta, column: beta / phi.min() * np.ones(len(phi))),
        ),
        _mistake(
            "smallest of the column",
            "this takes the smallest value of the word's column. The word may have tokens in every topic: look along "
            "each row, over the words.",
            _divided_by(lambda phi, beta, column: beta / phi[:, column].min() * np.ones(len(phi))),
        ),
        _mistake(
            "n_words beta taken off",
            "the denominators are found, but then n_words times beta is taken off them. phi was divided by all of it: "
            "multiply by all of it again.",
            _divided_by(lambda phi, beta, column: _denominators(phi, beta) - phi.shape[1] * beta),
        ),
        _mistake(
            "all tokens",
            "this counts the tokens of all words. Multiply the denominators by the word's probabilities.",
            _all_tokens,
        ),
        Mistake(
            "cut off",
            "the count is one too few in places. Floating point leaves it a hair below the whole number, and int() "
            "cuts that off: round to the nearest one.",
            _cut_off,
            one_too_few,
        ),
        Mistake(
            "other count",
            "this is not the true count. A topic's denominator is beta over the smallest value of its row; the word's "
            "probability times that, less one beta, is its tokens there; and these are added over the topics.",
            lambda phi, beta, column: recover_count(phi, beta, column) + 3,
            other_count,
        ),
    ),
)
