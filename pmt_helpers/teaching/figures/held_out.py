"""How well topics foretell documents that nobody trained on, by iteration and by weight of the prior. Notebook 03."""

import math
from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.template import (
    GREY,
    INK,
    OTHERS,
    PURPLE,
    VERMILION,
    WITH_LEGEND,
    add_band,
    error_bars,
    model_style,
    need_columns,
    new_figure,
)

HELD_OUT = "log2 likelihood of a held-out word"
NAMES = {"shared": "shared", "local": "local", "personal": "personal", "prior": "shared topics as prior"}


def held_out_by_iteration(frame: pd.DataFrame, title: str = "On documents nobody trained on") -> Figure:
    """Held-out likelihood after some iterations at home, a line a model, with intervals over seeds where known.

    frame: model ("shared", "local", "personal", "prior"), iteration, bits, and if known lower and upper.
    """
    need_columns(frame, ("model", "iteration", "bits"), "held_out_by_iteration")
    figure = new_figure(title, 440, WITH_LEGEND)
    for model in (model for model in NAMES if model in set(frame["model"])):
        line = frame[frame["model"] == model].sort_values("iteration")
        style = model_style(model)  # "prior" is nobody's: the first of the other series
        x = [str(iteration) for iteration in line["iteration"]]
        add_band(figure, x, line, style["line"]["color"], model)
        figure.add_scatter(
            x=x,
            y=line["bits"].tolist(),
            mode="lines+markers",
            line=style["line"],
            marker=style["marker"],
            name=NAMES[model],
            legendgroup=model,
            hovertemplate=f"{NAMES[model]}: %{{y:.2f}} after %{{x}}<extra></extra>",
        )
    figure.update_xaxes(title={"text": "iterations at home (steps not to scale)"}, type="category")
    figure.update_yaxes(title={"text": HELD_OUT})
    return Figure(figure, _held_out_sentence(frame))


def _held_out_sentence(frame: pd.DataFrame) -> str:
    means = frame.groupby(["iteration", "model"])["bits"].mean().unstack("model").sort_index()
    texts = []
    for iteration in (min(i for i in means.index if i > 0), means.index[-1]):
        row = {str(model): float(bits) for model, bits in means.loc[iteration].items()}
        leads = [f"{name} {row[m] - row['local']:+.2f}" for m, name in NAMES.items() if m in row and m != "local"]
        texts.append(f"After iteration {iteration}, in bits a word against local: {', '.join(leads)}.")
    return " ".join(texts)


def bits_by_weight(
    frame: pd.DataFrame, chosen: float, at: float | None = None, title: str = "How heavy should the prior be?"
) -> Figure:
    """Held-out likelihood against the weight c of the prior: as validation promises and on test documents.

    frame: model, weight, bits (test), validation; the models "shared", "local" and "personal" are level lines.
    chosen: the weight that validation chose. at: the weight of a slider.
    """
    need_columns(frame, ("model", "weight", "bits", "validation"), "bits_by_weight")
    figure = new_figure(title, 440, WITH_LEGEND)
    prior = frame[frame["model"] == "prior"].groupby("weight")[["bits", "validation"]].mean()
    for model in ("shared", "local", "personal"):
        level = frame.loc[frame["model"] == model, "bits"].mean()
        figure.add_scatter(
            x=[prior.index[0], prior.index[-1]],
            y=[level, level],
            mode="lines",
            line=model_style(model)["line"],
            name=model,
            hovertemplate=f"{model}: %{{y:.2f}}<extra></extra>",
        )
    for column, name, style in (
        ("validation", "prior, validation", {"color": GREY, "symbol": "circle-open"}),
        ("bits", "prior, test", {"color": PURPLE, "symbol": "triangle-up"}),
    ):
        figure.add_scatter(
            x=prior.index.tolist(),
            y=prior[column].tolist(),
            mode="lines+markers",
            line={"color": style["color"], "width": 2},
            marker={**style, "size": 8},
            name=name,
            hovertemplate=f"{name}: %{{y:.2f}} at c = %{{x}}<extra></extra>",
        )
    _mark(figure, chosen, INK, f"validation takes {chosen:g}")
    if at is not None and at != chosen:
        _mark(figure, at, VERMILION, f"{at:g}")
    _weight_axis(figure, prior.index.tolist())
    figure.update_yaxes(title={"text": HELD_OUT})
    return Figure(figure, _weight_sentence(frame, prior, chosen, at))


