"""Data cards: who is in a dataset, how many, under which licence, and what is wrong with it. Notebooks 01 and 02.

A card is data/cards/NAME.toml. Its statements carry the numbers they state, so that check_card can measure each again.
"""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import Any

from pmt_helpers.datasets.locations import shipped


@dataclass(frozen=True)
class Statement:
    """A sentence with the values it states: text holds {placeholders} that expected fills."""

    id: str
    text: str
    expected: Mapping[str, Any]

    def __str__(self) -> str:
        words = {name: ", ".join(map(str, v)) if isinstance(v, list) else v for name, v in self.expected.items()}
        return self.text.format_map(words)


@dataclass(frozen=True, repr=False)
class DataCard:
    """A dataset in one page. facts say how many, defects what a reader must know before trusting a number."""

    name: str
    title: str
    task: str
    who: str
    sensor: str
    rate: str
    window: str
    licence: str
    url: str
    citations: tuple[str, ...]
    classes: Mapping[str, str]
    facts: tuple[Statement, ...]
    defects: tuple[Statement, ...]

    def stated(self, statement_id: str) -> Mapping[str, Any]:
        """The values that the statement with this id states. Raises KeyError for an unknown id."""
        return {statement.id: statement for statement in self.facts + self.defects}[statement_id].expected

    def _rows(self) -> list[tuple[str, str]]:
        classes = "; ".join(short if short == long else f"{short}: {long}" for short, long in self.classes.items())
        return [
            ("Task", self.task), ("Who", self.who), ("Sensor", self.sensor), ("Rate", self.rate),
            ("Window", self.window), ("Classes", classes), ("Licence", self.licence), ("Home", self.url),
        ]  # fmt: skip

    def __repr__(self) -> str:
        return f"DataCard({self.name}: {self.title})"

    def __str__(self) -> str:
        lines = [f"{self.title} ({self.name})", *(f"{what + ':':9}{text}" for what, text in self._rows())]
        for heading, statements in (("How many", self.facts), ("Known defects", self.defects)):
            lines += [f"{heading}:", *(f"  - {statement}" for statement in statements)]
        return "\n".join([*lines, "Cite:", *(f"  - {citation}" for citation in self.citations)])

    def _repr_markdown_(self) -> str:
        def bullets(items: tuple[Any, ...]) -> str:
            return "\n".join(f"- {escape(str(item), quote=False)}" for item in items)

        table = "\n".join(f"| **{what}** | {escape(text, quote=False)} |" for what, text in self._rows())
        return (
            f"### {self.title}\n\n| `{self.name}` | |\n|---|---|\n{table}\n\n**How many**\n\n{bullets(self.facts)}\n\n"
            f"**Known defects**\n\n{bullets(self.defects)}\n\n**Cite**\n\n{bullets(self.citations)}\n"
        )


@functools.cache
def load_card(name: str) -> DataCard:
    """The card of a dataset. Raises FileNotFoundError when none ships under that name."""
    raw = tomllib.loads(shipped("cards", f"{name}.toml").read_text(encoding="utf-8"))
    for kind in ("facts", "defects"):
        raw[kind] = tuple(Statement(s["id"], s["text"], MappingProxyType(s["expected"])) for s in raw[kind])
    return DataCard(**{**raw, "citations": tuple(raw["citations"]), "classes": MappingProxyType(raw["classes"])})
