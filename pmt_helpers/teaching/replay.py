"""A log replayed with a play button, beside what was learnt meanwhile. Nothing is trained meanwhile. Notebook 05."""

import math
from typing import TYPE_CHECKING, Any

from pmt_helpers.teaching.display import Shown

if TYPE_CHECKING:
    import pandas as pd

    from pmt_helpers.device.logs import Log

SPEEDS = (1, 2, 4, 8)  # steps a second
SHORT_S, STEPS = 20, 40  # a log shorter than this is replayed in so many steps, others second by second


def replay(log: "Log", curve: "pd.DataFrame | None" = None, size: int | None = None, start: float = 0.0) -> Shown:
    """A play button, a slider of the seconds and one of the speed; the figure shows the log until that second.

    curve: accuracy or loss by t_s, epoch or iteration. size: of several trainings in the log, that on so many windows
    or documents (default: the most). start: the second shown first. Tab reaches the buttons and sliders; the sliders
    move with the arrow keys. Raises ValueError for a log without clock, such as the paper's.
    """
    import ipywidgets

    from pmt_helpers.teaching.figures.origins import obtained
    from pmt_helpers.teaching.figures.replayed import lasts, replayed, timed
    from pmt_helpers.teaching.figures.units import two_digits

    whole = lasts(log)
    learnt = None if curve is None else timed(log, curve, size)
    every = 1.0 if whole >= SHORT_S else whole / STEPS
    last = math.ceil(whole / every - 1e-9)
    first = min(max(round(start / every), 0), last)
    play = ipywidgets.Play(min=0, max=last, value=first, interval=1000, show_repeat=False, tooltip="replay")
    seconds = ipywidgets.FloatSlider(
        min=0.0,
        max=last * every,
        step=every,
        value=first * every,
        description="seconds",
        readout_format=".0f" if every == 1 else ".2f",
        continuous_update=False,
        layout={"width": "90%", "max_width": "420px"},
    )
    speed = ipywidgets.SelectionSlider(
        options=[(f"{steps} a second", steps) for steps in SPEEDS],
        value=1,
        description="steps",
        continuous_update=False,
        layout={"width": "90%", "max_width": "300px"},
    )
    output = ipywidgets.Output()

    def show(_: Any = None) -> None:
        pace = every * speed.value
        title = "Second by second" if pace == 1 else f"{two_digits(pace)} seconds a second"
        figure = replayed(log, seconds.value, learnt, title)
        output.outputs = (
            {"output_type": "display_data", "data": figure.bundle(), "metadata": {}},
            {"output_type": "stream", "name": "stdout", "text": figure.sentence + "\n"},
        )

    def hurry(change: dict[str, Any]) -> None:
        play.interval = round(1000 / change["new"])
        show()

    ipywidgets.link((play, "value"), (seconds, "value"), (lambda step: step * every, lambda now: round(now / every)))
    seconds.observe(show, names="value")
    speed.observe(hurry, names="value")
    show()
    sentence = (
        f"A play button appears here when the cell is run: it replays {whole:.0f} seconds" if every == 1 else
        f"A play button appears here when the cell is run: it replays, in slow motion, {whole:.2f} seconds"
    )  # fmt: skip
    return Shown(ipywidgets.VBox([play, seconds, speed, output]), f"{sentence} ({obtained(log.origin)}).")
