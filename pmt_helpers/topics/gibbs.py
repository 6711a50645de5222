"""Latent Dirichlet allocation by collapsed Gibbs sampling (paper, section IV): local, personal, or on a prior.

Notebook 03, steps 2 and 3. The loop is compiled, in `gibbs_kernel.py`; `gibbs_plain.py` has the same in NumPy.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from pmt_helpers.topics.chain import Chain, words_of
from pmt_helpers.topics.given import checked_counts, checked_positive, checked_whole
from pmt_helpers.topics.starts import checked_start, first_topics, prior_of

ITERATIONS = 50
_SMALLEST = 1e-30  # alpha times beta over the tokens: below it, single precision makes zeros of weights

Seed = int | Sequence[int]


class GibbsLDA:
    """A topic model: each document a mixture of topics, each topic a distribution over words.

    alpha, beta: Dirichlet priors of topics in a document and of words in a topic; the paper takes alpha = 50 / n_topics
    and beta = 0.1. After `fit`:
    phi_ (n_topics, n_words): probability of each word in each topic. theta_ (n_docs, n_topics): share of each topic.
    log2_likelihood_ (iterations,): mean over the training tokens of log2 sum_k theta_dk phi_kw, as the paper has it.
    phi_at_: phi after each iteration that `fit` was asked to keep. topics_ (n_tokens,): the topic of each token, in the
    order of the table, a word's repetitions side by side.
    """

    log2_likelihood_: np.ndarray
    phi_: np.ndarray
    theta_: np.ndarray
    phi_at_: dict[int, np.ndarray]
    topics_: np.ndarray

    def __init__(self, n_topics: int = 20, alpha: float = 2.5, beta: float = 0.1, seed: Seed = 0) -> None:
        self.n_topics = checked_whole("n_topics", n_topics, 1)
        checked_positive(alpha=alpha, beta=beta)
        self.alpha, self.beta, self.seed = float(alpha), float(beta), seed

    def fit(
        self,
        counts: Any,
        iterations: int = ITERATIONS,
        start: str = "random",
        shared_phi: np.ndarray | None = None,
        weight: float = 1.0,
        *,
        keep: Sequence[int] = (),
        reference: bool = False,
    ) -> "GibbsLDA":
        """Sample `iterations` times over all tokens of counts (documents x words), and return itself.

        start: "random"; "shared", from the shared topics; "prior", from there with them as prior counts, `weight` times
        as heavy as all tokens of counts together. shared_phi: (n_topics, n_words). keep: iterations after which phi is
        kept, 0 for the start. reference: in plain NumPy, a thousand times slower. The same seed gives the same topics,
        bit for bit. A document without words gets theta 1 / n_topics.
        Raises ValueError for counts or topics that are none, or do not fit together.
        """
        iterations = checked_whole("iterations", iterations, 0)
        beyond = sorted(set(keep) - set(range(iterations + 1)))
        if beyond:
            raise ValueError(f"keep asks for iterations {beyond}, but there are only 0 to {iterations}")
        counts = checked_counts(counts)
        if self.alpha * self.beta / counts.sum() < _SMALLEST:
            raise ValueError(f"alpha {self.alpha} and beta {self.beta} are too small to count with")
        phi = checked_start(start, shared_phi, weight, counts, self.n_topics)
        eta = prior_of(start, phi, weight, self.beta, counts)
        rng = np.random.default_rng(self.seed)
        z = first_topics(words_of(counts), phi, self.n_topics, rng)
        chain = Chain(counts, z, self.n_topics, self.alpha, eta, reference)
        self.phi_at_ = {0: chain.phi()} if 0 in keep else {}
        self.log2_likelihood_ = np.empty(iterations)
        for iteration in range(1, iterations + 1):
            chain.sweep(rng)
            self.log2_likelihood_[iteration - 1] = chain.log2_likelihood()
            if iteration in keep:
                self.phi_at_[iteration] = chain.phi()
        self.phi_, self.theta_, self.topics_ = chain.phi(), chain.theta(), chain.z
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
    """Fit each, in order, on `threads` cores: the compiled loop lets go of Python's lock.

    The result does not depend on the number of threads.
    """
    yield from Parallel(n_jobs=threads, prefer="threads", return_as="generator")(delayed(fit.run)() for fit in fits)
