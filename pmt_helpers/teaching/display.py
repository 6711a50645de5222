"""Put one output with several formats below a cell; outside a notebook, print its text."""

from html import escape
from typing import Any


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

    def __init__(self, widget: Any, sentence: str) -> None:
        self.widget = widget
        self.sentence = sentence

    def __repr__(self) -> str:
        return self.sentence

    def _ipython_display_(self) -> None:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        publish({"application/vnd.jupyter.widget-view+json": view, **in_words(self.sentence)})
