"""Accuracy, and what personalising gains, against the number of labelled samples. Notebook 02."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pmt_helpers.activity.evaluation import paired_gain, user_means
from pmt_helpers.teaching.figures import style
from pmt_helpers.teaching.figures.style import Figure, need_columns, percent

MOST_POINTS = 60  # of a line; more cannot be told apart
MIN_PEOPLE = 5  # whose mean is drawn: the mean of fewer jumps when one of them leaves
AT = 20  # samples, where curves are read
SAMPLES = "training samples of one person"


def accuracy_by_samples(
    ours: pd.DataFrame,
    paper: pd.DataFrame | None = None,
    paper_points: pd.DataFrame | None = None,
    title: str = "The more samples, the better?",
) -> Figure:
    """Accuracy against the number of training samples: ours in colour, the paper's digitised figure in grey behind.

    Parameters
    ----------
    ours, paper : frames with model, n_samples, accuracy, and if known lower and upper, drawn as a band
    paper_points : the same without bands, drawn as faint dots, one per person and size
    title : of the figure; the sentence reads the curves at AT samples
    """
    for frame in (ours, paper, paper_points):
        if frame is not None:
            need_columns(frame, ("model", "n_samples", "accuracy"), "accuracy_by_samples")
    figure = style.new_figure(title, 440, style.WITH_LEGEND + style.LINE)
    if paper_points is not None:
        x, y = paper_points["n_samples"], paper_points["accuracy"].round(3)
        dots = {"marker": {"color": style.GREY, "size": 4, "opacity": 0.4}}
        style.add_series(figure, x, y, "people in the paper", dots, legendrank=3, hoverinfo="skip")
    if paper is not None:
        # stands for the grey lines in the legend: their dashes are those of the coloured ones
        look = {"color": style.GREY, "width": 1.5}
        figure.add_scatter(x=[None], y=[None], mode="lines", line=look, name="the paper (same dashes)", legendrank=2)
        _add_curves(figure, paper, is_paper=True)
    _add_curves(figure, ours, is_paper=False)
    figure.update_xaxes(title_text=SAMPLES, rangemode="tozero")
    style.accuracy_axis(figure)
    text = f"Accuracy with {AT} samples: {_accuracies_at(ours, AT)}"
    return Figure(figure, f"{text}." if paper is None else f"{text}; in the paper {_accuracies_at(paper, AT)}.")


def _add_curves(figure: go.Figure, frame: pd.DataFrame, is_paper: bool) -> None:
    """A line for each model, with its band where known; the paper's in grey, thinner and not in the legend."""
    for model in style.models_in(frame):
        curve = _thinned(frame[frame["model"] == model].sort_values("n_samples"), AT)
        look = style.model_style(model)
        colour, width = (style.GREY, 1.5) if is_paper else (look["line"]["color"], 2.5)
        line, marker = {**look["line"], "color": colour, "width": width}, {**look["marker"], "color": colour}
        name = f"{model}, paper" if is_paper else model
        style.add_band(figure, curve["n_samples"].tolist(), curve, colour, name)
        has_marks = not is_paper and len(curve) <= 20  # on a full curve they would hide the line
        options: dict[str, Any] = {"legendgroup": name, "legendrank": 1, "showlegend": not is_paper}
        options["mode"] = "lines+markers" if has_marks else "lines"
        x, y, look = curve["n_samples"], curve["accuracy"], {"line": line, "marker": marker}
        style.add_series(figure, x, y, name, look, "%{y:.1%} at %{x} samples", **options)


def _thinned(curve: pd.DataFrame, at: int) -> pd.DataFrame:
    """At most MOST_POINTS rows of a long curve, evenly spaced; among them its first, its last and what is read off."""
    if len(curve) <= MOST_POINTS:
        return curve
    even = np.linspace(0, len(curve) - 1, MOST_POINTS - 1).round().astype(int)
    return curve.iloc[np.union1d(even, np.flatnonzero(curve["n_samples"] == at))]


