"""Numbers with fitting units, and log axes that carry them."""

import math
from collections.abc import Callable

import plotly.graph_objects as go

_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
FEW, MANY = 2, 5  # powers of ten on an axis: up to FEW, 2 and 5 are marked too; above MANY, every other power only


def duration(seconds: float) -> str:
    """0.0766 -> "77 ms": two digits."""
    size, unit = next(((size, unit) for size, unit in _SECONDS if abs(seconds) >= 0.995 * size), _SECONDS[-1])
    return f"{two_digits(seconds / size)} {unit}"


def joules(energy: float) -> str:
    """0.01 -> "10 mJ"."""
    return f"{two_digits(1000 * energy)} mJ" if energy < 0.1 else f"{two_digits(energy)} J"


def counted(number: float) -> str:
    """Instructions: 5.9e9 -> "5.9 G"."""
    return f"{two_digits(number / 1e9)} G" if number >= 1e8 else f"{two_digits(number / 1e6)} M"


def two_digits(value: float) -> str:
    """1234.5 -> "1,200", 0.0456 -> "0.046"."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 10 else f"{rounded:g}"


def first_upper(text: str) -> str:
    """The text as a sentence begins; unlike str.capitalize, names keep their capitals."""
    return text[:1].upper() + text[1:]


def log_x_axis(figure: go.Figure, title: str, low: float, high: float, name: Callable[[float], str]) -> None:
    """A log x axis from low to high; `name` turns a tick into words."""
    first, last = math.log10(low), math.log10(high)
    pad = 0.06 * max(last - first, 1.0)
    powers = range(math.floor(first - pad), math.ceil(last + pad) + 1)
    if last - first <= FEW:
        ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    else:
        ticks = [10.0**power for power in powers if len(powers) <= MANY or power % 2 == 0]
    figure.update_xaxes(
        title={"text": title},
        type="log",
        range=[first - pad, last + pad],
        tickvals=ticks,
        ticktext=[name(tick) for tick in ticks],
    )
