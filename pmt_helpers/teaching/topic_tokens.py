"""What topics have in a person's documents: their tokens, and their first words. Notebook 03, steps 2 and 3.

A topic's number is its row in phi plus one, in every model, table, map and question: a personal model goes on from the
shared one, so its topic 7 is what became of the shared topic 7.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.topics.evaluation import infer_theta
from pmt_helpers.topics.personal import TopicModel, Topics, widened

ALPHA = 2.5  # of `Topics`, which come without one: the default of the trained models


@dataclass(frozen=True, eq=False)
class Told:
    """What one model says of documents. phi: (n_topics, n_words) over the documents' vocabulary.

    tokens: (n_docs, n_topics), how many of a document's tokens come from each topic, as expected from its words.
    """

    phi: np.ndarray
    tokens: np.ndarray
    vocabulary: tuple[str, ...]

    @property
    def shares(self) -> np.ndarray:
        """(n_topics,): each topic's share of all tokens."""
        return self.tokens.sum(axis=0) / self.tokens.sum()

    def first_words(self, n: int) -> list[tuple[str, ...]]:
        """The n most probable words of each topic; of two alike, the one that the vocabulary has first."""
        order = np.argsort(-self.phi, axis=1, kind="stable")[:, :n]
        return [tuple(self.vocabulary[word] for word in row) for row in order]


def tell(model: TopicModel | Topics, documents: DocumentData) -> Told:
    """Read documents with a model, wherever it was trained.

    theta is always inferred, its topics fixed, and never a model's own theta: so two models of the same documents
    differ by their topics alone. Raises ValueError when the vocabularies do not fit.
    """
    topics = model.topics if isinstance(model, TopicModel) else model
    alpha = model.alpha if isinstance(model, TopicModel) else ALPHA
    phi = widened(topics, documents.vocabulary)
    theta = infer_theta(phi, documents.counts, alpha)
    lengths = documents.lengths[:, None]
    # theta is the tokens and the prior together, (tokens + alpha) / (length + n_topics alpha); here without the prior.
    tokens = np.maximum(theta * (lengths + len(phi) * alpha) - alpha, 0)
    return Told(phi, tokens * lengths / tokens.sum(axis=1, keepdims=True), documents.vocabulary)


def tell_all(models: Mapping[str, TopicModel | Topics], documents: DocumentData) -> dict[str, Told]:
    """The same for several models by name. Raises ValueError for none, or for another number of topics."""
    if not models:
        raise ValueError('give at least one model by its name, such as {"shared": shared}')
    told = {name: tell(model, documents) for name, model in models.items()}
    sizes = {name: len(one.phi) for name, one in told.items()}
    if len(set(sizes.values())) > 1:
        found = ", ".join(f"{size} ({name})" for name, size in sizes.items())
        raise ValueError(f"models side by side need one number of topics, so that numbers agree; found {found}")
    return told


def comparison(told: Mapping[str, Told], top: int) -> str:
    """One sentence: what changed from the first model to the last, or of one model its largest topic."""
    (first, one), *_, (last, other) = [*told.items()] * 2  # of one model, itself
    words, n_docs = other.first_words(top), len(other.tokens)
    if len(told) == 1:
        largest = int(one.shares.argmax())
        return (
            f"{len(words)} topics over {n_docs:,} documents: topic {largest + 1} is the largest, with "
            f"{one.shares[largest]:.0%} of the tokens ({', '.join(words[largest])})."
        )
    new = np.array([len(set(now) - set(then)) for then, now in zip(one.first_words(top), words, strict=True)])
    most, least = int(new.argmax()), int(new.argmin())
    grown = int((other.shares - one.shares).argmax())
    return (
        f"{len(words)} topics over {n_docs:,} documents. From {first} to {last}, {new.mean():.1f} of a topic's first "
        f"{top} words are new on average: most in topic {most + 1} ({new[most]}), fewest in topic {least + 1} "
        f"({new[least]}). Topic {grown + 1} gains most, from {one.shares[grown]:.0%} to {other.shares[grown]:.0%} of "
        "the tokens."
    )
