"""Exercise `gibbs-update` (notebook 03): the topic of one token, given the topics of all others.

Judged by symptoms, since a right answer is more than its value: it must leave the tables that it is given as they are.
"""

from collections.abc import Callable

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Hints, Mistake

Array = np.ndarray


def topic_probabilities(
    word_topic: Array, doc_topic: Array, word: int, doc: int, topic: int, alpha: float, beta: float
) -> Array:
    """p(new topic) of one token, (n_topics,). word_topic (n_words, n_topics), doc_topic (n_docs, n_topics): counts
    that still have the token in `topic`.
    """
    this = np.eye(word_topic.shape[1])[topic]
    weights = (doc_topic[doc] - this + alpha) * _share_of_word(word_topic, word, this, this, beta, len(word_topic))
    return weights / weights.sum()


def _share_of_word(
    word_topic: Array, word: int, out: Array, out_of_totals: Array, beta: float, n_words: float
) -> Array:
    """phi of one word, after so much has been taken out of its counts and of the totals."""
    return (word_topic[word] - out + beta) / (word_topic.sum(axis=0) - out_of_totals + n_words * beta)


def _of(
    document: int = 1, its_word: int = 1, totals: int = 1, n_words: int | None = None, scaled: bool = True
) -> Answer:
    """The update with the token taken out (1) of each table or left in (0), or with another factor before beta."""

    def answer(wt: Array, dt: Array, word: int, doc: int, topic: int, alpha: float, beta: float) -> Array:
        this = np.eye(wt.shape[1])[topic]
        size = len(wt) if n_words is None else n_words
        share = _share_of_word(wt, word, its_word * this, totals * this, beta, size)
        weights = (dt[doc] - document * this + alpha) * share
        return weights / weights.sum() if scaled else weights

    return answer


def _topics_for_words(wt: Array, dt: Array, word: int, doc: int, topic: int, alpha: float, beta: float) -> Array:
    return _of(n_words=wt.shape[1])(wt, dt, word, doc, topic, alpha, beta)


def _only_document(wt: Array, dt: Array, word: int, doc: int, topic: int, alpha: float, beta: float) -> Array:
    weights = dt[doc] - np.eye(wt.shape[1])[topic] + alpha
    return weights / weights.sum()


def _only_word(wt: Array, dt: Array, word: int, doc: int, topic: int, alpha: float, beta: float) -> Array:
    this = np.eye(wt.shape[1])[topic]
    weights = _share_of_word(wt, word, this, this, beta, len(wt))
    return weights / weights.sum()


def _no_totals(wt: Array, dt: Array, word: int, doc: int, topic: int, alpha: float, beta: float) -> Array:
    this = np.eye(wt.shape[1])[topic]
    weights = (dt[doc] - this + alpha) * (wt[word] - this + beta)
    return weights / weights.sum()


def _spoiling(wt: Array, dt: Array, word: int, doc: int, topic: int, alpha: float, beta: float) -> Array:
    probabilities = topic_probabilities(wt, dt, word, doc, topic, alpha, beta)
    wt[word, topic] -= 1
    dt[doc, topic] -= 1
    return probabilities


def _cases() -> dict[str, tuple[Array, Array, int, int, int, float, float]]:
    """Every topic has tokens left without this one, so that a forgotten beta divides by no zero."""
    word_topic = np.array([[5, 0, 2], [1, 4, 0], [0, 3, 3], [2, 0, 6]])
    doc_topic = np.array([[6, 1, 3], [2, 6, 8]])
    rng = np.random.default_rng(9)
    wide = rng.poisson(0.7, (30, 5)) + np.eye(30, 5, dtype=int)
    rows = rng.multinomial(wide.sum(axis=0), [0.5, 0.3, 0.2]).T
    word, doc = 2, 1
    return {
        "four words, three topics": (word_topic, doc_topic, 1, 1, 1, 0.5, 0.1),
        "the only one of its word in its topic": (word_topic, doc_topic, 1, 0, 0, 2.0, 0.3),
        "thirty words, five topics": (wide, rows, word, doc, int(wide[word].argmax()), 10.0, 0.02),
    }


CASES = _cases()


def _returns(imitation: Answer) -> Callable[[Answer], bool]:
    """Whether an answer returns what `imitation` does, on every case."""

    def symptom(answer: Answer) -> bool:
        return all(_near(_value(answer, case), _value(imitation, case)) for case in CASES.values())

    return symptom


