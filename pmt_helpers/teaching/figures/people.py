"""One dot a person, and which classes are taken for which. Notebooks 01 and 02."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pmt_helpers.teaching.figures.style import (
    BLUE,
    GREY,
    INK,
    MODELS,
    PLAIN,
    SKY,
    VERMILION,
    WITH_LEGEND,
    Figure,
    error_bars,
    faded,
    model_style,
    need_columns,
    new_figure,
    percent,
)


def per_person(frame: pd.DataFrame, highlight: int | None = None, title: str | None = None) -> Figure:
    """Accuracy of each person, lowest first, with the mean and one standard deviation over people as a band.

    frame: user, accuracy, and if known lower and upper (whiskers) and kind (two series: "shared" and "personal").
    highlight: the person marked as "you".
    """
    need_columns(frame, ("user", "accuracy"), "per_person")
    kinds = _kinds(frame)
    first = frame if not kinds else frame[frame["kind"] == kinds[0]]
    order = first.sort_values(["accuracy", "user"])["user"].astype(str).tolist()
    figure = new_figure(title or "One dot a person", 420, WITH_LEGEND if kinds else PLAIN)
    if len(kinds) == 2:
        _add_links(figure, frame)
    for place, kind in enumerate(kinds or [""]):
        rows = frame if not kinds else frame[frame["kind"] == kind]
        _add_dots(figure, rows, kind or "person", place)
    mean, sd = first["accuracy"].mean(), first["accuracy"].std()
    if not kinds:
        if np.isfinite(sd):
            figure.add_hrect(y0=mean - sd, y1=mean + sd, fillcolor=faded(GREY), line={"width": 0}, layer="below")
        figure.add_hline(y=mean, line={"color": GREY, "width": 1.5, "dash": "dot"})
    if highlight is not None and str(highlight) in order:
        mine = first.loc[first["user"] == highlight, "accuracy"].iloc[0]
        figure.add_scatter(
            x=[str(highlight)],
            y=[mine],
            mode="markers+text",
            text=["<b>you</b>"],
            textposition="top center" if mine < 0.9 else "bottom center",
            textfont={"color": VERMILION},
            marker={"symbol": "circle-open", "size": 18, "color": VERMILION, "line": {"width": 3}},
            showlegend=False,
            hoverinfo="skip",
        )
    top = "person, lowest accuracy first" + (
        f" ({kinds[0]})" if kinds else "<br>line and band: mean ± 1 SD over people"
    )
    figure.update_xaxes(
        type="category", categoryorder="array", categoryarray=order, title={"text": top}, showgrid=False
    )
    figure.update_yaxes(title={"text": "accuracy"}, tickformat=".0%", range=[min(0.0, frame["accuracy"].min()), 1.03])
    return Figure(figure, per_person_sentence(frame, highlight))


def _kinds(frame: pd.DataFrame) -> list[str]:
    if "kind" not in frame:
        return []
    found = [str(kind) for kind in frame["kind"].unique()]
    return sorted(found, key=lambda kind: MODELS.index(kind) if kind in MODELS else len(MODELS))


def _add_links(figure: go.Figure, frame: pd.DataFrame) -> None:
    """A thin line between the two dots of each person."""
    x: list[str | None] = []
    y: list[float | None] = []
    for user, rows in frame.groupby("user"):
        x += [str(user), str(user), None]
        y += [rows["accuracy"].min(), rows["accuracy"].max(), None]
    figure.add_scatter(x=x, y=y, mode="lines", line={"color": GREY, "width": 1}, showlegend=False, hoverinfo="skip")


def _add_dots(figure: go.Figure, rows: pd.DataFrame, kind: str, place: int) -> None:
    style = model_style(kind, place)["marker"] if kind != "person" else {"color": BLUE, "size": 10}
    bars = None
    if {"lower", "upper"} <= set(rows.columns):
        bars = error_bars(rows["accuracy"], rows["lower"], rows["upper"], thickness=1, width=3)
    figure.add_scatter(
        x=rows["user"].astype(str).tolist(),
        y=rows["accuracy"].tolist(),
        error_y=bars,
        mode="markers",
        marker=style,
        name=kind,
        showlegend=kind != "person",
        hovertemplate=f"{kind if kind != 'person' else 'accuracy'}, person %{{x}}: %{{y:.1%}}<extra></extra>",
    )


def per_person_sentence(frame: pd.DataFrame, highlight: int | None) -> str:
    """Over 10 people: mean 76%, SD 8 points, from 61% (person 4) to 90% (person 9); you (person 3): 71%."""
    kinds = _kinds(frame)
    parts = []
    for kind in kinds or [""]:
        rows = (frame if not kinds else frame[frame["kind"] == kind]).set_index("user")["accuracy"]
        spread = f", SD {100 * rows.std():.0f} points" if len(rows) > 1 else ""
        text = (
            f"mean {percent(rows.mean())}{spread}, from {percent(rows.min())} (person {rows.idxmin()}) "
            f"to {percent(rows.max())} (person {rows.idxmax()})"
        )
        if highlight is not None and highlight in rows.index:
            text += f", you (person {highlight}) {percent(rows.loc[highlight])}"
        parts.append(f"{kind}: {text}" if kinds else text)
    n_people = frame["user"].nunique()
    lines = f"Accuracy over {n_people} {'people' if n_people > 1 else 'person'}: {'; '.join(parts)}"
    if len(kinds) == 2:
        table = frame.pivot(index="user", columns="kind", values="accuracy").dropna()
        better = int((table[kinds[1]] > table[kinds[0]]).sum())
        lines += f"; {kinds[1]} is better than {kinds[0]} for {better} of {len(table)}"
    return lines + "."


def confusion(matrix: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Counts of windows, coloured by their share of the row. matrix: (classes, classes); rows: the actual classes."""
    counts = np.asarray(matrix, dtype=int)
    if counts.shape != (len(class_names), len(class_names)):
        raise ValueError(f"confusion needs one row and one column a class ({len(class_names)}); found {counts.shape}")
    total = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(total, 1)
    figure = new_figure("What is taken for what", 170 + 48 * len(class_names))
    figure.add_heatmap(
        z=share.tolist(),
        x=list(class_names),
        y=list(class_names),
        text=counts.tolist(),
        texttemplate="%{text}",
        textfont={"color": INK},
        zmin=0,
        zmax=1,
        colorscale=[[0, "#FFFFFF"], [1, SKY]],  # light enough for the dark counts on it
        colorbar={"title": {"text": "share of row", "side": "right"}, "tickformat": ".0%", "thickness": 14},
        xgap=2,
        ygap=2,
        hovertemplate="%{y} taken for %{x}: %{text} windows, %{z:.0%}<extra></extra>",
    )
    figure.update_xaxes(title={"text": "predicted"}, type="category", showgrid=False, ticks="")
    figure.update_yaxes(title={"text": "actual"}, type="category", autorange="reversed", showgrid=False, ticks="")
    return Figure(figure, confusion_sentence(counts, class_names))


def confusion_sentence(counts: np.ndarray, class_names: Sequence[str]) -> str:
    """The most frequent confusion, and the range of recall over classes."""
    present = counts.sum(axis=1) > 0
    recall = np.where(present, np.diag(counts) / np.maximum(counts.sum(axis=1), 1), np.nan)
    if not present.any():
        return "There are no windows to confuse."
    low, high = int(np.nanargmin(recall)), int(np.nanargmax(recall))
    reach = (
        f"Recall (the share of a class that is found) runs from {percent(recall[low])} ({class_names[low]}) "
        f"to {percent(recall[high])} ({class_names[high]})."
    )
    wrong = counts - np.diag(np.diag(counts))
    if not wrong.any():
        return f"No window is taken for another class. {reach}"
    row, column = divmod(int(wrong.argmax()), len(wrong))
    n, of = int(counts[row, column]), int(counts[row].sum())
    return (
        f"The most frequent confusion: {n} of {of} windows of {class_names[row]} ({percent(n / of)}) are taken for "
        f"{class_names[column]}. {reach}"
    )
