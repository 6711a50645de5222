"""Put one output with several formats below a cell; outside a notebook, print its text."""

import json
import os
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

PAGE = "application/vnd.pmt.page"  # a format of an output: its HTML on a page without a kernel


def in_notebook() -> bool:
    """Whether a kernel runs this: only there can more than text be shown."""
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


def publish(bundle: dict[str, Any]) -> None:
    """Display a bundle of formats (MIME type -> content) as one output. It must hold "text/plain"."""
    if in_notebook():
        from IPython.display import display

        display(bundle, raw=True)
    else:
        print(bundle["text/plain"])


def in_words(text: str) -> dict[str, str]:
    """The text in two formats: plain, which JupyterLab breaks inside words, and HTML, which it breaks between them.

    HTML rather than Markdown: "1. ", "_" and "*" need no escape. A dollar sign or \\( begins no formula.
    """
    html = escape(text, quote=False).replace("\n", "<br>")
    for sign in "$\\":
        html = html.replace(sign, f"<span>{sign}</span>")
    return {"text/plain": text, "text/html": f"<p>{html}</p>"}


def on_page(html: Callable[[], str]) -> dict[str, str]:
    """The output's HTML for a page without a kernel, as one more format; nothing unless `run` makes pages."""
    return {PAGE: html()} if os.environ.get("PMT_PAGES") else {}


def frames_html(frames: Sequence[dict[str, Any]], control: str = "") -> str:
    """A place where page.html draws the frames: Plotly figures with their sentence, the first or the one chosen.

    frames: each {"figure": ..., "sentence": ..., "label": ...}; control: what stands above, the slider
    """
    content = json.dumps(frames, ensure_ascii=False).replace("<", "\\u003c")
    height = max(frame["figure"].get("layout", {}).get("height") or 450 for frame in frames)
    return (
        f'<div class="pmt-frames">{control}<div class="scroll"><div class="pmt-figure" role="img" '
        f'style="height: {height}px"></div></div><script type="application/json">{content}</script></div>'
    )


def say(*sentences: str) -> None:
    """Show the sentences as one paragraph; empty ones are left out."""
    publish(in_words(" ".join(text for sentence in sentences if (text := str(sentence).strip()))))


class HtmlOutput:
    """What has a text (its repr) and HTML; the last expression of a cell displays both as one output."""

    def to_html(self) -> str:
        raise NotImplementedError

    def _ipython_display_(self) -> None:
        publish({"text/plain": repr(self), "text/html": self.to_html()})


class Shown:
    """A widget and the sentence that stands in its place where no widget can be drawn (a stored copy, a terminal).

    The last expression of a cell displays it: one output, widget and sentence together.
    """

    def __init__(self, widget: Any, sentence: str, page: Callable[[], str] | None = None) -> None:
        self.widget = widget
        self.sentence = sentence
        self.page = page  # makes the HTML that does the widget's work where there is no kernel

    def __repr__(self) -> str:
        return self.sentence

    def _ipython_display_(self) -> None:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        page = on_page(self.page) if self.page else {}
        publish({"application/vnd.jupyter.widget-view+json": view, **in_words(self.sentence), **page})
