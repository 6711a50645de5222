"""Likelihood of the training words by iteration and by amount of public text: the paper's Figures 4 and 5. Notebook 03.

Likelihoods are in bits a word, below zero: the higher a line, the better the words were foretold.
"""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.template import (
    GREY,
    MODELS,
    OTHERS,
    WITH_LEGEND,
    add_band,
    model_style,
    need_columns,
    new_figure,
)

TRAINING = "log2 likelihood of a training word"


def likelihood_by_iteration(
    ours: pd.DataFrame, paper: pd.DataFrame | None = None, title: str = "A head start from the cloud"
) -> Figure:
    """Ours in colour with its interval over seeds, the paper's digitised lines in grey behind (Figure 4).

    ours: model, iteration, log2_likelihood, and if known lower and upper. paper: model, iteration, log_likelihood.
    """
    need_columns(ours, ("model", "iteration", "log2_likelihood"), "likelihood_by_iteration")
    figure = new_figure(title, 420, WITH_LEGEND)
    if paper is not None:
        need_columns(paper, ("model", "iteration", "log_likelihood"), "likelihood_by_iteration")
        for place, (model, line) in enumerate(paper.groupby("model", sort=False)):
            figure.add_scatter(
                x=line["iteration"].tolist(),
                y=line["log_likelihood"].tolist(),
                mode="lines",
                line={"color": GREY, "dash": model_style(str(model))["line"]["dash"], "width": 1.5},
                name="the paper's, same dashes",
                legendgroup="paper",
                showlegend=place == 0,
                legendrank=2000,
                hovertemplate=f"{model}, paper: %{{y:.2f}} after %{{x}}<extra></extra>",
            )
    for model in (model for model in MODELS if model in set(ours["model"])):
        _add_line(figure, ours[ours["model"] == model].sort_values("iteration"), model)
    figure.update_xaxes(title={"text": "iteration"}, rangemode="tozero")
    figure.update_yaxes(title={"text": TRAINING})
    return Figure(figure, _head_start_sentence(ours, paper))


def _add_line(figure: go.Figure, line: pd.DataFrame, model: str) -> None:
    style = model_style(model)
    x = line["iteration"].tolist()
    add_band(figure, x, line, style["line"]["color"], model)
    figure.add_scatter(
        x=x,
        y=line["log2_likelihood"].tolist(),
        mode="lines",
        line=style["line"],
        name=model,
        legendgroup=model,
        hovertemplate=f"{model}: %{{y:.2f}} after %{{x}}<extra></extra>",
    )


def _head_start_sentence(ours: pd.DataFrame, paper: pd.DataFrame | None) -> str:
    """The personal model's lead after the first and the last iteration, ours and the paper's."""
    texts = [f"The personal model is ahead by {_leads(ours, 'log2_likelihood')}"]
    if paper is not None:
        texts.append(f"in the paper by {_leads(paper, 'log_likelihood')}")
    return "; ".join(texts) + "."


def _leads(frame: pd.DataFrame, value: str) -> str:
    lines = frame.pivot(index="iteration", columns="model", values=value).sort_index()
    lead = lines["personal"] - lines["local"]
    return (
        f"{lead.iloc[0]:.2f} bits a word after iteration {lead.index[0]} and {lead.iloc[-1]:.2f} after {lead.index[-1]}"
    )


def likelihood_by_share(
    ours: pd.DataFrame,
    paper: pd.DataFrame | None = None,
    iterations: tuple[int, ...] = (1, 10, 50),
    title: str = "How much public text?",
) -> Figure:
    """Lead over the local model against the percent of public documents, a line an iteration (the paper's Figure 5).

    ours: shared_percent (0 is the local model), iteration, log2_likelihood; paper: the same with log_likelihood.
    """
    need_columns(ours, ("shared_percent", "iteration", "log2_likelihood"), "likelihood_by_share")
    figure = new_figure(title, 420, WITH_LEGEND)
    leads = share_leads(ours, "log2_likelihood", iterations)
    theirs: Mapping[int, pd.Series] = {} if paper is None else share_leads(paper, "log_likelihood", iterations)
    for place, iteration in enumerate(iterations):
        colour, symbol = OTHERS[place % len(OTHERS)]
        if iteration in theirs:
            figure.add_scatter(
                x=theirs[iteration].index.tolist(),
                y=theirs[iteration].tolist(),
                mode="lines+markers",
                line={"color": GREY, "width": 1},
                marker={"color": GREY, "symbol": symbol, "size": 6},
                name="the paper's, same marks",
                legendgroup="paper",
                showlegend=place == 0,
                legendrank=2000,
                hovertemplate=f"paper, iteration {iteration}: %{{y:+.2f}} with %{{x}}%<extra></extra>",
            )
        figure.add_scatter(
            x=leads[iteration].index.tolist(),
            y=leads[iteration].tolist(),
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"color": colour, "symbol": symbol, "size": 9},
            name=f"iteration {iteration}",
            hovertemplate=f"iteration {iteration}: %{{y:+.2f}} with %{{x}}%<extra></extra>",
        )
    figure.update_xaxes(title={"text": "percent of the public documents"}, rangemode="tozero")
    figure.update_yaxes(title={"text": "bits a word ahead of local"})
    return Figure(figure, _share_sentence(leads, theirs, iterations))


def share_leads(frame: pd.DataFrame, value: str, iterations: tuple[int, ...]) -> dict[int, pd.Series]:
    """By iteration: mean likelihood of each share minus that of the local model."""
    means = frame.groupby(["shared_percent", "iteration"])[value].mean().unstack("iteration")
    return {iteration: means[iteration] - means[iteration].iloc[0] for iteration in iterations}


def _share_sentence(
    leads: Mapping[int, pd.Series], theirs: Mapping[int, pd.Series], iterations: tuple[int, ...]
) -> str:
    first, last = iterations[0], iterations[-1]
    least = min(percent for percent in leads[first].index if percent > 0)

    def part(found: Mapping[int, pd.Series]) -> str:
        return f"{100 * found[first][least] / found[first].iloc[-1]:.0f}%"

    text = (
        f"{least}% of the public documents give {part(leads)} of the lead that all of them give after iteration {first}"
    )
    if theirs:
        text += f" (in the paper {part(theirs)})"
    return f"{text}. After iteration {last} the lead of all of them is {leads[last].iloc[-1]:+.2f} bits."
