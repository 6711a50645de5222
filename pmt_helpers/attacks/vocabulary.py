"""What a published topic-word matrix tells: how often each word was written, to the last one. Notebook 04, step 6.

The probability of word w in topic k is phi_kw = (n_kw + beta) / S_k, with S_k = n_k + n_words beta. A word that the
topic never had shows beta / S_k, so the smallest probability gives S_k away, and with it every count: n_kw = phi_kw S_k
- beta. The counts of the topics add up to those of the corpus. No theta, no document and no training is needed.

Numbers that were rounded, or to which noise was added, leave a range for S_k. But counts are whole, and add up to n_k:
few S_k in the range pass, and where all of them say the same count, it is certain.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pmt_helpers.attacks.count_search import counts_that_fit

_ROUNDED = range(1, 8)  # decimals that one would round to; with more, nothing is hidden
_FINE = 1e-7  # relative: beta is counted in float32 in training, so no matrix is finer
_BETA = range(1, 21)  # occurrences of the rarest word, where beta is looked for


@dataclass(frozen=True, eq=False)
class RecoveredCounts:
    """Word counts read out of published topics.

    counts: (n_topics, n_words) int64. doubt: the same, by how much the counts that fit differ; 0 where only one does.
    told: the same, bool; False where nothing can be read: the word is left out, or no count fits the topic; counts are
    0 there. beta: as given, or as found.
    """

    counts: np.ndarray
    doubt: np.ndarray
    told: np.ndarray
    beta: float

    @property
    def by_word(self) -> np.ndarray:
        """(n_words,) int64: how often each word was written; no more than a part of it where a topic is not told."""
        return self.counts.sum(axis=0)

    @property
    def exact(self) -> bool:
        """Whether every count is told, and no other whole numbers give back these topics."""
        return bool(self.told.all() and not self.doubt.any())


def recover_word_counts(phi: Any, beta: float | None = 0.1, *, precision: float | None = None) -> RecoveredCounts:
    """Read the word counts out of published topics.

    phi: (n_topics, n_words), float64, float32, float16, or rounded to some decimals, which is seen. Rows need not sum
    to one: columns may be missing, and in numbers that are not rounded a 0 is a word left out. beta: the prior of the
    training, or None to find it, where nothing was rounded; it comes out divided by a factor that all counts share.
    precision: by which part of itself a number may be wrong, for topics with noise on them.
    A topic on a prior of its own (start="prior") is not of this form, and comes out as not told.
    Raises ValueError for what are no probabilities, and when beta cannot be found.
    """
    phi, wrong, rounded = _read(phi, precision)
    if beta is None:
        if rounded or precision is not None:
            raise ValueError("beta can only be found in numbers that were neither rounded nor disturbed; give it")
        beta = _found_beta(phi)
    if not (np.isfinite(beta) and beta > 0):
        raise ValueError(f"beta must be a number above 0, or None to find it; got {beta}")
    low, high = np.zeros(phi.shape, np.int64), np.zeros(phi.shape, np.int64)
    told = np.zeros(phi.shape, bool)
    for k, row in enumerate(phi):
        written = np.flatnonzero(row > 0) if not rounded else np.arange(len(row))
        if not len(written):
            continue
        fitting = counts_that_fit(row[written], wrong[k, written], float(beta), sums=precision is None)
        if fitting is not None:
            low[k, written], high[k, written] = fitting
            told[k, written] = True
    return RecoveredCounts((low + high) // 2, high - low, told, float(beta))


def recover_added_words(before: Any, after: Any, beta: float | None = 0.1) -> np.ndarray:
    """(n_words,) int64: the words of the documents that came in between two publications of topics.

    The topics of other documents change too, but a word's sum over the topics does not: what is new was added. What was
    taken away comes out negative. Raises ValueError when either matrix does not give all its counts away.
    """
    found = {"before": recover_word_counts(before, beta), "after": recover_word_counts(after, beta)}
    for name, counts in found.items():
        if not counts.exact:
            unsure, all_ = int((~counts.told | (counts.doubt > 0)).sum()), counts.told.size
            raise ValueError(f"the topics {name} do not tell {unsure:,} of {all_:,} counts; "
                             "is beta another one, or are the numbers too coarse?")  # fmt: skip
    return found["after"].by_word - found["before"].by_word


def _read(phi: Any, precision: float | None) -> tuple[np.ndarray, np.ndarray, bool]:
    """phi as float64, by how much each number may be wrong, and whether the numbers were rounded to decimals."""
    given = np.asarray(phi)
    fine = np.finfo(given.dtype if given.dtype.kind == "f" else float)
    phi = given.astype(np.float64)
    if phi.ndim != 2 or 0 in phi.shape or not (np.isfinite(phi) & (phi >= 0)).all() or not phi.any():
        raise ValueError(f"expected probabilities (n_topics, n_words), none negative or NaN; got shape {phi.shape}")
    relative = max(_FINE, float(fine.eps)) if precision is None else precision
    wrong = np.maximum(relative * phi, float(fine.smallest_subnormal))
    for decimals in _ROUNDED:
        if np.allclose(np.round(phi, decimals), phi, rtol=float(fine.eps), atol=0):
            return phi, np.maximum(wrong, 0.5 * 10.0**-decimals), True
    return phi, wrong, False


def _found_beta(phi: np.ndarray) -> float:
    """The largest beta with which all counts are whole: phi_kw / min_w phi_kw - 1 is n_kw / beta."""
    smallest = np.min(phi, axis=1, keepdims=True, initial=1.0, where=phi > 0)
    multiples = (phi / smallest)[phi > 0] - 1
    multiples = multiples[multiples > 1e-5]
    for rarest in _BETA if len(multiples) else ():
        counts = multiples * (rarest / multiples.min())
        whole = np.rint(counts)
        if (np.abs(counts - whole) < 0.01 + 1e-6 * counts).all():
            return float(whole.sum() / multiples.sum())
    raise ValueError("no beta makes whole counts of these topics; they may be disturbed, or have a prior of their own")
