"""Ways to publish topics that are meant to tell less: fewer digits, noise, fewer words. Notebook 04, step 6.

None of them is differential privacy, which is in `privacy.topics`; what they hide is measured here.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.attacks.vocabulary import RecoveredCounts, recover_word_counts

FEWEST = 3  # documents that must have a word before it is published
TOP = 10  # words of each topic that are listed
WIDE = 5  # standard deviations of noise that a number may be off, for whoever reads it


class Published(NamedTuple):
    """What the world sees. phi: (n_topics, n_columns), 0 where a number is kept back; columns: (n_columns,), of which
    words; precision: by which part of itself a number may be wrong, where there is noise on it.
    """

    phi: np.ndarray
    columns: np.ndarray
    precision: float | None = None


def publish(phi: np.ndarray, counts: csr_array, way: str, seed: int = 0) -> Published:
    """Topics as they go out. counts: (n_docs, n_words), the documents they were trained on; way: one of RELEASES.

    Raises ValueError for an unknown way.
    """
    if way not in RELEASES:
        raise ValueError(f"unknown way to publish {way!r}; choose one of {', '.join(RELEASES)}")
    return RELEASES[way](phi, counts, np.random.default_rng(seed))


def recovered_share(
    published: Published, phi: np.ndarray, beta: float = 0.1, *, find_beta: bool = False
) -> dict[str, float]:
    """How much of the private counts an attacker reads out of it.

    phi: as trained, all digits; beta: its prior, which the attacker knows, or has to find. Returns words: share of the
    private words whose count is found; counts: share of the counts of a word in a topic; tokens: share of all that was
    written that is in such counts; exact: 1 if all that is published gives itself away for certain.
    """
    true = recover_word_counts(phi, beta)
    if not true.exact:
        raise ValueError("phi must be as trained, with all digits, and beta its prior; it does not tell its counts")
    read = recover_word_counts(published.phi, None if find_beta else beta, precision=published.precision)
    found = np.zeros_like(true.counts)
    found[:, published.columns] = np.where(read.told, read.counts, -1)
    written, by_word = true.counts > 0, true.by_word
    right = (found == true.counts) & written
    return {
        "words": float((np.maximum(found, 0).sum(axis=0) == by_word)[by_word > 0].mean()),
        "counts": float(right.sum() / written.sum()),
        "tokens": float(true.counts[right].sum() / by_word.sum()),
        "exact": float(read.exact),
    }


def readable(published: Published, beta: float = 0.1) -> RecoveredCounts:
    """What `recover_word_counts` makes of it."""
    return recover_word_counts(published.phi, beta, precision=published.precision)


Release = Callable[[np.ndarray, csr_array, np.random.Generator], Published]


def _rounded(decimals: int) -> Release:
    return lambda phi, counts, rng: Published(np.round(phi, decimals), np.arange(phi.shape[1]))


def _as_type(kind: str) -> Release:
    return lambda phi, counts, rng: Published(phi.astype(kind), np.arange(phi.shape[1]))


def _noisy(part: float) -> Release:
    def noisy(phi: np.ndarray, counts: csr_array, rng: np.random.Generator) -> Published:
        disturbed = phi * np.exp(part * rng.normal(size=phi.shape))
        return Published(disturbed / disturbed.sum(axis=1, keepdims=True), np.arange(phi.shape[1]), WIDE * part)

    return noisy


def _common(phi: np.ndarray, counts: csr_array, rng: np.random.Generator) -> Published:
    columns = np.flatnonzero(np.bincount(counts.indices, minlength=phi.shape[1]) >= FEWEST)
    return Published(phi[:, columns] / phi[:, columns].sum(axis=1, keepdims=True), columns)


def _likeliest(phi: np.ndarray, counts: csr_array, rng: np.random.Generator) -> Published:
    least = np.sort(phi, axis=1)[:, -TOP, None]
    return Published(np.where(phi >= least, phi, 0), np.arange(phi.shape[1]))


RELEASES: Mapping[str, Release] = {
    "all digits": lambda phi, counts, rng: Published(phi, np.arange(phi.shape[1])),
    "float32": _as_type("float32"),
    "float16": _as_type("float16"),
    **{f"{d} decimals": _rounded(d) for d in (6, 5, 4, 3)},
    "1% noise": _noisy(0.01),
    "10% noise": _noisy(0.1),
    f"words of {FEWEST} documents": _common,
    f"{TOP} top words": _likeliest,
}
