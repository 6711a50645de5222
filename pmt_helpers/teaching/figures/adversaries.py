"""What poison does to models, what repairs them, and what a defence costs. Notebook 04."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from plotly.subplots import make_subplots

from pmt_helpers.teaching.figures import style
from pmt_helpers.teaching.figures.style import Figure, need_columns, percent

KINDS = {
    "random": "random labels",
    "pair": "two classes swapped",
    "next_likely": "next likely label",
    "least_likely": "least likely label",
    "noise": "noisy features",
    "backdoor": "backdoor",
}
CARRIERS = {"shared": "shared", "personal, started from it": "personal", "personal, prior": "prior"}


def poisoned_models(
    rows: pd.DataFrame, clean: Mapping[str, float], title: str = "Accuracy by kind of poison"
) -> Figure:
    """Accuracy of each model under each kind of poison, with two standard errors over people; clean accuracy as ticks.

    rows: kind, model, accuracy, accuracy_se, one per kind and model. clean: accuracy of each model without poison.
    """
    need_columns(rows, ("kind", "model", "accuracy", "accuracy_se"), "poisoned_models")
    figure = style.new_figure(title, 440, style.WITH_LEGEND)
    kinds = [kind for kind in KINDS if kind in set(rows["kind"])]
    models = style.models_in(rows)
    texts = []
    for place, model in enumerate(models):
        of_model = rows[rows["model"] == model].set_index("kind").reindex(kinds)
        shift = 0.3 * (place - (len(models) - 1) / 2)
        x = [number + shift for number in range(len(kinds))]
        look = {**style.model_style(model)["marker"], "size": 11}
        bars = style.symmetric_bars(2 * of_model["accuracy_se"], width=4)
        poisoned, hover = f"{model}, poisoned", f"{model}: %{{y:.1%}}<extra></extra>"
        style.add_series(figure, x, of_model["accuracy"], poisoned, {"marker": look}, error_y=bars, hovertemplate=hover)
        tick = {"color": look["color"], "symbol": "line-ew-open", "size": 22, "line": {"width": 2}}
        hover = f"{model} without poison: %{{y:.1%}}<extra></extra>"
        style.add_series(figure, x, [clean[model]] * len(x), f"{model}, clean", {"marker": tick}, hovertemplate=hover)
        worst = str(of_model["accuracy"].idxmin())
        lowest = of_model["accuracy"][worst]
        texts.append(f"{model}: {percent(clean[model])} without poison, {percent(lowest)} at worst ({KINDS[worst]})")
    labels = [KINDS[kind].replace(" ", "<br>") for kind in kinds]
    figure.update_xaxes(tickvals=list(range(len(kinds))), ticktext=labels, tickfont={"size": 12})
    style.accuracy_axis(figure)
    return Figure(figure, f"Accuracy. {style.sentences(texts)}")


def healing(curves: Mapping[str, pd.DataFrame]) -> Figure:
    """Personal accuracy against clean windows of one's own, a line per poisoning of the shared model; 0 is that model.

    curves: by name, n_samples, accuracy, and if known accuracy_se (two of them are drawn); the first is the clean one.
    """
    figure = style.new_figure("Clean windows repair it", 440, style.WITH_LEGEND)
    looks = [
        (style.INK, "circle"),
        *(look for look in style.OTHERS if look[0] != style.INK),
        (style.VERMILION, "x"),
        (style.GREY, "square"),
    ]
    texts = []
    for place, (name, frame) in enumerate(curves.items()):
        need_columns(frame, ("n_samples", "accuracy"), "healing")
        line = frame.sort_values("n_samples")
        colour, symbol = looks[place % len(looks)]
        bars = style.symmetric_bars(2 * line["accuracy_se"], thickness=1, width=3) if "accuracy_se" in line else None
        x = line["n_samples"] + 0.3 * place  # side by side, so that whiskers can be told apart
        style.add_series(figure, x, line["accuracy"], name, style.series_style(colour, symbol, size=8), error_y=bars)
        first, last = line.iloc[0], line.iloc[-1]
        texts.append(f"{name} {percent(first['accuracy'])} and {percent(last['accuracy'])}")
    figure.update_xaxes(title_text="clean windows at home (0: the shared model)")
    style.accuracy_axis(figure, range=None)
    sizes = f"Accuracy with {first['n_samples']:.0f} and with {last['n_samples']:.0f} clean windows"
    return Figure(figure, f"{sizes}: {'; '.join(texts)}.")


def defences(compared: pd.DataFrame, attack: str, title: str = "What a defence saves and costs") -> Figure:
    """How each defence changes the accuracy of no defence, without attackers and under attack; two standard errors.

    compared: rows of experiments.compare_defences for kind "none" and for one attack; the defence "none" is among them.
    The best under attack is on top. attack: its name, for the sentence.
    """
    need_columns(compared, ("kind", "defence", "accuracy", "change", "change_se", "losers"), "defences")
    panels = [
        compared[(compared["kind"] == "none") == clean].set_index("defence").sort_values("change")
        for clean in (True, False)
    ]
    before = [percent(panel["accuracy"]["none"]) for panel in panels]
    clean, attacked = (panel.drop(index="none") for panel in panels)
    names = ("without attackers", "under attack")
    heads = [f"{name}<br>no defence: {accuracy}" for name, accuracy in zip(names, before, strict=True)]
    options: dict[str, Any] = {"shared_xaxes": "all", "shared_yaxes": True, "horizontal_spacing": 0.1}
    figure = style.dress(make_subplots(1, 2, subplot_titles=heads, **options), title, 420, style.WITH_LEGEND)
    figure.update_annotations(font_size=14)  # the heads
    for column, panel in enumerate((clean.reindex(attacked.index), attacked), start=1):
        look = {"marker": {"color": style.MODEL_COLOURS["shared"], "size": 10}}
        bars = style.symmetric_bars(200 * panel["change_se"], width=4)
        shown: dict[str, Any] = {"error_x": bars, "showlegend": False, "customdata": panel["losers"].tolist()}
        shown["hovertemplate"] = "%{y}: %{x:+.1f} points, %{customdata} worse off<extra></extra>"
        rows = [name.replace(": ", ":<br>") for name in panel.index]
        style.add_series(figure, 100 * panel["change"], rows, names[column - 1], look, row=1, col=column, **shown)
    figure.update_xaxes(title_text="change, points", zeroline=True, zerolinecolor=style.INK, zerolinewidth=1.5)
    best = attacked.index[-1]
    change = [f"{100 * panel['change'][best]:+.1f}" for panel in (clean, attacked)]
    return Figure(
        figure,
        f"Accuracy with no defence: {before[0]} without attackers, {before[1]} under attack ({attack}). The best "
        f"defence under attack ({best}) changes this by {change[0]} and {change[1]} points. People worse off: "
        f"{clean['losers'][best]} without attackers, {attacked['losers'][best]} under attack.",
    )


def crafted_documents(rows: pd.DataFrame) -> Figure:
    """p(evil | target) by number of crafted documents, in shared topics and in what a home makes of them.

    rows: as `attacks.poison_topics` gives them, of several seeds; the longest documents are drawn, with the least and
    the most over seeds. What repeats are capped to is drawn where there is a row of it.
    """
    need_columns(rows, ("seed", "crafted", "length", "defence", "model", "association"), "crafted_documents")
    figure = style.new_figure("Crafted documents", 440, style.WITH_LEGEND)
    longest = (rows["length"] == rows["length"].max()) | (rows["crafted"] == 0)
    undefended = rows[(rows["defence"] == "none") & longest]
    capped = rows[(rows["defence"] != "none") & (rows["model"] == "shared")]
    groups = {name: undefended[undefended["model"] == model] for name, model in CARRIERS.items()}
    texts = []
    for place, (name, group) in enumerate({**groups, "shared, capped": capped}.items()):
        if group.empty:
            continue
        line = group.groupby("crafted")["association"].agg(["mean", "min", "max"])
        bars = style.interval_bars(line, "mean", "min", "max", thickness=1, width=3)
        look = style.model_style(CARRIERS.get(name, name), place)
        style.add_series(figure, line.index + 0.06 * place, line["mean"], name, look, error_y=bars)
        texts.append(f"{name}: {percent(line['mean'].iloc[0])} and {percent(line['mean'].iloc[-1])}")
    figure.update_xaxes(title_text="crafted documents among the public ones")
    figure.update_yaxes(title_text="p(attached word | target word)", tickformat=".0%")
    numbers = f"with none and with {int(undefended['crafted'].max())} crafted documents"
    return Figure(figure, f"Probability of the attached word, {numbers}. {style.sentences(texts)}")
