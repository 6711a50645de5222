"""Latent Dirichlet allocation by collapsed Gibbs sampling (paper, section IV): local, personal, or on a prior.

Notebook 03. The loop is compiled, in `gibbs_kernel.py`; `gibbs_reference.py` has the same in NumPy.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csr_array

from pmt_helpers.datasets.doors import check_argument
from pmt_helpers.topics.gibbs_reference import BLOCK, REFERENCE_LOOPS, F, Tables
from pmt_helpers.topics.validation import check_counts, check_integer, check_positive, check_start, check_steps

ITERATIONS = 50
DRAWS = 2**20  # random numbers made at once; no result depends on it
CHUNK = 2**16  # tokens whose first topics are drawn at once: a matter of memory
SMALLEST_PRIOR = 1e-30  # alpha times beta over the tokens: below it, weights in single precision become zero

Seed = int | Sequence[int]


class GibbsLDA:
    """A topic model: each document a mixture of topics, each topic a distribution over words.

    Parameters
    ----------
    alpha, beta: Dirichlet priors of topics in a document and of words in a topic; the paper takes alpha = 50 / n_topics
        and beta = 0.1.
    seed: the same seed gives the same topics, bit for bit.

    Attributes (after `fit`)
    ------------------------
    phi_: (n_topics, n_words), probability of each word in each topic.
    theta_: (n_docs, n_topics), share of each topic in each document.
    log2_likelihood_: (iterations,), mean over the training tokens of log2 sum_k theta_dk phi_kw, as in the paper.
    phi_at_: phi after each iteration that `fit` was asked to keep.
    topics_: (n_tokens,), the topic of each token, in the order of the table, repetitions of a word side by side.
    """

    log2_likelihood_: np.ndarray
    phi_: np.ndarray
    theta_: np.ndarray
    phi_at_: dict[int, np.ndarray]
    topics_: np.ndarray

    def __init__(self, n_topics: int = 20, alpha: float = 2.5, beta: float = 0.1, seed: Seed = 0) -> None:
        self.n_topics = check_integer("n_topics", n_topics, 1)
        check_positive(alpha=alpha, beta=beta)
        check_argument("seed", Seed, seed)
        self.alpha, self.beta, self.seed = float(alpha), float(beta), seed

    def fit(
        self, counts: Any, iterations: int = ITERATIONS, start: str = "random", shared_phi: np.ndarray | None = None,
        weight: float = 1.0,
        *, keep: Sequence[int] = (), reference: bool = False,
    ) -> "GibbsLDA":  # fmt: skip
        """Sample `iterations` times over all tokens, and return itself.

        Parameters
        ----------
        counts: (n_docs, n_words), dense or sparse. A document without words gets theta 1 / n_topics.
        start: "random"; "shared", from the shared topics; "prior", from there with them as prior counts.
        shared_phi: (n_topics, n_words), the shared topics.
        weight: how heavy they are as a prior; 1 is as heavy as all tokens of counts together.
        keep: iterations after which phi is kept, 0 for the start.
        reference: in plain NumPy, a thousand times slower.

        Raises ValueError for invalid counts or topics, or where they do not fit together.
        """
        iterations = check_steps("iterations", iterations, keep)
        counts = check_counts(counts)
        if self.alpha * self.beta / counts.sum() < SMALLEST_PRIOR:
            raise ValueError(f"alpha {self.alpha} and beta {self.beta} are too small to count with")
        phi = check_start(start, shared_phi, weight, counts, self.n_topics)
        eta = word_prior(start, phi, weight, self.beta, counts)
        rng = np.random.default_rng(self.seed)
        z = initial_topics(token_words(counts), phi, self.n_topics, rng)
        state = GibbsState(counts, z, self.n_topics, self.alpha, eta, reference)
        self.phi_at_ = {0: state.phi()} if 0 in keep else {}
        self.log2_likelihood_ = np.empty(iterations)
        for iteration in range(1, iterations + 1):
            state.sweep(rng)
            self.log2_likelihood_[iteration - 1] = state.log2_likelihood()
            if iteration in keep:
                self.phi_at_[iteration] = state.phi()
        self.phi_, self.theta_, self.topics_ = state.phi(), state.theta(), state.z
        return self

    def __repr__(self) -> str:
        return f"GibbsLDA(n_topics={self.n_topics}, alpha={self.alpha}, beta={self.beta}, seed={self.seed})"


@dataclass(frozen=True, eq=False)
class Fit:
    """One chain to run: a model, its counts, and the options of `GibbsLDA.fit`."""

    model: GibbsLDA
    counts: Any
    options: Mapping[str, Any] = field(default_factory=dict)

    def run(self) -> GibbsLDA:
        """The model, fitted."""
        return self.model.fit(self.counts, **self.options)


def fit_many(fits: Iterable[Fit], *, threads: int = 1) -> Iterator[GibbsLDA]:
    """Fit each, in order, on `threads` cores: the compiled loop releases the GIL.

    The result does not depend on the number of threads.
    """
    yield from Parallel(n_jobs=threads, prefer="threads", return_as="generator")(delayed(fit.run)() for fit in fits)


class GibbsState:
    """State of the sampler: tokens, their topics z, and how often each topic has each word and each document.

    counts: checked. z: (n_tokens,) in the order of the table, repetitions of a word side by side. eta: (1, 1) or
    (n_words, n_topics), prior counts of each word. reference: NumPy instead of the compiled loops; the same chain.
    """

    def __init__(
        self, counts: csr_array, z: np.ndarray, n_topics: int, alpha: float, eta: np.ndarray, reference: bool = False
    ) -> None:
        n_docs, n_words = counts.shape
        width = -(-n_topics // BLOCK) * BLOCK
        self.n_topics, self.alpha, self.z = n_topics, F(alpha), z
        self.words = token_words(counts)
        self.starts = np.append(0, np.cumsum(counts.sum(axis=1))).astype(np.int64)
        self.word_topic, self.doc_topic = np.zeros((n_words, width), F), np.zeros((n_docs, width), F)
        docs = np.repeat(np.arange(n_docs), np.diff(self.starts))
        for table, rows in ((self.word_topic, self.words), (self.doc_topic, docs)):
            table[:] = np.bincount(rows.astype(np.int64) * width + z, minlength=table.size).reshape(table.shape)
        self.eta = np.zeros((len(eta), width), F)
        self.eta[:, :n_topics] = eta
        self.totals = np.bincount(z, minlength=width).astype(float)
        self._eta_totals = self.eta.sum(axis=0, dtype=float) * (n_words / len(eta))
        self._eta_totals[n_topics:] = 1
        self._entries = counts.indices.astype(np.uint32), counts.data.astype(float), counts.indptr.astype(np.int64)
        if reference:
            self._loops = REFERENCE_LOOPS
        else:
            from pmt_helpers.topics.gibbs_kernel import compiled_loops

            self._loops = compiled_loops()

    def sweep(self, rng: np.random.Generator) -> None:
        """One iteration: a new topic for every token."""
        for first, last in self._document_ranges():
            tokens = slice(self.starts[first], self.starts[last])
            draws = rng.random(tokens.stop - tokens.start, dtype=F)
            starts = self.starts[first : last + 1] - tokens.start
            tables = self._tables(self.doc_topic[first:last])
            self._loops.sweep(self.words[tokens], starts, self.z[tokens], draws, tables)

    def log2_likelihood(self) -> float:
        """Mean over the tokens of log2 sum_k theta_dk phi_kw."""
        return self._loops.bits(*self._entries, self._tables(self.doc_topic)) / len(self.z)

    def phi(self) -> np.ndarray:
        """(n_topics, n_words) float64: the probability of each word in each topic, every row sums to one."""
        counts = self.word_topic + self.eta.astype(float)
        return (counts / (self.totals + self._eta_totals)).T[: self.n_topics].copy()

    def theta(self) -> np.ndarray:
        """(n_docs, n_topics) float64: the share of each topic in each document; 1 / n_topics where it has no words."""
        counts = self.doc_topic[:, : self.n_topics].astype(float) + self.alpha
        return counts / counts.sum(axis=1, keepdims=True)

    def _tables(self, doc_topic: np.ndarray) -> Tables:
        flat = self.word_topic.reshape(-1), doc_topic.reshape(-1), self.totals, self.eta.reshape(-1)
        eta_step = self.eta.shape[1] if len(self.eta) > 1 else 0
        return Tables(*flat, self._eta_totals, eta_step, self.alpha, self.n_topics)

    def _document_ranges(self) -> Iterator[tuple[int, int]]:
        """Ranges of documents with up to DRAWS tokens, or one longer document."""
        first, n_docs = 0, len(self.starts) - 1
        while first < n_docs:
            fits = int(np.searchsorted(self.starts, self.starts[first] + DRAWS, side="right")) - 1
            last = max(fits, first + 1)
            yield first, last
            first = last


def token_words(counts: csr_array) -> np.ndarray:
    """(n_tokens,) uint32: the word of each token."""
    return np.repeat(counts.indices, counts.data).astype(np.uint32)


def word_prior(start: str, phi: np.ndarray | None, weight: float, beta: float, counts: csr_array) -> np.ndarray:
    """eta, the prior counts: (1, 1) of beta, or for start="prior" (n_words, n_topics).

    There it is beta + weight * (tokens / n_topics) * phi: the shared topics weigh `weight` times as much as all that is
    read at home.
    """
    if start != "prior" or phi is None:
        return np.full((1, 1), beta)
    with np.errstate(over="ignore"):
        eta = beta + weight * (counts.sum() / len(phi)) * phi.T
    if not eta.max() < np.finfo(np.float32).max / eta.shape[0]:
        raise ValueError(f"weight {weight:g} is too large to count with; 1e6 already leaves nothing to learn")
    return eta


def initial_topics(words: np.ndarray, phi: np.ndarray | None, n_topics: int, rng: np.random.Generator) -> np.ndarray:
    """(n_tokens,) uint32: drawn uniformly, or from what the shared topics say of each word, p(k) ~ phi[k, word].

    A word that no shared topic knows gets any topic.
    """
    if phi is None:
        return rng.integers(0, n_topics, len(words), dtype=np.uint32)
    cumulative = np.cumsum(np.where(phi.max(axis=0) > 0, phi, 1.0).T, axis=1)
    z = np.empty(len(words), np.uint32)
    for first in range(0, len(words), CHUNK):
        chunk = slice(first, first + CHUNK)
        upto = cumulative[words[chunk]]
        z[chunk] = (upto[:, :-1] <= rng.random((len(upto), 1)) * upto[:, -1:]).sum(axis=1)
    return z
