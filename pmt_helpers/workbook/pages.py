"""A web page of an executed notebook that needs no network: no CDN script, figures drawn by an embedded plotly.js.

nbconvert's own page fetches require.js, jQuery, MathJax and Mermaid from CDNs, and shows a Plotly figure only with
their help. Left out here; formulas therefore stand as they are written, in LaTeX.
"""

import asyncio
import base64
import copy
import html
import io
import json
from collections.abc import Iterator
from pathlib import Path

from jinja2 import DictLoader
from nbconvert import HTMLExporter
from nbformat.notebooknode import NotebookNode

from pmt_helpers.datasets.files import atomic_path
from pmt_helpers.workbook.files import PLOTLY, NotebookError

WIDTH, HEIGHT = 480, 450  # JupyterLab shows a picture as it is: wider, a window of 600 pixels would cut it
COLOURS = 64  # in a picture: enough for a few lines, bands and their edges, and a third of the size
_SECONDS = 90


def plotly_outputs(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """Every output of the notebook that holds a Plotly figure."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if PLOTLY in output.get("data", {}):
                yield output


def add_pictures(notebook: NotebookNode, earlier: NotebookNode | None, render: bool = True) -> int:
    """Give each Plotly output an `image/png` and its sentence as alternative text; returns how many were drawn.

    A figure that has not changed since `earlier` keeps its picture. With render=False nothing new is drawn.
    """
    known = {
        _key(output): output.data["image/png"]
        for output in plotly_outputs(earlier or NotebookNode(cells=[]))
        if "image/png" in output.data
    }
    missing = []
    for output in plotly_outputs(notebook):
        if (picture := known.get(_key(output))) is not None:
            _attach(output, picture)
        elif render:
            missing.append(output)
    if missing:
        drawn = asyncio.run(_draw([output.data[PLOTLY] for output in missing]))
        for output, png in zip(missing, drawn, strict=True):
            _attach(output, base64.b64encode(smaller(png)).decode())
    return len(missing)


def smaller(png: bytes) -> bytes:
    """The same picture with few colours, of a third of the size."""
    from PIL import Image  # a development requirement, as kaleido is

    with Image.open(io.BytesIO(png)) as picture, io.BytesIO() as file:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        return file.getvalue()


def _key(output: NotebookNode) -> str:
    return json.dumps(output.data[PLOTLY], sort_keys=True)


def _attach(output: NotebookNode, picture: str) -> None:
    output.data["image/png"] = picture
    sentence = "".join(output.data.get("text/plain", "")).strip()
    output.metadata["image/png"] = {"alt": sentence, "width": WIDTH}


async def _draw(figures: list[dict]) -> list[bytes]:
    import kaleido  # a development requirement: only who builds notebooks needs it
    from choreographer.errors import ChromeNotFoundError

    try:
        # mathjax=False: kaleido would fetch it from a CDN. One browser serves all figures.
        async with kaleido.Kaleido(n=1, mathjax=False, timeout=_SECONDS) as browser:
            drawn = []
            for figure in figures:
                bare = {"data": figure["data"], "layout": figure.get("layout", {})}
                size = {"width": WIDTH, "height": int(bare["layout"].get("height") or HEIGHT), "scale": 1}
                drawn.append(await browser.calc_fig(bare, opts={"format": "png", **size}))
            return drawn
    except ChromeNotFoundError:
        raise NotebookError(
            "No Chromium or Chrome found to draw the figures' pictures with. Install one (Debian: apt-get install "
            "chromium), or set BROWSER_PATH to it, or build with --no-png."
        ) from None


_TEMPLATE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
"""


def page(notebook: NotebookNode, title: str) -> str:
    """The notebook as one HTML file. About 5 MB with figures (plotly.js, once), 0.4 MB without."""
    notebook = copy.deepcopy(notebook)
    notebook.metadata["title"] = title
    figures = [_as_html(output, number) for number, output in enumerate(plotly_outputs(notebook))]
    exporter = HTMLExporter(
        template_file="offline.html.j2", extra_loaders=[DictLoader({"offline.html.j2": _TEMPLATE})], sanitize_html=False
    )
    body, _ = exporter.from_notebook_node(notebook)
    if not figures:
        return body
    from plotly.offline import get_plotlyjs

    head, rest = body.split("</head>", 1)
    return f"{head}<script>{get_plotlyjs()}</script></head>{rest}"


def write_page(notebook: NotebookNode, path: Path) -> None:
    """Write the page beside the notebook."""
    with atomic_path(path) as temporary:
        temporary.write_text(page(notebook, path.stem), encoding="utf-8", newline="\n")


def _as_html(output: NotebookNode, number: int) -> str:
    """Give a Plotly output the HTML that draws it; returns the id of its place."""
    figure = output.data[PLOTLY]
    place = f"figure-{number}"
    height = figure.get("layout", {}).get("height") or HEIGHT
    content = json.dumps({**figure, "config": {"responsive": True}}).replace("<", "\\u003c")
    sentence = html.escape("".join(output.data.get("text/plain", "")).strip(), quote=True)
    output.data["text/html"] = (
        f'<div id="{place}" style="height: {height}px" role="img" aria-label="{sentence}"></div>'
        f'<script>Plotly.newPlot(document.getElementById("{place}"), {content});</script>'
    )
    return place
