"""What a device needs: seconds by size (the paper's Figures 7, 8a, 8b), memory, latency, energy. Notebook 06.

Each way of obtaining numbers is a series of its own; see device_series.
"""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pmt_helpers.device.fits import SMALL_MB, Line, fit_line
from pmt_helpers.teaching.figures import style
from pmt_helpers.teaching.figures.device_series import (
    MEMORY_ONLY,
    PAPER,
    Key,
    by_series,
    in_order,
    kernel_name,
    kernels_of,
    obtained,
    of_one_origin,
    series_names,
    series_styles,
    with_origin,
    within_colours,
)
from pmt_helpers.teaching.figures.style import Figure, duration, joules, need_columns, percent, two_digits

PARTS = {"setup": "set-up", "interpreter": "interpreter", "arithmetic": "arithmetic"}
MILLISECONDS = (1.0, 1000.0)  # what "milliseconds" can mean: the paper gives no number
PUBLISHED = "predicted from published measurements"
SIZES = {
    "documents": ("n_documents", "documents", "document"),
    "words": ("words_percent", "percent of the vocabulary", "percent of the vocabulary"),
}
NO_UNIT = "The paper gives its number of words no unit: we read it as percent."
POINTS = 200  # of a series: where there are more, the median of each size is drawn; the line is fitted to all
STEPS = 25  # along a line
MICRO = 1e6  # figures are stored with four decimals: drawn in microseconds, each axis mark says its unit
BELOW = 52  # pixels from the plot down to the buttons, below the axis title: a legend above moves only the plot's top
ROWS, ROW = 3, 26  # of the legend: each row above ROWS takes ROW pixels more


def seconds_by_samples(frame: pd.DataFrame, log_y: bool = True) -> Figure:
    """Figure 7: seconds against training windows, a line and its interval for each origin.

    frame: origin, n_samples, seconds, and kernel where they differ, as `training_rows` makes it. log_y: how the axis
    starts; two buttons on the figure switch it.
    """
    need_columns(frame, ("origin", "n_samples", "seconds"), "seconds_by_samples")
    figure, slopes = _by_size(frame, "n_samples", "training windows", "window", "Seconds by samples", log_y)
    figure.update_yaxes(title_text="time of a training")
    return Figure(figure, f"Time that one more window adds to the training. {slopes}")


def seconds_by_documents(frame: pd.DataFrame, by: str = "documents") -> Figure:
    """Figures 8a (by="documents") and 8b (by="words"): seconds of an iteration, a line and its interval per origin.

    frame: origin, n_documents or words_percent, seconds, and kernel where they differ, as `iteration_rows` makes it.
    """
    if by not in SIZES:
        raise ValueError(f"by is one of {', '.join(SIZES)}, not {by!r}")
    column, axis, unit = SIZES[by]
    need_columns(frame, ("origin", column, "seconds"), "seconds_by_documents")
    figure, slopes = _by_size(frame, column, axis, unit, f"An iteration, by {by}")
    figure.update_yaxes(title_text="time of an iteration")
    note = f" {NO_UNIT}" if by == "words" and PAPER in set(frame["origin"]) else ""
    return Figure(figure, f"Time that one more {unit} adds to an iteration. {slopes}{note}")


