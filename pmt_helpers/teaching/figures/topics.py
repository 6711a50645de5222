"""How well topics foretell documents that nobody trained on, by iteration and by weight of the prior. Notebook 03."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pmt_helpers.teaching.figures.style import (
    GREEN,
    GREY,
    INK,
    MODELS,
    OTHERS,
    PURPLE,
    VERMILION,
    WITH_LEGEND,
    Figure,
    add_band,
    error_bars,
    model_style,
    need_columns,
    new_figure,
)

HELD_OUT = "log2 likelihood of a held-out word"


NAMES = {"shared": "shared", "local": "local", "personal": "personal", "prior": "shared topics as prior"}


def held_out_by_iteration(frame: pd.DataFrame, title: str = "On documents nobody trained on") -> Figure:
    """Held-out likelihood after some iterations at home, a line a model, with intervals over seeds where known.

    frame: model ("shared", "local", "personal", "prior"), iteration, bits, and if known lower and upper.
    """
    need_columns(frame, ("model", "iteration", "bits"), "held_out_by_iteration")
    figure = new_figure(title, 440, WITH_LEGEND)
    for model in (model for model in NAMES if model in set(frame["model"])):
        line = frame[frame["model"] == model].sort_values("iteration")
        style = model_style(model)  # "prior" is nobody's: the first of the other series
        x = [str(iteration) for iteration in line["iteration"]]
        add_band(figure, x, line, style["line"]["color"], model)
        figure.add_scatter(
            x=x,
            y=line["bits"].tolist(),
            mode="lines+markers",
            line=style["line"],
            marker=style["marker"],
            name=NAMES[model],
            legendgroup=model,
            hovertemplate=f"{NAMES[model]}: %{{y:.2f}} after %{{x}}<extra></extra>",
        )
    figure.update_xaxes(title={"text": "iterations at home (steps not to scale)"}, type="category")
    figure.update_yaxes(title={"text": HELD_OUT})
    return Figure(figure, _held_out_sentence(frame))


def _held_out_sentence(frame: pd.DataFrame) -> str:
    means = frame.groupby(["iteration", "model"])["bits"].mean().unstack("model").sort_index()
    texts = []
    for iteration in (min(i for i in means.index if i > 0), means.index[-1]):
        row = {str(model): float(bits) for model, bits in means.loc[iteration].items()}
        leads = [f"{name} {row[m] - row['local']:+.2f}" for m, name in NAMES.items() if m in row and m != "local"]
        texts.append(f"After iteration {iteration}, in bits a word against local: {', '.join(leads)}.")
    return " ".join(texts)


def bits_by_weight(
    frame: pd.DataFrame, chosen: float, at: float | None = None, title: str = "How heavy should the prior be?"
) -> Figure:
    """Held-out likelihood against the weight c of the prior: as validation promises and on test documents.

    frame: model, weight, bits (test), validation; the models "shared", "local" and "personal" are level lines.
    chosen: the weight that validation chose. at: the weight of a slider.
    """
    need_columns(frame, ("model", "weight", "bits", "validation"), "bits_by_weight")
    figure = new_figure(title, 440, WITH_LEGEND)
    prior = frame[frame["model"] == "prior"].groupby("weight")[["bits", "validation"]].mean()
    for model in ("shared", "local", "personal"):
        level = frame.loc[frame["model"] == model, "bits"].mean()
        figure.add_scatter(
            x=[prior.index[0], prior.index[-1]],
            y=[level, level],
            mode="lines",
            line=model_style(model)["line"],
            name=model,
            hovertemplate=f"{model}: %{{y:.2f}}<extra></extra>",
        )
    for column, name, style in (
        ("validation", "prior, validation", {"color": GREY, "symbol": "circle-open"}),
        ("bits", "prior, test", {"color": PURPLE, "symbol": "triangle-up"}),
    ):
        figure.add_scatter(
            x=prior.index.tolist(),
            y=prior[column].tolist(),
            mode="lines+markers",
            line={"color": style["color"], "width": 2},
            marker={**style, "size": 8},
            name=name,
            hovertemplate=f"{name}: %{{y:.2f}} at c = %{{x}}<extra></extra>",
        )
    _mark(figure, chosen, INK, f"validation takes {chosen:g}")
    if at is not None and at != chosen:
        _mark(figure, at, VERMILION, f"{at:g}")
    _weight_axis(figure, prior.index.tolist())
    figure.update_yaxes(title={"text": HELD_OUT})
    return Figure(figure, _weight_sentence(frame, prior, chosen, at))


def _weight_axis(figure: go.Figure, weights: list[float]) -> None:
    names = [f"{weight:g}" for weight in weights]
    figure.update_xaxes(title={"text": "weight c of the shared topics"}, type="log", tickvals=weights, ticktext=names)


def _mark(figure: go.Figure, weight: float, colour: str, text: str) -> None:
    figure.add_vline(x=weight, line={"color": colour, "width": 1, "dash": "dot"})
    figure.add_annotation(  # on an axis of logarithms annotations, unlike lines, are placed by the logarithm
        x=math.log10(weight), y=0, xref="x", yref="paper", xanchor="left", yanchor="bottom", xshift=3,
        text=text, font={"color": colour, "size": 12}, showarrow=False, bgcolor="rgba(255, 255, 255, 0.7)",
    )  # fmt: skip


def _weight_sentence(frame: pd.DataFrame, prior: pd.DataFrame, chosen: float, at: float | None) -> str:
    local = frame.loc[frame["model"] == "local", "bits"].mean()
    leads = {float(weight): bits - local for weight, bits in zip(prior.index, prior["bits"], strict=True)}
    best = max(leads, key=lambda weight: leads[weight])
    text = f"Validation takes c = {chosen:g}: {leads[chosen]:+.2f} bits against local on the test documents, where "
    text += f"{best:g} would have been best ({leads[best]:+.2f})."
    return text if at is None else f"c = {at:g}: {leads[at]:+.2f} bits against local. {text}"


def gain_by_weight(gains: Mapping[str, pd.DataFrame], title: str = "Who should lean on the cloud?") -> Figure:
    """Lead over the local model against the weight of the prior, a line a person, with intervals over seeds.

    gains: by person, a frame of weight, gain, lower, upper, chosen (how often validation took that weight).
    """
    figure = new_figure(title, 440, WITH_LEGEND)
    texts = []
    weights: list[float] = []
    for place, (name, frame) in enumerate(gains.items()):
        need_columns(frame, ("weight", "gain", "lower", "upper", "chosen"), "gain_by_weight")
        colour, symbol = OTHERS[place % len(OTHERS)]
        rows = frame.sort_values("weight").reset_index(drop=True)
        weights = rows["weight"].tolist()
        figure.add_scatter(
            x=rows["weight"].tolist(),
            y=rows["gain"].tolist(),
            error_y=error_bars(rows["gain"], rows["lower"], rows["upper"]),
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"color": colour, "symbol": symbol, "size": 9},
            name=name,
            customdata=rows["chosen"].tolist(),
            hovertemplate=f"{name}, c = %{{x}}: %{{y:+.2f}}, chosen %{{customdata}} times<extra></extra>",
        )  # fmt: skip
        top = int(rows["gain"].to_numpy().argmax())
        taken = rows.loc[rows["chosen"] > 0, "weight"].tolist()
        span = f"{taken[0]:g}" if len(taken) == 1 else f"{taken[0]:g} to {taken[-1]:g}"
        texts.append(f"{name}: best {rows['gain'].iloc[top]:+.2f} at c = {weights[top]:g}; validation takes {span}")
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    _weight_axis(figure, weights)
    figure.update_yaxes(title={"text": "bits a word ahead of local"})
    return Figure(figure, f"Held out, against local. {'; '.join(texts)}.")


TRAINING = "log2 likelihood of a training word"


def likelihood_by_iteration(
    ours: pd.DataFrame, paper: pd.DataFrame | None = None, title: str = "A head start from the cloud"
) -> Figure:
    """Ours in colour with its interval over seeds, the paper's digitised lines in grey behind (Figure 4).

    ours: model, iteration, log2_likelihood, and if known lower and upper. paper: model, iteration, log_likelihood.
    """
    need_columns(ours, ("model", "iteration", "log2_likelihood"), "likelihood_by_iteration")
    figure = new_figure(title, 420, WITH_LEGEND)
    if paper is not None:
        need_columns(paper, ("model", "iteration", "log_likelihood"), "likelihood_by_iteration")
        for place, (model, line) in enumerate(paper.groupby("model", sort=False)):
            figure.add_scatter(
                x=line["iteration"].tolist(),
                y=line["log_likelihood"].tolist(),
                mode="lines",
                line={"color": GREY, "dash": model_style(str(model))["line"]["dash"], "width": 1.5},
                name="the paper's, same dashes",
                legendgroup="paper",
                showlegend=place == 0,
                legendrank=2000,
                hovertemplate=f"{model}, paper: %{{y:.2f}} after %{{x}}<extra></extra>",
            )
    for model in (model for model in MODELS if model in set(ours["model"])):
        _add_line(figure, ours[ours["model"] == model].sort_values("iteration"), model)
    figure.update_xaxes(title={"text": "iteration"}, rangemode="tozero")
    figure.update_yaxes(title={"text": TRAINING})
    return Figure(figure, _head_start_sentence(ours, paper))


def _add_line(figure: go.Figure, line: pd.DataFrame, model: str) -> None:
    style = model_style(model)
    x = line["iteration"].tolist()
    add_band(figure, x, line, style["line"]["color"], model)
    figure.add_scatter(
        x=x,
        y=line["log2_likelihood"].tolist(),
        mode="lines",
        line=style["line"],
        name=model,
        legendgroup=model,
        hovertemplate=f"{model}: %{{y:.2f}} after %{{x}}<extra></extra>",
    )


def _head_start_sentence(ours: pd.DataFrame, paper: pd.DataFrame | None) -> str:
    """The personal model's lead after the first and the last iteration, ours and the paper's."""
    texts = [f"The personal model is ahead by {_leads(ours, 'log2_likelihood')}"]
    if paper is not None:
        texts.append(f"in the paper by {_leads(paper, 'log_likelihood')}")
    return "; ".join(texts) + "."


def _leads(frame: pd.DataFrame, value: str) -> str:
    lines = frame.pivot(index="iteration", columns="model", values=value).sort_index()
    lead = lines["personal"] - lines["local"]
    return (
        f"{lead.iloc[0]:.2f} bits a word after iteration {lead.index[0]} and {lead.iloc[-1]:.2f} after {lead.index[-1]}"
    )


def likelihood_by_share(
    ours: pd.DataFrame,
    paper: pd.DataFrame | None = None,
    iterations: tuple[int, ...] = (1, 10, 50),
    title: str = "How much public text?",
) -> Figure:
    """Lead over the local model against the percent of public documents, a line an iteration (the paper's Figure 5).

    ours: shared_percent (0 is the local model), iteration, log2_likelihood; paper: the same with log_likelihood.
    """
    need_columns(ours, ("shared_percent", "iteration", "log2_likelihood"), "likelihood_by_share")
    figure = new_figure(title, 420, WITH_LEGEND)
    leads = share_leads(ours, "log2_likelihood", iterations)
    theirs: Mapping[int, pd.Series] = {} if paper is None else share_leads(paper, "log_likelihood", iterations)
    for place, iteration in enumerate(iterations):
        colour, symbol = OTHERS[place % len(OTHERS)]
        if iteration in theirs:
            figure.add_scatter(
                x=theirs[iteration].index.tolist(),
                y=theirs[iteration].tolist(),
                mode="lines+markers",
                line={"color": GREY, "width": 1},
                marker={"color": GREY, "symbol": symbol, "size": 6},
                name="the paper's, same marks",
                legendgroup="paper",
                showlegend=place == 0,
                legendrank=2000,
                hovertemplate=f"paper, iteration {iteration}: %{{y:+.2f}} with %{{x}}%<extra></extra>",
            )
        figure.add_scatter(
            x=leads[iteration].index.tolist(),
            y=leads[iteration].tolist(),
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"color": colour, "symbol": symbol, "size": 9},
            name=f"iteration {iteration}",
            hovertemplate=f"iteration {iteration}: %{{y:+.2f}} with %{{x}}%<extra></extra>",
        )
    figure.update_xaxes(title={"text": "percent of the public documents"}, rangemode="tozero")
    figure.update_yaxes(title={"text": "bits a word ahead of local"})
    return Figure(figure, _share_sentence(leads, theirs, iterations))


def share_leads(frame: pd.DataFrame, value: str, iterations: tuple[int, ...]) -> dict[int, pd.Series]:
    """By iteration: mean likelihood of each share minus that of the local model."""
    means = frame.groupby(["shared_percent", "iteration"])[value].mean().unstack("iteration")
    return {iteration: means[iteration] - means[iteration].iloc[0] for iteration in iterations}


def _share_sentence(
    leads: Mapping[int, pd.Series], theirs: Mapping[int, pd.Series], iterations: tuple[int, ...]
) -> str:
    first, last = iterations[0], iterations[-1]
    least = min(percent for percent in leads[first].index if percent > 0)

    def part(found: Mapping[int, pd.Series]) -> str:
        return f"{100 * found[first][least] / found[first].iloc[-1]:.0f}%"

    text = (
        f"{least}% of the public documents give {part(leads)} of the lead that all of them give after iteration {first}"
    )
    if theirs:
        text += f" (in the paper {part(theirs)})"
    return f"{text}. After iteration {last} the lead of all of them is {leads[last].iloc[-1]:+.2f} bits."


NEVER = -1.25  # where those are drawn who never get there


def saving_by_target(
    savings: Mapping[str, pd.Series],
    paper: pd.DataFrame | None = None,
    title: str = "How many iterations saved?",
) -> Figure:
    """Share of iterations saved on the way to a target, a dot a person, the median as a bar (the paper's Figure 6).

    savings: by target, a number each person; minus infinity for those whose personal model never reaches what their
    local one does, NaN (not drawn) where the local one does not either. paper: iteration_reduction, drawn in grey.
    """
    figure = new_figure(title, 440, WITH_LEGEND)
    spread = np.random.default_rng(0)
    if paper is not None:
        need_columns(paper, ("iteration_reduction",), "saving_by_target")
        figure.add_scatter(
            x=(-1 + spread.uniform(-0.15, 0.15, len(paper))).tolist(),
            y=paper["iteration_reduction"].tolist(),
            mode="markers",
            marker={"color": GREY, "size": 7},
            name="the paper's people",
            hovertemplate="paper: %{y:.0%}<extra></extra>",
        )
    listed = set()
    for place, found in enumerate(savings.values()):
        people = found.dropna().clip(lower=NEVER)
        late = people <= NEVER
        for group, colour, symbol, name in (
            (people[~late], GREEN, "circle", "our people"),
            (people[late], VERMILION, "x", "never get there"),
        ):
            figure.add_scatter(
                x=(place + spread.uniform(-0.2, 0.2, len(group))).tolist(),
                y=group.tolist(),
                mode="markers",
                marker={"color": colour, "symbol": symbol, "size": 7, "opacity": 0.5},
                name=name,
                legendgroup=name,
                showlegend=len(group) > 0 and name not in listed,
                hoverinfo="skip" if symbol == "x" else "y",
            )
            if len(group):
                listed.add(name)
        figure.add_scatter(
            x=[place - 0.35, place + 0.35],
            y=[people.median()] * 2,
            mode="lines",
            line={"color": INK, "width": 3},
            name="median",
            legendgroup="median",
            showlegend=place == 0,
            hovertemplate="median: %{y:.0%}<extra></extra>",
        )
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    named = {-1: "paper"} if paper is not None else {}
    named |= dict(enumerate(savings))
    figure.update_xaxes(title={"text": "target"}, tickvals=list(named), ticktext=list(named.values()))
    ticks = [-1, -0.5, 0, 0.5, 1]
    figure.update_yaxes(
        title={"text": "iterations saved"}, tickvals=[NEVER, *ticks], range=[NEVER - 0.15, 1],
        ticktext=["never", *(f"{tick:+.0%}" for tick in ticks)],
    )  # fmt: skip
    return Figure(figure, saving_sentence(savings))


def saving_sentence(savings: Mapping[str, pd.Series]) -> str:
    """The median saving for each target, or that most never get there."""
    texts = []
    for target, found in savings.items():
        median = found.dropna().median()
        never = int(np.isneginf(found).sum())
        middle = f"median {100 * median:+.0f}%" if np.isfinite(median) else "most never get there"
        texts.append(f"{target}: {middle} ({never} of {len(found.dropna())} never)")
    return f"Iterations saved on the way to {'; '.join(texts)}."
