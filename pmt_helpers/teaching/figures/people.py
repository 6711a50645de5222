"""One dot per person, and which classes are taken for which. Notebooks 01 and 02."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pmt_helpers.teaching.figures import style
from pmt_helpers.teaching.figures.style import Figure, need_columns, percent


def per_person(frame: pd.DataFrame, highlight: int | None = None, title: str | None = None) -> Figure:
    """Accuracy of each person, lowest first, with the mean and one standard deviation over people as a band.

    frame: user, accuracy, and if known lower and upper (whiskers) and kind (two series: "shared" and "personal").
    highlight: the person marked as "you".
    """
    need_columns(frame, ("user", "accuracy"), "per_person")
    by_kind = _by_kind(frame)
    kinds, first = [kind for kind in by_kind if kind], next(iter(by_kind.values()))
    order = first.sort_values(["accuracy", "user"])["user"].astype(str).tolist()
    figure = style.new_figure(title or "One dot per person", 420, style.WITH_LEGEND if kinds else style.PLAIN)
    if len(kinds) == 2:
        x: list[str | None] = []
        y: list[float | None] = []
        for user, rows in frame.groupby("user"):  # a thin line between the two dots of each person
            x += [str(user), str(user), None]
            y += [rows["accuracy"].min(), rows["accuracy"].max(), None]
        look = {"color": style.GREY, "width": 1}
        figure.add_scatter(x=x, y=y, mode="lines", line=look, showlegend=False, hoverinfo="skip")
    for place, (kind, rows) in enumerate(by_kind.items()):
        look = {"marker": style.model_style(kind, place)["marker"] if kind else {"color": style.BLUE, "size": 10}}
        options: dict[str, Any] = {
            "error_y": style.interval_bars(rows, "accuracy", thickness=1, width=3),
            "showlegend": bool(kind),
        }
        options["hovertemplate"] = f"{kind or 'accuracy'}, person %{{x}}: %{{y:.1%}}<extra></extra>"
        style.add_series(figure, rows["user"].astype(str), rows["accuracy"], kind or "person", look, **options)
    if not kinds:
        mean, sd = first["accuracy"].mean(), first["accuracy"].std()
        if np.isfinite(sd):
            look = {"fillcolor": style.faded(style.GREY), "line": {"width": 0}, "layer": "below"}
            figure.add_hrect(y0=mean - sd, y1=mean + sd, **look)
        figure.add_hline(y=mean, line={"color": style.GREY, "width": 1.5, "dash": "dot"})
    if highlight is not None and str(highlight) in order:
        mine = frame.loc[frame["user"] == highlight, "accuracy"].tolist()
        look = {"symbol": "circle-open", "size": 18, "color": style.VERMILION, "line": {"width": 3}}
        rings = {"mode": "markers", "marker": look, "showlegend": False, "hoverinfo": "skip"}
        figure.add_scatter(x=[str(highlight)] * len(mine), y=mine, name="you", **rings)
        # above the plot, where no marker is
        text = {"text": "<b>you</b>", "font": {"color": style.VERMILION}, "showarrow": False, "yanchor": "bottom"}
        figure.add_annotation(x=order.index(str(highlight)), y=1, yref="paper", **text)
    explained = f" ({kinds[0]})" if kinds else "<br>line and band: mean ± 1 SD over people"
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=order, showgrid=False, nticks=15)
    figure.update_xaxes(title_text=f"person, lowest accuracy first{explained}")
    # dots, unlike bars, need no zero: where everybody is above one half, the lower half would be empty
    lowest = min(float(frame[column].min()) for column in ("accuracy", "lower") if column in frame)
    style.accuracy_axis(figure, range=[0.5 if lowest > 0.5 else min(0.0, lowest), 1.03])
    return Figure(figure, _per_person_sentence(frame, by_kind, highlight))


def _by_kind(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each kind, models in their order; all of them under "" where there are no kinds."""
    if "kind" not in frame:
        return {"": frame}
    kinds = sorted(
        frame["kind"].unique(), key=lambda kind: style.MODELS.index(kind) if kind in style.MODELS else len(style.MODELS)
    )
    return {str(kind): frame[frame["kind"] == kind] for kind in kinds}


