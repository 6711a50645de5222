"""Checks of what a topic model is given: counts of words, and topics learnt elsewhere. Notebook 03."""

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.datasets.base import check_table
from pmt_helpers.datasets.doors import check_argument

STARTS = ("random", "shared", "prior")
MAX_COUNT = 2**24 - 1  # beyond it single precision skips whole numbers, and the sampler counts in it
SUM_TOLERANCE = 1e-4  # by how much the probabilities of a topic may miss one: they may come in float32, or rounded


def check_counts(counts: Any, n_words: int | None = None) -> csr_array:
    """Documents x words as a new csr_array of int64, words in ascending order, no zeros stored.

    A document without words is allowed: it teaches nothing, and its topics are what the prior says.
    Raises ValueError for invalid counts, no words at all, or another number of words than n_words.
    """
    table = check_table(counts)
    values = table.data
    if values.size and values.max() > MAX_COUNT:
        raise ValueError(f"counts hold one of {values.max():,}; this sampler counts up to {MAX_COUNT:,}")
    checked = csr_array((values.astype(np.int64), table.indices, table.indptr), shape=table.shape, copy=True)
    checked.sum_duplicates()
    checked.eliminate_zeros()
    if n_words is not None and checked.shape[1] != n_words:
        raise ValueError(f"counts have {checked.shape[1]:,} words, the topics {n_words:,}; both need one vocabulary")
    if checked.nnz == 0:
        raise ValueError(f"the {checked.shape[0]} documents hold no words at all; there is nothing to learn from")
    largest = max(int(checked.sum(axis=axis).max()) for axis in (0, 1))
    if largest > MAX_COUNT:
        raise ValueError(f"a document or a word with {largest:,} tokens; this sampler counts up to {MAX_COUNT:,}")
    return checked


def check_topics(phi: Any, n_words: int | None = None, n_topics: int | None = None) -> np.ndarray:
    """Topics as (n_topics, n_words) float64: in each row the probabilities of the words in one topic.

    Raises ValueError for another shape, for invalid probabilities, and for rows that do not sum to one.
    """
    phi = check_argument("phi", np.ndarray, phi).astype(np.float64, copy=False)
    if phi.ndim != 2 or 0 in phi.shape:
        raise ValueError(f"phi (topics) has shape {phi.shape}, expected (n_topics, n_words)")
    if n_words is not None and phi.shape[1] != n_words:
        swapped = ", perhaps transposed" if phi.shape[0] == n_words else ""
        raise ValueError(f"phi (topics) has shape {phi.shape}, but there are {n_words:,} words{swapped}")
    if n_topics is not None and phi.shape[0] != n_topics:
        raise ValueError(f"{phi.shape[0]} topics were given, and n_topics is {n_topics}")
    invalid = ~(np.isfinite(phi) & (phi >= 0))
    if invalid.any():
        raise ValueError(f"{invalid.sum()} of {phi.size} probabilities in phi are negative, NaN or infinite")
    sums = phi.sum(axis=1)
    if np.abs(sums - 1).max() > SUM_TOLERANCE:
        raise ValueError(
            f"each topic in phi must sum to one over the words; the sums go from {sums.min():g} to {sums.max():g}"
        )
    return phi


def check_start(
    start: str, shared_phi: np.ndarray | None, weight: float, counts: csr_array, n_topics: int
) -> np.ndarray | None:
    """The shared topics as float64, None for a random start. Raises ValueError for what does not fit together."""
    if start not in STARTS:
        raise ValueError(f"unknown start {start!r}; choose one of {', '.join(STARTS)}")
    if not (np.isfinite(weight) and weight >= 0):
        raise ValueError(f"weight must be a number from 0 on; got {weight}")
    if start == "random":
        if shared_phi is not None:
            raise ValueError('start="random" takes no shared_phi; say start="shared" or start="prior"')
        return None
    if shared_phi is None:
        raise ValueError(f'start="{start}" needs shared_phi, the topics to start from')
    phi = check_topics(shared_phi, counts.shape[1], n_topics)
    unknown = unknown_words(phi, counts)
    if start == "shared" and len(unknown):
        raise ValueError(
            f"{len(unknown)} words of these documents, the first in column {unknown[0]}, have no probability in any "
            'shared topic, so no topic can be drawn for them. Smooth the topics, or say start="prior"'
        )
    return phi


def check_positive(**settings: float) -> None:
    """Raises ValueError, with its name, for a setting that is not a finite number above 0."""
    for name, value in settings.items():
        if not (isinstance(value, float | int | np.number) and np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a number above 0; got {value}")


def check_integer(name: str, value: Any, least: int) -> int:
    """The value as a plain int. Raises ValueError, with its name, unless it is a whole number from `least` on."""
    try:
        integer = operator.index(value)
    except TypeError:
        integer = least - 1
    if integer < least:
        raise ValueError(f"{name} must be a whole number from {least} on; got {value!r}")
    return integer


def check_steps(name: str, value: Any, keep: Iterable[int]) -> int:
    """The number of iterations or passes. Raises ValueError, too, when phi is to be kept after one that never comes."""
    n_steps = check_integer(name, value, 0)
    beyond = sorted(set(keep) - set(range(n_steps + 1)))
    if beyond:
        raise ValueError(f"keep asks for {name} {beyond}, but there are only 0 to {n_steps}")
    return n_steps


def unknown_words(phi: np.ndarray, counts: csr_array) -> np.ndarray:
    """Columns of words that occur in the documents, and have no probability in any topic."""
    return np.unique(counts.indices[phi.max(axis=0)[counts.indices] == 0])
