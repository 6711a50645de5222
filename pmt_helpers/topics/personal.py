"""Shared topics from the cloud, personal topics at home (paper, section IV). Notebook 03, step 3.

What leaves the cloud is `Topics`: the probabilities of words in topics, and which words these are. What leaves the home
is nothing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.topics.gibbs import ITERATIONS, GibbsLDA, Seed
from pmt_helpers.topics.given import checked_topics


@dataclass(frozen=True, eq=False)
class Topics:
    """All that is downloaded: phi (n_topics, n_words), and the word of each column where they are known.

    Raises ValueError for a phi that is none, or another number of words.
    """

    phi: np.ndarray
    vocabulary: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        phi = checked_topics(self.phi).view()
        phi.setflags(write=False)
        object.__setattr__(self, "phi", phi)
        if self.vocabulary is not None:
            object.__setattr__(self, "vocabulary", tuple(self.vocabulary))
            if len(self.vocabulary) != phi.shape[1]:
                raise ValueError(f"the topics have {phi.shape[1]} words, but the vocabulary {len(self.vocabulary)}")


@dataclass(frozen=True, eq=False)
class TopicModel:
    """A trained model. Only `topics` may leave where it was trained: theta and curve tell of the documents.

    theta: (n_docs, n_topics), topics of the documents trained on. curve: (iterations,) log2 likelihood a token.
    topics_at: phi after the iterations that were to be kept.
    """

    topics: Topics
    alpha: float
    beta: float
    theta: np.ndarray
    curve: np.ndarray
    topics_at: dict[int, np.ndarray]

    @property
    def phi(self) -> np.ndarray:
        """(n_topics, n_words): probability of each word in each topic."""
        return self.topics.phi

    @property
    def vocabulary(self) -> tuple[str, ...] | None:
        """The word of each column of phi, where they are known."""
        return self.topics.vocabulary


def train_shared_topics(
    documents: DocumentData | Any,
    n_topics: int = 20,
    *,
    alpha: float = 2.5,
    beta: float = 0.1,
    iterations: int = ITERATIONS,
    seed: Seed = 0,
) -> TopicModel:
    """The shared model, from public documents: DocumentData, or counts (documents x words)."""
    counts, vocabulary = read_documents(documents)
    lda = GibbsLDA(n_topics, alpha, beta, seed).fit(counts, iterations)
    return _model(lda, vocabulary)


def train_local_topics(documents: DocumentData | Any, n_topics: int = 20, **options: Any) -> TopicModel:
    """The local model: the same as `train_shared_topics`, from one's own documents alone."""
    return train_shared_topics(documents, n_topics, **options)


def personalise_topics(
    shared: TopicModel | Topics,
    documents: DocumentData | Any,
    start: str = "shared",
    weight: float = 1.0,
    *,
    alpha: float = 2.5,
    beta: float = 0.1,
    iterations: int = ITERATIONS,
    seed: Seed = 0,
    keep: tuple[int, ...] = (),
) -> TopicModel:
    """The personal model: goes on from the shared topics with one's own documents; needs no more than `Topics`.

    start: "shared" is the paper's, and forgets them while it samples; "prior" keeps them as prior counts, `weight`
    times as heavy as all own tokens. The documents' vocabulary must be the shared one, or begin with it and add own
    words; counts without a vocabulary must be as wide as phi. Raises ValueError when they do not fit.
    """
    topics = shared.topics if isinstance(shared, TopicModel) else shared
    counts, vocabulary = read_documents(documents)
    phi = widened(topics, vocabulary)
    lda = GibbsLDA(len(phi), alpha, beta, seed).fit(counts, iterations, start, phi, weight, keep=keep)
    return _model(lda, vocabulary or topics.vocabulary)


def widened(topics: Topics, vocabulary: tuple[str, ...] | None) -> np.ndarray:
    """phi over the documents' own vocabulary, which begins with the shared one: (n_topics, n_words of the documents).

    A word that the shared topics never saw gets in each topic what any word without a token there has, its smallest
    probability; the rows are scaled to sum to one again. Raises ValueError for a vocabulary that begins otherwise.
    """
    if vocabulary is None or topics.vocabulary is None:
        return topics.phi
    n_shared, n_own = len(topics.vocabulary), len(vocabulary)
    if vocabulary[:n_shared] != topics.vocabulary:
        pairs = zip(vocabulary, topics.vocabulary, strict=False)
        column = next((c for c, (own, shared) in enumerate(pairs) if own != shared), n_own)
        raise ValueError(
            f"the documents' {n_own:,} words must begin with the {n_shared:,} of the shared topics, in the same order; "
            f"they differ from column {column} on: load the documents with the shared vocabulary"
        )
    if n_own == n_shared:
        return topics.phi
    smallest = topics.phi.min(axis=1, keepdims=True)
    phi = np.hstack([topics.phi, np.repeat(smallest, n_own - n_shared, axis=1)])
    return phi / phi.sum(axis=1, keepdims=True)


def read_documents(documents: DocumentData | Any) -> tuple[Any, tuple[str, ...] | None]:
    """Counts, and the word of each column where the documents know it."""
    return (documents.counts, documents.vocabulary) if isinstance(documents, DocumentData) else (documents, None)


def _model(lda: GibbsLDA, vocabulary: tuple[str, ...] | None) -> TopicModel:
    topics = Topics(lda.phi_, vocabulary)
    return TopicModel(topics, lda.alpha, lda.beta, lda.theta_, lda.log2_likelihood_, lda.phi_at_)
