"""Which whole counts fit the published probabilities of one topic: the search behind `vocabulary`. Notebook 04.

What is looked for is one number, S = tokens of the topic + prior of all words, for then count = probability x S - beta.
Every S under which each probability, within what it may be off, is a whole count, is kept.
"""

from collections.abc import Iterator

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
