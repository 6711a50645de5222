"""One moment of a log: what was learnt, done and read until then, and in grey what is to come. Notebook 06."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pmt_helpers.device.logs import Log
from pmt_helpers.device.pi_profile import PHASES
from pmt_helpers.teaching.figures import style
from pmt_helpers.teaching.figures.device_series import kernel_name, obtained, with_origin
from pmt_helpers.teaching.figures.style import Figure, need_columns, percent, two_digits

READINGS = {"temp_c": "°C", "power_w": "watts", "rss_mb": "MB used"}  # the first that was read
SCORES = ("accuracy", "loss")
STEPS = {"epoch": "n_samples", "iteration": "n_documents"}  # a training's steps, and what tells trainings apart
_SIZES = {"n_samples": "windows", "n_documents": "documents"}
_GAP = 0.005  # of the duration: shorter pauses between two spans of a phase are not drawn


def log_duration(log: Log) -> float:
    """Seconds from the first record to the last. Raises ValueError for a log of numbers without a clock."""
    ends = [
        *(log.spans["t_s"] + log.spans["wall_s"] if {"t_s", "wall_s"} <= set(log.spans) else []),
        *log.samples.get("t_s", []),
    ]
    last = pd.Series(ends, dtype=float).max()
    if not last > 0:
        raise ValueError(
            f"{log.path.name} ({obtained(log.origin)}) has no times, because no clock ran: it cannot be replayed"
        )
    return float(last)


def curve_by_time(log: Log, curve: pd.DataFrame, size: int | None = None) -> pd.DataFrame:
    """The curve with t_s: as it is, or by the end of the log's training span of the same epoch or iteration.

    size: of several trainings in a log, the one on that many windows or documents; the largest, if not given.
    Raises ValueError for a curve without score or time, and for one that this log did not train.
    """
    if not set(SCORES) & set(curve):
        raise ValueError(f"a training curve needs {' or '.join(SCORES)}; this one has {', '.join(map(str, curve))}")
    if "t_s" in curve:
        return curve.sort_values("t_s")
    step = next((step for step in STEPS if step in curve and step in log.spans), None)
    if step is None:
        raise ValueError(f"a training curve needs t_s, or {' or '.join(STEPS)} as in the log; it has {list(curve)}")
    spans = log.spans[(log.spans["phase"] == "train") & log.spans[step].notna()]
    if (sizes := STEPS[step]) in spans:
        spans = spans[spans[sizes] == (spans[sizes].max() if size is None else size)]
    ends = spans.assign(t_s=spans["t_s"] + spans["wall_s"]).groupby(step)["t_s"].first().reset_index()
    timed = curve.merge(ends, on=step).sort_values("t_s")
    if timed.empty:
        raise ValueError(f"{log.path.name} has no {step} of this curve" + (f" with {sizes} {size}" if size else ""))
    return timed


def moment(log: Log, now: float, curve: pd.DataFrame | None = None, title: str = "Second by second") -> Figure:
    """The log until `now` (seconds since it began): the training curve, what was done, and the first of READINGS.

    curve: t_s, and accuracy or loss (see `curve_by_time`).
    """
    duration = log_duration(log)
    now = min(now, duration)
    reading = _reading(log)
    rows = ["curve"] * (curve is not None) + ["doing"] + ["reading"] * (reading is not None)
    heights = [1.4 if row == "doing" else 1 for row in rows]
    panels = make_subplots(len(rows), 1, shared_xaxes=True, vertical_spacing=0.07, row_heights=heights)
    figure = style.dress(panels, title, 140 + round(115 * sum(heights)))
    texts = [_activity_at(log, now)]
    if curve is not None:
        need_columns(curve, ("t_s",), "moment")
        score = next(name for name in SCORES if name in curve)
        texts += _add_values(figure, rows.index("curve") + 1, curve["t_s"], curve[score], now, score, style.PURPLE)
    _add_phases(figure, rows.index("doing") + 1, log, now, duration)
    if reading is not None:
        name, table = reading
        texts += _add_values(figure, len(rows), table["t_s"], table[name], now, READINGS[name], style.SKY)
    figure.add_shape(type="line", x0=now, x1=now, y0=0, y1=1, yref="paper", line={"color": style.INK, "width": 1})
    figure.update_xaxes(range=[0, 1.01 * duration])
    figure.update_xaxes(title_text=with_origin("seconds", obtained(log.origin)), row=len(rows))
    figure.update_layout(showlegend=False)
    clock = f"{now:.{0 if duration >= 20 else 2}f} of {two_digits(duration)} seconds"
    return Figure(figure, f"After {clock}, {obtained(log.origin)}: {', '.join(texts)}.")


def _add_values(
    figure: go.Figure, row: int, t: pd.Series, values: pd.Series, now: float, name: str, colour: str
) -> list[str]:
    """A line in colour until now, in grey after; returns the latest value in words, if there is one yet."""
    past = (t <= now).to_numpy()
    future = ~past
    future[max(past.sum() - 1, 0) :] = True  # from the last point of the past on, so that the line is whole
    for part, look in (
        (future, {"color": style.faded(style.GREY, 0.6), "width": 1.5}),
        (past, {"color": colour, "width": 2.5}),
    ):
        options: dict[str, Any] = {
            "mode": "lines+markers" if part.sum() < 2 else "lines",
            "line": look,
            "marker": {"size": 5},
        }
        options["hovertemplate"] = f"%{{y:.3~g}} {name}<extra></extra>"
        figure.add_scatter(x=t[part].tolist(), y=values[part].tolist(), row=row, col=1, **options)
    tickformat = ".0%" if name == "accuracy" else None
    figure.update_yaxes(title_text=name, range=_range(name, values), tickformat=tickformat, row=row, col=1)
    known = values[past].dropna()
    if known.empty:
        return []
    latest = float(known.iloc[-1])
    if name in SCORES:
        return [f"{name} {percent(latest) if name == 'accuracy' else two_digits(latest)}"]
    return [f"{two_digits(latest)} {name}"]


def _range(name: str, values: pd.Series) -> list[float]:
    """The same at every moment. Temperatures and losses do not begin at zero, amounts do."""
    low, high = float(values.min()), float(values.max())
    if name == "accuracy":
        return [0, 1.05]
    pad = 0.1 * ((high - low) or abs(high) or 1.0)
    return [low - pad, high + pad] if name in ("loss", READINGS["temp_c"]) else [0, 1.15 * high or 1.0]


def _add_phases(figure: go.Figure, row: int, log: Log, now: float, duration: float) -> None:
    """A bar for each stretch of a phase: black where it is over, grey where it is to come."""
    names = [phase for phase in PHASES if phase in set(log.spans["phase"])]
    stretches = _stretches(log, duration)
    past = [(phase, start, min(end, now)) for phase, start, end in stretches]
    future = [(phase, max(start, now), end) for phase, start, end in stretches]
    for bars, colour in ((past, style.INK), (future, style.faded(style.GREY, 0.6))):
        x: list[float | None] = []
        y: list[int | None] = []
        for phase, start, end in bars:
            if start < end:
                x += [start, end, None]
                y += [names.index(phase), names.index(phase), None]
        look = {"color": colour, "width": 12}
        figure.add_scatter(x=x or [None], y=y or [None], mode="lines", line=look, hoverinfo="skip", row=row, col=1)
    ticks = {"tickvals": list(range(len(names))), "ticktext": names, "tickfont": {"size": 12}}
    figure.update_yaxes(range=[len(names) - 0.4, -0.6], row=row, col=1, **ticks)


def _stretches(log: Log, duration: float) -> list[tuple[str, float, float]]:
    """Phase, start and end, neighbours of a phase as one; the shortest as long as can be seen."""
    stretches: list[tuple[str, float, float]] = []
    spans = log.spans.dropna(subset=["t_s"]).sort_values("t_s")
    for phase, start, wall in zip(spans["phase"].astype(str), spans["t_s"], spans["wall_s"], strict=True):
        end = max(start + wall, start + _GAP * duration)
        if stretches and stretches[-1][0] == phase and start - stretches[-1][2] < _GAP * duration:
            stretches[-1] = (phase, stretches[-1][1], max(end, stretches[-1][2]))
        else:
            stretches.append((phase, float(start), float(end)))
    return stretches


def _reading(log: Log) -> tuple[str, pd.DataFrame] | None:
    """The first that was read, from the samples or from the ends of the spans, whichever read it more often."""
    ends = log.spans.assign(t_s=log.spans["t_s"] + log.spans["wall_s"])
    for name in READINGS:
        tables = [table.dropna(subset=[name]) for table in (log.samples, ends) if name in table]
        table = max(tables, key=len, default=ends[:0])
        if len(table) > 1:
            return name, table.sort_values("t_s")
    return None


def _activity_at(log: Log, now: float) -> str:
    """What the device was doing, in words: the last span that had begun."""
    begun = log.spans[log.spans["t_s"] <= now]
    if begun.empty:
        return "not begun"
    span = begun.sort_values("t_s").iloc[-1]
    text = f"{span['phase']}{' done' if span['t_s'] + span['wall_s'] < now else ''}"
    about = [kernel_name(str(span["kernel"]))] if isinstance(span.get("kernel"), str) else []
    about += [f"{span[size]:.0f} {word}" for size, word in _SIZES.items() if pd.notna(span.get(size))]
    text += f" ({', '.join(about)})" if about else ""
    return text + "".join(f", {step} {span[step]:.0f}" for step in STEPS if pd.notna(span.get(step)))
