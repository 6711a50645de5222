"""How well topics predict words: of training documents (the paper's Figures 4 to 6), and of held-out ones. Notebook 03.

Likelihoods are log2 per word, so differences are bits per word.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pmt_helpers.teaching.figures import style
from pmt_helpers.teaching.figures.style import Figure, need_columns

HELD_OUT = "log2 likelihood of a held-out word"
TRAINING = "log2 likelihood of a training word"
AHEAD = "bits per word more than local"
NAMES = {"shared": "shared", "local": "local", "personal": "personal", "prior": "shared topics as prior"}
READ_AT = (1, 10, 50)  # iterations
NEVER = -1.25  # where those are drawn who never get there


def likelihood_by_iteration(
    ours: pd.DataFrame, paper: pd.DataFrame | None = None, title: str = "A head start from the cloud"
) -> Figure:
    """Ours in colour with its interval over seeds, the paper's digitised lines in grey behind (Figure 4).

    ours: model, iteration, log2_likelihood, and if known lower and upper. paper: model, iteration, log_likelihood.
    """
    need_columns(ours, ("model", "iteration", "log2_likelihood"), "likelihood_by_iteration")
    figure = style.new_figure(title, 420, style.WITH_LEGEND)
    sentence = f"The personal model is ahead by {_first_and_last_lead(ours, 'log2_likelihood')}"
    if paper is not None:
        need_columns(paper, ("model", "iteration", "log_likelihood"), "likelihood_by_iteration")
        for place, (model, line) in enumerate(paper.groupby("model", sort=False)):
            dash = style.model_style(str(model))["line"]["dash"]
            look = {"line": {"color": style.GREY, "dash": dash, "width": 1.5}}
            hover = f"{model}, paper: %{{y:.2f}} after %{{x}}<extra></extra>"
            options = _in_paper_group(place == 0, hover)
            x, y = line["iteration"], line["log_likelihood"]
            style.add_series(figure, x, y, "the paper (same dashes)", look, **options)
        sentence += f". In the paper it is ahead by {_first_and_last_lead(paper, 'log_likelihood')}"
    for model in style.models_in(ours):
        line = ours[ours["model"] == model].sort_values("iteration")
        look = style.model_style(model)["line"]
        style.add_band(figure, line["iteration"].tolist(), line, look["color"], model)
        x, y = line["iteration"], line["log2_likelihood"]
        style.add_series(figure, x, y, model, {"line": look}, "%{y:.2f} after %{x}", legendgroup=model)
    figure.update_xaxes(title_text="iteration", rangemode="tozero")
    figure.update_yaxes(title_text=TRAINING)
    return Figure(figure, f"{sentence}.")


def _in_paper_group(first: bool, hover: str) -> dict[str, Any]:
    """Options of a series of the paper's: one entry of the legend, the last, stands for all of them."""
    in_legend = {"legendgroup": "paper", "showlegend": first, "legendrank": style.PAPER_RANK}
    return {**in_legend, "hovertemplate": hover}


def _first_and_last_lead(frame: pd.DataFrame, value: str) -> str:
    """The personal model's lead over the local one after the first and the last iteration, in words."""
    lines = frame.pivot(index="iteration", columns="model", values=value).sort_index()
    lead = lines["personal"] - lines["local"]
    first, last = lead.index[[0, -1]]
    return f"{lead[first]:z.2f} bits per word after iteration {first} and {lead[last]:z.2f} after {last}"


def likelihood_by_share(ours: pd.DataFrame, paper: pd.DataFrame | None = None) -> Figure:
    """Lead over the local model against the percent of public documents, a line per iteration (the paper's Figure 5).

    ours: shared_percent (0 is the local model), iteration, log2_likelihood; paper: the same with log_likelihood.
    """
    need_columns(ours, ("shared_percent", "iteration", "log2_likelihood"), "likelihood_by_share")
    figure = style.new_figure("How much public text?", 420, style.WITH_LEGEND)
    leads = _leads_by_share(ours, "log2_likelihood")
    paper_leads = pd.DataFrame() if paper is None else _leads_by_share(paper, "log_likelihood")
    for place, iteration in enumerate(READ_AT):
        colour, symbol = style.OTHERS[place % len(style.OTHERS)]
        if iteration in paper_leads:
            look = style.series_style(style.GREY, symbol, width=1, size=6)
            options = _in_paper_group(
                place == 0, f"paper, iteration {iteration}: %{{y:+.2f}} with %{{x}}%<extra></extra>"
            )
            x, y = paper_leads.index, paper_leads[iteration]
            style.add_series(figure, x, y, "the paper (same marks)", look, **options)
        look = style.series_style(colour, symbol)
        style.add_series(figure, leads.index, leads[iteration], f"iteration {iteration}", look, "%{y:+.2f} with %{x}%")
    figure.update_xaxes(title_text="percent of the public documents", rangemode="tozero")
    figure.update_yaxes(title_text=AHEAD)

    first, last = READ_AT[0], READ_AT[-1]
    least = min(share for share in leads.index if share > 0)
    parts = [
        f"{100 * lead[first][least] / lead[first].iloc[-1]:.0f}%" for lead in (leads, paper_leads) if first in lead
    ]
    text = (
        f"After iteration {first}, {least}% of the public documents give {parts[0]} of the lead that all of them give"
    )
    text += f" (in the paper {parts[1]})" if len(parts) > 1 else ""
    text += f". After iteration {last}, the lead with all of them is {leads[last].iloc[-1]:+z.2f} bits."
    return Figure(figure, text)


