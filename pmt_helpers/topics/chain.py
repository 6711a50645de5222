"""The state of one Gibbs chain: a topic for each token, and the tables that count them. Notebook 03, step 2."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.topics.gibbs_plain import EIGHT, PLAIN, F, Loops

DRAWS = 2**20  # random numbers made at once; no result depends on it


class Chain:
    """Tokens, their topics z, and how often each topic has each word and each document.

    counts: checked. z: (n_tokens,) in the order of the table, a word's repetitions side by side. eta: (1, 1) or
    (n_words, n_topics), prior counts of each word. reference: NumPy instead of the compiled loops; the same chain.
    """

    def __init__(
        self, counts: csr_array, z: np.ndarray, n_topics: int, alpha: float, eta: np.ndarray, reference: bool = False
    ) -> None:
        n_docs, n_words = counts.shape
        width = -(-n_topics // EIGHT) * EIGHT
        self.n_topics, self.alpha, self.z = n_topics, F(alpha), z
        self.words = words_of(counts)
        self.starts = np.append(0, np.cumsum(counts.sum(axis=1))).astype(np.int64)
        self.entries = counts.indices.astype(np.uint32), counts.data.astype(float), counts.indptr.astype(np.int64)
        self.word_topic, self.doc_topic = np.zeros((n_words, width), F), np.zeros((n_docs, width), F)
        docs = np.repeat(np.arange(n_docs), np.diff(self.starts))
        for table, rows in ((self.word_topic, self.words), (self.doc_topic, docs)):
            table[:] = np.bincount(rows.astype(np.int64) * width + z, minlength=table.size).reshape(table.shape)
        self.eta = np.zeros((len(eta), width), F)
        self.eta[:, :n_topics] = eta
        self._eta_total = self.eta.sum(axis=0, dtype=float) * (n_words / len(eta))
        self._step = width if len(eta) > 1 else 0
        self._loops = PLAIN if reference else _compiled()

    def sweep(self, rng: np.random.Generator) -> None:
        """One iteration: a new topic for every token."""
        totals = self._totals()
        for first, last in self._pieces():
            tokens = slice(self.starts[first], self.starts[last])
            draws = rng.random(tokens.stop - tokens.start, dtype=F)
            where = self.words[tokens], self.starts[first : last + 1] - tokens.start, self.z[tokens], draws
            self._loops.sweep(*where, *self._tables(self.doc_topic[first:last], totals))

    def log2_likelihood(self) -> float:
        """Mean over the tokens of log2 sum_k theta_dk phi_kw."""
        return self._loops.bits(*self.entries, *self._tables(self.doc_topic, self._totals())) / len(self.z)

    def phi(self) -> np.ndarray:
        """(n_topics, n_words) float64: the probability of each word in each topic, every row sums to one."""
        return ((self.word_topic + self.eta.astype(float)) / self._totals()).T[: self.n_topics].copy()

    def theta(self) -> np.ndarray:
        """(n_docs, n_topics) float64: the share of each topic in each document; 1 / n_topics where it has no words."""
        counts = self.doc_topic[:, : self.n_topics].astype(float) + self.alpha
        return counts / counts.sum(axis=1, keepdims=True)

    def _totals(self) -> np.ndarray:
        """(width,) float64: tokens of each topic and their prior; 1 for the padding, which has neither."""
        totals = self.word_topic.sum(axis=0, dtype=float) + self._eta_total
        totals[self.n_topics :] = 1
        return totals

    def _tables(self, doc_topic: np.ndarray, totals: np.ndarray) -> tuple:
        flat = self.word_topic.reshape(-1), doc_topic.reshape(-1), totals, self.eta.reshape(-1)
        return *flat, self._step, self.alpha, self.n_topics

    def _pieces(self) -> Iterator[tuple[int, int]]:
        """Ranges of documents with up to DRAWS tokens, or one longer document."""
        first, n_docs = 0, len(self.starts) - 1
        while first < n_docs:
            fits = int(np.searchsorted(self.starts, self.starts[first] + DRAWS, side="right")) - 1
            last = max(fits, first + 1)
            yield first, last
            first = last


def words_of(counts: csr_array) -> np.ndarray:
    """(n_tokens,) uint32: the word of each token."""
    return np.repeat(counts.indices, counts.data).astype(np.uint32)


def _compiled() -> Loops:
    from pmt_helpers.topics.gibbs_kernel import compiled_loops  # here: Numba takes a while to load

    return compiled_loops()
