"""Exercise `grow-dictionary` (notebook 03): words of one's own join the shared ones, and the topics make room."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pmt_helpers.teaching.exercises.base import Exercise, Hints, Mistake

Array = np.ndarray
Pair = tuple[Array, Array]
Documents = Sequence[Sequence[str]]


def grow_topics(phi: Array, words: Sequence[str], documents: Documents, no_below: int) -> Pair:
    """Counts (n_docs, n_grown) and topics (n_topics, n_grown) over the shared words and, behind them, new ones.

    words: of the columns of phi. A word is new when it is not among them and occurs in at least no_below documents;
    new ones stand in alphabetical order. Each gets in each topic that topic's smallest probability, and the rows are
    scaled to sum to one.
    """
    new = _new(words, documents, no_below)
    return _counts(documents, (*words, *new)), _widened(phi, len(new))


def _new(words: Sequence[str], documents: Documents, no_below: int) -> list[str]:
    known = set(words)
    in_documents = Counter(word for tokens in documents for word in set(tokens) - known)
    return sorted(word for word, number in in_documents.items() if number >= no_below)


def _counts(documents: Documents, columns: Sequence[str]) -> Array:
    tallies = [Counter(tokens) for tokens in documents]
    return np.array([[tally[word] for word in columns] for tally in tallies], dtype=np.int64)


def _widened(phi: Array, n_new: int) -> Array:
    wide = np.pad(phi, ((0, 0), (0, n_new)))
    wide[:, phi.shape[1] :] = phi.min(axis=1)[:, None]
    return wide / wide.sum(axis=1, keepdims=True)


def _with(new_words: Sequence[str], phi: Array, words: Sequence[str], documents: Documents) -> Pair:
    """As asked, but with these new words."""
    return _counts(documents, (*words, *new_words)), _widened(phi, len(new_words))


def _never_grows(phi: Array, words: Sequence[str], documents: Documents, no_below: int) -> Pair:
    return _with((), phi, words, documents)


def _all_new(phi: Array, words: Sequence[str], documents: Documents, no_below: int) -> Pair:
    return _with(_new(words, documents, 1), phi, words, documents)


def _more_than(phi: Array, words: Sequence[str], documents: Documents, no_below: int) -> Pair:
    return _with(_new(words, documents, no_below + 1), phi, words, documents)


def _by_tokens(phi: Array, words: Sequence[str], documents: Documents, no_below: int) -> Pair:
    tokens = Counter(word for document in documents for word in document if word not in words)
    return _with(sorted(word for word, number in tokens.items() if number >= no_below), phi, words, documents)


def _as_they_come(phi: Array, words: Sequence[str], documents: Documents, no_below: int) -> Pair:
    new = _new(words, documents, no_below)
    met = dict.fromkeys(word for document in documents for word in document if word in new)
    return _with(list(met), phi, words, documents)


def _sorted_together(phi: Array, words: Sequence[str], documents: Documents, no_below: int) -> Pair:
    new = _new(words, documents, no_below)
    return _counts(documents, sorted([*words, *new])), _widened(phi, len(new))


def _all_sorted(phi: Array, words: Sequence[str], documents: Documents, no_below: int) -> Pair:
    """Sorted together, with every column of phi carried to its word's new place."""
    counts, wide = grow_topics(phi, words, documents, no_below)
    order = np.argsort([*words, *_new(words, documents, no_below)])
    return counts[:, order], wide[:, order]


def _in_front(phi: Array, words: Sequence[str], documents: Documents, no_below: int) -> Pair:
    counts, wide = grow_topics(phi, words, documents, no_below)
    return np.roll(counts, -len(words), axis=1), np.roll(wide, -len(words), axis=1)


def _counts_in_front(phi: Array, words: Sequence[str], documents: Documents, no_below: int) -> Pair:
    counts, wide = grow_topics(phi, words, documents, no_below)
    return np.roll(counts, -len(words), axis=1), wide


def _presence(phi: Array, words: Sequence[str], documents: Documents, no_below: int) -> Pair:
    counts, wide = grow_topics(phi, words, documents, no_below)
    return np.minimum(counts, 1), wide


def _impossible(phi: Array, words: Sequence[str], documents: Documents, no_below: int) -> Pair:
    counts, wide = grow_topics(phi, words, documents, no_below)
    return counts, np.pad(phi, ((0, 0), (0, wide.shape[1] - phi.shape[1])))


