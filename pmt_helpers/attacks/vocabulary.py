"""What a published topic-word matrix tells: how often each word was written, to the last one. Notebook 04, step 6.

The probability of word w in topic k is phi_kw = (n_kw + beta) / S_k, with S_k = n_k + n_words beta. A word that the
topic never had shows beta / S_k, so the smallest probability gives S_k away, and with it every count: n_kw = phi_kw S_k
- beta. The counts of the topics add up to those of the corpus. No theta, no document and no training is needed.

Numbers that were rounded, or to which noise was added, leave a range for S_k. But counts are whole, and add up to n_k:
few S_k in the range pass, and where all of them say the same count, it is certain.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

_CLEAR = 0.02  # in counts: where not knowing S better moves the largest count by less, one S is enough


_SLACK = 1e-6  # in counts: rounding of this search itself


_SHARP = 0.01  # in counts: how sure each must be where nothing but being whole speaks for them


_HALF = 0.5


_SUM = 1e-4  # by how much the probabilities of a topic may miss one


_MOST = 100_000  # occurrences of the rarest word that is told


_TRIED = 50_000  # values of S; a wider range is no clue


_STEPS = 500  # values of S where it need not be a whole number and the prior


_FEW = 24  # probabilities that are looked at first


def counts_that_fit(
    phi: np.ndarray, wrong: np.ndarray, beta: float, *, sums: bool = True
) -> tuple[np.ndarray, np.ndarray] | None:
    """The smallest and the largest count of each word, (n_words,) int64 each, over all S that fit; None if none does.

    phi: (n_words,) probabilities of one topic, each right to within `wrong`, (n_words,). sums: whether they may be
    trusted to sum to one where they nearly do.
    """
    values, where, times = np.unique(phi, return_inverse=True, return_counts=True)
    off = np.zeros(len(values))
    np.maximum.at(off, where, wrong)
    prior = times.sum() * beta if sums and abs(values @ times - 1) < _SUM + off @ times else None  # of all words
    pieces = len(values) // 64 + 1
    for tried in (_absent(values, off, prior, beta, pieces), _listed(values, off, beta, pieces)):
        found = [each for S in tried if (each := _fitting(S, values, off, times, prior, beta)) is not None]
        if found:
            low, high = (extreme([each[end] for each in found], axis=0) for end, extreme in ((0, np.min), (1, np.max)))
            return low[where], high[where]
    return None


def _absent(values: np.ndarray, off: np.ndarray, prior: float | None, beta: float, pieces: int) -> Iterator[np.ndarray]:
    """S worth a look, in pieces, if the topic lacks the rarest word. prior: None where words are left out."""
    low, high = values[0] - off[0], values[0] + off[0]
    most = min(beta / low if low > 0 else np.inf, _HALF / off.min())  # beyond that no count can be told
    least = beta / high
    if prior is not None:  # then S is a whole number of tokens, and the prior
        first, last = max(np.ceil(least - prior - _SLACK), 0), np.floor(most - prior + _SLACK)
        tried = np.arange(first, last + 1) + prior if last - first < _TRIED else np.zeros(0)
    elif low > 0 and (most - least) * values[-1] < _CLEAR:
        tried = np.array([beta / values[0]])
    else:
        tried = np.linspace(least, most, _STEPS) if low > 0 else np.zeros(0)
    yield from np.array_split(tried, pieces)


def _listed(values: np.ndarray, off: np.ndarray, beta: float, pieces: int) -> Iterator[np.ndarray]:
    """The same if it has every word told, as in a list of its likeliest; the smallest S that fits, if any.

    Other S fit too, which are multiples of this one; and by chance, where numbers are coarse, so these are left alone.
    """
    tried = (np.arange(_MOST) + beta) / values[0] if values[0] else np.zeros(0)
    for S in np.array_split(tried[tried * off.max() < _SHARP], pieces):
        low, high = _counts(S, values, off, beta)
        fits = (low <= high).all(axis=1) & (high.max(axis=1, initial=0) > 0)
        if fits.any():
            yield S[fits][:1]
            return


def _fitting(
    S: np.ndarray, values: np.ndarray, off: np.ndarray, times: np.ndarray, prior: float | None, beta: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """The smallest and largest counts over those of S under which all values are whole; None where there are none."""
    few = np.unique(np.linspace(0, len(values) - 1, _FEW).astype(int))  # most S fail already here
    low, high = _counts(S, values[few], off[few], beta)
    S = S[(low <= high).all(axis=1)]
    low, high = _counts(S, values, off, beta)
    fits = (low <= high).all(axis=1) & (high.max(axis=1, initial=0) > 0)
    if prior is not None:
        fits &= (low @ times < S - prior + _HALF) & (S - prior - _HALF < high @ times)
    return (low[fits].min(axis=0), high[fits].max(axis=0)) if fits.any() else None


def _counts(S: np.ndarray, values: np.ndarray, off: np.ndarray, beta: float) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest whole count that each value can stand for, (n_S, n_values) each."""
    low = np.ceil(np.outer(S, values - off) - beta - _SLACK)
    high = np.floor(np.outer(S, values + off) - beta + _SLACK)
    return np.maximum(low, 0).astype(np.int64), high.astype(np.int64)


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
