"""Raw signals, and one window with the 43 features made from it. Notebook 01."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pmt_helpers.teaching.figures.style import AXIS_COLOURS, GREY, INK, ORANGE, VERMILION, WITH_LEGEND, Figure, dress

if TYPE_CHECKING:
    from pmt_helpers.datasets import Recording
    from pmt_helpers.datasets.mine import Stretch
    from pmt_helpers.datasets.own_recordings import OwnRecording

POINTS = 4500  # numbers in one figure, so that its JSON stays well below 60 kB
_SUMMARIES = {"AVG": "average", "ABSOLDEV": "mean<br>deviation", "STANDDEV": "standard<br>deviation"}
_BAR_VALUES: dict[str, Any] = {  # gravity dwarfs the deviations, so each bar says its own value
    "texttemplate": "%{y:.1f}",
    "textposition": "outside",
    "textfont": {"size": 11},
    "constraintext": "none",
    "cliponaxis": False,
    "textangle": 0,
}


def window_and_features(window: np.ndarray, rate_hz: float, features: np.ndarray, names: Sequence[str]) -> Figure:
    """The raw window on top, the thirty bins below it, the summaries at the bottom; times of peaks are written out.

    Parameters
    ----------
    window : array (readings, 3), in m/s2
    rate_hz : readings per second
    features, names : the 43 values and what each is called (X0.., XAVG.., XPEAK.., XABSOLDEV.., RESULTANT)
    """
    value = dict(zip(names, np.asarray(features, dtype=float).tolist(), strict=True))
    seconds = len(window) / rate_hz
    first = f"The window: {len(window)} readings in {seconds:g} s"
    titles = (first, "30 features: share of readings", "10 features in m/s²")
    figure = make_subplots(rows=3, cols=1, vertical_spacing=0.13, subplot_titles=titles)
    step = -(-len(window) // 500)
    in_ms2 = [value["RESULTANT"]]
    for column, (axis, colour) in enumerate(AXIS_COLOURS.items()):
        _add_signal(figure, window[::step, column], step / rate_hz, axis, 1)
        bins = [value[f"{axis.upper()}{number}"] for number in range(10)]
        summaries = [value[f"{axis.upper()}{name}"] for name in _SUMMARIES]
        in_ms2 += summaries
        bar: dict[str, Any] = {"name": axis, "legendgroup": axis, "marker": {"color": colour}, "showlegend": False}
        figure.add_bar(x=list(range(1, 11)), y=bins, row=2, col=1, **bar)
        figure.add_bar(x=list(_SUMMARIES.values()), y=summaries, row=3, col=1, **bar, **_BAR_VALUES)
    bar = {"name": "resultant", "marker": {"color": GREY}, "showlegend": False}
    bar |= {"width": 0.27, "offset": -0.135}  # on its own in the middle, not in line with x, y and z
    figure.add_bar(x=["resultant"], y=[value["RESULTANT"]], row=3, col=1, **bar, **_BAR_VALUES)
    dress(figure, "From a window to 43 numbers", 720, WITH_LEGEND + 15)
    figure.update_layout(barmode="group", margin={"b": 70})
    figure.update_annotations(x=0, xanchor="left", font={"size": 14})
    peaks = {axis: value[f"{axis.upper()}PEAK"] for axis in AXIS_COLOURS}
    listed = ", ".join(f"{axis} {ms:.0f}" if np.isfinite(ms) else f"{axis} none" for axis, ms in peaks.items())
    lowest, highest = min(0.0, *in_ms2), max(0.0, *in_ms2)
    room = 0.2 * (highest - lowest)
    figure.update_xaxes(title_text="seconds", row=1, col=1)
    figure.update_yaxes(title_text="m/s²", row=1, col=1)
    figure.update_xaxes(title_text="tenth of the range, lowest to highest", dtick=1, row=2, col=1)
    figure.update_yaxes(title_text="share", tickformat=".0%", row=2, col=1)
    figure.update_xaxes(title_text=f"3 features in ms, the time between peaks:<br>{listed}", row=3, col=1)
    figure.update_yaxes(title_text="m/s²", range=[lowest - room, highest + room], row=3, col=1)

    most = max(AXIS_COLOURS, key=lambda axis: value[f"{axis.upper()}STANDDEV"])
    rhythm = f"a peak about every {peaks[most]:.0f} ms" if np.isfinite(peaks[most]) else "too few peaks to time"
    sentence = (
        f"{len(window)} readings of 3 axes in {seconds:g} seconds become {len(value)} features. The {most} axis "
        f"varies most (standard deviation {value[f'{most.upper()}STANDDEV']:.1f} m/s²), with {rhythm}."
    )
    return Figure(figure, sentence)


def _add_signal(figure: go.Figure, readings: np.ndarray, dx: float, axis: str, row: int, **options: Any) -> None:
    """One axis of acceleration, dx seconds from a reading to the next."""
    look = {"mode": "lines", "line": {"color": AXIS_COLOURS[axis], "width": 1.5}, "legendgroup": axis, **options}
    figure.add_scatter(x0=0, dx=dx, y=readings.round(2).tolist(), name=axis, row=row, col=1, **look)


def signals(recordings: Sequence["Recording"], seconds: float = 10) -> Figure:
    """The first `seconds` of each recording: x, y and z in m/s2, panels one above the other, same scale.

    The sentence says how strongly each shakes: the standard deviation of the size of the acceleration.
    """
    if not recordings:
        raise ValueError("signals needs at least one recording; the list is empty")
    n = len(recordings)
    figure = make_subplots(rows=n, cols=1, shared_xaxes=True, shared_yaxes="all", vertical_spacing=min(0.12, 0.35 / n))
    spreads = []
    for row, recording in enumerate(recordings, start=1):
        start = recording.signal[: round(seconds * recording.rate_hz)]
        spread = np.linalg.norm(start, axis=1).std()
        spreads.append(f"{spread:.1f} m/s² for person {recording.user} ({recording.class_name})")
        step = -(-len(start) * 3 * n // POINTS)
        for column, axis in enumerate(AXIS_COLOURS):
            hover = f"{axis}: %{{y:.1f}} m/s² at %{{x:.1f}} s<extra></extra>"
            look = {"showlegend": row == 1, "hovertemplate": hover}
            _add_signal(figure, start[::step, column], step / recording.rate_hz, axis, row, **look)
        number = "" if row == 1 else row  # as plotly counts axes
        text = f"<b>person {recording.user}</b>, {recording.class_name}, {recording.side} arm"
        place = {"xref": f"x{number} domain", "yref": f"y{number} domain", "xanchor": "left", "yanchor": "bottom"}
        figure.add_annotation(text=text, x=0, y=1, showarrow=False, **place)
    dress(figure, "Acceleration at the wrist", 150 + 150 * n, WITH_LEGEND + 15)
    figure.update_yaxes(title_text="m/s²")
    figure.update_xaxes(title_text="seconds", row=n, col=1)
    listed = spreads[0] if n == 1 else ", ".join(spreads[:-1]) + " and " + spreads[-1]
    text = f"Standard deviation of the size of the acceleration in the first {seconds:g} seconds"
    return Figure(figure, f"{text}: {listed}.")


def recording(
    own: "OwnRecording", stretches: Sequence["Stretch"] = (), chosen: tuple[float, float] | None = None
) -> Figure:
    """A recording of your own: x, y and z in m/s2. Labelled stretches are shaded, `chosen` lies between two lines.

    Of many readings some are drawn, evenly.
    """
    figure = go.Figure()
    step = -(-sum(len(signal) for _, signal in own.pieces) * 3 // POINTS)
    for number, (start, signal) in enumerate(own.pieces):
        for column, (axis, colour) in enumerate(AXIS_COLOURS.items()):
            drawn = signal[::step, column].round(2).tolist()
            figure.add_scatter(
                x0=start, dx=step / own.rate_hz, y=drawn, name=axis, mode="lines",
                line={"color": colour, "width": 1}, legendgroup=axis, showlegend=number == 0,
            )  # fmt: skip
    label: dict[str, Any] = {"y": 1, "yref": "y domain", "yanchor": "top", "textangle": -90, "showarrow": False}
    for stretch in stretches:
        look = {"fillcolor": ORANGE, "opacity": 0.25, "line": {"color": INK, "width": 1}}
        figure.add_vrect(stretch.from_s, stretch.to_s, **look)
        figure.add_annotation(text=stretch.label, x=stretch.from_s, xanchor="left", **label)
    for edge in chosen or ():
        figure.add_vline(edge, line={"color": VERMILION, "width": 2, "dash": "dash"})
    dress(figure, "Your recording", 360, WITH_LEGEND + 15)
    figure.update_xaxes(title_text="seconds since its first reading")
    figure.update_yaxes(title_text="m/s²")
    labels = ", ".join(f"{s.label} from {s.from_s:.1f} to {s.to_s:.1f} s" for s in stretches) or "nothing"
    return Figure(figure, f"A recording of {own.seconds:.0f} seconds; labelled: {labels}.")
