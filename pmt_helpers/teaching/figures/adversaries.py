"""What liars do to the shared model, what mends it, and what a defence costs whom. Notebook 04."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pmt_helpers.teaching.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    OTHERS,
    VERMILION,
    WITH_LEGEND,
    Figure,
    error_bars,
    model_style,
    need_columns,
    new_figure,
    percent,
)

KINDS = {
    "random": "random labels",
    "pair": "two classes swapped",
    "next_likely": "next likely label",
    "least_likely": "least likely label",
    "noise": "noisy features",
    "backdoor": "backdoor",
}


CARRIERS = {"shared": "shared", "personal, started from it": "personal", "personal, prior": "prior"}


BARS = {"shared": 0, "local": 1, "personal": 2}


def poisoned_models(rows: pd.DataFrame, clean: Mapping[str, float], title: str = "Poison, kind by kind") -> Figure:
    """Accuracy of each model under each kind of poison, with two standard errors over people; clean accuracy as ticks.

    rows: kind, model, accuracy, accuracy_se, one row a kind and model. clean: accuracy of each model without poison.
    """
    need_columns(rows, ("kind", "model", "accuracy", "accuracy_se"), "poisoned_models")
    figure = new_figure(title, 440, WITH_LEGEND)
    kinds = [kind for kind in KINDS if kind in set(rows["kind"])]
    models = [model for model in BARS if model in set(rows["model"])]
    for place, model in enumerate(models):
        found = rows[rows["model"] == model].set_index("kind").reindex(kinds)
        shift = 0.3 * (place - (len(models) - 1) / 2)
        x = [number + shift for number in range(len(kinds))]
        style = model_style(model)
        figure.add_scatter(
            x=x,
            y=found["accuracy"].tolist(),
            error_y={"type": "data", "array": (2 * found["accuracy_se"]).tolist(), "thickness": 1.5, "width": 4},
            mode="markers",
            marker={**style["marker"], "size": 11},
            name=f"{model}, poisoned",
            hovertemplate=f"{model}: %{{y:.1%}}<extra></extra>",
        )
        figure.add_scatter(
            x=x,
            y=[clean[model]] * len(x),
            mode="markers",
            marker={"color": style["line"]["color"], "symbol": "line-ew-open", "size": 22, "line": {"width": 2}},
            name=f"{model}, clean",
            hovertemplate=f"{model} without poison: %{{y:.1%}}<extra></extra>",
        )
    figure.update_xaxes(
        tickvals=list(range(len(kinds))), ticktext=[KINDS[kind].replace(" ", "<br>", 1) for kind in kinds]
    )
    figure.update_yaxes(title={"text": "accuracy"}, tickformat=".0%", range=[0, 1])
    texts = []
    for model in models:
        of_model = rows[rows["model"] == model]
        lowest, worst = min(zip(of_model["accuracy"], of_model["kind"], strict=True))
        texts.append(f"{model} {percent(clean[model])} clean, {percent(lowest)} at worst ({KINDS[worst]})")
    return Figure(figure, f"{'; '.join(texts)}.".capitalize())


def healing(curves: Mapping[str, pd.DataFrame], title: str = "Clean windows heal") -> Figure:
    """Personal accuracy against clean windows of one's own, a line a poisoning of the shared model; 0 is that model.

    curves: by name, n_samples, accuracy, and if known accuracy_se (two of them are drawn); the first is the clean one.
    """
    figure = new_figure(title, 440, WITH_LEGEND)
    styles = [(INK, "circle"), *(style for style in OTHERS if style[0] != INK), (VERMILION, "x"), (GREY, "square")]
    texts = []
    for place, (name, frame) in enumerate(curves.items()):
        need_columns(frame, ("n_samples", "accuracy"), "healing")
        line = frame.sort_values("n_samples")
        colour, symbol = styles[place % len(styles)]
        bars = (2 * line["accuracy_se"]).tolist() if "accuracy_se" in line else None
        figure.add_scatter(
            x=[size + 0.3 * place for size in line["n_samples"]],  # side by side, so that whiskers can be told apart
            y=line["accuracy"].tolist(),
            error_y={"type": "data", "array": bars, "thickness": 1, "width": 3, "visible": bars is not None},
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"color": colour, "symbol": symbol, "size": 8},
            name=name,
            hovertemplate=f"{name}: %{{y:.1%}}<extra></extra>",
        )
        first, last = line.iloc[0], line.iloc[-1]
        texts.append(f"{name} {percent(first['accuracy'])} to {percent(last['accuracy'])}")
    figure.update_xaxes(title={"text": "clean windows at home (0: the shared model)"}, rangemode="tozero")
    figure.update_yaxes(title={"text": "accuracy"}, tickformat=".0%")
    sizes = [int(size) for size in line["n_samples"].iloc[[0, -1]]]
    return Figure(figure, f"From {sizes[0]} to {sizes[1]} clean windows: {'; '.join(texts)}.")


def defences(table: pd.DataFrame, attack: str, title: str = "What a defence saves and costs") -> Figure:
    """A point a defence: accuracy when nobody lies, and under an attack, with two standard errors over people.

    table: defence, clean, clean_se, attacked, attacked_se. The row "none" is no defence.
    """
    need_columns(table, ("defence", "clean", "clean_se", "attacked", "attacked_se"), "defences")
    figure = new_figure(title, 460, WITH_LEGEND)
    colours = [GREY, *(colour for colour, _ in OTHERS), BLUE, VERMILION, GREEN]
    for place, row in enumerate(table.to_dict("records")):
        bars = {"type": "data", "thickness": 1, "width": 3}
        figure.add_scatter(
            x=[row["clean"]],
            y=[row["attacked"]],
            error_x={**bars, "array": [2 * row["clean_se"]]},
            error_y={**bars, "array": [2 * row["attacked_se"]]},
            mode="markers",
            marker={
                "color": colours[place % len(colours)],
                "size": 12,
                "symbol": ("circle", "square", "diamond", "triangle-up", "x", "star", "triangle-down")[place % 7],
            },
            name="no defence" if row["defence"] == "none" else row["defence"],
            hovertemplate=f"{row['defence']}: %{{x:.1%}} clean, %{{y:.1%}} attacked<extra></extra>",
        )
    figure.update_xaxes(title={"text": "accuracy when nobody lies"}, tickformat=".0%")
    figure.update_yaxes(title={"text": f"accuracy, {attack}"}, tickformat=".0%")
    plain = table[table["defence"] == "none"].iloc[0]
    others = table[table["defence"] != "none"].to_dict("records")
    best = max(others, key=lambda row: row["attacked"])
    text = f"Without defence {percent(plain['clean'])} when nobody lies and {percent(plain['attacked'])} under attack; "
    text += f"with the best ({best['defence']}) {percent(best['clean'])} and {percent(best['attacked'])}."
    return Figure(figure, text)


def crafted_documents(rows: pd.DataFrame, title: str = "Crafted documents") -> Figure:
    """p(evil | target) by number of crafted documents, in shared topics and in what a home makes of them.

    rows: as `attacks.poison_topics` gives them, of several seeds; the longest documents are drawn, with the least and
    the most over seeds. What repeats are capped to is drawn where there is a row of it.
    """
    need_columns(rows, ("seed", "crafted", "length", "defence", "model", "association"), "crafted_documents")
    figure = new_figure(title, 440, WITH_LEGEND)
    plain = rows[(rows["defence"] == "none") & ((rows["length"] == rows["length"].max()) | (rows["crafted"] == 0))]
    capped = rows[(rows["defence"] != "none") & (rows["model"] == "shared")]
    lines = {name: plain[plain["model"] == model] for name, model in CARRIERS.items()} | {"shared, capped": capped}
    texts = []
    for place, (name, found) in enumerate(lines.items()):
        if found.empty:
            continue
        line = found.groupby("crafted")["association"].agg(["mean", "min", "max"])
        style = model_style(CARRIERS.get(name, name), place)
        figure.add_scatter(
            x=[number + 0.06 * place for number in line.index],
            y=line["mean"].tolist(),
            error_y=error_bars(line["mean"], line["min"], line["max"], thickness=1, width=3),
            mode="lines+markers",
            line=style["line"],
            marker=style["marker"],
            name=name,
            hovertemplate=f"{name}: %{{y:.1%}}<extra></extra>",
        )  # fmt: skip
        texts.append(f"{name} {percent(line['mean'].iloc[0])} to {percent(line['mean'].iloc[-1])}")
    figure.update_xaxes(title={"text": "crafted documents among the public ones"}, rangemode="tozero")
    figure.update_yaxes(title={"text": "p(evil word | target word)"}, tickformat=".0%", rangemode="tozero")
    return Figure(figure, f"From none to {int(plain['crafted'].max())} crafted documents: {'; '.join(texts)}.")


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

    from pmt_helpers.teaching.figures.style import dress

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