def _by_size(
    frame: pd.DataFrame, column: str, axis: str, unit: str, title: str, log_y: bool = True
) -> tuple[go.Figure, str]:
    """Points and a fitted line for each series, and the slopes in words. unit: one more of a size."""
    frame = frame.dropna(subset=[column, "seconds"])
    need_columns(frame, (column,), title)
    series, left_out = within_colours(by_series(frame))
    names, styles = series_names(series), series_styles(series)
    figure = style.new_figure(title, 490 + ROW * max(0, len(series) - ROWS), style.WITH_LEGEND)
    texts = []
    for key, rows in series.items():
        name, (colour, symbol) = names[key], styles[key]
        slope = "too few sizes for a line"
        if rows[column].nunique() > 2:
            line = fit_line(rows[column].to_numpy(), rows["seconds"].to_numpy())
            _add_line(figure, rows[column], rows["seconds"], line, colour, name, unit)
            # R2 to three digits, rounded down: 0.9996 is not 1. Of times that are all the same there is none.
            r2 = "" if math.isnan(line.r2) else f" (R² {math.floor(1000 * line.r2) / 1000:.3f})"
            slope = f"{duration(line.slope)}{r2}"
        texts.append(f"{name}: {slope}")
        many = len(rows) > POINTS
        points = rows.groupby(column, as_index=False)["seconds"].median() if many else rows
        x, y, written = points[column], _micro(points["seconds"]), list(map(duration, points["seconds"]))
        look = {"marker": {"color": colour, "symbol": symbol, "size": 5 if many else 9}}
        hover = f"%{{customdata}}{', median' if many else ''}, %{{x:.3~g}} {axis}"
        style.add_series(figure, x, y, name, look, hover, legendgroup=name, customdata=written)
    figure.update_xaxes(title_text=axis, rangemode="tozero")
    _add_log_switch(figure, frame["seconds"], log_y)
    return figure, f"{style.sentences(texts)}{left_out}"


def _add_line(figure: go.Figure, x: pd.Series, y: pd.Series, line: Line, colour: str, name: str, unit: str) -> None:
    along = np.linspace(float(x.min()), float(x.max()), STEPS)
    floor = float(y[y > 0].min()) / 2  # a log axis has no zero, and a line may cross it at small sizes
    middle, lower, upper = (np.maximum(part, floor) for part in (line.at(along), *line.band(along)))
    band = pd.DataFrame({"lower": _micro(lower), "upper": _micro(upper)})
    style.add_band(figure, along.tolist(), band, colour, name)
    look = {"line": {"color": colour, "width": 2}}
    hover = f"{duration(line.slope)} per {unit} ({duration(line.slope_low)} to {duration(line.slope_high)})"
    style.add_series(figure, along, _micro(middle), name, look, hover, legendgroup=name, showlegend=False)


def _add_log_switch(figure: go.Figure, seconds: pd.Series, log_y: bool) -> None:
    """Two buttons below the plot: a log y axis, or a linear one."""
    low, high = (math.log10(end) for end in (seconds[seconds > 0].min(), seconds.max()))
    pad = 0.05 * max(high - low, 1.0)
    # 1, 2 or 5 times a power of ten, such that three to six of them reach the highest
    third = float(seconds.max()) / 3
    power = 10.0 ** math.floor(math.log10(third))
    step = next((digit * power for digit in (5, 2) if digit * power <= third), power)
    marks = {
        "log": [10.0**power for power in range(math.floor(low), math.ceil(high) + 1)],
        "linear": [step * place for place in range(7)],
    }
    ends = {
        "log": [math.log10(MICRO) + low - pad, math.log10(MICRO) + high + pad],
        "linear": [0, 1.05 * MICRO * float(seconds.max())],
    }
    axes, buttons = {}, []
    for kind in marks:
        words = [duration(mark) if mark else "0" for mark in marks[kind]]
        axes[kind] = {"type": kind, "range": ends[kind], "tickvals": _micro(marks[kind]), "ticktext": words}
        changes = {f"yaxis.{name}": value for name, value in axes[kind].items()}
        buttons.append({"label": kind, "method": "relayout", "args": [changes]})
    figure.update_yaxes(**axes["log" if log_y else "linear"])
    place = {"x": 1, "xanchor": "right", "y": 0, "yanchor": "top", "pad": {"t": BELOW}, "font": {"size": 12}}
    menu = {"type": "buttons", "direction": "right", "buttons": buttons, "active": 0 if log_y else 1, **place}
    figure.update_layout(updatemenus=[menu], margin={"b": BELOW + 32})


