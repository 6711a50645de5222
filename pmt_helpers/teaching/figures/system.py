"""What designs send and reach, and what updates and similar people change. Notebook 07."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pmt_helpers.activity.evaluation import paired_gain
from pmt_helpers.teaching.figures import style
from pmt_helpers.teaching.figures.style import Figure, need_columns, percent

LOOKS = (  # of what is neither shared, local nor personal
    (style.VERMILION, "square"),
    (style.PURPLE, "triangle-up"),
    (style.INK, "x"),
    (style.SKY, "star"),
    (style.GREY, "circle"),
)


DESIGNS = {
    "local": "local: alone",
    "central": "central: not retrained",
    "personal": "personal: this paper",
    "FedAvg": "federated, retrained at home",
}


def accuracy_by_bytes(compared: pd.DataFrame, title: str = "What is sent, and what it gives") -> Figure:
    """Accuracy of four designs against what a volunteer sends, with 95% intervals of the difference from personal.

    compared: model, accuracy, lead, low, high, kilobytes_up, as experiments.compare_federated gives them.
    """
    need_columns(compared, ("model", "accuracy", "lead", "low", "high", "kilobytes_up"), "accuracy_by_bytes")
    figure = style.new_figure(title, 460, style.WITH_LEGEND + 2 * style.LINE)
    texts = []
    for design, name in DESIGNS.items():
        at_home = compared["model"].str.endswith("at home") & compared["model"].str.startswith(design)
        line = compared[at_home | (compared["model"] == design)].sort_values("kilobytes_up")
        line = line.assign(lower=line["accuracy"] + line["low"] - line["lead"])
        line["upper"] = line["accuracy"] + line["high"] - line["lead"]
        if design in ("personal", "central"):  # the baseline itself; and one that is not compared with it
            line = line.assign(lower=np.nan, upper=np.nan)
        look = style.model_style("shared" if design == "central" else design)
        look["marker"] = {**look["marker"], "size": 11}
        bars, hover = style.interval_bars(line, "accuracy"), "%{y:.1%} for %{x:,.0f} kB"
        style.add_series(figure, line["kilobytes_up"], line["accuracy"], name, look, hover, error_y=bars)
        last = line.iloc[-1]
        texts.append(f"{name}: {percent(last['accuracy'])} for {last['kilobytes_up']:,.0f} kB")
    level = compared.loc[compared["model"] == "personal", "accuracy"]
    for accuracy in level:
        figure.add_hline(accuracy, line={"color": style.MODEL_COLOURS["personal"], "width": 1, "dash": "dot"})
    most = float(compared["kilobytes_up"].max())
    figure.update_xaxes(title_text="kilobytes that a volunteer sends", range=[-0.04 * most, 1.06 * most])
    style.accuracy_axis(figure, range=None)
    return Figure(figure, f"Accuracy, and what a volunteer sends for it. {style.sentences(texts)}")


def gains(
    grid: pd.DataFrame, names: Mapping[str, str], baseline: str, by: str = "n_samples", *, title: str, x_title: str
) -> Figure:
    """What each model gains over the baseline, in points of accuracy, with 95% intervals over people.

    grid: user, n_samples, model, accuracy, and `by` where that is another column (then one n_samples only).
    names: model -> what the legend calls it, in order.
    """
    need_columns(grid, ("user", "n_samples", "model", "accuracy", by), "gains")
    figure = style.new_figure(title, 460, style.WITH_LEGEND + 2 * style.LINE)
    values = sorted(grid[by].unique())
    texts = []
    for place, (model, name) in enumerate(names.items()):
        found = [_gain(grid[grid[by] == value], model, baseline) for value in values]
        rows = pd.DataFrame(found, columns=["gain", "lower", "upper", "harmed", "users"])
        x = [number + 0.1 * (place - (len(names) - 1) / 2) for number in range(len(values))]
        bars = style.interval_bars(rows, "gain", thickness=1.5, width=4)
        own = model in style.MODELS
        look = style.model_style(model) if own else style.series_style(*LOOKS[place % len(LOOKS)])
        worse = rows["harmed"].astype(int).astype(str) + " of " + rows["users"].astype(int).astype(str)
        hover = "%{y:+.1f} points, %{customdata} people worse off"
        style.add_series(figure, x, rows["gain"], name, look, hover, error_y=bars, customdata=worse.tolist())
        last = rows.iloc[-1]
        interval = f"[{last['lower']:z.1f}, {last['upper']:z.1f}]"
        texts.append(f"{name} {last['gain']:+z.1f} {interval}; worse off {', '.join(worse)}")
    figure.update_xaxes(
        title_text=x_title, tickvals=list(range(len(values))), ticktext=[f"{value:g}" for value in values]
    )
    figure.update_yaxes(
        title_text="gain, points of accuracy", zeroline=True, zerolinecolor=style.INK, zerolinewidth=1.5
    )
    at = ", ".join(f"{value:g}" for value in values)
    start = f"Points of accuracy against {baseline}, {x_title} {values[-1]:g}, and people worse off, {x_title} {at}"
    return Figure(figure, f"{start}. {style.sentences(texts)}")


def _gain(rows: pd.DataFrame, model: str, baseline: str) -> tuple[float, float, float, int, int]:
    gain = paired_gain(rows, int(rows["n_samples"].iloc[0]), model, baseline)
    return 100 * gain.mean, 100 * gain.low, 100 * gain.high, len(gain.harmed), len(gain.by_user)
