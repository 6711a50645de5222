"""The claims table: what the paper says, what we measure, and whether it holds. Every notebook ends with a part of it.

data/claims.csv has one row per claim. A claim holds when our value lies inside the band from `low` to `high`, both ends
included; the band says what we would still call the same finding, and was chosen with the claim, not with the result.
With a value for each of several groups the claim holds when all lie inside, partly when some do. Values, paper and
band of the units "share" and "points" are shares of one, shown as percent and as percentage points. `verdict` in the
file is the verdict for which the reason was written: when the computed one differs, the reason needs rewriting, and
`python -m pmt_helpers claims` fails.
"""

import csv
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import shipped
from pmt_helpers.teaching.display import HtmlOutput
from pmt_helpers.teaching.measures import MEASURES, Value

HOLDS, PARTLY, FAILS, UNMEASURED = VERDICTS = ("holds", "partly", "does not hold", "not measured yet")
_SIGNS = {HOLDS: ("✔", "#009E73"), PARTLY: ("◐", "#B87F00"), FAILS: ("✘", "#D55E00"), UNMEASURED: ("…", "#666666")}


@dataclass(frozen=True)
class Claim:
    """A row of data/claims.csv. paper is None for a claim that the paper makes without a number, or that is ours."""

    id: str
    notebooks: tuple[str, ...]
    section: str
    claim: str
    paper: float | None
    unit: str
    digits: int
    low: float
    high: float
    measure: str
    source: str
    verdict: str
    reason: str

    def number(self, value: float) -> str:
        """A value with the claim's digits and unit."""
        if self.unit == "share":
            return f"{value:z.{self.digits}%}"
        if self.unit == "points":
            return f"{100 * value:+z.{self.digits}f} points"
        return f"{value:z,.{self.digits}f} {self.unit}".rstrip()


COLUMNS = tuple("notebook" if field.name == "notebooks" else field.name for field in fields(Claim))


@dataclass(frozen=True)
class Judged:
    """A claim with the value measured (None: not measured) and the verdict computed from it."""

    claim: Claim
    value: Value | None
    verdict: str

    @property
    def agrees(self) -> bool:
        """Whether the reason in the file was written for this verdict. A value not at hand contradicts nothing."""
        return self.verdict in (self.claim.verdict, UNMEASURED)

    @property
    def reason(self) -> str:
        """The reason, as long as the verdict is the one it was written for."""
        return self.claim.reason if self.verdict == self.claim.verdict else ""

    @property
    def paper_text(self) -> str:
        """The paper's value with its unit, or "no number"."""
        return "no number" if self.claim.paper is None else self.claim.number(self.claim.paper)

    @property
    def value_text(self) -> str:
        """Our value with its unit, group by group where there are several."""
        if self.verdict == UNMEASURED or self.value is None:
            return "not measured"
        if isinstance(self.value, pd.Series):
            return ", ".join(f"{self.claim.number(v)} ({group})".replace("_", " ") for group, v in self.value.items())
        return self.claim.number(float(self.value))


def load_claims(path: Path | None = None) -> list[Claim]:
    """All claims, in the order of the file. Raises DataError for a column, a number or a name that does not fit."""
    path = path or shipped("claims.csv")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or ()
        if tuple(columns) != COLUMNS:
            expected, found = f"the columns {', '.join(COLUMNS)}", ", ".join(columns) or "none"
            raise DataError(file=path, expected=expected, found=found, remedy="fix the first line")
        claims = [_claim(row, path, line) for line, row in enumerate(reader, start=2)]
    ids = [claim.id for claim in claims]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        found = f"{', '.join(twice)} twice"
        raise DataError(file=path, expected="one row per id", found=found, remedy="rename one of them")
    return claims


