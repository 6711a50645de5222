"""Numbers of devices that are not at hand: predicted seconds, and energy. Notebook 05, steps 4 and 5."""

import pandas as pd

from pmt_helpers.teaching.figures.origins import (
    by_series,
    obtained,
    series_names,
    series_styles,
    with_origin,
)
from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.template import OTHERS, WITH_LEGEND, error_bars, need_columns, new_figure
from pmt_helpers.teaching.figures.units import duration, first_upper, joules, log_x_axis, two_digits

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
