"""People who write about one thing: what a head start saves depends on where the race ends (Figure 6). Notebook 03."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.template import GREEN, GREY, INK, VERMILION, WITH_LEGEND, need_columns, new_figure

NEVER = -1.25  # where those are drawn who never get there


def saving_by_target(
    savings: Mapping[str, pd.Series],
    paper: pd.DataFrame | None = None,
    title: str = "How many iterations saved?",
) -> Figure:
    """Share of iterations saved on the way to a target, a dot a person, the median as a bar (the paper's Figure 6).

    savings: by target, a number each person; minus infinity for those whose personal model never reaches what their
    local one does, NaN (not drawn) where the local one does not either. paper: iteration_reduction, drawn in grey.
    """
    figure = new_figure(title, 440, WITH_LEGEND)
    spread = np.random.default_rng(0)
    if paper is not None:
        need_columns(paper, ("iteration_reduction",), "saving_by_target")
        figure.add_scatter(
            x=(-1 + spread.uniform(-0.15, 0.15, len(paper))).tolist(),
            y=paper["iteration_reduction"].tolist(),
            mode="markers",
            marker={"color": GREY, "size": 7},
            name="the paper's people",
            hovertemplate="paper: %{y:.0%}<extra></extra>",
        )
    listed = set()
    for place, found in enumerate(savings.values()):
        people = found.dropna().clip(lower=NEVER)
        late = people <= NEVER
        for group, colour, symbol, name in (
            (people[~late], GREEN, "circle", "our people"),
            (people[late], VERMILION, "x", "never get there"),
        ):
            figure.add_scatter(
                x=(place + spread.uniform(-0.2, 0.2, len(group))).tolist(),
                y=group.tolist(),
                mode="markers",
                marker={"color": colour, "symbol": symbol, "size": 7, "opacity": 0.5},
                name=name,
                legendgroup=name,
                showlegend=len(group) > 0 and name not in listed,
                hoverinfo="skip" if symbol == "x" else "y",
            )
            if len(group):
                listed.add(name)
        figure.add_scatter(
            x=[place - 0.35, place + 0.35],
            y=[people.median()] * 2,
            mode="lines",
            line={"color": INK, "width": 3},
            name="median",
            legendgroup="median",
            showlegend=place == 0,
            hovertemplate="median: %{y:.0%}<extra></extra>",
        )
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    named = {-1: "paper"} if paper is not None else {}
    named |= dict(enumerate(savings))
    figure.update_xaxes(title={"text": "target"}, tickvals=list(named), ticktext=list(named.values()))
    ticks = [-1, -0.5, 0, 0.5, 1]
    figure.update_yaxes(
        title={"text": "iterations saved"}, tickvals=[NEVER, *ticks], range=[NEVER - 0.15, 1],
        ticktext=["never", *(f"{tick:+.0%}" for tick in ticks)],
    )  # fmt: skip
    return Figure(figure, saving_sentence(savings))


def saving_sentence(savings: Mapping[str, pd.Series]) -> str:
    """The median saving for each target, or that most never get there."""
    texts = []
    for target, found in savings.items():
        median = found.dropna().median()
        never = int(np.isneginf(found).sum())
        middle = f"median {100 * median:+.0f}%" if np.isfinite(median) else "most never get there"
        texts.append(f"{target}: {middle} ({never} of {len(found.dropna())} never)")
    return f"Iterations saved on the way to {'; '.join(texts)}."
