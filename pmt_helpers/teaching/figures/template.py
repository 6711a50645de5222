"""The one look of every figure: white, readable at 600 pixels, in colours that colour-blind people tell apart."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

# Okabe and Ito's colours. The three models own the first three, in every figure of the workbook.
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
PURPLE, SKY, VERMILION, INK, GREY = "#CC79A7", "#56B4E9", "#D55E00", "#333333", "#999999"

MODELS = ("shared", "local", "personal")
MODEL_COLOURS = dict(zip(MODELS, (BLUE, ORANGE, GREEN), strict=True))
MODEL_DASHES = dict(zip(MODELS, ("solid", "dash", "dashdot"), strict=True))
MODEL_SYMBOLS = dict(zip(MODELS, ("circle", "square", "diamond"), strict=True))
OTHERS = ((PURPLE, "triangle-up"), (INK, "x"), (SKY, "star"))  # series that are no model, in order of appearance
AXIS_COLOURS = {"x": PURPLE, "y": SKY, "z": INK}

_AXIS = {
    "showgrid": True,
    "gridcolor": "#E3E3E3",
    "zeroline": False,
    "linecolor": INK,
    "ticks": "outside",
    "tickcolor": INK,
    "automargin": True,
    "title": {"standoff": 8, "font": {"size": 14}},
    "ticklabelstandoff": 2,
}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "Helvetica, Arial, sans-serif", "size": 14, "color": INK},
        "title": {"x": 0, "xref": "paper", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "colorway": [BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, INK],
        "hovermode": "closest",
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "yref": "container", "yanchor": "top"},
        "margin": {"l": 55, "r": 20, "b": 50},
    }
)

TITLE_LINE = 30  # characters that fit a window of 480 pixels
LINE = 20  # pixels
PLAIN, WITH_LEGEND = 50, 85  # top margins: a title; a title and a legend of one line


def new_figure(title: str, height: int, top: int = PLAIN) -> go.Figure:
    """An empty figure in the workbook's look; it takes the width it is given."""
    return dress(go.Figure(), title, height, top)


def dress(figure: go.Figure, title: str, height: int, top: int = PLAIN) -> go.Figure:
    """Give a figure (of make_subplots) the workbook's look.

    `top` is the room above the plot. A long title is broken, and everything below it moves down: it meets neither the
    legend nor the edge, however narrow the window.
    """
    lines = wrap(title, TITLE_LINE)
    extra = LINE * (len(lines) - 1)
    pad = 12 if extra == 0 else 23  # plotly hangs a title of several lines half a line higher
    figure.update_layout(
        template=TEMPLATE,
        height=height + extra,
        title={"text": "<br>".join(lines), "font": {"size": 16}, "pad": {"t": pad}},
        legend={"y": 1 - (36 + extra) / (height + extra)},
        margin={"t": top + extra},
    )
    return figure


def faded(colour: str, opacity: float = 0.2) -> str:
    """A hex colour as rgba, for bands."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def add_band(figure: go.Figure, x: Sequence[Any], rows: pd.DataFrame, colour: str, group: str) -> None:
    """Shade from `lower` to `upper` of the rows, behind the line of the same legend group; nothing where unknown."""
    if not {"lower", "upper"} <= set(rows.columns) or rows[["lower", "upper"]].isna().to_numpy().any():
        return
    figure.add_scatter(
        x=[*x, *x[::-1]],
        y=rows["upper"].tolist() + rows["lower"].tolist()[::-1],
        mode="lines",
        fill="toself",
        fillcolor=faded(colour),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        legendgroup=group,
    )


def model_style(name: str, place: int = 0) -> dict[str, Any]:
    """Line and marker of a model, the same everywhere; of another series, by its place among those of the figure."""
    colour, symbol = OTHERS[place % len(OTHERS)]
    colour = MODEL_COLOURS.get(name, colour)
    return {
        "line": {"color": colour, "dash": MODEL_DASHES.get(name, "dot"), "width": 2.5},
        "marker": {"color": colour, "symbol": MODEL_SYMBOLS.get(name, symbol), "size": 9},
    }


def error_bars(
    middle: ArrayLike, low: ArrayLike, high: ArrayLike, thickness: float = 1.5, width: float = 5, **more: Any
) -> dict[str, Any]:
    """Error bars from low to high about the middle: what plotly takes as error_x or error_y."""
    middle, low, high = (np.asarray(values, float) for values in (middle, low, high))
    ends = {"array": (high - middle).tolist(), "arrayminus": (middle - low).tolist()}
    return {"type": "data", "symmetric": False, **ends, "thickness": thickness, "width": width, **more}


def need_columns(frame: pd.DataFrame, columns: Sequence[str], figure: str) -> None:
    """Raise ValueError when the frame lacks a column or has no row."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ValueError(f"{figure} needs the columns {', '.join(columns)}; {', '.join(missing)} not in {list(frame)}")
    if frame.empty:
        raise ValueError(f"{figure} needs at least one row; the frame is empty")


def percent(share: float) -> str:
    """0.714 -> "71%"."""
    return f"{100 * share:.0f}%"