def _leads_by_share(frame: pd.DataFrame, value: str) -> pd.DataFrame:
    """Mean likelihood of each share (rows) after each iteration (columns), minus that of the local model."""
    means = frame.groupby(["shared_percent", "iteration"])[value].mean().unstack("iteration")
    return means - means.iloc[0]


def saving_by_target(savings: Mapping[str, pd.Series], paper: pd.DataFrame | None = None) -> Figure:
    """Share of iterations saved on the way to a target, a dot per person, the median as a bar (the paper's Figure 6).

    savings: by target, a number for each person; minus infinity for those whose personal model never reaches what their
    local one does, NaN (not drawn) where the local one does not either. paper: iteration_reduction, drawn in grey.
    """
    figure = style.new_figure("How many iterations saved?", 440, style.WITH_LEGEND)
    jitter = np.random.default_rng(0)
    if paper is not None:
        need_columns(paper, ("iteration_reduction",), "saving_by_target")
        x, look = -1 + jitter.uniform(-0.15, 0.15, len(paper)), {"marker": {"color": style.GREY, "size": 7}}
        hover = "paper: %{y:.0%}<extra></extra>"
        style.add_series(figure, x, paper["iteration_reduction"], "people in the paper", look, hovertemplate=hover)
    in_legend = set()
    texts = []
    for place, (target, saving) in enumerate(savings.items()):
        people = saving.dropna().clip(lower=NEVER)
        late = people <= NEVER
        for group, colour, symbol, name in (
            (people[~late], style.GREEN, "circle", "our people"),
            (people[late], style.VERMILION, "x", "never reach it"),
        ):
            x = place + jitter.uniform(-0.2, 0.2, len(group))
            look = {"marker": {"color": colour, "symbol": symbol, "size": 7, "opacity": 0.5}}
            options: dict[str, Any] = {"legendgroup": name, "showlegend": len(group) > 0 and name not in in_legend}
            options["hoverinfo"] = "skip" if symbol == "x" else "y"
            style.add_series(figure, x, group, name, look, **options)
            in_legend |= {name} if len(group) else set()
        ends, bar = [place - 0.35, place + 0.35], {"line": {"color": style.INK, "width": 3}}
        options = {"legendgroup": "median", "showlegend": place == 0}
        style.add_series(figure, ends, [people.median()] * 2, "median", bar, "%{y:.0%}", **options)
        median = saving.dropna().median()
        never = f"{np.isneginf(saving).sum()} of {len(people)}"
        middle = f"median {100 * median:+z.0f}% ({never} never reach it)"
        texts.append(f"{target}: {middle if np.isfinite(median) else f'most never reach it ({never})'}")
    figure.add_hline(y=0, line={"color": style.INK, "width": 1})
    names = ({-1: "paper"} if paper is not None else {}) | dict(enumerate(savings))
    words = [name.replace("@", "<br>@") for name in names.values()]
    figure.update_xaxes(title_text="target", tickvals=list(names), ticktext=words)
    ticks = [-1, -0.5, 0, 0.5, 1]
    words = ["never", *(f"{tick:+z.0%}" for tick in ticks)]
    figure.update_yaxes(title_text="iterations saved", range=[NEVER - 0.15, 1])
    figure.update_yaxes(tickvals=[NEVER, *ticks], ticktext=words)
    return Figure(figure, f"Iterations saved until a target. {style.sentences(texts)}")


def held_out_by_iteration(frame: pd.DataFrame, title: str = "Documents nobody trained on") -> Figure:
    """Held-out likelihood after some iterations at home, a line per model, with intervals over seeds where known.

    frame: model ("shared", "local", "personal", "prior"), iteration, bits, and if known lower and upper.
    """
    need_columns(frame, ("model", "iteration", "bits"), "held_out_by_iteration")
    figure = style.new_figure(title, 440, style.WITH_LEGEND)
    for model in (model for model in NAMES if model in set(frame["model"])):
        line = frame[frame["model"] == model].sort_values("iteration")
        look = style.model_style(model)  # "prior" is nobody's: the first of the other series
        x = [str(iteration) for iteration in line["iteration"]]
        style.add_band(figure, x, line, look["line"]["color"], model)
        style.add_series(figure, x, line["bits"], NAMES[model], look, "%{y:.2f} after %{x}", legendgroup=model)
    figure.update_xaxes(title_text="iterations at home (steps not to scale)", type="category")
    figure.update_yaxes(title_text=HELD_OUT)

    means = frame.groupby(["iteration", "model"])["bits"].mean().unstack("model").sort_index()
    leads = means.sub(means["local"], axis=0)
    texts = []
    for iteration in (min(i for i in means.index if i > 0), means.index[-1]):
        lead = leads.loc[iteration]
        listed = [f"{name} {lead[model]:+z.2f}" for model, name in NAMES.items() if model in lead and model != "local"]
        texts.append(f"After iteration {iteration}, in bits per word compared with local: {', '.join(listed)}.")
    return Figure(figure, " ".join(texts))


