"""What a model gives away about its data, and what differential privacy hides at what price. Notebook 04."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.template import (
    GREY,
    OTHERS,
    VERMILION,
    WITH_LEGEND,
    error_bars,
    model_style,
    need_columns,
    new_figure,
    percent,
)

RATES = (0.001, 0.01, 0.1, 1)


def roc(curves: Mapping[str, pd.DataFrame], title: str = "Was this window used?") -> Figure:
    """ROC curves on log axes, where the few certain hits show; the grey line is guessing.

    curves: by name, fpr and tpr. The sentence reads the true positives at 1% false ones.
    """
    figure = new_figure(title, 460, WITH_LEGEND)
    figure.add_scatter(
        x=[RATES[0], 1], y=[RATES[0], 1], mode="lines", line={"color": GREY, "dash": "dot"}, name="guessing",
        hoverinfo="skip", legendrank=2000,
    )  # fmt: skip
    texts = []
    for place, (name, frame) in enumerate(curves.items()):
        need_columns(frame, ("fpr", "tpr"), "roc")
        line = frame[(frame["fpr"] >= RATES[0]) & (frame["tpr"] > 0)].sort_values("fpr")
        style = model_style(name.split(",")[0], place)
        dash = {"dash": ("solid", "dash", "dot")[place % 3]} if "," in name else {}
        figure.add_scatter(
            x=line["fpr"].tolist(),
            y=line["tpr"].tolist(),
            mode="lines",
            line={**style["line"], **dash},
            name=name,
            hovertemplate=f"{name}: finds %{{y:.1%}} at %{{x:.1%}} false alarms<extra></extra>",
        )
        reached = frame[frame["fpr"] <= 0.01]
        texts.append(f"{name} {percent(float(reached['tpr'].max()) if len(reached) else 0.0)}")
    ticks = {"type": "log", "tickvals": list(RATES), "ticktext": [f"{100 * rate:g}%" for rate in RATES]}
    figure.update_xaxes(title={"text": "false alarms"}, range=[-3, 0], **ticks)
    figure.update_yaxes(title={"text": "members found"}, range=[-3, 0], **ticks)
    return Figure(figure, f"Members found at 1% false alarms: {'; '.join(texts)}.")


def privacy_price(costs: Mapping[str, pd.DataFrame], title: str = "What privacy costs") -> Figure:
    """Accuracy by epsilon, a line a model and level of protection, with intervals over people.

    costs: by level ("example", "user"): epsilon, model ("shared", "personal"), accuracy, lower, upper.
    """
    figure = new_figure(title, 460, WITH_LEGEND)
    texts = []
    for level, frame in costs.items():
        need_columns(frame, ("epsilon", "model", "accuracy", "lower", "upper"), "privacy_price")
        for model in ("shared", "personal"):
            line = frame[frame["model"] == model].sort_values("epsilon", ascending=False)
            style = model_style(model)
            whole = level == "user"
            figure.add_scatter(
                x=[named_epsilon(epsilon) for epsilon in line["epsilon"]],
                y=line["accuracy"].tolist(),
                error_y=error_bars(line["accuracy"], line["lower"], line["upper"], thickness=1, width=4),
                mode="lines+markers",
                line={**style["line"], "dash": "dot" if whole else "solid"},
                marker={**style["marker"], "symbol": style["marker"]["symbol"] + ("-open" if whole else "")},
                name=f"{model}, each {'volunteer' if whole else 'window'} protected",
                hovertemplate=f"{model}, {level}: %{{y:.1%}} at epsilon %{{x}}<extra></extra>",
            )  # fmt: skip
            first, last = line.iloc[0], line.iloc[-1]
            texts.append(
                f"{model} ({level}) {percent(first['accuracy'])} to {percent(last['accuracy'])} "
                f"from epsilon {named_epsilon(first['epsilon'])} to {named_epsilon(last['epsilon'])}"
            )
    figure.update_xaxes(title={"text": "epsilon (smaller protects more)"}, type="category")
    figure.update_yaxes(title={"text": "accuracy"}, tickformat=".0%", range=[0, 1])
    return Figure(figure, f"{'; '.join(texts)}.".capitalize())


def named_epsilon(epsilon: float) -> str:
    """An epsilon as a reader sees it."""
    return "no noise" if np.isinf(epsilon) else f"{epsilon:g}"


def useful_and_telling(cost: pd.DataFrame, attacks: pd.DataFrame, level: str) -> pd.DataFrame:
    """Rows for `accuracy_and_attack` at every epsilon that both know.

    cost: as privacy_cost gives it. attacks: level, epsilon, game, attack ("calibrated" counts), auc, auc_low, auc_high.
    """
    need_columns(cost, ("epsilon", "model", "n_samples", "accuracy", "lower", "upper"), "useful_and_telling")
    need_columns(attacks, ("level", "epsilon", "game", "attack", "auc", "auc_low", "auc_high"), "useful_and_telling")
    most = cost[cost["n_samples"] == cost["n_samples"].max()]
    useful = most[most["model"].isin(("shared", "personal"))].rename(columns={"model": "name", "accuracy": "value"})
    chosen = attacks[(attacks["level"] == level) & (attacks["attack"] == "calibrated")]
    telling = chosen.rename(columns={"game": "name", "auc": "value", "auc_low": "lower", "auc_high": "upper"})
    columns = ["epsilon", "panel", "name", "value", "lower", "upper"]
    rows = pd.concat([useful.assign(panel="accuracy")[columns], telling.assign(panel="attack")[columns]])
    both = set(useful["epsilon"]) & set(telling["epsilon"])
    return rows[rows["epsilon"].isin(both)].reset_index(drop=True)


def accuracy_and_attack(rows: pd.DataFrame, title: str = "Useful, and telling") -> Figure:
    """Two panels of one epsilon: how accurate the models are, and how well the attacks tell members.

    rows: panel ("accuracy" | "attack"), name, value, lower, upper; for an attack, one half is guessing.
    """
    from plotly.subplots import make_subplots

    from pmt_helpers.teaching.figures.template import dress

    need_columns(rows, ("panel", "name", "value", "lower", "upper"), "accuracy_and_attack")
    figure = dress(make_subplots(1, 2, horizontal_spacing=0.18), title, 400)
    for column, (panel, label, bounds) in enumerate(
        (("accuracy", "accuracy", [0, 1]), ("attack", "attack's AUC", [0.4, 1])), start=1
    ):
        found = rows[rows["panel"] == panel]
        colours = [
            model_style(name)["marker"]["color"] if panel == "accuracy" else OTHERS[place % len(OTHERS)][0]
            for place, name in enumerate(found["name"])
        ]
        figure.add_bar(
            x=found["name"].tolist(),
            y=found["value"].tolist(),
            error_y=error_bars(found["value"], found["lower"], found["upper"]),
            marker={"color": colours},
            showlegend=False,
            hovertemplate="%{x}: %{y:.3f}<extra></extra>",
            row=1,
            col=column,
        )  # fmt: skip
        figure.update_yaxes(title={"text": label}, range=bounds, row=1, col=column)
    figure.add_hline(y=0.5, line={"color": VERMILION, "dash": "dot", "width": 1}, row=1, col=2)
    listed = [f"{name} {value:.2f}" for name, value in zip(rows["name"], rows["value"], strict=True)]
    return Figure(figure, f"{', '.join(listed)}.".capitalize())
