"""Raw acceleration, one panel a recording. Notebook 01, step 1."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from plotly.subplots import make_subplots

from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.template import AXIS_COLOURS, WITH_LEGEND, dress

if TYPE_CHECKING:
    from pmt_helpers.datasets import Recording

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
