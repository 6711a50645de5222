"""Shared, local and personal models side by side, for one person. Notebooks 00 and 02."""

import pandas as pd

from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.template import (
    INK,
    MODEL_COLOURS,
    MODELS,
    error_bars,
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
            error_bars([row["accuracy"]], [row["lower"]], [row["upper"]], width=6, color=INK) if has_whiskers else None
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
