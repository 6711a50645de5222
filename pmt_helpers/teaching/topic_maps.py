"""The interactive map of topics: pyLDAvis, without network, for one model or several over the same documents.

Notebook 03, steps 2 and 3. The page is in `ldavis_page.py`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist, squareform

from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.teaching.display import publish
from pmt_helpers.teaching.figures.template import MODEL_COLOURS, PURPLE
from pmt_helpers.teaching.ldavis_page import framed, page
from pmt_helpers.teaching.topic_tokens import Told, comparison, tell_all
from pmt_helpers.topics.personal import TopicModel, Topics

WORDS = 20  # bars of a topic
COMPARED = 8  # first words of which the sentence counts the new ones
LAMBDA_STEP = 0.05


class TopicMap:
    """A map to click, and a sentence computed from the same models; the last expression of a cell displays it.

    page: the document inside of the frame. html: the frame with the page in it.
    """

    def __init__(self, page: str, sentence: str) -> None:
        self.page, self.sentence = page, sentence
        self.html = framed(page, sentence)

    def __repr__(self) -> str:
        return self.sentence

    def _ipython_display_(self) -> None:
        publish({"text/html": self.html, "text/plain": self.sentence})


def topic_map(models: Mapping[str, TopicModel | Topics], documents: DocumentData) -> TopicMap:
    """A map of the topics of each model ({"shared": shared, "personal": personal}), with buttons to change between.

    All read the same documents, stand on the same map, and keep their topics' numbers: the row of phi plus one. Topics
    close to each other have like words; a circle's area is the topic's share of the tokens, of which the bars are
    numbers. Raises ValueError for models that cannot be compared.
    """
    told = tell_all(models, documents)
    used = _words_to_show(list(told.values()), documents)
    places = topic_places([one.phi[:, used] for one in told.values()])
    corners = {"corners": _corners(places, max(one.shares.max() for one in told.values()))}
    drawn = []
    for (name, one), where in zip(told.items(), places, strict=True):
        data = _prepared(one, documents, used, where)
        drawn.append({"name": name, "colour": MODEL_COLOURS.get(name, PURPLE), "data": _short(data | corners)})
    return TopicMap(page(drawn), comparison(told, COMPARED))


def topic_places(phis: Sequence[np.ndarray]) -> np.ndarray:
    """(n_models, n_topics, 2): all topics on one plane, by principal coordinates of their Jensen-Shannon divergences.

    What pyLDAvis calls pcoa, over several models at once. Its own solver takes the matrix for any matrix: it may return
    complex numbers, and either sign; here a symmetric one, and the largest number of an axis is positive.
    """
    apart = np.nan_to_num(squareform(pdist(np.vstack(phis), "jensenshannon"))) ** 2  # NaN: two alike, by rounding
    centre = np.eye(len(apart)) - 1 / len(apart)
    values, vectors = np.linalg.eigh(-centre @ apart**2 @ centre / 2)
    places = (vectors * np.sqrt(np.maximum(values, 0)))[:, :-3:-1]
    places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))  # a single topic has one axis
    furthest = places[np.abs(places).argmax(axis=0), [0, 1]]
    return (places * np.where(furthest < 0, -1, 1)).reshape(len(phis), -1, 2)


def _words_to_show(told: Sequence[Told], documents: DocumentData) -> np.ndarray:
    """Columns of the words in the documents, and of every topic's first ones, whether they occur there or not."""
    first = [np.argsort(-one.phi, axis=1, kind="stable")[:, :WORDS].ravel() for one in told]
    return np.unique(np.concatenate([documents.counts.indices, *first]))


def _prepared(one: Told, documents: DocumentData, used: np.ndarray, where: np.ndarray) -> dict[str, Any]:
    """What LDAvis draws: pyLDAvis' tables, numbers rounded, topics placed at `where`."""
    import pandas as pd
    import pyLDAvis

    phi = one.phi[:, used] / one.phi[:, used].sum(axis=1, keepdims=True)
    lengths = documents.lengths
    # mds: the places are known. n_jobs=1: no worker processes. Word frequencies: pyLDAvis computes its own from these.
    prepared = pyLDAvis.prepare(
        phi, one.tokens / lengths[:, None], lengths, [one.vocabulary[word] for word in used], np.ones(len(used)),
        R=WORDS, lambda_step=LAMBDA_STEP, mds=lambda _: where, n_jobs=1, sort_topics=False,
        plot_opts={"xlab": "", "ylab": ""},
    )  # fmt: skip
    # Words alike in probability come in the vocabulary's order, as in the table of topics.
    overall = prepared.topic_info["Category"] == "Default"
    info = pd.concat([prepared.topic_info[overall], prepared.topic_info[~overall].sort_index(kind="stable")])
    return prepared._replace(topic_info=info).to_dict()


def _corners(places: np.ndarray, largest: float) -> list[dict[str, float]]:
    """Two points that span the map, so far out that no circle is cut, the largest having this share of the tokens."""
    radius = math.sqrt(largest / (4 * math.pi))  # of the map's width: LDAvis gives all circles a quarter of its area
    low, high = places.min(axis=(0, 1)), places.max(axis=(0, 1))
    pad = ((high - low).max() or 1.0) * radius / (1 - 2 * radius)
    return [{"x": float(x), "y": float(y)} for x, y in (low - pad, high + pad)]


def _short(value: Any) -> Any:
    """The same with plain numbers of five digits: a third of the size, and the same on every processor."""
    if isinstance(value, dict):
        return {str(key): _short(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_short(part) for part in value]
    if isinstance(value, float | np.floating):
        short = float(f"{value:.5g}")
        return int(short) if short.is_integer() else short
    return int(value) if isinstance(value, np.integer) else value