def _accuracies_at(frame: pd.DataFrame, at: int) -> str:
    """Each model's mean accuracy at this size, between two sizes by a straight line."""
    texts = []
    for model in style.models_in(frame):
        curve = frame[frame["model"] == model].groupby("n_samples", sort=True)["accuracy"].mean()
        value = np.interp(at, curve.index.to_numpy(dtype=float), curve.to_numpy(dtype=float), left=np.nan, right=np.nan)
        if np.isfinite(value):
            texts.append(f"{model} {percent(float(value))}")
    return ", ".join(texts) or "nothing at that size"


def gain_of_each_person(curve: pd.DataFrame, at: int, highlight: int | None = None) -> Figure:
    """Personal minus shared accuracy of each person, a thin line each; those worse off at `at` samples stand out.

    curve: user, n_samples, model ("shared", "personal"), accuracy, as learning_curve or a stored grid has them.
    """
    need_columns(curve, ("user", "n_samples", "model", "accuracy"), "gain_of_each_person")
    if "folds" in curve:  # folds differ by a window or two, and at the end a mean over fewer of them would jump
        curve = curve[curve["folds"] == curve.groupby("user")["folds"].transform("max")]
    table = user_means(curve)
    gains = (table["personal"] - table["shared"]).dropna().unstack("user").sort_index()
    gain = paired_gain(curve, at)
    harmed = set(gain.harmed)
    figure = style.new_figure("Who gains, and who loses", 460, style.WITH_LEGEND)
    for name, colour, users in (
        ("better off", style.GREY, [user for user in gains if user not in harmed]),
        (f"worse off at {at} samples", style.VERMILION, [user for user in gains if user in harmed]),
    ):
        for place, user in enumerate(users):
            hover = f"person {user}: %{{y:+.1%}} at %{{x}} samples<extra></extra>"
            options: dict[str, Any] = {"legendgroup": name, "showlegend": place == 0, "hovertemplate": hover}
            look = {"color": style.faded(colour, 0.7), "width": 1}
            _add_gain(figure, gains[user].dropna(), at, look, name=name, **options)
    of_many = gains.notna().sum(axis=1) >= min(MIN_PEOPLE, gains.shape[1])
    mean = gains.mean(axis=1)[of_many]
    hover = "mean: %{y:+.1%} at %{x} samples<extra></extra>"
    _add_gain(figure, mean, at, {"color": style.GREEN, "width": 3}, name="mean", hovertemplate=hover)
    if highlight is not None and highlight in gains:
        look = {"color": style.INK, "width": 2.5, "dash": "dot"}
        _add_gain(figure, gains[highlight].dropna(), at, look, name=f"you (person {highlight})")
    figure.add_hline(y=0, line={"color": style.INK, "width": 1})
    figure.add_vline(x=at, line={"color": style.VERMILION, "width": 1, "dash": "dot"})
    figure.update_xaxes(title_text=SAMPLES, rangemode="tozero")
    figure.update_yaxes(title_text="personal minus shared accuracy", tickformat="+.0%")
    worst = f" Person {gain.harmed[0]} loses most ({100 * gain.by_user.min():+z.0f} points)." if harmed else ""
    return Figure(figure, f"With {at} samples, personalising changes accuracy by {gain}.{worst}")


def _add_gain(figure: go.Figure, gain: pd.Series, at: int, line: dict[str, Any], **options: Any) -> None:
    rows = _thinned(gain.to_frame("gain").reset_index(), at)
    figure.add_scatter(x=rows["n_samples"].tolist(), y=rows["gain"].tolist(), mode="lines", line=line, **options)


