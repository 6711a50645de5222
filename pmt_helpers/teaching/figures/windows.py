"""One window and the 43 features made from it. Notebook 01, step 2."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from plotly.subplots import make_subplots

from pmt_helpers.teaching.figures.style import AXIS_COLOURS, GREY, WITH_LEGEND, Figure, dress

if TYPE_CHECKING:
    from pmt_helpers.datasets import Recording


_SUMMARIES = {"AVG": "average", "ABSOLDEV": "mean<br>deviation", "STANDDEV": "standard<br>deviation"}


# Gravity dwarfs the deviations, so each bar says its own value.
_LABELS: dict[str, Any] = {
    "texttemplate": "%{y:.1f}",
    "textposition": "outside",
    "textfont": {"size": 11},
    "constraintext": "none",
    "cliponaxis": False,
    "textangle": 0,
}


def window_and_features(window: np.ndarray, rate_hz: float, features: np.ndarray, names: Sequence[str]) -> Figure:
    """The raw window on top, the thirty bins below it, the summaries at the bottom; times of peaks are written out.

    window: (readings, 3), m/s2. features: (43,), named by `names` (X0.., XAVG.., XPEAK.., XABSOLDEV.., RESULTANT).
    """
    value = dict(zip(names, np.asarray(features, dtype=float).tolist(), strict=True))
    seconds = len(window) / rate_hz
    figure = make_subplots(
        rows=3,
        cols=1,
        vertical_spacing=0.13,
        subplot_titles=(
            f"The window: {len(window)} readings in {seconds:g} s",
            "30 features: share of readings",
            "10 features in m/s²",
        ),
    )
    step = -(-len(window) // 500)
    for column, (axis, colour) in enumerate(AXIS_COLOURS.items()):
        series: dict[str, Any] = {"name": axis, "legendgroup": axis}
        figure.add_scatter(
            x0=0,
            dx=step / rate_hz,
            y=window[::step, column].round(2).tolist(),
            mode="lines",
            line={"color": colour, "width": 1.5},
            row=1,
            col=1,
            **series,
        )
        figure.add_bar(
            x=list(range(1, 11)),
            y=[value[f"{axis.upper()}{number}"] for number in range(10)],
            marker={"color": colour},
            showlegend=False,
            row=2,
            col=1,
            **series,
        )
        figure.add_bar(
            x=list(_SUMMARIES.values()),
            y=[value[f"{axis.upper()}{name}"] for name in _SUMMARIES],
            marker={"color": colour},
            showlegend=False,
            **_LABELS,
            row=3,
            col=1,
            **series,
        )
    figure.add_bar(
        x=["resultant"],
        y=[value["RESULTANT"]],
        marker={"color": GREY},
        width=0.27,
        offset=-0.135,  # on its own in the middle, not in line with x, y and z
        name="resultant",
        showlegend=False,
        **_LABELS,
        row=3,
        col=1,
    )
    dress(figure, "From a window to 43 numbers", 720, WITH_LEGEND + 15)
    figure.update_layout(barmode="group", margin={"b": 70})
    figure.update_annotations(x=0, xanchor="left", font={"size": 14})
    figure.update_xaxes(title={"text": "seconds"}, row=1, col=1)
    figure.update_yaxes(title={"text": "m/s²"}, row=1, col=1)
    last = f"3 features in ms, the time between peaks:<br>{_peaks(value)}"
    figure.update_xaxes(title={"text": last}, row=3, col=1)
    figure.update_xaxes(title={"text": "tenth of the range, lowest to highest"}, dtick=1, row=2, col=1)
    figure.update_yaxes(title={"text": "share"}, tickformat=".0%", row=2, col=1)
    lowest, highest = min(0.0, *_in_ms2(value)), max(0.0, *_in_ms2(value))
    room = 0.2 * (highest - lowest)
    figure.update_yaxes(title={"text": "m/s²"}, range=[lowest - room, highest + room], row=3, col=1)
    return Figure(figure, window_sentence(window, seconds, value))


def _in_ms2(value: dict[str, float]) -> list[float]:
    """The ten features drawn as bars in the last panel."""
    return [value["RESULTANT"], *(value[f"{axis.upper()}{name}"] for axis in AXIS_COLOURS for name in _SUMMARIES)]


def _peaks(value: dict[str, float]) -> str:
    """x 480, y 510, z none: the time between peaks."""
    return ", ".join(
        f"{axis} {value[f'{axis.upper()}PEAK']:.0f}" if np.isfinite(value[f"{axis.upper()}PEAK"]) else f"{axis} none"
        for axis in AXIS_COLOURS
    )


def window_sentence(window: np.ndarray, seconds: float, value: dict[str, float]) -> str:
    """How many numbers became how many, which axis moves most, and how often it peaks."""
    most = max(AXIS_COLOURS, key=lambda axis: value[f"{axis.upper()}STANDDEV"])
    gap = value[f"{most.upper()}PEAK"]
    rhythm = f"peaks about every {gap:.0f} ms" if np.isfinite(gap) else "has too few peaks to time"
    return (
        f"{len(window)} readings of 3 axes in {seconds:g} seconds become {len(value)} features; the {most} axis moves "
        f"most (standard deviation {value[f'{most.upper()}STANDDEV']:.1f} m/s²) and {rhythm}."
    )


POINTS = 4500  # numbers in one figure, so that its JSON stays well below 60 kB


def signals(recordings: Sequence["Recording"], seconds: float = 10) -> Figure:
    """The first `seconds` of each recording: x, y and z in m/s2, panels one above the other, same scale."""
    if not recordings:
        raise ValueError("signals needs at least one recording; the list is empty")
    n = len(recordings)
    figure = make_subplots(rows=n, cols=1, shared_xaxes=True, shared_yaxes="all", vertical_spacing=min(0.12, 0.35 / n))
    for row, recording in enumerate(recordings, start=1):
        shown = recording.signal[: round(seconds * recording.rate_hz)]
        step = -(-len(shown) * 3 * n // POINTS)
        for axis, (name, colour) in enumerate(AXIS_COLOURS.items()):
            figure.add_scatter(
                x0=0,
                dx=step / recording.rate_hz,
                y=shown[::step, axis].round(2).tolist(),
                name=name,
                legendgroup=name,
                showlegend=row == 1,
                mode="lines",
                line={"color": colour, "width": 1.5},
                hovertemplate=f"{name}: %{{y:.1f}} m/s² at %{{x:.1f}} s<extra></extra>",
                row=row,
                col=1,
            )
        figure.add_annotation(
            text=f"<b>person {recording.user}</b>, {recording.class_name}, {recording.side} arm",
            xref="x domain" if row == 1 else f"x{row} domain",
            yref="y domain" if row == 1 else f"y{row} domain",
            x=0,
            y=1,
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
        )
    dress(figure, "What the wrist feels", 150 + 150 * n, WITH_LEGEND + 15)
    figure.update_yaxes(title={"text": "m/s²"})
    figure.update_xaxes(title={"text": "seconds"}, row=n, col=1)
    return Figure(figure, signals_sentence(recordings, seconds))


def signals_sentence(recordings: Sequence["Recording"], seconds: float) -> str:
    """How strongly each recording shakes: the standard deviation of the size of the acceleration."""
    parts = []
    for recording in recordings:
        shown = recording.signal[: round(seconds * recording.rate_hz)]
        size = np.linalg.norm(shown, axis=1)
        parts.append(f"{size.std():.1f} m/s² for person {recording.user} ({recording.class_name})")
    spread = f"varies by a standard deviation of {_listed(parts)}"
    return f"Over the first {seconds:g} seconds the size of the acceleration {spread}."


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
