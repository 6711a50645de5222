"""From lists of words to counts over a vocabulary: the documents' own, a given one, or a given one grown. Notebook 03.

A shared topic model knows one vocabulary, a person's texts hold other words too. Either these are dropped (and the
drop is counted), or the vocabulary grows by them: the given words keep their columns, new ones are added behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.datasets.errors import DataError


@dataclass(frozen=True, eq=False)
class WordCounts:
    """counts: (n_docs, n_words) csr_array of int32. vocabulary: the word of each column.

    dropped: (n_docs,) int64, tokens that are not counted.
    """

    counts: csr_array
    vocabulary: tuple[str, ...]
    dropped: np.ndarray


def count_documents(
    token_lists: Sequence[Sequence[str]],
    vocabulary: Sequence[str] | None = None,
    *,
    grow: bool = False,
    min_documents: int = 1,
    max_share: float = 1.0,
) -> WordCounts:
    """Counts of the words in each document; a document may be left with none. The rules are those of keep_words."""
    return keep_words(
        count_everything(token_lists), vocabulary, grow=grow, min_documents=min_documents, max_share=max_share
    )


def count_everything(token_lists: Sequence[Sequence[str]]) -> WordCounts:
    """Counts of every word that occurs, in alphabetical order."""
    words = sorted({word for tokens in token_lists for word in tokens})
    column = {word: number for number, word in enumerate(words)}
    columns = np.array([column[word] for tokens in token_lists for word in tokens], dtype=np.int32)
    rows = np.repeat(np.arange(len(token_lists), dtype=np.int32), [len(tokens) for tokens in token_lists])
    counts = csr_array((np.ones(len(columns), dtype=np.int32), (rows, columns)), shape=(len(token_lists), len(words)))
    return WordCounts(counts, tuple(words), np.zeros(len(token_lists), dtype=np.int64))


def keep_words(
    table: WordCounts,
    vocabulary: Sequence[str] | None = None,
    *,
    grow: bool = False,
    min_documents: int = 1,
    max_share: float = 1.0,
    more_than: int = 0,
) -> WordCounts:
    """The same documents over fewer, or over given words.

    Without a vocabulary: the words in at least min_documents documents, in at most max_share of them, and occurring
    more_than times altogether. With one: exactly its words, in its order, however rare; grow adds the words that the
    rule above keeps. Raises ValueError for a vocabulary that holds a word twice.
    """
    n_docs = table.counts.shape[0]
    in_documents = np.bincount(table.counts.indices, minlength=len(table.vocabulary))
    occurrences = np.asarray(table.counts.sum(axis=0))
    common = (in_documents >= min_documents) & (in_documents <= max_share * n_docs) & (occurrences > more_than)
    own = [word for word, keep in zip(table.vocabulary, common, strict=True) if keep]
    words = own if vocabulary is None else list(vocabulary)
    if grow and vocabulary is not None:
        words += sorted(set(own) - set(words))
    column = {word: number for number, word in enumerate(words)}
    if len(column) != len(words):
        raise ValueError("the vocabulary holds a word twice")
    moved_to = np.array([column.get(word, -1) for word in table.vocabulary], dtype=np.int32)
    entries = table.counts.tocoo()
    columns = moved_to[entries.coords[1]]
    kept = columns >= 0
    where = (entries.coords[0][kept], columns[kept])
    counts = csr_array((entries.data[kept], where), shape=(n_docs, len(words)))
    lost = np.asarray(table.counts.sum(axis=1) - counts.sum(axis=1), dtype=np.int64)
    return WordCounts(counts, tuple(words), table.dropped + lost)


def require_words(counted: WordCounts, names: np.ndarray, *, file: object, remedy: str) -> None:
    """Raise DataError when a document has no counted word: a topic model could say nothing about it."""
    empty = np.flatnonzero(counted.counts.sum(axis=1) == 0)
    if not len(empty):
        return
    first = empty[0]
    what = "no words" if counted.dropped[first] == 0 else f"{counted.dropped[first]} words, none of them known"
    raise DataError(
        file=file, expected="at least one known word in every document",
        found=f"{what} in document {first + 1:,} of {len(names):,} ({names[first]})", remedy=remedy,
    )  # fmt: skip
