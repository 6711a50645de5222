"""Shared, local and personal models side by side. Notebooks 01 and 02."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.template import (
    GREY,
    INK,
    LINE,
    MODEL_COLOURS,
    MODELS,
    WITH_LEGEND,
    faded,
    model_style,
    need_columns,
    new_figure,
    percent,
)


def three_models(
    scores: pd.DataFrame,
    person: int | None = None,
    n_windows: int | None = None,
    whiskers: str = "95% interval",
) -> Figure:
    """Accuracy of each model for one person, as bars.

    scores: model ("shared", "local", "personal"; those there are), accuracy (0 to 1), and if known lower and upper,
    which are drawn as whiskers and named by `whiskers`.
    """
    need_columns(scores, ("model", "accuracy"), "three_models")
    rows = scores.set_index("model").loc[[model for model in MODELS if model in set(scores["model"])]]
    figure = new_figure(
        "Who knows best?" if person is None else f"Who knows person {person} best?", 120 + 70 * len(rows)
    )
    has_whiskers = {"lower", "upper"} <= set(rows.columns)
    for model, row in rows.iterrows():
        error = (
            {
                "type": "data",
                "symmetric": False,
                "array": [row["upper"] - row["accuracy"]],
                "arrayminus": [row["accuracy"] - row["lower"]],
                "color": INK,
                "thickness": 1.5,
                "width": 6,
            }
            if has_whiskers
            else None
        )
        figure.add_bar(
            x=[row["accuracy"]],
            y=[model],
            orientation="h",
            error_x=error,
            marker={"color": MODEL_COLOURS[str(model)]},
            name=str(model),
            showlegend=False,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
        figure.add_annotation(
            x=1,
            xref="paper",
            xanchor="left",
            xshift=6,
            y=model,
            text=f"<b>{percent(row['accuracy'])}</b>",
            showarrow=False,
        )
    title = "windows recognised correctly" + (f" (line: {whiskers})" if has_whiskers else "")
    figure.update_xaxes(range=[0, 1.001], tickformat=".0%", title={"text": title})
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="", ticklabelstandoff=6)
    figure.update_layout(margin={"r": 60}, bargap=0.35)
    return Figure(figure, three_models_sentence(rows["accuracy"], person, n_windows))


def three_models_sentence(accuracy: pd.Series, person: int | None, n_windows: int | None) -> str:
    """On 38 windows of person 3 that no model has seen, shared is right for 71%, local 76%, personal 87%."""
    windows = "windows" if n_windows is None else f"{n_windows:,} windows"
    whose = "" if person is None else f" of person {person}"
    first, *others = [f"{model} {percent(value)}" for model, value in accuracy.items()]
    listed = ", ".join([first.replace(" ", " is right for ", 1), *others])
    return f"On {windows}{whose} that no model has seen, {listed}."


def paper_curve(ours: pd.DataFrame, paper: pd.DataFrame) -> Figure:
    """Accuracy against the number of training samples: ours in colour, the paper's digitised lines in grey behind.

    Both frames: model, n_samples, accuracy, and if known lower and upper, drawn as a band.
    """
    need_columns(ours, ("model", "n_samples", "accuracy"), "paper_curve")
    need_columns(paper, ("model", "n_samples", "accuracy"), "paper_curve")
    figure = new_figure("The more samples, the better?", 440, WITH_LEGEND + LINE)
    figure.add_scatter(  # stands for the three grey lines in the legend: their dashes are those of the coloured ones
        x=[None],
        y=[None],
        mode="lines",
        line={"color": GREY, "width": 1.5},
        name="the paper's, same dashes",
        legendrank=2,
    )
    for frame, is_paper in ((paper, True), (ours, False)):
        for model in (model for model in MODELS if model in set(frame["model"])):
            curve = _thinned(frame[frame["model"] == model].sort_values("n_samples"))
            _add_curve(figure, curve, model, is_paper)
    figure.update_xaxes(title={"text": "training samples of one person"}, rangemode="tozero")
    figure.update_yaxes(title={"text": "accuracy"}, tickformat=".0%", range=[0, 1])
    return Figure(figure, paper_curve_sentence(ours, paper))


def _add_curve(figure: go.Figure, curve: pd.DataFrame, model: str, is_paper: bool) -> None:
    style = model_style(model)
    colour = GREY if is_paper else style["line"]["color"]
    name = f"{model}, paper" if is_paper else model
    x = curve["n_samples"].tolist()
    if {"lower", "upper"} <= set(curve.columns) and curve[["lower", "upper"]].notna().to_numpy().all():
        figure.add_scatter(
            x=x + x[::-1],
            y=curve["upper"].tolist() + curve["lower"].tolist()[::-1],
            mode="lines",
            fill="toself",
            fillcolor=faded(colour),
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
            legendgroup=name,
        )
    figure.add_scatter(
        x=x,
        y=curve["accuracy"].tolist(),
        name=name,
        legendgroup=name,
        legendrank=1,
        showlegend=not is_paper,
        mode="lines" if is_paper else "lines+markers",
        line={**style["line"], "color": colour, "width": 1.5 if is_paper else 2.5},
        marker={**style["marker"], "color": colour},
        hovertemplate=f"{name}: %{{y:.1%}} at %{{x}} samples<extra></extra>",
    )


def _thinned(curve: pd.DataFrame, most: int = 100) -> pd.DataFrame:
    step = -(-len(curve) // most)
    return curve.iloc[::step]


def paper_curve_sentence(ours: pd.DataFrame, paper: pd.DataFrame) -> str:
    """At 20 samples we measure shared 75%, personal 80%; the paper shows shared 55%, personal 55%."""
    sizes = np.sort(ours["n_samples"].unique())
    at = int(sizes[len(sizes) // 2])
    measured = _listed_at(ours, at)
    return f"At {at} samples we measure {measured}; the paper shows {_listed_at(paper, at)}."


def _listed_at(frame: pd.DataFrame, at: int) -> str:
    values = []
    for model in (model for model in MODELS if model in set(frame["model"])):
        curve = frame[frame["model"] == model].groupby("n_samples", sort=True)["accuracy"].mean()
        value = np.interp(at, curve.index.to_numpy(dtype=float), curve.to_numpy(dtype=float), left=np.nan, right=np.nan)
        if np.isfinite(value):
            values.append(f"{model} {percent(float(value))}")
    return ", ".join(values) or "nothing at that size"
