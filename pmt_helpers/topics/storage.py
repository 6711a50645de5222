"""Shared topics as what really travels: an .npz of phi and a readable JSON card with its words. Notebook 03, step 3.

theta, curves and gensim's own model stay where they were trained: they tell of the documents.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pmt_helpers import __version__
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.plain_arrays import check_digest, digest, read_arrays, read_card, write_arrays, write_card
from pmt_helpers.topics.given import checked_positive
from pmt_helpers.topics.personal import TopicModel, Topics

FORMAT = "pmt-topics/1"
_AGAIN = "ask for the file again, or save the topics again; these are not what save_topics writes"


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
    topics: TopicModel | Topics,
    path: str | Path,
    *,
    alpha: float | None = None,
    beta: float | None = None,
    source: str = "",
    license: str = "",
) -> Path:
    """Write `path`.npz (phi, float64) and `path`.json (words, and what else is given here; nothing else is told).

    Returns the path of the .npz. Each file appears whole or not at all. Raises ValueError for a word that comes twice,
    and for an alpha or beta that is no number above 0.
    """
    topics = topics.topics if isinstance(topics, TopicModel) else topics
    checked_positive(**{name: value for name, value in (("alpha", alpha), ("beta", beta)) if value is not None})
    words = None if topics.vocabulary is None else list(topics.vocabulary)
    if words is not None and len(set(words)) != len(words):
        raise ValueError("the vocabulary holds a word twice; each column of phi needs a word of its own")
    npz, beside = _both(path)
    told = {"alpha": alpha, "beta": beta, "source": source, "license": license}
    card = {"format": FORMAT, "pmt_helpers": __version__, **told, "digest": digest(_digested(topics.phi, words))}
    write_arrays(npz, {"phi": topics.phi})
    write_card(beside, {**card, "vocabulary": words})
    return npz


def load_topics(path: str | Path) -> StoredTopics:
    """Read topics written by save_topics.

    Raises DataError when a file is missing or damaged, when the two do not belong together, and for contents that are
    no topics: probabilities that are none, or words that are not one a column, each another.
    """
    npz, beside = _both(path)
    card = read_card(beside, FORMAT, {"alpha", "beta", "source", "license", "digest", "vocabulary"})
    phi = read_arrays(npz, ("phi",), "the topics' probabilities")["phi"]
    words = card["vocabulary"]
    if words is not None and not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
        raise DataError(file=beside, expected="a list of words, or null", found=_short(words), remedy=_AGAIN)
    if words is not None and len(set(words)) != len(words):
        raise DataError(
            file=beside, expected="each word once", found=f"{len(words) - len(set(words))} repeated", remedy=_AGAIN
        )
    for name, fits in (("alpha", _prior), ("beta", _prior), ("source", _text), ("license", _text)):
        if not fits(card[name]):
            expected = "text" if fits is _text else "a number above 0, or null"
            raise DataError(file=beside, expected=f"{name}: {expected}", found=_short(card[name]), remedy=_AGAIN)
    if phi.dtype.kind != "f":
        raise DataError(file=npz, expected="phi of decimal numbers", found=f"type {phi.dtype}", remedy=_AGAIN)
    try:
        vocabulary = None if words is None else tuple(words)
        topics = StoredTopics(phi, vocabulary, *(card[name] for name in ("alpha", "beta", "source", "license")))
    except ValueError as error:
        raise DataError(
            file=npz, expected="a probability of each word in each topic", found=str(error), remedy=_AGAIN
        ) from None
    check_digest(npz, _digested(phi, words), card["digest"])
    return topics


def _both(path: str | Path) -> tuple[Path, Path]:
    """The .npz and the .json of a path given with either ending, or with none: "topics.v2" keeps its dot."""
    path = Path(path)
    stem = path.name.removesuffix(".npz").removesuffix(".json")
    return path.with_name(f"{stem}.npz"), path.with_name(f"{stem}.json")


def _digested(phi: np.ndarray, words: list[str] | None) -> dict[str, np.ndarray]:
    """phi, and the words in their order: topics with another's words would be other topics."""
    return {"phi": phi, "vocabulary": np.frombuffer(json.dumps(words).encode(), np.uint8)}


def _prior(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (number and 0 < value < float("inf"))


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _short(value: Any) -> str:
    return f"{type(value).__name__} {repr(value)[:40]}"
