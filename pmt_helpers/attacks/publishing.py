"""Ways to publish topics that are meant to tell less: fewer digits, noise, fewer words. Notebook 05.

None of them is differential privacy, which is in `privacy.topics`; what they hide is measured here.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.attacks.vocabulary import recover_word_counts

MIN_DOCUMENTS = 3  # that must have a word before it is published
N_TOP_WORDS = 10  # of each topic that are listed
NOISE_BOUND = 5  # standard deviations of noise that a number may be off, for whoever reads it


class Published(NamedTuple):
    """What the world sees. phi: (n_topics, n_columns), 0 where a number is kept back; columns: (n_columns,), of which
    words; precision: relative error of a number, where there is noise on it.
    """

    phi: np.ndarray
    columns: np.ndarray
    precision: float | None = None


Release = Callable[[np.ndarray, csr_array, np.random.Generator], Published]


def publish(phi: np.ndarray, counts: csr_array, release: str, seed: int = 0) -> Published:
    """Topics as they go out. counts: (n_docs, n_words), the documents they were trained on; release: one of RELEASES.

    Raises ValueError for an unknown release.
    """
    if release not in RELEASES:
        raise ValueError(f"unknown way to publish {release!r}; choose one of {', '.join(RELEASES)}")
    return RELEASES[release](phi, counts, np.random.default_rng(seed))


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
        raise ValueError("phi must be as trained, with all digits, and beta must be its prior: no counts fit them")
    read = recover_word_counts(published.phi, None if find_beta else beta, precision=published.precision)
    counts = np.zeros_like(true.counts)
    counts[:, published.columns] = np.where(read.determined, read.counts, -1)
    written, by_word = true.counts > 0, true.by_word
    right = (counts == true.counts) & written
    return {
        "words": float((np.maximum(counts, 0).sum(axis=0) == by_word)[by_word > 0].mean()),
        "counts": float(right.sum() / written.sum()),
        "tokens": float(true.counts[right].sum() / by_word.sum()),
        "exact": float(read.exact),
    }


def _every_word(convert: Callable[[np.ndarray], np.ndarray]) -> Release:
    return lambda phi, counts, rng: Published(convert(phi), np.arange(phi.shape[1]))


def _rounded(decimals: int) -> Release:
    return _every_word(lambda phi: np.round(phi, decimals))


def _noisy(share: float) -> Release:
    def release(phi: np.ndarray, counts: csr_array, rng: np.random.Generator) -> Published:
        noisy = phi * np.exp(share * rng.normal(size=phi.shape))
        return Published(noisy / noisy.sum(axis=1, keepdims=True), np.arange(phi.shape[1]), NOISE_BOUND * share)

    return release


def _common_words(phi: np.ndarray, counts: csr_array, rng: np.random.Generator) -> Published:
    columns = np.flatnonzero(np.bincount(counts.indices, minlength=phi.shape[1]) >= MIN_DOCUMENTS)
    return Published(phi[:, columns] / phi[:, columns].sum(axis=1, keepdims=True), columns)


RELEASES: Mapping[str, Release] = {
    "all digits": _every_word(lambda phi: phi),
    "float32": _every_word(lambda phi: phi.astype("float32")),
    "float16": _every_word(lambda phi: phi.astype("float16")),
    **{f"{decimals} decimals": _rounded(decimals) for decimals in (6, 5, 4, 3)},
    "1% noise": _noisy(0.01),
    "10% noise": _noisy(0.1),
    f"words of {MIN_DOCUMENTS} documents": _common_words,
    f"{N_TOP_WORDS} top words": _every_word(
        lambda phi: np.where(phi >= np.sort(phi, axis=1)[:, -N_TOP_WORDS, None], phi, 0)
    ),
}
