"""One page with LDAvis in it, from what pyLDAvis' wheel ships, that asks the network for nothing. Notebook 03.

Stock pyLDAvis loads d3 from a CDN. Here d3, LDAvis and its style sheet are inside of the page, once for all models, and
the page inside of an <iframe srcdoc>, whose sandbox lets it run scripts and touch nothing of the notebook.
"""

import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

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
        "LDAVIS_CSS": _read(urls.LDAVIS_CSS_LOCAL),
        "D3": _read(urls.D3_LOCAL),
        "LDAVIS": mended(_read(urls.LDAVIS_LOCAL)),
        "LAYOUTS": json.dumps({"wide": WIDE, "tall": TALL}),
        "MODELS": data,
    }
    template = _TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"/\*([A-Z0-9_]+)\*/", lambda found: parts[found[1]], template)


def mended(script: str) -> str:
    """LDAvis' script without what does not suit: links to the network, an axis that stays, a scale for each model."""
    script = re.sub(r"""\.attr\("xlink:href", "https?://[^"]*"\)""", "", script)
    # The axis' class is misspelt, so that it kept the numbers of the first bars shown.
    script = script.replace('.attr("x", "xaxis")', '.attr("class", "xaxis")')
    # The map reaches as far as all models together, so that a topic which has moved is seen to have moved.
    script = script.replace("d3.extent(mdsData,", "d3.extent(data['corners'],")
    return re.sub(r"^\s+(//.*\n)?", "", script, flags=re.M)


def framed(page: str, sentence: str) -> str:
    """The page in a frame as wide as the cell. Where frames are not allowed, the sentence is read in its place."""
    content = page.replace("&", "&amp;").replace("'", "&#39;")  # all that a value in single quotes needs
    return (
        f'<style>{_STYLE}</style><div class="pmt-topic-map"><iframe title="Map of topics" sandbox="allow-scripts" '
        f"srcdoc='{content}'>{escape(sentence)} The map is drawn when this cell is run.</iframe></div>"
    )


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")
