"""The one look of every figure: white, readable at 600 pixels, in colours that colour-blind people tell apart.

Start with `new_figure`, `add_series` and `Figure`; the numbers in a sentence are formatted by the functions at the end.
"""

import math
from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from pmt_helpers.teaching.display import in_notebook, in_words, publish, say

# Okabe and Ito's colours. The three models own the first three, in every figure of the workbook.
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
PURPLE, SKY, VERMILION, INK, GREY = "#CC79A7", "#56B4E9", "#D55E00", "#333333", "#999999"
MODELS = ("shared", "local", "personal")
MODEL_COLOURS = dict(zip(MODELS, (BLUE, ORANGE, GREEN), strict=True))
MODEL_DASHES = dict(zip(MODELS, ("solid", "dash", "dashdot"), strict=True))
MODEL_SYMBOLS = dict(zip(MODELS, ("circle", "square", "diamond"), strict=True))
OTHERS = ((PURPLE, "triangle-up"), (INK, "x"), (SKY, "star"))  # series that are no model, in order of appearance
AXIS_COLOURS = {"x": PURPLE, "y": SKY, "z": INK}
PAPER_RANK = 2000  # the paper's series come last in the legend

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
        "xaxis": {**_AXIS, "tickangle": 0},
        "yaxis": _AXIS,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "yref": "container", "yanchor": "top"},
        "margin": {"l": 55, "r": 28, "b": 50},  # r: half of a tick label "100%", which plotly hides where it is cut
    }
)
TITLE_LINE = 30  # characters that fit a window of 480 pixels
LINE = 20  # pixels
PLAIN, WITH_LEGEND = 50, 85  # top margins: a title; a title and a legend of one line

PLOTLY = "application/vnd.plotly.v1+json"
DECIMALS = 4


class Figure:
    """A Plotly figure and one sentence computed from the same data: shown below it, and its alternative text.

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
        """Display the figure, then its sentence; outside a notebook, the sentence alone."""
        if in_notebook():
            publish(self.bundle())
        say(self.sentence)

    def _ipython_display_(self) -> None:
        self.show()

    def outputs(self) -> tuple[dict[str, Any], ...]:
        """What show() displays, for the `outputs` of an ipywidgets.Output.

        Setting them, rather than printing into the widget, replaces the figure in one go: no flicker, and no dependence
        on which cell is running.
        """
        formats = (self.bundle(), in_words(self.sentence))
        return tuple({"output_type": "display_data", "data": data, "metadata": {}} for data in formats)


def plain(value: Any) -> Any:
    """The same content as JSON that people and version control can read: lists, floats of four decimals, no NaN.

    Plotly packs arrays as base64 ("bdata"); they are unpacked here.
    """
    if isinstance(value, dict):
        if "bdata" in value:
            array = np.frombuffer(b64decode(value["bdata"]), dtype=np.dtype(value["dtype"]))
            shape = value.get("shape")
            return plain(array.reshape([int(n) for n in str(shape).split(",")]) if shape else array)
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating):
        return round(float(value), DECIMALS) + 0.0 if math.isfinite(value) else None  # -0.0 + 0.0 is 0.0
    if isinstance(value, np.integer):
        return int(value)
    return value


def need_columns(frame: pd.DataFrame, columns: Sequence[str], figure: str) -> None:
    """Raise ValueError when the frame lacks a column or has no row."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ValueError(f"{figure} needs the columns {', '.join(columns)}; {', '.join(missing)} not in {list(frame)}")
    if frame.empty:
        raise ValueError(f"{figure} needs at least one row; the frame is empty")


def models_in(frame: pd.DataFrame) -> list[str]:
    """The models that the column `model` holds, in the workbook's order."""
    return [model for model in MODELS if model in set(frame["model"])]


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


def model_style(name: str, place: int = 0) -> dict[str, Any]:
    """Line and marker of a model, the same everywhere; of another series, by its place among those of the figure."""
    colour, symbol = OTHERS[place % len(OTHERS)]
    colour = MODEL_COLOURS.get(name, colour)
    return {
        "line": {"color": colour, "dash": MODEL_DASHES.get(name, "dot"), "width": 2.5},
        "marker": {"color": colour, "symbol": MODEL_SYMBOLS.get(name, symbol), "size": 9},
    }


def series_style(colour: str, symbol: str, width: float = 2, size: float = 9) -> dict[str, Any]:
    """Line and marker of a series that is no model, such as one of OTHERS."""
    return {"line": {"color": colour, "width": width}, "marker": {"color": colour, "symbol": symbol, "size": size}}


