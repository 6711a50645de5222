"""A web page of an executed notebook that needs no network: no CDN script, figures drawn by an embedded plotly.js.

nbconvert's own page fetches require.js, jQuery, MathJax and Mermaid from CDNs, and shows a Plotly figure only with
their help. Left out here; formulas therefore stand as they are written, in LaTeX.
"""

import copy
import html
import json
from pathlib import Path

from jinja2 import DictLoader
from nbconvert import HTMLExporter
from nbformat.notebooknode import NotebookNode

from pmt_helpers.datasets.files import atomic_path
from pmt_helpers.teaching.notebook_files import PLOTLY
from pmt_helpers.teaching.notebook_png import HEIGHT, plotly_outputs

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
        template_file="offline.html.j2",
        extra_loaders=[DictLoader({"offline.html.j2": _TEMPLATE})],
        sanitize_html=False,
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
    content = json.dumps({**figure, "config": {"responsive": True}}).replace("</", "<\\/")
    sentence = html.escape("".join(output.data.get("text/plain", "")).strip(), quote=True)
    output.data["text/html"] = (
        f'<div id="{place}" style="height: {height}px" role="img" aria-label="{sentence}"></div>'
        f'<script>Plotly.newPlot(document.getElementById("{place}"), {content});</script>'
    )
    return place
