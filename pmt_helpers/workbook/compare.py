"""Does a fresh run show what is stored? Words and counts exactly, measured numbers within a stated tolerance.

Another processor adds floating-point numbers in another order. A training then ends on slightly different weights, and
an accuracy moves by a window or two of some hundred. So a measured number, which has a decimal point, a percent sign
or "points", may differ: a fraction by ABSOLUTE (0.02, two points), one above 1 by RELATIVE (5%), each by one unit of
its last printed digit. Whole numbers are counts and must agree, and so must every word and the structure of a figure.
"""

import re
from collections.abc import Iterator
from typing import Any

from nbformat.notebooknode import NotebookNode

from pmt_helpers.workbook.files import PLOTLY

ABSOLUTE, RELATIVE = 0.02, 0.05
# What may differ between two runs on one machine: durations, the machine that preflight describes, object addresses.
_VARYING = (
    (re.compile(r"took (about )?[\d.,]+ ?(µs|ms|s|seconds|minutes)\b"), "took DURATION"),
    (re.compile(r"Ready: Python .*? free,"), "Ready: MACHINE,"),
    (re.compile(r"0x[0-9a-f]{6,}"), "ADDRESS"),
)
_NUMBER = re.compile(
    r"(?<![\w.])[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?(?!\w)(?:\s?%|\spoints?\b)?", re.I
)


def differences(stored: NotebookNode, fresh: NotebookNode) -> Iterator[tuple[int, str]]:
    """The first difference in each cell that differs: its number (from 1, prose included) and what it is."""
    for number, (before, now) in enumerate(zip(stored.cells, fresh.cells, strict=True), start=1):
        if before.cell_type == "code":
            for difference in compare_values(_shown(before), _shown(now), ""):
                yield number, difference
                break


def _shown(cell: NotebookNode) -> list[Any]:
    """What a cell shows: each stream in one piece, since a kernel sends it in pieces of any size, then its displays."""
    streams: dict[str, str] = {}
    displays = []
    for output in cell.outputs:
        if output.output_type == "stream":
            streams[output.name] = streams.get(output.name, "") + output.text
        elif output.output_type == "error":
            displays.append({"error": f"{output.ename}: {output.evalue}"})
        else:
            displays.append({kind: data for kind, data in output.data.items() if not kind.startswith("image/")})
    return [streams, *displays]


def compare_values(stored: Any, fresh: Any, place: str, scale: float = 1.0) -> Iterator[str]:
    """How two JSON values differ; `place` says where they are. scale: the largest magnitude in a list of numbers."""
    if isinstance(stored, str) and isinstance(fresh, str):
        if difference := compare_texts(stored, fresh):
            yield f"{place}: {difference}"
    elif isinstance(stored, dict) and isinstance(fresh, dict) and stored.keys() == fresh.keys():
        for key in stored:
            yield from compare_values(stored[key], fresh[key], f"{place}/{'figure' if key == PLOTLY else key}")
    elif isinstance(stored, list) and isinstance(fresh, list) and len(stored) == len(fresh):
        scale = max([1.0, *(abs(value) for value in stored if _is_number(value))])
        for index, (before, now) in enumerate(zip(stored, fresh, strict=True)):
            yield from compare_values(before, now, f"{place}/{index}", scale)
    elif _is_number(stored) and _is_number(fresh) and not (isinstance(stored, int) and isinstance(fresh, int)):
        if not is_close(stored, fresh, ABSOLUTE * scale):
            yield f"{place}: {stored} is stored, now it is {fresh}"
    elif type(stored) is not type(fresh) or stored != fresh:
        yield f"{place}: {_short(stored)} is stored, now it is {_short(fresh)}"


def compare_texts(stored: str, fresh: str) -> str:
    """What differs between two texts, or "" where only white space and measured numbers within the tolerance do."""
    for pattern, replacement in _VARYING:
        stored, fresh = pattern.sub(replacement, stored), pattern.sub(replacement, fresh)
    for before, now in zip(_NUMBER.split(stored), _NUMBER.split(fresh), strict=False):
        if before.split() != now.split():
            return f"{_short(before)} is stored, now it is {_short(now)}"
    numbers, numbers_now = _NUMBER.findall(stored), _NUMBER.findall(fresh)
    if len(numbers) != len(numbers_now):
        return f"{len(numbers)} numbers are stored, now there are {len(numbers_now)}"
    for before, now in zip(numbers, numbers_now, strict=True):
        if before != now and not _agree(before, now):
            return f"{before} is stored, now it is {now}"
    return ""


def _agree(stored: str, fresh: str) -> bool:
    (before, unit, measured), (now, _, measured_now) = _parse(stored), _parse(fresh)
    return measured and measured_now and is_close(before, now, max(ABSOLUTE, unit))


def _parse(number: str) -> tuple[float, float, bool]:
    """Value, unit of the last digit, and whether it is measured; percentages and points become fractions."""
    digits = number.rstrip("%points ").replace(",", "").replace("\u2212", "-").lower()
    mantissa, _, exponent = digits.partition("e")
    hundredths = 0.01 if len(digits) < len(number.replace(",", "")) else 1.0
    unit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    return float(digits) * hundredths, unit * hundredths, hundredths < 1 or "." in digits or bool(exponent)


def is_close(stored: float, fresh: float, absolute: float = ABSOLUTE) -> bool:
    """Whether two measured numbers may be the same on two processors."""
    size = max(abs(stored), abs(fresh))
    return abs(stored - fresh) <= max(absolute, RELATIVE * size if size > 1 else 0.0) * (1 + 1e-9)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:100]} ... {text[-90:]}"
