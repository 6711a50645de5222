"""What poison does to models, what repairs them, and what a defence costs. Notebook 04."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

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


def poisoned_models(rows: pd.DataFrame, clean: Mapping[str, float], title: str = "Poison, kind by kind") -> Figure:
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
        texts.append(f"{model} {percent(clean[model])} clean, {percent(lowest)} at worst ({KINDS[worst]})")
    labels = [KINDS[kind].replace(" ", "<br>") for kind in kinds]
    figure.update_xaxes(tickvals=list(range(len(kinds))), ticktext=labels, tickfont={"size": 12})
    style.accuracy_axis(figure)
    return Figure(figure, f"{'; '.join(texts)}.".capitalize())


def healing(curves: Mapping[str, pd.DataFrame]) -> Figure:
    """Personal accuracy against clean windows of one's own, a line per poisoning of the shared model; 0 is that model.

    curves: by name, n_samples, accuracy, and if known accuracy_se (two of them are drawn); the first is the clean one.
    """
    figure = style.new_figure("Clean windows heal", 440, style.WITH_LEGEND)
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
        texts.append(f"{name} {percent(first['accuracy'])} to {percent(last['accuracy'])}")
    figure.update_xaxes(title_text="clean windows at home (0: the shared model)", rangemode="tozero")
    style.accuracy_axis(figure, range=None)
    sizes = f"From {first['n_samples']:.0f} to {last['n_samples']:.0f} clean windows"
    return Figure(figure, f"{sizes}: {'; '.join(texts)}.")


def defences(table: pd.DataFrame, attack: str, title: str = "What a defence saves and costs") -> Figure:
    """A point per defence: accuracy on clean data, and under an attack, with two standard errors over people.

    table: defence, clean, clean_se, attacked, attacked_se. The row "none" is no defence.
    """
    need_columns(table, ("defence", "clean", "clean_se", "attacked", "attacked_se"), "defences")
    figure = style.new_figure(title, 460, style.WITH_LEGEND)
    colours = [style.GREY, *(colour for colour, _ in style.OTHERS), style.BLUE, style.VERMILION, style.GREEN]
    symbols = ("circle", "square", "diamond", "triangle-up", "x", "star", "triangle-down")
    rows = table.to_dict("records")
    for place, row in enumerate(rows):
        marker = {"color": colours[place % len(colours)], "size": 12, "symbol": symbols[place % len(symbols)]}
        name = "no defence" if row["defence"] == "none" else row["defence"]
        bars = (style.symmetric_bars([2 * row[column]], thickness=1, width=3) for column in ("clean_se", "attacked_se"))
        options: dict[str, Any] = dict(zip(("error_x", "error_y"), bars, strict=True))
        options["hovertemplate"] = f"{row['defence']}: %{{x:.1%}} clean, %{{y:.1%}} attacked<extra></extra>"
        style.add_series(figure, [row["clean"]], [row["attacked"]], name, {"marker": marker}, **options)
    figure.update_xaxes(title_text="accuracy when nobody lies", tickformat=".0%")
    figure.update_yaxes(title_text=f"accuracy, {attack}", tickformat=".0%")
    undefended = next(row for row in rows if row["defence"] == "none")
    best = max((row for row in rows if row["defence"] != "none"), key=lambda row: row["attacked"])
    text = f"Without defence {percent(undefended['clean'])} when nobody lies and {percent(undefended['attacked'])} "
    text += f"under attack; with the best ({best['defence']}) {percent(best['clean'])} and {percent(best['attacked'])}."
    return Figure(figure, text)


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
        texts.append(f"{name} {percent(line['mean'].iloc[0])} to {percent(line['mean'].iloc[-1])}")
    figure.update_xaxes(title_text="crafted documents among the public ones", rangemode="tozero")
    figure.update_yaxes(title_text="p(evil word | target word)", tickformat=".0%", rangemode="tozero")
    return Figure(figure, f"From none to {int(undefended['crafted'].max())} crafted documents: {'; '.join(texts)}.")