def bits_by_weight(frame: pd.DataFrame, chosen: float, at: float | None = None) -> Figure:
    """Held-out likelihood against the weight c of the prior: as validation promises and on test documents.

    Parameters
    ----------
    frame : model, weight, bits (test), validation; the models "shared", "local" and "personal" are level lines
    chosen : the weight that validation chose
    at : the weight of a slider
    """
    need_columns(frame, ("model", "weight", "bits", "validation"), "bits_by_weight")
    figure = style.new_figure("Which weight for the prior?", 440, style.WITH_LEGEND)
    prior = frame[frame["model"] == "prior"].groupby("weight")[["bits", "validation"]].mean()
    levels = frame.groupby("model")["bits"].mean()
    for model in ("shared", "local", "personal"):
        ends, look = [prior.index[0], prior.index[-1]], {"line": style.model_style(model)["line"]}
        style.add_series(figure, ends, [levels.get(model)] * 2, model, look, "%{y:.2f}")
    for column, name, colour, symbol in (
        ("validation", "prior, validation", style.GREY, "circle-open"),
        ("bits", "prior, test", style.PURPLE, "triangle-up"),
    ):
        look = style.series_style(colour, symbol, size=8)
        style.add_series(figure, prior.index, prior[column], name, look, "%{y:.2f} at c = %{x}")
    _mark_weight(figure, chosen, style.INK, f"validation chooses {chosen:g}")
    if at is not None and at != chosen:
        _mark_weight(figure, at, style.VERMILION, f"{at:g}", line=1)
    _weight_axis(figure, prior.index.tolist())
    figure.update_yaxes(title_text=HELD_OUT)

    leads = prior["bits"] - levels["local"]
    best = leads.idxmax()
    text = f"Validation chooses c = {chosen:g}: {leads[chosen]:+z.2f} bits compared with local on the test documents. "
    text += f"The best there is c = {best:g} ({leads[best]:+z.2f})."
    return Figure(figure, text if at is None else f"c = {at:g}: {leads[at]:+z.2f} bits compared with local. {text}")


def _weight_axis(figure: go.Figure, weights: list[float]) -> None:
    names = [f"{weight:g}" for weight in weights]
    figure.update_xaxes(title_text="weight c of the shared topics", type="log", tickvals=weights, ticktext=names)


def _mark_weight(figure: go.Figure, weight: float, colour: str, text: str, line: int = 0) -> None:
    """A line at a weight, and a text beside it, which stands `line` lines above the axis: two texts do not meet."""
    figure.add_vline(x=weight, line={"color": colour, "width": 1, "dash": "dot"})
    x = math.log10(weight)  # on an axis of logarithms annotations, unlike lines, are placed by the logarithm
    place = {"xref": "x", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "xshift": 3, "yshift": 20 * line}
    look = {"font": {"color": colour, "size": 12}, "showarrow": False, "bgcolor": "rgba(255, 255, 255, 0.7)"}
    figure.add_annotation(x=x, y=0, text=text, **place, **look)


def gain_by_weight(gains: Mapping[str, pd.DataFrame]) -> Figure:
    """Lead over the local model against the weight of the prior, a line per person, with intervals over seeds.

    gains: by person, a frame of weight, gain, lower, upper, chosen (how often validation took that weight).
    """
    figure = style.new_figure("Who gains from the cloud?", 440, style.WITH_LEGEND)
    texts = []
    weights: list[float] = []
    for place, (name, frame) in enumerate(gains.items()):
        need_columns(frame, ("weight", "gain", "lower", "upper", "chosen"), "gain_by_weight")
        rows = frame.sort_values("weight", ignore_index=True)
        weights = rows["weight"].tolist()
        look = style.series_style(*style.OTHERS[place % len(style.OTHERS)])
        options: dict[str, Any] = {"error_y": style.interval_bars(rows, "gain"), "customdata": rows["chosen"].tolist()}
        options["hovertemplate"] = f"{name}, c = %{{x}}: %{{y:+.2f}}, chosen %{{customdata}} times<extra></extra>"
        style.add_series(figure, weights, rows["gain"], name, look, **options)
        best = rows.iloc[int(rows["gain"].argmax())]
        taken = rows.loc[rows["chosen"] > 0, "weight"].tolist()
        span = f"{taken[0]:g}" if len(taken) == 1 else f"{taken[0]:g} to {taken[-1]:g}"
        texts.append(f"{name}: best {best['gain']:+z.2f} at c = {best['weight']:g}; validation chooses {span}")
    figure.add_hline(y=0, line={"color": style.INK, "width": 1})
    _weight_axis(figure, weights)
    figure.update_yaxes(title_text=AHEAD)
    return Figure(figure, f"Bits per held-out word, compared with local. {style.sentences(texts)}")
