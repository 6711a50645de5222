"""Put one output with several formats below a cell; outside a notebook, print its text."""

from typing import Any


def publish(bundle: dict[str, Any]) -> None:
    """Display a bundle of formats (MIME type -> content) as one output. It must hold "text/plain"."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import display

    if InteractiveShell.initialized():
        display(bundle, raw=True)
    else:
        print(bundle["text/plain"])


def say(*sentences: str) -> None:
    """Print the sentences as one paragraph; empty ones are left out."""
    print(" ".join(text for sentence in sentences if (text := str(sentence).strip())))


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
        publish({"application/vnd.jupyter.widget-view+json": view, "text/plain": self.sentence})
