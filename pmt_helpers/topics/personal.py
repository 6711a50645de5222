"""Shared topics from the cloud, personal topics at home (paper, section IV). Notebook 03.

What leaves the cloud is `Topics`: the probabilities of words in topics, and which words these are. What leaves the home
is nothing.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pmt_helpers import __version__
from pmt_helpers.datasets.arrays import check_digest, digest, read_arrays, read_card, write_arrays, write_card
from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.datasets.doors import check_argument
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.topics.gibbs import ITERATIONS, GibbsLDA, Seed
from pmt_helpers.topics.validation import check_positive, check_topics


@dataclass(frozen=True, eq=False)
class Topics:
    """All that is downloaded: phi (n_topics, n_words), and the word of each column where they are known.

    Raises ValueError for an invalid phi, or another number of words.
    """

    phi: np.ndarray
    vocabulary: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        phi = check_topics(self.phi).view()
        phi.setflags(write=False)
        object.__setattr__(self, "phi", phi)
        if self.vocabulary is not None:
            words = check_argument("vocabulary", tuple[str, ...], self.vocabulary)
            object.__setattr__(self, "vocabulary", words)
            if len(self.vocabulary) != phi.shape[1]:
                raise ValueError(f"the topics have {phi.shape[1]} words, but the vocabulary {len(self.vocabulary)}")


@dataclass(frozen=True, eq=False)
class TopicModel:
    """A trained model. Only `topics` may leave where it was trained: theta and curve tell of the documents.

    theta: (n_docs, n_topics), topics of the documents trained on. curve: (iterations,) log2 likelihood per token.
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
    documents: DocumentData | Any, n_topics: int = 20,
    *, alpha: float = 2.5, beta: float = 0.1, iterations: int = ITERATIONS, seed: Seed = 0,
) -> TopicModel:  # fmt: skip
    """The shared model, from public documents: DocumentData, or counts (documents x words)."""
    counts, vocabulary = read_documents(documents)
    return _model(GibbsLDA(n_topics, alpha, beta, seed).fit(counts, iterations), vocabulary)


def train_local_topics(documents: DocumentData | Any, n_topics: int = 20, **options: Any) -> TopicModel:
    """The local model: the same as `train_shared_topics`, from one's own documents alone."""
    return train_shared_topics(documents, n_topics, **options)


def personalise_topics(
    shared: TopicModel | Topics, documents: DocumentData | Any, start: str = "shared", weight: float = 1.0,
    *, alpha: float = 2.5, beta: float = 0.1, iterations: int = ITERATIONS, seed: Seed = 0,
    keep: tuple[int, ...] = (),
) -> TopicModel:  # fmt: skip
    """The personal model: goes on from the shared topics with one's own documents; needs no more than `Topics`.

    Parameters
    ----------
    documents: their vocabulary must be the shared one, or begin with it and add own words; counts without a vocabulary
        must be as wide as phi.
    start: "shared" is the paper's, and forgets the topics while it samples; "prior" keeps them as prior counts.
    weight: how heavy they are as a prior; 1 is as heavy as all own tokens.
    keep: iterations after which phi is kept, 0 for the start.

    Raises ValueError when the vocabularies do not fit.
    """
    topics = shared.topics if isinstance(shared, TopicModel) else shared
    counts, vocabulary = read_documents(documents)
    phi = extend_vocabulary(topics, vocabulary)
    lda = GibbsLDA(len(phi), alpha, beta, seed).fit(counts, iterations, start, phi, weight, keep=keep)
    return _model(lda, vocabulary or topics.vocabulary)


def extend_vocabulary(topics: Topics, vocabulary: tuple[str, ...] | None) -> np.ndarray:
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
            f"the documents' {n_own:,} words must begin with the {n_shared:,} of the shared topics, in the same order. "
            f"They differ from column {column} on: load the documents with the shared vocabulary"
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


FORMAT = "pmt-topics/1"
REMEDY = "ask for the file again, or save the topics again; these are not what save_topics writes"


