"""Exercise `predict-zero` (notebook 05): how long will it take on a board that is not on the table?"""

from collections.abc import Callable

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Hints, Mistake

Three = tuple[float, float, float]


def predict(instructions: float, updates: int, setup: float, rate: float, band: float) -> Three:
    """Seconds, and the ends of the band they may lie in.

    instructions: of one update; setup: instructions of setting up, once; rate: billions of instructions a second;
    band: the factor by which seconds may be off, up or down.
    """
    return _banded((setup + updates * instructions) / (rate * 1e9), band)


def _banded(seconds: float, band: float) -> Three:
    return seconds, seconds / band, seconds * band


def _of(seconds: Callable[[float, int, float, float], float]) -> Answer:
    """Other seconds, the band laid around them as it should be."""
    return lambda instructions, updates, setup, rate, band: _banded(seconds(instructions, updates, setup, rate), band)


def _ends(low: Callable[[float, float], float], high: Callable[[float, float], float]) -> Answer:
    """The right seconds with other ends: each a function of seconds and band."""

    def answer(instructions: float, updates: int, setup: float, rate: float, band: float) -> Three:
        seconds = predict(instructions, updates, setup, rate, band)[0]
        return seconds, low(seconds, band), high(seconds, band)

    return answer


def _work_only(instructions: float, updates: int, setup: float, rate: float, band: float) -> Three:
    ready, work = setup / rate / 1e9, updates * instructions / rate / 1e9
    return ready + work, ready + work / band, ready + work * band


def _cases() -> dict[str, tuple[float, int, float, float, float]]:
    """Near what was counted, on boards that there are."""
    rng = np.random.default_rng(55)

    def made_up(per_update: float, updates: int, setup: float, rate: float, band: float) -> tuple:
        return round(per_update * rng.uniform(0.8, 1.2)), updates, round(setup * rng.uniform(0.8, 1.2)), rate, band

    return {
        "NumPy on a Pi Zero 2 W": made_up(2.5e5, 50_000, 1.5e9, 0.83, 1.3),
        "Keras on a Pi 4": made_up(6e5, 20_000, 2.5e10, 2.6, 2.0),
        "hardly any work": made_up(5e4, 10, 1e10, 5.0, 1.6),
    }


_UNITS = (
    "the unit is off by a power of ten. The rate is in billions of instructions a second: multiply it by 1e9 before "
    "dividing by it."
)
_FACTOR = (
    "the band is a factor. Twice as long and half as long are equally far off: divide the seconds by it for the low "
    "end, and multiply them by it for the high one."
)

PREDICT_ZERO = Exercise(
    id="predict-zero",
    notebook="05",
    title="A board you do not have",
    signature="predict(instructions, updates, setup, rate, band)",
    right="your seconds and their band agree with ours. Where setting up is most of it, a faster loop would not help.",
    hints=Hints(
        nudge="How often is setting up done in a training, and how often is an update? What does a rate do to "
        "instructions to make seconds of them?",
        sketch="Add up all instructions: those of setting up once, those of an update for every update. Divide by the "
        "instructions a second, which is the rate times 1e9. The low end is that over the band, the high end that "
        "times the band.",
        pointer="predict_seconds in pmt_helpers/device/cost_model.py, with the boards of data/devices.csv; it "
        "gives setting up a wider band.",
    ),
    cases=_cases(),
    reference=predict,
    mistakes=(
        Mistake(
            "set-up for every update",
            "setting up is multiplied by the updates. It is done once, before the first of them.",
            _of(lambda instructions, updates, setup, rate: updates * (setup + instructions) / rate / 1e9),
        ),
        Mistake(
            "no set-up",
            "setting up is left out. On a small board the imports alone can take longer than the training.",
            _of(lambda instructions, updates, setup, rate: updates * instructions / rate / 1e9),
        ),
        Mistake(
            "set-up in seconds",
            "setting up is added as if it were seconds. It is instructions, too: divide all of them by the rate.",
            _of(lambda instructions, updates, setup, rate: setup + updates * instructions / rate / 1e9),
        ),
        Mistake(
            "one update",
            "this is one update. Multiply its instructions by how many there are.",
            _of(lambda instructions, updates, setup, rate: (setup + instructions) / rate / 1e9),
        ),
        Mistake(
            "nanoseconds",
            _UNITS,
            _of(lambda instructions, updates, setup, rate: (setup + updates * instructions) / rate),
        ),
        Mistake(
            "milliseconds",
            _UNITS,
            _of(lambda instructions, updates, setup, rate: (setup + updates * instructions) / rate / 1e6),
        ),
        Mistake(
            "rate not used",
            "every board comes out alike, as if each did a billion instructions a second. Divide by this one's rate.",
            _of(lambda instructions, updates, setup, rate: (setup + updates * instructions) / 1e9),
        ),
        Mistake(
            "times the rate",
            "a faster board takes longer here. Instructions divided by instructions a second are seconds.",
            _of(lambda instructions, updates, setup, rate: (setup + updates * instructions) * rate / 1e9),
        ),
        Mistake(
            "band added", _FACTOR, _ends(lambda seconds, band: seconds - band, lambda seconds, band: seconds + band)
        ),
        Mistake(
            "band as a share",
            _FACTOR,
            _ends(lambda seconds, band: seconds * (2 - band), lambda seconds, band: seconds * band),
        ),
        Mistake(
            "band around work only",
            "the band is laid around the updates alone. Setting up is uncertain, too: lay it around all the seconds.",
            _work_only,
        ),
        Mistake(
            "ends swapped",
            "the ends are swapped: the lower one comes first.",
            _ends(lambda seconds, band: seconds * band, lambda seconds, band: seconds / band),
        ),
    ),
)