def _per_person_sentence(frame: pd.DataFrame, by_kind: dict[str, pd.DataFrame], highlight: int | None) -> str:
    texts = []
    for kind, rows in by_kind.items():
        accuracy = rows.set_index("user")["accuracy"]
        spread = f", SD {100 * accuracy.std():.0f} points" if len(accuracy) > 1 else ""
        text = (
            f"mean {percent(accuracy.mean())}{spread}, from {percent(accuracy.min())} (person {accuracy.idxmin()}) "
            f"to {percent(accuracy.max())} (person {accuracy.idxmax()})"
        )
        if highlight is not None and highlight in accuracy.index:
            text += f", you (person {highlight}) {percent(accuracy.loc[highlight])}"
        texts.append(f"{kind}: {text}" if kind else text)
    n_people = frame["user"].nunique()
    over = f"Accuracy over {n_people} {'people' if n_people > 1 else 'person'}"
    if "kind" not in frame:
        return f"{over}: {texts[0]}."
    if len(by_kind) == 2:
        first, second = by_kind
        table = frame.pivot(index="user", columns="kind", values="accuracy").dropna()
        better = int((table[second] > table[first]).sum())
        texts.append(f"{second} is better than {first} for {better} of {len(table)}")
    return f"{over}. {style.sentences(texts)}"


def confusion(matrix: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Counts of windows, coloured by their share of the row. matrix: (classes, classes); rows: the actual classes."""
    counts = np.asarray(matrix, dtype=int)
    if counts.shape != (len(class_names), len(class_names)):
        raise ValueError(f"confusion needs one row and one column per class ({len(class_names)}); found {counts.shape}")
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = style.new_figure("Actual and predicted classes", 170 + 48 * len(class_names))
    bar = {
        "title": {"text": "share of row", "side": "right", "font": {"size": 12}},
        "tickformat": ".0%",
        "thickness": 14,
    }
    look = {"zmin": 0, "zmax": 1, "xgap": 2, "ygap": 2, "colorbar": bar}
    look["colorscale"] = [[0, "#FFFFFF"], [1, style.SKY]]  # light enough for the dark counts on it
    text: dict[str, Any] = {"text": counts.tolist(), "texttemplate": "%{text}", "textfont": {"color": style.INK}}
    hover, names = "%{y} taken for %{x}: %{text} windows, %{z:.0%}<extra></extra>", list(class_names)
    figure.add_heatmap(z=share.tolist(), x=names, y=names, hovertemplate=hover, **text, **look)
    # long names take turns on two lines: side by side they would meet
    long = len(names) > 4 and max(map(len, names)) > 6
    words = ["<br>" * (long and place % 2) + name for place, name in enumerate(names)]
    figure.update_xaxes(title_text="predicted", type="category", showgrid=False, ticks="")
    figure.update_xaxes(tickvals=names, ticktext=words)
    figure.update_yaxes(title_text="actual", type="category", autorange="reversed", showgrid=False, ticks="")
    return Figure(figure, _confusion_sentence(counts, share, class_names))


def _confusion_sentence(counts: np.ndarray, share: np.ndarray, class_names: Sequence[str]) -> str:
    """The most frequent confusion, and the range of recall over classes."""
    present = counts.sum(axis=1) > 0
    if not present.any():
        return "There are no windows to classify."
    recall = np.where(present, np.diag(share), np.nan)
    low, high = int(np.nanargmin(recall)), int(np.nanargmax(recall))
    reach = (
        f"Recall (the share of a class that is found) goes from {percent(recall[low])} ({class_names[low]}) "
        f"to {percent(recall[high])} ({class_names[high]})."
    )
    wrong = counts - np.diag(np.diag(counts))
    if not wrong.any():
        return f"No window is taken for another class. {reach}"
    row, column = divmod(int(wrong.argmax()), len(wrong))
    n, n_row = int(counts[row, column]), int(counts[row].sum())
    return (
        f"The most frequent confusion: {n} of {n_row} windows of {class_names[row]} ({percent(n / n_row)}) are taken "
        f"for {class_names[column]}. {reach}"
    )