def _near(one: Array, other: Array) -> bool:
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-4, atol=1e-6)


def _value(answer: Answer, case: tuple) -> Array:
    return np.asarray(answer(case[0].copy(), case[1].copy(), *case[2:]), float)


def other_values(answer: Answer) -> bool:
    return not _returns(topic_probabilities)(answer)


def changes_tables(answer: Answer) -> bool:
    """Whether the tables are other ones after a call."""

    def changed(word_topic: Array, doc_topic: Array, *rest: float) -> bool:
        tables = word_topic.copy(), doc_topic.copy()
        answer(*tables, *rest)
        return not (np.array_equal(tables[0], word_topic) and np.array_equal(tables[1], doc_topic))

    return any(changed(*case) for case in CASES.values())


def _mistake(name: str, message: str, imitation: Answer) -> Mistake:
    return Mistake(name, message, imitation, _returns(imitation))


_ONE_LEFT = (
    "the token is taken out in one place and left in another. It counts three times: in its word's row, in its "
    "document's row, and in the total of its topic."
)
_N_WORDS = (
    "something is wrong below the line. Every word of the vocabulary has a beta of its own, so a topic's total grows "
    "by n_words times beta."
)

GIBBS_UPDATE = Exercise(
    id="gibbs-update",
    notebook="03",
    title="One token finds its topic",
    signature="topic_probabilities(word_topic, doc_topic, word, doc, topic, alpha, beta)",
    right="your probabilities agree with ours, and the tables are as they were. The sampler draws one topic from them, "
    "puts the token back there, and goes on to the next.",
    hints=Hints(
        nudge="A token must not vote for itself. In how many counts is it, before you ask where it should go?",
        sketch="Make an array that is one at the token's topic and zero elsewhere. Subtract it from the row of the "
        "word, from the row of the document, and from the total of every topic. Document's row plus alpha, times "
        "word's row plus beta, divided by the totals plus n_words times beta; then divide by the sum over topics.",
        pointer="sweep in pmt_helpers/topics/gibbs_reference.py does it for token after token, and draws.",
    ),
    cases=CASES,
    reference=topic_probabilities,
    judged_by_symptoms=True,
    mistakes=(
        _mistake(
            "token not taken out",
            "the token still counts for the topic that it has, so it votes for staying there. Take it out of the "
            "counts first.",
            _of(0, 0, 0),
        ),
        _mistake("left in the document", _ONE_LEFT, _of(0, 1, 1)),
        _mistake("left in the word", _ONE_LEFT, _of(1, 0, 1)),
        _mistake("left in the totals", _ONE_LEFT, _of(1, 1, 0)),
        _mistake("taken out of the document only", _ONE_LEFT, _of(1, 0, 0)),
        _mistake("n_words beta forgotten", _N_WORDS, _of(n_words=0)),
        _mistake("beta only", _N_WORDS, _of(n_words=1)),
        _mistake("n_topics for n_words", _N_WORDS, _topics_for_words),
        _mistake(
            "no totals",
            "this does not divide by the size of the topics, so a large topic takes every word. What counts is the "
            "word's share of the topic: divide by the topic's total.",
            _no_totals,
        ),
        _mistake(
            "not normalised",
            "these are weights, right in proportion, but they do not sum to one. Divide them by their sum.",
            _of(scaled=False),
        ),
        _mistake(
            "alpha and beta swapped",
            "alpha and beta have changed places. alpha belongs to topics in a document, beta to words in a topic.",
            lambda wt, dt, word, doc, topic, alpha, beta: topic_probabilities(wt, dt, word, doc, topic, beta, alpha),
        ),
        _mistake(
            "only the document",
            "this asks only which topics the document has. Multiply by how much of each topic is this word.",
            _only_document,
        ),
        _mistake(
            "only the word",
            "this asks only which topics the word has. Multiply by how much of the document each topic has.",
            _only_word,
        ),
        Mistake(
            "other values",
            "the shape is right, the probabilities are not. Three counts without this token are needed for each "
            "topic: in the document, of the word, and in all. Then alpha, beta and n_words times beta are added.",
            _of(2, 1, 1),
            other_values,
        ),
        Mistake(
            "tables changed",
            "the probabilities are right, but the tables are not as they were: called once more, it takes the token "
            "out once more. Work on copies, or put the token back before you return.",
            _spoiling,
            changes_tables,
        ),
    ),
)
