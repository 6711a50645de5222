"""How training went, what validation promised, and which model is best. Notebooks 00 to 02."""

from typing import Any

import pandas as pd
from plotly.subplots import make_subplots

from pmt_helpers.teaching.figures import style
from pmt_helpers.teaching.figures.style import Figure, need_columns, percent

MOST_EPOCHS = 300
_SIDES = {"training": ("", style.GREY, "solid"), "validation": ("val_", style.INK, "dash")}


def three_models(
    scores: pd.DataFrame, person: int | None = None, n_windows: int | None = None, title: str | None = None
) -> Figure:
    """Accuracy of each model for one person, as bars.

    Parameters
    ----------
    scores : frame with model ("shared", "local", "personal"; those there are), accuracy (0 to 1), and if known lower
        and upper (95% interval), which are drawn as whiskers
    person, n_windows : whose windows were tested and how many, for the title and the sentence
    title : where a notebook shows several of these figures
    """
    need_columns(scores, ("model", "accuracy"), "three_models")
    rows = scores.set_index("model", drop=False).loc[style.models_in(scores)]
    title = title or ("Which model is best?" if person is None else f"Which is best for person {person}?")
    figure = style.new_figure(title, 120 + 70 * len(rows))
    for model, accuracy in rows["accuracy"].items():
        name, bars = str(model), style.interval_bars(rows.loc[[model]], "accuracy", width=6, color=style.INK)
        look = {"error_x": bars, "showlegend": False}
        style.add_bars(figure, [name], [accuracy], name, style.MODEL_COLOURS[name], "%{y}: %{x:.1%}", **look)
        text = f"<b>{percent(accuracy)}</b>"
        figure.add_annotation(x=1, xref="paper", xanchor="left", xshift=6, y=model, text=text, showarrow=False)
    named = " (line: 95% interval)" if {"lower", "upper"} <= set(rows) else ""
    figure.update_xaxes(range=[0, 1.001], tickformat=".0%", title_text=f"windows recognised correctly{named}")
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="", ticklabelstandoff=6)
    figure.update_layout(margin={"r": 60}, bargap=0.35)

    windows = "windows" if n_windows is None else f"{n_windows:,} windows"
    whose = "" if person is None else f" of person {person}"
    first, *others = [f"{model} {percent(value)}" for model, value in rows["accuracy"].items()]
    listed = ", ".join([first.replace(" ", " is right for ", 1), *others])
    return Figure(figure, f"On {windows}{whose} that no model has seen, {listed}.")


def training_history(history: pd.DataFrame) -> Figure:
    """Loss, and accuracy where known, of training and validation after each epoch; a line marks the best of these.

    history: epoch, loss, val_loss, and if known accuracy and val_accuracy.
    """
    need_columns(history, ("epoch", "loss", "val_loss"), "training_history")
    best = int(history["epoch"].iloc[history["val_loss"].argmin()])
    measures = [name for name in ("loss", "accuracy") if {name, f"val_{name}"} & set(history.columns)]
    figure = make_subplots(rows=len(measures), cols=1, shared_xaxes=True, vertical_spacing=0.08)
    thinned = history.iloc[:: -(-len(history) // MOST_EPOCHS)]
    for row, measure in enumerate(measures, start=1):
        for side, (prefix, colour, dash) in _SIDES.items():
            if prefix + measure in history:
                x, y = thinned["epoch"].tolist(), thinned[prefix + measure].tolist()
                look = {"line": {"color": colour, "dash": dash, "width": 2}, "legendgroup": side, "mode": "lines"}
                figure.add_scatter(x=x, y=y, name=side, showlegend=row == 1, row=row, col=1, **look)
        figure.update_yaxes(title_text=measure, row=row, col=1, tickformat=".0%" if measure == "accuracy" else None)
    figure.update_yaxes(rangemode="tozero", row=1, col=1)
    figure.add_vline(x=best, line={"color": style.VERMILION, "width": 1.5, "dash": "dot"})
    marked: dict[str, Any] = {"font": {"color": style.VERMILION}, "showarrow": False}
    figure.add_annotation(x=best, y=1, yref="paper", yanchor="bottom", text="best", **marked)
    style.dress(figure, "Training, epoch by epoch", 190 + 190 * len(measures), style.WITH_LEGEND + 15)
    figure.update_xaxes(title_text="epoch (once through the training windows)", row=len(measures), col=1)

    at_best, last = history.loc[history["epoch"] == best].iloc[0], history.iloc[-1]
    text = f"The validation loss is lowest after epoch {best} ({at_best['val_loss']:.2f})"
    if last["epoch"] <= best:
        return Figure(figure, f"{text}, the last epoch: it was still improving.")
    later = int(last["epoch"]) - best
    text += f". In the {later} epochs after it, the training loss goes from {at_best['loss']:.2f} to "
    return Figure(figure, f"{text}{last['loss']:.2f}, and the validation loss to {last['val_loss']:.2f}.")


def split_comparison(frame: pd.DataFrame) -> Figure:
    """What validation promises against what an unseen person gets, for each way to split.

    frame: split (name), what ("validation" or "unseen person"), accuracy, sd (over people or seeds; drawn as whiskers).
    """
    need_columns(frame, ("split", "what", "accuracy", "sd"), "split_comparison")
    table = frame.pivot(index="split", columns="what", values="accuracy").loc[frame["split"].unique()]
    figure = style.new_figure("What validation promises", 150 + 90 * len(table), style.WITH_LEGEND)
    places = {split: place for place, split in enumerate(table.index)}
    for what, colour, symbol, shift, above in (
        ("validation", style.VERMILION, "diamond", -0.1, "top center"),
        ("unseen person", style.BLUE, "circle", 0.1, "bottom center"),
    ):
        rows = frame[frame["what"] == what]
        y, look = [places[split] + shift for split in rows["split"]], {"color": colour, "symbol": symbol, "size": 13}
        text: dict[str, Any] = {
            "mode": "markers+text",
            "text": list(map(percent, rows["accuracy"])),
            "textposition": above,
        }
        options: dict[str, Any] = {
            "error_x": style.symmetric_bars(rows["sd"], color=colour),
            "textfont": {"color": colour},
            **text,
        }
        style.add_series(figure, rows["accuracy"], y, what, {"marker": look}, "%{x:.1%}", **options)
    figure.update_xaxes(tickformat=".0%", title_text="accuracy (whiskers: one standard deviation)")
    names = [str(split).replace(" ", "<br>") for split in places]
    figure.update_yaxes(range=[len(table) - 0.5, -0.5], tickvals=list(places.values()), ticktext=names)
    figure.update_yaxes(showgrid=False, ticks="", ticklabelstandoff=6)
    texts = []
    for split, row in table.iterrows():
        points = round(100 * (row["validation"] - row["unseen person"]))
        gap = f"{abs(points)} point{'s' * (abs(points) > 1)} {'less' if points > 0 else 'more'}"
        texts.append(
            f"{split}: validation promises {percent(row['validation'])}, an unseen person gets "
            f"{percent(row['unseen person'])}, {gap if points else 'no difference'}"
        )
    return Figure(figure, style.sentences(texts))
