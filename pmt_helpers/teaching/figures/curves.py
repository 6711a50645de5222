"""Accuracy, and what personalising gains, against the number of labelled samples. Notebook 02."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pmt_helpers.activity.evaluation import paired_gain, user_means
from pmt_helpers.teaching.figures.style import (
    GREEN,
    GREY,
    INK,
    LINE,
    MODELS,
    OTHERS,
    VERMILION,
    WITH_LEGEND,
    Figure,
    add_band,
    error_bars,
    faded,
    model_style,
    need_columns,
    new_figure,
    percent,
)


def trade_off(strategies: pd.DataFrame, known: str, new: str) -> Figure:
    """Accuracy where the person has trained, and where not: one point per strategy, one line per family.

    strategies: strategy, family, known, new (accuracies). "shared" and "personal" (plain retraining) are the two ends.
    known, new: what the two axes test on, in words.
    """
    need_columns(strategies, ("strategy", "family", "known", "new"), "trade_off")
    figure = new_figure("What a cure saves and costs", 460, WITH_LEGEND)
    ends = {name: strategies[strategies["strategy"] == name].iloc[0] for name in ("personal", "shared")}
    families = [family for family in dict.fromkeys(strategies["family"]) if family not in ends]
    for place, family in enumerate(families):
        rows = strategies[strategies["family"] == family]
        colour, symbol = OTHERS[place % len(OTHERS)]
        path = pd.concat([ends["personal"].to_frame().T, rows])
        figure.add_scatter(
            x=path["known"].tolist(),
            y=path["new"].tolist(),
            mode="lines+markers+text",
            text=["", *(name.removeprefix(family).strip() for name in rows["strategy"])],
            textposition="top center",
            line={"color": colour, "width": 1.5, "dash": "dot"},
            marker={"color": colour, "symbol": symbol, "size": 9},
            name=family,
            hovertext=["", *rows["strategy"]],
            hovertemplate="%{hovertext}: %{x:.1%} and %{y:.1%}<extra></extra>",
        )
    for name, label in (("shared", "shared: no retraining"), ("personal", "personal: plain retraining")):
        figure.add_scatter(
            x=[ends[name]["known"]],
            y=[ends[name]["new"]],
            mode="markers",
            marker={**model_style(name)["marker"], "size": 15, "line": {"color": GREY, "width": 1}},
            name=label,
            hovertemplate=f"{label}: %{{x:.1%}} and %{{y:.1%}}<extra></extra>",
        )
    figure.update_xaxes(title={"text": f"accuracy, {known}"}, tickformat=".0%")
    figure.update_yaxes(title={"text": f"accuracy, {new}"}, tickformat=".0%")
    return Figure(figure, trade_off_sentence(strategies, known, new))


def trade_off_sentence(strategies: pd.DataFrame, known: str, new: str) -> str:
    """Where the two ends lie, and which cure keeps most of both."""
    table = strategies.set_index("strategy")[["known", "new"]]
    best = table.drop(index=["shared", "personal"]).sum(axis=1).idxmax()
    listed = [
        f"{name} {percent(table['known'][name])} and {percent(table['new'][name])}"
        for name in ("shared", "personal", str(best))
    ]
    return f"Accuracy {known} and {new}: {'; '.join(listed)} (of the cures, the best of both together)."


MOST_POINTS = 60  # of a line; more cannot be told apart


FEWEST = 5  # people whose mean is drawn: the mean of fewer jumps when one of them leaves


def accuracy_by_samples(
    ours: pd.DataFrame,
    paper: pd.DataFrame | None = None,
    paper_points: pd.DataFrame | None = None,
    at: int = 20,
    title: str = "The more samples, the better?",
) -> Figure:
    """Accuracy against the number of training samples: ours in colour, the paper's digitised figure in grey behind.

    ours, paper: model, n_samples, accuracy, and if known lower and upper, drawn as a band. paper_points: the same
    without bands, drawn as faint dots, one a person and size. at: the size that the sentence reads.
    """
    for frame in (ours, paper, paper_points):
        if frame is not None:
            need_columns(frame, ("model", "n_samples", "accuracy"), "accuracy_by_samples")
    figure = new_figure(title, 440, WITH_LEGEND + LINE)
    if paper_points is not None:
        _add_dots(figure, paper_points)
    if paper is not None:
        figure.add_scatter(  # stands for the grey lines in the legend: their dashes are those of the coloured ones
            x=[None],
            y=[None],
            mode="lines",
            line={"color": GREY, "width": 1.5},
            name="the paper's, same dashes",
            legendrank=2,
        )
    for frame, is_paper in ((paper, True), (ours, False)):
        if frame is None:
            continue
        for model in (model for model in MODELS if model in set(frame["model"])):
            curve = _thinned(frame[frame["model"] == model].sort_values("n_samples"))
            _add_curve(figure, curve, model, is_paper)
    figure.update_xaxes(title={"text": "training samples of one person"}, rangemode="tozero")
    figure.update_yaxes(title={"text": "accuracy"}, tickformat=".0%", range=[0, 1])
    return Figure(figure, accuracy_sentence(ours, paper, at))


def _add_dots(figure: go.Figure, points: pd.DataFrame) -> None:
    figure.add_scatter(
        x=points["n_samples"].tolist(),
        y=points["accuracy"].round(3).tolist(),
        mode="markers",
        marker={"color": GREY, "size": 4, "opacity": 0.4},
        name="the paper's people",
        legendrank=3,
        hoverinfo="skip",
    )


def _add_curve(figure: go.Figure, curve: pd.DataFrame, model: str, is_paper: bool) -> None:
    style = model_style(model)
    colour = GREY if is_paper else style["line"]["color"]
    name = f"{model}, paper" if is_paper else model
    x = curve["n_samples"].tolist()
    add_band(figure, x, curve, colour, name)
    has_marks = not is_paper and len(curve) <= 20  # on a full curve they would hide the line
    figure.add_scatter(
        x=x,
        y=curve["accuracy"].tolist(),
        name=name,
        legendgroup=name,
        legendrank=1,
        showlegend=not is_paper,
        mode="lines+markers" if has_marks else "lines",
        line={**style["line"], "color": colour, "width": 1.5 if is_paper else 2.5},
        marker={**style["marker"], "color": colour},
        hovertemplate=f"{name}: %{{y:.1%}} at %{{x}} samples<extra></extra>",
    )


def _thinned(curve: pd.DataFrame) -> pd.DataFrame:
    """Every so many rows of a long curve, its first and last among them."""
    if len(curve) <= MOST_POINTS:
        return curve
    return curve.iloc[np.unique(np.linspace(0, len(curve) - 1, MOST_POINTS).round().astype(int))]


def accuracy_sentence(ours: pd.DataFrame, paper: pd.DataFrame | None, at: int) -> str:
    """At 20 samples we measure shared 73%, personal 80%; the paper shows shared 55%, personal 55%."""
    text = f"At {at} samples we measure {_listed_at(ours, at)}"
    return f"{text}." if paper is None else f"{text}; the paper shows {_listed_at(paper, at)}."


def _listed_at(frame: pd.DataFrame, at: int) -> str:
    values = []
    for model in (model for model in MODELS if model in set(frame["model"])):
        curve = frame[frame["model"] == model].groupby("n_samples", sort=True)["accuracy"].mean()
        value = np.interp(at, curve.index.to_numpy(dtype=float), curve.to_numpy(dtype=float), left=np.nan, right=np.nan)
        if np.isfinite(value):
            values.append(f"{model} {percent(float(value))}")
    return ", ".join(values) or "nothing at that size"


def gain_of_each_person(curve: pd.DataFrame, at: int, highlight: int | None = None) -> Figure:
    """Personal minus shared accuracy of each person, a thin line each; those worse off at `at` samples stand out.

    curve: user, n_samples, model ("shared", "personal"), accuracy, as learning_curve or a stored grid has them.
    """
    need_columns(curve, ("user", "n_samples", "model", "accuracy"), "gain_of_each_person")
    if "folds" in curve:  # folds differ by a window or two, and at the end a mean over fewer of them would jump
        curve = curve[curve["folds"] == curve.groupby("user")["folds"].transform("max")]
    table = user_means(curve)
    gains = (table["personal"] - table["shared"]).dropna().unstack("user").sort_index()
    found = paired_gain(curve, at)
    harmed = set(found.harmed)
    figure = new_figure("Who gains, and who loses", 460, WITH_LEGEND)
    groups: dict[str, tuple[str, list[Any]]] = {
        "better off": (GREY, [user for user in gains if user not in harmed]),
        f"worse off at {at} samples": (VERMILION, [user for user in gains if user in harmed]),
    }
    for name, (colour, users) in groups.items():
        for first, user in enumerate(users):
            line = _thinned(gains[user].dropna().to_frame("gain").reset_index())
            figure.add_scatter(
                x=line["n_samples"].tolist(),
                y=line["gain"].round(4).tolist(),
                mode="lines",
                line={"color": faded(colour, 0.7), "width": 1},
                name=name,
                legendgroup=name,
                showlegend=first == 0,
                hovertemplate=f"person {user}: %{{y:+.1%}} at %{{x}} samples<extra></extra>",
            )
    shared_by_few = gains.notna().sum(axis=1) < min(FEWEST, gains.shape[1])
    mean = _thinned(gains.mean(axis=1)[~shared_by_few].to_frame("gain").reset_index())
    figure.add_scatter(
        x=mean["n_samples"].tolist(),
        y=mean["gain"].tolist(),
        mode="lines",
        line={"color": GREEN, "width": 3},
        name="mean",
        hovertemplate="mean: %{y:+.1%} at %{x} samples<extra></extra>",
    )
    if highlight is not None and highlight in gains:
        own = _thinned(gains[highlight].dropna().to_frame("gain").reset_index())
        figure.add_scatter(
            x=own["n_samples"].tolist(),
            y=own["gain"].tolist(),
            mode="lines",
            line={"color": INK, "width": 2.5, "dash": "dot"},
            name=f"you (person {highlight})",
        )
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    figure.add_vline(x=at, line={"color": VERMILION, "width": 1, "dash": "dot"})
    figure.update_xaxes(title={"text": "training samples of one person"}, rangemode="tozero")
    figure.update_yaxes(title={"text": "personal minus shared accuracy"}, tickformat="+.0%")
    worst = f" The worst off is person {found.harmed[0]} ({100 * found.by_user.min():+.0f} points)." if harmed else ""
    return Figure(figure, f"At {at} samples personalising changes accuracy by {found}.{worst}")


def gain_by_split(gains: pd.DataFrame, title: str = "The same training, tested in other ways") -> Figure:
    """Mean gain of personal over shared against the number of samples, a line a way to split, whiskers its interval.

    gains: split, n_samples, mean, low, high, harmed (number of people), users. The sentence reads the largest size that
    every split has.
    """
    need_columns(gains, ("split", "n_samples", "mean", "low", "high", "harmed", "users"), "gain_by_split")
    figure = new_figure(title, 420, WITH_LEGEND)
    splits = list(dict.fromkeys(gains["split"]))
    for place, split in enumerate(splits):
        rows = gains[gains["split"] == split].sort_values("n_samples")
        colour, symbol = OTHERS[place % len(OTHERS)]
        figure.add_scatter(
            x=(rows["n_samples"] + 0.4 * (place - 1)).tolist(),  # side by side, so that whiskers can be told apart
            y=rows["mean"].tolist(),
            error_y=error_bars(rows["mean"], rows["low"], rows["high"], thickness=1.5, width=5),
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"color": colour, "symbol": symbol, "size": 9},
            name=split,
            customdata=np.stack([rows["harmed"], rows["users"]], 1).tolist(),
            hovertemplate=f"{split}: %{{y:+.1%}}, worse for %{{customdata[0]}} of %{{customdata[1]}}<extra></extra>",
        )
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    figure.update_xaxes(title={"text": "training samples of one person"}, rangemode="tozero")
    figure.update_yaxes(title={"text": "personal minus shared (95% interval)"}, tickformat="+.0%")
    sizes = set.intersection(*(set(gains.loc[gains["split"] == split, "n_samples"]) for split in splits))
    at = max(sizes) if sizes else None
    rows = gains[gains["n_samples"] == at]
    parts = [
        f"{row['split']} {100 * row['mean']:+.1f} points ({row['harmed']} of {row['users']} worse off)"
        for _, row in rows.iterrows()
    ]
    return Figure(figure, f"At {at} samples personalising changes accuracy, by split: {'; '.join(parts)}.")
