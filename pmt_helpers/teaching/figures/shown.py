"""A figure together with the sentence that says what it shows."""

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go

from pmt_helpers.teaching.display import publish

PLOTLY = "application/vnd.plotly.v1+json"
DECIMALS = 4


class Figure:
    """A Plotly figure and one sentence computed from the same data: printed below it, and its alternative text.

    The last expression of a cell shows itself; anywhere else, call show().
    """

    def __init__(self, plotly: go.Figure, sentence: str) -> None:
        self.plotly = plotly
        self.sentence = sentence

    def __repr__(self) -> str:
        return self.sentence

    def bundle(self) -> dict[str, Any]:
        """The formats of the one output: plain JSON for Plotly, and the sentence."""
        content = plain(self.plotly.to_plotly_json())
        # The mode bar would cover the title. Not "responsive": JupyterLab itself follows the window's width, and with
        # both a window made taller or lower leaves every figure without height.
        content["config"] = {"displayModeBar": False}
        return {PLOTLY: content, "text/plain": self.sentence}

    def show(self) -> None:
        """Display the figure, then print its sentence."""
        publish(self.bundle())
        print(self.sentence)

    def _ipython_display_(self) -> None:
        self.show()


def plain(value: Any) -> Any:
    """The same content as JSON that people and version control can read: lists, floats of four decimals, no NaN.

    Plotly packs arrays as base64 ("bdata"); they are unpacked here.
    """
    if isinstance(value, dict):
        if "bdata" in value:
            return plain(_unpacked(value))
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating):
        return round(float(value), DECIMALS) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value


def _unpacked(packed: dict[str, Any]) -> np.ndarray:
    from base64 import b64decode

    array = np.frombuffer(b64decode(packed["bdata"]), dtype=np.dtype(packed["dtype"]))
    shape = packed.get("shape")
    return array.reshape([int(n) for n in str(shape).split(",")]) if shape else array
