"""How training went, and what validation promised. Notebook 01, steps 4 and 5."""

import pandas as pd
from plotly.subplots import make_subplots

from pmt_helpers.teaching.figures.style import (
    BLUE,
    GREY,
    INK,
    MODEL_COLOURS,
    MODELS,
    VERMILION,
    WITH_LEGEND,
    Figure,
    dress,
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


MOST_EPOCHS = 300


_SIDES = {"training": ("", GREY, "solid"), "validation": ("val_", INK, "dash")}


def training_history(history: pd.DataFrame, best_epoch: int | None = None) -> Figure:
    """Loss, and accuracy where known, of training and validation after each epoch.

    history: epoch, loss, val_loss, and if known accuracy and val_accuracy. best_epoch: marked by a line; by default the
    epoch with the lowest validation loss.
    """
    need_columns(history, ("epoch", "loss", "val_loss"), "training_history")
    best = int(history["epoch"].iloc[history["val_loss"].argmin()]) if best_epoch is None else int(best_epoch)
    measures = [name for name in ("loss", "accuracy") if {name, f"val_{name}"} & set(history.columns)]
    figure = make_subplots(rows=len(measures), cols=1, shared_xaxes=True, vertical_spacing=0.08)
    step = -(-len(history) // MOST_EPOCHS)
    shown = history.iloc[::step]
    for row, measure in enumerate(measures, start=1):
        for side, (prefix, colour, dash) in _SIDES.items():
            if prefix + measure not in history:
                continue
            figure.add_scatter(
                x=shown["epoch"].tolist(),
                y=shown[prefix + measure].tolist(),
                name=side,
                legendgroup=side,
                showlegend=row == 1,
                mode="lines",
                line={"color": colour, "dash": dash, "width": 2},
                row=row,
                col=1,
            )
        figure.update_yaxes(
            title={"text": measure}, row=row, col=1, tickformat=".0%" if measure == "accuracy" else None
        )
    figure.update_yaxes(rangemode="tozero", row=1, col=1)
    figure.add_vline(x=best, line={"color": VERMILION, "width": 1.5, "dash": "dot"})
    figure.add_annotation(
        x=best, y=1, yref="paper", yanchor="bottom", text="best", font={"color": VERMILION}, showarrow=False
    )
    dress(figure, "Training, epoch by epoch", 190 + 190 * len(measures), WITH_LEGEND + 15)
    figure.update_xaxes(title={"text": "epoch (once through the training windows)"}, row=len(measures), col=1)
    return Figure(figure, history_sentence(history, best))


def history_sentence(history: pd.DataFrame, best: int) -> str:
    """Where validation was best, and what training did after it."""
    at_best = history.loc[history["epoch"] == best].iloc[0]
    last = history.iloc[-1]
    text = f"Validation loss is {at_best['val_loss']:.2f} after epoch {best}"
    if last["epoch"] <= best:
        return f"{text}, the last epoch: it was still improving."
    n_more = int(last["epoch"]) - best
    return (
        f"{text}; in the {n_more} epochs after it the training loss went from {at_best['loss']:.2f} to "
        f"{last['loss']:.2f}, the validation loss to {last['val_loss']:.2f}."
    )


def split_comparison(frame: pd.DataFrame) -> Figure:
    """What validation promises against what an unseen person gets, for each way to split.

    frame: split (name), what ("validation" or "unseen person"), accuracy, sd (over people or seeds; drawn as whiskers).
    """
    need_columns(frame, ("split", "what", "accuracy", "sd"), "split_comparison")
    table = frame.pivot(index="split", columns="what", values="accuracy").loc[frame["split"].unique()]
    figure = new_figure("What validation promises", 150 + 90 * len(table), WITH_LEGEND)
    places = {split: place for place, split in enumerate(table.index)}
    for what, colour, symbol, aside in (
        ("validation", VERMILION, "diamond", -0.1),
        ("unseen person", BLUE, "circle", 0.1),
    ):
        rows = frame[frame["what"] == what]
        figure.add_scatter(
            x=rows["accuracy"].tolist(),
            y=[places[split] + aside for split in rows["split"]],
            error_x={"type": "data", "array": rows["sd"].tolist(), "color": colour, "thickness": 1.5, "width": 5},
            name=what,
            mode="markers+text",
            text=[percent(value) for value in rows["accuracy"]],
            textposition="top center" if aside < 0 else "bottom center",
            textfont={"color": colour},
            marker={"color": colour, "symbol": symbol, "size": 13},
            hovertemplate=f"{what}: %{{x:.1%}}<extra></extra>",
        )
    figure.update_xaxes(tickformat=".0%", title={"text": "accuracy (whiskers: one standard deviation)"})
    figure.update_yaxes(
        range=[len(table) - 0.5, -0.5],
        tickvals=list(places.values()),
        ticktext=[str(split).replace(" ", "<br>") for split in places],
        showgrid=False,
        ticks="",
        ticklabelstandoff=6,
    )
    return Figure(figure, split_sentence(table))


def split_sentence(table: pd.DataFrame) -> str:
    """random: validation promises 82%, an unseen person gets 72%, 10 points less. ..."""
    parts = []
    for split, row in table.iterrows():
        points = round(100 * (row["validation"] - row["unseen person"]))
        gap = (
            "no difference"
            if points == 0
            else f"{abs(points)} point{'s' * (abs(points) > 1)} {'less' if points > 0 else 'more'}"
        )
        parts.append(
            f"{split}: validation promises {percent(row['validation'])}, an unseen person gets "
            f"{percent(row['unseen person'])}, {gap}"
        )
    return "; ".join(parts) + "."