def _claim(row: dict[str, str], path: Path, line: int) -> Claim:
    def invalid(expected: str, found: str) -> DataError:
        return DataError(file=path, expected=f"{expected} in line {line}", found=found, remedy="fix that line")

    if len(row) > len(COLUMNS):  # a comma outside of quotation marks, which would cut the reason
        raise invalid(f"{len(COLUMNS)} cells", "more: put a text with commas into quotation marks")
    try:
        paper = float(row["paper"]) if row["paper"] else None
        claim = Claim(
            row["id"], tuple(row["notebook"].split()), row["section"], row["claim"], paper, row["unit"],
            int(row["digits"]), float(row["low"]), float(row["high"]),
            row["measure"], row["source"], row["verdict"], row["reason"],
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        raise invalid("numbers in paper, digits, low and high", str(error)) from error
    if not claim.low <= claim.high:
        raise invalid("low at most high", f"{claim.low} and {claim.high}")
    if claim.verdict not in VERDICTS:
        raise invalid(f"a verdict ({', '.join(VERDICTS)})", repr(claim.verdict))
    if claim.measure not in MEASURES:
        raise invalid("a measure of pmt_helpers/teaching/measures.py", repr(claim.measure))
    return claim


def judge_claim(claim: Claim, measured: Value | None = None) -> Judged:
    """Judge by the value given, else by the stored one."""
    if measured is None:
        with suppress(FileNotFoundError, DataError):  # its source is not there: not measured yet
            measured = MEASURES[claim.measure]()
    return Judged(claim, measured, verdict_of(claim, measured))


def verdict_of(claim: Claim, value: Value | None) -> str:
    """Inside the band or not; NaN counts as not measured."""
    values = np.array([], dtype=float) if value is None else np.atleast_1d(np.asarray(value, dtype=float))
    values = values[np.isfinite(values)]
    if not len(values):
        return UNMEASURED
    tolerance = 1e-9 * max(1.0, abs(claim.low), abs(claim.high))  # on the edge is inside, however it was rounded
    inside = (values >= claim.low - tolerance) & (values <= claim.high + tolerance)
    return HOLDS if inside.all() else PARTLY if inside.any() else FAILS


class ClaimsTable(HtmlOutput):
    """Judged claims as text and as HTML."""

    def __init__(self, judged: list[Judged]) -> None:
        self.judged = judged

    def __repr__(self) -> str:
        lines = []
        for item in self.judged:
            lines.append(f"{item.verdict.upper()}: {item.claim.claim}")
            lines.append(f"    paper {item.paper_text}; here {item.value_text}. {item.reason}".rstrip())
        return "\n".join(lines) if lines else "No claims here."

    def to_html(self) -> str:
        """A table with the columns claim (and why), paper, here, verdict."""
        widths = {"Claim": "50%", "Paper": "auto", "Here": "auto", "Verdict": "auto"}
        head = "".join(f'<th style="text-align: left; width: {width}">{name}</th>' for name, width in widths.items())
        rows = []
        for item in self.judged:
            sign, colour = _SIGNS[item.verdict]
            verdict = f'<b><span style="color: {colour}">{sign}</span> {item.verdict}</b>'
            claim = f"{escape(item.claim.claim)}.<br><i>{escape(item.reason)}</i>"
            cells = (claim, item.paper_text, escape(item.value_text).replace("), ", ")<br>"), verdict)
            style = "text-align: left; vertical-align: top"
            rows.append("<tr>" + "".join(f'<td style="{style}">{cell}</td>' for cell in cells) + "</tr>")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def claims_table(
    section: str | None = None, measured: Mapping[str, Value] | None = None, notebook: str | None = None
) -> ClaimsTable:
    """The claims of a section of the paper, of a notebook, or all.

    Parameters
    ----------
    section: "III"; its subsections belong to it.
    measured: values computed just now, by claim id.
    notebook: "02".

    Raises KeyError for an id that is not in the table: a value that goes nowhere is a typing error.
    """
    claims = load_claims()
    measured = dict(measured or {})
    if unknown := sorted(set(measured) - {claim.id for claim in claims}):
        raise KeyError(f"no claim is called {', '.join(unknown)}; there are {', '.join(claim.id for claim in claims)}")
    chosen = [
        claim
        for claim in claims
        if section in (None, claim.section.split("-")[0]) and (notebook is None or notebook in claim.notebooks)
    ]
    return ClaimsTable([judge_claim(claim, measured.get(claim.id)) for claim in chosen])
