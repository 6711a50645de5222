"""Data cards: who is in a dataset, how many, under which licence, and what is wrong with it. Notebooks 01 to 04.

A card is data/cards/NAME.toml. Its statements carry the numbers they state, so that check_card can measure each again,
with the measure of the same name in the dataset's own module, or in measures.py where several cards state the same.
"""

import functools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from html import escape
from types import MappingProxyType
from typing import Any

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import shipped


@dataclass(frozen=True)
class Statement:
    """A sentence with the values it states: text holds {placeholders} that expected fills."""

    id: str
    text: str
    expected: Mapping[str, Any]

    def __str__(self) -> str:
        words = {name: ", ".join(map(str, v)) if isinstance(v, list) else v for name, v in self.expected.items()}
        return self.text.format_map(words)


@dataclass(frozen=True)
class Contract:
    """What a recording must be for the models of a dataset, and how its windows are cut and described.

    rate_hz: readings a second. window_s, step_s: seconds. unit, gravity: of the acceleration. axes, placement: how the
    device's axes run, and where it is worn. style: of extract_features.
    """

    rate_hz: float
    window_s: float
    step_s: float
    unit: str
    gravity: bool
    axes: str
    placement: str
    style: str = "plain"

    @property
    def readings(self) -> int:
        """In a window."""
        return round(self.window_s * self.rate_hz)

    @property
    def step(self) -> int:
        """From the start of one window to that of the next, in readings."""
        return round(self.step_s * self.rate_hz)


@dataclass(frozen=True, repr=False)
class DataCard:
    """A dataset in one page. facts say how many, defects what a reader must know before trusting a number.

    details: what only datasets of its kind have, such as sensor, rate and window, or language, document and words.
    classes: short and long name of each; empty for documents. Activity data also says what experiments need to know:
    similar_classes, two that look alike, so that swapping their labels is hard to see; backdoor_target, the class that
    a window with the attacker's mark should be taken for; unseen_split, the kind of split (activity.split_user) whose
    test asks about recordings or bouts never trained on; contract, what somebody's own recording must be.
    """

    name: str
    title: str
    task: str
    who: str
    licence: str
    url: str
    citations: tuple[str, ...]
    facts: tuple[Statement, ...]
    defects: tuple[Statement, ...]
    details: Mapping[str, str]
    classes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    similar_classes: tuple[str, ...] = ()
    backdoor_target: str = ""
    unseen_split: str = ""
    contract: Contract = Contract(0, 0, 0, "", False, "", "")

    def stated(self, statement_id: str) -> Mapping[str, Any]:
        """The values that the statement with this id states. Raises KeyError for an unknown id."""
        return {statement.id: statement for statement in self.facts + self.defects}[statement_id].expected

    def groups(self, users: Iterable[int]) -> list[int]:
        """The group of each user: people who were recorded together count as one. Named after its first person."""
        try:
            pairs = [[int(user) for user in pair.split("-")] for pair in self.stated("paired-people")["pairs"]]
        except KeyError:
            pairs = []
        first = {user: min(pair) for pair in pairs for user in pair}
        return [first.get(int(user), int(user)) for user in users]

    def _rows(self) -> list[tuple[str, str]]:
        classes = "; ".join(short if short == long else f"{short}: {long}" for short, long in self.classes.items())
        rows = [
            ("Task", self.task), ("Who", self.who), *((name.title(), text) for name, text in self.details.items()),
            ("Classes", classes), ("Licence", self.licence), ("Home", self.url),
        ]  # fmt: skip
        return [(what, text) for what, text in rows if text]

    def _parts(self) -> list[tuple[str, tuple[Any, ...]]]:
        parts = [("How many", self.facts), ("Known defects", self.defects), ("Cite", self.citations)]
        return [(heading, items) for heading, items in parts if items]

    def __repr__(self) -> str:
        return f"DataCard({self.name}: {self.title})"

    def __str__(self) -> str:
        rows = self._rows()
        width = 2 + max(len(what) for what, _ in rows)
        lines = [f"{self.title} ({self.name})", *(f"{what + ':':{width}}{text}" for what, text in rows)]
        for heading, items in self._parts():
            lines += [f"{heading}:", *(f"  - {item}" for item in items)]
        return "\n".join(lines)

    def _repr_markdown_(self) -> str:
        table = "\n".join(f"| **{what}** | {escape(text, quote=False)} |" for what, text in self._rows())
        parts = [f"### {self.title}", f"| `{self.name}` | |\n|---|---|\n{table}"]
        for heading, items in self._parts():
            bullets = "\n".join(f"- {escape(str(item), quote=False)}" for item in items)
            parts += [f"**{heading}**", bullets]
        return "\n\n".join(parts) + "\n"


def load_card(name: str) -> DataCard:
    """The card of a dataset; of "mine", that of the dataset your recordings join. Raises DataError for another name."""
    from pmt_helpers.datasets.mine import base_name  # it knows what a card is from here

    return _read_card(base_name(name))


@functools.cache
def _read_card(name: str) -> DataCard:
    path = shipped("cards", f"{name}.toml")
    if not path.is_file():
        known = ", ".join(sorted(card.stem for card in shipped("cards").glob("*.toml")))
        raise DataError(file=path, expected=f"one of {known}", found=repr(name), remedy="check the spelling")
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    for kind in ("facts", "defects"):
        raw[kind] = tuple(Statement(s["id"], s["text"], MappingProxyType(s["expected"])) for s in raw[kind])
    raw = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
    raw["classes"] = MappingProxyType(raw.get("classes", {}))
    if "contract" in raw:
        raw["contract"] = Contract(**raw["contract"])
    common = {column.name for column in fields(DataCard)}
    details = MappingProxyType({key: raw.pop(key) for key in list(raw) if key not in common})
    return DataCard(details=details, **raw)