def _weight_axis(figure: go.Figure, weights: list[float]) -> None:
    names = [f"{weight:g}" for weight in weights]
    figure.update_xaxes(title={"text": "weight c of the shared topics"}, type="log", tickvals=weights, ticktext=names)


def _mark(figure: go.Figure, weight: float, colour: str, text: str) -> None:
    figure.add_vline(x=weight, line={"color": colour, "width": 1, "dash": "dot"})
    figure.add_annotation(  # on an axis of logarithms annotations, unlike lines, are placed by the logarithm
        x=math.log10(weight), y=0, xref="x", yref="paper", xanchor="left", yanchor="bottom", xshift=3,
        text=text, font={"color": colour, "size": 12}, showarrow=False, bgcolor="rgba(255, 255, 255, 0.7)",
    )  # fmt: skip


def _weight_sentence(frame: pd.DataFrame, prior: pd.DataFrame, chosen: float, at: float | None) -> str:
    local = frame.loc[frame["model"] == "local", "bits"].mean()
    leads = {float(weight): bits - local for weight, bits in zip(prior.index, prior["bits"], strict=True)}
    best = max(leads, key=lambda weight: leads[weight])
    text = f"Validation takes c = {chosen:g}: {leads[chosen]:+.2f} bits against local on the test documents, where "
    text += f"{best:g} would have been best ({leads[best]:+.2f})."
    return text if at is None else f"c = {at:g}: {leads[at]:+.2f} bits against local. {text}"


def gain_by_weight(gains: Mapping[str, pd.DataFrame], title: str = "Who should lean on the cloud?") -> Figure:
    """Lead over the local model against the weight of the prior, a line a person, with intervals over seeds.

    gains: by person, a frame of weight, gain, lower, upper, chosen (how often validation took that weight).
    """
    figure = new_figure(title, 440, WITH_LEGEND)
    texts = []
    weights: list[float] = []
    for place, (name, frame) in enumerate(gains.items()):
        need_columns(frame, ("weight", "gain", "lower", "upper", "chosen"), "gain_by_weight")
        colour, symbol = OTHERS[place % len(OTHERS)]
        rows = frame.sort_values("weight").reset_index(drop=True)
        weights = rows["weight"].tolist()
        figure.add_scatter(
            x=rows["weight"].tolist(),
            y=rows["gain"].tolist(),
            error_y=error_bars(rows["gain"], rows["lower"], rows["upper"]),
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"color": colour, "symbol": symbol, "size": 9},
            name=name,
            customdata=rows["chosen"].tolist(),
            hovertemplate=f"{name}, c = %{{x}}: %{{y:+.2f}}, chosen %{{customdata}} times<extra></extra>",
        )  # fmt: skip
        top = int(rows["gain"].to_numpy().argmax())
        taken = rows.loc[rows["chosen"] > 0, "weight"].tolist()
        span = f"{taken[0]:g}" if len(taken) == 1 else f"{taken[0]:g} to {taken[-1]:g}"
        texts.append(f"{name}: best {rows['gain'].iloc[top]:+.2f} at c = {weights[top]:g}; validation takes {span}")
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    _weight_axis(figure, weights)
    figure.update_yaxes(title={"text": "bits a word ahead of local"})
    return Figure(figure, f"Held out, against local. {'; '.join(texts)}.")