def _micro(seconds: Iterable[float]) -> list[float]:
    return [round(MICRO * value, 3) for value in seconds]


def where_time_goes(frame: pd.DataFrame) -> Figure:
    """A bar per kernel: setting up, the interpreter, and the arithmetic that had to be done, for the same updates.

    frame: kernel, setup, interpreter, arithmetic (seconds); origin and updates, of which there must be one.
    """
    need_columns(frame, ("kernel", "origin", "updates", *PARTS), "where_time_goes")
    if frame["updates"].nunique() > 1:
        raise ValueError(
            "where_time_goes compares kernels that did the same work: give rows with one number of updates"
        )
    origin = of_one_origin(frame, "where_time_goes")
    frame = in_order(frame)
    parts = frame[list(PARTS)].astype(float).reset_index(drop=True)
    totals = parts.sum(axis=1)
    names = [kernel_name(str(kernel)) for kernel in frame["kernel"]]
    with_totals = [f"{name}, {duration(total)}" for name, total in zip(names, totals, strict=True)]
    figure = style.new_figure("Where the time goes", 170 + 50 * len(frame), style.WITH_LEGEND)
    seconds = f"seconds for {int(frame['updates'].iloc[0]):,} steps"
    for place, (part, label) in enumerate(PARTS.items()):
        amounts = [duration(value) for value in parts[part]]
        style.add_bars(
            figure, names, parts[part], label, style.OTHERS[place][0], f"{label}: %{{customdata}}", customdata=amounts
        )
    figure.update_layout(barmode="stack", bargap=0.35, legend={"traceorder": "normal"})
    figure.update_xaxes(title_text=with_origin(seconds, origin), range=[0, 1.05 * float(totals.max())])
    figure.update_yaxes(autorange="reversed")
    shares = parts.div(totals, axis=0).to_dict("records")
    texts = [
        f"{text}: {', '.join(f'{label} {percent(row[part])}' for part, label in PARTS.items())}"
        for text, row in zip(with_totals, shares, strict=True)
    ]
    return Figure(figure, f"Shares of the time, {origin}. {style.sentences(texts)}")


def memory_by_kernel(frame: pd.DataFrame) -> Figure:
    """Peak resident memory, a bar per kernel and origin, and the memory of a small board as a line.

    frame: origin, kernel, peak_mb. Of several tasks, draw one.
    """
    need_columns(frame, ("origin", "kernel", "peak_mb"), "memory_by_kernel")
    which = ["origin", "kernel", *(["machine"] if "machine" in frame else [])]
    rows = frame.astype(dict.fromkeys(which, str)).groupby(which)["peak_mb"].max().reset_index()
    rows["what"] = rows.pop("kernel").map(kernel_name)  # kernels are the axis here: a series is an origin
    order = rows.groupby("what")["peak_mb"].max().sort_values().index.tolist()
    series, left_out = within_colours(by_series(rows))
    names, styles = series_names(series), series_styles(series)
    figure = style.new_figure(
        "What fits into the memory", 190 + (30 + 18 * len(series)) * len(order), style.WITH_LEGEND
    )
    texts = []
    for key, bars in series.items():
        hover = f"%{{y}}, {names[key]}: %{{x:.0f}} MB"
        style.add_bars(figure, bars["what"], bars["peak_mb"], names[key], styles[key][0], hover)
        listed = ", ".join(
            f"{row['what']} {row['peak_mb']:.0f} MB{' (too much)' if row['peak_mb'] > SMALL_MB else ''}"
            for row in bars.sort_values("peak_mb").to_dict("records")
        )
        texts.append(f"{names[key]}: {listed}")
    figure.add_vline(x=SMALL_MB, line={"color": style.VERMILION, "dash": "dash", "width": 2})
    look = {"yanchor": "bottom", "xanchor": "right", "font": {"color": style.VERMILION}, "showarrow": False}
    figure.add_annotation(x=SMALL_MB, y=0, yref="paper", text=f"{SMALL_MB} MB ", **look)
    figure.update_xaxes(title_text="peak memory, MB", range=[0, 1.08 * max(SMALL_MB, float(rows["peak_mb"].max()))])
    figure.update_yaxes(categoryorder="array", categoryarray=order)
    figure.update_layout(bargap=0.3)
    return Figure(figure, f"Peak memory; a small board has {SMALL_MB} MB. {style.sentences(texts)}{left_out}")