def _one_for_all(phi: Array, words: Sequence[str], documents: Documents, no_below: int) -> Pair:
    counts, wide = grow_topics(phi, words, documents, no_below)
    wide = np.pad(phi, ((0, 0), (0, wide.shape[1] - phi.shape[1])), constant_values=phi.min())
    return counts, wide / wide.sum(axis=1, keepdims=True)


def _not_scaled(phi: Array, words: Sequence[str], documents: Documents, no_below: int) -> Pair:
    counts, wide = grow_topics(phi, words, documents, no_below)
    return counts, wide * (1 + (wide.shape[1] - phi.shape[1]) * phi.min(axis=1, keepdims=True))


def _cases() -> dict[str, tuple[Array, list[str], list[list[str]], int]]:
    """Shared words in no alphabetical order, and rare new ones that come often where they come."""
    words = ["river", "bank", "loan", "goal", "match"]
    phi = np.array([[0.30, 0.25, 0.05, 0.30, 0.10], [0.02, 0.28, 0.40, 0.20, 0.10], [0.11, 0.09, 0.10, 0.20, 0.50]])
    news = [
        ["storm", "river", "storm", "river", "flood", "match", "storm"],
        ["flood", "bank", "loan", "bank", "dam", "budget"],
        ["goal", "match", "goal", "coach", "storm", "budget"],
        ["coach", "referee", "referee", "referee", "goal", "dam", "flood"],
    ]
    return {
        "four news texts, words in two of them": (phi, words, news, 2),
        "words in three of them": (phi, words, news, 3),
        "no new words": (phi, words, [["goal", "match", "goal"], ["loan"]], 1),
    }


_MOVED = (
    "columns have moved. Column 3 of phi is about the third shared word, here as in the cloud: leave the shared words "
    "where they are, and put the new ones behind them."
)

GROW_DICTIONARY = Exercise(
    id="grow-dictionary",
    notebook="03",
    title="Words of your own",
    signature="grow_topics(phi, words, documents, no_below)",
    right="your counts and topics agree with ours. The shared columns still mean the same words, and the new ones can "
    "now be learnt at home.",
    hints=Hints(
        nudge="Each column of phi is about one shared word. Which order of all the words keeps that true?",
        sketch="For every word that is not shared, count the documents that have it at least once. Keep those with "
        "no_below or more, sort them, and put them behind the shared ones. Count each of these words in each document. "
        "Then add to phi, for each new word, a column with the smallest value of every row, and divide each row by its "
        "sum.",
        pointer="keep_words in pmt_helpers/datasets/text.py counts, widened in pmt_helpers/topics/personal.py "
        "makes room in the topics.",
    ),
    cases=_cases(),
    reference=grow_topics,
    mistakes=(
        Mistake("sorted together", _MOVED, _sorted_together),
        Mistake("sorted together, phi too", _MOVED, _all_sorted),
        Mistake("new words in front", _MOVED, _in_front),
        Mistake("new words in front in the counts", _MOVED, _counts_in_front),
        Mistake(
            "never grows",
            "the words that the cloud does not know are dropped, so the model can never learn them. Those in enough "
            "of the documents get columns of their own.",
            _never_grows,
        ),
        Mistake(
            "tokens counted",
            "no_below counts occurrences here, so a word that one document repeats comes in. It is about documents: "
            "count each document once.",
            _by_tokens,
        ),
        Mistake(
            "more than no_below",
            "this asks for more than no_below documents. A word that is in exactly so many comes in as well.",
            _more_than,
        ),
        Mistake(
            "every new word",
            "every new word comes in, also those of a single document, and no_below does nothing. A word of one "
            "document says nothing about what goes with what.",
            _all_new,
        ),
        Mistake(
            "as they come",
            "the new words are in the order in which the documents have them. Sort them, so that the same documents "
            "in another order give the same columns.",
            _as_they_come,
        ),
        Mistake(
            "presence",
            "a word counts once in a document, however often it occurs. Count every occurrence.",
            _presence,
        ),
        Mistake(
            "impossible words",
            "new words have the probability 0. Then no topic can be drawn for them: what is impossible stays "
            "impossible, however often you write it.",
            _impossible,
        ),
        Mistake(
            "one for all topics",
            "one value is used in all topics. Take the smallest of each row: what a word that never came has there.",
            _one_for_all,
        ),
        Mistake(
            "rows not scaled",
            "with the new columns the rows of phi no longer sum to one. Divide each row by its sum.",
            _not_scaled,
        ),
    ),
)