def add_series(
    figure: go.Figure,
    x: Iterable[Any],
    y: Iterable[Any],
    name: str,
    style: dict[str, Any],
    hover: str = "%{y:.1%}",
    **options: Any,
) -> None:
    """Add a series: a line, markers or both, as `style` holds them.

    hover: what follows the series' name when the pointer is on it. options: of plotly's Scatter.
    """
    drawn = {"mode": "+".join({"line": "lines", "marker": "markers"}[part] for part in style)}
    if "hoverinfo" not in options:
        drawn["hovertemplate"] = f"{name}: {hover}<extra></extra>"
    figure.add_scatter(x=list(x), y=list(y), name=name, **style, **{**drawn, **options})


def add_bars(
    figure: go.Figure, y: Iterable[Any], x: Iterable[float], name: str, colour: str, hover: str, **options: Any
) -> None:
    """Add horizontal bars of one colour, with the names y and the lengths x."""
    hover = f"{hover}<extra></extra>"
    look = {"orientation": "h", "marker": {"color": colour}}
    figure.add_bar(y=list(y), x=list(x), name=name, hovertemplate=hover, **look, **options)


def faded(colour: str, opacity: float = 0.2) -> str:
    """A hex colour as rgba, for bands."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def darkened(colour: str) -> str:
    """A hex colour as darker rgb, for words beside what has this colour: sky blue on white is too faint to read."""
    return f"rgb({', '.join(str(round(0.7 * int(colour[i : i + 2], 16))) for i in (1, 3, 5))})"


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


def interval_bars(
    rows: pd.DataFrame, middle: str, low: str = "lower", high: str = "upper", scale: float = 1, **look: Any
) -> dict[str, Any] | None:
    """Error bars between two columns, for plotly's error_x or error_y; None where these columns are not known."""
    if not {low, high} <= set(rows.columns):
        return None
    middles, lows, highs = (scale * rows[column].astype(float) for column in (middle, low, high))
    ends = {"array": (highs - middles).tolist(), "arrayminus": (middles - lows).tolist()}
    return {"type": "data", "symmetric": False, **ends, "thickness": 1.5, "width": 5, **look}


def symmetric_bars(lengths: ArrayLike, **look: Any) -> dict[str, Any]:
    """Error bars as long on one side as on the other."""
    return {"type": "data", "array": np.asarray(lengths, float).tolist(), "thickness": 1.5, "width": 5, **look}


def accuracy_axis(figure: go.Figure, **options: Any) -> None:
    """The y axis of accuracies: in percent, from 0 to 1 unless `range` says otherwise."""
    figure.update_yaxes(**{"title_text": "accuracy", "tickformat": ".0%", "range": [0, 1], **options})


FEW, MANY = 2, 5  # powers of ten on an axis: up to FEW, 2 and 5 are marked too; above MANY, every other power only


def log_x_axis(figure: go.Figure, title: str, low: float, high: float, tick_name: Callable[[float], str]) -> None:
    """A log x axis from low to high; `tick_name` turns a tick into words."""
    first, last = math.log10(low), math.log10(high)
    pad = 0.06 * max(last - first, 1.0)
    powers = range(math.floor(first - pad), math.ceil(last + pad) + 1)
    if last - first <= FEW:
        ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    else:
        ticks = [10.0**power for power in powers if len(powers) <= MANY or power % 2 == 0]
    span = [first - pad, last + pad]
    figure.update_xaxes(title_text=title, type="log", range=span, tickvals=ticks, ticktext=list(map(tick_name, ticks)))


_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def percent(share: float) -> str:
    """0.714 -> "71%"."""
    return f"{100 * share:z.0f}%"


def duration(seconds: float) -> str:
    """0.0766 -> "77 ms": two digits."""
    size, unit = next(((size, unit) for size, unit in _SECONDS if abs(seconds) >= 0.995 * size), _SECONDS[-1])
    return f"{two_digits(seconds / size)} {unit}"


def joules(energy: float) -> str:
    """0.01 -> "10 mJ"."""
    return f"{two_digits(1000 * energy)} mJ" if energy < 0.1 else f"{two_digits(energy)} J"


def two_digits(value: float) -> str:
    """1234.5 -> "1,200", 0.0456 -> "0.046"."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 10 else f"{rounded:g}"


def sentences(texts: Iterable[str]) -> str:
    """Each text as a sentence of its own: short ones are easier to read than one long list."""
    return " ".join(f"{first_upper(text)}." for text in texts)


def first_upper(text: str) -> str:
    """The text as a sentence begins; unlike str.capitalize, names keep their capitals."""
    return text[:1].upper() + text[1:]
