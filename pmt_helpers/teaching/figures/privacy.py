"""What attacks read from a model, and what privacy costs. Notebook 05."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from plotly.subplots import make_subplots

from pmt_helpers.teaching.figures import style
from pmt_helpers.teaching.figures.style import Figure, need_columns, percent

RATES = (0.001, 0.01, 0.1, 1)
PROTECTED = {  # by each level, and the look of its lines
    "example": ("window", "solid", ""),
    "user": ("volunteer", "dot", "-open"),
    "label": ("label", "dash", "-x-open"),
}


def roc(curves: Mapping[str, pd.DataFrame]) -> Figure:
    """ROC curves on log axes, where the few certain hits show; the grey line is guessing.

    curves: by name, fpr and tpr. The sentence reads the true positives at 1% false ones.
    """
    figure = style.new_figure("Was this window trained on?", 460, style.WITH_LEGEND)
    ends, look = [RATES[0], 1], {"line": {"color": style.GREY, "dash": "dot"}}
    style.add_series(figure, ends, ends, "guessing", look, hoverinfo="skip", legendrank=style.PAPER_RANK)
    texts = []
    for place, (name, frame) in enumerate(curves.items()):
        need_columns(frame, ("fpr", "tpr"), "roc")
        drawn = frame[(frame["fpr"] >= RATES[0]) & (frame["tpr"] > 0)].sort_values("fpr")
        line = style.model_style(name.split(",")[0], place)["line"]
        if "," in name:  # several curves of one model
            line["dash"] = ("solid", "dash", "dot")[place % 3]
        hover = "finds %{y:.1%} at %{x:.1%} false alarms"
        style.add_series(figure, drawn["fpr"], drawn["tpr"], name, {"line": line}, hover)
        reached = frame.loc[frame["fpr"] <= 0.01, "tpr"].max()
        texts.append(f"{name} {percent(0.0 if np.isnan(reached) else reached)}")
    axis = {"type": "log", "range": [-3, 0], "tickvals": RATES, "ticktext": [f"{100 * rate:g}%" for rate in RATES]}
    figure.update_xaxes(title_text="false alarms", **axis)
    figure.update_yaxes(title_text="members found", **axis)
    return Figure(figure, f"Members found at 1% false alarms: {'; '.join(texts)}.")


def accuracy_by_epsilon(costs: Mapping[str, pd.DataFrame], title: str = "What privacy costs") -> Figure:
    """Accuracy by epsilon, a line per model and level of protection, with intervals over people.

    costs: by level, as in PROTECTED: epsilon, model ("shared", "personal", "local"), accuracy, lower, upper. The local
    model needs nobody else's data: it is the line that a private download has to beat.
    """
    figure = style.new_figure(title, 460, style.WITH_LEGEND)
    texts = []
    for level, frame in costs.items():
        need_columns(frame, ("epsilon", "model", "accuracy", "lower", "upper"), "accuracy_by_epsilon")
        unit, dash, fill = PROTECTED[level]
        both: list[str] = []
        for model in ("shared", "personal"):
            line = frame[frame["model"] == model].sort_values("epsilon", ascending=False)
            names = list(map(named_epsilon, line["epsilon"]))
            look = style.model_style(model)
            look["line"]["dash"] = dash
            look["marker"]["symbol"] += fill
            options: dict[str, Any] = {
                "hovertemplate": f"{model}, {level}: %{{y:.1%}} at epsilon %{{x}}<extra></extra>"
            }
            options["error_y"] = style.interval_bars(line, "accuracy", thickness=1, width=4)
            style.add_series(figure, names, line["accuracy"], f"{model}, each {unit} protected", look, **options)
            both.append(f"{model} {' and '.join(percent(line['accuracy'].iloc[end]) for end in (0, -1))}")
        ends = " and ".join(f"epsilon {names[end]}".replace("epsilon no", "no") for end in (0, -1))
        texts.append(f"each {unit} protected, with {ends}: {', '.join(both)}")
    drawn: list[list[float]] = []
    for level, frame in costs.items():
        alone = frame[frame["model"] == "local"].sort_values("epsilon", ascending=False)
        if alone["accuracy"].tolist() in drawn:
            continue
        drawn.append(alone["accuracy"].tolist())
        name = "local, trained alone" + ", volunteers' scaler" * (level == "label")  # only their labels are hidden
        look, hover = style.model_style("local"), "local: %{y:.1%} at every epsilon<extra></extra>"
        look["marker"]["symbol"] += PROTECTED[level][2]
        names = list(map(named_epsilon, alone["epsilon"]))
        style.add_series(figure, names, alone["accuracy"], name, look, hovertemplate=hover)
        texts.append(f"{name}: {percent(alone['accuracy'].iloc[0])}")
    figure.update_xaxes(title_text="epsilon (smaller protects more)", type="category")
    style.accuracy_axis(figure)
    return Figure(figure, f"Accuracy. {style.sentences(texts)}")


def named_epsilon(epsilon: float) -> str:
    """An epsilon as a reader sees it."""
    return "no noise" if np.isinf(epsilon) else f"{epsilon:g}"


def utility_and_leakage(cost: pd.DataFrame, attacks: pd.DataFrame, level: str) -> pd.DataFrame:
    """Rows for `accuracy_and_attack` at every epsilon that both know.

    Parameters
    ----------
    cost : as privacy_cost gives it; the models with the most windows count
    attacks : level, epsilon, game, attack ("lira" counts, the strongest), auc, auc_low, auc_high
    level : of protection, "example" or "user"
    """
    need_columns(cost, ("epsilon", "model", "n_samples", "accuracy", "lower", "upper"), "utility_and_leakage")
    need_columns(attacks, ("level", "epsilon", "game", "attack", "auc", "auc_low", "auc_high"), "utility_and_leakage")
    utility = cost[(cost["n_samples"] == cost["n_samples"].max()) & cost["model"].isin(("shared", "personal"))]
    utility = utility.rename(columns={"model": "name", "accuracy": "value"}).assign(panel="accuracy")
    leakage = attacks[(attacks["level"] == level) & (attacks["attack"] == "lira")].assign(panel="attack")
    leakage = leakage.rename(columns={"game": "name", "auc": "value", "auc_low": "lower", "auc_high": "upper"})
    columns = ["epsilon", "panel", "name", "value", "lower", "upper"]
    rows = pd.concat([utility[columns], leakage[columns]])
    both = set(utility["epsilon"]) & set(leakage["epsilon"])
    return rows[rows["epsilon"].isin(both)].reset_index(drop=True)


def accuracy_and_attack(rows: pd.DataFrame) -> Figure:
    """Two panels of one epsilon: how accurate the models are, and how well the attacks tell members.

    rows: panel ("accuracy" | "attack"), name, value, lower, upper; for an attack, one half is guessing.
    """
    need_columns(rows, ("panel", "name", "value", "lower", "upper"), "accuracy_and_attack")
    rows = rows[rows["panel"].isin(("accuracy", "attack"))]
    counts = [max(1, (rows["panel"] == panel).sum()) for panel in ("accuracy", "attack")]
    panels = make_subplots(2, 1, vertical_spacing=0.28, row_heights=counts)
    figure = style.dress(panels, "Accuracy and attack", 210 + 42 * sum(counts))
    for row, panel, label in ((1, "accuracy", "accuracy"), (2, "attack", "attack's AUC (one half is guessing)")):
        of_panel = rows[rows["panel"] == panel]
        names = of_panel["name"].tolist()
        colours = [style.MODEL_COLOURS.get(name, style.PURPLE) for name in names]
        look: dict[str, Any] = {"orientation": "h", "hovertemplate": "%{y}: %{x:.3f}<extra></extra>"}
        look |= {"error_x": style.interval_bars(of_panel, "value"), "marker": {"color": colours}, "showlegend": False}
        figure.add_bar(y=names, x=of_panel["value"].tolist(), row=row, col=1, **look)
        figure.update_xaxes(title_text=label, range=[0, 1], row=row, col=1)
    figure.update_yaxes(autorange="reversed")
    figure.add_vline(x=0.5, line={"color": style.VERMILION, "dash": "dot", "width": 2}, row=2, col=1)
    listed = {
        panel: ", ".join(f"{name} {value:.2f}" for name, value in zip(part["name"], part["value"], strict=True))
        for panel, part in rows.groupby("panel", sort=False)
    }
    heads = {"accuracy": "accuracy", "attack": "AUC of the attack"}
    return Figure(figure, style.sentences(f"{heads[str(panel)]}: {text}" for panel, text in listed.items()))


def unlearning(tables: Mapping[str, pd.DataFrame], title: str = "When a volunteer has left") -> Figure:
    """Share of what a model knew of volunteers that is gone after further steps without them; 95% intervals.

    tables: by data set, as `unlearning_by_steps` gives them. Retraining from scratch takes a training's steps and
    leaves nothing.
    """
    figure = style.new_figure(title, 420, style.WITH_LEGEND)
    look = {"line": {"color": style.GREY, "dash": "dash"}, "marker": {"color": style.GREY, "size": [0, 12]}}
    name, hover = "retrained from scratch", "all of it, after 100% of the steps"
    style.add_series(figure, [0, 1], [1, 1], name, look, hover, legendrank=style.PAPER_RANK)
    texts = []
    for place, (name, table) in enumerate(tables.items()):
        need_columns(table, ("more", "share", "lower", "upper", "median", "auc", "remembered", "users"), "unlearning")
        look, bars = style.series_style(*style.OTHERS[place % len(style.OTHERS)]), style.interval_bars(table, "share")
        x = table["more"] + 0.015 * place  # side by side, so that whiskers can be told apart
        style.add_series(figure, x, table["share"], name, look, "%{y:.0%} closed", error_y=bars)
        last = table.sort_values("more").iloc[-1]
        ends, median = f"{percent(last['lower'])} to {percent(last['upper'])}", percent(last["median"])
        known = f"the loss is still lower for {last['remembered']:.0f} of {last['users']:.0f} people"
        texts.append(f"on {name}: {percent(last['share'])} (95% interval {ends}, median person {median})")
        texts.append(f"{known}, and the AUC of an attack is {last['auc']:.2f}")
        most = percent(last["more"])
    figure.add_hline(y=0, line={"color": style.INK, "width": 1})
    figure.update_xaxes(title_text="further steps, as a share of the training", tickformat=".0%")
    figure.update_yaxes(title_text="share of the loss gap closed", tickformat=".0%")
    texts = [f"share of the loss gap that {most} more steps close", *texts]
    return Figure(
        figure, style.sentences([*texts, "retraining from scratch takes 100% of the steps and closes all of it"])
    )