@dataclass(frozen=True, eq=False)
class StoredTopics(Topics):
    """Topics from a file, and what their publisher said of them, where anything was said.

    alpha, beta: the priors they were trained with. source: of which documents. license: of the topics.
    """

    alpha: float | None = None
    beta: float | None = None
    source: str = ""
    license: str = ""


def save_topics(
    topics: TopicModel | Topics, path: str | Path,
    *, alpha: float | None = None, beta: float | None = None, source: str = "", license: str = "",
) -> Path:  # fmt: skip
    """Write `path`.npz (phi, float64) and `path`.json (words, and what else is given here; nothing else is told).

    Returns the path of the .npz. Each file appears whole or not at all. Raises ValueError for a word that comes twice,
    and for an alpha or beta that is not a number above 0.
    """
    topics = topics.topics if isinstance(topics, TopicModel) else topics
    check_positive(**{name: value for name, value in (("alpha", alpha), ("beta", beta)) if value is not None})
    words = None if topics.vocabulary is None else list(topics.vocabulary)
    if words is not None and len(set(words)) != len(words):
        raise ValueError("the vocabulary holds a word twice; each column of phi needs a word of its own")
    npz, card_file = _both_files(path)
    said = {"alpha": alpha, "beta": beta, "source": source, "license": license}
    card = {"format": FORMAT, "pmt_helpers": __version__, **said, "digest": digest(_digested(topics.phi, words))}
    write_arrays(npz, {"phi": topics.phi})
    write_card(card_file, {**card, "vocabulary": words})
    return npz


def load_topics(path: str | Path) -> StoredTopics:
    """Read topics written by save_topics.

    Raises DataError when a file is missing or damaged, when the two do not belong together, and for invalid contents:
    what are no probabilities, or not one word per column, each another.
    """
    npz, card_file = _both_files(path)
    card = read_card(card_file, FORMAT, {"alpha", "beta", "source", "license", "digest", "vocabulary"})
    phi = read_arrays(npz, ("phi",), "the topics' probabilities")["phi"]
    words = card["vocabulary"]

    def require(valid: bool, expected: str, found: str, file: Path = card_file) -> None:
        if not valid:
            raise DataError(file=file, expected=expected, found=found, remedy=REMEDY)

    listed = words is None or (isinstance(words, list) and all(isinstance(word, str) for word in words))
    require(listed, "a list of words, or null", _short(words))
    repeated = len(words or ()) - len(set(words or ()))
    require(repeated == 0, "each word once", f"{repeated} repeated")
    for name in ("alpha", "beta"):
        value = card[name]
        number = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= sys.float_info.max
        require(value is None or number, f"{name}: a number above 0, or null", _short(value))
    for name in ("source", "license"):
        require(isinstance(card[name], str), f"{name}: text", _short(card[name]))
    require(phi.dtype.kind == "f", "phi of decimal numbers", f"type {phi.dtype}", npz)
    try:
        said = (card[name] for name in ("alpha", "beta", "source", "license"))
        topics = StoredTopics(phi, None if words is None else tuple(words), *said)
    except ValueError as error:
        expected = "a probability of each word in each topic"
        raise DataError(file=npz, expected=expected, found=str(error), remedy=REMEDY) from None
    check_digest(npz, _digested(phi, words), card["digest"])
    return topics


def _both_files(path: str | Path) -> tuple[Path, Path]:
    """The .npz and the .json of a path given with either ending, or without one: "topics.v2" keeps its dot."""
    path = Path(path)
    stem = path.name.removesuffix(".npz").removesuffix(".json")
    return path.with_name(f"{stem}.npz"), path.with_name(f"{stem}.json")


def _digested(phi: np.ndarray, words: list[str] | None) -> dict[str, np.ndarray]:
    """phi, and the words in their order: topics with another's words would be other topics."""
    return {"phi": phi, "vocabulary": np.frombuffer(json.dumps(words).encode(), np.uint8)}


def _short(value: Any) -> str:
    return f"{type(value).__name__} {repr(value)[:40]}"
