"""What a topic model is given, checked: counts of words, and topics that were learnt elsewhere. Notebook 03, step 1."""

import operator
from typing import Any

import numpy as np
from scipy.sparse import csr_array

MOST = 2**24  # from here on single precision skips whole numbers, and the sampler counts in it


_SUM = 1e-4  # by how much the probabilities of a topic may miss one: they may come in float32, or rounded


def check_counts(counts: Any, n_words: int | None = None) -> csr_array:
    """Documents x words as a csr_array of int64, words in ascending order, no zeros stored; the given one is left.

    A document without words is allowed: it teaches nothing, and its topics are what the prior says.
    Raises ValueError for counts that are no counts, none at all, or not of n_words words.
    """
    given = csr_array(counts)
    if given.ndim != 2:
        raise ValueError(f"counts have {given.ndim} dimensions, expected two: documents x words")
    values = np.asarray(given.data)
    if not np.isfinite(values).all():
        raise ValueError(f"{(~np.isfinite(values)).sum()} of {values.size} stored counts are NaN or infinite")
    if (values < 0).any():
        raise ValueError(f"{(values < 0).sum()} of {values.size} stored counts are negative, the lowest {values.min()}")
    if (values != np.floor(values)).any():
        odd = values[values != np.floor(values)]
        raise ValueError(f"{odd.size} of {values.size} stored counts are not whole numbers, for example {odd[0]}")
    if values.size and values.max() >= MOST:
        raise ValueError(f"a count of {values.max():,}; this sampler counts up to {MOST - 1:,}")
    whole = csr_array((values.astype(np.int64), given.indices, given.indptr), shape=given.shape, copy=True)
    whole.sum_duplicates()
    whole.eliminate_zeros()
    if n_words is not None and whole.shape[1] != n_words:
        raise ValueError(f"counts have {whole.shape[1]:,} words, the topics {n_words:,}; both need one vocabulary")
    if whole.nnz == 0:
        raise ValueError(f"the {whole.shape[0]} documents hold no words at all; there is nothing to learn from")
    largest = max(int(whole.sum(axis=axis).max()) for axis in (0, 1))
    if largest >= MOST:
        raise ValueError(f"a document or a word with {largest:,} tokens; this sampler counts up to {MOST - 1:,}")
    return whole


def check_topics(phi: Any, n_words: int | None = None, n_topics: int | None = None) -> np.ndarray:
    """Topics as (n_topics, n_words) float64: each row the probabilities of the words in one topic.

    Raises ValueError for another shape, for what is no probability, and for rows that do not sum to one.
    """
    phi = np.asarray(phi, dtype=np.float64)
    if phi.ndim != 2 or 0 in phi.shape:
        raise ValueError(f"topics have shape {phi.shape}, expected (n_topics, n_words)")
    if n_words is not None and phi.shape[1] != n_words:
        swapped = ", perhaps transposed" if phi.shape[0] == n_words else ""
        raise ValueError(f"topics have shape {phi.shape}, but there are {n_words:,} words{swapped}")
    if n_topics is not None and phi.shape[0] != n_topics:
        raise ValueError(f"{phi.shape[0]} topics were given, and n_topics is {n_topics}")
    bad = ~(np.isfinite(phi) & (phi >= 0))
    if bad.any():
        raise ValueError(f"{bad.sum()} of {phi.size} probabilities of the topics are negative, NaN or infinite")
    sums = phi.sum(axis=1)
    if np.abs(sums - 1).max() > _SUM:
        raise ValueError(
            f"each topic must sum to one over the words; the sums go from {sums.min():g} to {sums.max():g}"
        )
    return phi


def check_positive(**settings: float) -> None:
    """Raises ValueError, with its name, for a setting that is not a finite number above 0."""
    for name, value in settings.items():
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a number above 0; got {value}")


def check_integer(name: str, value: Any, least: int) -> int:
    """The value as a plain int. Raises ValueError, with its name, when it is no whole number from `least` on."""
    try:
        whole = operator.index(value)
    except TypeError:
        whole = least - 1
    if whole < least:
        raise ValueError(f"{name} must be a whole number from {least} on; got {value!r}")
    return whole


def unknown_words(phi: np.ndarray, counts: csr_array) -> np.ndarray:
    """Columns of words that occur in the documents, and have no probability in any topic."""
    return np.unique(counts.indices[phi.max(axis=0)[counts.indices] == 0])
