"""Topics as a table: their first words and their share of the tokens, for one model or several. Notebook 03."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import numpy as np

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.teaching.display import HtmlOutput
from pmt_helpers.topics.evaluation import infer_theta
from pmt_helpers.topics.personal import TopicModel, Topics, extend_vocabulary

ALPHA = 2.5  # of `Topics`, which come without one: the default of the trained models


@dataclass(frozen=True, eq=False)
class TokenAssignment:
    """The tokens of documents, assigned to a model's topics.

    phi: (n_topics, n_words) over the documents' vocabulary. tokens: (n_docs, n_topics), how many of a document's tokens
    come from each topic, as expected from its words.
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


def assign_topics(model: TopicModel | Topics, documents: DocumentData) -> TokenAssignment:
    """Assign the tokens of documents to the topics of a model, wherever it was trained.

    theta is always inferred, its topics fixed, and never a model's own theta: so two models of the same documents
    differ by their topics alone. Raises ValueError when the vocabularies do not fit.
    """
    topics = model.topics if isinstance(model, TopicModel) else model
    alpha = model.alpha if isinstance(model, TopicModel) else ALPHA
    phi = extend_vocabulary(topics, documents.vocabulary)
    theta = infer_theta(phi, documents.counts, alpha)
    lengths = documents.lengths[:, None]
    # theta is the tokens and the prior together, (tokens + alpha) / (length + n_topics alpha); here without the prior.
    tokens = np.maximum(theta * (lengths + len(phi) * alpha) - alpha, 0)
    return TokenAssignment(phi, tokens * lengths / tokens.sum(axis=1, keepdims=True), documents.vocabulary)


def assign_all(models: Mapping[str, TopicModel | Topics], documents: DocumentData) -> dict[str, TokenAssignment]:
    """The same for several models by name. Raises ValueError for none, or for another number of topics."""
    if not models:
        raise ValueError('give at least one model by its name, such as {"shared": shared}')
    assigned = {name: assign_topics(model, documents) for name, model in models.items()}
    sizes = {name: len(model.phi) for name, model in assigned.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{size} ({name})" for name, size in sizes.items())
        raise ValueError(f"models can be compared only if all have the same number of topics; found {listed}")
    return assigned


def comparison(assigned: Mapping[str, TokenAssignment], top: int) -> str:
    """One sentence: what changed from the first model to the last, or of one model its largest topic."""
    (first, before), *_, (last, after) = [*assigned.items()] * 2  # of one model, itself
    words = after.first_words(top)
    size = f"{len(words)} topics over {len(after.tokens):,} documents"
    if len(assigned) == 1:
        largest = int(after.shares.argmax())
        share = f"{after.shares[largest]:.0%} of the tokens"
        return f"{size}: topic {largest + 1} is the largest, with {share} ({', '.join(words[largest])})."
    new = np.array([len(set(now) - set(then)) for then, now in zip(before.first_words(top), words, strict=True)])
    most, least = int(new.argmax()), int(new.argmin())
    grown = int((after.shares - before.shares).argmax())
    return (
        f"{size}. From {first} to {last}, {new.mean():.1f} of a topic's first {top} words are new on average: most in "
        f"topic {most + 1} ({new[most]}), fewest in topic {least + 1} ({new[least]}). Topic {grown + 1} gains most, "
        f"from {before.shares[grown]:.0%} to {after.shares[grown]:.0%} of the tokens."
    )


NEW = "+"  # before a word that the first model does not have among the topic's first ones


class TopicTable(HtmlOutput):
    """One row per topic, two columns per model."""

    def __init__(self, assigned: Mapping[str, TokenAssignment], top: int) -> None:
        self.sentence = comparison(assigned, top)
        self._words = {name: model.first_words(top) for name, model in assigned.items()}
        self._shares = {name: model.shares for name, model in assigned.items()}
        self._first = next(iter(assigned))

    def __repr__(self) -> str:
        width = max(map(len, self._words))
        lines = [self.sentence]
        for topic in range(len(self._words[self._first])):
            lines.append(f"Topic {topic + 1}")
            for name in self._words:
                words = [f"{NEW}{word}" if new else word for word, new in self._marked(name, topic)]
                lines.append(f"  {name:{width}} {self._shares[name][topic]:5.1%}  {', '.join(words)}")
        return "\n".join(lines)

    def to_html(self) -> str:
        """The table; under a later model a new word is bold and has a plus before it."""
        heads = ["Topic"] + [f"{escape(name)}{part}" for name in self._words for part in (": tokens", ": first words")]
        head = "".join(f'<th scope="col" style="text-align: left">{name}</th>' for name in heads)
        rows = []
        for topic in range(len(self._words[self._first])):
            cells = ""
            for name in self._words:
                words = [f"<b>{NEW}{escape(w)}</b>" if new else escape(w) for w, new in self._marked(name, topic)]
                cells += f"<td>{self._shares[name][topic]:.1%}</td>"
                cells += f'<td style="text-align: left">{", ".join(words)}</td>'
            rows.append(f'<tr><th scope="row">{topic + 1}</th>{cells}</tr>')
        legend = f" <b>{NEW}new</b>: not among the topic's first under {escape(self._first)}." * (len(self._words) > 1)
        return (
            f"<p>{escape(self.sentence)}{legend}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        )

    def _marked(self, name: str, topic: int) -> list[tuple[str, bool]]:
        before = self._words[self._first][topic]
        return [(word, word not in before) for word in self._words[name][topic]]


def topic_table(models: Mapping[str, TopicModel | Topics], documents: DocumentData, top: int = 8) -> TopicTable:
    """The `top` most probable words of each topic, and its share of the documents' tokens, one column per model.

    Probable in the topic, p(word | topic): pyLDAvis' relevance with lambda at 1, so the map shows the same words, under
    the same numbers. Raises ValueError for models that cannot be compared.
    """
    return TopicTable(assign_all(models, documents), top)