def latency(frame: pd.DataFrame) -> Figure:
    """Time of a single prediction: a mark at the median, a whisker up to the 99th percentile; log axis.

    frame: origin, kernel, latency_ms_median, latency_ms_p99; rows without, and logs of a memory limit, are left out.
    The band is the paper's "milliseconds". Drawn in microseconds: figures are stored with four decimals.
    """
    columns = ("latency_ms_median", "latency_ms_p99")
    need_columns(frame, ("origin", "kernel", *columns), "latency")
    rows = frame[~frame["origin"].isin(MEMORY_ONLY)].dropna(subset=list(columns))
    need_columns(rows, columns, "latency")
    rows = in_order(rows).rename(columns=dict(zip(columns, ("median", "p99"), strict=True)))
    rows["what"] = rows.pop("kernel").astype(str).map(kernel_name)  # kernels are the axis here: a series is an origin
    order = list(dict.fromkeys(rows["what"]))
    series, left_out = within_colours(by_series(rows))
    names, styles = series_names(series), series_styles(series)
    figure = style.new_figure("Time to classify one window", 230 + 50 * len(order), style.WITH_LEGEND)
    figure.add_vrect(
        *(1000 * end for end in MILLISECONDS), fillcolor=style.faded(style.GREY, 0.25), line_width=0, layer="below"
    )
    look = {"color": style.faded(style.GREY, 0.4), "symbol": "square", "size": 14}
    in_legend = {"name": "“milliseconds”, the paper's word", "legendrank": style.PAPER_RANK}
    figure.add_scatter(x=[None], y=[None], mode="markers", marker=look, **in_legend)
    texts = []
    for place, (key, points) in enumerate(series.items()):
        colour, symbol = styles[key]
        shift = 0.25 * (place - (len(series) - 1) / 2)
        medians, tails = ([duration(value / 1000) for value in points[column]] for column in ("median", "p99"))
        both = [f"{median} and {tail}" for median, tail in zip(medians, tails, strict=True)]
        x, y = 1000 * points["median"], [order.index(what) + shift for what in points["what"]]
        look = {"marker": {"color": colour, "symbol": symbol, "size": 10}}
        bars = style.interval_bars(points, "median", "median", "p99", scale=1000, thickness=2, width=6)
        style.add_series(figure, x, y, names[key], look, "%{customdata}", error_x=bars, customdata=both)
        texts.append(f"{names[key]}: {', '.join(map(' '.join, zip(points['what'], both, strict=True)))}")
    ends = [1000 * value for value in (*rows["median"], *rows["p99"], *MILLISECONDS)]
    axis = with_origin("one prediction", "median, and whisker to the 99th percentile")
    style.log_x_axis(figure, axis, min(ends), max(ends), lambda micro: duration(micro / 1e6))
    figure.update_yaxes(tickvals=list(range(len(order))), ticktext=order, range=[len(order) - 0.4, -0.6])
    return Figure(figure, f"Median and 99th percentile of one prediction. {style.sentences(texts)}{left_out}")


