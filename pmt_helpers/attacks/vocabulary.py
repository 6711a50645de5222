"""What a published topic-word matrix tells: how often each word was written, to the last one. Notebook 05.

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
from numpy.typing import ArrayLike

# How numbers are read
_DECIMALS = range(1, 8)  # that one would round to; with more, nothing is hidden
_PRECISION = 1e-7  # relative: beta is counted in float32 in training, so no matrix is finer
_RAREST = range(1, 21)  # occurrences of the rarest word, where beta is looked for
_SUM_ERROR = 1e-4  # by how much the probabilities of a topic may miss one

# How S is looked for; the first three in counts
_ROUNDING = 1e-6  # of this search itself
_CLEAR = 0.02  # where not knowing S better moves the largest count by less, one S is enough
_SHARP = 0.01  # how sure each count must be where nothing but being whole speaks for them
_MAX_RAREST = 100_000  # occurrences of the rarest word listed
_MAX_TRIED = 50_000  # values of S; a wider range is no clue
_STEPS = 500  # values of S where it need not be a whole number and the prior
_LOOKED_AT_FIRST = 24  # probabilities


@dataclass(frozen=True, eq=False)
class RecoveredCounts:
    """Word counts read out of published topics, (n_topics, n_words) each.

    counts: int64, 0 where undetermined. uncertainty: int64, by how much the counts that fit differ; 0 where only one
    does. determined: bool; False where the word is left out, or no count fits the topic. beta: as given, or as found.
    """

    counts: np.ndarray
    uncertainty: np.ndarray
    determined: np.ndarray
    beta: float

    @property
    def by_word(self) -> np.ndarray:
        """(n_words,) int64: how often each word was written; only a part of it where a topic is undetermined."""
        return self.counts.sum(axis=0)

    @property
    def exact(self) -> bool:
        """Whether every count is determined, and no other whole numbers give back these topics."""
        return bool(self.determined.all() and not self.uncertainty.any())


def recover_word_counts(phi: ArrayLike, beta: float | None = 0.1, *, precision: float | None = None) -> RecoveredCounts:
    """Read the word counts out of published topics.

    A topic on a prior of its own (start="prior") is not of this form, and stays undetermined. Raises
    ValueError for what are no probabilities, and when beta cannot be found.

    Parameters
    ----------
    phi : (n_topics, n_words), float64, float32, float16, or rounded to some decimals, which is noticed. Rows need not
        sum to one: columns may be missing, and in numbers that are not rounded a 0 is a word left out
    beta : the prior of the training, or None to find it, where nothing was rounded; what is found is divided by any
        factor that all counts share
    precision : relative error of each number, for topics with noise on them
    """
    phi, error, rounded = _read(phi, precision)
    if beta is None:
        if rounded or precision is not None:
            raise ValueError(
                "beta can only be found in numbers that were neither rounded nor changed by noise: pass beta"
            )
        beta = _find_beta(phi)
    if not (np.isfinite(beta) and beta > 0):
        raise ValueError(f"beta must be a number above 0, or None to find it; got {beta}")
    low, high = np.zeros(phi.shape, np.int64), np.zeros(phi.shape, np.int64)
    determined = np.zeros(phi.shape, bool)
    for k, row in enumerate(phi):
        columns = np.arange(len(row)) if rounded else np.flatnonzero(row > 0)
        if not len(columns):
            continue
        bounds = _count_bounds(row[columns], error[k, columns], float(beta), sums=precision is None)
        if bounds is not None:
            low[k, columns], high[k, columns] = bounds
            determined[k, columns] = True
    return RecoveredCounts((low + high) // 2, high - low, determined, float(beta))


def _read(phi: Any, precision: float | None) -> tuple[np.ndarray, np.ndarray, bool]:
    """phi as float64, by how much each number may be wrong, and whether the numbers were rounded to decimals."""
    published = np.asarray(phi)
    kind = np.finfo(published.dtype if published.dtype.kind == "f" else float)
    phi = published.astype(np.float64)
    if phi.ndim != 2 or 0 in phi.shape or not (np.isfinite(phi) & (phi >= 0)).all() or not phi.any():
        raise ValueError(f"phi must be probabilities (n_topics, n_words), none negative or NaN; got shape {phi.shape}")
    relative = max(_PRECISION, float(kind.eps)) if precision is None else precision
    error = np.maximum(relative * phi, float(kind.smallest_subnormal))
    for decimals in _DECIMALS:
        if np.allclose(np.round(phi, decimals), phi, rtol=float(kind.eps), atol=0):
            return phi, np.maximum(error, 0.5 * 10.0**-decimals), True
    return phi, error, False


def _find_beta(phi: np.ndarray) -> float:
    """The largest beta with which all counts are whole: phi_kw / min_w phi_kw - 1 is n_kw / beta."""
    smallest = np.min(phi, axis=1, keepdims=True, initial=1.0, where=phi > 0)
    multiples = (phi / smallest)[phi > 0] - 1
    multiples = multiples[multiples > 1e-5]
    for rarest in _RAREST if len(multiples) else ():
        counts = multiples * (rarest / multiples.min())
        whole = np.rint(counts)
        if (np.abs(counts - whole) < 0.01 + 1e-6 * counts).all():
            return float(whole.sum() / multiples.sum())
    raise ValueError(
        "no beta makes whole counts of these topics: noise may have been added, or each may have its own prior"
    )


def _count_bounds(
    phi: np.ndarray, error: np.ndarray, beta: float, *, sums: bool
) -> tuple[np.ndarray, np.ndarray] | None:
    """The smallest and the largest count of each word, (n_words,) int64 each, over all S that fit; None if none does.

    phi: (n_words,) probabilities of one topic, each right to within `error`, (n_words,). sums: whether they may be
    trusted to sum to one where they nearly do.
    """
    values, position, times = np.unique(phi, return_inverse=True, return_counts=True)
    off = np.zeros(len(values))
    np.maximum.at(off, position, error)
    prior = times.sum() * beta if sums and abs(values @ times - 1) < _SUM_ERROR + off @ times else None  # of all words
    n_chunks = len(values) // 64 + 1
    for search in (_S_with_absent_word(values, off, prior, beta), _S_without_absent_word(values, off, beta, n_chunks)):
        bounds = []
        for tried in search:
            for S in np.array_split(tried, n_chunks):
                if (fitting := _fitting_counts(S, values, off, times, prior, beta)) is not None:
                    bounds.append(fitting)
        if bounds:
            lows, highs = zip(*bounds, strict=True)
            return np.min(lows, axis=0)[position], np.max(highs, axis=0)[position]
    return None


def _S_with_absent_word(values: np.ndarray, off: np.ndarray, prior: float | None, beta: float) -> Iterator[np.ndarray]:
    """S worth a look if the topic lacks the rarest word. prior: None where words are left out."""
    low, high = values[0] - off[0], values[0] + off[0]
    most = min(beta / low if low > 0 else np.inf, 0.5 / off.min())  # beyond that no count can be determined
    least = beta / high
    if prior is not None:  # then S is a whole number of tokens, and the prior
        first, last = max(np.ceil(least - prior - _ROUNDING), 0), np.floor(most - prior + _ROUNDING)
        yield np.arange(first, last + 1) + prior if last - first < _MAX_TRIED else np.zeros(0)
    elif low > 0 and (most - least) * values[-1] < _CLEAR:
        yield np.array([beta / values[0]])
    elif low > 0:
        yield np.linspace(least, most, _STEPS)


def _S_without_absent_word(values: np.ndarray, off: np.ndarray, beta: float, n_chunks: int) -> Iterator[np.ndarray]:
    """The same if it has every word listed, as in a list of its likeliest; the smallest S that fits, if any.

    Other S fit too, which are multiples of this one; and by chance, where numbers are coarse, so these are left alone.
    """
    tried = (np.arange(_MAX_RAREST) + beta) / values[0] if values[0] else np.zeros(0)
    for S in np.array_split(tried[tried * off.max() < _SHARP], n_chunks):
        fits = _whole(*_counts(S, values, off, beta))
        if fits.any():
            yield S[fits][:1]
            return


def _fitting_counts(
    S: np.ndarray, values: np.ndarray, off: np.ndarray, times: np.ndarray, prior: float | None, beta: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """The smallest and largest counts over those of S under which all values are whole; None where there are none."""
    few = np.unique(np.linspace(0, len(values) - 1, _LOOKED_AT_FIRST).astype(int))  # most S fail already here
    low, high = _counts(S, values[few], off[few], beta)
    S = S[(low <= high).all(axis=1)]
    low, high = _counts(S, values, off, beta)
    fits = _whole(low, high)
    if prior is not None:
        fits &= (low @ times < S - prior + 0.5) & (S - prior - 0.5 < high @ times)
    return (low[fits].min(axis=0), high[fits].max(axis=0)) if fits.any() else None


def _counts(S: np.ndarray, values: np.ndarray, off: np.ndarray, beta: float) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest whole count that each value can stand for, (n_S, n_values) each."""
    low = np.ceil(np.outer(S, values - off) - beta - _ROUNDING)
    high = np.floor(np.outer(S, values + off) - beta + _ROUNDING)
    return np.maximum(low, 0).astype(np.int64), high.astype(np.int64)


def _whole(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """For which S each value stands for a whole count, and not all for 0; (n_S,) bool."""
    return (low <= high).all(axis=1) & (high.max(axis=1, initial=0) > 0)
