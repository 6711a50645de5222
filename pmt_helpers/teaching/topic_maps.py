"""The interactive map of topics: pyLDAvis, without network, for one model or several over the same documents.

Notebook 03. `ldavis_page.html` is the template of the page.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist, squareform

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.teaching.display import HtmlOutput
from pmt_helpers.teaching.figures.style import MODEL_COLOURS, PURPLE
from pmt_helpers.teaching.topic_tables import TokenAssignment, assign_all, comparison
from pmt_helpers.topics.personal import TopicModel, Topics

WORDS = 20  # bars of a topic
COMPARED = 8  # first words of which the sentence counts the new ones
LAMBDA_STEP = 0.05

_TEMPLATE = Path(__file__).with_name("ldavis_page.html")
# Width and height of the two arrangements of the page (side by side, one above the other): see ldavis_page.html.
WIDE, TALL = (1260, 790), (680, 1545)
_NARROW = 850  # pixels of the cell, below which letters side by side would be too small
_STYLE = (
    f".pmt-topic-map {{container-type: inline-size; max-width: {WIDE[0]}px}}"
    f" .pmt-topic-map iframe {{display: block; width: 100%; aspect-ratio: {WIDE[0]} / {WIDE[1]}; border: 0}}"
    f" @container (max-width: {_NARROW}px) {{.pmt-topic-map iframe"
    f" {{max-width: {TALL[0]}px; aspect-ratio: {TALL[0]} / {TALL[1]}}}}}"
)


def page(models: Sequence[dict[str, Any]]) -> str:
    """The page for models, each with name, colour and data (a prepared model as a dictionary)."""
    from pyLDAvis import urls

    # "</" would end the script, "<!--" hide what follows.
    data = json.dumps(list(models), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    parts = {
        "LDAVIS_CSS": Path(urls.LDAVIS_CSS_LOCAL).read_text(encoding="utf-8"),
        "D3": Path(urls.D3_LOCAL).read_text(encoding="utf-8"),
        "LDAVIS": patched(Path(urls.LDAVIS_LOCAL).read_text(encoding="utf-8")),
        "LAYOUTS": json.dumps({"wide": WIDE, "tall": TALL}),
        "MODELS": data,
    }
    template = _TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"/\*([A-Z0-9_]+)\*/", lambda name: parts[name[1]], template)


def patched(script: str) -> str:
    """LDAvis' script, patched: no links to the network, an axis that follows its bars, one scale for all models."""
    script = re.sub(r"""\.attr\("xlink:href", "https?://[^"]*"\)""", "", script)
    # The axis' class is misspelt: it kept the numbers of the first bars shown.
    script = script.replace('.attr("x", "xaxis")', '.attr("class", "xaxis")')
    # The map reaches as far as all models together, so that a topic which has moved is seen to have moved.
    script = script.replace("d3.extent(mdsData,", "d3.extent(data['corners'],")
    return re.sub(r"^\s+(//.*\n)?", "", script, flags=re.M)


class TopicMap(HtmlOutput):
    """A map to click (`page` is the document inside of the frame), and a sentence computed from the same models."""

    def __init__(self, page: str, sentence: str) -> None:
        self.page, self.sentence = page, sentence

    def __repr__(self) -> str:
        return self.sentence

    def to_html(self) -> str:
        """The page in a frame as wide as the cell. Where frames are not allowed, the sentence is read in its place."""
        content = self.page.replace("&", "&amp;").replace("'", "&#39;")  # all that a value in single quotes needs
        return (
            f'<style>{_STYLE}</style><div class="pmt-topic-map"><iframe title="Map of topics" sandbox="allow-scripts" '
            f"srcdoc='{content}'>{escape(self.sentence)} The map is drawn when this cell is run.</iframe></div>"
        )


def topic_map(models: Mapping[str, TopicModel | Topics], documents: DocumentData) -> TopicMap:
    """A map of the topics of each model ({"shared": shared, "personal": personal}), with buttons to change between.

    All read the same documents, stand on the same map, and keep their topics' numbers: the row of phi plus one. Topics
    close to each other have like words; a circle's area is the topic's share of the tokens, of which the bars are
    numbers. Raises ValueError for models that cannot be compared.
    """
    assigned = assign_all(models, documents)
    # Columns of the words in the documents, and of every topic's first ones, whether they occur there or not.
    first = [np.argsort(-model.phi, axis=1, kind="stable")[:, :WORDS].ravel() for model in assigned.values()]
    columns = np.unique(np.concatenate([documents.counts.indices, *first]))
    places = topic_places([model.phi[:, columns] for model in assigned.values()])
    corners = {"corners": _corners(places, max(model.shares.max() for model in assigned.values()))}
    drawn = []
    for (name, model), model_places in zip(assigned.items(), places, strict=True):
        data = _prepared(model, documents, columns, model_places)
        drawn.append({"name": name, "colour": MODEL_COLOURS.get(name, PURPLE), "data": _short(data | corners)})
    return TopicMap(page(drawn), comparison(assigned, COMPARED))


def topic_places(phis: Sequence[np.ndarray]) -> np.ndarray:
    """(n_models, n_topics, 2): all topics on one plane, by principal coordinates of their Jensen-Shannon divergences.

    What pyLDAvis calls pcoa, over several models at once. Its own solver takes the matrix for any matrix: it may return
    complex numbers, and either sign; here a symmetric one, and the largest number of an axis is positive.
    """
    divergences = np.nan_to_num(squareform(pdist(np.vstack(phis), "jensenshannon"))) ** 2  # NaN: two alike, by rounding
    centre = np.eye(len(divergences)) - 1 / len(divergences)
    values, vectors = np.linalg.eigh(-centre @ divergences**2 @ centre / 2)
    places = (vectors * np.sqrt(np.maximum(values, 0)))[:, :-3:-1]
    places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))  # a single topic has one axis
    furthest = places[np.abs(places).argmax(axis=0), [0, 1]]
    return (places * np.where(furthest < 0, -1, 1)).reshape(len(phis), -1, 2)


def _prepared(
    model: TokenAssignment, documents: DocumentData, columns: np.ndarray, places: np.ndarray
) -> dict[str, Any]:
    """What LDAvis draws: pyLDAvis' tables of these words (columns of phi), topics at their places."""
    import pandas as pd
    import pyLDAvis

    phi = model.phi[:, columns] / model.phi[:, columns].sum(axis=1, keepdims=True)
    lengths = documents.lengths
    # mds: the places are known. n_jobs=1: no worker processes. Word frequencies: pyLDAvis computes its own from these.
    prepared = pyLDAvis.prepare(
        phi,
        model.tokens / lengths[:, None],
        lengths,
        [model.vocabulary[word] for word in columns],
        np.ones(len(columns)),
        R=WORDS,
        lambda_step=LAMBDA_STEP,
        mds=lambda _: places,
        n_jobs=1,
        sort_topics=False,
        plot_opts={"xlab": "", "ylab": ""},
    )
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
