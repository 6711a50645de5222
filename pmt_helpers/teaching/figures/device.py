"""Seconds by size, as the paper's Figures 7, 8a and 8b; each way of obtaining them is a series. Notebook 05, step 3."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pmt_helpers.device.fits import Line, fit_line
from pmt_helpers.teaching.figures.origins import PAPER, by_series, series_names, series_styles
from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.template import WITH_LEGEND, add_band, need_columns, new_figure
from pmt_helpers.teaching.figures.units import duration, first_upper

POINTS = 200  # of a series: where there are more, the median of each size is drawn; the line is fitted to all
STEPS = 25  # along a line
MICRO = 1e6  # figures are stored with four decimals: drawn in microseconds, each axis mark says its unit
BELOW = 30  # pixels from the plot down to the buttons, beside the axis title: a legend above moves only the plot's top
ROWS, ROW = 3, 26  # of the legend: from so many on each takes so many pixels more
SIZES = {
    "documents": ("n_documents", "documents", "a document"),
    "words": ("words_percent", "percent of the vocabulary", "a percent of the vocabulary"),
}
NO_UNIT = "The paper's axis of words has no unit; it is read as percent."


def seconds_by_samples(
    frame: pd.DataFrame, title: str = "Seconds by samples", what: str = "time to train", log_y: bool = True
) -> Figure:
    """Figure 7: seconds against training windows, a line and its interval for each origin.

    frame: origin, n_samples, seconds, and kernel where they differ, as `training_rows` makes it. log_y: how the axis
    starts; two buttons on the figure switch it.
    """
    need_columns(frame, ("origin", "n_samples", "seconds"), "seconds_by_samples")
    return _by_size(frame, "n_samples", ("training windows", "a window"), title, what, log_y)


def seconds_by_documents(
    frame: pd.DataFrame,
    by: str = "documents",
    title: str | None = None,
    what: str = "time of an iteration",
    log_y: bool = True,
) -> Figure:
    """Figures 8a (by="documents") and 8b (by="words"): seconds of an iteration, a line and its interval an origin.

    frame: origin, n_documents or words_percent, seconds, and kernel where they differ, as `device_rows.iteration_rows`
    makes it.
    """
    if by not in SIZES:
        raise ValueError(f"by is one of {', '.join(SIZES)}, not {by!r}")
    column, axis, each = SIZES[by]
    need_columns(frame, ("origin", column, "seconds"), "seconds_by_documents")
    figure = _by_size(frame, column, (axis, each), title or f"An iteration by {by}", what, log_y)
    if by == "words" and PAPER in set(frame["origin"]):
        figure.sentence += f" {NO_UNIT}"
    return figure


def _by_size(frame: pd.DataFrame, column: str, words: tuple[str, str], title: str, what: str, log_y: bool) -> Figure:
    axis, each = words
    frame = frame.dropna(subset=[column, "seconds"])
    need_columns(frame, (column,), title)
    series = by_series(frame)
    names, styles = series_names(list(series)), series_styles(list(series))
    figure = new_figure(title, 460 + ROW * max(0, len(series) - ROWS), WITH_LEGEND)
    texts = []
    for key, rows in series.items():
        line = fit_line(rows[column].to_numpy(), rows["seconds"].to_numpy()) if rows[column].nunique() > 2 else None
        if line is not None:
            _add_line(figure, rows[column], rows["seconds"], line, styles[key][0], names[key], each)
        _add_points(figure, rows, column, names[key], styles[key], axis)
        slope = f"{duration(line.slope)} (R² {_r2(line)})" if line else "too few sizes for a line"
        texts.append(f"{slope}, {names[key]}")
    figure.update_xaxes(title={"text": axis}, rangemode="tozero")
    figure.update_yaxes(title={"text": what})
    _add_switch(figure, pd.concat(list(series.values()))["seconds"], log_y)
    return Figure(figure, f"{first_upper(what)}, {each} more: {'; '.join(texts)}.")


def _add_line(figure: go.Figure, x: pd.Series, y: pd.Series, line: Line, colour: str, name: str, each: str) -> None:
    along = np.linspace(float(x.min()), float(x.max()), STEPS)
    floor = float(y[y > 0].min()) / 2  # a log axis has no zero, and a line may cross it at small sizes
    middle, lower, upper = (np.maximum(part, floor) for part in (line.at(along), *line.band(along)))
    ends = pd.DataFrame({"lower": _micro(lower), "upper": _micro(upper)})
    add_band(figure, along.tolist(), ends, colour, name)
    low, high = duration(line.slope_low), duration(line.slope_high)
    figure.add_scatter(
        x=along.tolist(),
        y=_micro(middle),
        mode="lines",
        line={"color": colour, "width": 2},
        name=name,
        legendgroup=name,
        showlegend=False,
        hovertemplate=f"{name}: {duration(line.slope)} {each} ({low} to {high})<extra></extra>",
    )


def _add_points(
    figure: go.Figure, rows: pd.DataFrame, column: str, name: str, style: tuple[str, str], axis: str
) -> None:
    many = len(rows) > POINTS
    shown = rows.groupby(column, as_index=False)["seconds"].median() if many else rows
    colour, symbol = style
    figure.add_scatter(
        x=shown[column].tolist(),
        y=_micro(shown["seconds"]),
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 5 if many else 9},
        name=name,
        legendgroup=name,
        customdata=[duration(value) for value in shown["seconds"]],
        hovertemplate=f"{name}: %{{customdata}}{', median' if many else ''}, %{{x:.3~g}} {axis}<extra></extra>",
    )


def _add_switch(figure: go.Figure, seconds: pd.Series, log_y: bool) -> None:
    """Two buttons for the kind of axis, below the plot."""
    low, high = (math.log10(end) for end in (seconds[seconds > 0].min(), seconds.max()))
    span = max(high - low, 1.0)
    powers = range(math.floor(low), math.ceil(high) + 1)
    step = _round_step(float(seconds.max()))
    marks = {"log": [10.0**power for power in powers], "linear": [step * place for place in range(7)]}
    ends = {
        "log": [math.log10(MICRO) + low - 0.05 * span, math.log10(MICRO) + high + 0.05 * span],
        "linear": [0, 1.05 * MICRO * float(seconds.max())],
    }
    axes = {
        kind: {
            "type": kind,
            "range": ends[kind],
            "tickvals": _micro(marks[kind]),
            "ticktext": [duration(mark) if mark else "0" for mark in marks[kind]],
        }
        for kind in marks
    }
    figure.update_yaxes(**axes["log" if log_y else "linear"])
    buttons = [
        {
            "label": kind,
            "method": "relayout",
            "args": [{f"yaxis.{name}": value for name, value in axis.items()}],
        }
        for kind, axis in axes.items()
    ]
    figure.update_layout(
        updatemenus=[
            {
                "type": "buttons",
                "direction": "right",
                "buttons": buttons,
                "active": 0 if log_y else 1,
                "x": 1,
                "xanchor": "right",
                "y": 0,
                "yanchor": "top",
                "pad": {"t": BELOW},
                "font": {"size": 12},
            }
        ]
    )


def _micro(seconds: Iterable[float]) -> list[float]:
    return [round(MICRO * value, 3) for value in seconds]


def _round_step(highest: float) -> float:
    """1, 2 or 5 times a power of ten, such that three to six of them reach the highest."""
    power = 10.0 ** math.floor(math.log10(highest / 3))
    return next((digit * power for digit in (5, 2) if digit * power <= highest / 3), power)


def _r2(line: Line) -> str:
    """To three digits, rounded down: 0.9996 is not 1."""
    return f"{math.floor(1000 * line.r2) / 1000:.3f}"
