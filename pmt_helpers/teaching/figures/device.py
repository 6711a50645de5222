"""Seconds by size, as the paper's Figures 7, 8a and 8b; each way of obtaining them is a series. Notebook 05, step 3."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pmt_helpers.device.fits import Line, fit_line
from pmt_helpers.teaching.figures.device_series import (
    MEMORY_ONLY,
    PAPER,
    by_series,
    in_order,
    kernel_name,
    obtained,
    of_one_origin,
    series_names,
    series_styles,
    with_origin,
)
from pmt_helpers.teaching.figures.style import (
    GREY,
    OTHERS,
    VERMILION,
    WITH_LEGEND,
    Figure,
    add_band,
    counted,
    duration,
    error_bars,
    faded,
    first_upper,
    joules,
    log_x_axis,
    need_columns,
    new_figure,
    percent,
    two_digits,
)

PARTS = {"setup": "set-up", "interpreter": "interpreter", "arithmetic": "arithmetic"}


MILLISECONDS = (1.0, 1000.0)  # what "milliseconds" can mean: the paper gives no number


def where_time_goes(
    frame: pd.DataFrame, unit: str = "seconds", share: bool = False, title: str = "Where the time goes"
) -> Figure:
    """A bar a kernel: setting up, the interpreter, and the arithmetic that had to be done.

    frame: kernel, setup, interpreter, arithmetic and origin, which must be one. unit: "seconds" or "instructions".
    share: as parts of the whole, which stands below the name: of use where kernels did not do the same work.
    """
    need_columns(frame, ("kernel", "origin", *PARTS), "where_time_goes")
    origin = of_one_origin(frame, "where_time_goes")
    frame, amount = in_order(frame), counted if unit == "instructions" else duration
    parts = frame[list(PARTS)].astype(float)
    totals = parts.sum(axis=1)
    names = [kernel_name(str(kernel)) for kernel in frame["kernel"]]
    wholes = [f"{name}, {amount(total)}" for name, total in zip(names, totals, strict=True)]
    figure = new_figure(title, 170 + 50 * len(frame), WITH_LEGEND)
    for place, (part, label) in enumerate(PARTS.items()):
        values = parts[part] / totals if share else parts[part]
        figure.add_bar(
            y=[f"{whole} ".replace(", ", "<br>") for whole in wholes] if share else names,
            x=values.tolist(),
            orientation="h",
            marker={"color": OTHERS[place][0]},
            name=label,
            customdata=[amount(value) for value in parts[part]],
            hovertemplate=f"{label}: %{{customdata}}<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.35, legend={"traceorder": "normal"})
    figure.update_xaxes(
        title={"text": with_origin(f"share of the {unit}" if share else unit, origin)},
        range=[0, 1] if share else [0, 1.05 * float(totals.max())],
        tickformat=".0%" if share else "~s" if unit == "instructions" else None,
    )
    figure.update_yaxes(autorange="reversed")
    texts = [
        f"{whole}: {', '.join(f'{label} {percent(row[part] / total)}' for part, label in PARTS.items())}"
        for whole, total, (_, row) in zip(wholes, totals, parts.iterrows(), strict=True)
    ]
    return Figure(figure, f"{first_upper(origin)}: {'; '.join(texts)}.")


def memory_by_kernel(frame: pd.DataFrame, limit_mb: float = 512, title: str = "What fits the memory") -> Figure:
    """Peak resident memory, a bar a kernel and origin, and the memory of a small board as a line.

    frame: origin, kernel, peak_mb. Of several tasks, draw one.
    """
    need_columns(frame, ("origin", "kernel", "peak_mb"), "memory_by_kernel")
    rows = frame.groupby([frame["origin"].astype(str), frame["kernel"].astype(str)])["peak_mb"].max().reset_index()
    kernels = rows.groupby("kernel")["peak_mb"].max().sort_values().index.tolist()
    series = by_series(rows.assign(task=rows["kernel"]).drop(columns="kernel"))
    names, styles = series_names(list(series)), series_styles(list(series))
    figure = new_figure(title, 190 + (30 + 18 * len(series)) * len(kernels), WITH_LEGEND)
    for key, found in series.items():
        figure.add_bar(
            y=[kernel_name(kernel) for kernel in found["task"]],
            x=found["peak_mb"].tolist(),
            orientation="h",
            marker={"color": styles[key][0]},
            name=names[key],
            hovertemplate=f"%{{y}}, {names[key]}: %{{x:.0f}} MB<extra></extra>",
        )
    figure.add_vline(x=limit_mb, line={"color": VERMILION, "dash": "dash", "width": 2})
    figure.add_annotation(
        x=limit_mb, y=0, yref="paper", yanchor="bottom", xanchor="right", text=f"{limit_mb:g} MB ", showarrow=False,
        font={"color": VERMILION},
    )  # fmt: skip
    figure.update_xaxes(
        title={"text": "peak memory, MB"}, range=[0, 1.08 * max(limit_mb, float(rows["peak_mb"].max()))]
    )
    figure.update_yaxes(categoryorder="array", categoryarray=[kernel_name(kernel) for kernel in kernels])
    figure.update_layout(bargap=0.3)
    texts = []
    for key, found in series.items():
        listed = ", ".join(
            f"{kernel_name(row['task'])} {row['peak_mb']:.0f} MB{' (too much)' if row['peak_mb'] > limit_mb else ''}"
            for row in found.sort_values("peak_mb").to_dict("records")
        )
        texts.append(f"{names[key]}, {listed}")
    return Figure(figure, f"Peak memory, against {limit_mb:g} MB: {'; '.join(texts)}.")


def latency(frame: pd.DataFrame, title: str = "One window, classified") -> Figure:
    """Time of a single prediction: a mark at the median, a whisker up to the 99th percentile; log axis.

    frame: origin, kernel, latency_ms_median, latency_ms_p99; rows without, and logs of a memory limit, are left out.
    The band is the paper's "milliseconds". Drawn in microseconds: figures are stored with four decimals.
    """
    columns = ("latency_ms_median", "latency_ms_p99")
    need_columns(frame, ("origin", "kernel", *columns), "latency")
    rows = frame[~frame["origin"].isin(MEMORY_ONLY)].dropna(subset=list(columns))
    need_columns(rows, columns, "latency")
    rows = in_order(rows).rename(columns=dict(zip(columns, ("median", "p99"), strict=True)))
    rows = rows.assign(what=[kernel_name(str(kernel)) for kernel in rows["kernel"]])
    whats = list(dict.fromkeys(rows["what"]))
    series = by_series(rows.drop(columns="kernel"))
    names, styles = series_names(list(series)), series_styles(list(series))
    figure = new_figure(title, 230 + 50 * len(whats), WITH_LEGEND)
    figure.add_vrect(*(1000 * end for end in MILLISECONDS), fillcolor=faded(GREY, 0.25), line_width=0, layer="below")
    figure.add_scatter(
        x=[None], y=[None], mode="markers", marker={"color": faded(GREY, 0.4), "symbol": "square", "size": 14},
        name="“milliseconds”, the paper's word", legendrank=2000,
    )  # fmt: skip
    texts = []
    for place, (key, found) in enumerate(series.items()):
        colour, symbol = styles[key]
        shift = 0.25 * (place - (len(series) - 1) / 2)
        named = [
            f"{duration(row['median'] / 1000)} and {duration(row['p99'] / 1000)}" for row in found.to_dict("records")
        ]
        figure.add_scatter(
            x=(1000 * found["median"]).tolist(),
            y=[whats.index(what) + shift for what in found["what"]],
            error_x=error_bars(
                1000 * found["median"], 1000 * found["median"], 1000 * found["p99"], thickness=2, width=6
            ),
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 10},
            name=names[key],
            customdata=named,
            hovertemplate=f"{names[key]}: %{{customdata}}<extra></extra>",
        )  # fmt: skip
        listed = [f"{what} {both}" for what, both in zip(found["what"], named, strict=True)]
        texts.append(f"{names[key]}, {', '.join(listed)}")
    ends = [*rows["median"], *rows["p99"], *MILLISECONDS]
    title_x = with_origin("one prediction", "median, and whisker to the 99th percentile")
    log_x_axis(figure, title_x, 1000 * min(ends), 1000 * max(ends), lambda micro: duration(micro / 1e6))
    figure.update_yaxes(tickvals=list(range(len(whats))), ticktext=whats, range=[len(whats) - 0.4, -0.6])
    return Figure(figure, f"Median and 99th percentile of one prediction: {'; '.join(texts)}.")


PUBLISHED = "predicted, from published measurements"


def predicted_and_measured(rows: pd.DataFrame, title: str = "Predicted, then recorded") -> Figure:
    """Seconds on each device on a log axis: the predictions with their bands, and what was recorded, where it was.

    rows: device, origin, seconds, and low and high, which only predictions have; kernel where they differ. Drawn in
    milliseconds: figures are stored with four decimals.
    """
    need_columns(rows, ("device", "origin", "seconds", "low", "high"), "predicted_and_measured")
    devices = list(dict.fromkeys(rows["device"]))
    series = dict(sorted(by_series(rows).items(), key=lambda item: item[0][0] != "predicted"))  # recorded on top
    names, styles = series_names(list(series)), series_styles(list(series))
    figure = new_figure(title, 190 + 55 * len(devices), WITH_LEGEND)
    for key, found in series.items():
        colour, symbol = styles[key]
        figure.add_scatter(
            x=(1000 * found["seconds"]).tolist(),
            y=found["device"].tolist(),
            error_x=error_bars(
                1000 * found["seconds"],
                1000 * found["low"],
                1000 * found["high"],
                thickness=2,
                width=6,
                visible=bool(found["high"].notna().any()),
            ),
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 11},
            customdata=[duration(value) for value in found["seconds"]],
            name=names[key],
            hovertemplate=f"{names[key]}: %{{customdata}}<extra></extra>",
        )  # fmt: skip
    ends = [1000 * value for value in (*rows["seconds"], *rows["low"], *rows["high"]) if value > 0]
    log_x_axis(figure, "time", min(ends), max(ends), lambda milli: duration(milli / 1000))
    figure.update_yaxes(categoryorder="array", categoryarray=devices[::-1], range=[-0.5, len(devices) - 0.5])
    return Figure(figure, _scored(rows, series_names(list(series))))


def _scored(rows: pd.DataFrame, names: dict[tuple[str, str], str]) -> str:
    """Each prediction, and for what was recorded of the same device and kernel, whether it lies in the band."""
    kernel = rows["kernel"].astype(object) if "kernel" in rows else pd.Series("", rows.index, dtype=object)
    rows = rows.assign(kernel=kernel.where(kernel.notna(), ""))
    predicted, recorded = rows[rows["origin"] == "predicted"], rows[rows["origin"] != "predicted"]
    texts = []
    for one in predicted.to_dict("records"):
        text = f"{names['predicted', str(one['kernel'])]} for {one['device']} {duration(one['seconds'])}"
        text += f" ({duration(one['low'])} to {duration(one['high'])})"
        for other in recorded[(recorded["device"] == one["device"]) & (recorded["kernel"] == one["kernel"])].to_dict(
            "records"
        ):
            where = "inside" if one["low"] <= other["seconds"] <= one["high"] else "outside"
            text += f", {obtained(str(other['origin']))} {duration(other['seconds'])}, {where} the band"
        texts.append(text)
    return f"{first_upper('; '.join(texts))}."


def energy(frame: pd.DataFrame, origin: str = PUBLISHED, title: str = "Train here, or upload?") -> Figure:
    """Joules of training at home and of sending the windows away, as ranges on a log axis.

    frame: what, kind ("training" | "upload"), low, high. origin: how they were obtained, in words.
    """
    need_columns(frame, ("what", "kind", "low", "high"), "energy")
    figure = new_figure(title, 180 + 45 * len(frame), WITH_LEGEND)
    for place, (kind, rows) in enumerate(frame.groupby("kind", sort=False)):
        figure.add_bar(
            y=rows["what"].tolist(),
            x=(rows["high"] - rows["low"]).tolist(),
            base=rows["low"].tolist(),
            orientation="h",
            marker={"color": OTHERS[place % len(OTHERS)][0]},
            name=str(kind),
            customdata=[f"{two_digits(row['low'])} to {two_digits(row['high'])} J" for row in rows.to_dict("records")],
            hovertemplate="%{y}: %{customdata}<extra></extra>",
        )
    log_x_axis(figure, with_origin("energy", origin), float(frame["low"].min()), float(frame["high"].max()), joules)
    figure.update_yaxes(categoryorder="array", categoryarray=frame["what"].tolist()[::-1])
    figure.update_layout(bargap=0.35)
    listed = [
        f"{row['what']} {two_digits(row['low'])} to {two_digits(row['high'])} J" for row in frame.to_dict("records")
    ]
    return Figure(figure, f"{first_upper(origin)}: {'; '.join(listed)}.")


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
