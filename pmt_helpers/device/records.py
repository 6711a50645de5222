"""One line of a log, checked field by field. Notebook 05's first exercise writes its simple half."""

import json
import math
from typing import Any, NoReturn

from pmt_helpers.device.recorder import PHASES

EVENTS = ("header", "span", "sample", "end")
COUNTS = (
    "updates",
    "n_samples",
    "epoch",
    "n_documents",
    "n_words",
    "n_tokens",
    "n_topics",
    "iteration",
    "ctx_vol",
    "ctx_invol",
    "minflt",
    "majflt",
    "throttled",
)
NUMBERS = (
    *("t_s", "wall_s", "cpu_s", "rss_mb", "peak_rss_mb", "latency_ms_median", "latency_ms_p99"),
    *("power_w", "psi_cpu_s", "psi_mem_s", "psi_io_s", "mem_avail_mb", "energy_j"),
    *COUNTS,
)
TEXTS = ("phase", "task", "kernel", "error")
_NUMBERS, _TEXTS, _COUNTS = frozenset(NUMBERS), frozenset(TEXTS), frozenset(COUNTS)


class Bad(ValueError):
    """A line that is no record: what was expected, and what was found."""

    def __init__(self, expected: str, found: str) -> None:
        self.expected, self.found = expected, found
        super().__init__(f"expected {expected}, found {found}")


def record_of(line: bytes, first: bool = False) -> dict[str, Any]:
    """The record of one line; of spans and samples, the fields that the schema has. Raises Bad.

    first: a byte order mark may stand before it, which some editors leave there.
    """
    try:
        record = _DECODER.decode(line.decode("utf-8-sig" if first else "utf-8").strip())
    except Bad:
        raise
    except (ValueError, RecursionError):  # no UTF-8, no JSON, a number of thousands of digits, brackets without end
        raise Bad("a JSON object in UTF-8", _shown(line)) from None
    if not isinstance(record, dict) or record.get("ev") not in EVENTS:
        raise Bad(f"an object with ev, one of {', '.join(EVENTS)}", _shown(line))
    if record["ev"] == "header":
        return record
    known = {name: _checked(name, value) for name, value in record.items() if name in _NUMBERS or name in _TEXTS}
    if record["ev"] == "span":
        if known.get("phase") not in PHASES:
            raise Bad(f"a phase, one of {', '.join(PHASES)}", repr(known.get("phase")))
        if "wall_s" not in known:
            raise Bad("wall_s in each span", "none")
    for name in ("temp_c", "freq_mhz"):
        if name in record:
            known[name] = _reading(name, record[name])
    return {"ev": record["ev"], **known}


def seconds_of(record: dict[str, Any]) -> float | None:
    """When a span ended or a sample was taken: the order in which they were written."""
    return record["t_s"] + record.get("wall_s", 0.0) if "t_s" in record else None


def _checked(name: str, value: Any) -> Any:
    if name in _TEXTS:
        if type(value) is not str:
            raise Bad(f"{name} as text", repr(value))
        return value
    kind = type(value)
    if kind is not float and kind is not int:  # not isinstance: True is an int
        raise Bad(f"{name} as a number", repr(value))
    if name in _COUNTS and kind is not int:
        raise Bad(f"{name} as a whole number", repr(value))
    if not 0 <= value < 1e18:
        raise Bad(f"{name} from zero on, below 1e18", str(value)[:60])
    return value


def _reading(name: str, value: Any) -> float:
    """A temperature, which may lie below zero, or the mean clock of the cores."""
    values = value if isinstance(value, list) and name == "freq_mhz" and value else [value]
    if any(type(one) not in (int, float) or not abs(one) < 1e9 for one in values):
        raise Bad(f"{name} as a number" + (" or a list of them" if name == "freq_mhz" else ""), repr(value)[:60])
    return math.fsum(values) / len(values)


def _refuse_constant(name: str) -> NoReturn:
    raise Bad("numbers", name)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
