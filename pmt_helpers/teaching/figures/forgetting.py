"""What holding personal training back costs in what was seen, and saves in what was not. Notebook 02, step 6."""

import pandas as pd

from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.template import (
    GREY,
    OTHERS,
    WITH_LEGEND,
    model_style,
    need_columns,
    new_figure,
    percent,
)


def trade_off(ways: pd.DataFrame, known: str, new: str) -> Figure:
    """A point a way to personalise: accuracy where the person has trained, and where they have not; a line a family.

    ways: way, family, known, new (accuracies). The ways "shared" and "personal" (plain retraining) are the two ends.
    known, new: what the two axes test on, in words.
    """
    need_columns(ways, ("way", "family", "known", "new"), "trade_off")
    figure = new_figure("What a cure saves and costs", 460, WITH_LEGEND)
    ends = {name: ways[ways["way"] == name].iloc[0] for name in ("personal", "shared")}
    families = [family for family in dict.fromkeys(ways["family"]) if family not in ends]
    for place, family in enumerate(families):
        rows = ways[ways["family"] == family]
        colour, symbol = OTHERS[place % len(OTHERS)]
        path = pd.concat([ends["personal"].to_frame().T, rows])
        figure.add_scatter(
            x=path["known"].tolist(),
            y=path["new"].tolist(),
            mode="lines+markers+text",
            text=["", *(way.removeprefix(family).strip() for way in rows["way"])],
            textposition="top center",
            line={"color": colour, "width": 1.5, "dash": "dot"},
            marker={"color": colour, "symbol": symbol, "size": 9},
            name=family,
            hovertext=["", *rows["way"]],
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
    return Figure(figure, trade_off_sentence(ways, known, new))


def trade_off_sentence(ways: pd.DataFrame, known: str, new: str) -> str:
    """Where the two ends lie, and which cure keeps most of both."""
    table = ways.set_index("way")[["known", "new"]]
    best = table.drop(index=["shared", "personal"]).sum(axis=1).idxmax()
    listed = [
        f"{name} {percent(table['known'][name])} and {percent(table['new'][name])}"
        for name in ("shared", "personal", str(best))
    ]
    return f"Accuracy {known} and {new}: {'; '.join(listed)} (of the cures, the best of both together)."
