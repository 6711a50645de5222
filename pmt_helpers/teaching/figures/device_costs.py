"""What a kernel costs a device: where its time goes, its memory, and one prediction. Notebook 05, steps 3 to 5."""

import pandas as pd

from pmt_helpers.teaching.figures.origins import (
    MEMORY_ONLY,
    by_series,
    in_order,
    kernel_name,
    of_one_origin,
    series_names,
    series_styles,
    with_origin,
)
from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.template import (
    GREY,
    OTHERS,
    VERMILION,
    WITH_LEGEND,
    error_bars,
    faded,
    need_columns,
    new_figure,
    percent,
)
from pmt_helpers.teaching.figures.units import counted, duration, first_upper, log_x_axis

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