def gain_by_split(gains: pd.DataFrame, title: str = "The same training, tested in other ways") -> Figure:
    """Mean gain of personal over shared against the number of samples, a line per split, whiskers its interval.

    gains: split, n_samples, mean, low, high, harmed (number of people), users. The sentence reads the largest size that
    every split has.
    """
    need_columns(gains, ("split", "n_samples", "mean", "low", "high", "harmed", "users"), "gain_by_split")
    figure = style.new_figure(title, 420, style.WITH_LEGEND)
    splits = list(dict.fromkeys(gains["split"]))
    for place, split in enumerate(splits):
        rows = gains[gains["split"] == split].sort_values("n_samples")
        x = rows["n_samples"] + 0.4 * (place - 1)  # side by side, so that whiskers can be told apart
        look = style.series_style(*style.OTHERS[place % len(style.OTHERS)])
        hover, harmed = "%{y:+.1%}, worse for %{customdata[0]} of %{customdata[1]}", rows[["harmed", "users"]]
        bars = style.interval_bars(rows, "mean", "low", "high")
        style.add_series(figure, x, rows["mean"], split, look, hover, error_y=bars, customdata=harmed.values.tolist())
    figure.add_hline(y=0, line={"color": style.INK, "width": 1})
    figure.update_xaxes(title_text=SAMPLES, rangemode="tozero")
    figure.update_yaxes(title_text="personal minus shared (95% interval)", tickformat="+.0%")
    common = set.intersection(*(set(gains.loc[gains["split"] == split, "n_samples"]) for split in splits))
    at = max(common, default=None)
    texts = [
        f"{row['split']} {100 * row['mean']:+z.1f} points [{100 * row['low']:+z.1f}, {100 * row['high']:+z.1f}], "
        f"{row['harmed']} of {row['users']} worse off"
        for row in gains[gains["n_samples"] == at].to_dict("records")
    ]
    return Figure(figure, f"Change of accuracy by personalising with {at} samples [95% interval]: {'; '.join(texts)}.")


def trade_off(strategies: pd.DataFrame, known: str, new: str) -> Figure:
    """Accuracy where the person has trained, and where not: one point per strategy, one line per family.

    Parameters
    ----------
    strategies : frame with strategy, family, known, new (accuracies); "shared" and "personal" (plain retraining) are
        the two ends
    known, new : what the two axes test on, in words
    """
    need_columns(strategies, ("strategy", "family", "known", "new"), "trade_off")
    figure = style.new_figure("What a cure saves and costs", 460, style.WITH_LEGEND)
    ends = {name: strategies[strategies["strategy"] == name].iloc[0] for name in ("personal", "shared")}
    hover = "%{x:.1%} and %{y:.1%}"
    families = [family for family in dict.fromkeys(strategies["family"]) if family not in ends]
    for place, family in enumerate(families):
        rows = strategies[strategies["family"] == family]
        path = pd.concat([ends["personal"].to_frame().T, rows])
        colour, symbol = style.OTHERS[place % len(style.OTHERS)]
        look = style.series_style(colour, symbol, width=1.5)
        look["line"]["dash"] = "dot"
        side = ("top right", "bottom left")[place % 2]  # paths run side by side
        strengths = ["", *(name.removeprefix(family).strip() for name in rows["strategy"])]
        text: dict[str, Any] = {"mode": "lines+markers+text", "text": strengths, "textposition": side}
        text |= {
            "textfont": {"color": style.darkened(colour)},
            "hovertext": ["", *rows["strategy"]],
            "hovertemplate": f"%{{hovertext}}: {hover}<extra></extra>",
        }
        style.add_series(figure, path["known"], path["new"], family, look, **text)
    for name, label in (("shared", "shared: no retraining"), ("personal", "personal: plain retraining")):
        marker = {**style.model_style(name)["marker"], "size": 15, "line": {"color": style.GREY, "width": 1}}
        end = ends[name]
        style.add_series(figure, [end["known"]], [end["new"]], label, {"marker": marker}, hover)
    figure.update_xaxes(title_text=f"accuracy, {known}", tickformat=".0%")
    figure.update_yaxes(title_text=f"accuracy, {new}", tickformat=".0%")
    table = strategies.set_index("strategy")[["known", "new"]]
    best = table.drop(index=list(ends)).sum(axis=1).idxmax()
    named = {"shared": "shared", "personal": "personal", str(best): f"{best} (the best cure on both together)"}
    values = {name: f"{percent(table['known'][name])} and {percent(table['new'][name])}" for name in named}
    listed = "; ".join(f"{text} {values[name]}" for name, text in named.items())
    return Figure(figure, f"Accuracy {known} and {new}: {listed}.")