def predicted_and_measured(rows: pd.DataFrame, title: str = "Predicted, then recorded") -> Figure:
    """Seconds on each device on a log axis: the predictions with their bands, and what was recorded, where it was.

    rows: device, origin, seconds, and low and high, which only predictions have; kernel where they differ. Drawn in
    milliseconds: figures are stored with four decimals.
    """
    need_columns(rows, ("device", "origin", "seconds", "low", "high"), "predicted_and_measured")
    devices = list(dict.fromkeys(rows["device"]))
    series = dict(sorted(by_series(rows).items(), key=lambda item: item[0][0] != "predicted"))  # recorded on top
    names, styles = series_names(series), series_styles(series)
    figure = style.new_figure(title, 190 + 55 * len(devices), style.WITH_LEGEND)
    for key, points in series.items():
        colour, symbol = styles[key]
        known = bool(points["high"].notna().any())
        x, y, written = 1000 * points["seconds"], points["device"], list(map(duration, points["seconds"]))
        look = {"marker": {"color": colour, "symbol": symbol, "size": 11}}
        bars = style.interval_bars(points, "seconds", "low", "high", 1000, thickness=2, width=6, visible=known)
        style.add_series(figure, x, y, names[key], look, "%{customdata}", error_x=bars, customdata=written)
    ends = [1000 * value for value in (*rows["seconds"], *rows["low"], *rows["high"]) if value > 0]
    style.log_x_axis(figure, "time", min(ends), max(ends), lambda milli: duration(milli / 1000))
    figure.update_yaxes(categoryorder="array", categoryarray=devices[::-1], range=[-0.5, len(devices) - 0.5])
    return Figure(figure, _predictions_sentence(rows, names))


def _predictions_sentence(rows: pd.DataFrame, names: dict[Key, str]) -> str:
    """Each prediction, and for what was recorded of the same device and kernel, whether it lies in the band."""
    rows = rows.assign(kernel=kernels_of(rows))
    predicted, recorded = rows[rows["origin"] == "predicted"], rows[rows["origin"] != "predicted"]
    texts = []
    for prediction in predicted.to_dict("records"):
        device, kernel, low, high = (prediction[name] for name in ("device", "kernel", "low", "high"))
        text = f"{names['predicted', kernel, '']} for {device}: {duration(prediction['seconds'])}"
        text += f" ({duration(low)} to {duration(high)})"
        same = recorded[(recorded["device"] == device) & (recorded["kernel"] == kernel)]
        for origin, seconds in zip(same["origin"], same["seconds"], strict=True):
            where = "inside" if low <= seconds <= high else "outside"
            text += f"; {obtained(str(origin))}: {duration(seconds)}, {where} the band"
        texts.append(text)
    return style.sentences(texts)


def energy(frame: pd.DataFrame) -> Figure:
    """Joules of training at home and of sending the windows away, as ranges on a log axis.

    frame: what, kind ("training" | "upload"), low, high; predicted, from published measurements.
    """
    need_columns(frame, ("what", "kind", "low", "high"), "energy")
    figure = style.new_figure("Train here, or upload?", 180 + 45 * len(frame), style.WITH_LEGEND)
    ranges = [
        f"{two_digits(low)} to {two_digits(high)} J" for low, high in zip(frame["low"], frame["high"], strict=True)
    ]
    for place, (kind, rows) in enumerate(frame.assign(range=ranges).groupby("kind", sort=False)):
        colour, lengths = style.OTHERS[place % len(style.OTHERS)][0], rows["high"] - rows["low"]
        more = {"base": rows["low"].tolist(), "customdata": rows["range"].tolist()}
        style.add_bars(figure, rows["what"], lengths, str(kind), colour, "%{y}: %{customdata}", **more)
    style.log_x_axis(
        figure, with_origin("energy", PUBLISHED), float(frame["low"].min()), float(frame["high"].max()), joules
    )
    figure.update_yaxes(categoryorder="array", categoryarray=frame["what"].tolist()[::-1])
    figure.update_layout(bargap=0.35)
    listed = [f"{what}: {text}" for what, text in zip(frame["what"], ranges, strict=True)]
    return Figure(figure, f"Energy, {PUBLISHED}. {style.sentences(listed)}")
