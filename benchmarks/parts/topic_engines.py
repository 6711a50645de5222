"""Topic models that other packages have, and ours, trained on the same counts with the same K, alpha and beta.

An engine is a generator: it trains up to each of some iterations (passes over the documents), and yields what that took
from the start. What it does before, turning counts into what its package wants to be given, is not on its clock.
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from parts.turns import Clock
from pmt_helpers.topics import Fit, GibbsLDA, fit_many
from pmt_helpers.topics.gibbs import token_words

# Online variational Bayes, a step for every hundred documents. Of what was tried this was among the quickest on NIPS,
# and the quickest on Wikipedia; with an offset of 10 the same passes end about 0.1 bits lower.
DECAY, OFFSET, CHUNK = 0.7, 1.0, 100


@dataclass(frozen=True)
class Problem:
    """counts: training documents x words. held_out: other documents, the same words; all of them occur in training, as
    tomotopy knows no others.
    """

    counts: csr_array
    held_out: csr_array
    n_topics: int
    alpha: float
    beta: float
    seed: int = 0

    @property
    def tokens(self) -> int:
        return int(self.counts.sum())

    @cached_property
    def texts(self) -> list[list[str]]:
        """Each document as its words, a word's repetitions side by side, as ours has them."""
        words, ends = token_words(self.counts).astype(str), np.cumsum(self.counts.sum(axis=1))
        return [text.tolist() for text in np.split(words, ends[:-1])]

    @cached_property
    def bags(self) -> list[list[tuple[int, int]]]:
        """Each document as (word, count) pairs."""
        entries = list(zip(self.counts.indices.tolist(), self.counts.data.tolist(), strict=True))
        return [entries[first:last] for first, last in pairwise(self.counts.indptr.tolist())]


class Step(NamedTuple):
    """After so many iterations, seconds from the start, and phi (n_topics, n_words). tokens: of the start to here."""

    iterations: int
    tokens: int
    cpu: float
    wall: float
    phi: np.ndarray


Training = Callable[[Problem, Sequence[int]], Iterator[Step]]


def ours(problem: Problem, upto: Sequence[int]) -> Iterator[Step]:
    """Its likelihood of the training words, once an iteration, is on the clock."""
    yield from _ours(problem, upto, chains=1, threads=1)


def our_chains(threads: int) -> Training:
    """Two chains, one after the other or side by side."""
    return partial(_ours, chains=2, threads=threads)


def _ours(problem: Problem, upto: Sequence[int], chains: int, threads: int) -> Iterator[Step]:
    sizes = problem.n_topics, problem.alpha, problem.beta
    for iterations in upto:  # each from the start again, since `fit` cannot go on
        seeds = range(problem.seed, problem.seed + chains)
        fits = [Fit(GibbsLDA(*sizes, seed), problem.counts, {"iterations": iterations}) for seed in seeds]
        with Clock() as clock:
            models = list(fit_many(fits, threads=threads))
        yield Step(iterations, chains * iterations * problem.tokens, clock.cpu, clock.wall, models[0].phi_)


def tomotopy(workers: int) -> Training:
    def train(problem: Problem, upto: Sequence[int]) -> Iterator[Step]:
        import tomotopy

        model = tomotopy.LDAModel(k=problem.n_topics, alpha=problem.alpha, eta=problem.beta, seed=problem.seed)
        model.optim_interval = 0  # alpha stays
        for text in problem.texts:
            model.add_doc(text)

        def go_on(iterations: int) -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # with two workers no seed fixes the result
                model.train(iterations, workers=workers)

        for iterations, clock in _going_on(upto, go_on):
            phi = np.zeros((problem.n_topics, problem.counts.shape[1]))
            words = [int(word) for word in model.used_vocabs]
            for topic, row in enumerate(phi):
                row[words] = model.get_topic_word_dist(topic)
            yield Step(iterations, iterations * model.num_words, clock.cpu, clock.wall, phi)

    return train


def riddell_lda(problem: Problem, upto: Sequence[int]) -> Iterator[Step]:
    """`LDA.fit` cannot go on, and takes seconds to begin: this is its loop, without the likelihood every tenth time."""
    import lda

    if len(handlers := logging.getLogger("lda").handlers) == 1:
        handlers.append(logging.NullHandler())  # with one handler it would have every package report its progress
    settings = {"alpha": problem.alpha, "eta": problem.beta, "random_state": problem.seed}
    model = lda.LDA(problem.n_topics, **settings)
    rng, numbers = np.random.RandomState(problem.seed), model._rands.copy()

    def go_on(iterations: int) -> None:
        if not hasattr(model, "WS"):
            model._initialize(problem.counts)
        for _ in range(iterations):
            rng.shuffle(numbers)
            model._sample_topics(numbers)

    for iterations, clock in _going_on(upto, go_on):
        tokens = iterations * int(model.nzw_.sum())
        yield Step(iterations, tokens, clock.cpu, clock.wall, _rows_to_one(model.nzw_ + problem.beta))


def scikit_learn(problem: Problem, upto: Sequence[int]) -> Iterator[Step]:
    """By `partial_fit`: `fit` takes the same steps, and then one more to compute a perplexity."""
    from sklearn.decomposition import LatentDirichletAllocation

    model = LatentDirichletAllocation(
        problem.n_topics,
        doc_topic_prior=problem.alpha,
        topic_word_prior=problem.beta,
        learning_method="online",
        learning_decay=DECAY,
        learning_offset=OFFSET,
        batch_size=CHUNK,
        total_samples=problem.counts.shape[0],
        random_state=problem.seed,
    )

    def go_on(passes: int) -> None:
        for _ in range(passes):
            model.partial_fit(problem.counts)

    for passes, clock in _going_on(upto, go_on):
        yield Step(passes, passes * problem.tokens, clock.cpu, clock.wall, _rows_to_one(model.components_))


def gensim(workers: int | None = None) -> Training:
    """LdaModel, or with workers LdaMulticore, whose children count too."""

    def train(problem: Problem, upto: Sequence[int]) -> Iterator[Step]:
        from gensim.models import LdaModel, LdaMulticore

        kind = LdaModel if workers is None else partial(LdaMulticore, workers=workers)
        settings: dict[str, Any] = {
            "id2word": {word: str(word) for word in range(problem.counts.shape[1])},
            "num_topics": problem.n_topics,
            "alpha": problem.alpha,
            "eta": problem.beta,
            "decay": DECAY,
            "offset": OFFSET,
            "chunksize": CHUNK // (workers or 1),  # with workers, a step for as many chunks
            "eval_every": None,
            "random_state": problem.seed,
        }
        bags = problem.bags
        for passes in upto:  # each from the start again: `update` twice is not two passes
            with Clock() as clock:
                model = kind(bags, passes=passes, **settings)
            tokens = passes * sum(count for bag in bags for _, count in bag)
            yield Step(passes, tokens, clock.cpu, clock.wall, model.get_topics())

    return train


def _going_on(upto: Sequence[int], go_on: Callable[[int], Any]) -> Iterator[tuple[int, Clock]]:
    """For engines that train on from where they are: one clock for all."""
    clock = Clock()
    for before, iterations in pairwise((0, *upto)):
        with clock:
            go_on(iterations - before)
        yield iterations, clock


def _rows_to_one(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum(axis=1, keepdims=True)
